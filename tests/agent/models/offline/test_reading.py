"""Wordings, as tables: what is read as what, and what is refused (`wordings.jsonl`, `refusals.txt`).

Many rows of `wordings.jsonl` were frozen from the planner's own readings, then checked: they guard against
change. How well everyday questions are answered is measured in `evals`, whose wordings are independent.
"""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.errors import CannotAnswer
from agent.models.offline import OfflinePlanner
from agent.models.offline.concepts import Kind, load_lexicon
from agent.models.offline.intents import CUES, INTENTS
from agent.models.offline.reading import Reading, read
from agent.models.offline.several import Unanswered

HERE = Path(__file__).parent
NOW = date(2026, 11, 22)
WORDINGS: list[dict[str, Any]] = [
    json.loads(line) for line in (HERE / "wordings.jsonl").read_text("utf-8").splitlines()
]
REFUSALS = (HERE / "refusals.txt").read_text("utf-8").splitlines()
LEXICON = load_lexicon(CUES)
PLANNER = OfflinePlanner()


def _named(reading: Reading, names: list[str]) -> bool:
    """Whether the mentions name these concepts, each by one of the kinds it may be of."""
    offered = [{concept.name for concept in one.concepts.values()} for one in reading.mentions]
    return len(offered) == len(names) and all(
        name in found for name, found in zip(names, offered, strict=True)
    )


def test_a_wording_is_read_as_its_intent_with_its_slots() -> None:
    for row in WORDINGS:
        reading, intent = PLANNER.interpret([row["q"]], NOW)
        assert intent.name == row["intent"], row["q"]
        assert _named(reading, row.get("about", [])), row["q"]
        assert (reading.window.arguments if reading.window else None) == row.get("window"), row["q"]
        assert reading.n == row.get("n"), row["q"]
        assert [list(pair) for pair in reading.corrected] == row.get("corrected", []), row["q"]


def test_no_two_intents_take_one_wording() -> None:
    for row in WORDINGS:
        reading = read(row["q"], NOW, LEXICON)
        assert [intent.name for intent in INTENTS if intent.takes(reading)] == [row["intent"]], row["q"]


def test_what_is_not_read_to_the_last_word_is_refused() -> None:
    for question in REFUSALS:
        with pytest.raises(CannotAnswer, match="I answer look-ups such as"):
            pytest.fail(f"{question} was read as {PLANNER.interpret([question], NOW)[1].name}")


@given(
    row=st.sampled_from([one for one in WORDINGS if one["intent"] != "note_mentions"]),
    word=st.sampled_from(["not", "xylophone", "safely", ">", "7"]),
)
@example(row={"q": "Has he ever smoked, or is he a current smoker?"}, word="not")
def test_a_word_that_nothing_accounts_for_makes_any_question_or_that_part_of_it_refused(
    row: dict[str, Any], word: str
) -> None:
    try:
        parts = PLANNER.read([f"{row['q'].rstrip('?')} {word}"], NOW)
    except CannotAnswer:
        return
    assert [word for part in parts if isinstance(part, Unanswered) and word in part.text] == [word]


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        reading, _ = PLANNER.interpret([text], NOW)
    except CannotAnswer:
        return
    assert not reading.unread


def test_an_empty_question_and_a_very_long_one_are_refused_at_once() -> None:
    with pytest.raises(CannotAnswer, match="no question"):
        PLANNER.interpret(["  \n"], NOW)
    with pytest.raises(CannotAnswer, match="too long"):
        PLANNER.interpret(["a1c " * 25_000], NOW)


@pytest.mark.parametrize(
    ("given_word", "taken"),
    [
        ("creatinin", "creatinine"),
        ("hemoglobn", "hemoglobin"),
        ("alergies", "allergy"),
        ("lastest", "latest"),
        ("vist", "visit"),
        ("oders", "order"),
        ("takn", "taken"),
        ("faling", "falling"),
        ("amoung", "among"),
        ("evr", "ever"),
    ],
)
def test_a_misspelt_word_is_taken_for_the_one_word_it_may_mean(given_word: str, taken: str) -> None:
    assert read(f"{given_word}", NOW, LEXICON).corrected == ((given_word, taken),)


@pytest.mark.parametrize(
    "word", ["never", "fever", "unless", "should", "plans", "ziprafloxacin", "a1d", "lat", "cal", "supine"]
)
def test_a_word_that_means_something_else_is_no_misspelling(word: str) -> None:
    reading = read(word, NOW, LEXICON)
    assert reading.corrected == ()
    assert reading.unread


def test_a_name_between_two_drugs_is_not_corrected() -> None:
    # One letter from prednisolone, and two from prednisone.
    assert read("is she on prednisolne", NOW, LEXICON).unread == ("prednisolne",)


def test_the_dictionary_holds_several_hundred_concepts_of_each_common_kind() -> None:
    found: dict[Kind, set[str]] = {}
    for named in LEXICON.concepts.values():
        for kind, concept in named.items():
            found.setdefault(kind, set()).add(concept.name)
    counts = {kind: len(names) for kind, names in found.items()}
    assert counts["drug"] > 300
    assert counts["problem"] > 150
    assert counts["measurement"] > 120
    assert min(counts["vaccine"], counts["procedure"], counts["substance"]) > 20


def test_no_phrase_is_both_a_cue_and_the_name_of_something() -> None:
    assert not LEXICON.cues.keys() & LEXICON.concepts.keys()
    assert not LEXICON.fillers & (LEXICON.cues.keys() | LEXICON.concepts.keys())


def test_no_word_that_may_change_what_is_asked_carries_nothing() -> None:
    telling = {"not", "never", "without", "except", "only", "should", "risk", "normal", "safe", "why", "but"}
    telling |= {"worse", "or", "unless", "other", "need", "too", "again", "stop", "hold", "held", "next"}
    polite = {"i need", "i just", "all i", "what i", "if you", "next question"}
    found = {" ".join(phrase) for phrase in LEXICON.fillers if telling.intersection(phrase)}
    assert not {phrase for phrase in found if " ".join(phrase.split()[:2]) not in polite}
    # "If" and "can" are polite in some phrases, and by themselves tell a condition and a permission.
    assert not {("if",), ("can",), ("may",), ("will",), ("would",), ("could",)} & LEXICON.fillers


def test_every_cue_is_one_that_some_intent_or_follow_up_reads() -> None:
    read_somewhere = {"follow", "that", "pmh", "prescription"}.union(
        *(intent.may.union(*intent.needs) for intent in INTENTS)
    )
    assert set(LEXICON.cues.values()) <= read_somewhere


@pytest.mark.parametrize(
    ("question", "intent"),
    [
        ("I want a count of every potassium greater than 4.5", "count_beyond"),
        ("Who's on her care team?", "care_records"),
        ("mean of all her hemoglobin readings", "statistics"),
        ("all the encounters during 2026, with dates", "visits"),
    ],
)
def test_words_that_only_build_a_sentence_hide_no_question(question: str, intent: str) -> None:
    assert PLANNER.interpret([question], NOW)[1].name == intent
