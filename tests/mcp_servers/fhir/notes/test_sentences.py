"""The sentences of a note: where they begin and end, and the headings they stand under."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_servers.fhir.notes.extraction import Piece, assembled
from mcp_servers.fhir.notes.sentences import LONGEST, sentences


def split(text: str) -> list[str]:
    return [text[start:end] for start, end, _ in sentences(text, [])]


def under(text: str) -> list[tuple[str | None, str]]:
    return [(heading, text[start:end]) for start, end, heading in sentences(text, [])]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("No fever. Cough for 3 days.", ["No fever.", "Cough for 3 days."]),
        ("Seen by Dr. Smith at 3 p.m. today. Well.", ["Seen by Dr. Smith at 3 p.m. today.", "Well."]),
        ("HbA1c 7.1 % today", ["HbA1c 7.1 % today"]),
        ("012. Walked far.\n013. Walked less.", ["012. Walked far.", "013. Walked less."]),
        ("aspirin\nmetformin", ["aspirin", "metformin"]),
        ("- fever\n- cough", ["- fever", "- cough"]),
        (
            "The patient denies any fever, chills, chest pain\nor shortness of breath.\nWell.",
            ["The patient denies any fever, chills, chest pain\nor shortness of breath.", "Well."],
        ),
        ("One.\n\nTwo", ["One.", "Two"]),
        ("Is it worse? (Yes.) Good!", ["Is it worse?", "(Yes.)", "Good!"]),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, parts: list[str]) -> None:
    assert split(text) == parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# Plan\nRest. Ice.", [("Plan", "# Plan\nRest."), ("Plan", "Ice.")]),
        ("FAMILY HISTORY\nMother had MI.", [("FAMILY HISTORY", "FAMILY HISTORY\nMother had MI.")]),
        ("Impression:\nNo fracture.", [("Impression", "Impression:\nNo fracture.")]),
        ("Family history: mother had MI.\nPlan: rest", [
            ("Family history", "Family history: mother had MI."), ("Plan", "Plan: rest"),
        ]),
        ("S: Pain.\nO: No fever.", [("S", "S: Pain."), ("O", "O: No fever.")]),
        ("Nurse: Ann\nFall risk low", [(None, "Nurse: Ann"), (None, "Fall risk low")]),
        ("Findings:\nPlan:\nRest.", [("Findings", "Findings:"), ("Plan", "Plan:\nRest.")]),
        ("Plan:", [("Plan", "Plan:")]),
        ("# Gout: hold the diuretic. Rest.", [(None, "# Gout: hold the diuretic."), (None, "Rest.")]),
        ("Patient denies:\n- fever\n- cough", [
            ("Patient denies", "Patient denies:\n- fever"), ("Patient denies", "- cough"),
        ]),
    ],
)  # fmt: skip
def test_sentences_know_their_heading(text: str, expected: list[tuple[str | None, str]]) -> None:
    assert under(text) == expected


def test_headings_that_are_known_are_the_only_ones() -> None:
    read = assembled([Piece("Course", is_heading=True), Piece("Plan: rest.")], [])
    assert [(s.heading, read.text[s.start : s.end]) for s in sentences(*read[:2])] == [
        ("Course", "Course\nPlan: rest.")
    ]


@given(st.lists(st.tuples(st.text(), st.booleans())))
def test_sentences_hold_every_word_in_order_and_never_overlap(pieces: list[tuple[str, bool]]) -> None:
    read = assembled([Piece(*piece) for piece in pieces], [])
    found = list(sentences(read.text, read.headings))
    assert all(0 <= s.start < s.end <= len(read.text) for s in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
    held = "".join(read.text[s.start : s.end] for s in found)
    assert "".join(held.split()) == "".join(read.text.split())


@given(st.text(alphabet="ab .\n", max_size=40).map(lambda text: f"{text * 80}x"))
def test_no_sentence_is_longer_than_the_bound_but_by_its_heading(text: str) -> None:
    read = assembled([Piece(text)], [])
    assert all(s.end - s.start <= LONGEST for s in sentences(read.text, []))
