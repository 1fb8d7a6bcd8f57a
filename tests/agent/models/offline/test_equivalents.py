"""Roundabout ways of saying are read as the plain ones, and nothing near to them is."""

import pytest

from agent.models.offline.equivalents import said_plainly


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("weight once 13 April 2026 had passed", "weight after 13 April 2026"),
        ("once we got past Apr 13, 2026, the weight", "after Apr 13, 2026, the weight"),
        ("from the day after 2026-04-13", "after 2026-04-13"),
        ("the weight that came right after 2026-04-13", "the weight next right after 2026-04-13"),
        ("the weight at the next check after 2026-04-13", "the weight next after 2026-04-13"),
        ("potassium and sodium, latest of each", "potassium and sodium, latest of"),
        ("Have 12 months gone by since her last A1c?", "has it been more than 12 months since her last A1c?"),
        ("Has she gone over 6 months without an A1c?", "has it been more than 6 months since the last A1c?"),
        ("What would the mean of her A1cs be?", "what is the mean of her A1cs?"),
        ("how many A1cs do we hold?", "how many A1cs do we have?"),
        ("It's the last A1c that I need.", "the last A1c."),
        ("What the team needs is the last A1c", "the last A1c"),
        ("the median A1c, not the mean", "the median A1c"),
        ("Could the weights from 2026 be averaged for me?", "average of the weights from 2026?"),
        ("I think in pounds, so what's her weight in that?", "what's her weight in pounds?"),
        ("how high his weight went in 2026", "how high did his weight go in 2026"),
        ("Since the last A1c, how many months have gone by?", "how long since the last A1c?"),
        ("2026-04-13: the first A1c after that day", "the first A1c after 2026-04-13"),
        ("A1c required every 6 months", "A1c repeated every 6 months"),
        ("overdue if it's supposed to be every 6 months?", "overdue repeated every 6 months?"),
        ("What'd she weigh?", "What did she weigh?"),
        ("I need two things for pre-op: A1c and weight", "A1c and weight"),
        (
            "Doesn't have to be exact, but about what was her A1c near 2026-07-17?",
            "what was her A1c near 2026-07-17?",
        ),
        (
            "Compare her A1c on 2026-02-05 and 2026-04-16",
            "change in her A1c between 2026-02-05 and 2026-04-16",
        ),
        ("the first A1c drawn or taken", "the first A1c drawn"),
        ("the gap between now and the last A1c", "the time since the last A1c"),
        ("as of the day before 2026-04-13", "before 2026-04-13"),
        ("What would her weight be if you put it in pounds?", "what is her weight in pounds?"),
        ("The last time her ALT wasn't normal", "when was the last time her ALT wasn't normal"),
        ("I'm after the last time his A1c was high.", "when was the last time his A1c was high."),
        ("last weight - how long ago", "how long ago was last weight"),
        ("For the pre-op comparison, what is her creatinine?", "what is her creatinine?"),
    ],
)
def test_what_is_said_in_a_roundabout_way_is_said_plainly(said: str, plain: str) -> None:
    assert " ".join(said_plainly(said).split()) == plain


@pytest.mark.parametrize(
    "said",
    [
        "A1c in the past 2 years",
        "the past 3 results",
        "what would her A1c be tomorrow?",
        "should we hold the metformin?",
        "the last time she was seen, what was her A1c?",
        "was it low the last time it was measured?",
        "the last time she was here how was her A1c?",
        "last weight, and how long ago was the A1c?",
        "pre-op creatinine",
        "how long since the last A1c?",
        "the last A1c, not the one in 2019",
        "what would her weight be in 2030?",
        "is it the metformin that raised her creatinine?",
    ],
)
def test_other_words_stay(said: str) -> None:
    assert said_plainly(said) == said
