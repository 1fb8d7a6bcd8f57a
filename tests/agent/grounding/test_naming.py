"""Names of drugs, conditions and allergens stand where a record holds them, under any name that it has."""

from typing import Any

import pytest

from agent.grounding import check
from tests.agent.grounding.test_check import NOW, ask, found


def _ordered(at: int, name: str, **more: Any) -> dict[str, Any]:
    return {"ref": f"MedicationRequest/m{at}", "name": name, "date": "2024-03-02", "status": "active", **more}


ROWS: list[dict[str, Any]] = [
    _ordered(1, "metoprolol succinate 50 MG Extended Release Oral Tablet"),
    _ordered(2, "lisinopril 20 MG Oral Tablet", reason="Hypertension"),
    _ordered(3, "ferrous sulfate 325 MG Oral Tablet"),
    _ordered(4, "warfarin 5 MG Oral Tablet"),
    _ordered(5, "apixaban 5 MG Oral Tablet"),
    {"ref": "Condition/b", "name": "Malignant neoplasm of breast (disorder)", "date": "2013-02-01"},
    {"ref": "Condition/a", "name": "Fracture of left ankle", "date": "2015-02-01"},
    {"ref": "Condition/k", "name": "Chronic kidney disease stage 3", "date": "2020-02-01"},
    {"ref": "AllergyIntolerance/s", "name": "Shellfish", "reactions": "anaphylaxis"},
]


def _marked(text: str) -> tuple[str, ...]:
    return ask(text, results=[found(*ROWS)]).grounding.unsupported


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("She takes metoprolol succinate [MedicationRequest/m1].",
         "She takes metoprolol tartrate [MedicationRequest/m1]."),
        ("She takes ferrous sulfate [MedicationRequest/m3].", "She takes folic acid [MedicationRequest/m3]."),
        ("Lisinopril is for high blood pressure [MedicationRequest/m2].",
         "Lisinopril is for heart failure [MedicationRequest/m2]."),
        ("Her ACE inhibitor is lisinopril [MedicationRequest/m2].",
         "Her blood thinner is lisinopril [MedicationRequest/m2]."),
        ("The anticoagulant is warfarin [MedicationRequest/m4].",
         "The anticoagulant is apixaban [MedicationRequest/m4]."),
        ("She takes lisinopril 20 mg [MedicationRequest/m2].",
         "She takes lisinopril-hydrochlorothiazide 20 mg [MedicationRequest/m2]."),
        ("Lisinopril is taken for her hypertension [MedicationRequest/m2].",
         "Metoprolol is taken for her hypertension [MedicationRequest/m1]."),
        ("She had breast cancer [Condition/b].", "She had lung cancer [Condition/b]."),
        ("She broke her left ankle [Condition/a].", "She broke her left wrist [Condition/a]."),
        ("She had a fracture of the ankle [Condition/a].", "She had a sprain of the ankle [Condition/a]."),
        ("She has chronic kidney disease [Condition/k].", "She has chronic liver disease [Condition/k]."),
        ("She is allergic to shellfish [AllergyIntolerance/s].",
         "She is allergic to bee stings [AllergyIntolerance/s]."),
    ],
)  # fmt: skip
def test_another_name_than_the_record_has_is_marked(right: str, wrong: str) -> None:
    assert _marked(right) == ()
    assert _marked(wrong)


def test_what_is_denied_needs_no_record_of_its_name() -> None:
    claims = ask("Heart failure is not recorded.", results=[found(*ROWS)]).grounding.claims
    assert [claim for claim in claims if claim.kind == "name" and claim.verdict == "unsupported"] == []


def test_a_number_in_the_name_of_a_score_is_not_its_value() -> None:
    score = {"ref": "Observation/n", "name": "Early Warning Score 2 total", "code": "NEWS2", "value": 0}
    for told, stands in (("0", True), ("1", False), ("2", False)):
        for name in ("Early Warning Score 2 total", "NEWS2"):
            text = f"{name}: {told} on record [Observation/n]."
            assert (ask(text, results=[found(score)]).grounding.unsupported == ()) == stands, text


def test_words_of_a_range_name_no_other_record() -> None:
    told = "60-100 /min (Critical range)"
    rate = {"ref": "Observation/r", "name": "Heart rate", "value": 77, "unit": "/min", "range": told}
    care = {"ref": "Encounter/c", "name": "Critical care"}
    text = f"Heart rate: 77 /min [Observation/r]; 77 /min ({told}) [Observation/r]."
    assert ask(text, results=[found(rate, care)]).grounding.unsupported == ()


def test_what_a_misspelt_word_of_the_question_was_taken_for_is_no_claim() -> None:
    rates = [
        {"ref": f"Observation/{at}", "name": "Heart rate", "value": value, "date": f"202{at}-01-02"}
        for at, value in ((4, 90), (5, 70))
    ]
    told = "Heart rate fell from 90 [Observation/4] to 70 [Observation/5]. (I read "
    for question, read_as, stands in (
        ("is it risng or falling?", '"risng" as "rising".)', True),
        ("has she golt?", '"golt" as "gout".)', True),
        ("how did it go?", '"golt" as "gout".)', False),
    ):
        report = check(told + read_as, [], [found(*rates)], question, NOW)
        assert (report.grounding.unsupported == ()) == stands


REPORTS = found(
    {
        "ref": "DiagnosticReport/b",
        "name": "MRI of brain",
        "conclusion": "No acute infarct.",
        "date": "2025-03-03",
    },
    {
        "ref": "DiagnosticReport/c",
        "name": "CT of abdomen",
        "conclusion": "Gallstones without inflammation.",
        "date": "2026-01-10",
    },
)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (
            "The gallstones are not inflamed [DiagnosticReport/c].",
            "The gallstones are not inflamed [DiagnosticReport/b].",
        ),
        (
            "Gallstones were seen without inflammation [DiagnosticReport/c].",
            "Gallstones were seen without inflammation [DiagnosticReport/b].",
        ),
        (
            "The CT showed gallstones [DiagnosticReport/c].",
            "The ultrasound showed gallstones [DiagnosticReport/c].",
        ),
        (
            "MRI of the brain: no infarct [DiagnosticReport/b].",
            "MRI of the spine: no infarct [DiagnosticReport/b].",
        ),
    ],
)
def test_a_finding_is_cited_from_the_record_that_holds_it(right: str, wrong: str) -> None:
    assert check(right, [], [REPORTS], "What was found?", NOW).grounding.unsupported == ()
    assert check(wrong, [], [REPORTS], "What was found?", NOW).grounding.unsupported
