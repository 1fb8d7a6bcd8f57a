"""References: resolved only to what is at hand."""

from typing import Any

import pytest

from mcp_servers.fhir.charts import list_records
from mcp_servers.fhir.charts.references import reference_text, resolved
from tests.mcp_servers.fhir.charts.records import NOW, Resource, concept, condition, order

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
    warfarin = {
        "resourceType": "MedicationRequest",
        "id": "o",
        "status": "active",
        "medicationCodeableConcept": concept("warfarin"),
        "reasonReference": [{"reference": "Condition/p"}, {"reference": "Condition/elsewhere"}],
    }
    found = list_records("medications", [warfarin, problem], now=NOW)
    assert [row["ref"] for row in found.rows] == ["MedicationRequest/o"]
    assert found.rows[0]["reason"] == "Atrial fibrillation; Condition/elsewhere"


def test_who_ordered_gave_and_recorded_is_named_where_it_is_at_hand_and_else_told_by_reference() -> None:
    visit = {
        "resourceType": "Encounter",
        "id": "v",
        "type": [concept("Check-up")],
        "period": {"start": "2024-05-03T09:00:00Z"},
    }
    known: dict[str, Resource] = {"Practitioner/1": DOCTOR, "Encounter/v": visit}
    by = {"reference": "Practitioner/1"}
    during = {"reference": "Encounter/v"}
    vaccine = {"resourceType": "Immunization", "vaccineCode": concept("Influenza")}
    given = {"resourceType": "Procedure", "id": "p", "code": concept("Biopsy")}
    chart: dict[Any, tuple[Resource, str]] = {
        "medications": (order("m", "aspirin", requester=by, encounter=during), "requester"),
        "problems": (condition("c", "Asthma", recorder=by, encounter=during), "recorder"),
        "procedures": ({**given, "performer": [{"actor": by}], "encounter": during}, "performer"),
        "immunizations": (
            {**vaccine, "id": "i", "performer": [{"actor": by}], "encounter": during},
            "performer",
        ),
    }
    for kind, (record, field) in chart.items():
        row = list_records(kind, [record], included=known, now=NOW).rows[0]
        assert (row[field], row["encounter"]) == ("Ada Okafor", "Check-up 2024-05-03")
        unknown = list_records(kind, [record], now=NOW).rows[0]
        assert unknown[field] == "Practitioner/1"
        assert "encounter" not in unknown


def test_a_name_of_a_person_is_no_word_of_a_problem() -> None:
    lynch = condition("c", "Asthma", recorder={"display": "Dr. Lynch"})
    assert list_records("problems", [lynch], text="lynch", now=NOW).rows == []
