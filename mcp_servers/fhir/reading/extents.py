"""How many records of each type a chart holds, from when to when: asked of the server, not counted here."""

from collections.abc import Iterable
from functools import partial

from anyio import to_thread

from mcp_servers.fhir import charts
from mcp_servers.fhir.charts import Search
from mcp_servers.fhir.charts.elements import Row, entered_in_error
from mcp_servers.fhir.charts.narrowing import DATED_BY, WITHDRAWN_BY
from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.reading.gathering import (
    Gathered,
    Resource,
    Unanswered,
    each_answered,
    gather,
)
from mcp_servers.fhir.reading.listing import Listed, gathered, newest_of, read_first
from mcp_servers.fhir.reading.measuring import Chart, Reading

# So many records are read at either end.
_ENDS = 10


async def read_extents(
    chart: Chart, lists: Iterable[Listed], measured: Reading, unanswered: Unanswered
) -> tuple[list[Row], list[str], Unanswered]:
    """A row for each type of which the chart holds records (charts.extent), notes, and what was not answered.

    What was read for `lists` and as the newest of everything `measured` is not read again, nor is
    what is `unanswered` already. Raises what else FhirClient.search raises.
    """
    held = (await chart.client.capability(chart.call)).parameters
    kinds = sorted({search.resource_type for search in charts.OVERVIEW})
    notes = [f"This server holds no {kind}." for kind in kinds if kind not in held]
    read = {kind: part for part in lists for kind in part.whole | part.standing.keys()}
    jobs = [
        (
            kind,
            partial(_of_measured, chart, measured)
            if kind == charts.OBSERVATIONS.resource_type
            else partial(_of_listed, chart, kind, read[kind])
            if kind in read
            else partial(_of_type, chart, kind),
        )
        for kind in kinds
        if kind in held and kind not in unanswered
    ]
    parts, others = await each_answered(jobs)
    found = [part for part in parts if part is not None]
    notes += [note for _, more in found for note in more]
    return [row for row, _ in found if row["count"]], notes, unanswered | others


Extent = tuple[Row, list[str]]


async def _of_measured(chart: Chart, measured: Reading) -> Extent:
    kind, newest = charts.OBSERVATIONS.resource_type, list(measured.records.values())
    if measured.whole:
        return await _of_all(kind, Gathered({kind: newest}))
    return await _of_ends(chart, kind, newest=newest)


async def _of_listed(chart: Chart, kind: str, listed: Listed) -> Extent:
    records = listed.found.by_type.get(kind, [])
    if kind in listed.whole:
        return await _of_all(kind, Gathered({kind: records}))
    return await _of_ends(chart, kind, standing=listed.standing[kind], newest=listed.newest.get(kind))


async def _of_type(chart: Chart, kind: str) -> Extent:
    if kind not in DATED_BY:
        return await _of_everything(chart, kind)
    try:
        first = await read_first(chart, Search(kind))
    except InvalidRequest:  # a server may lack the order
        return await _of_everything(chart, kind)
    if not first.more and first.in_order:
        return await _of_all(kind, gathered(kind, first))
    return await _of_ends(chart, kind, newest=newest_of(kind, first).get(kind))


async def _of_everything(chart: Chart, kind: str) -> Extent:
    return await _of_all(kind, await gather(chart.client, [Search(kind)], chart.lock, chart.call))


async def _of_all(kind: str, found: Gathered) -> Extent:
    def row() -> Row:
        standing = [one for one in found.resources if not entered_in_error(one)]
        return charts.extent(kind, len(standing), map(charts.record_date, standing))

    return await to_thread.run_sync(row), found.notes


async def _of_ends(
    chart: Chart, kind: str, *, standing: int | None = None, newest: list[Resource] | None = None
) -> Extent:
    """By the server's count and the first and last records, or by all where it does not count or sort.

    `standing` is how many there are, where that is known, `newest` are records with the last among them.
    """
    try:
        row = await _by_its_ends(chart, kind, standing, newest)
    except InvalidRequest:  # a server may lack the order, or the modifier
        row = None
    if row is not None:
        return row, []
    return await _of_everything(chart, kind)


async def _by_its_ends(
    chart: Chart, kind: str, standing: int | None, newest: list[Resource] | None
) -> Row | None:
    parameter = DATED_BY[kind]
    right = [(f"{WITHDRAWN_BY.get(kind, 'status')}:not", "entered-in-error")] if standing is None else []
    ask = partial(chart.client.search, kind, lock=chart.lock, call=chart.call, count=_ENDS)
    first = await ask([("_sort", parameter), *right])
    in_order, records = first.in_order, first.matches
    count = first.total if standing is None else standing
    wrong = [one for one in records if entered_in_error(one)]
    if count is None or (right and wrong) or (records and len(wrong) == len(records)):
        return None
    if newest is None or all(map(entered_in_error, newest)):
        last = await ask([("_sort", f"-{parameter}"), *right], total=False)
        in_order, newest = in_order and last.in_order, last.matches
    dates = [charts.record_date(one) for one in (*records, *newest) if not entered_in_error(one)]
    return charts.extent(kind, count, dates) if in_order else None
