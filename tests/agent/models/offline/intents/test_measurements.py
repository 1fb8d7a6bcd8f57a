"""Results of a measurement: the latest, two beside each other, the one before, all of them, how many."""

import pytest

from tests.agent.models.offline.intents.told import Case, check_told, named

AMARA, RENAE, LUCIA = "hard-amara-okafor", "renae-homenick", "hard-lucia-fernandes"
ANSWERED, ABSENT = "answered", "not_in_chart"
CASES: list[Case] = [
    (RENAE, "compare LDL and HDL", ANSWERED, ["89.1 mg/dL on 2026-03-19", "39.0 mg/dL on 2026-03-19"], []),
    (RENAE, "potassium and A1c", ANSWERED, ["3.9 mmol/L", "6.0 %"], []),
    (RENAE, "a1c since 2024", ANSWERED, [": 4 results since 2024, newest first: ", "2024-03-07"], ["2023"]),
    (RENAE, "all LDL results", ANSWERED,
     ["29 results", "older ones are not shown", "2012-07-26"], ["2002-08"]),
    (RENAE, "last 3 LDLs", ANSWERED, ["3 results", "89.1", "134.3", "146.2"], ["134.1"]),
    (RENAE, "blood pressures since 2024", ANSWERED,
     ["161/109.8 mmHg", "148.9/101.2", "141.2/101.8"], ["Note"]),
    (RENAE, "what did her A1c come back as", ANSWERED, ["6.0 % on 2026-03-19"], []),
    (RENAE, "how many A1c results before 2010?", ANSWERED, [": 1 result before 2010, on 2008-05-22"], []),
    (AMARA, "all weights", ANSWERED,
     ["81.5 kilos", "183 lb on 2026-03-02", "84.5 kg on 2025-09-10"], ["lb_av"]),
    (LUCIA, "potassium since 2020", ABSENT, ["No potassium result is recorded"], []),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("patient", "question", "status", "said", "unsaid"), CASES, ids=named)
async def test_results_are_told(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str]
) -> None:
    await check_told(patient, question, status, said, unsaid)
