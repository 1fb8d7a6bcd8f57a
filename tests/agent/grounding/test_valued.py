"""Values are told as better, as twice another or at a goal only where their records have them so."""

from typing import Any

import pytest

from agent.grounding import check
from tests.agent.grounding.test_check import NOW, found


def result(at: str, name: str, day: str, value: float, unit: str, limits: str = "") -> dict[str, Any]:
    row = {"ref": f"Observation/{at}", "name": name, "date": day, "value": value, "unit": unit}
    return {**row, "range": limits} if limits else row


CHART = [
    result("l1", "LDL Cholesterol", "2024-03-01", 162, "mg/dL"),
    result("l2", "LDL Cholesterol", "2026-03-01", 79, "mg/dL"),
    result("k1", "Potassium", "2025-01-10", 3.4, "mmol/L", "3.5-5.1 mmol/L"),
    result("k2", "Potassium", "2025-07-10", 4.2, "mmol/L", "3.5-5.1 mmol/L"),
    result("k3", "Potassium", "2026-03-10", 5.3, "mmol/L", "3.5-5.1 mmol/L"),
    {"ref": "Observation/b1", "name": "Blood pressure", "date": "2026-01-01", "value": "152/94"},
    {"ref": "Observation/b2", "name": "Blood pressure", "date": "2026-05-01", "value": "138/86"},
    {"ref": "Observation/b3", "name": "Blood pressure", "date": "2026-09-01", "value": "136/86"},
    {"ref": "Goal/l", "name": "LDL below 100 mg/dL", "status": "active", "target": "< 100 mg/dL"},
]
LDL, GOAL = "[Observation/l1] [Observation/l2]", "[Observation/l2] [Goal/l]"


def marked(text: str) -> tuple[str, ...]:
    return check(text, [], [found(*CHART)], "How did it go?", NOW).grounding.unsupported


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (f"LDL was better in 2026 than in 2024 {LDL}.", f"LDL was worse in 2026 than in 2024 {LDL}."),
        (f"LDL was higher in 2024 than in 2026 {LDL}.", f"LDL was lower in 2024 than in 2026 {LDL}."),
        ("LDL was twice as high in 2024 [Observation/l1] as in 2026 [Observation/l2].",
         "LDL was twice as high in 2026 [Observation/l2] as in 2024 [Observation/l1]."),
        (f"LDL was 83 mg/dL less than in 2024 {LDL}.", f"LDL was 83 mg/dL more than in 2024 {LDL}."),
        (f"LDL has been getting better: 162, 79 {LDL}.", f"LDL has been getting worse: 162, 79 {LDL}."),
        ("Her pressure was lower in May than in January [Observation/b1] [Observation/b2].",
         "Her pressure was higher in May than in January [Observation/b1] [Observation/b2]."),
        ("Her pressure is trending down [Observation/b1] [Observation/b2].",
         "Her pressure is trending up [Observation/b1] [Observation/b2]."),
        ("Her pressure hardly changed since May [Observation/b2] [Observation/b3].",
         "Her pressure hardly changed since January [Observation/b1] [Observation/b2]."),
        (f"LDL: 162 -> 79 mg/dL, a steady decline {LDL}.", f"LDL: 162 -> 79 mg/dL, a steady rise {LDL}."),
        (f"LDL has trended lower {LDL}.", f"LDL has trended higher {LDL}."),
        ("Potassium was above normal [Observation/k3].", "Potassium was below normal [Observation/k3]."),
        (f"LDL improved from 162 to 79 mg/dL {LDL}.", f"LDL worsened from 162 to 79 mg/dL {LDL}."),
        ("Potassium improved from 3.4 to 4.2 [Observation/k1] [Observation/k2].",
         "Potassium improved from 4.2 to 5.3 [Observation/k2] [Observation/k3]."),
        ("Potassium went from low to high [Observation/k1] [Observation/k3].",
         "Potassium went from high to low [Observation/k1] [Observation/k3]."),
        (f"LDL is 79 mg/dL, down 83 mg/dL since 2024 {LDL}.",
         f"LDL is 79 mg/dL, up 83 mg/dL since 2024 {LDL}."),
        (f"The LDL of 79 mg/dL meets the goal of below 100 {GOAL}.",
         f"The LDL of 79 mg/dL does not meet the goal of below 100 {GOAL}."),
        ("With an LDL of 162 mg/dL the goal was not reached [Observation/l1] [Goal/l].",
         "With an LDL of 162 mg/dL the goal was reached [Observation/l1] [Goal/l]."),
    ],
)  # fmt: skip
def test_the_other_way_round_is_marked(right: str, wrong: str) -> None:
    assert marked(right) == ()
    assert marked(wrong)
