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


def test_a_word_of_a_record_s_own_name_is_no_word_of_a_count() -> None:
    coma = {"ref": "Observation/n", "name": "Glasgow coma score total", "value": 15, "date": "2026-05-01"}
    assert marked("Highest Glasgow coma score total: 15 on 2026-05-01 [Observation/n].", coma) == ()
    assert marked("Glasgow coma score total: number of results: 15 [Observation/n].", coma) == ("15",)
    crit = {"ref": "Observation/c", "name": "Volume by Automated count", "value": 36.3, "range": "36-44"}
    assert marked("Volume by Automated count 36.3 (reference range 36-44) [Observation/c].", crit) == ()


def test_the_words_of_a_course_may_be_those_of_the_question() -> None:
    low = {**GLUCOSE, "ref": "Observation/f", "value": 90, "date": "2020-01-01"}
    high = {**GLUCOSE, "date": "2021-01-01"}
    text = "Glucose rose from 90 mg/dL [Observation/f] to 101 mg/dL [Observation/g]: rising."
    asked = "Is the glucose rising or falling over that interval?"
    assert check(text, [], [found(low, high)], asked, NOW).grounding.unsupported == ()


def test_a_number_of_a_record_s_name_is_not_the_highest() -> None:
    stats = {"name": "Pain severity 0-10 rating", "n": 3, "min": 0, "max": 4, "refs": ["Observation/p"]}
    assert marked("Highest pain severity 0-10 rating: 4, of 3 results [Observation/p].", stats) == ()
    assert marked("Highest pain severity 0-10 rating: 0, of 3 results [Observation/p].", stats) == (
        "Highest",
    )


def test_the_words_of_a_quoted_passage_are_the_note_s_own() -> None:
    passage = "Hearing screen of both ears completed; vitamin K was stopped."
    note = {"ref": "Composition/c", "name": "Admission note", "status": "final", "passage": passage}
    assert marked(f"The note says: “{passage}” [Composition/c].", note) == ()
    assert marked("The admission note was stopped [Composition/c].", note)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("She is not on a statin [MedicationRequest/m].", True),
        ("She is not on a statin.", True),
        ("She is not on a biguanide.", False),
        ("She has not had the shingles vaccine.", False),
        ("She has not had the flu vaccine.", True),
        ("Her mother had breast cancer [FamilyMemberHistory/f].", True),
        ("She had breast cancer [FamilyMemberHistory/f].", False),
    ],
)
def test_classes_other_names_and_relatives_are_told_apart(text: str, right: bool) -> None:
    zoster = {"ref": "Immunization/z", "name": "zoster recombinant", "status": "completed"}
    mother = {"ref": "FamilyMemberHistory/f", "name": "mother", "conditions": "Breast cancer"}
    chart = found(METFORMIN, zoster, mother, tool="list_records")
    report = check(text, [], [chart], "What is recorded?", NOW)
    assert (report.grounding.unsupported == ()) is right
