"""The elements that every AuditEvent is built of: FHIR R4, with DICOM's codes for events and roles."""

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mcp_servers.audit.events.model_device import device, device_name, model_of

BALP = "https://profiles.ihe.net/ITI/BALP"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"

NOT_FOUND = "not_found"  # the error of a call that asked for what is not there: its caller's, as in HTTP

_OUTCOMES = {  # success, minor and serious failure
    "ok": "0", "refused": "4", NOT_FOUND: "4", "failed": "8", "unknown": "8",
}  # fmt: skip
_ISSUES = {
    "refused": "business-rule", NOT_FOUND: "not-found", "failed": "processing", "unknown": "exception",
}  # fmt: skip
_UNTOLD = {"refused": "refused", "failed": "failed", "unknown": "unknown outcome"}
_OUTCOME_ID = "outcome"  # of the contained OperationOutcome
_REFERENCE = re.compile(r"[A-Z][A-Za-z]*/[A-Za-z0-9.-]{1,64}")
_TRACE = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

Element = dict[str, Any]


@dataclass(frozen=True)
class Done:
    """An act that was completed: `told` is all that its intent and completion hold, what they seal included.

    Its completion is record `seq`, after one of the hash `previous`; `began` and `ended` are UTC (ISO 8601).
    """

    id: str
    session: str
    began: str
    ended: str
    told: Element
    seq: int
    previous: str

    @property
    def ok(self) -> bool:
        """Whether the act succeeded."""
        return bool(self.told["outcome"] == "ok")

    @property
    def meta(self) -> Element:
        """What the client said of itself."""
        meta = self.told.get("meta")
        return meta if isinstance(meta, dict) else {}

    @property
    def found(self) -> list[str]:
        """The patients whose records the act brought, each once."""
        return [patient for patient in dict.fromkeys(self.told["patients"]) if patient.strip()]

    @property
    def about(self) -> list[str]:
        """The patients found, or else the one whom the act was to be about."""
        asked = self.text("patient")
        return self.found or ([asked] if asked.strip() else [])

    def text(self, name: str) -> str:
        """What was told by that name, as text; empty where it was not."""
        value = self.told.get(name)
        return "" if value is None else str(value)


def event(
    done: Done,
    *,
    event_type: Element,
    subtype: Sequence[Element],
    action: str,
    agents: Sequence[Element],
    entities: Sequence[Element],
    purpose: str = "",
    success: str = "",
    profile: str = "",
    event_id: str = "",
) -> Element:
    """The AuditEvent of an act. `profile` is the name of the BALP profile that it claims if it succeeded.

    After a failure it holds an OperationOutcome, as BALP asks for; `success` is what it says otherwise.
    `purpose` is told, if it is another than the person's.
    """
    outcome, failed = done.told["outcome"], not done.ok
    reason = (done.text("error").strip() or _UNTOLD[outcome]) if failed else success
    if (outcome, reason) == ("failed", NOT_FOUND):
        outcome = NOT_FOUND
    made = {
        "resourceType": "AuditEvent",
        "id": event_id or done.id,
        **({"meta": {"profile": [f"{BALP}/StructureDefinition/{profile}"]}} if profile and done.ok else {}),
        **({"contained": [_operation_outcome(outcome, reason)]} if failed else {}),
        "type": event_type,
        **({"subtype": list(subtype)} if subtype else {}),
        "action": action,
        "period": {"start": min(done.began, done.ended), "end": done.ended},  # the clock may have gone back
        "recorded": done.ended,
        "outcome": _OUTCOMES[outcome],
        **({"outcomeDesc": reason} if reason else {}),
        "purposeOfEvent": [purpose_of_use(purpose or done.text("purpose_of_use"))],
        "agent": list(agents),
        "source": {
            "observer": named(done.text("server")),
            "type": [coding(f"{TERMINOLOGY}/security-source-type", "4", "Application Server")],
        },
        "entity": [*entities, *([_outcome_entity()] if failed else [])],
    }
    return {name: printable(element) for name, element in made.items()}


def person(done: Done, *, receives: bool = False) -> Element:
    """The person who asked; `receives` is BALP's word for one who reads the chart."""
    kind = (
        coding(f"{TERMINOLOGY}/v3-ParticipationType", "IRCP", "information recipient")
        if receives
        else coding(f"{TERMINOLOGY}/extra-security-role-type", "humanuser", "human user")
    )
    return {
        "type": {"coding": [kind]},
        "who": named(done.text("user")),
        "requestor": True,
        "purposeOfUse": [purpose_of_use(done.text("purpose_of_use"))],
    }


def program(done: Done, role: Element) -> Element:
    """The program that acts, on this machine: the SOURCE or DESTINATION of data, or just the APPLICATION."""
    return {
        "type": {"coding": [role]},
        "role": [{"coding": [APPLICATION]}],
        "who": named(done.text("server")),
        "requestor": False,
        "network": {"address": socket.gethostname(), "type": "1"},
    }


def endpoint(address: str, role: Element) -> Element:
    """A server at a URL."""
    return {
        "type": {"coding": [role]},
        "who": named(address),
        "requestor": False,
        "network": {"address": address.strip() or "unknown", "type": "5"},
    }


def model(done: Done) -> list[Element]:
    """The model that took part, as a reference to its Device; nobody where the client named none."""
    claimed = model_of(done.meta)
    if claimed is None:
        return []
    return [
        {
            "type": {"coding": [coding(f"{TERMINOLOGY}/v3-ParticipationType", "DEV", "device")]},
            "who": {"reference": f"Device/{device(claimed)['id']}", "display": device_name(claimed)},
            "requestor": False,
        }
    ]


def patient_entity(patient: str, *, known: bool) -> Element:
    """The patient: by reference where the server is `known` to hold them, else by what they were called."""
    by_reference = known and is_reference(patient, "Patient")
    return {
        "what": {"reference": patient}
        if by_reference
        else {"type": "Patient", "identifier": {"value": patient}},
        "type": coding(f"{TERMINOLOGY}/audit-entity-type", "1", "Person"),
        "role": coding(f"{TERMINOLOGY}/object-role", "1", "Patient"),
    }


def request_id(done: Done) -> Element:
    """The id that every FHIR request of the act carried as X-Request-ID."""
    return {
        "what": {"identifier": {"value": done.id}},
        "type": coding(f"{BALP}/CodeSystem/BasicAuditEntityType", "XrequestId"),
    }


def act_entity(done: Done, name: str, details: Element, lines: Sequence[tuple[str, str]] = ()) -> Element:
    """The act itself, and in `detail` what BALP has no place for: `details`, `lines` and its trail.

    BALP tells entities apart by their type alone, so this one is of type "Other".
    """
    target = done.meta.get("target")
    trace = str(done.meta.get("traceparent", ""))
    told = {
        **details,
        "session": done.session,
        "step": done.meta.get("step", ""),
        "escalated": "" if target is None else str(target == "escalation").lower(),
        "policy-version": done.text("policy_version") or done.meta.get("policy_version", ""),
        "traceparent": trace if _TRACE.fullmatch(trace) else "",
        "seq": done.seq,
        "previous-hash": done.previous,
    }
    return {
        "type": coding(f"{TERMINOLOGY}/audit-entity-type", "4", "Other"),
        "name": name.strip() or "unknown",
        "detail": [
            {"type": kind, "valueString": str(value)}
            for kind, value in [*told.items(), *lines]
            if str(value).strip()
        ],
    }


def purpose_of_use(code: str) -> Element:
    """A purpose of use, of HL7's v3-PurposeOfUse."""
    return {"coding": [coding(f"{TERMINOLOGY}/v3-ActReason", code)]}


def coding(system: str, code: str, display: str = "") -> dict[str, str]:
    """A Coding."""
    return {"system": system, "code": code, **({"display": display} if display else {})}


def named(name: str) -> Element:
    """Who has no resource that every server holds: a person, a program, an address."""
    name = name if name.strip() else "unknown"
    return {"identifier": {"value": name}, "display": name}


def is_reference(text: str, kind: str = "") -> bool:
    """Whether `text` is a relative reference, to a resource of that type."""
    return bool(_REFERENCE.fullmatch(text)) and text.startswith(f"{kind}/" if kind else "")


def printable(element: Any) -> Any:
    """The element without the control characters that FHIR's strings may not hold."""
    if isinstance(element, dict):
        return {name: printable(inner) for name, inner in element.items()}
    if isinstance(element, list):
        return [printable(inner) for inner in element]
    if not isinstance(element, str) or element.isprintable():
        return element
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "\ufffd", element)


def _operation_outcome(outcome: str, reason: str) -> Element:
    issue = {"severity": "error", "code": _ISSUES[outcome], "diagnostics": reason}
    return {"resourceType": "OperationOutcome", "id": _OUTCOME_ID, "issue": [issue]}


def _outcome_entity() -> Element:
    return {
        "what": {"reference": f"#{_OUTCOME_ID}"},
        "type": coding("http://hl7.org/fhir/resource-types", "OperationOutcome"),
    }


SOURCE = coding(DICOM, "110153", "Source Role ID")
DESTINATION = coding(DICOM, "110152", "Destination Role ID")
APPLICATION = coding(DICOM, "110150", "Application")
