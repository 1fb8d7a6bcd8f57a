"""Questions about devices, care team, plans, goals, family, social history and insurance."""

from pathlib import Path

import pytest

from tests.agent.models.offline.intents.asking import check_said, opened

AMARA, JOHN, RENAE, TOMAS = "hard-amara-okafor", "john-wilson", "renae-homenick", "hard-tomas-novak"
ANSWERED, ABSENT = "answered", "not_in_chart"


@pytest.mark.anyio
async def test_a_device_is_active_inactive_or_not_recorded(data_dir: Path) -> None:
    async with opened(data_dir) as navigator:
        for patient, question, status, said, unsaid in (
            (AMARA, "devices", ANSWERED, ["1 active device", "glucose monitoring"], ["Cane", "pacemaker"]),
            (AMARA, "does she have a pacemaker?", ABSENT, ["No pacemaker", "entered in error"], ["Yes"]),
            (AMARA, "does she use a cane?", ANSWERED, ["not as active", "status inactive"], ["Yes"]),
            (AMARA, "is she on a CGM?", ANSWERED, ["Yes: Continuous"], []),
            (AMARA, "has she any implants or other devices?", ANSWERED, ["1 active device"], []),
            (
                AMARA,
                "is there a pacemaker, prosthesis or any other device?",
                ANSWERED,
                ["No pacemaker", "No prosthesis", "1 active device"],
                [],
            ),
            (AMARA, "list her devices", ANSWERED, ["1 active device", "glucose monitoring"], ["Cane"]),
            (JOHN, "any implants?", ABSENT, ["No active devices"], []),
        ):
            check_said(await navigator.ask(question, patient=patient), status, said, unsaid)


@pytest.mark.anyio
async def test_care_team_plans_and_goals_in_force_are_told_apart_from_those_that_ended(
    data_dir: Path,
) -> None:
    async with opened(data_dir) as navigator:
        for patient, question, status, said, unsaid in (
            (AMARA, "who is her pcp?", ANSWERED, ["Dr. Maja Lindqvist (Family physician)"], []),
            (AMARA, "care team", ANSWERED, ["Diabetes team", "Dr. Maja Lindqvist"], []),
            (AMARA, "care teams that are active", ANSWERED, ["1 active care team: Diabetes team"], []),
            (AMARA, "care plans", ANSWERED, ["1 active care plan: Diabetes"], ["rehabilitation"]),
            (AMARA, "all care plans", ANSWERED, ["2 care plans", "status revoked"], []),
            (AMARA, "what care plans are in place?", ANSWERED, ["1 active care plan"], ["revoked"]),
            (AMARA, "list her active care plans", ANSWERED, ["1 active care plan"], ["revoked"]),
            (AMARA, "Who all takes care of her?", ANSWERED, ["Diabetes team"], []),
            (AMARA, "Is she on any care plan?", ANSWERED, ["1 active care plan"], []),
            (AMARA, "What targets have been set for her?", ANSWERED, ["HbA1c below 7 %"], []),
            (AMARA, "which goals did we agree with her", ANSWERED, ["1 active goal"], ["Stop", "Gain"]),
            (AMARA, "what are her goals today?", ANSWERED, ["HbA1c below 7 %"], []),
            (AMARA, "what is the A1c goal", ANSWERED, ["HbA1c below 7 %"], []),
            (AMARA, "any goal about potassium", ABSENT, ["about potassium"], ["HbA1c"]),
            (
                "elwood-kuhic",
                "List the people involved in his care",
                ANSWERED,
                ["active care team"],
                ["inactive"],
            ),
            (AMARA, "Please list the goals", ANSWERED, ["1 active goal"], ["Stop"]),
            (AMARA, "Which professionals are taking care of her?", ANSWERED, ["Diabetes team"], []),
            (AMARA, "Who belongs to the care team?", ANSWERED, ["Diabetes team"], []),
            (AMARA, "the names of everyone on her care team", ANSWERED, ["Dr. Maja Lindqvist"], []),
            (AMARA, "goals", ANSWERED, ["HbA1c below 7 %", "1 record entered in error"], ["Stop", "Gain"]),
            (
                "clint-waters",
                "what are his goals?",
                ANSWERED,
                [
                    "Maintain blood pressure below 140/90 mmHg",
                    "Hemoglobin A1c total in Blood, operator <, value 7",
                ],
                ["{", "diabetes_stage"],
            ),
            (JOHN, "who is his pcp?", ABSENT, ["No general practitioner is recorded"], []),
            (JOHN, "goals of care", ABSENT, ["No active goals"], []),
        ):
            check_said(await navigator.ask(question, patient=patient), status, said, unsaid)


@pytest.mark.anyio
async def test_family_history_is_told_by_relative_and_by_condition(data_dir: Path) -> None:
    async with opened(data_dir) as navigator:
        for patient, question, status, said, unsaid in (
            (AMARA, "family history", ANSWERED, ["1 relative: father (deceased, 71 years)", "fifties"], []),
            (AMARA, "does her mother have diabetes?", ABSENT, ["for the mother"], ["father"]),
            (AMARA, "did her father have diabetes?", ANSWERED, ["Yes, in the family: father"], []),
            (AMARA, "family history of breast cancer", ANSWERED, ["No family history of breast"], ["Yes"]),
            (JOHN, "family history of breast cancer", ANSWERED, ["Yes, in the family: mother"], ["father"]),
            (TOMAS, "does DVT run in the family?", ANSWERED, ["mother"], []),
            (RENAE, "family history", ABSENT, ["No family history is recorded"], []),
        ):
            check_said(await navigator.ask(question, patient=patient), status, said, unsaid)


@pytest.mark.anyio
async def test_social_history_and_insurance_are_told_as_recorded_with_their_time(data_dir: Path) -> None:
    async with opened(data_dir) as navigator:
        for patient, question, status, said, unsaid in (
            (JOHN, "does he drink?", ANSWERED, ["Social drinker on 2026-07-23"], []),
            (JOHN, "what does he do for a living?", ANSWERED, ["Office/professional worker"], []),
            (JOHN, "social history", ANSWERED, ["every day smoker", "Occupation", "alcohol"], []),
            (AMARA, "does she drink?", ABSENT, ["Nothing on that is recorded"], []),
            (AMARA, "is she insured?", ANSWERED, ["Mutual Insurance", "2026-12-31"], ["2019"]),
            (AMARA, "insurance in 2019", ANSWERED, ["from 2019 to 2025", "cancelled"], ["2026"]),
            (RENAE, "insurance in 2000", ANSWERED, ["Aetna", "1981-01-01 to 2005-01-06"], ["Medicare"]),
            (JOHN, "insurance now", ANSWERED, ["State Medicaid", "status active"], ["2025"]),
        ):
            check_said(await navigator.ask(question, patient=patient), status, said, unsaid)
