"""What a record holds of one drug, person or substance is not told of another that is cited beside it."""

from typing import Any

import pytest

from agent.grounding import check
from tests.agent.grounding.test_check import NOW, found


def drug(at: str, name: str, **told: str) -> dict[str, Any]:
    return {"ref": f"MedicationRequest/{at}", "name": name, "date": "2023-05-01", "status": "active", **told}


def allergy(at: str, name: str, reaction: str) -> dict[str, Any]:
    return {"ref": f"AllergyIntolerance/{at}", "name": name, "reaction": reaction, "status": "active"}


CHART = found(
    drug("b", "amlodipine 5 MG Oral Tablet", reason="Hypertension", requester="Dr. Lopez"),
    drug("c", "sertraline 100 MG Oral Tablet", reason="Depression", requester="Dr. Wu"),
    allergy("1", "Penicillin V", "Hives"),
    allergy("2", "Codeine", "Nausea"),
    {
        "ref": "CareTeam/t",
        "name": "Care team",
        "members": "Jonas Weber (Registered nurse); Priya Nair (Dietitian)",
    },
    {
        "ref": "DocumentReference/n",
        "name": "Progress note",
        "passage": "Metformin is tolerated well. Lisinopril was started for hypertension. Naproxen was "
        "stopped because of gastritis. Continue atorvastatin 40 mg at night.",
    },
    {"ref": "ServiceRequest/eye", "name": "Referral to ophthalmology", "status": "active"},
    {"ref": "ServiceRequest/ear", "name": "Referral to audiology", "status": "active"},
)
DRUGS = "[MedicationRequest/b] [MedicationRequest/c]"
ALLERGIES = "[AllergyIntolerance/1] [AllergyIntolerance/2]"
NOTE = "[DocumentReference/n]"


def marked(text: str) -> tuple[str, ...]:
    return check(text, [], [CHART], "What is recorded?", NOW).grounding.unsupported


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (f"Amlodipine is given for hypertension and sertraline for depression {DRUGS}.",
         f"Amlodipine is given for depression and sertraline for hypertension {DRUGS}."),
        (f"Dr. Lopez ordered amlodipine, and Dr. Wu sertraline {DRUGS}.",
         f"Dr. Wu ordered amlodipine, and Dr. Lopez sertraline {DRUGS}."),
        (f"Penicillin (hives) and codeine {ALLERGIES}.", f"Penicillin (nausea) and codeine {ALLERGIES}."),
        ("The dietitian is Priya Nair, the nurse Jonas Weber [CareTeam/t].",
         "The dietitian is Jonas Weber, the nurse Priya Nair [CareTeam/t]."),
        (f"Naproxen was stopped because of gastritis {NOTE}.",
         f"Lisinopril was stopped because of gastritis {NOTE}."),
        (f"She takes atorvastatin 40 mg at night {NOTE}.", f"She takes metformin 40 mg at night {NOTE}."),
        (f"Metformin is well tolerated, and naproxen was stopped {NOTE}.",
         f"Metformin was stopped, and naproxen is well tolerated {NOTE}."),
        ("The ophthalmology referral is active [ServiceRequest/eye].",
         "The audiology referral is active [ServiceRequest/eye]."),
    ],
)  # fmt: skip
def test_what_is_told_of_another_is_marked(right: str, wrong: str) -> None:
    assert marked(right) == ()
    assert marked(wrong)


@pytest.mark.parametrize(
    "text",
    [
        f"Sertraline and amlodipine are taken for depression and hypertension {DRUGS}.",
        f"Sertraline is taken for depression, and hypertension is treated with amlodipine {DRUGS}.",
        f"Unlike metformin, naproxen was stopped {NOTE}.",
    ],
)
def test_what_may_belong_to_either_stands(text: str) -> None:
    assert marked(text) == ()
