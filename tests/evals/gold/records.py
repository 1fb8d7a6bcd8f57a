"""Small charts written by hand, for the gold to be held against."""

from datetime import UTC, datetime
from typing import Any

from evals.gold.chart import Chart
from evals.gold.records import ref

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
ANNA: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "anna",
    "birthDate": "1960-03-31",
    "gender": "female",
}


def coded(code: str, name: str = "") -> dict[str, Any]:
    return {"coding": [{"code": code, "display": name or code}]}


def chart(*records: dict[str, Any]) -> Chart:
    numbered = [{"id": f"r{number}", **record} for number, record in enumerate(records, 1)]
    return Chart(ANNA, numbered, {ref(one): one for one in [ANNA, *numbered]}, NOW)


def sodium(date: str, value: float, **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": coded("2951-2", "Sodium"),
        "effectiveDateTime": f"{date}T08:00:00Z" if len(date) == 10 else date,
        "valueQuantity": {"value": value, "code": "mmol/L"},
        **fields,
    }


def condition(code: str, name: str, status: str = "active", **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "code": coded(code, name),
        "clinicalStatus": coded(status),
        "verificationStatus": coded("confirmed"),
        **fields,
    }


def order(drug: str, date: str, status: str = "active", **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "status": status,
        "intent": "order",
        "authoredOn": date,
        "medicationCodeableConcept": {"text": drug},
        **fields,
    }


def visit(start: str, end: str | None = None, kind: str = "AMB", **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"code": kind},
        "period": {"start": f"{start}T09:00:00Z", "end": f"{end or start}T10:00:00Z"},
        **fields,
    }
