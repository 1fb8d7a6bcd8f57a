"""The course of a measurement: its change, its trend, whether it goes up or down."""

import pytest

from tests.agent.models.offline.intents.told import Case, check_told, named

AMARA, RENAE, NOBODY = "hard-amara-okafor", "renae-homenick", "hard-unknown-trauma"
ANSWERED, ABSENT = "answered", "not_in_chart"
CASES: list[Case] = [
    (RENAE, "A1c trend", ANSWERED,
     ["fell from 7.5 % on 2008-05-22", "to 6.0 % on 2026-03-19", "change -1.5 %, of 19 results",
      "Trend: falling"], []),
    (RENAE, "is her A1c going up or down since 2012?", ANSWERED, ["fell from 7.2 %", "Trend: falling"], []),
    (RENAE, "is the A1c getting worse?", ANSWERED, ["fell from", "not told by the chart"], ["Yes", "No,"]),
    (RENAE, "LDL trend since 2017", ANSWERED, ["fell from 148.5", "No clear direction"], ["Trend:"]),
    (RENAE, "how much weight has she lost since 2015?", ANSWERED,
     ["fell from 81.1 kg on 2015-05-07", "to 74.1 kg on 2026-03-19",
      "change -7 kg, of 24 results since 2015"],
     ["Trend"]),
    (RENAE, "how much has she gained since 2025?", ANSWERED, ["fell from 74.8 kg", "74.1 kg", "-0.7 kg"], []),
    (RENAE, "change in LDL between 2018 and 2020", ANSWERED,
     ["fell from 133.3 mg/dL", "78.8 mg/dL", "-54.5"], []),
    (RENAE, "how has her A1c changed since 2020?", ANSWERED,
     ["is unchanged from 6.0 %", "change +0 %"], ["fell"]),
    (RENAE, "compare the last two LDLs", ANSWERED,
     ["fell from 134.3 mg/dL", "89.1 mg/dL", "-45.2 mg/dL"], []),
    (AMARA, "has her glucose gone up?", ANSWERED,
     ["fell from 142 mg/dL", "2 results are too few", "8.1 mmol/L"], []),
    (RENAE, "change in A1c between the first and the last value", ANSWERED,
     ["fell from 7.5 %", "change -1.5 %"], []),
    (RENAE, "A1c: first vs last, how much of a change?", ANSWERED,
     ["fell from 7.5 %", "change -1.5 %"], ["Not answered"]),
    (AMARA, "change in LDL", ANSWERED, ["only 1 result", "no change can be told"], []),
    (NOBODY, "weight trend", ABSENT, ["No body weight result is recorded"], []),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("patient", "question", "status", "said", "unsaid"), CASES, ids=named)
async def test_a_course_is_told_from_its_first_and_last_value(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str]
) -> None:
    await check_told(patient, question, status, said, unsaid)
