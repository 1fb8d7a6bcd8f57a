"""Doses of one drug over time."""

import pytest

from tests.agent.models.offline.intents.answers import AMARA, FOUND, MEI, check_answer

CASES: list[tuple[str, str, str, list[str], list[str]]] = [
    # patient, question, status, what the answer says, and what it must not say
    (AMARA, "what was her metformin dose before?", FOUND, ["Before: metformin hydrochloride 500 MG"], []),
    (AMARA, "previous dose of metformin", FOUND, ["Before: metformin hydrochloride 500 MG", "now: "], []),
    (AMARA, "past doses of metformin", FOUND, ["Newest first: metformin hydrochloride 1000", "500 MG"], []),
    (AMARA, "when was the metformin dose increased?", FOUND, ["Since 2023-02-10", "before: metformin"], []),
    (AMARA, "has her lisinopril dose changed?", FOUND, ["No other dose is recorded: lisinopril 10"], []),
    (AMARA, "what was her metformin dose?", FOUND, ["1000 MG", "500 MG"], []),
    (MEI, "past doses of amlodipine", FOUND, ["No other dose is recorded: amlodipine 5 MG"], []),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("patient", "question", "status", "said", "unsaid"), CASES)
async def test_doses_are_told_newest_first_with_the_date_of_each(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str]
) -> None:
    await check_answer(patient, question, status, said, unsaid)
