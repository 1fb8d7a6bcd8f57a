"""Medications of a time: in force then, started or stopped in it, the last ones."""

import pytest

from tests.agent.models.offline.intents.answers import ABSENT, AMARA, FOUND, MEI, NOBODY, check_answer

CASES = [
    # patient, question, status, what the answer says, and what it must not say
    (AMARA, "what medications was she on in 2019?", FOUND, ["2 medications by name"], ["glip"]),
    (AMARA, "medication list in 2015", FOUND, ["Not certain: now stopped", "500 MG"], ["lisinopril", "1000"]),
    (NOBODY, "what was he taking in 2019?", ABSENT, ["No medications in force are recorded"], []),
    (AMARA, "new medications since 2020", FOUND, ["First recorded since 2020: glip"], ["metf", "sema"]),
    (AMARA, "which meds were started in 2023?", ABSENT, ["First recorded in 2023: none; 9 records"], []),
    (AMARA, "which medications were stopped since 2020?", FOUND, ["no date of the end", "500 MG"], []),
    (AMARA, "what was the last medication she was prescribed?", FOUND, ["glipizide"], ["semaglutide"]),
    (AMARA, "last 2 medications prescribed", FOUND, ["glipizide", "metformin"], ["aspirin"]),
    (AMARA, "first medication prescribed", FOUND, ["First recorded: metformin hydrochloride 500"], []),
    (MEI, "new meds since July 2026", FOUND, ["warfarin", "Magic mouthwash"], ["apixaban", "vitamin"]),
    (AMARA, "any medication changes since 2023?", FOUND, ["First recorded since 2023: glipizide"], []),
    (AMARA, "what was she on when pneumonia was diagnosed?", FOUND, ["2 medications"], ["glip"]),
    (AMARA, "which drugs were started after the gout diagnosis?", FOUND, ["glipizide"], ["metformin"]),
    (MEI, "what was she taking at admission?", FOUND, ["6 medications by name", "heparin"], ["warfarin"]),
    (MEI, "what was she on before admission?", FOUND, ["5 medications", "before the adm"], ["heparin"]),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("patient", "question", "status", "said", "unsaid"), CASES)
async def test_medications_of_a_time_are_told_with_what_is_uncertain(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str]
) -> None:
    await check_answer(patient, question, status, said, unsaid)
