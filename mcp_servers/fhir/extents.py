"""How many records of each type a chart holds, from when to when: asked of the server, not counted here."""

from functools import partial

from mcp_servers.fhir import charts
from mcp_servers.fhir.charts import Search
from mcp_servers.fhir.charts.elements import Row, entered_in_error
from mcp_servers.fhir.charts.narrowing import DATED_BY, WITHDRAWN_BY
from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.gathering import at_once, gather
from mcp_servers.fhir.measuring import Chart

# So many records are read at either end; a type that has no more is read whole.
_ENDS = 20


async def read_extents(chart: Chart) -> tuple[list[Row], list[str]]:
    """A row for each type of which the chart holds records (charts.extent), and notes.

    Raises what FhirClient.search raises.
    """
    held = (await chart.client.capability(chart.call)).parameters
    kinds = sorted({search.resource_type for search in charts.OVERVIEW})
    notes = [f"This server holds no {kind}." for kind in kinds if kind not in held]
    found = await at_once([partial(_extent, chart, kind) for kind in kinds if kind in held])
    return [row for row, _ in found if row["count"]], [*notes, *(note for _, more in found for note in more)]


async def _extent(chart: Chart, kind: str) -> tuple[Row, list[str]]:
    try:
        row = await _by_its_ends(chart, kind)
    except InvalidRequest:  # a server may lack the order, or the status
        row = None
    if row is not None:
        return row, []
    found = await gather(chart.client, [Search(kind)], chart.lock, chart.call)
    standing = [one for one in found.resources if not entered_in_error(one)]
    return charts.extent(kind, len(standing), map(charts.record_date, standing)), found.notes


async def _by_its_ends(chart: Chart, kind: str) -> Row | None:
    """The row by the server's count and its first and last records; None where it does not count or sort."""
    parameter = DATED_BY.get(kind)
    if parameter is None:
        return None
    ask = partial(chart.client.search, kind, lock=chart.lock, call=chart.call, count=_ENDS)
    last = await ask([("_sort", f"-{parameter}")])
    total, records = last.total, last.matches
    if last.next is not None:
        first = await ask([("_sort", parameter)])
        wrong = (WITHDRAWN_BY.get(kind, "status"), "entered-in-error")
        withdrawn = await chart.client.count(kind, [wrong], chart.lock, chart.call)
        if total is None or withdrawn is None or not (last.in_order and first.in_order):
            return None
        count = total - withdrawn
        records = [*records, *first.matches]
    else:
        count = sum(not entered_in_error(one) for one in records)
    standing = [one for one in records if not entered_in_error(one)]
    return charts.extent(kind, count, map(charts.record_date, standing))
