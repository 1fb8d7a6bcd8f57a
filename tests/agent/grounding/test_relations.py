"""How two records that a sentence cites lie in time stands as their dates have it."""

from typing import Any

import pytest

from agent.grounding import check
from tests.agent.grounding.test_check import NOW, found

LDL = {"name": "LDL cholesterol", "unit": "mg/dL", "status": "final"}
CHART: list[dict[str, Any]] = [
    {"ref": "Observation/old", **LDL, "date": "2025-07-01", "value": 141},
    {"ref": "Observation/new", **LDL, "date": "2026-07-01", "value": 92},
    {"ref": "MedicationRequest/s", "name": "atorvastatin 40 MG", "date": "2025-07-08", "status": "active"},
    {"ref": "MedicationRequest/f", "name": "furosemide 40 MG", "date": "2025-11-05", "status": "active"},
    {"ref": "Encounter/1", "name": "Stay", "date": "2025-11-02", "end": "2025-11-05", "reason": "Dyspnea"},
    {"ref": "Encounter/2", "name": "Stay", "date": "2026-06-03", "end": "2026-06-10", "reason": "Pneumonia"},
    {"ref": "Procedure/1", "name": "Colonoscopy", "date": "2019-03-04", "status": "completed"},
    {"ref": "Procedure/2", "name": "Colonoscopy", "date": "2024-06-11", "status": "completed"},
    {"ref": "Condition/a", "name": "Atrial fibrillation", "date": "2019-05-03", "status": "active"},
    {"ref": "Condition/p", "name": "Pneumonia", "date": "2019-01-07", "status": "resolved"},
]
OLD, NEW = "[Observation/old]", "[Observation/new]"


def marked(text: str) -> tuple[str, ...]:
    return check(text, [], [found(*CHART)], "What happened?", NOW).grounding.unsupported


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        (
            "Atorvastatin was ordered {} after the LDL of 141 mg/dL [MedicationRequest/s] [Observation/old].",
            "a week",
            "a month",
        ),
        ("The two were {} years apart [Procedure/1] [Procedure/2].", "five", "seven"),
        (f"92 mg/dL {NEW}, below the 141 mg/dL {{}} earlier {OLD}.", "12 months", "4 months"),
        ("The pneumonia stay began {} months after the other [Encounter/1] [Encounter/2].", "seven", "three"),
        ("Fibrillation came {} after pneumonia [Condition/a] [Condition/p].", "four months", "a year"),
        ("Furosemide was ordered on the day the {} ended [MedicationRequest/f] {}.", "stay", "stay"),
        ("The colonoscopy of 2019 [Procedure/1] came {} the one of 2024 [Procedure/2].", "before", "after"),
        ("LDL: {} mg/dL [Observation/old] [Observation/new].", "141 → 92", "92 → 141"),
        ("LDL changed from {}.", f"141 {OLD} to 92 mg/dL {NEW}", f"92 {NEW} to 141 mg/dL {OLD}"),
    ],
)  # fmt: skip
def test_another_relation_is_marked(text: str, right: str, wrong: str) -> None:
    stays = ("[Encounter/1]", "[Encounter/2]") if text.count("{}") == 2 else ("", "")
    assert marked(text.format(right, stays[0])) == ()
    assert marked(text.format(wrong, stays[1]))


def test_a_record_that_two_results_brought_is_one() -> None:
    text = "The stay of 2026 was {} the LDL of 141 mg/dL [Encounter/2] [Observation/old]."
    for word, stands in (("after", True), ("before", False)):
        report = check(text.format(word), [], [found(*CHART), found(*CHART[:6])], "What happened?", NOW)
        assert (not report.grounding.unsupported) == stands
