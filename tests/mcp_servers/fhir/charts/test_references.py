"""References: resolved only to what is at hand."""

from typing import Any

import pytest

from mcp_servers.fhir.charts import list_records
from mcp_servers.fhir.charts.references import reference_text, resolved
from tests.mcp_servers.fhir.charts.records import NOW, concept

DOCTOR = {"resourceType": "Practitioner", "id": "1", "name": [{"family": "Okafor", "given": ["Ada"]}]}
HOLDER = {"contained": [{"resourceType": "Practitioner", "id": "locum", "name": [{"text": "Dr. A. Locum"}]}]}
INCLUDED = {"Practitioner/1": DOCTOR}


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ({"reference": "Practitioner/1"}, "Ada Okafor"),
        ({"reference": "Practitioner/1/_history/3"}, "Ada Okafor"),
        ({"reference": "Practitioner/1", "display": "Dr. Okafor"}, "Dr. Okafor"),
        ({"reference": "#locum"}, "Dr. A. Locum"),
        ({"identifier": {"value": "N-204"}}, "N-204"),
        ({"display": "School nurse"}, "School nurse"),
        ({"reference": "Practitioner/2"}, "Practitioner/2"),
        ({}, None),
        ("Practitioner/1", None),
    ],
)
def test_a_reference_is_named_by_what_is_at_hand(reference: Any, expected: str | None) -> None:
    assert reference_text(reference, HOLDER, INCLUDED) == expected


@pytest.mark.parametrize(
    "reference",
    ["https://elsewhere.example.org/fhir/Practitioner/1", "urn:uuid:1", "#missing", "Practitioner/1#x"],
)
def test_a_reference_elsewhere_is_not_taken_for_a_record_here(reference: str) -> None:
    assert resolved({"reference": reference}, HOLDER, INCLUDED) == {}


def test_the_reason_of_an_order_is_named_from_the_problems_that_came_along() -> None:
    problem = {"resourceType": "Condition", "id": "p", "code": concept("Atrial fibrillation")}
    order = {
        "resourceType": "MedicationRequest",
        "id": "o",
        "status": "active",
        "medicationCodeableConcept": concept("warfarin"),
        "reasonReference": [{"reference": "Condition/p"}, {"reference": "Condition/elsewhere"}],
    }
    found = list_records("medications", [order, problem], now=NOW)
    assert [row["ref"] for row in found.rows] == ["MedicationRequest/o"]
    assert found.rows[0]["reason"] == "Atrial fibrillation; Condition/elsewhere"
