"""Small FHIR records for the tests of the chart projections: each gives only what the test is about."""

from functools import cache
from typing import Any

from fhir_fixtures import charts

Resource = dict[str, Any]
NOW = "2026-11-22T09:00:00+01:00"


@cache
def sample_resources() -> tuple[Resource, ...]:
    """Every resource of the committed sample charts."""
    return tuple(charts.resources())


def concept(text: str | None = None, *coded: tuple[str, str]) -> Resource:
    """A CodeableConcept of a text and of (code, display) pairs of LOINC."""
    coding = [{"system": "http://loinc.org", "code": code, "display": display} for code, display in coded]
    return {**({"text": text} if text else {}), **({"coding": coding} if coding else {})}


def coded(system: str, code: str) -> Resource:
    """A CodeableConcept of one bare code."""
    return {"coding": [{"system": system, "code": code}]}


def observation(identity: str, date: str | None, code: Resource, **more: Any) -> Resource:
    """A final Observation."""
    dated = {"effectiveDateTime": date} if date else {}
    return {"resourceType": "Observation", "id": identity, "status": "final", "code": code, **dated, **more}


def amount(value: float, unit: str, **more: Any) -> Resource:
    """A UCUM Quantity."""
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit, **more}


def condition(identity: str, name: str, clinical: str | None = "active", **more: Any) -> Resource:
    """A Condition, without clinicalStatus when `clinical` is None."""
    status = {"clinicalStatus": {"coding": [{"code": clinical}]}} if clinical else {}
    return {"resourceType": "Condition", "id": identity, "code": {"text": name}, **status, **more}


def order(identity: str, name: str, status: str = "active", **more: Any) -> Resource:
    """A MedicationRequest with intent order."""
    return {
        "resourceType": "MedicationRequest",
        "id": identity,
        "status": status,
        "intent": "order",
        "medicationCodeableConcept": {"text": name},
        **more,
    }


def allergy(identity: str, code: Resource, clinical: str = "active", **more: Any) -> Resource:
    """An AllergyIntolerance."""
    return {
        "resourceType": "AllergyIntolerance",
        "id": identity,
        "clinicalStatus": {"coding": [{"code": clinical}]},
        "code": code,
        **more,
    }
