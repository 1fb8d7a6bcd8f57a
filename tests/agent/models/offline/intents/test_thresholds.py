"""Values above or below a number: how many, which, ever, the first, the last, whether the latest is."""

from pathlib import Path

import pytest

from tests.agent.models.offline.intents.asking import asked, check_said
from tests.agent.models.offline.intents.told import Case, check_told, named

AMARA, RENAE, MEI = "hard-amara-okafor", "renae-homenick", "hard-mei-tanaka"
NOBODY = "hard-unknown-trauma"
ANSWERED, ABSENT = "answered", "not_in_chart"
CASES: list[Case] = [
    (RENAE, "how many A1cs above 7?", ANSWERED, ["5 of 19 results", "2008-05-22", "2014-06-12"], []),
    (RENAE, "how many LDL results over 140 mg/dL since 2015?", ANSWERED, ["above 140 mg/dL", "3 of 16"], []),
    (RENAE, "any A1c over 9?", ANSWERED,
     ["No hemoglobin A1c result is that high", "The highest", "7.5 % on 2008"], ["Yes"]),
    (RENAE, "has her A1c ever been over 7.2 %?", ANSWERED,
     ["Yes: 2 hemoglobin A1c results", "7.5 %", "7.3 %"], []),
    (RENAE, "when was her A1c last above 7?", ANSWERED, ["7.1 % on 2014-06-12"], ["7.5"]),
    (RENAE, "first LDL below 100 since 2015?", ANSWERED, ["78.8 mg/dL on 2020-01-16"], ["89.1"]),
    (RENAE, "Was the last A1c higher than 5.5?", ANSWERED, ["Yes; the latest result: ", "6.0 %"], []),
    (RENAE, "last time the LDL was over 130", ANSWERED,
     ["No; the latest", "89.1", "Before that, above 130: ", "134.3"], []),
    (RENAE, "is her LDL below 70?", ANSWERED, ["No; the latest result: ", "89.1 mg/dL"], ["Yes"]),
    (RENAE, "systolic blood pressures above 165 since 2020", ANSWERED, ["1 systolic", "168.8 mmHg"], ["161"]),
    (RENAE, "LDL between 100 and 105", ANSWERED, ["104.4 mg/dL", "100.9 mg/dL"], ["105.1"]),
    (NOBODY, "any potassium above 5?", ABSENT, ["No potassium result is recorded"], []),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("patient", "question", "status", "said", "unsaid"), CASES, ids=named)
async def test_values_beyond_a_limit_are_told(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str]
) -> None:
    await check_told(patient, question, status, said, unsaid)


@pytest.mark.anyio
async def test_a_limit_without_a_unit_asks_back_where_values_are_recorded_in_several(data_dir: Path) -> None:
    answer = await asked(data_dir, f"Patient/{AMARA}", "any glucose above 7?")
    check_said(answer, "refused", ["recorded in mg/dL, mmol/L"], [])


@pytest.mark.anyio
async def test_a_value_with_a_comparator_may_leave_it_open() -> None:
    await check_told(MEI, "is her INR above 9?", ANSWERED, ["cannot be told", ">8.0"], ["Yes", "No,"])
    await check_told(MEI, "is her INR above 4?", ANSWERED, ["Yes; ", ">8.0"], ["No"])
