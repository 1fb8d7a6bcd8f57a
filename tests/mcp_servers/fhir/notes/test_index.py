"""The index over one patient's notes: which sentences answer a search, and in which order."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mcp_servers.fhir.charts.elements import folded
from mcp_servers.fhir.notes.extraction import Piece, assembled
from mcp_servers.fhir.notes.index import MAX_HITS, Hits, Index
from mcp_servers.fhir.notes.sentences import sentences

NOTES = {
    "new": "Plan: rest. Chest pain on walking, gone at rest.",
    "middle": "Denies pain in the chest. Swelling of both ankles. Café au lait spots. BP 138/84.",
    "old": "Walks well.\n\nHypertension, treated.\nMedications:\nlisinopril 10 mg",
}


def indexed(notes: dict[str, str] = NOTES) -> Index:
    index = Index()
    for note, text in notes.items():
        index.put(note, text, sentences(text, []))
    return index


def search(text: str, notes: dict[str, str] = NOTES, widest: int = 0) -> Hits:
    return indexed(notes).search(text, list(notes), widest)


def words(hits: Hits) -> list[str]:
    return [hit.words for hit in hits.best]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("swelling", ["Swelling of both ankles."]),
        ("swell ANKLE", ["Swelling of both ankles."]),
        ("cafe", ["Café au lait spots."]),
        ("138/84", ["BP 138/84."]),
        ('"pain in the chest"', ["Denies pain in the chest."]),
        ("Is there any mention of lisinopril?", ["Medications:\nlisinopril 10 mg"]),
        ("the", ["Denies pain in the chest."]),
        ("headache", []),
        ("", []),
        ("!? °", []),
    ],
)
def test_words_are_found_by_their_stem_without_case_accents_and_fillers(text: str, found: list[str]) -> None:
    assert words(search(text)) == found


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("No pain", ["`No`"]),
        ("Has she ever had pain, or not?", ["`ever`, `not`"]),
        ('"no pain on walking"', []),
        ("pain", []),
        ("not", []),
        ("no headache", []),
    ],
)
def test_a_word_that_turns_the_question_round_is_left_out_of_the_search_with_a_note(
    text: str, left_out: list[str]
) -> None:
    notes = {"a": "Pain on walking. Not today.", "b": "There is no pain on walking."}
    meant = "not searched for: `negated` and `historical` tell how a passage means it."
    assert search(text, notes).notes == [f"{words} {meant}" for words in left_out]


def test_words_side_by_side_as_asked_come_first() -> None:
    assert words(search("chest pain")) == [
        "Chest pain on walking, gone at rest.",
        "Denies pain in the chest.",
    ]


def test_the_beginning_of_a_word_finds_it_and_a_note_says_so() -> None:
    hits = search("hypertens")
    assert words(hits) == ["Hypertension, treated."]
    assert hits.notes == ["`hypertens` is taken as the beginning of longer words."]
    assert words(search("hype")) == []


def test_words_of_several_sentences_are_found_within_a_note_and_a_note_says_so() -> None:
    hits = search(
        "walking plan chest", {"a": "Plan. The chest, as it is, hurts while she is walking up a long hill."}
    )
    assert words(hits) == ["The chest, as it is, hurts while she is walking up a long hill.", "Plan."]
    assert hits.notes == ["No sentence holds every word; these are of notes that hold all of them."]
    assert not any(hit.lacks for hit in hits.best)


def test_where_no_note_has_every_word_the_sentences_with_most_of_them_are_found_and_a_note_says_so() -> None:
    hits = search("chest pain headache")
    assert set(words(hits)) == {"Chest pain on walking, gone at rest.", "Denies pain in the chest."}
    assert hits.notes == ["No note holds every word; these sentences hold 2 of 3. No note holds `headache`."]
    assert [hit.lacks for hit in hits.best] == [["headache"], ["headache"]]


@pytest.mark.parametrize(
    "text", ["chest OR ankles", "chest NOT pain", "words:chest", "NEAR(chest pain)", "ch*"]
)
def test_search_syntax_is_only_words(text: str) -> None:
    assert all("chest" in found.casefold() for found in words(search(text)) if "OR" not in text)


@given(st.text(max_size=200))
def test_any_text_can_be_searched_for(text: str) -> None:
    hits = search(text, widest=300)
    assert hits.total == len(hits.best)


@given(st.lists(st.text(alphabet="abÄß9. \n:#", min_size=1), min_size=1), st.data())
def test_every_word_of_any_note_is_found_where_it_stands(pieces: list[str], data: st.DataObject) -> None:
    read = assembled([Piece(piece) for piece in pieces], [])
    words = [word for word in re.split(r"[\s.:#]+", read.text) if word]
    assume(words)
    index = Index()
    index.put("a", read.text, sentences(read.text, read.headings))
    word = data.draw(st.sampled_from(words))
    hits = index.search(word, ["a"], 300).best
    assert hits
    for hit in hits:
        assert read.text[hit.sentence.start : hit.sentence.end] == hit.words
        assert hit.around[0] <= hit.sentence.start < hit.sentence.end <= hit.around[1]
        assert {folded(hit.words[start:end]) for start, end in hit.mentions} == {folded(word)}


def test_mentions_stand_where_the_words_stand() -> None:
    (hit,) = search("both ankle").best
    assert [hit.words[start:end] for start, end in hit.mentions] == ["both ankles"]
    (hit,) = search("ankle swelling").best
    assert [hit.words[start:end] for start, end in hit.mentions] == ["Swelling", "ankles"]


def test_a_hit_brings_the_sentences_around_it_under_its_heading_within_bounds() -> None:
    notes = {"a": "Plan:\nRest. Ice. Walk.\n\nExam:\nWell."}

    def around(widest: int) -> str:
        (hit,) = search("ice", notes, widest).best
        return notes["a"][slice(*hit.around)]

    assert around(300) == "Plan:\nRest. Ice. Walk."
    assert around(10) == "Ice. Walk."
    assert around(0) == "Ice."


def test_another_hit_is_not_context() -> None:
    notes = {"a": "No fever. Fever at night."}
    assert [notes["a"][slice(*hit.around)] for hit in search("fever", notes, 300).best] == [
        "No fever.",
        "Fever at night.",
    ]


def test_what_several_notes_say_in_the_same_words_is_found_once_as_the_newest_says_it() -> None:
    hits = search(
        "smoked", {"c": "Never smoked.", "a": "Well. Never smoked.", "b": "SOCIAL HISTORY\nNever smoked."}
    )
    assert [(hit.note, hit.also_in) for hit in hits.best] == [("c", ["a"]), ("b", [])]


def test_only_the_notes_named_are_searched() -> None:
    assert [hit.note for hit in indexed().search("pain", ["middle"], 0).best] == ["middle"]


def test_a_note_that_is_put_again_or_removed_is_not_found_as_it_was() -> None:
    index = indexed()
    index.put("new", "Better.", sentences("Better.", []))
    index.remove("middle")
    assert index.search("pain", list(NOTES), 0).total == 0
    assert [hit.note for hit in index.search("better", list(NOTES), 0).best] == ["new"]
    assert index.sentences("middle") == []


def test_more_hits_than_the_bound_are_counted() -> None:
    hits = search("pain", {"diary": "\n".join(f"Day {day}: pain." for day in range(MAX_HITS + 5))})
    assert (len(hits.best), hits.total) == (MAX_HITS, MAX_HITS + 5)
