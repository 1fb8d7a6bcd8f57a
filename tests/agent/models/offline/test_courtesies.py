"""What is said before a question, and what is never taken for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.models.offline.courtesies import without_courtesies


@pytest.mark.parametrize(
    ("said", "question"),
    [
        ("Good morning! Could you please tell me whether she takes aspirin?", "she takes aspirin?"),
        ("I'd like to know when she was last seen", "when she was last seen"),
        ("please let me know if she's on lisinopril", "she's on lisinopril"),
        ("quick question - is he on a statin?", "is he on a statin?"),
        ("need her last INR", "her last INR"),
        ("need everything she takes", "everything she takes"),
        ("Need to know about any implants", "about any implants"),
        ("ok, last INR", "last INR"),
        ("is the INR okay", "is the INR okay"),
        ("last INR", "last INR"),
        ("the patient's last INR", "the patient's last INR"),
        ("Good morning!", "Good morning!"),
        ("show me", "show me"),
    ],
)
def test_a_question_is_left_without_what_only_leads_to_it(said: str, question: str) -> None:
    assert without_courtesies(said) == question


@pytest.mark.parametrize(
    "said",
    [
        "If she is on warfarin, what is the INR?",
        "Does she need a statin?",
        "Whether or not she smokes",
        "unless",
    ],
)
def test_a_condition_and_a_need_stay(said: str) -> None:
    assert without_courtesies(said) == said


@given(before=st.sampled_from(["", "hi, ", "can you tell me "]), text=st.text("abc xyz?7-", min_size=1))
def test_only_the_beginning_is_ever_taken_off(before: str, text: str) -> None:
    assert (before + text).endswith(without_courtesies(before + text))


@given(st.sampled_from(["not", "except", "without", "unless", "should", "risk", "safe", "worse", "normal"]))
def test_a_word_that_changes_what_is_asked_is_never_taken_off(word: str) -> None:
    assert word in without_courtesies(f"Could you please tell me {word} the last A1c")
