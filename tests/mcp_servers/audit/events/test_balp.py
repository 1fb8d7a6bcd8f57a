"""The checks of BALP's constraints: each catches a violation of it."""

import ast
import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .. import balp
from ..balp import DCM, PROFILES, ROLE, TERMINOLOGY, TRANSACTION, Event, violations
from ..shapes import SHAPES

Spoil = Callable[[Event], object]

HOST = {"address": "here", "type": "1"}
WHO = {"display": "somebody"}
XREQUEST = dict(zip(("system", "code"), TRANSACTION, strict=True))
# Where each shape keeps its parts.
QUERY = {"query": 0, "patient": 1, "transaction": 2, "act": 3}
READ = {"data": 0, "patient": 1}
LEFT = {"data": 0, "patient": 1, "act": 2}
USER, CLIENT, SERVER = 0, 1, 2  # agents of an interaction
SOURCE, RECIPIENT = 0, 1  # agents of a disclosure


def at(event: Event, path: tuple[str | int, ...]) -> Any:
    found: Any = event
    for step in path:
        found = found[step]
    return found


def put(value: Any, *path: str | int) -> Spoil:
    return lambda event: at(event, path[:-1]).__setitem__(path[-1], value)


def drop(*path: str | int) -> Spoil:
    return lambda event: at(event, path[:-1]).__delitem__(path[-1])


def again(*path: str | int) -> Spoil:
    """One more of what lies there."""
    return lambda event: at(event, path[:-1]).append(copy.deepcopy(at(event, path)))


def add(value: Any, *path: str | int) -> Spoil:
    return lambda event: at(event, path).append(value)


def one_agent_in_both_roles(event: Event) -> None:
    first, second = event["agent"][CLIENT], event["agent"][SERVER]
    first["type"]["coding"] += second["type"]["coding"]
    event["agent"] = [first]


def one_agent_of_a_disclosure(event: Event) -> None:
    first, second = event["agent"][SOURCE], event["agent"][RECIPIENT]
    first["type"]["coding"] += second["type"]["coding"]
    event["agent"] = [first]


def one_entity(event: Event) -> None:
    event["entity"] = event["entity"][:1]


def somebody(system: str, value: str, **more: Any) -> Event:
    return {"type": {"coding": [{"system": system, "code": value}]}, "requestor": False, **more}


def two(*agents: Event) -> Spoil:
    return lambda event: event["agent"].extend(agents)


CUSTODIAN = somebody(balp.SNOMED, "159541003", who=WHO)
AUTHORIZER = somebody(balp.SNOMED, "429577009", who=WHO)

PLANTED: list[tuple[str, str, Spoil]] = [
    # R4's AuditEvent, and failures
    ("PatientQuery", "it is an AuditEvent, and its id holds a letter", put("123", "id")),
    ("PatientQuery", "it is an AuditEvent, and its id holds a letter", put("Device", "resourceType")),
    ("PatientQuery", "type is 1..1", drop("type", "code")),
    ("PatientQuery", "recorded is 1..1", drop("recorded")),
    ("PatientQuery", "agent is 1..*", put([], "agent")),
    ("PatientQuery", "source.observer is 1..1", drop("source", "observer")),
    ("PatientQuery", "action is one of R4's", put("X", "action")),
    ("PatientQuery", "outcome is one of R4's", put("1", "outcome")),
    ("PatientQuery", "agent.requestor is 1..1", drop("agent", 1, "requestor")),
    (
        "PatientQuery",
        "sev-1: an entity has a name or a query, not both",
        put("search", "entity", QUERY["query"], "name"),
    ),
    (
        "PatientQuery",
        "entity.detail.type is 1..1",
        drop("entity", QUERY["act"], "detail", 0, "type"),
    ),
    (
        "PatientQuery",
        "entity.detail.value is 1..1",
        drop("entity", QUERY["act"], "detail", 0, "valueString"),
    ),
    (
        "PatientQuery",
        "entity.detail.value is 1..1",
        put("AA==", "entity", QUERY["act"], "detail", 0, "valueBase64Binary"),
    ),
    ("failed", "dom-3: what is contained is referred to, and the reverse", drop("contained")),
    (
        "failed",
        "dom-3: what is contained is referred to, and the reverse",
        put("#elsewhere", "entity", -1, "what", "reference"),
    ),
    ("failed", "a failure says why", drop("outcomeDesc")),
    ("failed", "a failure has an OperationOutcome", drop("entity", -1)),
    # Query, PatientQuery, Read and PatientRead
    ("PatientQuery", "the profile is one of BALP's", put(PROFILES + "Querry", "meta", "profile", 0)),
    ("PatientQuery", "type is rest", put("110112", "type", "code")),
    ("PatientRead", "type is rest", put(DCM, "type", "system")),
    ("PatientQuery", "subtype is exactly one interaction of the profile", put([], "subtype")),
    ("PatientQuery", "subtype is exactly one interaction of the profile", again("subtype", 0)),
    ("PatientQuery", "subtype is exactly one interaction of the profile", put("read", "subtype", 0, "code")),
    ("Read", "subtype is exactly one interaction of the profile", put("search", "subtype", 0, "code")),
    ("PatientQuery", "action is the profile's", put("R", "action")),
    ("PatientRead", "action is the profile's", put("E", "action")),
    ("PatientQuery", "only successes claim a profile of interactions", put("8", "outcome")),
    ("PatientRead", "only successes claim a profile of interactions", put("4", "outcome")),
    ("PatientQuery", "exactly one client", again("agent", CLIENT)),
    ("PatientRead", "exactly one client", drop("agent", CLIENT)),
    ("PatientQuery", "exactly one server", again("agent", SERVER)),
    ("PatientRead", "exactly one server", drop("agent", SERVER)),
    ("PatientQuery", "an interaction has two agents at least", one_agent_in_both_roles),
    ("PatientQuery", "client and server have a who", drop("agent", CLIENT, "who")),
    ("PatientRead", "client and server have a who", drop("agent", SERVER, "who")),
    ("PatientQuery", "client and server have a network", drop("agent", CLIENT, "network")),
    ("PatientRead", "client and server have a network", drop("agent", SERVER, "network")),
    ("PatientQuery", "client and server have no media", put({"code": "110030"}, "agent", CLIENT, "media")),
    ("PatientRead", "client and server have no media", put({"code": "110030"}, "agent", SERVER, "media")),
    ("PatientQuery", "at most one user", again("agent", USER)),
    ("PatientQuery", "the user has a who", drop("agent", USER, "who")),
    ("PatientQuery", "the user requests", put(False, "agent", USER, "requestor")),
    ("PatientQuery", "the user has no network", put(HOST, "agent", USER, "network")),
    ("PatientQuery", "the user has no media", put({"code": "110030"}, "agent", USER, "media")),
    (
        "PatientQuery",
        "the user's purpose of use is known, so it is told",
        drop("agent", USER, "purposeOfUse"),
    ),
    ("PatientQuery", "at most one transaction", again("entity", QUERY["transaction"])),
    (
        "PatientQuery",
        "the transaction has what.identifier.value",
        drop("entity", QUERY["transaction"], "what", "identifier", "value"),
    ),
    ("PatientQuery", "exactly one query", again("entity", QUERY["query"])),
    ("Query", "exactly one query", drop("entity", QUERY["query"])),
    ("PatientQuery", "the query's role is 24", put("4", "entity", QUERY["query"], "role", "code")),
    ("PatientQuery", "the query's role is 24", drop("entity", QUERY["query"], "role")),
    ("PatientQuery", "the query has a query", drop("entity", QUERY["query"], "query")),
    (
        "PatientQuery",
        "the query's description is 0..1",
        put(["one", "two"], "entity", QUERY["query"], "description"),
    ),
    ("PatientQuery", "the query has no what", put(WHO, "entity", QUERY["query"], "what")),
    (
        "PatientQuery",
        "the query has no lifecycle",
        put({"code": "6"}, "entity", QUERY["query"], "lifecycle"),
    ),
    (
        "PatientQuery",
        "the query has no detail",
        put([{"type": "rows", "valueString": "1"}], "entity", QUERY["query"], "detail"),
    ),
    ("PatientRead", "exactly one data entity", again("entity", READ["data"])),
    ("Read", "exactly one data entity", drop("entity", READ["data"])),
    ("PatientRead", "the data's role is 3, 4 or 20", put("24", "entity", READ["data"], "role", "code")),
    ("PatientRead", "the data has a what", drop("entity", READ["data"], "what")),
    (
        "Query",
        "a patient is known, so the profile with a patient is the one to claim",
        add(SHAPES["PatientQuery"][0]["entity"][QUERY["patient"]], "entity"),
    ),
    ("PatientRead", "a read about a patient has two entities at least", one_entity),
    # the patient of PatientQuery, PatientRead and PrivacyDisclosure.Source
    ("PatientQuery", "exactly one patient", again("entity", QUERY["patient"])),
    ("PatientRead", "exactly one patient", drop("entity", READ["patient"])),
    ("escalation", "exactly one patient", again("entity", LEFT["patient"])),
    ("PatientQuery", "the patient's role is 1", put("6", "entity", QUERY["patient"], "role", "code")),
    ("escalation", "the patient's role is 1", drop("entity", LEFT["patient"], "role")),
    (
        "PatientQuery",
        "the patient is a Reference(Patient)",
        put({"identifier": {"value": "p1"}}, "entity", QUERY["patient"], "what"),
    ),
    (
        "escalation",
        "the patient is a Reference(Patient)",
        put({"reference": "Group/g1"}, "entity", LEFT["patient"], "what"),
    ),
    # PrivacyDisclosure.Source
    (
        "escalation",
        "a disclosure has no modifierExtension",
        put([{"url": "urn:not", "valueBoolean": True}], "modifierExtension"),
    ),
    ("escalation", "a disclosure is an export", put("110107", "type", "code")),
    ("escalation", "a disclosure's subtype is disclose at least", put("access", "subtype", 0, "code")),
    ("escalation", "a disclosure's action is R", put("E", "action")),
    ("escalation", "a disclosure tells its outcome", drop("outcomeDesc")),
    ("escalation", "a disclosure tells its purpose", drop("purposeOfEvent")),
    ("escalation", "exactly one source", again("agent", SOURCE)),
    ("escalation", "exactly one recipient", drop("agent", RECIPIENT)),
    ("escalation", "a disclosure has two agents at least", one_agent_of_a_disclosure),
    ("escalation", "source and recipient have a who", drop("agent", RECIPIENT, "who")),
    ("escalation", "source and recipient have a network", drop("agent", SOURCE, "network")),
    ("escalation", "source and recipient have a network", drop("agent", RECIPIENT, "network")),
    (
        "escalation",
        "val-audit-source: the source is the observer",
        put(WHO, "agent", SOURCE, "who"),
    ),
    ("escalation", "at most one custodian", two(CUSTODIAN, CUSTODIAN)),
    ("escalation", "at most one authorizer", two(AUTHORIZER, AUTHORIZER)),
    (
        "escalation",
        "custodian and authorizer have a who",
        two(somebody(balp.SNOMED, "159541003")),
    ),
    ("escalation", "a disclosure has two entities at least", one_entity),
    ("escalation", "a disclosure has data", drop("entity", LEFT["data"])),
]


@pytest.mark.parametrize(("shape", "constraint", "spoil"), PLANTED)
def test_a_planted_violation_is_caught(shape: str, constraint: str, spoil: Spoil) -> None:
    event = copy.deepcopy(SHAPES[shape][0])
    assert violations(event) == []
    spoil(event)
    assert constraint in violations(event)


def test_every_constraint_was_seen_to_catch_a_violation() -> None:
    source = Path(balp.__file__).read_text(encoding="utf-8")
    yields = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Yield)]
    constraints = [str(node.value) for node in yields if isinstance(node, ast.Constant)]
    assert len(constraints) == len(yields)
    assert sorted(set(constraints)) == sorted(constraints)  # told apart by their words
    assert set(constraints) == {constraint for _, constraint, _ in PLANTED}


@pytest.mark.parametrize(
    ("shape", "more"),
    [
        ("PatientQuery", put("GET Observation?patient=p1", "entity", QUERY["query"], "description")),
        ("Query", put("search-system", "subtype", 0, "code")),
        ("Read", put("vread", "subtype", 0, "code")),
        ("PatientRead", put("20", "entity", READ["data"], "role", "code")),
        ("PatientQuery", add({"system": TERMINOLOGY + "iso-21089-lifecycle", "code": "access"}, "subtype")),
        ("escalation", two(CUSTODIAN, AUTHORIZER)),
        ("escalation", add({"what": WHO, "type": XREQUEST}, "entity")),
        ("escalation", add({"what": WHO, "role": {"system": ROLE, "code": "3"}}, "entity")),
    ],
)
def test_what_a_profile_leaves_open_is_no_violation(shape: str, more: Spoil) -> None:
    event = copy.deepcopy(SHAPES[shape][0])
    more(event)
    assert violations(event) == []
