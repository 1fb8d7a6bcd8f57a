"""IHE Basic Audit Log Patterns (BALP) 1.1 as executable checks: queries, reads and disclosures at the source.

Written from the profiles' definitions, not from the code under test; slices are told apart by `type`. Each
constraint is one `yield` of its own words, so that a test can tell whether every one was seen to catch.
"""

from collections.abc import Iterator
from typing import Any

PROFILES = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
DCM = "http://dicom.nema.org/resources/ontology/DCM"
SNOMED = "http://snomed.info/sct"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
INTERACTION = "http://hl7.org/fhir/restful-interaction"
ENTITY_TYPE = TERMINOLOGY + "audit-entity-type"
ROLE = TERMINOLOGY + "object-role"
TRANSACTION = ("https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "XrequestId")
OPERATION_OUTCOME = ("http://hl7.org/fhir/resource-types", "OperationOutcome")
DISCLOSE = (TERMINOLOGY + "iso-21089-lifecycle", "disclose")

SOURCE, DESTINATION = "110153", "110152"
ACTIONS = {"Query": "E", "Read": "R"}
CLIENTS = {"Query": SOURCE, "Read": DESTINATION}
SERVERS = {"Query": DESTINATION, "Read": SOURCE}
SUBTYPES = {"Query": {"search", "search-type", "search-system"}, "Read": {"read", "vread"}}

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
    """Every constraint that the event breaks: those of R4's AuditEvent, and of the profiles it claims."""
    profiles = event.get("meta", {}).get("profile", [])
    return [*_base(event), *(broken for profile in profiles for broken in _profile(event, profile))]


def _profile(event: Event, profile: str) -> Iterator[str]:
    name = profile.removeprefix(PROFILES)
    if name == "PrivacyDisclosure.Source":
        yield from _disclosure(event)
        yield from _patient(event)
    elif name in ("Query", "PatientQuery", "Read", "PatientRead"):
        kind = name.removeprefix("Patient")
        yield from _interaction(event, kind)
        yield from _participants(event, kind)
        yield from _transaction(event)
        yield from (_query(event) if kind == "Query" else _data(event))
        if name.startswith("Patient"):
            yield from _patient(event)
        elif entities(event, ENTITY_TYPE, "1"):
            yield "a patient is known, so the profile with a patient is the one to claim"
        if name == "PatientRead" and len(event.get("entity", [])) < 2:
            yield "a read about a patient has two entities at least"
    else:
        yield "the profile is one of BALP's"


def _base(event: Event) -> Iterator[str]:
    if event.get("resourceType") != "AuditEvent" or not any(map(str.isalpha, event.get("id", ""))):
        yield "it is an AuditEvent, and its id holds a letter"
    if not event.get("type", {}).get("code"):
        yield "type is 1..1"
    if not event.get("recorded"):
        yield "recorded is 1..1"
    if not event.get("agent"):
        yield "agent is 1..*"
    if not event.get("source", {}).get("observer"):
        yield "source.observer is 1..1"
    if event.get("action") not in ("C", "R", "U", "D", "E"):
        yield "action is one of R4's"
    if event.get("outcome") not in ("0", "4", "8", "12"):
        yield "outcome is one of R4's"
    for agent in event.get("agent", []):
        if not isinstance(agent.get("requestor"), bool):
            yield "agent.requestor is 1..1"
    for entity in event.get("entity", []):
        if entity.get("name") and entity.get("query"):
            yield "sev-1: an entity has a name or a query, not both"
        for detail in entity.get("detail", []):
            if not detail.get("type"):
                yield "entity.detail.type is 1..1"
            if len([key for key in detail if key.startswith("value")]) != 1:
                yield "entity.detail.value is 1..1"
    yield from _failure(event)


def _failure(event: Event) -> Iterator[str]:
    """What BALP asks of failures, and R4 of contained resources."""
    referred = {
        str(entity.get("what", {}).get("reference"))
        for entity in entities(event, *OPERATION_OUTCOME)
        if entity.get("what")
    }
    contained = {f"#{resource.get('id')}" for resource in event.get("contained", [])}
    if referred != contained:
        yield "dom-3: what is contained is referred to, and the reverse"
    if event.get("outcome") != "0":
        if not event.get("outcomeDesc", "").strip():
            yield "a failure says why"
        if not referred:
            yield "a failure has an OperationOutcome"


def _interaction(event: Event, kind: str) -> Iterator[str]:
    if code(event["type"]) != (TERMINOLOGY + "audit-event-type", "rest"):
        yield "type is rest"
    subtypes = [value for system, value in map(code, event.get("subtype", [])) if system == INTERACTION]
    if len(subtypes) != 1 or subtypes[0] not in SUBTYPES[kind]:
        yield "subtype is exactly one interaction of the profile"
    if event.get("action") != ACTIONS[kind]:
        yield "action is the profile's"
    if event.get("outcome") != "0":
        yield "only successes claim a profile of interactions"


def _participants(event: Event, kind: str) -> Iterator[str]:
    clients, servers = agents(event, DCM, CLIENTS[kind]), agents(event, DCM, SERVERS[kind])
    if len(clients) != 1:
        yield "exactly one client"
    if len(servers) != 1:
        yield "exactly one server"
    if len(event.get("agent", [])) < 2:
        yield "an interaction has two agents at least"
    for agent in [*clients, *servers]:
        if not agent.get("who"):
            yield "client and server have a who"
        if not agent.get("network"):
            yield "client and server have a network"
        if "media" in agent:
            yield "client and server have no media"
    users = agents(event, TERMINOLOGY + "v3-ParticipationType", "IRCP")
    if len(users) > 1:
        yield "at most one user"
    for user in users:
        if not user.get("who"):
            yield "the user has a who"
        if user.get("requestor") is not True:
            yield "the user requests"
        if "network" in user:
            yield "the user has no network"
        if "media" in user:
            yield "the user has no media"
        if not user.get("purposeOfUse"):
            yield "the user's purpose of use is known, so it is told"


def _transaction(event: Event) -> Iterator[str]:
    transactions = entities(event, *TRANSACTION)
    if len(transactions) > 1:
        yield "at most one transaction"
    for entity in transactions:
        if not entity.get("what", {}).get("identifier", {}).get("value"):
            yield "the transaction has what.identifier.value"


def _query(event: Event) -> Iterator[str]:
    queries = entities(event, ENTITY_TYPE, "2")
    if len(queries) != 1:
        yield "exactly one query"
    for entity in queries:
        if code(entity.get("role", {})) != (ROLE, "24"):
            yield "the query's role is 24"
        if not entity.get("query"):
            yield "the query has a query"
        if not isinstance(entity.get("description", ""), str):
            yield "the query's description is 0..1"
        if "what" in entity:
            yield "the query has no what"
        if "lifecycle" in entity:
            yield "the query has no lifecycle"
        if "detail" in entity:
            yield "the query has no detail"


def _data(event: Event) -> Iterator[str]:
    found = entities(event, ENTITY_TYPE, "2")
    if len(found) != 1:
        yield "exactly one data entity"
    for entity in found:
        if code(entity.get("role", {})) not in [(ROLE, "3"), (ROLE, "4"), (ROLE, "20")]:
            yield "the data's role is 3, 4 or 20"
        if not entity.get("what"):
            yield "the data has a what"


def _patient(event: Event) -> Iterator[str]:
    patients = entities(event, ENTITY_TYPE, "1")
    if len(patients) != 1:
        yield "exactly one patient"
    for patient in patients:
        if code(patient.get("role", {})) != (ROLE, "1"):
            yield "the patient's role is 1"
        if not str(patient.get("what", {}).get("reference", "")).startswith("Patient/"):
            yield "the patient is a Reference(Patient)"


def _disclosure(event: Event) -> Iterator[str]:
    if "modifierExtension" in event:
        yield "a disclosure has no modifierExtension"
    if code(event["type"]) != (DCM, "110106"):
        yield "a disclosure is an export"
    if DISCLOSE not in map(code, event.get("subtype", [])):
        yield "a disclosure's subtype is disclose at least"
    if event.get("action") != "R":
        yield "a disclosure's action is R"
    if not event.get("outcomeDesc"):
        yield "a disclosure tells its outcome"
    if not event.get("purposeOfEvent"):
        yield "a disclosure tells its purpose"
    sources, recipients = agents(event, DCM, SOURCE), agents(event, DCM, DESTINATION)
    if len(sources) != 1:
        yield "exactly one source"
    if len(recipients) != 1:
        yield "exactly one recipient"
    if len(event.get("agent", [])) < 2:
        yield "a disclosure has two agents at least"
    for agent in [*sources, *recipients]:
        if not agent.get("who"):
            yield "source and recipient have a who"
        if not agent.get("network"):
            yield "source and recipient have a network"
    if any(agent.get("who") != event["source"]["observer"] for agent in sources):
        yield "val-audit-source: the source is the observer"
    custodians, authorizers = agents(event, SNOMED, "159541003"), agents(event, SNOMED, "429577009")
    if len(custodians) > 1:
        yield "at most one custodian"
    if len(authorizers) > 1:
        yield "at most one authorizer"
    if any(not agent.get("who") for agent in [*custodians, *authorizers]):
        yield "custodian and authorizer have a who"
    if len(event.get("entity", [])) < 2:
        yield "a disclosure has two entities at least"
    if not entities(event, ENTITY_TYPE, "2"):
        yield "a disclosure has data"
