"""Clauses about the asker are left out by their form, and none that may say which records are meant."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import CannotAnswer
from agent.models.offline.circumstances import cuts
from agent.models.offline.planner import OfflinePlanner

PLANNER = OfflinePlanner()
NOW = date(2026, 11, 22)
QUESTION = "what was her last A1c?"


@pytest.mark.parametrize(
    "said",
    [
        "I think aloud, so what is her last weight?",
        "Pharmacy's on the line, what's her last weight?",
        "For the data completeness check: what is her last weight?",
        "For our publication we report medians: what is her last weight?",
        "Chasing the paperwork from the ward, what is her last weight?",
        "I need her last weight for the dosing chart.",
        "her last weight before I go in",
        "what is her last weight, the surgeon is waiting",
    ],
)
def test_a_clause_about_the_asker_is_left_out(said: str) -> None:
    reading, intent = PLANNER.interpret([said], NOW)
    assert (intent.name, [one.concepts["measurement"].name for one in reading.mentions]) == (
        "latest_result",
        ["body weight"],
    )


@pytest.mark.parametrize(
    "clause",
    [
        "I want fasting values",
        "I only trust the final ones",
        "Excluding the ward",
        "Ignoring the outliers",
        "For the home readings",
        "For the visit in the clinic",
        "Fasting on the ward",
        "The team wants the abnormal ones",
        "We stopped the drip",
        "I would not use the last one",
        "Unless the lab is wrong",
        "The family wants it after surgery",
        "As an inpatient",
    ],
)
def test_a_clause_that_may_say_which_records_are_meant_stays(clause: str) -> None:
    assert not list(cuts(f"{clause}, {QUESTION}"))


@given(
    st.sampled_from(["I am writing", "For the team", "The family is asking", "Filling in the form"]),
    st.sampled_from(
        [
            "not",
            "only",
            "except",
            "other",
            "without",
            "should",
            "next",
            "unless",
            "after",
            "fasting",
        ]
    ),
    st.sampled_from(["letter", "ward meeting", "notes"]),
)
def test_no_word_that_changes_a_question_is_ever_left_out(before: str, word: str, behind: str) -> None:
    with pytest.raises(CannotAnswer):
        pytest.fail(str(PLANNER.read([f"{before} {word} {behind}, {QUESTION}"], NOW)))
