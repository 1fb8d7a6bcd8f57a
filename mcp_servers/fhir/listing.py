"""The records of one kind: all of them, or of a long list those that its answer needs, the others counted."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from mcp_servers.fhir import charts
from mcp_servers.fhir.charts import Search
from mcp_servers.fhir.charts.dates import newest_first as sort_key
from mcp_servers.fhir.charts.elements import entered_in_error
from mcp_servers.fhir.charts.narrowing import (
    BY_STATUS,
    NEVER_CURRENT,
    NEWEST_BY,
    ByStatus,
    reasons_of,
    status_of,
)
from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.gathering import MAX_RESOURCES, PAGE_SIZE, Gathered, Resource, at_once, gather
from mcp_servers.fhir.measuring import Chart
from mcp_servers.fhir.paging import Pages, read_pages

# So many records of a type are read in any case: they are one page.
FEW = PAGE_SIZE
_IDS_AT_ONCE = 100
# Read beyond what is asked for: some are withdrawn, and of equal dates the last page shows only some.
_SPARE = 10


Way = Callable[[int], Awaitable["Listed | None"]]


@dataclass
class Listed:
    """Records of a kind, or of one type of a kind.

    `unread` counts those that are not current by the reason, and were not read. Where only the newest were
    read, those are all that are dated later than `newer_than`, and `total` counts all that there are, those
    entered in error left out.
    """

    found: Gathered = field(default_factory=Gathered)
    unread: Counter[str] = field(default_factory=Counter)
    newer_than: str | None = None
    total: int = 0


async def read_kind(chart: Chart, kind: charts.Kind, *, current: bool, newest: int | None = None) -> Listed:
    """The records of a kind; of a long list only what the `current` ones need, or the `newest` so many.

    Raises what FhirClient.search raises.
    """
    searches = charts.SEARCHES[kind]
    with_reasons = len(searches) > 1 and charts.REASONS in searches
    jobs = [
        partial(_read, chart, search, current=current, newest=newest)
        for search in searches
        if not (with_reasons and search == charts.REASONS)
    ]
    listed = Listed()
    for part in await at_once(jobs):
        listed.found.merge(part.found)
        listed.unread += part.unread
        listed.total += part.total
        if part.newer_than is not None:
            listed.newer_than = min(part.newer_than, listed.newer_than or part.newer_than, key=sort_key)
    if with_reasons:
        listed.found.merge(await _reasons(chart, listed.found.resources))
    return listed


async def _read(chart: Chart, search: Search, *, current: bool, newest: int | None) -> Listed:
    kind = search.resource_type
    known = (await chart.client.capability(chart.call)).parameters.get(kind, {})
    by_status, never = BY_STATUS.get(kind), NEVER_CURRENT.get(kind)
    sorted_by = NEWEST_BY.get(kind, "")
    listed: Listed | None = None
    if current and by_status is not None and {by_status.parameter, by_status.always[0]} <= known.keys():
        way: Way = partial(_by_status, chart, search, by_status)
    elif current and never is not None and "status" in known:
        way = partial(_never_current, chart, search, never)
    elif newest is not None and {"status", sorted_by} <= known.keys():
        way = partial(_newest, chart, search, sorted_by, newest)
    else:
        return _whole(await gather(chart.client, [search], chart.lock, chart.call))
    total = (await chart.client.search(kind, search.parameters, chart.lock, chart.call, count=1)).total
    if total == 0:
        return Listed(Gathered({kind: []}))
    if total is not None and total > FEW:
        try:
            listed = await way(total)
        except InvalidRequest:  # a server may lack a modifier, or an order, of a parameter that it has
            listed = None
    return listed or _whole(await gather(chart.client, [search], chart.lock, chart.call))


def _whole(found: Gathered) -> Listed:
    return Listed(found, total=sum(not entered_in_error(one) for one in found.resources))


async def _by_status(chart: Chart, search: Search, rule: ByStatus, total: int) -> Listed | None:
    """The records that may be current, the others counted; None where that does not add up to all."""
    wanted = [_also(search, (rule.parameter, ",".join(rule.read))), _also(search, rule.always)]
    found = await gather(chart.client, wanted, chart.lock, chart.call)
    counts = await at_once([partial(_count, chart, search, (rule.parameter, over)) for over in rule.over])
    if any(count is None for count in counts):
        return None
    for attempt in range(2):
        read = Counter(status_of(one) for one in found.resources)
        unread = Counter({over: (n or 0) - read[over] for over, n in zip(rule.over, counts, strict=True)})
        if len(found.resources) + sum(unread.values()) == total:
            return Listed(found, unread)
        if attempt == 0:
            without = _also(search, (f"{rule.parameter}:missing", "true"))
            found.merge(await gather(chart.client, [without], chart.lock, chart.call))
    return None


async def _never_current(chart: Chart, search: Search, reason: str, total: int) -> Listed:
    found = await gather(
        chart.client, [_also(search, ("status", "entered-in-error"))], chart.lock, chart.call
    )
    return Listed(found, Counter({reason: total - len(found.resources)}))


async def _newest(chart: Chart, search: Search, parameter: str, newest: int, total: int) -> Listed | None:
    """The newest records; None where the server does not sort them as their rows are dated."""
    kind = search.resource_type
    capability = await chart.client.capability(chart.call)
    includes = [("_include", value) for value in search.includes if capability.has_include(value)]

    def enough(pages: Pages) -> bool:
        dates = [charts.record_date(one) for one in pages.matches.values() if not entered_in_error(one)]
        newer = [date for date in dates if sort_key(date) < sort_key(dates[-1])]
        return len(newer) >= newest or len(pages.matches) >= MAX_RESOURCES

    asked = [("_sort", f"-{parameter}"), *search.parameters, *includes]
    size = min(newest + _SPARE, PAGE_SIZE)
    pages = await read_pages(chart.client, kind, asked, chart.lock, chart.call, count=size, enough=enough)
    records = list(pages.matches.values())
    undated = _also(search, (f"{parameter}:missing", "true"))
    withdrawn = _also(search, ("status", "entered-in-error"))
    found = Gathered({kind: records}, pages.included, pages.notes, pages.complete)
    if not pages.more:
        return _whole(found)
    last = charts.record_date(records[-1])
    if last is None or not pages.in_order or not charts.newest_first(records):
        return None
    others = await gather(chart.client, [undated, withdrawn], chart.lock, chart.call)
    found.merge(others)
    wrong = sum(entered_in_error(one) for one in found.resources)
    return Listed(found, newer_than=last, total=total - wrong)


async def _reasons(chart: Chart, resources: list[Resource]) -> Gathered:
    """The problems that records name as their reasons."""
    ids = sorted(reasons_of(resources))
    searches = [
        _also(charts.REASONS, ("_id", ",".join(ids[start : start + _IDS_AT_ONCE])))
        for start in range(0, len(ids), _IDS_AT_ONCE)
    ]
    return await gather(chart.client, searches, chart.lock, chart.call)


async def _count(chart: Chart, search: Search, parameter: tuple[str, str]) -> int | None:
    asked = [*search.parameters, parameter]
    return await chart.client.count(search.resource_type, asked, chart.lock, chart.call)


def _also(search: Search, parameter: tuple[str, str]) -> Search:
    return search._replace(parameters=(*search.parameters, parameter))
