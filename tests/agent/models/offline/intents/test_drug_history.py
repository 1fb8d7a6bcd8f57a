"""The course of one drug: since when, stopped when, why, by whom, how often."""

import pytest

from tests.agent.models.offline.intents.answers import ABSENT, AMARA, FOUND, MEI, TOMAS, check_answer

CASES = [
    # patient, question, status, what the answer says, and what it must not say
    (AMARA, "when was metformin started?", FOUND, ["First recorded on 2012-06-15", "Current: "], []),
    (AMARA, "since when is she on lisinopril?", FOUND, ["First recorded on 2016-01-12"], ["newest"]),
    (AMARA, "when did she start aspirin", FOUND, ["First recorded in 2018"], []),
    (AMARA, "when did she first get aspirin", FOUND, ["First recorded in 2018"], []),
    (AMARA, "when was semaglutide started?", FOUND, ["only proposed or planned"], ["First"]),
    (AMARA, "when did she start pioglitazone?", FOUND, ["Recorded as not to be given"], ["First"]),
    (AMARA, "when was warfarin started?", ABSENT, ['matches "warfarin"; all were searched'], []),
    (MEI, "when was simvastatin started", FOUND, ["First recorded on 2020-10-10", "not current"], []),
    (AMARA, "when was metformin stopped?", FOUND, ["Still current: metformin"], ["was st"]),
    (AMARA, "why was metformin stopped?", FOUND, ["Still current", "because Dose increased"], []),
    (AMARA, "is she off lisinopril?", FOUND, ["Still current: lisinopril"], ["Ended"]),
    (AMARA, "why is glipizide on hold?", FOUND, ["On hold: glipizide", "Hypoglycaemia"], ["Ended"]),
    (MEI, "when was heparin stopped?", FOUND, ["date of its end is not recorded", "completed"], []),
    (MEI, "why was heparin stopped?", FOUND, ["No reason for the end is recorded"], []),
    (AMARA, "why is she on metformin?", FOUND, ["Reason: Diabetes mellitus type 2: metformin"], ["500"]),
    (AMARA, "what is the metformin for?", FOUND, ["Reason: Diabetes mellitus type 2: metformin"], []),
    (AMARA, "why is she on lisinopril?", FOUND, ["No reason recorded: lisinopril"], ["pressure"]),
    (TOMAS, "what is the indication for his naproxen?", FOUND, ["Reason: Low back pain"], []),
    (AMARA, "who prescribed the metformin?", FOUND, ["Ordered by Dr. Maja Lindqvist"], []),
    (AMARA, "who started her on metformin?", FOUND, ["does not name who", "500 MG"], ["Maja"]),
    (MEI, "who put her on ibuprofen?", FOUND, ["Told by Mei Tanaka: ibuprofen"], []),
    (AMARA, "when was metformin last prescribed?", FOUND, ["Last ordered on 2023-02-10", "of 2 orders"], []),
    (AMARA, "how often was metformin prescribed?", FOUND, ["2 orders: "], []),
    (AMARA, "since when is glipizide on hold?", FOUND, ["the date of the hold is not recorded"], []),
    (MEI, "last anticoagulant", FOUND, ["Last ordered on 2026-07-05: warfarin"], []),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("patient", "question", "status", "said", "unsaid"), CASES)
async def test_the_course_of_a_drug_is_told_from_its_records(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str]
) -> None:
    await check_answer(patient, question, status, said, unsaid)


@pytest.mark.anyio
async def test_the_first_record_is_the_oldest_whatever_is_listed_first() -> None:
    """Records of one dose are listed by their newest, so that the oldest of all may stand anywhere."""
    await check_answer(
        "robin-ford", "when was Celebrex started?", FOUND, ["First recorded on 2025-12-22"], []
    )
