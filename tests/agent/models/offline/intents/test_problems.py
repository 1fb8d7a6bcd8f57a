"""The problems as a list: ended, ruled out, unconfirmed, the last ones, those of a time."""

import pytest

from tests.agent.models.offline.intents.answers import (
    ABSENT,
    AMARA,
    FOUND,
    LUCIA,
    NOBODY,
    YOUNGER,
    check_answer,
)

CASES = [
    # patient, question, status, what the answer says, and what it must not say
    (AMARA, "resolved problems", FOUND, ["3 problems: ", "Pneumonia", "Malignant"], ["Gout", "lung"]),
    (AMARA, "past medical problems that are over", FOUND, ["3 problems: ", "Pneumonia"], ["Gout", "lung"]),
    (AMARA, "what is she being followed for?", FOUND, ["active problem"], ["Pneumonia"]),
    (AMARA, "unconfirmed diagnoses", FOUND, ["2 problems: ", "differential", "provisional"], ["Gout"]),
    (AMARA, "refuted diagnoses", FOUND, ["1 problem: Chronic obstructive lung"], ["Gout"]),
    (AMARA, "past problems", FOUND, ["Pneumonia", "without the active ones"], ["Gout", "lung"]),
    (AMARA, "what conditions did she have in the past?", FOUND, ["3 problems: ", "Pneumonia"], ["Gout"]),
    (AMARA, "past medical history", FOUND, ["Pneumonia", "Gout"], []),
    (LUCIA, "resolved problems", FOUND, ["1 problem: Herpes zoster", "after six weeks"], ["Asthma"]),
    (YOUNGER, "resolved problems", FOUND, ["Recorded as none: No current problems"], []),
    (NOBODY, "any resolved problems?", ABSENT, ["No problems are recorded"], []),
    (LUCIA, "unconfirmed diagnoses", ABSENT, ["none; 9 records checked"], []),
    (AMARA, "latest diagnosis", FOUND, ["Hyperparathyroidism (active, recorded 2026-09-14"], ["Gout"]),
    (AMARA, "first diagnosis", FOUND, ["Eczema (relapse, onset 1980)"], []),
    (AMARA, "last 2 problems", FOUND, ["Hyperparathyroidism", "sleep apnea"], ["Gout"]),
    (AMARA, "new problems since 2020", FOUND, ["3 problems with onset", "Gout"], ["Pneumonia"]),
    (AMARA, "what was diagnosed in 2019?", FOUND, ["Pneumonia (resolved, onset 2019-01-07"], ["Gout"]),
    (AMARA, "new problems since metformin was started", FOUND, ["7 problems with onset", "Time: since"], []),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("patient", "question", "status", "said", "unsaid"), CASES)
async def test_a_list_of_problems_tells_how_each_stands(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str]
) -> None:
    await check_answer(patient, question, status, said, unsaid)
