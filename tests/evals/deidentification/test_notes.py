"""The marked notes are whole, and a mark that does not fit its note is found."""

from collections import Counter
from dataclasses import FrozenInstanceError

import pytest

from evals.deidentification.notes import (
    CLASSES,
    SPLITS,
    Chart,
    IdentifierClass,
    InvalidNote,
    Split,
    notes,
    read,
)

NOTE = """
[[note]]
id = "one"
split = "development"
style = "clinic note"
text = '''
May Park may park by the park; May 3 is a May day, HR 90.
'''
identifiers = [
    { text = "May Park", class = "name", in_chart = true },
    { text = "May 3", class = "date", in_chart = false },
]
keep = ["may park by the park", "May day", "HR 90"]

[note.chart]
name = "May Park"
birth_date = "1950-05-03"
"""


def test_reads_a_note() -> None:
    (note,) = read(NOTE)
    assert [(mark.text, mark.start, mark.end) for mark in note.identifiers] == [
        ("May Park", 0, 8),
        ("May 3", 31, 36),
    ]
    assert note.keep == ("may park by the park", "May day", "HR 90")
    with pytest.raises(FrozenInstanceError):
        note.text = ""  # type: ignore[misc]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"development"', '"other"', "no such split"),
        ('text = "May 3"', 'text = "May 4"', "does not occur"),
        (
            'class = "date", in_chart = false',
            'class = "date", in_chart = false, occurrence = 2',
            "does not occur",
        ),
        ('class = "date"', 'class = "day"', "no such class"),
        ('class = "date", in_chart = false', 'class = "date", in_chart = true', "marked wrongly"),
        ('"HR 90"', '"HR 91"', "to be kept is not in the text"),
        ('"HR 90"', '"May day"', "kept twice"),
        ('"HR 90"', '"Park may"', "outside identifiers"),
        ('"May day", ', "", None),
        ('text = "May 3"', 'text = "May"', "overlap"),
    ],
)
def test_finds_a_mark_that_does_not_fit(old: str, new: str, complaint: str | None) -> None:
    assert old in NOTE
    changed = NOTE.replace(old, new)
    if complaint is None:
        assert read(changed)
        return
    with pytest.raises(InvalidNote, match=complaint):
        read(changed)


def test_finds_an_identifier_forgotten_elsewhere_in_the_note() -> None:
    with pytest.raises(InvalidNote, match="neither marked nor kept"):
        read(NOTE.replace("HR 90.", "HR 90. Tell May Park."))


def test_ids_are_unique() -> None:
    with pytest.raises(InvalidNote, match="same id"):
        read(NOTE + NOTE)


@pytest.mark.parametrize(
    ("text", "kind", "known"),
    [
        ("LEE, JOSÉ", "name", True),
        ("Dr. Ana Ruiz's", "name", True),
        ("José Ruizman", "name", False),
        ("J.", "name", False),
        ("4/5/1961", "date", True),
        ("5 Apr. '61", "date", True),
        ("1961 April 5", "date", True),
        ("April 1961", "date", False),
        ("May 4, 1961", "date", False),
        ("4/6/1961", "date", False),
        ("dayton", "geography", True),
        ("Day", "geography", False),
        ("(419) 555-0100", "phone", True),
        ("+1 419.555.0100", "fax", True),
        ("555-0100", "phone", False),
        ("mr 12-3", "mrn", True),
        ("lee@example.org", "email", True),
    ],
)
def test_what_a_chart_knows(text: str, kind: IdentifierClass, known: bool) -> None:
    chart = Chart(
        name="José Lee",
        birth_date="1961-04-05",
        mrns=("MR123",),
        phones=("419-555-0100",),
        emails=("lee@example.org",),
        address=("1 Elm Row", "Dayton", "OH", "45402"),
        practitioners=("Ana Ruiz",),
    )
    assert chart.knows(text, kind) is known


@pytest.mark.parametrize("split", SPLITS)
def test_the_notes_are_whole(split: Split) -> None:
    found = notes(split)
    marks = [mark for note in found for mark in note.identifiers]
    assert {note.split for note in found} == {split}
    assert len(found) >= 60
    assert Counter(mark.kind for mark in marks).keys() == CLASSES
    assert {mark.in_chart for mark in marks} == {True, False}
    assert all(note.identifiers and note.keep for note in found)


def test_the_splits_share_no_note() -> None:
    texts = [note.text for split in SPLITS for note in notes(split)]
    assert len(set(texts)) == len(texts)
