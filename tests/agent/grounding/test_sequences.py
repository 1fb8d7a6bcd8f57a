"""What came first, what followed, and which is the first, the last or the longest of all of its kind."""

from typing import Any

import pytest

from agent.grounding import check
from tests.agent.grounding.test_check import NOW, found


def drug(at: str, name: str, begun: str, status: str = "active") -> dict[str, Any]:
    return {"ref": f"MedicationRequest/{at}", "name": name, "date": begun, "status": status}


def stay(at: str, begun: str, end: str, reason: str) -> dict[str, Any]:
    told = {"ref": f"Encounter/{at}", "name": "Inpatient stay", "class": "inpatient", "status": "finished"}
    return {**told, "date": begun, "end": end, "reason": reason}


def problem(at: str, name: str, begun: str, status: str = "active") -> dict[str, Any]:
    return {"ref": f"Condition/{at}", "name": name, "date": begun, "status": status}


CHART = [
    drug("a", "atenolol 50 MG Oral Tablet", "2019-04-01", "stopped"),
    drug("b", "amlodipine 5 MG Oral Tablet", "2023-05-01"),
    drug("c", "sertraline 100 MG Oral Tablet", "2022-02-02"),
    stay("1", "2024-09-11", "2024-09-12", "Asthma attack"),
    stay("2", "2025-01-04", "2025-01-10", "Pneumonia"),
    stay("3", "2025-06-01", "2025-06-04", "Hip fracture"),
    problem("g", "Gout", "1999-01-01", "resolved"),
    problem("d", "Type 2 diabetes", "2012"),
    problem("h", "Hypertension", "2015-05"),
]
DRUGS = "[MedicationRequest/a] [MedicationRequest/b]"
STAYS = "[Encounter/2] [Encounter/3]"
ALL = f"{STAYS} [Encounter/1]"


def marked(text: str, question: str = "What happened?") -> tuple[str, ...]:
    return check(text, [], [found(*CHART)], question, NOW).grounding.unsupported


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (f"She was switched from atenolol to amlodipine {DRUGS}.",
         f"She was switched from amlodipine to atenolol {DRUGS}."),
        (f"Amlodipine replaced atenolol {DRUGS}.", f"Amlodipine was replaced by atenolol {DRUGS}."),
        ("The asthma attack preceded the pneumonia [Encounter/1] [Encounter/2].",
         "The asthma attack followed the pneumonia [Encounter/1] [Encounter/2]."),
        ("First came diabetes, then hypertension [Condition/d] [Condition/h].",
         "First came hypertension, then diabetes [Condition/h] [Condition/d]."),
        ("The oldest of her active problems is diabetes [Condition/d].",
         "The oldest of her active problems is hypertension [Condition/h]."),
        ("Of her problems, gout, since 1999, is the oldest [Condition/g].",
         "Of her problems, diabetes, since 2012, is the oldest [Condition/d]."),
        ("Her longest-standing current medication is sertraline [MedicationRequest/c].",
         "Her longest-standing current medication is amlodipine [MedicationRequest/b]."),
        ("The longest stay was for pneumonia [Encounter/2].",
         "The longest stay was for a hip fracture [Encounter/3]."),
        (f"The stay for pneumonia was longer than that for the hip fracture {STAYS}.",
         f"The stay for pneumonia was shorter than that for the hip fracture {STAYS}."),
        (f"The stay for pneumonia was twice as long as that for the hip fracture {STAYS}.",
         f"The stay for the hip fracture was twice as long as that for pneumonia {STAYS}."),
        (f"The busiest year was 2025 {STAYS}.", "The busiest year was 2024 [Encounter/1]."),
        ("The quietest year was 2024 [Encounter/1].", f"The quietest year was 2025 {STAYS}."),
        (f"There were more stays in 2025 than in 2024 {ALL}.",
         f"There were fewer stays in 2025 than in 2024 {ALL}."),
        (f"In 2025 there were two stays, one more than in 2024 {ALL}.",
         f"In 2025 there were two stays, one fewer than in 2024 {ALL}."),
        (f"In 2025 she had twice as many stays as in 2024 {ALL}.",
         f"In 2024 she had twice as many stays as in 2025 {ALL}."),
    ],
)  # fmt: skip
def test_the_other_way_round_is_marked(right: str, wrong: str) -> None:
    assert marked(right) == ()
    assert marked(wrong)


def test_the_last_of_those_that_were_asked_for_stands() -> None:
    text = "Her most recent prescription is sertraline [MedicationRequest/c]."
    assert marked(text, "Which antidepressant was prescribed last?") == ()
    assert marked(text, "What was prescribed last?")
