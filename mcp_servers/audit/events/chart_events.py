"""AuditEvents of tool calls: queries and reads of the chart, and answers from what was read before.

A call that succeeded claims the BALP profile that it fits (Query, PatientQuery, Read or PatientRead). A
refused or failed one follows the same pattern and claims none: the profiles are for successes.
"""

import base64
import hashlib
import uuid

import rfc8785

from mcp_servers.audit.events.elements import (
    APPLICATION,
    DESTINATION,
    LIFECYCLE,
    SOURCE,
    TERMINOLOGY,
    Done,
    Element,
    act_entity,
    coding,
    endpoint,
    event,
    is_reference,
    model,
    patient_entity,
    person,
    program,
    request_id,
)

READ_TOOL = "fhir_read"

_INTERACTION = "http://hl7.org/fhir/restful-interaction"


def tool_call(done: Done) -> list[Element]:
    """The events of a call: one for each patient whose records it brought, as BALP asks for.

    The first has the call's id; all carry it as X-Request-ID.
    """
    known = bool(done.found) or done.ok
    about = [(patient, patient_entity(patient, known=known)) for patient in done.about]
    if not about:
        return [_event(done, [], done.id)]
    return [
        _event(done, [entity], event_id_of(done.id, patient) if number else done.id)
        for number, (patient, entity) in enumerate(about)
    ]


def event_id_of(call: str, patient: str) -> str:
    """The id of a call's event about a further patient; it holds a letter, as HAPI demands of ids.

    Always the same, so that a delivery that is repeated overwrites.
    """
    name = f"urn:uuid:{call}#{patient}"
    while (found := str(uuid.uuid5(uuid.NAMESPACE_URL, name))).replace("-", "").isdecimal():
        name += "#"
    return found


def _event(done: Done, patients: list[Element], event_id: str) -> Element:
    read = done.text("tool") == READ_TOOL
    from_kept = done.ok and not done.told["requests"]
    objects = _read_entity(done) if read else _query_entity(done)
    entities = [*objects, *patients, request_id(done), _call_entity(done, read)]
    if from_kept:  # nobody was asked: the FHIR server took no part
        return event(
            done,
            event_id=event_id,
            event_type=coding(LIFECYCLE, "access", "Access/View Record Lifecycle Event"),
            subtype=[],
            action="R",
            agents=[person(done, receives=True), program(done, APPLICATION), *model(done)],
            entities=entities,
        )
    # DICOM's source and destination follow the payload: a query flows to the server, a read from it.
    ours, theirs = (DESTINATION, SOURCE) if read else (SOURCE, DESTINATION)
    return event(
        done,
        event_id=event_id,
        event_type=coding(f"{TERMINOLOGY}/audit-event-type", "rest", "Restful Operation"),
        subtype=[coding(_INTERACTION, "read" if read else "search-type")],
        action="R" if read else "E",
        agents=[
            person(done, receives=True),
            program(done, ours),
            endpoint(done.text("fhir"), theirs),
            *model(done),
        ],
        entities=entities,
        profile=_profile(read, objects, patients),
    )


def _profile(read: bool, objects: list[Element], patients: list[Element]) -> str:
    """The profile that a success fits; none without a record read, or with a patient who is no reference."""
    if not objects or any("reference" not in patient["what"] for patient in patients):
        return ""
    return f"IHE.BasicAudit.{'Patient' if patients else ''}{'Read' if read else 'Query'}"


def _query_entity(done: Done) -> list[Element]:
    """Every request of the call, as it was sent: BALP has one query entity."""
    lines = _request_lines(done)
    if not lines:
        return []
    return [
        {
            "type": coding(f"{TERMINOLOGY}/audit-entity-type", "2", "System Object"),
            "role": coding(f"{TERMINOLOGY}/object-role", "24", "Query"),
            "query": base64.b64encode("\n".join(lines).encode()).decode(),
        }
    ]


def _read_entity(done: Done) -> list[Element]:
    """The record that was read; one that was only asked for is called what it was called."""
    arguments = done.told.get("arguments")
    asked = str(arguments.get("reference", "")) if isinstance(arguments, dict) else ""
    read = [{"reference": ref} for ref in done.told["refs"] if is_reference(ref)]
    tried = [{"identifier": {"value": asked}}] if asked.strip() and not done.ok else []
    return [
        {
            "what": what,
            "type": coding(f"{TERMINOLOGY}/audit-entity-type", "2", "System Object"),
            "role": coding(f"{TERMINOLOGY}/object-role", "4", "Domain Resource"),
        }
        for what in [*read, *tried][:1]
    ]


def _call_entity(done: Done, read: bool) -> Element:
    """The tool call: what was asked and found, by hash."""
    arguments = done.told.get("arguments")
    details = {
        "tool": done.text("tool"),
        "arguments-sha256": "" if arguments is None else hashlib.sha256(rfc8785.dumps(arguments)).hexdigest(),
        "result-rows": done.text("rows"),
        "result-sha256": done.text("result_sha256"),
    }
    lines = _request_lines(done) if read else []  # of a query, the query entity has them
    return act_entity(done, done.text("tool"), details, [("request", line) for line in lines])


def _request_lines(done: Done) -> list[str]:
    return [f"{request['method']} {request['url']}" for request in done.told["requests"]]
