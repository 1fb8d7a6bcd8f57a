"""AuditEvents of what crosses the border of the building: an escalation, and the way back into names.

An escalation is BALP's disclosure at the source (PrivacyDisclosure.Source). For re-identification BALP has
no profile; IHE's handbook of de-identification audits it as an export, which it is not: nothing leaves.
"""

import hashlib

import rfc8785

from mcp_servers.audit.events.elements import (
    APPLICATION,
    DESTINATION,
    DICOM,
    LIFECYCLE,
    SOURCE,
    TERMINOLOGY,
    Done,
    Element,
    act_entity,
    coding,
    endpoint,
    event,
    model,
    patient_entity,
    person,
    program,
)


def escalation(done: Done) -> list[Element]:
    """A hosted model was given a payload: from this program, to the endpoint, about the session's patient."""
    patients = _patient(done)
    payload = _payload(done)
    details = {name: done.text(name) for name in ("recipient", "agreement", "bytes")}
    return [
        event(
            done,
            event_type=coding(DICOM, "110106", "Export"),
            subtype=[coding(LIFECYCLE, "disclose", "Disclose Record Lifecycle Event")],
            action="R",
            agents=[
                program(done, SOURCE),
                endpoint(done.text("recipient"), DESTINATION),
                person(done),
                *model(done),
            ],
            entities=[*payload, *patients, act_entity(done, "escalation", details)],
            success="disclosed to a hosted model",
            profile="IHE.BasicAudit.PrivacyDisclosure.Source" if payload and _by_reference(patients) else "",
        )
    ]


def re_identification(done: Done) -> list[Element]:
    """Stand-ins in a hosted model's reply were turned back into what they stand for."""
    details = {"reply-to": done.text("escalation"), "restored": done.text("restored")}
    return [
        event(
            done,
            event_type=coding(LIFECYCLE, "reidentify", "Re-identify Record Lifecycle Event"),
            subtype=[coding(LIFECYCLE, "reidentify", "Re-identify Record Lifecycle Event")],
            action="E",
            agents=[person(done), program(done, APPLICATION), *model(done)],
            entities=[*_patient(done), act_entity(done, "re-identification", details)],
        )
    ]


def _patient(done: Done) -> list[Element]:
    """The session's one patient, whose record was read when the session began."""
    patient = done.text("patient")
    return [patient_entity(patient, known=True)] if patient.strip() else []


def _by_reference(patients: list[Element]) -> bool:
    return any("reference" in patient["what"] for patient in patients)


def _payload(done: Done) -> list[Element]:
    """What left, by its hash; what it says stands in the journal, sealed."""
    payload = done.told.get("payload")
    if payload is None:
        return []
    sent = payload.encode() if isinstance(payload, str) else rfc8785.dumps(payload)
    return [
        {
            "what": {"identifier": {"value": f"sha256:{hashlib.sha256(sent).hexdigest()}"}},
            "type": coding(f"{TERMINOLOGY}/audit-entity-type", "2", "System Object"),
            "role": coding(f"{TERMINOLOGY}/object-role", "3", "Report"),
        }
    ]
