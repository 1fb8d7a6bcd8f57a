"""list_records: the records of one kind."""

from typing import Annotated, Literal

from pydantic import Field

from mcp_servers.fhir import charts
from mcp_servers.fhir.cursors import place_of
from mcp_servers.fhir.gathering import gather
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
    gathered = await gather(session.client, charts.SEARCHES[kind], lock, call)
    found = charts.list_records(
        kind,
        gathered.resources,
        included=gathered.included,
        status=status,
        text=text,
        code=code,
        since=since,
        until=until,
        at=at,
        now=session.now,
    )
    rows = all_rows(found, gathered.notes, complete=gathered.complete)
    return session.cut(query, rows, limit, lock, place)
