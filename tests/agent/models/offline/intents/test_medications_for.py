"""What is taken for a condition, by the recorded reasons."""

import pytest

from tests.agent.models.offline.intents.answers import ABSENT, AMARA, FOUND, NOBODY, TOMAS, check_answer

CASES = [
    # patient, question, status, what the answer says, and what it must not say
    (TOMAS, "what is he taking for his back pain?", FOUND, ["recorded reason: naproxen"], []),
    (AMARA, "medications for diabetes", FOUND, ["reason: metformin", "no reason recorded: aspirin"], []),
    (AMARA, "meds for gout", FOUND, ["No current medication has gout", "no reason recorded"], ["With that"]),
    (NOBODY, "meds for diabetes", ABSENT, ["No current medications are recorded"], []),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("patient", "question", "status", "said", "unsaid"), CASES)
async def test_what_is_taken_for_a_condition_is_told_by_recorded_reasons(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str]
) -> None:
    await check_answer(patient, question, status, said, unsaid)
