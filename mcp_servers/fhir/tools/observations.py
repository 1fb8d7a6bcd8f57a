"""observations: measurements and results by name or code."""

from typing import Annotated, Literal

from pydantic import Field

from mcp_servers.fhir import charts
from mcp_servers.fhir.cursors import place_of
from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.gathering import gather
from mcp_servers.fhir.recording import Call
from mcp_servers.fhir.tools.session import (
    Answer,
    ChartSession,
    Cursor,
    Date,
    Limit,
    Patient,
    all_rows,
    query_key,
)


async def observations(
    session: ChartSession,
    call: Call,
    patient: Patient,
    *,
    name: Annotated[str, Field(max_length=200, description="Everyday name, code, or system|code")],
    mode: Literal["latest", "series", "statistics", "count"] = "latest",
    since: Date | None = None,
    until: Date | None = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Answer:
    """Measurements and laboratory results by name or code: the latest value, all values newest first,
    statistics over the whole period, or how many there are."""
    lock = await session.lock(patient, call)
    query = query_key("observations", lock, name, mode, since, until)
    place = place_of(query, cursor)
    search = charts.OBSERVATIONS
    token = charts.code_token(name)
    known = (await session.client.capability(call)).of(search.resource_type)
    if token is not None and "combo-code" in known:
        search = search._replace(parameters=(("combo-code", token),))
    gathered = await gather(session.client, [search], lock, call)
    try:
        found = charts.observations(
            gathered.resources, name=name, mode=mode, since=since, until=until, now=session.now
        )
    except charts.Ambiguous as several:
        raise InvalidRequest(str(several)) from None
    rows = all_rows(found, gathered.notes, complete=gathered.complete)
    return session.cut(query, rows, limit, lock, place)
