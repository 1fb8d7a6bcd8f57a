"""Charts of a chosen size for measuring: one invented patient each, made of the sample charts' own records.

They grow as a chart does: results, doses given, visits, reports, notes and orders. Problems, allergies and
active medications stay as many. Never committed: the same size and seed are the same chart in every run.
"""

import hashlib
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from fhir_fixtures import charts
from fhir_fixtures.generate.references import Resource, name_of

SIZES = (1_000, 10_000, 50_000)
SEED = 29

BETWEEN_VISITS = timedelta(days=14)
BETWEEN_RECORDS = timedelta(minutes=7)
# What a visit leaves besides itself, and what a chart has however long it is.
OF_A_VISIT = {
    "Observation": 34,
    "MedicationAdministration": 8,
    "DiagnosticReport": 3,
    "ServiceRequest": 1,
    "MedicationRequest": 1,
    "DocumentReference": 1,
    "Procedure": 1,
}
STANDING = {"Condition": 15, "AllergyIntolerance": 3, "MedicationRequest": 8}
# How many different measurements a chart has, and how many of those were made at the first visit alone.
CODES = 60
RARE = 5

# What is taken over of a sample record: nothing that refers to another. The first is its date.
_TAKEN = {
    "Observation": "effectiveDateTime status category code valueQuantity interpretation referenceRange",
    "MedicationAdministration": "effectiveDateTime status medicationCodeableConcept dosage",
    "DiagnosticReport": "effectiveDateTime status category code conclusion presentedForm",
    "ServiceRequest": "authoredOn status intent category code priority",
    "DocumentReference": "date status docStatus type category description content",
    "Procedure": "performedDateTime status code",
    "Encounter": "period status class type reasonCode",
    "Condition": "onsetDateTime clinicalStatus verificationStatus category code",
    "AllergyIntolerance": "recordedDate clinicalStatus verificationStatus type category criticality code",
    "MedicationRequest": "authoredOn status intent medicationCodeableConcept dosageInstruction",
}
_NO_KNOWN_ALLERGY = "716186003"


def patient_id(size: int) -> str:
    """The id of the patient whose chart has `size` resources."""
    return f"scaled-{size}"


@dataclass(frozen=True)
class ScaledCharts:
    """The charts of these sizes, as a store takes its samples."""

    sizes: tuple[int, ...] = SIZES
    seed: int = SEED

    def resources(self) -> Iterator[Resource]:
        """Every resource in load order, the Patients counted in."""
        pool = _pool()
        for size in self.sizes:
            yield from islice(_chart(size, pool, self.seed), size)

    def digest(self) -> str:
        """Changes with the sample charts, the sizes and the seed."""
        return hashlib.sha256(f"{charts.digest()} {self.sizes} {self.seed}".encode()).hexdigest()


def _chart(size: int, pool: dict[str, list[Resource]], seed: int) -> Iterator[Resource]:
    """The Patient, what stands, and visits from the oldest to the newest; more than `size` resources."""
    draw = random.Random(f"{seed}-{size}")  # noqa: S311 (a fixture, not a secret)
    patient = patient_id(size)
    newest = datetime.fromisoformat(f"{charts.as_of()[:10]}T08:00:00+00:00") - timedelta(days=3)
    yield {
        "resourceType": "Patient",
        "id": patient,
        "name": [{"use": "official", "given": ["Scala"], "family": f"Size-{size}"}],
        "gender": "female",
        "birthDate": "1950-05-29",
    }
    for kind, many in STANDING.items():
        for number, sample in enumerate(pool[f"{kind} active"][:many]):
            date = newest - timedelta(days=100 * number)
            yield _record(sample, f"{patient}-{kind.lower()}-{number}", patient, date)
    visits = -(-size // (1 + sum(OF_A_VISIT.values())))
    for visit in range(visits):
        at = newest - BETWEEN_VISITS * (visits - 1 - visit)
        visit_id = f"{patient}-visit-{visit}"
        yield _record(draw.choice(pool["Encounter"]), visit_id, patient, at)
        common = pool["Observation"] if visit else [*pool["rare"], *pool["Observation"]]
        for kind, many in OF_A_VISIT.items():
            samples = common[:RARE] if not visit and kind == "Observation" else []
            samples += draw.choices(pool[kind], k=many - len(samples))
            for number, sample in enumerate(samples):
                date = at + BETWEEN_RECORDS * number
                record = _record(sample, f"{visit_id}-{kind.lower()}-{number}", patient, date, visit_id)
                yield _varied(record, draw)


def _record(
    sample: Resource, name: str, patient: str, date: datetime, visit: str | None = None
) -> dict[str, Any]:
    kind = sample["resourceType"]
    fields = _TAKEN[kind].split()
    about = "patient" if kind == "AllergyIntolerance" else "subject"
    record: Resource = {"resourceType": kind, "id": name, about: {"reference": f"Patient/{patient}"}}
    record |= {field: sample[field] for field in fields if field in sample}
    end = (date + timedelta(minutes=50)).isoformat()
    record[fields[0]] = {"start": date.isoformat(), "end": end} if kind == "Encounter" else date.isoformat()
    if visit:
        reference: Any = {"reference": f"Encounter/{visit}"}
        if kind == "DocumentReference":
            record["context"] = {"encounter": [reference]}
        else:
            record["context" if kind == "MedicationAdministration" else "encounter"] = reference
    return record


def _varied(record: Resource, draw: random.Random) -> Resource:
    """The record with a value near its sample's, written to as many places."""
    value = record.get("valueQuantity", {}).get("value")
    if value is None:
        return record
    places = len(str(value).partition(".")[2])
    near = round(value * draw.gauss(1, 0.05), places)
    return {**record, "valueQuantity": {**record["valueQuantity"], "value": near if places else int(near)}}


def _pool() -> dict[str, list[Resource]]:
    """Records of the generated charts to draw from: by type those that are over, by `Type active` others.

    The Observations are those of the CODES most frequent codes, without the `rare` ones, one a code.
    """
    pool: defaultdict[str, list[Resource]] = defaultdict(list)
    by_code: defaultdict[str, list[Resource]] = defaultdict(list)
    standing: dict[tuple[str, str], Resource] = {}
    for one in sorted(charts.resources(), key=name_of):
        kind = one["resourceType"]
        if one["id"].startswith("hard-") or kind not in _TAKEN:
            continue
        concept = one.get("code") or one.get("medicationCodeableConcept") or {}
        code = concept.get("coding", [{}])[0].get("code", "")
        if kind == "Observation":
            if "valueQuantity" in one:
                by_code[code].append(one)
        elif kind in STANDING and _is_active(one):
            if code and code != _NO_KNOWN_ALLERGY:
                standing.setdefault((kind, code), one)
        elif one.get("status") in {"completed", "current", "finished", "final"} and _stands_alone(one):
            pool[kind].append(one)
    frequent = sorted(by_code, key=lambda code: (-len(by_code[code]), code))[:CODES]
    pool["rare"] = [by_code[code][0] for code in frequent[-RARE:]]
    pool["Observation"] = [one for code in frequent[:-RARE] for one in by_code[code]]
    for (kind, _), one in standing.items():
        pool[f"{kind} active"].append(one)
    return pool


def _is_active(one: Resource) -> bool:
    status = one.get("clinicalStatus", {}).get("coding", [{}])[0].get("code") or one.get("status")
    return bool(status == "active")


def _stands_alone(one: Resource) -> bool:
    """Whether a record says what it is without another: its drug is named, its note is in it."""
    if one["resourceType"] in {"MedicationAdministration", "MedicationRequest"}:
        return "medicationCodeableConcept" in one
    if one["resourceType"] == "DocumentReference":
        return all("data" in part["attachment"] for part in one["content"])
    return True
