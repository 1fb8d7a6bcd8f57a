"""Lucia Fernandes: every way to write a date, and a death at a known hour."""

from typing import Any

from fhir_fixtures.generate.handmade.building import (
    condition,
    encounter,
    loinc,
    observation,
    patient,
    quantity,
    record,
    snomed,
)
from fhir_fixtures.generate.references import Resource

P = "hard-lucia-fernandes"

WEIGHT = loinc("29463-7", "Body weight")


def records() -> list[Resource]:
    """Her whole chart. She was born in 1942 (the day is not known), and died late on 29 February 2024."""
    return [
        patient(
            P, "Lúcia", "Fernandes", "female", birthDate="1942", deceasedDateTime="2024-02-29T23:30:00-05:00"
        ),
        *_onsets(),
        *_weights(),
        *_events(),
    ]


def _onsets() -> list[Resource]:
    def since(name: str, code: str, display: str, **elements: Any) -> Resource:
        return condition(P, name, snomed(code, display), **elements)

    return [
        since("asthma", "195967001", "Asthma", onsetAge=_age(7)),
        since("migraine", "37796009", "Migraine", onsetString="in her teens"),
        since(
            "osteoarthritis", "396275006", "Osteoarthritis", onsetRange={"low": _age(50), "high": _age(55)}
        ),
        since("glaucoma", "23986001", "Glaucoma", onsetPeriod={"start": "2001", "end": "2003"}),
        since("cataract", "193570009", "Cataract", onsetDateTime="2019"),
        since("osteoporosis", "64859006", "Osteoporosis", onsetDateTime="2019-05"),
        since("atrial-fibrillation", "49436004", "Atrial fibrillation", onsetDateTime="2019-05-03"),
        # No onset at all: the day on which it was recorded is the only date there is.
        since("hearing-loss", "15188001", "Hearing loss", recordedDate="2020-01-15"),
        since(
            "shingles",
            "4740000",
            "Herpes zoster",
            clinical="resolved",
            onsetAge=_age(70),
            abatementString="after six weeks",
        ),
    ]


def _age(years: int) -> dict[str, object]:
    return {"value": years, "unit": "years", "system": "http://unitsofmeasure.org", "code": "a"}


def _weights() -> list[Resource]:
    def weighed(name: str, when: str | None, kilograms: float, **elements: Any) -> Resource:
        measured = quantity(kilograms, "kg")
        return observation(P, name, WEIGHT, when, category="vital-signs", valueQuantity=measured, **elements)

    return [
        weighed("weight-2019", "2019", 71.0),
        weighed("weight-2019-05", "2019-05", 70.5),
        weighed("weight-2019-05-03", "2019-05-03", 70.2),
        # Still 31 December where she was weighed, already 1 January in UTC.
        weighed("weight-new-year", "2022-12-31T23:30:00-05:00", 66.4),
        # 1 January where she was weighed, still 31 December in UTC: eleven hours before the one above.
        weighed("weight-auckland", "2023-01-01T06:30:00+13:00", 67.1),
        weighed("weight-period", None, 65.0, effectivePeriod={"start": "2023-06-01", "end": "2023-06-30"}),
        weighed("weight-instant", None, 63.8, effectiveInstant="2024-01-09T14:03:27.125Z"),
        # Known to have been measured, not when: only the day on which it was released.
        weighed("weight-undated", None, 68.0, issued="2021-03-05T12:00:00Z"),
    ]


def _events() -> list[Resource]:
    return [
        encounter(P, "stay-2023", "IMP", "2023-06-01T20:00:00-04:00", "2023-06-30T11:00:00-04:00"),
        # Never closed: a period without an end.
        encounter(P, "stay-2024", "IMP", "2024-02-27", status="in-progress"),
        record(
            "Procedure",
            P,
            "hip-replacement",
            status="completed",
            code=snomed("52734007", "Total replacement of hip"),
            performedPeriod={"start": "2010-11"},
        ),
        record(
            "Procedure",
            P,
            "appendectomy",
            status="completed",
            code=snomed("80146002", "Appendectomy"),
            performedString="as a child, in Porto",
        ),
        record(
            "Procedure",
            P,
            "cardioversion",
            status="not-done",
            code=snomed("250980009", "Cardioversion"),
            performedDateTime="2019-06-12",
            statusReason={"text": "Back in sinus rhythm"},
        ),
    ]
