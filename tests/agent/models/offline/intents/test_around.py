"""A value at a moment: on or near a day, at an event, before it, at an age."""

import pytest

from tests.agent.models.offline.intents.told import Case, check_told, named

RENAE = "renae-homenick"
ANSWERED, ABSENT = "answered", "not_in_chart"
CASES: list[Case] = [
    (RENAE, "LDL before 2020", ANSWERED,
     ["Last LDL cholesterol before 2020", "100.9 mg/dL on 2019-03-07"], ["78.8"]),
    (RENAE, "A1c around March 2020", ANSWERED,
     ["No hemoglobin A1c result", "nearest", "6.0 % on 2020-01-16"], []),
    (RENAE, "bp before surgery", ANSWERED, ["141.2/101.8 mmHg on 2024-03-07", "bypass on 2024-04-11"], []),
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
