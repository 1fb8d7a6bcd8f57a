"""list_records: the records of one kind."""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from mcp_servers.fhir import charts
from mcp_servers.fhir.cursors import place_of
from mcp_servers.fhir.listing import read_kind
from mcp_servers.fhir.measuring import Chart
from mcp_servers.fhir.recording import Call
from mcp_servers.fhir.tools.session import (
    Answer,
    ChartSession,
    Cursor,
    Date,
    Limit,
    Patient,
    Text,
    all_rows,
    query_key,
)


async def list_records(
    session: ChartSession,
    call: Call,
    patient: Patient,
    *,
    kind: charts.Kind,
    status: Literal["current", "all"] = "current",
    text: Annotated[Text | None, Field(description="Every word must occur")] = None,
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
    chart = Chart(session.client, lock, call, session.now)
    searched = any(one is not None for one in (text, code, at))
    unbounded = not searched and since is None and until is None
    listed = await read_kind(
        chart,
        kind,
        current=status == "current" and not searched,
        newest=place.skip + limit + 1 if unbounded else None,
    )
    found = charts.list_records(
        kind,
        listed.found.resources,
        included=listed.found.included,
        base=session.client.base,
        status=status,
        text=text,
        code=charts.addressed(code) if code else None,
        since=since,
        until=until,
        at=at,
        now=session.now,
        unread=listed.unread,
    )
    rows = all_rows(found, listed.found.notes, complete=listed.found.complete)
    if listed.newer_than is not None:
        rows = replace(
            rows, rows=charts.later_than(listed.newer_than, rows.rows), total=listed.standing.total()
        )
    return session.cut(query, rows, limit, lock, place)
