"""A right answer over a sample chart stands; with one error planted in it, it is marked."""

import re

import pytest

from agent.grounding import check
from agent.messages import Action, ToolResult
from tests.agent.models.offline.sample_charts import NOW, call

AMARA = "Patient/hard-amara-okafor"
NEW, OLD = "Observation/hard-amara-okafor-hba1c-2026-09", "Observation/hard-amara-okafor-hba1c-2025-11"
METFORMIN = "MedicationRequest/hard-amara-okafor-metformin-1000"
GLIPIZIDE = "MedicationRequest/hard-amara-okafor-glipizide"
LISINOPRIL = "MedicationRequest/hard-amara-okafor-lisinopril"
DIABETES = "Condition/hard-amara-okafor-diabetes"
A1C = f"Her latest HbA1c was 7.1 % on 14 September 2026 [{NEW}]."
COURSE = f"HbA1c has fallen from 7.4 % in November 2025 [{OLD}] to 7.1 % in September 2026 [{NEW}]."
DRUGS = f"She takes metformin 1000 mg and lisinopril 10 mg [{METFORMIN}] [{LISINOPRIL}]."

PLANTED = [
    # kind, the right answer, what is right in it, what stands there instead
    ("digit", A1C, "7.1 %", "7.7 %"),
    ("unit", A1C, "7.1 %", "7.1 mmol/mol"),
    ("date", A1C, "14 September", "15 September"),
    ("patient", A1C, "Her", "His"),
    ("stale value", A1C, f"7.1 % on 14 September 2026 [{NEW}]", f"7.4 % on 4 November 2025 [{OLD}]"),
    ("wrong citation", A1C, NEW, METFORMIN),
    ("invented reference", A1C, NEW, "Observation/made-up"),
    ("direction", COURSE, "fallen", "risen"),
    ("drug", DRUGS, "metformin", "glipizide"),
    ("drug", DRUGS, "metformin", "rosuvastatin"),
    ("dose", DRUGS, "10 mg", "20 mg"),
    ("dose", DRUGS, "metformin 1000 mg and lisinopril 10 mg", "metformin 10 mg and lisinopril 1000 mg"),
    ("negation", f"She has diabetes, since 2012 [{DIABETES}].", "has", "does not have"),
    ("status", f"Metformin is active [{METFORMIN}].", "active", "stopped"),
    ("status", f"Glipizide is on hold [{GLIPIZIDE}].", "on hold", "active"),
    ("comparison", f"The last HbA1c was above 7: 7.1 % [{NEW}].", "above 7", "below 7"),
    ("count", "6 active problems are recorded.", "6", "7"),
    ("duration", f"Diabetes was diagnosed 14 years ago, in 2012 [{DIABETES}].", "14 years", "11 years"),
]  # fmt: skip


def results() -> list[ToolResult]:
    calls = [
        Action(tool="observations", arguments={"name": "hemoglobin a1c", "mode": "series"}),
        Action(tool="list_records", arguments={"kind": "medications", "status": "all"}),
        Action(tool="list_records", arguments={"kind": "problems", "status": "current"}),
        Action(tool="chart_overview", arguments={}),
    ]
    return [call(AMARA, one) for one in calls]


@pytest.mark.parametrize(("kind", "text", "right", "wrong"), PLANTED)
def test_a_planted_error_is_marked_and_the_right_answer_stands(
    kind: str, text: str, right: str, wrong: str
) -> None:
    evidence = results()
    assert right in text
    assert check(text, [], evidence, "How is she?", NOW).grounding.unsupported == ()
    planted = re.sub(re.escape(right), wrong, text, count=1)
    report = check(planted, [], evidence, "How is she?", NOW)
    assert report.grounding.unsupported, kind
    failed = [claim for claim in report.grounding.claims if claim.verdict in ("contradicted", "unsupported")]
    assert all(claim.why for claim in failed)
    assert all(claim.text in report.text[max(0, claim.start - 14) : claim.end + 1] for claim in failed)
