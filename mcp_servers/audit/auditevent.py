"""One FHIR R4 AuditEvent for one tool call, in the shapes of IHE Basic Audit Log Patterns (BALP).

A call that succeeded claims the profile it fits (Query, PatientQuery, Read or PatientRead). A refused or
failed one follows the same pattern and claims none: the profiles are for successes. So does a call about
several patients, which BALP would have one event each for.

BALP tells an event's entities apart by `type` alone, so the entity of the tool call itself, which holds
what BALP has no place for, is of type "Other", and the query entity holds every request of the call.
Servers that enforce references reject an event that names an absent resource (HAPI-1094): programs and
people are named by identifier, and so is a patient who was asked for but not seen.
"""

import base64
import hashlib
import socket
from typing import Any

import rfc8785

from mcp_servers.audit.record import Record

BALP = "https://profiles.ihe.net/ITI/BALP"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
OBJECT_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
PURPOSE = "http://terminology.hl7.org/CodeSystem/v3-ActReason"

OUTCOMES = {"ok": "0", "refused": "4", "failed": "8"}  # success, minor failure, serious failure
READ_TOOL = "fhir_read"


def tool_call_event(
    intent: Record, completion: dict[str, Any], *, at: str, seq: int, previous: str
) -> dict[str, Any]:
    """The AuditEvent of the call that `intent` began and `completion` (its record's body) ended.

    `at` is the time of completion; `seq` and `previous` are the completion record's number and previous hash.
    """
    asked = intent.body
    read = asked["tool"] == READ_TOOL
    patients = list(dict.fromkeys(completion["patients"])) or ([asked["patient"]] if asked["patient"] else [])
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": intent.id,
        "type": _coding(
            "http://terminology.hl7.org/CodeSystem/audit-event-type", "rest", "Restful Operation"
        ),
        "subtype": [_coding("http://hl7.org/fhir/restful-interaction", "read" if read else "search-type")],
        "action": "R" if read else "E",
        "period": {"start": intent.at, "end": at},
        "recorded": at,
        "outcome": OUTCOMES[completion["outcome"]],
        "purposeOfEvent": [{"coding": [_coding(PURPOSE, asked["purpose_of_use"])]}],
        "agent": _agents(asked, read),
        "source": {
            "observer": _named(asked["server"]),
            "type": [
                _coding(
                    "http://terminology.hl7.org/CodeSystem/security-source-type", "4", "Application Server"
                )
            ],
        },
        "entity": [
            *([_read_entity(completion)] if read else [_query_entity(completion)]),
            *(_patient_entity(patient, completion) for patient in patients),
            {
                "what": {"identifier": {"value": intent.id}},
                "type": _coding(f"{BALP}/CodeSystem/BasicAuditEntityType", "XrequestId"),
            },
            _call_entity(intent, completion, seq, previous),
        ],
    }
    event["entity"] = [entity for entity in event["entity"] if entity]
    if completion["error"]:
        event["outcomeDesc"] = completion["error"]
    profile = _profile(read, completion, len(patients))
    return {**event, "meta": {"profile": [profile]}} if profile else event


def _profile(read: bool, completion: dict[str, Any], patients: int) -> str | None:
    """The profile that the event fits; None for failures, several patients, or nothing asked of the server."""
    if completion["outcome"] != "ok" or patients > 1 or not completion["refs" if read else "requests"]:
        return None
    name = ("Patient" if patients else "") + ("Read" if read else "Query")
    return f"{BALP}/StructureDefinition/IHE.BasicAudit.{name}"


def _agents(asked: dict[str, Any], read: bool) -> list[dict[str, Any]]:
    source, destination = (
        {"coding": [_coding(DICOM, "110153", "Source Role ID")]},
        {"coding": [_coding(DICOM, "110152", "Destination Role ID")]},
    )
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
    human = {
        "type": {"coding": [_coding(PARTICIPATION, "IRCP", "information recipient")]},
        "who": _named(asked["user"]),
        "requestor": True,
        "purposeOfUse": [{"coding": [_coding(PURPOSE, asked["purpose_of_use"])]}],
    }
    model = _model_name(asked["meta"])
    ai = {
        "type": {"coding": [_coding(PARTICIPATION, "DEV", "device")]},
        "who": {"type": "Device", **_named(model)},
        "requestor": False,
    }
    return [human, client, server, *([ai] if model else [])]


def _model_name(meta: dict[str, Any]) -> str:
    """`name@revision (quantisation)` from what the client said of its model; empty when it said nothing."""
    model = meta.get("model")
    if isinstance(model, dict):
        name, revision, quantisation = (
            str(model.get(key) or "") for key in ("name", "revision", "quantisation")
        )
        return name + (f"@{revision}" if revision else "") + (f" ({quantisation})" if quantisation else "")
    return str(model or "")


def _query_entity(completion: dict[str, Any]) -> dict[str, Any]:
    requests = "\n".join(_request_lines(completion))
    if not requests:
        return {}
    return {
        "type": _coding(ENTITY_TYPE, "2", "System Object"),
        "role": _coding(OBJECT_ROLE, "24", "Query"),
        "query": base64.b64encode(requests.encode()).decode(),
    }


def _read_entity(completion: dict[str, Any]) -> dict[str, Any]:
    if not completion["refs"]:
        return {}
    return {
        "what": {"reference": completion["refs"][0]},
        "type": _coding(ENTITY_TYPE, "2", "System Object"),
        "role": _coding(OBJECT_ROLE, "4", "Domain Resource"),
    }


def _patient_entity(patient: str, completion: dict[str, Any]) -> dict[str, Any]:
    seen = patient in completion["patients"] or completion["outcome"] == "ok"
    what = {"reference": patient} if seen else {"type": "Patient", "identifier": {"value": patient}}
    return {
        "what": what,
        "type": _coding(ENTITY_TYPE, "1", "Person"),
        "role": _coding(OBJECT_ROLE, "1", "Patient"),
    }


def _call_entity(intent: Record, completion: dict[str, Any], seq: int, previous: str) -> dict[str, Any]:
    asked = intent.body
    details = {
        "tool": asked["tool"],
        "arguments-sha256": hashlib.sha256(rfc8785.dumps(asked["arguments"])).hexdigest(),
        "result-rows": str(completion["rows"]),
        "result-sha256": completion["result_sha256"],
        "session": intent.session,
        "step": str(asked["meta"].get("step", "")),
        "seq": str(seq),
        "previous-hash": previous,
        "intent-hash": intent.hash,
    }
    return {
        "type": _coding(ENTITY_TYPE, "4", "Other"),
        "name": asked["tool"],
        "detail": [
            *({"type": name, "valueString": value} for name, value in details.items() if value),
            *({"type": "request", "valueString": line} for line in dict.fromkeys(_request_lines(completion))),
        ],
    }


def _request_lines(completion: dict[str, Any]) -> list[str]:
    return [f"{request['method']} {request['url']}" for request in completion["requests"]]


def _coding(system: str, code: str, display: str = "") -> dict[str, str]:
    return {"system": system, "code": code, **({"display": display} if display else {})}


def _named(name: str) -> dict[str, Any]:
    return {"identifier": {"value": name}, "display": name}
