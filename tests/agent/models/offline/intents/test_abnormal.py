"""Results outside their range, as records flag them or as their one range has it."""

from pathlib import Path

import pytest

from tests.agent.models.offline.intents.asking import asked, check_said
from tests.agent.models.offline.intents.told import Case, check_told, named

AMARA, RENAE, JOHN = "hard-amara-okafor", "renae-homenick", "john-wilson"
ELDER, NOBODY = "hard-john-smith-1950", "hard-unknown-trauma"
ANSWERED, ABSENT = "answered", "not_in_chart"
CASES: list[Case] = [
    (JOHN, "is his potassium high?", ANSWERED,
     ["4.0 mmol/L on 2026-07-02: interpretation Normal", "3.5-5"], ["Yes"]),
    (AMARA, "is her A1c normal?", ANSWERED, ["7.1 %", "interpretation High, reference range 4-6 %"], ["No,"]),
    (AMARA, "is her glucose normal?", ANSWERED, ["131 mg/dL", "the chart does not say"], []),
    (RENAE, "when was her LDL last normal?", ANSWERED, ["Last normal", "89.1 mg/dL on 2026-03-19"], []),
    (RENAE, "last abnormal LDL", ANSWERED, ["134.3 mg/dL on 2025-03-06", "interpretation High"], ["89.1"]),
    (RENAE, "any abnormal LDL since 2025?", ANSWERED,
     ["1 abnormal LDL", "of 2 results since 2025", "134.3"], ["89.1"]),
    ("lee-watson", "was his sodium ever low", ANSWERED, ["is not recorded as low: "], ["unverified"]),
    (RENAE, "has her LDL ever been low?", ANSWERED, ["None of", "is recorded as low", "89.1 mg/dL"], []),
    (AMARA, "abnormal glucose results", ANSWERED,
     ["The chart does not say", "of 3 glucose results none"], []),
    (JOHN, "reference range for creatinine", ANSWERED, ["Reference range of Creatinine", "mg/dL"], []),
    (NOBODY, "is his potassium normal?", ABSENT, ["No potassium result is recorded"], []),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("patient", "question", "status", "said", "unsaid"), CASES, ids=named)
async def test_a_result_is_abnormal_where_its_record_says_so(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str]
) -> None:
    await check_told(patient, question, status, said, unsaid)


@pytest.mark.anyio
async def test_abnormal_results_of_all_kinds_are_found_in_a_window(data_dir: Path) -> None:
    answer = await asked(data_dir, f"Patient/{JOHN}", "any abnormal labs in July 2026?")
    said = ["47.1 mmHg on 2026-07-08", "107.0 mg/dL on 2026-07-02", "0.23 ng/mL on 2026-07-02"]
    check_said(answer, ANSWERED, said, ["Oxygen saturation", "Respiratory"])


@pytest.mark.anyio
async def test_where_no_result_is_flagged_none_is_said_to_be(data_dir: Path) -> None:
    answer = await asked(data_dir, f"Patient/{ELDER}", "abnormal labs in 2020")
    check_said(answer, ABSENT, ["No abnormal result is recorded in this chart in 2020"], ["normal."])
