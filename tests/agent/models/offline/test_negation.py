"""Questions that expect a no, and tags: the plain question in them, answered with the facts."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import CannotAnswer
from agent.grounding import check
from agent.models.offline import OfflinePlanner
from tests.agent.models.offline.sample_charts import NOW, ask

TODAY = date(2026, 11, 22)
PLANNER = OfflinePlanner()
AMARA = "Patient/hard-amara-okafor"


@pytest.mark.parametrize(
    ("question", "intent", "negated"),
    [
        ("isn't he on warfarin?", "on_drug", True),
        ("isnt he on warfarin", "on_drug", True),
        ("Is she not on metformin?", "on_drug", True),
        ("she's not on metformin, is she?", "on_drug", True),
        ("the patient isn't on insulin", "on_drug", True),
        ("She doesn't have diabetes, does she?", "has_problem", True),
        ("no hx of stroke?", "has_problem", True),
        ("hasn't she had a flu shot?", "immunizations", True),
        ("not allergic to penicillin?", "allergic_to_drug", True),
        ("she has asthma, right?", "has_problem", False),
        ("She's on metformin, isn't she?", "on_drug", False),
        ("how old is she?", "demographics", False),
    ],
)
def test_a_question_that_expects_an_answer_is_the_plain_question(
    question: str, intent: str, negated: bool
) -> None:
    reading, taken = PLANNER.interpret([question], TODAY)
    assert taken.name == intent
    assert reading.negated is negated


@pytest.mark.parametrize(
    "question",
    [
        "which statin is she not on?",
        "meds he's not on",
        "why isn't she on a statin?",
        "when was she not on metformin?",
        "how many visits did she not attend",
        "all medications not started in 2019",
        "is she on metformin but not insulin?",
        "don't give metformin",
        "not",
        "isn't she not on metformin?",
    ],
)
def test_a_negation_that_says_which_ones_are_meant_is_not_read(question: str) -> None:
    with pytest.raises(CannotAnswer):
        pytest.fail(PLANNER.interpret([question], TODAY)[1].name)


@given(st.sampled_from(["on metformin", "current meds", "last A1c", "ER visits since 2020", "any allergies"]))
def test_a_negation_after_the_question_began_is_not_read(question: str) -> None:
    for words in (f"{question} not in 2019", f"{question} that are not active", f"what {question} not"):
        with pytest.raises(CannotAnswer):
            PLANNER.interpret([words], TODAY)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("isn't she on metformin?", "On record: metformin"),
        ("she doesn't have diabetes, does she?", "On record: Diabetes mellitus type 2 (active"),
        ("she doesn't have COPD, does she?", "No, recorded as ruled out"),
        ("isn't she on warfarin?", "warfarin"),
    ],
)
async def test_the_answer_is_the_facts_and_no_bare_yes(question: str, said: str) -> None:
    answer, results = await ask(PLANNER, AMARA, question)
    assert said in answer["text"]
    assert not answer["text"].startswith("Yes")
    assert check(answer["text"], answer["citations"], results, question, NOW).grounding.unsupported == ()
