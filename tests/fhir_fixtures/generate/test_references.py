"""References found, rewritten and followed."""

import pytest

from fhir_fixtures.generate.references import patient_of, references_in, rewritten, with_targets, within

ORGANIZATION = {"resourceType": "Organization", "id": "o"}
PATIENT = {"resourceType": "Patient", "id": "p", "managingOrganization": {"reference": "Organization/o"}}
WEIGHT = {
    "resourceType": "Observation",
    "id": "w",
    "subject": {"reference": "Patient/p"},
    "contained": [{"resourceType": "Practitioner", "id": "c"}],
    "performer": [
        {"reference": "#c"},
        {"reference": "https://other.example.org/Practitioner/1"},
        {"display": "B"},
    ],
}


def test_references_are_found_at_any_depth() -> None:
    assert list(references_in(WEIGHT)) == ["Patient/p", "#c", "https://other.example.org/Practitioner/1"]


def test_only_relative_references_must_resolve_here() -> None:
    assert [within(ref) for ref in references_in(WEIGHT)] == [True, False, False]
    assert not within("urn:uuid:85c63cf3-278e-454c-b5ba-df5889815eb7")


def test_rewriting_leaves_the_original_alone() -> None:
    moved = rewritten(WEIGHT, lambda target: target.replace("Patient/p", "Patient/q"))
    assert (patient_of(moved), patient_of(WEIGHT)) == ("Patient/q", "Patient/p")


def test_targets_are_followed_to_the_end() -> None:
    kept = with_targets(
        [WEIGHT], [WEIGHT, PATIENT, ORGANIZATION, {"resourceType": "Location", "id": "unused"}]
    )
    assert sorted(resource["id"] for resource in kept) == ["o", "p", "w"]


def test_a_reference_to_nothing_is_an_error() -> None:
    with pytest.raises(LookupError, match="Patient/p"):
        with_targets([WEIGHT], [WEIGHT])


def test_a_record_about_no_patient_has_none() -> None:
    assert patient_of(ORGANIZATION) is None
    assert patient_of({"resourceType": "Observation", "id": "g", "subject": {"reference": "Group/g"}}) is None
