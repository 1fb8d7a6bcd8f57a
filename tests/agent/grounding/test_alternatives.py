"""What a record says one way does not stand told the other way, nor what another record or part says."""

from typing import Any

import pytest

from tests.agent.grounding.test_check import ask, found

ROWS: list[dict[str, Any]] = [
    {"ref": "DiagnosticReport/ct", "name": "CT chest", "date": "2025-02-03", "author": "Dr. Ito",
     "conclusion": "Nodule in the left lower lobe, unchanged."},
    {"ref": "DiagnosticReport/mr", "name": "MRI knee", "date": "2025-03-03", "author": "Dr. Weber"},
    {"ref": "MedicationRequest/s", "name": "simvastatin 20 mg", "status": "active", "date": "2025-01-02",
     "dose": "20 mg twice a day"},
    {"ref": "Encounter/v", "name": "Check-up", "class": "ambulatory", "date": "2025-01-02"},
    {"ref": "FamilyMemberHistory/f", "name": "Breast cancer", "relationship": "mother"},
    {"ref": "Observation/tobacco", "name": "Tobacco use", "value": "Former smoker", "date": "2025-01-02"},
    {"ref": "Observation/bp", "name": "Blood pressure", "date": "2025-01-02", "value": "131/79",
     "unit": "mmHg",
     "components": [{"name": "Systolic blood pressure", "value": 131, "unit": "mmHg"},
                    {"name": "Diastolic blood pressure", "value": 79, "unit": "mmHg"}]},
    {"ref": "Observation/na", "name": "Sodium", "date": "2025-01-02", "value": 131, "unit": "mmol/L",
     "range": "135-145 mmol/L"},
]  # fmt: skip


@pytest.mark.parametrize(
    ("right", "was", "becomes"),
    [
        ("A nodule in the left lower lobe [DiagnosticReport/ct].", "left", "right"),
        ("A nodule in the left lower lobe [DiagnosticReport/ct].", "lower", "upper"),
        ("The nodule is unchanged [DiagnosticReport/ct].", "unchanged", "increased"),
        ("The CT chest was read by Dr. Ito [DiagnosticReport/ct].", "Ito", "Weber"),
        ("Simvastatin 20 mg twice a day [MedicationRequest/s].", "twice", "three times"),
        ("Simvastatin 20 mg twice daily [MedicationRequest/s].", "twice", "once"),
        ("An ambulatory visit [Encounter/v].", "ambulatory", "inpatient"),
        ("Her mother had breast cancer [FamilyMemberHistory/f].", "mother", "sister"),
        ("Tobacco use: former smoker [Observation/tobacco].", "former", "current"),
        ("Systolic 131 mmHg, diastolic 79 mmHg [Observation/bp].", "131", "79"),
        ("131 mmHg systolic, 79 mmHg diastolic [Observation/bp].", "79", "131"),
        ("Sodium 131 mmol/L, which is below the recorded range [Observation/na].", "below", "above"),
        ("Sodium 131 mmol/L, low against 135-145 mmol/L [Observation/na].", "145", "155"),
    ],
)
def test_what_a_record_says_one_way_cannot_be_told_another_way(right: str, was: str, becomes: str) -> None:
    assert ask(right, results=[found(*ROWS)]).grounding.unsupported == ()
    assert ask(right.replace(was, becomes), results=[found(*ROWS)]).grounding.unsupported != ()


def test_outpatient_is_another_word_for_ambulatory() -> None:
    assert ask("An outpatient visit [Encounter/v].", results=[found(*ROWS)]).grounding.unsupported == ()
