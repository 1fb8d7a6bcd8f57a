"""fhir_search, fhir_read: what no other tool shows."""

from collections.abc import Collection
from typing import Annotated, Any

from anyio import to_thread
from pydantic import BaseModel, ConfigDict, Field

from mcp_servers.fhir import charts
from mcp_servers.fhir.access.references import checked, checked_type
from mcp_servers.fhir.access.searchset import ref_of
from mcp_servers.fhir.charts.elements import entered_in_error
from mcp_servers.fhir.envelope import Finding, ResultEnvelope
from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.reading.paging import Pages, read_pages
from mcp_servers.fhir.recording import Call
from mcp_servers.fhir.rendering import broken_off
from mcp_servers.fhir.tools.cursors import place_of
from mcp_servers.fhir.tools.projection import bounded, elements_row
from mcp_servers.fhir.tools.session import (
    Answer,
    ChartSession,
    Cursor,
    Found,
    Patient,
    Row,
    finding_of,
    query_key,
)
from mcp_servers.fhir.tools.statuses import unknown_status

Resource = dict[str, Any]

# What is asked for at once where a cursor leads far into a result.
_LONGEST_PAGE = 500
# A search for some of these finds none entered in error, unless it asks for them.
_STATUSES = frozenset({"status", "verification-status", "lifecycle-status"})


class SearchParameter(BaseModel):
    """One FHIR search parameter, with its modifier and prefix as FHIR writes them."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=64, description="Such as code, date or status:not")]
    value: Annotated[str, Field(max_length=400, description="Such as http://loinc.org|4548-4 or ge2019-05")]


async def fhir_search(
    session: ChartSession,
    call: Call,
    patient: Patient,
    *,
    resource_type: Annotated[str, Field(max_length=64, description="FHIR R4 type, such as Procedure")],
    parameters: Annotated[list[SearchParameter], Field(max_length=20)] = [],  # noqa: B006 (never changed)
    elements: Annotated[
        list[Annotated[str, Field(max_length=64)]],
        Field(max_length=20, description="Top-level elements to show"),
    ] = [],  # noqa: B006 (never changed)
    full: Annotated[bool, Field(description="Whole records")] = False,
    limit: Annotated[int, Field(ge=1, le=100)] = 20,
    cursor: Cursor | None = None,
) -> Answer:
    """Search by FHIR parameters, only when no other tool fits. The patient is added by itself; chains, _has
    and _revinclude are not offered. Example: resource_type "Appointment", parameters [{"name": "status",
    "value": "booked"}]."""
    lock = await session.lock(patient, call)
    asked = [(parameter.name, charts.addressed(parameter.value)) for parameter in parameters]
    query = query_key("fhir_search", lock, resource_type, asked, elements, full)
    place = place_of(query, cursor)
    known = (await session.client.capability(call)).of(checked_type(resource_type))
    wanted = place.skip + limit
    by_error = any("entered-in-error" in value for _, value in asked)

    def current(pages: Pages) -> list[Resource]:
        return [r for r in pages.matches.values() if by_error or not entered_in_error(r)]

    pages = await read_pages(
        session.client,
        checked_type(resource_type),
        [_with_ties_broken(name, value, known) for name, value in asked],
        lock,
        call,
        count=min(wanted, _LONGEST_PAGE),
        enough=lambda pages: len(current(pages)) >= wanted,
    )
    resources = current(pages)
    notes = [*filter(None, (unknown_status(resource_type, *one) for one in asked))]
    reading = list(pages.notes)
    if left_out := len(pages.matches) - len(resources):
        reading.append(f"{left_out} records entered in error are left out.")

    def worked_out() -> tuple[list[Row], Finding]:
        records = [charts.record_row(resource, pages.included) for resource in resources]
        rows = records
        if full:
            whole = [(ref_of(resource), *bounded(resource)) for resource in resources]
            rows = [{"ref": ref, "resource": shown} for ref, shown, _ in whole]
            reading.extend(dict.fromkeys(note for *_, cuts in whole for note in cuts))
        elif elements:
            rows = [elements_row(resource, elements) for resource in resources]
            shown = {key for row in rows for key in row}
            absent = [name for name in elements if not any(key.startswith(name) for key in shown)]
            if rows and absent:
                notes.append(f"In none of these records: {', '.join(absent)}.")
        return rows, finding_of(records)

    rows, finding = await to_thread.run_sync(worked_out)
    total = pages.total if pages.complete else None
    if not pages.more and pages.complete:
        total = len(resources)
    elif total is not None and not (by_error or any(name in _STATUSES for name, _ in asked)):
        reading.append(f"The server counts {total} {resource_type} records, those entered in error too.")
        total = None
    found = Found(rows, total, finding, notes, reading, pages.more)
    return await session.cut(query, found, limit, lock, place)


def _with_ties_broken(name: str, value: str, known: Collection[str]) -> tuple[str, str]:
    """A parameter, where it is `_sort` with the id last: HAPI 8.8 orders ties anew for every `_count`."""
    if (
        name == "_sort"
        and value.strip()
        and "_id" in known
        and "_id" not in value.replace("-", "").split(",")
    ):
        value += ",_id"
    return name, value


async def fhir_read(
    session: ChartSession,
    call: Call,
    patient: Patient,
    *,
    reference: Annotated[str, Field(max_length=140, description="`Type/id`, as `ref` gives it")],
    full: Annotated[bool, Field(description="Long texts and lists too")] = False,
    start: Annotated[int, Field(ge=0)] = 0,
) -> Answer:
    """One whole record by its reference, when a row does not say enough. Example: reference
    "Observation/123"."""
    lock = await session.lock(patient, call)
    resource = await session.client.read(checked(reference), lock, call)

    def worked_out() -> tuple[tuple[Resource, list[str]], Finding]:
        return bounded(resource, full=full), finding_of([charts.record_row(resource)])

    (shown, notes), finding = await to_thread.run_sync(worked_out)
    if entered_in_error(resource):
        notes.insert(0, "This record was entered in error: it is no part of the patient's history.")
    rows: list[Row] = [{"ref": reference, "resource": shown}]
    envelope = ResultEnvelope(
        finding=finding,
        rows=rows,
        total=1,
        returned=1,
        truncated=False,
        notes=notes,
        as_of=session.now,
    )
    text, told = await session.render(envelope, start)
    if not told:
        raise InvalidRequest(f"{reference} ends before that: give a smaller `start`.")
    if (held := broken_off(text)) is not None:
        text += f"\n- the rest: the same with start {start + held}"
    return Answer(envelope, text, [lock.patient])
