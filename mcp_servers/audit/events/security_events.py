"""AuditEvents of security: refusals, broken glass, sign-ins, and who looked at the trail or took it out.

BALP has no profiles for them; types and roles are DICOM's (PS3.15 A.5.3).
"""

import base64
import json

from mcp_servers.audit.events.elements import (
    APPLICATION,
    DICOM,
    TERMINOLOGY,
    Done,
    Element,
    act_entity,
    coding,
    event,
    model,
    patient_entity,
    person,
    program,
)

_ALERT = coding(DICOM, "110113", "Security Alert")
_TRAIL = "audit trail"


def refusal(done: Done) -> list[Element]:
    """The program declined before any tool was called."""
    return _security_event(
        done,
        event_type=_ALERT,
        subtype=[coding(DICOM, "110132", "Use of Restricted Function")],
        entities=[act_entity(done, "refusal", {"reason": done.text("reason")})],
    )


def break_glass(done: Done) -> list[Element]:
    """A person opened, in an emergency, what they may not open otherwise."""
    return _security_event(
        done,
        event_type=_ALERT,
        subtype=[coding(DICOM, "110127", "Emergency Override Started")],
        entities=[act_entity(done, "break-glass", {"reason": done.text("reason")})],
        purpose="BTG",
    )


def sign_in(done: Done) -> list[Element]:
    """A person signed in, or tried to."""
    details = {"known-by": done.text("known_by"), "client": done.text("client")}
    return _security_event(
        done,
        event_type=coding(DICOM, "110114", "User Authentication"),
        subtype=[coding(DICOM, "110122", "Login")],
        entities=[act_entity(done, "sign-in", details)],
    )


def export(done: Done) -> list[Element]:
    """A part of the trail was written out."""
    details = {name: done.text(name) for name in ("tool", "format", "records", "sha256")}
    return _security_event(
        done,
        event_type=coding(DICOM, "110106", "Export"),
        action="R",
        entities=[*_query(done), _trail_entity(), act_entity(done, "export", details)],
    )


def audit_read(done: Done) -> list[Element]:
    """Somebody asked the trail."""
    details = {
        "tool": done.text("tool"),
        "result-rows": done.text("rows"),
        "result-sha256": done.text("result_sha256"),
    }
    return _security_event(
        done,
        event_type=coding(DICOM, "110101", "Audit Log Used"),
        action="R",
        entities=[*_query(done), _trail_entity(), act_entity(done, "audit-read", details)],
    )


def _security_event(
    done: Done,
    *,
    event_type: Element,
    entities: list[Element],
    subtype: tuple[Element, ...] | list[Element] = (),
    action: str = "E",
    purpose: str = "",
) -> list[Element]:
    """The one event of the act.

    A patient is named by reference only where the completion lists them: a person may have typed the id of
    nobody, and a FHIR server that enforces references would reject the event.
    """
    patients = [patient_entity(patient, known=bool(done.found)) for patient in done.about]
    return [
        event(
            done,
            event_type=event_type,
            subtype=subtype,
            action=action,
            agents=[person(done), program(done, APPLICATION), *model(done)],
            entities=[*patients, *entities],
            purpose=purpose,
        )
    ]


def _query(done: Done) -> list[Element]:
    """What the trail was asked, as it was asked."""
    query = done.told.get("query")
    if not query:
        return []
    text = query if isinstance(query, str) else json.dumps(query)
    return [
        {
            "type": coding(f"{TERMINOLOGY}/audit-entity-type", "2", "System Object"),
            "role": coding(f"{TERMINOLOGY}/object-role", "24", "Query"),
            "query": base64.b64encode(text.encode()).decode(),
        }
    ]


def _trail_entity() -> Element:
    return {
        "type": coding(f"{TERMINOLOGY}/audit-entity-type", "2", "System Object"),
        "role": coding(f"{TERMINOLOGY}/object-role", "13", "Security Resource"),
        "name": _TRAIL,
    }
