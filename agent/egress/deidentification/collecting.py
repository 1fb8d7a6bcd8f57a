"""Raw FHIR resources walked for whatever in them tells who somebody is."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from agent.egress.deidentification.spans import Class

Resource = dict[str, Any]

_TERMINOLOGY = re.compile(
    r"https?://(?:loinc\.org|snomed\.info|(?:[\w-]+\.)?hl7\.org|www\.nlm\.nih\.gov|unitsofmeasure\.org|www\.ama-assn\.org)(?:/|$)"
)
_PEOPLE = ("Patient", "RelatedPerson", "Practitioner", "PractitionerRole", "Person")
_PLACES = ("Organization", "Location", "HealthcareService", "Endpoint")
_TELECOM: dict[str, Class] = {
    "phone": "PHONE",
    "fax": "PHONE",
    "pager": "PHONE",
    "sms": "PHONE",
    "email": "EMAIL",
    "url": "URL",
}
# Identifier types of v2-0203, as far as a class has a name of its own; others are ID.
_TYPES: tuple[tuple[Class, tuple[str, ...]], ...] = (
    ("RECORD", ("MR", "MRT", "VN", "ACSN")),
    ("SSN", ("SS", "SB")),
    ("LICENCE", ("DL", "PPN", "NPI", "DEA", "MD", "TAX")),
    ("PLAN", ("MB", "MC", "MA")),
    ("ACCOUNT", ("AN",)),
    ("DEVICE", ("SN", "UDI")),
)
_KINDS = {code: kind for kind, codes in _TYPES for code in codes}
_SYSTEMS: tuple[tuple[str, Class], ...] = (("us-ssn", "SSN"), ("us-npi", "LICENCE"), ("mrn", "RECORD"))
_VALUES: dict[str, Class] = {
    "subscriberId": "PLAN",
    "serialNumber": "DEVICE",
    "lotNumber": "DEVICE",
    "deviceIdentifier": "DEVICE",
    "carrierHRF": "DEVICE",
    "distinctIdentifier": "DEVICE",
    "accessionNumber": "RECORD",
    "authorString": "PERSON",
}


class Told(NamedTuple):
    """Something that identifies: `text` of class `kind`.

    Of a person, the given and family names where the record parts them. `ours` is true of patients, relatives
    and who is insured. What shares `entity` is the same person or thing.
    """

    kind: Class
    text: str
    entity: str
    given: tuple[str, ...] = ()
    family: str = ""
    ours: bool = False


class Collected(NamedTuple):
    """What identifies in some resources; days of birth and death; the patients; what codes are displayed as,
    and those of terminologies."""

    told: list[Told]
    days: set[str]
    patients: set[str]
    displays: set[str]
    codes: set[str]


def collected(resources: Iterable[Resource]) -> Collected:
    """Everything in the resources that identifies a person, a place or a thing of theirs."""
    found = Collected([], set(), set(), set(), set())
    for resource in resources:
        kind, key = str(resource.get("resourceType", "")), str(resource.get("id", ""))
        ref = f"{kind}/{key}"
        if kind == "Patient" and key:
            found.patients.add(ref)
        if kind in _PEOPLE and key:
            found.told.append(Told("ID", key, ref, ours=kind == "Patient"))
        for field in ("birthDate", "deceasedDateTime"):
            if kind in _PEOPLE and isinstance(resource.get(field), str):
                found.days.add(resource[field][:10])
        if kind in _PLACES:
            for name in [resource.get("name"), *_list(resource.get("alias"))]:
                if isinstance(name, str):
                    found.told.append(Told("ORGANISATION", name, f"{ref} {name}"))
        if kind == "FamilyMemberHistory" and isinstance(resource.get("name"), str):
            found.told.append(Told("PERSON", resource["name"], resource["name"], ours=True))
        _walk(resource, ref, kind in ("Patient", "RelatedPerson", "Coverage"), found)
    return found


def _walk(node: Any, ref: str, ours: bool, found: Collected) -> None:
    if isinstance(node, list):
        for item in node:
            _walk(item, ref, ours, found)
        return
    if not isinstance(node, dict):
        return
    if node.get("resourceType") and f"{node['resourceType']}/{node.get('id', '')}" != ref:  # a contained one
        inner = collected([node])
        for mine, more in zip(found[1:], inner[1:], strict=True):
            mine |= more
        found.told.extend(inner.told)
        return
    found.told.extend(_of(node, ref, ours))
    if isinstance(node.get("code"), str) and isinstance(node.get("display"), str) and "reference" not in node:
        found.displays.add(node["display"])
    if isinstance(node.get("code"), str) and _TERMINOLOGY.match(str(node.get("system", ""))):
        found.codes.add(node["code"])
    for key, value in node.items():
        if key in ("identifier", "masterIdentifier"):
            for one in _list(value):
                if isinstance(one, dict) and isinstance(one.get("value"), str):
                    found.told.append(Told(_kind(one), one["value"], f"{ref} {one['value']}", ours=ours))
        if key in _VALUES and isinstance(value, str):
            found.told.append(Told(_VALUES[key], value, value, ours=ours))
        if key == "class" and isinstance(value, list):  # of a Coverage: group and plan numbers
            for one in value:
                if isinstance(one, dict) and isinstance(one.get("value"), str) and ours:
                    found.told.append(Told("PLAN", one["value"], one["value"]))
        if key == "address":
            for one in _list(value):
                found.told.extend(_address(one, ref) if isinstance(one, dict) else ())
        if key == "telecom":
            for one in _list(value):
                if isinstance(one, dict) and isinstance(one.get("value"), str):
                    kind = _TELECOM.get(str(one.get("system")), "PHONE")
                    found.told.append(Told(kind, one["value"], f"{kind} {one['value']}", ours=ours))
        _walk(value, ref, ours, found)


def _of(node: dict[str, Any], ref: str, ours: bool) -> Iterator[Told]:
    """What a HumanName or a Reference tells."""
    family = node.get("family")
    given = [one for one in _list(node.get("given")) if isinstance(one, str)]
    if isinstance(family, str) or given:
        last = family if isinstance(family, str) else ""
        yield Told("PERSON", " ".join([*given, last]).strip(), ref, tuple(given), last, ours)
    if isinstance(node.get("text"), str) and (family or given or _is_name(node)):
        yield Told("PERSON", node["text"], node["text"] if _is_name(node) else ref, ours=ours)
    shown, target = node.get("display"), str(node.get("reference", ""))
    if isinstance(shown, str) and (
        "reference" in node or "type" in node or set(node) <= {"display", "identifier"}
    ):
        kind = re.sub(r".*?([A-Za-z]+)/[^/]+$", r"\1", target) or str(node.get("type", ""))
        if kind in _PEOPLE:
            yield Told("PERSON", shown, target or shown, ours=kind in ("Patient", "RelatedPerson"))
        elif kind in _PLACES:
            yield Told("ORGANISATION", shown, f"{target} {shown}")


def _is_name(node: dict[str, Any]) -> bool:
    """Whether an object with `text` is a HumanName of text alone: a concept has a coding, or nothing else."""
    return (
        "coding" not in node
        and bool(node.keys() & {"use", "prefix", "suffix", "period"})
        and "div" not in node
    )


def _address(address: dict[str, Any], ref: str) -> Iterator[Told]:
    lines = [one for one in _list(address.get("line")) if isinstance(one, str)]
    for text in [*lines, address.get("city"), address.get("district"), address.get("text")]:
        if isinstance(text, str):
            yield Told("PLACE", text, f"{ref} {text}")
    for line in lines:
        street = re.sub(r"^[\d\s#-]+|\s*(?:apt|unit|suite|ste|#).*$", "", line, flags=re.IGNORECASE)
        if len(street.split()) > 1:
            yield Told("PLACE", street, f"{ref} {street}")
    if isinstance(address.get("postalCode"), str) and (address.get("country") or "US") not in ("US", "USA"):
        yield Told("PLACE", address["postalCode"], f"{ref} {address['postalCode']}")


def _kind(identifier: dict[str, Any]) -> Class:
    coded = identifier.get("type")
    codings = _list(coded.get("coding")) if isinstance(coded, dict) else []
    codes = [str(one.get("code")) for one in codings if isinstance(one, dict)]
    system = str(identifier.get("system", ""))
    by_system: Class = next((kind for part, kind in _SYSTEMS if part in system), "ID")
    return next((_KINDS[code] for code in codes if code in _KINDS), by_system)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
