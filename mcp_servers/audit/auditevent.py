"""One FHIR R4 AuditEvent for one tool call, in the shapes of IHE Basic Audit Log Patterns (BALP).

A call that succeeded claims the profile it fits (Query, PatientQuery, Read or PatientRead). A refused or
failed one follows the same pattern and claims none: the profiles are for successes. So does a call about
several patients, for which BALP wants one event each.

BALP tells an event's entities apart by `type` alone: the entity of the tool call itself, which holds what
BALP has no place for, is therefore of type "Other", and one query entity holds every request of the call.
Servers that enforce references reject an event that names an absent resource (HAPI-1094): programs and
people are named by identifier, and so is a patient who was asked for but not seen.
"""

import base64
import hashlib
import re
import socket
from typing import Any

import rfc8785

from mcp_servers.audit.record import Record

BALP = "https://profiles.ihe.net/ITI/BALP"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
INTERACTION = "http://hl7.org/fhir/restful-interaction"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"

OUTCOMES = {
    "ok": "0",
    "refused": "4",
    "failed": "8",
    "unknown": "8",
}  # success, minor failure, serious failure
READ_TOOL = "fhir_read"

Element = dict[str, Any]


def events(
    intent: Record, asked: Element, body: Element, said: Element, *, at: str, seq: int, previous: str
) -> list[Element]:
    """The AuditEvents of the act that `intent` (which sealed `asked`) began and a completion ended.

    The completion's record has this `body`, seals `said`, and is number `seq` after the hash `previous`;
    `at` is its time.
    """
    if intent.body["act"] != "tool_call":
        return []
    return [_tool_call_event(intent, asked, {**body, **said}, at=at, seq=seq, previous=previous)]


def devices(intent: Record) -> list[Element]:
    """The Device resources that the events of an act refer to."""
    return []


def _tool_call_event(
    intent: Record, sealed: Element, completion: Element, *, at: str, seq: int, previous: str
) -> Element:
    asked = {**intent.body, **sealed}
    read = asked["tool"] == READ_TOOL
    patients = list(dict.fromkeys(completion["patients"])) or ([asked["patient"]] if asked["patient"] else [])
    seen = completion["patients"] or completion["outcome"] == "ok"
    profile = _profile(read, completion, len(patients))
    event = {
        "resourceType": "AuditEvent",
        "id": intent.id,
        **({"meta": {"profile": [profile]}} if profile else {}),
        "type": _coding(f"{TERMINOLOGY}/audit-event-type", "rest", "Restful Operation"),
        "subtype": [_coding(INTERACTION, "read" if read else "search-type")],
        "action": "R" if read else "E",
        "period": {"start": intent.at, "end": at},
        "recorded": at,
        "outcome": OUTCOMES[completion["outcome"]],
        **({"outcomeDesc": completion["error"]} if (completion["error"] or "").strip() else {}),
        "purposeOfEvent": [_purpose(asked)],
        "agent": _agents(asked, read),
        "source": {
            "observer": _named(asked["server"]),
            "type": [_coding(f"{TERMINOLOGY}/security-source-type", "4", "Application Server")],
        },
        "entity": [
            *(_read_entity(completion) if read else _query_entity(completion)),
            *(_patient_entity(patient, by_reference=bool(seen)) for patient in patients),
            {
                "what": {"identifier": {"value": intent.id}},
                "type": _coding(f"{BALP}/CodeSystem/BasicAuditEntityType", "XrequestId"),
            },
            _call_entity(intent, asked, completion, {"seq": str(seq), "previous-hash": previous}, read),
        ],
    }
    return {name: _printable(element) for name, element in event.items()}


def _printable(element: Any) -> Any:
    """The element without the control characters that FHIR's strings may not hold."""
    if isinstance(element, dict):
        return {name: _printable(inner) for name, inner in element.items()}
    if isinstance(element, list):
        return [_printable(inner) for inner in element]
    if not isinstance(element, str) or element.isprintable():
        return element
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "\ufffd", element)


def _profile(read: bool, completion: Element, patients: int) -> str | None:
    """The profile that the event fits; None after a failure, for several patients, or for no request."""
    if completion["outcome"] != "ok" or patients > 1 or not completion["refs" if read else "requests"]:
        return None
    name = ("Patient" if patients else "") + ("Read" if read else "Query")
    return f"{BALP}/StructureDefinition/IHE.BasicAudit.{name}"


def _agents(asked: Element, read: bool) -> list[Element]:
    """Person, program, FHIR server and, when the client named it, model.

    DICOM's source and destination follow the payload: a query flows to the server, a read from it.
    """
    source = {"coding": [_coding(DICOM, "110153", "Source Role ID")]}
    destination = {"coding": [_coding(DICOM, "110152", "Destination Role ID")]}
    person = {
        "type": {"coding": [_coding(f"{TERMINOLOGY}/v3-ParticipationType", "IRCP", "information recipient")]},
        "who": _named(asked["user"]),
        "requestor": True,
        "purposeOfUse": [_purpose(asked)],
    }
    client = {
        "type": destination if read else source,
        "role": [{"coding": [_coding(DICOM, "110150", "Application")]}],
        "who": _named(asked["server"]),
        "requestor": False,
        "network": {"address": socket.gethostname(), "type": "1"},
    }
    server = {
        "type": source if read else destination,
        "who": _named(asked["fhir"]),
        "requestor": False,
        "network": {"address": asked["fhir"], "type": "5"},
    }
    model = _model_name(asked["meta"])
    device = {
        "type": {"coding": [_coding(f"{TERMINOLOGY}/v3-ParticipationType", "DEV", "device")]},
        "who": {"type": "Device", **_named(model)},
        "requestor": False,
    }
    return [person, client, server, *([device] if model else [])]


def _model_name(meta: Element) -> str:
    """`name@revision (quantisation)` from what the client said of its model; empty when it said nothing."""
    model = meta.get("model")
    if not isinstance(model, dict):
        return str(model or "").strip()
    said = (str(model.get(key) or "") for key in ("name", "revision", "quantisation"))
    name, revision, quantisation = (text.strip() for text in said)
    return name + (f"@{revision}" if revision else "") + (f" ({quantisation})" if quantisation else "")


def _query_entity(completion: Element) -> list[Element]:
    if not completion["requests"]:
        return []
    return [
        {
            "type": _coding(f"{TERMINOLOGY}/audit-entity-type", "2", "System Object"),
            "role": _coding(f"{TERMINOLOGY}/object-role", "24", "Query"),
            "query": base64.b64encode("\n".join(_request_lines(completion)).encode()).decode(),
        }
    ]


def _read_entity(completion: Element) -> list[Element]:
    if not completion["refs"]:
        return []
    return [
        {
            "what": {"reference": completion["refs"][0]},
            "type": _coding(f"{TERMINOLOGY}/audit-entity-type", "2", "System Object"),
            "role": _coding(f"{TERMINOLOGY}/object-role", "4", "Domain Resource"),
        }
    ]


def _patient_entity(patient: str, *, by_reference: bool) -> Element:
    return {
        "what": {"reference": patient}
        if by_reference
        else {"type": "Patient", "identifier": {"value": patient}},
        "type": _coding(f"{TERMINOLOGY}/audit-entity-type", "1", "Person"),
        "role": _coding(f"{TERMINOLOGY}/object-role", "1", "Patient"),
    }


def _call_entity(
    intent: Record, asked: Element, completion: Element, position: dict[str, str], read: bool
) -> Element:
    """The tool call: what was asked and found, by hash, and where in the trail it lies."""
    details = {
        "tool": asked["tool"],
        "arguments-sha256": hashlib.sha256(rfc8785.dumps(asked["arguments"])).hexdigest(),
        "result-rows": str(completion["rows"]),
        "result-sha256": completion["result_sha256"],
        "session": intent.session,
        "step": str(asked["meta"].get("step", "")),
        **position,
    }
    requests = _request_lines(completion) if read else []  # of a query, the query entity has them
    return {
        "type": _coding(f"{TERMINOLOGY}/audit-entity-type", "4", "Other"),
        "name": asked["tool"],
        "detail": [
            {"type": name, "valueString": value}
            for name, value in [*details.items(), *(("request", line) for line in requests)]
            if value.strip()
        ],
    }


def _request_lines(completion: Element) -> list[str]:
    return [f"{request['method']} {request['url']}" for request in completion["requests"]]


def _purpose(asked: Element) -> Element:
    return {"coding": [_coding(f"{TERMINOLOGY}/v3-ActReason", asked["purpose_of_use"])]}


def _coding(system: str, code: str, display: str = "") -> dict[str, str]:
    return {"system": system, "code": code, **({"display": display} if display else {})}


def _named(name: str) -> Element:
    return {"identifier": {"value": name}, "display": name}
