"""Panels of measurements: the latest of each, what is not recorded, and nothing twice."""

import pytest

from tests.agent.models.offline.intents.told import Case, check_told, named

AMARA, RENAE, LUCIA = "hard-amara-okafor", "renae-homenick", "hard-lucia-fernandes"
JOHN = "john-wilson"
ANSWERED, ABSENT = "answered", "not_in_chart"
CASES: list[Case] = [
    (RENAE, "lipids?", ANSWERED,
     ["The latest of each: ", "150.9 mg/dL", "89.1 mg/dL", "39.0 mg/dL", "113.7 mg/dL"], []),
    (RENAE, "last H/H", ANSWERED, ["Hematocrit", "45.1 % on 2024-04-19"], ["Leukocytes"]),
    (RENAE, "show me her lytes in 2024", ANSWERED,
     ["The latest of each in 2024: "], ["2026-03"]),
    (AMARA, "what were her last vitals?", ANSWERED,
     ["138/84 mmHg", "81.5 kilos", "Not recorded: heart rate, respiratory rate"], ["Diastolic"]),
    (JOHN, "any abnormal values in the last bmp?", ANSWERED,
     ["recorded as abnormal: Glucose", "107.0 mg/dL on 2026-07-02", "not recorded as abnormal: "], []),
    (JOHN, "is the cbc normal?", ANSWERED,
     ["recorded as abnormal: none", "14.6 g/dL", "Not recorded: hem"], ["Yes"]),
    (JOHN, "lytes and h/h", ANSWERED, ["136.0 mmol/L", "14.6 g/dL"], []),
    (AMARA, "bmp", ANSWERED, ["131 mg/dL"], []),
    ("tammy-parker", "time since last CBC", ANSWERED,
     ["Last result of complete blood count: 29 days ago, as of 2026-11-01: ", "The latest of each: "], []),
    (LUCIA, "cmp", ABSENT,
     ["No glucose, calcium, sodium", "or aspartate aminotransferase result is recorded"], []),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("patient", "question", "status", "said", "unsaid"), CASES, ids=named)
async def test_a_panel_is_told_by_the_latest_of_each_of_its_measurements(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str]
) -> None:
    await check_told(patient, question, status, said, unsaid)
