"""observations: measurements and results by name or code."""

from typing import Annotated, Literal

from anyio import to_thread
from pydantic import Field

from mcp_servers.fhir import charts
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.access.references import checked
from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.reading.inventory import Inventory
from mcp_servers.fhir.reading.keeping import Keeping
from mcp_servers.fhir.reading.measuring import Chart, read_measurement
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
    unit: Annotated[str | None, Field(max_length=40, description="Convert to this UCUM unit")] = None,
    near: Annotated[
        str | None, Field(max_length=140, description="Values around a day, or the `Type/id` of an event")
    ] = None,
    above: Annotated[float | None, Field(description="Only values above, in `unit` or as recorded")] = None,
    below: float | None = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Answer:
    """Measurements and laboratory results by name or code: the latest, all of them, statistics over the whole
    period, or how many; also converted, above or below a number, or nearest to an event. Example: name
    "potassium", mode "count", above 5.5."""
    lock = await session.lock(patient, call)
    query = query_key("observations", lock, name, mode, since, until, unit, near, above, below)
    place = place_of(query, cursor)
    name = charts.addressed(name)
    chart = Chart(session.client, lock, call, session.now, session.keep(lock, Keeping))
    inventory = session.keep(lock, Inventory)
    narrowed = any(one is not None for one in (since, until, near, above, below))
    moment = await _moment(session, lock, call, near)
    try:
        reading = await read_measurement(chart, inventory, name, newest=mode == "latest" and not narrowed)

        def worked_out() -> Found:
            found = charts.observations(
                list(reading.records.values()),
                name=name,
                mode=mode,
                since=since,
                until=until,
                now=session.now,
                unit=unit,
                near=moment,
                above=above,
                below=below,
                known=reading.known,
            )
            if not found.rows:
                measured = charts.both(charts.measures_of(reading.records.values()), reading.known)
                if (instead := charts.not_understood(name, measured)) is not None:
                    raise InvalidRequest(instead)
            return all_rows(found, reading.notes, complete=reading.complete)

        rows = await to_thread.run_sync(worked_out)
    except charts.Ambiguous as several:
        raise InvalidRequest(str(several)) from None
    return await session.cut(query, rows, limit, lock, place)


async def _moment(session: ChartSession, lock: PatientLock, call: Call, near: str | None) -> str | None:
    """The date asked for, or that of the record asked for: where it lasts, of its beginning."""
    if near is None or "/" not in near:
        return near
    date = charts.record_date(await session.client.read(checked(near), lock, call))
    if date is None:
        raise InvalidRequest(f"{near} carries no date; give `near` as a date")
    if len(date) < len("2019-05-03"):
        raise InvalidRequest(f"{near} is dated {date}, not to the day; ask with since and until")
    return date
