"""The codings of a chart's records: which code, under which name, how often, on which records."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from mcp_servers.fhir.charts.elements import (
    Resource,
    codings,
    concept_text,
    objects,
    resource_ref,
    string,
    why_withdrawn,
)
from mcp_servers.fhir.charts.references import resolved
from mcp_servers.fhir.terminology.meaning import Meaning

_REFS = 2

# Under which element a type names what it is about, and what kind of record it is.
ELEMENTS: dict[str, tuple[str, str]] = {
    "Condition": ("code", "problem"),
    "MedicationRequest": ("medicationCodeableConcept", "medication order"),
    "MedicationStatement": ("medicationCodeableConcept", "medication statement"),
    "MedicationAdministration": ("medicationCodeableConcept", "medication given"),
    "MedicationDispense": ("medicationCodeableConcept", "medication dispensed"),
    "AllergyIntolerance": ("code", "allergy"),
    "Immunization": ("vaccineCode", "immunization"),
    "Procedure": ("code", "procedure"),
    "Observation": ("code", "measurement"),
}


class ChartCode(NamedTuple):
    """A coding of a chart: `n` records bear it, of which `refs` are some; without a code, only a name."""

    name: str
    system: str
    code: str
    kind: str
    n: int
    refs: tuple[str, ...]


def codeables(record: Resource, included: dict[str, Resource]) -> list[Resource]:
    """The CodeableConcepts that say what a record is about; of a medication that is referred to, its code."""
    element, _ = ELEMENTS[str(record.get("resourceType"))]
    found = objects(record.get(element))
    found += objects(resolved(record.get("medicationReference"), record, included).get("code"))
    return found + [part for one in objects(record.get("component")) for part in objects(one.get("code"))]


def charted(
    records: Iterable[Resource], included: dict[str, Resource], meaning: Meaning
) -> tuple[list[ChartCode], Counter[str]]:
    """The codings of `records` that are about what was meant, the most frequent first; and how many of such
    records were left out, by the reason."""
    found: dict[tuple[str, str, str], ChartCode] = {}
    left_out: Counter[str] = Counter()
    for record in records:
        kind = ELEMENTS[str(record.get("resourceType"))][1]
        about = [one for one in codeables(record, included) if meaning.covers(one)]
        if about and (why := why_withdrawn(record)):
            left_out[why] += 1
            continue
        ref = resource_ref(record)
        for system, code, name in dict.fromkeys(key for one in about for key in _keys(one)):
            known = found.get((system, code or name, kind))
            known = known or ChartCode(name, system, code, kind, 0, ())
            refs = known.refs if len(known.refs) == _REFS else (*known.refs, ref)
            found[system, code or name, kind] = known._replace(n=known.n + 1, refs=refs)
    return sorted(found.values(), key=lambda one: (-one.n, one.name, one.code)), left_out


def _keys(codeable: Resource) -> list[tuple[str, str, str]]:
    text = concept_text(codeable) or ""
    coded = [
        (string(one.get("system")) or "", code, string(one.get("display")) or text)
        for one in codings(codeable)
        if (code := string(one.get("code")))
    ]
    return coded or ([("", "", text)] if text else [])
