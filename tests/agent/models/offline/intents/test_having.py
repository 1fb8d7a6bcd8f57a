"""Whether the patient has or had a condition, now or at some time."""

import pytest

from tests.agent.models.offline.intents.answers import ABSENT, AMARA, FOUND, LUCIA, check_answer

CASES = [
    # patient, question, status, what the answer says, and what it must not say
    (AMARA, "any cancer?", FOUND, ["Malignant neoplasm of breast (remission"], ["Yes"]),
    (AMARA, "any history of cancer?", FOUND, ["Yes, in the past: Malignant neoplasm of breast"], []),
    (AMARA, "does she have thyroid disease?", ABSENT, ["or the kinds of it known by name here (10"], []),
    (AMARA, "is the sleep apnea confirmed?", FOUND, ["Recorded, but not confirmed", "provisional"], ["Yes"]),
    (AMARA, "gout status?", FOUND, ["Gout (recurrence"], ["Yes"]),
    (AMARA, "gout, yes or no?", FOUND, ["Yes: Gout (recurrence"], []),
    (AMARA, "did she have pneumonia in 2019?", FOUND, ["Pneumonia (resolved", "status is that of now"], []),
    (AMARA, "did she have pneumonia in 2022?", ABSENT, ["No problem record of pneumonia held"], []),
    (LUCIA, "did she have asthma in 2000?", FOUND, ["Not certain: onset at age 7"], ["Yes"]),
    (AMARA, "what problems did she have in 2015?", FOUND, ["2 problems by name", "Not certain"], ["Gout"]),
    (AMARA, "what problems did she have when metformin was started?", FOUND, ["1 problem by name"], ["Gout"]),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("patient", "question", "status", "said", "unsaid"), CASES)
async def test_a_condition_is_told_by_how_its_records_stand(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str]
) -> None:
    await check_answer(patient, question, status, said, unsaid)
