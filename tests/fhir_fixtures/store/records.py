"""A dozen records that the tests of the store search: two patients and what was measured and ordered."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"


@dataclass(frozen=True)
class Records:
    """Samples for a store: what `open_store` asks of the charts."""

    records: tuple[dict[str, Any], ...]
    edition: str = "1"
    asked: list[str] = field(default_factory=list)

    def resources(self) -> Iterator[dict[str, Any]]:
        self.asked.append(self.edition)
        yield from self.records

    def digest(self) -> str:
        return self.edition


def patient(identity: str, family: str, given: str, birth: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": identity,
        "identifier": [{"system": "urn:mrn", "value": f"mrn-{identity}"}],
        "name": [{"family": family, "given": [given]}],
        "birthDate": birth,
        "gender": "female",
        **more,
    }


def observation(identity: str, subject: str, code: str, date: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": identity,
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}], "text": more.pop("text", code)},
        "subject": {"reference": f"Patient/{subject}"},
        "effectiveDateTime": date,
        **more,
    }


def quantity(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def _component(code: str, value: float) -> dict[str, Any]:
    return {"code": {"coding": [{"system": LOINC, "code": code}]}, "valueQuantity": quantity(value, "mm[Hg]")}


def blood_pressure(
    identity: str, subject: str, date: str, systolic: float, diastolic: float
) -> dict[str, Any]:
    components = [_component("8480-6", systolic), _component("8462-4", diastolic)]
    return observation(identity, subject, "85354-9", date, component=components)


ANA, BEN = (
    patient("ana", "Müller-Ortiz", "Ana", "1950-03-07", telecom=[{"system": "phone", "value": "555-1"}]),
    patient("ben", "Munroe", "Ben", "1990", deceasedDateTime="2020-05-01", gender="male"),
)

RECORDS = Records(
    (
        {"resourceType": "Organization", "id": "clinic", "name": "The Clinic"},
        {"resourceType": "Practitioner", "id": "gp", "name": [{"family": "Hale", "given": ["Ivy"]}]},
        ANA | {"generalPractitioner": [{"reference": "Practitioner/gp"}]},
        BEN | {"managingOrganization": {"reference": "Organization/clinic"}},
        observation(
            "a1c-2019", "ana", "4548-4", "2019-05-03T23:30:00-05:00", valueQuantity=quantity(7.1, "%")
        ),
        observation("a1c-2020", "ana", "4548-4", "2020-06", valueQuantity=quantity(6.5, "%")),
        observation("glucose", "ana", "2339-0", "2020-01-02T08:00:00Z", valueQuantity=quantity(99, "mg/dL")),
        observation("smoker", "ben", "72166-2", "2018", valueString="Never smoked", text="Tobacco status"),
        blood_pressure("bp-high", "ana", "2020-01-02T08:05:00Z", 150, 95),
        blood_pressure("bp-low", "ben", "2019-11-30", 118, 76),
        {
            "resourceType": "Encounter",
            "id": "stay",
            "status": "in-progress",
            "class": {"code": "IMP"},
            "subject": {"reference": "Patient/ana"},
            "serviceProvider": {"reference": "Organization/clinic"},
            "period": {"start": "2020-01-01T10:00:00Z"},
        },
        {
            "resourceType": "MedicationRequest",
            "id": "metformin",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": {"text": "Metformin"},
            "subject": {"reference": "Patient/ana"},
            "encounter": {"reference": "Encounter/stay"},
            "requester": {"reference": "Practitioner/gp"},
            "authoredOn": "2020-01-02",
        },
    )
)
