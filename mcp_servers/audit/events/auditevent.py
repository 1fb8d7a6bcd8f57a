"""The FHIR R4 AuditEvents of each act, in the shapes of IHE Basic Audit Log Patterns (BALP) and DICOM.

What each act tells. Facts and what is said may come with the intent or with the completion; facts stand in
the journal as they are, what is said is sealed. `patients` is the completion's.

act                patient    facts                                       said       event
tool_call          asked for  tool, meta (see `Recorder.begin`)           arguments  rest, one a patient found
escalation         session's  recipient (URL), agreement, policy_version, payload    export: BALP's disclosure
                              bytes, meta
re_identification  session's  escalation (its act's id), restored (how    -          re-identification
                              many stand-ins), meta
refusal            session's  reason; completed as `refused`              -          alert: restricted use
break_glass        whose      `patients`, once the chart was read         reason     alert: emergency override
sign_in            -          client (program or page); a wrong one is    -          user authentication
                              completed as `refused`
export             whose      tool, format, records (how many), sha256    query      export: the trail
audit_read         whose      tool, `rows`, `result_sha256`               query      audit log used

For question and model_step there is none. Neither reads a chart: what a step reads is a tool call, what it
sends away an escalation. What was asked is itself about the patient, and stays sealed in the journal.

`meta` is what a client says of its step: `step`, `model`, `target`, `policy_version` and `traceparent`.

A server that enforces references rejects an event that names an absent resource (HAPI-1094). Referred to are
therefore only a model's Device (which is delivered first), the patient where they are known to exist, and
the record that was read; everybody else is named by identifier.
"""

from collections.abc import Callable
from typing import Any

from mcp_servers.audit.chain.record import Record
from mcp_servers.audit.events.chart_events import tool_call
from mcp_servers.audit.events.disclosure_events import escalation, re_identification
from mcp_servers.audit.events.elements import Done, Element, printable
from mcp_servers.audit.events.model_device import device, model_of
from mcp_servers.audit.events.security_events import audit_read, break_glass, export, refusal, sign_in

_EVENTS: dict[str, Callable[[Done], list[Element]]] = {
    "tool_call": tool_call,
    "escalation": escalation,
    "re_identification": re_identification,
    "refusal": refusal,
    "break_glass": break_glass,
    "sign_in": sign_in,
    "export": export,
    "audit_read": audit_read,
}


def events(
    intent: Record,
    asked: dict[str, Any],
    body: dict[str, Any],
    said: dict[str, Any],
    *,
    at: str,
    seq: int,
    previous: str,
) -> list[Element]:
    """The AuditEvents of the act that `intent` (which sealed `asked`) began and a completion ended.

    The completion's record has this `body`, seals `said`, and is number `seq` after the hash `previous`;
    `at` is its time. The first event's id is the act's.
    """
    made = _EVENTS.get(str(intent.body.get("act")))
    if made is None:
        return []
    told = {**asked, **said, **intent.body, **body}  # of `meta`, what is not known is sealed: facts go first
    return made(Done(intent.id, intent.session, intent.at, at, told, seq, previous))


def devices(intent: Record) -> list[Element]:
    """The Device resources that the events of an act refer to: its model, if the client named one."""
    meta = intent.body.get("meta")
    model = model_of(meta if isinstance(meta, dict) else {})
    return [printable(device(model))] if model else []
