"""The medications as a list: current, on hold, as needed, ended, all of them."""

import pytest

from tests.agent.models.offline.intents.answers import ABSENT, AMARA, FOUND, MEI, NOBODY, check_answer

CASES = [
    # patient, question, status, what the answer says, and what it must not say
    (AMARA, "which meds are on hold?", FOUND, ["1 medication: glipizide"], ["metf"]),
    (MEI, "any meds on hold?", ABSENT, ["Medications with status on-hold: none; 14"], []),
    (AMARA, "any prn meds?", ABSENT, ["to be taken as needed: none; 3 records"], []),
    (MEI, "what does she take as needed?", ABSENT, ["without dose instructions do not tell"], []),
    (NOBODY, "any prn meds?", ABSENT, ["No current medications are recorded"], []),
    (AMARA, "past medications", FOUND, ["500 MG", "Dose increased"], ["lisinopril"]),
    (MEI, "discontinued meds", FOUND, ["2 medications: ", "apixaban (cancelled"], ["warf"]),
    (AMARA, "medication history", FOUND, ["9 medication records, past and present", "not-taken"], []),
    (AMARA, "planned medications", FOUND, ["Only draft or proposal: 2 med", "intent proposal"], ["metf"]),
    (MEI, "prescriptions 2025", FOUND, ["1 medication record dated in 2025: amlodipine"], []),
    (MEI, "prescriptions", FOUND, ["7 current medications"], []),
    (MEI, "What has been prescribed in 2025?", FOUND, ["1 medication record dated in 2025"], []),
    (MEI, "amlodipine prescriptions in 2025?", FOUND, ["1 order in 2025: amlodipine"], []),
    (MEI, "Was she prescribed warfarin in 2025?", ABSENT, ["No order of warfarin is recorded in 2025"], []),
    (AMARA, "current medications and start dates", FOUND, ["3 current medications"], []),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("patient", "question", "status", "said", "unsaid"), CASES)
async def test_a_list_of_medications_tells_how_each_stands(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str]
) -> None:
    await check_answer(patient, question, status, said, unsaid)
