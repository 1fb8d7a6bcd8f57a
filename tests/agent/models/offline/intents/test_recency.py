"""When a measurement was last done: how long ago, and whether within a stated time."""

import pytest

from tests.agent.models.offline.intents.told import PLANNER, Case, check_told, named
from tests.agent.models.offline.sample_charts import ask

AMARA, RENAE, NOBODY = "hard-amara-okafor", "renae-homenick", "hard-unknown-trauma"
ANSWERED, ABSENT = "answered", "not_in_chart"
CASES: list[Case] = [
    (RENAE, "was the A1c done in the last year?", ANSWERED,
     ["Yes: 1 hemoglobin A1c result", "2026-03-19"], []),
    (RENAE, "has she had an LDL in 2024?", ANSWERED, ["Yes: 4 LDL cholesterol results in 2024", "168.3"], []),
    (RENAE, "was the A1c checked in the last 6 months?", ABSENT,
     ["No: no hemoglobin A1c result is recorded in this chart since 2026-05-01", "outside that time: ",
      "2026-03-19"], []),
    (RENAE, "has it been more than a year since her last A1c?", ANSWERED,
     ["No; the latest", "2026-03-19"], ["Yes"]),
    (RENAE, "is her last LDL over 6 months old?", ANSWERED, ["Yes; the latest", "2026-03-19"], ["No;"]),
    (NOBODY, "has a potassium been done this year?", ABSENT, ["No: no potassium result"], ["outside"]),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("patient", "question", "status", "said", "unsaid"), CASES, ids=named)
async def test_whether_it_was_done_is_told_with_the_results_or_the_last_one(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str]
) -> None:
    await check_told(patient, question, status, said, unsaid)


@pytest.mark.anyio
async def test_how_long_ago_the_last_one_was_is_told_with_today() -> None:
    for question in ("how long since her last A1c?", "how long ago was her A1c last checked?"):
        answer, _ = await ask(PLANNER, f"Patient/{RENAE}", question)
        assert "227 days ago" in answer["text"]
        assert "today, 2026-11-01" in answer["text"]
