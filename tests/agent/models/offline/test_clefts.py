"""Questions told as what somebody wants."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.models.offline.clefts import without_cleft


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("What I need is her last A1c.", "her last A1c."),
        ("What I'd like to know is if she ever had a colonoscopy.", "she ever had a colonoscopy."),
        ("What the daycare wants to know is whether he got MMR", "he got MMR"),
        ("What I need for the claim is every date of dialysis", "every date of dialysis"),
        ("What I don't know is when he stopped aspirin", "when he stopped aspirin"),
        ("What I need is two things: whether she smokes", "she smokes"),
        ("It's the latest A1c that I'm after.", "the latest A1c"),
        ("It's the second colonoscopy I want the date of.", "the date of the second colonoscopy"),
    ],
)
def test_what_is_wanted_is_the_question(said: str, asked: str) -> None:
    assert without_cleft(said) == asked


@pytest.mark.parametrize(
    "said",
    [
        "What the patient needs is a statin",
        "What she needs is aspirin",
        "What I want is to stop the metformin",
        "What we need is a new order for aspirin",
        "What I need is another A1c",
        "What we should give is aspirin",
        "It is the potassium that worries me",
        "What is her last A1c?",
    ],
)
def test_a_wish_for_the_patient_is_none(said: str) -> None:
    assert without_cleft(said) == said


@given(
    st.sampled_from(["not", "only", "except", "other", "without", "should", "next", "predicted", "unless"])
)
def test_a_word_that_changes_what_is_asked_stays(word: str) -> None:
    assert word in without_cleft(f"What I need is the {word} A1c").split()
    assert word in without_cleft(f"It's the {word} A1c that I need").split()
