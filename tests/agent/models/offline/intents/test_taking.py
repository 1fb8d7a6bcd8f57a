"""Whether the patient is on a drug or a class, by which drugs, and at what dose."""

import pytest

from tests.agent.models.offline.intents.answers import ABSENT, AMARA, FOUND, MEI, check_answer

CASES = [
    # patient, question, status, what the answer says, and what it must not say
    (AMARA, "is she on an ACE inhibitor?", FOUND, ["Yes: lisinopril 10 MG"], []),
    (AMARA, "what is she taking metformin for?", FOUND, ["Current: ", "reason: Diabetes"], ["Yes"]),
    (AMARA, "is glipizide on hold?", FOUND, ["Not currently, on hold: glipizide"], ["Yes"]),
    (AMARA, "is lisinopril on hold?", FOUND, ["Current: lisinopril"], ["Yes"]),
    (AMARA, "how much metformin does she take", FOUND, ["1000 mg by mouth twice a day"], ["500"]),
    (MEI, "did she get heparin?", FOUND, ["Yes, in the past", "completed order of 2026-07-01"], []),
    (AMARA, "was she on a statin in 2019", ABSENT, ["No record of statin was in force in 2019"], []),
    (AMARA, "was she on metformin in 2014?", FOUND, ["Not certain: now", "since when"], ["Yes"]),
    (AMARA, "was she taking lisinopril in 2012?", ABSENT, ["No record of lisinopril was in force"], []),
    (AMARA, "how is she taking metformin?", FOUND, ["twice a day with meals"], ["Yes"]),
    (AMARA, "how often does she take metformin?", FOUND, ["twice a day with meals"], ["Yes"]),
    (AMARA, "how many blood pressure medications is she on?", FOUND, ["1 current medication record: li"], []),
    (AMARA, "what happened to her glipizide?", FOUND, ["on hold: glipizide"], ["allergy"]),
    (AMARA, "Is she on metformin 500 mg?", FOUND, ["Not currently: metformin", "500 MG"], ["1000"]),
    (AMARA, "Is she on metformin 850 mg?", FOUND, ["in another form or strength: metformin"], ["Yes"]),
    (MEI, "Is she on beta blocker eye drops?", FOUND, ["Yes: Timolol"], []),
    (MEI, "Is she on hydrocortisone tablets?", FOUND, ["another form or strength: Compounded"], ["Yes"]),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("patient", "question", "status", "said", "unsaid"), CASES)
async def test_a_drug_is_told_by_how_its_records_stand(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str]
) -> None:
    await check_answer(patient, question, status, said, unsaid)
