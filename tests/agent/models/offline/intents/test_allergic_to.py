"""An allergy to one substance or drug: how it reacts, how sure, since when."""

import pytest

from tests.agent.models.offline.intents.answers import ABSENT, AMARA, FOUND, MEI, NOOR, check_answer

CASES = [
    # patient, question, status, what the answer says, and what it must not say
    (AMARA, "what was the reaction to penicillin?", FOUND, ["Anaphylaxis (severe)"], ["Yes"]),
    (AMARA, "what happens when she takes penicillin?", FOUND, ["Anaphylaxis (severe)"], ["Yes"]),
    (AMARA, "penicillin allergy: what happens?", FOUND, ["Anaphylaxis (severe)"], ["Yes"]),
    (AMARA, "how severe is the penicillin allergy?", FOUND, ["(severe), criticality high"], ["Yes"]),
    (NOOR, "how severe is the wasp allergy?", FOUND, ["Wasp venom", "No severity is recorded"], []),
    (NOOR, "what was the reaction to wasp stings?", FOUND, ["No reaction is recorded"], []),
    (AMARA, "when was the penicillin allergy recorded?", FOUND, ["Recorded on 1999-11-02; no onset"], []),
    (AMARA, "was the sulfa allergy confirmed?", FOUND, ["Recorded as ruled out", "refuted"], ["Yes"]),
    (AMARA, "any history of anaphylaxis?", FOUND, ["As a reaction: Penicillin"], ["No"]),
    (NOOR, "has he ever had anaphylaxis?", ABSENT, ["No allergy record gives such a reaction (2"], []),
    (MEI, "is the fish allergy confirmed?", FOUND, ["unconfirmed"], []),
    (AMARA, "any allergies to antibiotics?", FOUND, ["Yes: Penicillin"], ["No record"]),
    (AMARA, "any allergy to NSAIDs?", FOUND, ["No record of an allergy to nsaids"], ["Yes"]),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("patient", "question", "status", "said", "unsaid"), CASES)
async def test_an_allergy_is_told_with_what_its_record_says(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str]
) -> None:
    await check_answer(patient, question, status, said, unsaid)
