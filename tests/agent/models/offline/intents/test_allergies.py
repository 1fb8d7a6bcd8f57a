"""Allergies as a list: of one kind, severe, past, of a time."""

import pytest

from tests.agent.models.offline.intents.answers import (
    ABSENT,
    AMARA,
    ELDER,
    FOUND,
    MEI,
    NOOR,
    YOUNGER,
    check_answer,
)

CASES = [
    # patient, question, status, what the answer says, and what it must not say
    (AMARA, "any food allergies?", ABSENT, ["Food allergy: none; 1 record checked"], ["egg"]),
    (AMARA, "drug allergies", FOUND, ["1 drug allergy: Penicillin"], []),
    (NOOR, "any drug allergies or other allergies?", FOUND, ["Wasp venom"], []),
    (AMARA, "any severe allergies?", FOUND, ["1 high-risk allergy: Penicillin", "Anaphylaxis"], []),
    (MEI, "any severe allergies?", FOUND, ["High-risk allergy: none", "without saying: Fish"], []),
    (MEI, "food allergies", FOUND, ["Food allergy: none", "without saying: Fish and seafood"], []),
    (NOOR, "drug allergies?", ABSENT, ["Drug allergy: none", '"No known drug allergy"'], ["Wasp"]),
    (NOOR, "environmental allergies", FOUND, ["1 environment allergy: Wasp venom"], []),
    (ELDER, "severe allergies?", FOUND, ["Recorded as having no known allergies"], []),
    (YOUNGER, "drug allergies?", ABSENT, ["not the same as no allergies"], []),
    (AMARA, "past allergies", FOUND, ["not as active: Sulfonamide", "Eggs (edible) (resolved)"], ["Penic"]),
    (NOOR, "past allergies", ABSENT, ["Inactive allergies: none; 2 records"], []),
    (AMARA, "new allergies since 2020", ABSENT, ["No allergies are recorded in this chart since 2020"], []),
    (AMARA, "allergies recorded in 1999", FOUND, ["1 recorded allergy in 1999: Penicillin"], ["egg"]),
    (NOOR, "most recent allergy", FOUND, ["Last recorded on 2026-02-27: Wasp venom"], []),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("patient", "question", "status", "said", "unsaid"), CASES)
async def test_a_list_of_allergies_tells_what_is_unsaid(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str]
) -> None:
    await check_answer(patient, question, status, said, unsaid)
