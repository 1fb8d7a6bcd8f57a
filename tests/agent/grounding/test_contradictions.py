"""An answer may not say the contrary of the rows that it names, in words that they hold."""

from typing import Any

import pytest

from agent.grounding import check
from tests.agent.grounding.test_check import JANE, NOW, found

GLUCOSE = {
    "ref": "Observation/g",
    "name": "Glucose",
    "value": 101,
    "unit": "mg/dL",
    "status": "final",
    "interpretation": "high",
}
METFORMIN = {"ref": "MedicationRequest/m", "name": "metformin 500 MG Oral Tablet", "status": "active"}
WARFARIN = {"ref": "MedicationRequest/w", "name": "warfarin 5 MG Oral Tablet", "status": "stopped"}
ASPIRIN = {
    "ref": "MedicationRequest/a",
    "name": "aspirin 81 MG",
    "status": "active",
    "do_not_perform": True,
}
DIABETES = {"ref": "Condition/d", "name": "Type 2 diabetes mellitus", "status": "active"}
ASTHMA = {"ref": "Condition/s", "name": "Asthma", "status": "active", "verification": "refuted"}
PENICILLIN = {"ref": "AllergyIntolerance/p", "name": "Penicillin", "status": "active"}
NO_ALLERGY = {"ref": "AllergyIntolerance/n", "name": "No known allergy", "negation": True}
CHART = (GLUCOSE, METFORMIN, WARFARIN, ASPIRIN, DIABETES, ASTHMA, PENICILLIN)


def marked(text: str, *rows: dict[str, Any]) -> tuple[str, ...]:
    question = "Is she on metformin, on warfarin, or asthmatic?"
    return check(text, [], [found(*rows or CHART)], question, NOW).grounding.unsupported


@pytest.mark.parametrize(
    ("text", "contrary"),
    [
        ("No known allergies.", "No known allergies"),
        ("The patient is not allergic to penicillin [AllergyIntolerance/p].", "not allergic to penicillin"),
        ("No, the patient is not taking metformin [MedicationRequest/m].", "not taking metformin"),
        ("She is no longer on metformin.", "no longer on metformin"),
        ("She does not have diabetes [Condition/d].", "not have diabetes"),
        ("Yes, she is currently on warfarin 5 MG [MedicationRequest/w].", "is currently on "),
        ("She takes aspirin 81 MG [MedicationRequest/a].", "takes "),
        ("No, metformin was stopped [MedicationRequest/m].", "was stopped"),
        ("Glucose of 101 mg/dL was normal [Observation/g].", "normal"),
        ("Glucose of 101 mg/dL was low [Observation/g].", "low"),
        ("The patient is male.", "male"),
    ],
)
def test_the_contrary_of_a_row_is_marked(text: str, contrary: str) -> None:
    assert contrary in marked(text)


@pytest.mark.parametrize(
    "text",
    [
        "She is not on warfarin, but is taking metformin 500 MG [MedicationRequest/m].",
        "She does not have asthma.",
        "She was on warfarin 5 MG [MedicationRequest/w], which was stopped.",
        "Warfarin was stopped [MedicationRequest/w]; she takes metformin [MedicationRequest/m].",
        "Glucose of 101 mg/dL was high [Observation/g].",
    ],
)
def test_a_denial_or_state_that_fits_its_row_stands(text: str) -> None:
    assert marked(text) == ()


def test_no_known_allergies_needs_a_record_that_says_so() -> None:
    assert marked("She has no known allergies.", GLUCOSE) == ("has no known allergies",)
    assert marked("She has no known allergies [AllergyIntolerance/n].", NO_ALLERGY) == ()


def test_sex_is_held_to_the_patient_s_record() -> None:
    assert marked("The patient is female [Patient/1].", JANE) == ()
    assert marked("The patient is male [Patient/1].", JANE) == ("male",)
