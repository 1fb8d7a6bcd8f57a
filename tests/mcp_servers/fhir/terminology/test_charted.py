"""What a chart's records are about, as codes."""

from typing import Any

import pytest

from mcp_servers.fhir.terminology.charted import codeables

Resource = dict[str, Any]

WARFARIN = {"text": "warfarin"}
MEDICATION = {"resourceType": "Medication", "id": "m", "code": WARFARIN}
KINDS = ["MedicationRequest", "MedicationStatement", "MedicationAdministration", "MedicationDispense"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "elements",
    [
        {"medicationCodeableConcept": WARFARIN},
        {"medicationReference": {"reference": "#m"}, "contained": [MEDICATION]},
        {"medicationReference": {"reference": "Medication/m"}},
        {"medicationReference": {"reference": "Medication/m/_history/2"}},
    ],
)
def test_a_medication_is_known_however_it_is_written(kind: str, elements: Resource) -> None:
    record = {"resourceType": kind, "id": "1", **elements}
    assert codeables(record, {"Medication/m": MEDICATION}) == [WARFARIN]


@pytest.mark.parametrize(
    "reference", ["#m", "Medication/x", "urn:uuid:1", "https://elsewhere.example/fhir/Medication/m"]
)
def test_a_medication_that_is_not_at_hand_is_not_guessed(reference: str) -> None:
    record = {"resourceType": "MedicationRequest", "medicationReference": {"reference": reference}}
    assert codeables(record, {"Medication/m": MEDICATION}) == []


def test_the_parts_of_a_panel_are_about_something_too() -> None:
    panel, part = {"text": "Blood pressure"}, {"text": "Systolic blood pressure"}
    record = {"resourceType": "Observation", "code": panel, "component": [{"code": part}]}
    assert codeables(record, {}) == [panel, part]
