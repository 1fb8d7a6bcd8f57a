"""A value at a moment: on or near a day, at an event, before it, at an age."""

import pytest

from tests.agent.models.offline.intents.told import PLANNER, Case, check_told, named
from tests.agent.models.offline.sample_charts import ask

RENAE = "renae-homenick"
ANSWERED, ABSENT = "answered", "not_in_chart"
CASES: list[Case] = [
    (RENAE, "LDL before 2020", ANSWERED,
     ["Last LDL cholesterol before 2020", "100.9 mg/dL on 2019-03-07"], ["78.8"]),
    (RENAE, "A1c around March 2020", ANSWERED,
     ["No hemoglobin A1c result", "nearest", "6.0 % on 2020-01-16"], []),
    (RENAE, "bp before surgery", ANSWERED, ["141.2/101.8 mmHg on 2024-03-07", "bypass on 2024-04-11"], []),
    (RENAE, "LDL before and after surgery", ANSWERED,
     ["116.5 mg/dL on 2024-04-10", "134.1 mg/dL on 2024-04-18"], []),
    (RENAE, "LDL closest to 2022-02-01", ANSWERED,
     ["nearest to 2022-02-01", "104.4 mg/dL on 2022-01-13, before it, the nearer"], []),
    ("hard-amara-okafor", "weight when metformin was started", ANSWERED,
     ["84.5 kg on 2025-09-10, 13 years after it"], []),
    (RENAE, "LDL closest to 2022-01-10", ANSWERED,
     ["on 2021-01-21, 11 months before it", "on 2022-01-13, after it, the nearer"], []),
    (RENAE, "creatinine when metformin was started", ABSENT,
     ["does not tell when metformin was started"], []),
    (RENAE, "average LDL since surgery", ANSWERED, ["since 2024-04-11", "bypass on 2024-04-11"], []),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("patient", "question", "status", "said", "unsaid"), CASES, ids=named)
async def test_a_value_is_told_by_a_moment(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str]
) -> None:
    await check_told(patient, question, status, said, unsaid)


@pytest.mark.anyio
async def test_a_value_at_an_age_is_of_the_year_from_birthday_to_birthday() -> None:
    answer, _ = await ask(PLANNER, f"Patient/{RENAE}", "weight at age 60")
    assert "87.0 kg on 2006-03-09" in answer["text"]
    assert "2004" not in answer["text"]
    assert "age 60" in answer["text"]
