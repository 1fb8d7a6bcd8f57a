"""What was given or dispensed."""

import pytest

from tests.agent.models.offline.intents.answers import ABSENT, AMARA, FOUND, MEI, check_answer

CASES = [
    # patient, question, status, what the answer says, and what it must not say
    (MEI, "was heparin given?", FOUND, ["1 administration record", "5000 units IV"], ["Refused"]),
    (MEI, "when was heparin last given?", FOUND, ["Last given on 2026-07-01"], ["2026-07-02"]),
    (MEI, "how many doses of heparin were given?", FOUND, ["1 administration record: heparin"], []),
    (MEI, "when was warfarin last filled?", FOUND, ["Last dispensed on 2026-07-06: warfarin"], []),
    (MEI, "was apixaban given?", FOUND, ["No administration is recorded", "apixaban (cancelled"], []),
    (AMARA, "was metformin dispensed?", FOUND, ["No dispense is recorded", "Recorded otherwise"], []),
    (AMARA, "was heparin given?", ABSENT, ["No administration is recorded (9 medication records"], []),
    (MEI, "Has amlodipine ever been given to her?", FOUND, ["On record: amlodipine", "None of them"], []),
    (MEI, "what meds were given in July 2026?", FOUND, ["1 administration record"], []),
    (AMARA, "was pioglitazone ever given?", FOUND, ["an order not to give it"], []),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("patient", "question", "status", "said", "unsaid"), CASES)
async def test_what_was_given_is_told_apart_from_what_was_ordered(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str]
) -> None:
    await check_answer(patient, question, status, said, unsaid)
