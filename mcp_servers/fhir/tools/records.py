"""list_records: the records of one kind."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Literal

from anyio import to_thread
from pydantic import Field

from mcp_servers.fhir import charts, terminology
from mcp_servers.fhir.access.references import checked
from mcp_servers.fhir.reading.gathering import check_answered, not_read
from mcp_servers.fhir.reading.keeping import Keeping
from mcp_servers.fhir.reading.listing import read_kind
from mcp_servers.fhir.reading.measuring import Chart
from mcp_servers.fhir.recording import Call
from mcp_servers.fhir.tools.cursors import place_of
from mcp_servers.fhir.tools.session import (
    Answer,
    ChartSession,
    Cursor,
    Date,
    Found,
    Limit,
    Patient,
    Text,
    all_rows,
    query_key,
)

# What the words asked for may name, by the kind of record.
_NAMED: Mapping[charts.Kind, tuple[terminology.Kind, ...]] = {
    "problems": ("condition", "procedure", "imaging"),
    "medications": ("drug", "class"),
    "allergies": ("drug", "class", "substance"),
    "immunizations": ("vaccine",),
    "procedures": ("procedure", "imaging"),
    "reports": ("procedure", "imaging", "panel"),
    "imaging": ("procedure", "imaging"),
    "orders": ("procedure", "imaging", "panel"),
    "family_history": ("condition",),
}
# What the last lists of a patient were made of, by kind and by the types that were read whole.
_Reads = dict[tuple[charts.Kind, frozenset[str]], charts.Read]
_PICTURES = "What pictures show is in reports, documents and procedures too; these were not looked at."


async def list_records(
    session: ChartSession,
    call: Call,
    patient: Patient,
    *,
    kind: charts.Kind,
    status: Literal["current", "all"] = "current",
    text: Annotated[Text | None, Field(description="Every word must occur, or what they mean")] = None,
    code: Annotated[Text | None, Field(description="A code, or system|code")] = None,
    since: Date | None = None,
    until: Date | None = None,
    at: Annotated[Date | None, Field(description="The state on that day instead of now")] = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Answer:
    """The records of one kind, newest first: current ones, or with status "all" past ones too. Use it for
    problems, medications, allergies, visits and the like. Example: kind "medications", text "metformin"."""
    lock = await session.lock(patient, call)
    query = query_key("list_records", lock, kind, status, text, code, since, until, at)
    place = place_of(query, cursor)
    chart = Chart(session.client, lock, call, session.now, session.keep(lock, Keeping))
    searched = any(one is not None for one in (text, code, at))
    unbounded = not searched and since is None and until is None
    listed = await read_kind(
        chart,
        kind,
        current=status == "current" and not searched,
        newest=place.skip + limit + 1 if unbounded else None,
    )
    reads = session.keep(lock, _Reads)

    aged = kind == "problems" and at and any("onsetAge" in one for one in listed.found.resources)
    born = (await session.client.read(checked(lock.patient), lock, call)).get("birthDate") if aged else None

    def worked_out() -> Found:
        found = charts.list_records(
            kind,
            listed.found.resources,
            included=listed.found.included,
            base=session.client.base,
            status=status,
            text=text,
            wording=terminology.wording(text, _NAMED[kind]) if text and kind in _NAMED else None,
            code=charts.addressed(code) if code else None,
            since=since,
            until=until,
            at=at,
            born=born,
            now=session.now,
            unread=listed.unread,
            read=reads.setdefault((kind, frozenset(listed.whole)), charts.Read()),
        )
        elsewhere = [_PICTURES] if kind == "imaging" and not listed.found.resources else []
        unanswered = listed.found.unanswered
        if found.finding == "nothing_recorded":
            check_answered(unanswered)
        reading = [*not_read(unanswered), *listed.found.notes, *elsewhere]
        rows = all_rows(found, reading, complete=listed.found.complete)
        if listed.newer_than is not None:
            total = listed.total() if listed.found.complete else None
            rows = replace(rows, rows=charts.later_than(listed.newer_than, rows.rows), total=total)
        elif kind in charts.REPEATED and not (text or code):
            rows = _folded(rows)
        return rows

    rows = await to_thread.run_sync(worked_out)  # of thousands of records, it takes a second
    return await session.cut(query, rows, limit, lock, place)


def _folded(rows: Found) -> Found:
    """One line for what is recorded again and again; a list of a `text` or `code` tells each record."""
    ordered, lines = charts.distinct(rows.rows)
    if len(lines) == len(ordered):
        return rows
    note = f"{len(ordered)} records, {len(lines)} distinct; `text` lists each."
    return replace(rows, rows=ordered, lines=lines, notes=[note, *rows.notes])
