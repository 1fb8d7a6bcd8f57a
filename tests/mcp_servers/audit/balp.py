"""IHE Basic Audit Log Patterns (BALP) 1.1 as executable checks, for the four profiles of queries and reads.

Written from the profiles' definitions, not from the code under test; slices are told apart by `type`.
"""

from collections.abc import Iterator
from typing import Any

PROFILES = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
DCM = "http://dicom.nema.org/resources/ontology/DCM"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
INTERACTION = "http://hl7.org/fhir/restful-interaction"
TRANSACTION = ("https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "XrequestId")

SUBTYPES = {
    "Query": [{"search"}, {"search-type"}, {"search-system"}],
    "Read": [{"read"}, {"vread"}],
}
ACTIONS = {"Query": "E", "Read": "R"}
CLIENTS = {"Query": "110153", "Read": "110152"}
SERVERS = {"Query": "110152", "Read": "110153"}

Event = dict[str, Any]


def code(coding: Event) -> tuple[str | None, str | None]:
    return coding.get("system"), coding.get("code")


def agents(event: Event, system: str, value: str) -> list[Event]:
    return [
        agent
        for agent in event.get("agent", [])
        if (system, value) in [code(coding) for coding in agent.get("type", {}).get("coding", [])]
    ]


def entities(event: Event, system: str, value: str) -> list[Event]:
    return [entity for entity in event.get("entity", []) if code(entity.get("type", {})) == (system, value)]


def violations(event: Event) -> list[str]:
    """Every constraint that the event breaks: those of the profile it claims, and of R4's AuditEvent."""
    return [*_base(event), *(_profile(event) if event.get("meta", {}).get("profile") else [])]


def _base(event: Event) -> Iterator[str]:
    if not event.get("recorded") or not event.get("agent") or not event.get("source", {}).get("observer"):
        yield "recorded, agent and source.observer are 1.."
    for agent in event.get("agent", []):
        if not isinstance(agent.get("requestor"), bool):
            yield "agent.requestor is 1..1"
    for entity in event.get("entity", []):
        if entity.get("name") and entity.get("query"):
            yield "sev-1: an entity has a name or a query, not both"
        if len(
            [key for detail in entity.get("detail", []) for key in detail if key.startswith("value")]
        ) != len(entity.get("detail", [])):
            yield "entity.detail.value is 1..1"


def _profile(event: Event) -> Iterator[str]:
    (profile,) = event["meta"]["profile"]
    name = profile.removeprefix(PROFILES)
    kind, about_patient = name.removeprefix("Patient"), name.startswith("Patient")
    if kind not in ACTIONS:
        yield f"no profile {profile}"
        return
    if code(event["type"]) != (TERMINOLOGY + "audit-event-type", "rest"):
        yield "type is rest"
    interactions = {value for system, value in map(code, event.get("subtype", [])) if system == INTERACTION}
    if interactions not in SUBTYPES[kind]:
        yield "subtype is one interaction of the profile"
    if event.get("action") != ACTIONS[kind]:
        yield "action is of the profile"
    if event.get("outcome") != "0":
        yield "only successes claim a profile"
    yield from _agents(event, kind)
    yield from _entities(event, kind)
    patients = entities(event, TERMINOLOGY + "audit-entity-type", "1")
    if about_patient:
        if len(patients) != 1:
            yield "exactly one patient"
        for patient in patients:
            if code(patient.get("role", {})) != (TERMINOLOGY + "object-role", "1"):
                yield "patient.role is Patient"
            if not str(patient.get("what", {}).get("reference", "")).startswith("Patient/"):
                yield "patient.what is a Reference(Patient)"
    elif patients:
        yield "a patient is known, so the Patient profile is the one to claim"


def _agents(event: Event, kind: str) -> Iterator[str]:
    for role in (CLIENTS[kind], SERVERS[kind]):
        found = agents(event, DCM, role)
        if len(found) != 1:
            yield f"exactly one agent {role}"
        for agent in found:
            if not agent.get("who") or not agent.get("network") or "media" in agent:
                yield f"agent {role} has who and network, and no media"
    people = agents(event, TERMINOLOGY + "v3-ParticipationType", "IRCP")
    if len(people) > 1:
        yield "at most one user"
    for person in people:
        if not person.get("who") or person.get("requestor") is not True or {"network", "media"} & set(person):
            yield "a user has who, requests, and has neither network nor media"


def _entities(event: Event, kind: str) -> Iterator[str]:
    transactions = entities(event, *TRANSACTION)
    if len(transactions) > 1 or any(
        not entity.get("what", {}).get("identifier", {}).get("value") for entity in transactions
    ):
        yield "at most one transaction, with what.identifier.value"
    objects = entities(event, TERMINOLOGY + "audit-entity-type", "2")
    if len(objects) != 1:
        yield "exactly one query or data entity"
    for entity in objects:
        system, role = code(entity.get("role", {}))
        if kind == "Query":
            if (system, role) != (TERMINOLOGY + "object-role", "24") or not entity.get("query"):
                yield "the query entity has role 24 and a query"
            if {"what", "lifecycle", "detail"} & set(entity):
                yield "the query entity has no what, lifecycle or detail"
        elif system != TERMINOLOGY + "object-role" or role not in ("3", "4", "20") or not entity.get("what"):
            yield "the data entity has role 3, 4 or 20 and a what"
