"""Gold answers from raw FHIR resources, in plain Python that shares nothing with the product.

Each function takes one patient's resources and returns a `Gold`, or None where the question would be unfair
(two records tie, or the raw data is contradictory).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

Resource = dict[str, Any]
VOID = {"entered-in-error"}
NO_VALUE = {"entered-in-error", "cancelled", "registered"}
BLOOD_PRESSURE = "85354-9"
NO_KNOWN_ALLERGY = {"716186003", "409137002", "429625007", "428607008"}


@dataclass(frozen=True)
class Gold:
    """What a right answer holds.

    `values`: texts of which the answer must hold one each, as alternatives; `refs`: the records of which at
    least one (`any_ref`) or all must be cited; `status`: the Answer's status.
    """

    status: str = "answered"
    values: tuple[tuple[str, ...], ...] = ()
    refs: frozenset[str] = frozenset()
    any_ref: bool = True
    absent: tuple[str, ...] = field(default=())


def ref(resource: Resource) -> str:
    """`Type/id`."""
    return f"{resource['resourceType']}/{resource['id']}"


def codes(concept: Resource | None) -> set[str]:
    """The codes of a CodeableConcept, without their systems."""
    return {coding.get("code", "") for coding in (concept or {}).get("coding", [])}


def instant(text: str) -> datetime | None:
    """A full date or date-time as an instant; None for a partial date, which no single instant fits."""
    if len(text) < 10:
        return None
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def when(resource: Resource) -> datetime | None:
    """When an observation or an encounter took place."""
    text = (
        resource.get("effectiveDateTime")
        or resource.get("effectiveInstant")
        or resource.get("effectivePeriod", {}).get("start")
        or resource.get("period", {}).get("start")
        or resource.get("occurrenceDateTime")
    )
    return instant(text) if text else None


def of_type(chart: Iterable[Resource], kind: str) -> list[Resource]:
    """The resources of one type that are not entered in error."""
    return [item for item in chart if item["resourceType"] == kind and item.get("status") not in VOID]


def measured(chart: Iterable[Resource], loinc: list[str]) -> list[Resource]:
    """The observations with one of the codes that carry a value or components."""
    return [
        item
        for item in of_type(chart, "Observation")
        if codes(item["code"]) & set(loinc)
        and item.get("status") not in NO_VALUE
        and ("component" in item or any(key.startswith("value") for key in item))
    ]


def pressures_in_parts(chart: list[Resource]) -> list[Resource]:
    """Blood pressures of two observations of one instant, systolic and diastolic, as panels."""
    diastolic = {when(item): item for item in measured(chart, ["8462-4"])}
    return [
        {
            "resourceType": "Observation",
            "id": item["id"],
            "effectiveDateTime": item["effectiveDateTime"],
            "component": [item, diastolic[when(item)]],
        }
        for item in measured(chart, ["8480-6"])
        if when(item) and when(item) in diastolic
    ]


def number(quantity: Resource) -> tuple[str, ...]:
    """The ways in which a quantity's number may be written."""
    value = quantity["value"]
    return (str(value),) if value != int(value) else (str(int(value)), str(value))


def latest(chart: list[Resource], loinc: list[str], now: datetime) -> Gold | None:
    """The newest value: its number or text, its day, and its record."""
    found = measured(chart, loinc) + (pressures_in_parts(chart) if BLOOD_PRESSURE in loinc else [])
    if not found:
        return Gold(status="not_in_chart")
    if any(when(item) is None for item in found) or len({*map(unit, found)}) > 1:
        return None
    past = [item for item in found if when(item) <= now]  # type: ignore[operator]
    newest = max(when(item) for item in past)  # type: ignore[type-var]
    tied = [item for item in past if when(item) == newest]
    values = {texts(item) for item in tied}
    if len(values) > 1 or not all(values):
        return None
    return Gold(values=(*values.pop(), day(tied[0])), refs=frozenset(map(ref, tied)))


def unit(observation: Resource) -> str:
    """The unit of its quantity."""
    quantity = observation.get("valueQuantity", {})
    return str(quantity.get("code") or quantity.get("unit") or "")


def texts(observation: Resource) -> tuple[tuple[str, ...], ...]:
    """What an answer must say of its value."""
    if "valueQuantity" in observation and "value" in observation["valueQuantity"]:
        return (number(observation["valueQuantity"]),)
    return tuple(
        number(part["valueQuantity"]) for part in observation.get("component", []) if "valueQuantity" in part
    )


def day(resource: Resource) -> tuple[str, ...]:
    """The day as recorded, in the forms that an answer may use."""
    text: str = (
        resource.get("effectiveDateTime")
        or resource.get("effectivePeriod", {}).get("start")
        or resource.get("effectiveInstant")
        or resource["period"]["start"]
    )
    return day_forms(date.fromisoformat(text[:10]))


def day_forms(moment: date) -> tuple[str, ...]:
    """A day in the forms that an answer may use."""
    return (
        moment.isoformat(),
        f"{moment:%B} {moment.day}, {moment.year}",
        f"{moment.day} {moment:%B} {moment.year}",
    )


def count(chart: list[Resource], items: list[Resource], year: int | None) -> Gold | None:
    """How many, in a year or in all; a stay that lasts from one year into others was in all of them."""
    if year is not None:
        begun = [(item, moment.year) for item in items if (moment := when(item))]
        if len(begun) < len(items):
            return None
        items = [item for item, first in begun if first <= year <= _last_year(item, first)]
    if not items:
        return Gold(status="not_in_chart")
    return Gold(values=((str(len(items)),),), refs=frozenset(map(ref, items)))


def _last_year(item: Resource, first: int) -> int:
    ended = instant(item.get("period", {}).get("end", ""))
    return ended.year if ended else first


def visits(chart: list[Resource]) -> list[Resource]:
    """Encounters that took place or are taking place."""
    return [item for item in of_type(chart, "Encounter") if item["status"] not in {"planned", "cancelled"}]


def last_visit(chart: list[Resource], now: datetime) -> Gold | None:
    """The encounter that began last."""
    found = visits(chart)
    if not found:
        return Gold(status="not_in_chart")
    if any(when(item) is None for item in found):
        return None
    past = [item for item in found if when(item) <= now]  # type: ignore[operator]
    newest = max(when(item) for item in past)  # type: ignore[type-var]
    tied = [item for item in past if when(item) == newest]
    return Gold(values=(day(tied[0]),), refs=frozenset(map(ref, tied)))


def immunizations(chart: list[Resource]) -> Gold | None:
    """How many were given."""
    found = of_type(chart, "Immunization")
    if any(item["status"] != "completed" for item in found):
        return None
    return count(chart, found, None)


def listed(items: list[Resource]) -> Gold:
    """A list: how many there are, and every record (an answer may cite the first ten and count the rest)."""
    if not items:
        return Gold(status="not_in_chart")
    return Gold(refs=frozenset(map(ref, items)), any_ref=False)


def problems(chart: list[Resource]) -> Gold | None:
    """Conditions that are active and not refuted."""
    found = [item for item in of_type(chart, "Condition") if "entered-in-error" not in verification(item)]
    if any("clinicalStatus" not in item for item in found):
        return None
    return listed(
        [
            item
            for item in found
            if codes(item["clinicalStatus"]) & {"active", "recurrence", "relapse"}
            and "refuted" not in verification(item)
        ]
    )


def verification(resource: Resource) -> set[str]:
    """Its verificationStatus codes."""
    return codes(resource.get("verificationStatus"))


def current_medications(chart: list[Resource]) -> list[Resource]:
    """Active orders (not proposals or plans, not prohibitions) and active statements."""
    orders = [
        item
        for item in of_type(chart, "MedicationRequest")
        if item["status"] == "active"
        and item["intent"] not in {"proposal", "plan", "option"}
        and not item.get("doNotPerform")
    ]
    statements = [item for item in of_type(chart, "MedicationStatement") if item["status"] == "active"]
    return orders + statements


def drug_text(chart: list[Resource], item: Resource, everything: dict[str, Resource]) -> str:
    """The words that name the medication, wherever they stand."""
    concept = item.get("medicationCodeableConcept")
    if concept is None:
        reference = item["medicationReference"].get("reference", "")
        held = {"#" + part["id"]: part for part in item.get("contained", [])}
        target = held.get(reference) or everything.get(reference) or {}
        concept = target.get("code", {"text": item["medicationReference"].get("display", "")})
    return " ".join(
        [concept.get("text", ""), *[c.get("display", "") for c in concept.get("coding", [])]]
    ).lower()


def on_drug(chart: list[Resource], drug: str, everything: dict[str, Resource]) -> Gold:
    """Whether a current medication names the drug; a right "no" does not say yes."""
    taking = [item for item in current_medications(chart) if drug in drug_text(chart, item, everything)]
    if taking:
        return Gold(values=(("yes", "active", "on " + drug),), refs=frozenset(map(ref, taking)))
    return Gold(status="answered|not_in_chart", absent=("yes",))


def allergies(chart: list[Resource]) -> Gold | None:
    """Active allergies, "recorded as none", or nothing recorded."""
    found = [
        item for item in of_type(chart, "AllergyIntolerance") if "entered-in-error" not in verification(item)
    ]
    real = [item for item in found if not codes(item.get("code")) & NO_KNOWN_ALLERGY]
    current = [
        item
        for item in real
        if "refuted" not in verification(item)
        and (codes(item.get("clinicalStatus")) & {"active"} or "clinicalStatus" not in item)
    ]
    if current:
        return listed(current)
    if real:
        return None
    if found:
        return Gold(values=(("no known",),), refs=frozenset(map(ref, found)))
    return Gold(status="not_in_chart")


def age(patient: Resource, now: datetime) -> Gold | None:
    """Full years at now, or at death."""
    born = patient.get("birthDate", "")
    if len(born) < 10 or patient.get("deceasedBoolean"):
        return None
    end = (
        date.fromisoformat(patient["deceasedDateTime"][:10]) if "deceasedDateTime" in patient else now.date()
    )
    birth = date.fromisoformat(born)
    years = end.year - birth.year - ((end.month, end.day) < (birth.month, birth.day))
    return None if years < 2 else Gold(values=((str(years),),), refs=frozenset({ref(patient)}))


def demographic(patient: Resource, field_name: str) -> Gold | None:
    """The birth date or the sex as recorded."""
    value = patient.get(field_name)
    if not value:
        return Gold(status="not_in_chart")
    forms = day_forms(date.fromisoformat(value)) if len(value) == 10 else (value,)
    return Gold(values=(forms,), refs=frozenset({ref(patient)}))
