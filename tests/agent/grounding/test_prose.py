"""Right sentences in the words of language models stand, and the same with an error in them do not."""

from typing import Any

import pytest

from agent.grounding import check
from tests.agent.grounding.test_check import NOW, found


def creatinine(at: str, day: str, value: float, flag: str) -> dict[str, Any]:
    told = {"name": "Creatinine", "unit": "mg/dL", "range": "0.6-1.2 mg/dL", "interpretation": flag}
    return {"ref": f"Observation/{at}", **told, "date": day, "value": value, "status": "final"}


def visit(at: str, kind: str, day: str, end: str, reason: str) -> dict[str, Any]:
    told = {"name": f"{kind} visit", "class": kind, "status": "finished", "reason": reason}
    return {"ref": f"Encounter/{at}", **told, "date": day, "end": end}


def drug(at: str, name: str, day: str, status: str, dose: str = "") -> dict[str, Any]:
    return {"ref": f"MedicationRequest/{at}", "name": name, "date": day, "status": status, "dose": dose}


LABS = [
    creatinine("c4", "2026-08-10", 1.9, "High"),
    creatinine("c3", "2026-05-02", 1.6, "High"),
    creatinine("c2", "2026-01-15", 0.9, "Normal"),
    creatinine("c1", "2025-09-20", 1.0, "Normal"),
]
VISITS = [
    visit("4", "emergency", "2026-09-30", "2026-10-01", "Fall"),
    visit("3", "inpatient", "2026-06-03", "2026-06-10", "Pneumonia"),
    {**visit("2", "ambulatory", "2026-04-20", "2026-04-20", "Hypertension"), "name": "Check-up"},
    {**visit("1", "inpatient", "2025-11-02", "2025-11-05", "Heart failure"), "name": "Admission"},
    {**visit("0", "ambulatory", "2025-05-12", "2025-05-12", "Hypertension"), "name": "Check-up"},
]
DRUGS = [
    drug("m", "metformin 1000 MG", "2023-02-10", "active", "1000 mg once a day"),
    drug("n", "metformin 500 MG", "2012-06-15", "stopped"),
    drug("l", "lisinopril 10 MG", "2016-01-12", "active"),
    drug("g", "glipizide 10 MG", "2024-09-01", "on-hold"),
    drug("a", "amoxicillin 500 MG", "2026-06-10", "completed"),
]
WEIGHTS = [
    {"ref": "Observation/w2", "name": "Body weight", "date": "2026-09-01", "value": 81.7, "unit": "kg"},
    {"ref": "Observation/w1", "name": "Body weight", "date": "2025-09-01", "value": 90, "unit": "kg"},
]
LIPIDS = [
    {"ref": f"Observation/{at}", "name": name, "date": day, "value": value, "unit": "mg/dL", "range": bound}
    for at, name, day, value, bound in (
        ("l2", "LDL", "2026-07-01", 92, "< 100"),
        ("l1", "LDL", "2025-07-01", 141, "< 100"),
        ("h2", "HDL", "2026-07-01", 46, "> 40"),
        ("h1", "HDL", "2025-07-01", 45, "> 40"),
    )
]


POLYPS = [
    {"ref": "Procedure/3", "name": "Colonoscopy", "date": "2024-06-11", "outcome": "Two polyps removed"},
    {"ref": "Procedure/2", "name": "Colonoscopy", "date": "2019-03-04", "outcome": "Normal"},
]
PATIENT = {"ref": "Patient/n", "name": "Tomas Novak", "birth_date": "1958-03-02", "sex": "male", "age": 68}
NOVAK = [{"section": "patient", **PATIENT}, *WEIGHTS]
ALL_LIPIDS = " ".join(f"[{row['ref']}]" for row in LIPIDS)
STEPS = "It {} from 1.0 [Observation/c1] to 0.9 [Observation/c2], then {} to 1.6 mg/dL [Observation/c3]."
ORDER_AND_STAY = "[MedicationRequest/a] [Encounter/3]"


def marked(rows: list[dict[str, Any]], text: str) -> tuple[str, ...]:
    results = [found(*rows, tool="list_records")]
    return check(text, [], results, "How did it go?", NOW).grounding.unsupported


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (LABS, "Based on the available records, the latest creatinine is 1.9 mg/dL [Observation/c4]."),
        (LABS, "Notably, the creatinine was 1.9 mg/dL [Observation/c4]."),
        (LABS, "Additionally, a high value was found in May [Observation/c3]."),
        (LABS, "Unfortunately, no cause is recorded."),
        (LABS, "**Elevated creatinine:** 1.9 mg/dL [Observation/c4]"),
        (LABS, "It is twice as high as in January (1.9 vs 0.9 mg/dL) [Observation/c4, Observation/c2]."),
        (LABS, "- 10-Aug-2026: 1.9 mg/dL [Observation/c4]\n- 02 May 2026: 1.6 mg/dL [Observation/c3]"),
        (LABS, STEPS.format("fell", "rose")),
        (LABS, "Creatinine was high at the last visits, 1.6 mg/dL in May [Observation/c3]."),
        (LABS, "Four results, two high, two normal."),
        (LABS, "There are 4 creatinine measurements, 2 of which are above the reference range."),
        (LABS, "No creatinine before September 2025 is recorded."),
        (LABS, "No creatinine after August 2026 is recorded."),
        (LIPIDS, "The latest LDL of 92 mg/dL is below the limit of 100 mg/dL [Observation/l2]."),
        (LIPIDS, f"LDL improved while HDL stayed stable {ALL_LIPIDS}."),
        (WEIGHTS, "Weight loss of 8.3 kg: from 90 kg [Observation/w1] to 81.7 kg [Observation/w2]."),
        (VISITS, "Two inpatient stays but one emergency visit are recorded."),
        (VISITS, "In 2026, three visits are on record, in 2025 two."),
        (VISITS, "The longer of the two stays lasted seven days [Encounter/3]."),
        (VISITS, "The earlier of the last two stays was for heart failure [Encounter/1]."),
        (VISITS, "The last visit before the pneumonia admission was on 20 April 2026 [Encounter/2]."),
        (VISITS, "She went to the emergency room about four months after the pneumonia [Encounter/4]."),
        (VISITS + DRUGS, f"Amoxicillin was ordered on the day the June stay ended {ORDER_AND_STAY}."),
        (VISITS + DRUGS, f"Amoxicillin was ordered on 10 June 2026, the day of discharge {ORDER_AND_STAY}."),
        (VISITS, "She was discharged on 10 June 2026 [Encounter/3] and is currently not admitted."),
        (VISITS, "She had no emergency visit in 2025."),
        (VISITS, "The November stay [Encounter/1] was shorter than the June stay [Encounter/3]."),
        (LIPIDS, "HDL is lower than LDL [Observation/h2] [Observation/l2]."),
        (LIPIDS, "LDL has returned to normal [Observation/l2]."),
        (LABS, "In January it was half of that in August [Observation/c2] [Observation/c4]."),
        (POLYPS, "No polyps were found in 2019 [Procedure/2]."),
        (NOVAK, "Mr. Novak is a 68-year-old man [Patient/n]."),
        (DRUGS, "She takes metformin regularly and several others [MedicationRequest/m]."),
        (DRUGS, "She is on two regular drugs."),
        (DRUGS, "Of the four drugs on record, two are active, one is on hold and one is completed."),
    ],
)  # fmt: skip
def test_right_prose_stands(rows: list[dict[str, Any]], text: str) -> None:
    assert marked(rows, text) == ()


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (LABS, "- 11-Aug-2026: 1.9 mg/dL [Observation/c4]"),
        (VISITS, "- 02 June 2026: inpatient visit until 10 June 2026 [Encounter/3]"),
        (LABS, "Higher in January (0.9 mg/dL) [Observation/c2] than in May (1.6 mg/dL) [Observation/c3]."),
        (LABS, "- 1.6 mg/dL [Observation/c3]\n- 1.9 mg/dL [Observation/c4]\n\nIt improved over this time."),
        (LABS, "The current creatinine is 1.6 mg/dL [Observation/c3]."),
        (
            LABS,
            STEPS.format("rose", "rose"),
        ),
        (
            LABS,
            STEPS.format("fell", "fell"),
        ),
        (LABS, "Four results, three high, one normal."),
        (LABS, "1.9 mg/dL [Observation/c4], below the reference range."),
        (LIPIDS, "The latest LDL of 92 mg/dL is above the limit of 100 mg/dL [Observation/l2]."),
        (WEIGHTS, "Weight gain of 8.3 kg: from 90 kg [Observation/w1] to 81.7 kg [Observation/w2]."),
        (VISITS, "Two inpatient stays but three emergency visits are recorded."),
        (DRUGS, "Of the four drugs on record, three are active."),
        (DRUGS, "She takes metformin, lisinopril and pycnogenol."),
        (DRUGS, "She is also taking ginkgo [MedicationRequest/m]."),
        (VISITS, "The shorter of the two stays was in June 2026 [Encounter/3]."),
        (VISITS, "The November stay [Encounter/1] was longer than the June stay [Encounter/3]."),
        (VISITS, "She is still in hospital since 3 June 2026 [Encounter/3]."),
        (LIPIDS, "LDL is lower than HDL [Observation/l2] [Observation/h2]."),
        (LABS, "The creatinine has normalised [Observation/c3] [Observation/c4]."),
        (LABS, "In August it was half of that in January [Observation/c2] [Observation/c4]."),
        (POLYPS, "No polyps were removed in 2024 [Procedure/3]."),
        (NOVAK, "Ms. Novak weighs 81.7 kg [Observation/w2]."),
        (NOVAK, "The patient, a 68-year-old woman, weighs 81.7 kg [Observation/w2]."),
    ],
)
def test_an_error_in_it_is_marked(rows: list[dict[str, Any]], text: str) -> None:
    assert marked(rows, text)


@pytest.mark.parametrize(("count", "stands"), [("two", True), ("three", False)])
def test_a_result_that_is_cut_short_counts_the_days_before_its_end(count: str, stands: bool) -> None:
    names = ("Tdap", "Influenza", "HPV")
    shots = [
        {"ref": f"Immunization/{at}", "name": name, "date": day, "status": "completed"}
        for at, (name, day) in enumerate(zip(names, ("2026-03-04", "2026-03-04", "2025-01-15"), strict=True))
    ]
    result = found(*shots, tool="list_records", kind="immunizations")
    assert result.data is not None
    result.data.update(total=42, truncated=True)
    text = f"On 4 March 2026, {count} vaccines were given."
    assert (check(text, [], [result], "How did it go?", NOW).grounding.unsupported == ()) == stands
