"""The records of one kind: all of them, or of a long list those that its answer needs, the others counted."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from mcp_servers.fhir import charts
from mcp_servers.fhir.charts import Search
from mcp_servers.fhir.charts.dates import newest_first as sort_key
from mcp_servers.fhir.charts.elements import entered_in_error
from mcp_servers.fhir.charts.narrowing import (
    BY_STATUS,
    DATED_BY,
    GROWING,
    NEWEST_BY,
    NOT_CURRENT_AS,
    ByStatus,
    reasons_of,
    status_of,
)
from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.reading.gathering import (
    MAX_RESOURCES,
    PAGE_SIZE,
    Gathered,
    Resource,
    Unanswered,
    each_answered,
    gather,
    gather_by_id,
    not_read,
    one_page,
)
from mcp_servers.fhir.reading.measuring import Chart
from mcp_servers.fhir.reading.paging import Pages, read_pages

# So many records of a type are read to see whether there are more; and so many in any case, as one page.
FIRST = 25
FEW = PAGE_SIZE
# Read beyond what is asked for: some are withdrawn, and of equal dates the last page shows only some.
_SPARE = 10

Way = Callable[[int], Awaitable["Listed | None"]]


@dataclass
class Listed:
    """Records of a kind, or of one type of a kind.

    `whole` are the types that were read to the end. `standing` counts by type what there is of the others,
    records entered in error left out. `unread` counts those that are not current by the reason, and were not
    read. Where only the newest were read, those are all that are dated later than `newer_than`. `newest` has
    by type records with the last one among them, where the server was asked for them.
    """

    found: Gathered = field(default_factory=Gathered)
    whole: set[str] = field(default_factory=set)
    standing: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    newer_than: str | None = None
    newest: dict[str, list[Resource]] = field(default_factory=dict)

    def total(self) -> int:
        """How many records there are, those entered in error left out."""
        whole = (one for kind in self.whole for one in self.found.by_type.get(kind, ()))
        return self.standing.total() + sum(not entered_in_error(one) for one in whole)

    def merge(self, part: "Listed") -> None:
        """Take in another type of the kind."""
        self.found.merge(part.found)
        self.whole |= part.whole
        self.standing += part.standing
        self.unread += part.unread
        self.newest |= part.newest
        if part.newer_than is not None:
            self.newer_than = min(part.newer_than, self.newer_than or part.newer_than, key=sort_key)


async def read_kind(chart: Chart, kind: charts.Kind, *, current: bool, newest: int | None = None) -> Listed:
    """The records of a kind; of a long list only what the `current` ones need, or the `newest` so many.

    Types that the server does not answer are `unanswered`. Raises what else FhirClient.search raises.
    """
    return (await read_kinds(chart, [kind], current=current, newest=newest))[kind]


async def read_kinds(
    chart: Chart, kinds: Sequence[charts.Kind], *, current: bool, newest: int | None = None
) -> dict[charts.Kind, Listed]:
    """The records of several kinds, each as `read_kind` reads it."""
    wanted = [(kind, search) for kind in kinds for search in charts.SEARCHES[kind]]
    wanted = [
        (kind, search) for kind, search in wanted if not (_has_reasons(kind) and search == charts.REASONS)
    ]
    jobs = [
        (search.resource_type, partial(_read, chart, search, current=current, newest=newest))
        for _, search in wanted
    ]
    listed = {kind: Listed() for kind in kinds}
    parts, unanswered = await each_answered(jobs)
    for (kind, search), part in zip(wanted, parts, strict=True):
        listed[kind].merge(part or _unanswered(search.resource_type, unanswered))
    problems = listed["problems"].found.resources if "problems" in listed else []
    for kind in filter(_has_reasons, kinds):
        read = partial(_reasons, chart, listed[kind].found.resources, problems)
        [reasons], refused = await each_answered([(charts.REASONS.resource_type, read)])
        listed[kind].found.merge(reasons or Gathered(notes=not_read(refused), complete=False))
    return listed


def _unanswered(kind: str, unanswered: Unanswered) -> Listed:
    return Listed(Gathered(complete=False, unanswered={kind: unanswered[kind]}))


def _has_reasons(kind: charts.Kind) -> bool:
    """Whether problems are read with a kind, as reasons of its records."""
    return charts.REASONS in charts.SEARCHES[kind] and len(charts.SEARCHES[kind]) > 1


async def read_first(chart: Chart, search: Search) -> Pages:
    """As many records as show whether a type has few; of GROWING types the newest.

    Raises what FhirClient.search raises.
    """
    kind = search.resource_type
    order = [("_sort", f"-{DATED_BY[kind]}")] if kind in GROWING else []
    asked = [*order, *_asked(search)]
    return await read_pages(chart.client, kind, asked, chart.lock, chart.call, count=FIRST, enough=one_page)


def _asked(search: Search) -> list[tuple[str, str]]:
    return [*search.parameters, *(("_include", value) for value in search.includes)]


async def _read(chart: Chart, search: Search, *, current: bool, newest: int | None) -> Listed:
    kind = search.resource_type
    known = (await chart.client.capability(chart.call)).parameters.get(kind, {}).keys()
    by_status, reason = BY_STATUS.get(kind), NOT_CURRENT_AS.get(kind)
    sorted_by = NEWEST_BY.get(kind, "")
    way: Callable[[], Awaitable[Listed | None]] | None = None
    if current and by_status is not None and by_status.parameter in known:
        way = partial(_of_a_long_list, chart, search, partial(_by_status, chart, search, by_status))
    elif current and reason is not None and "status" in known:
        way = partial(_of_a_long_list, chart, search, partial(_under_way, chart, search, reason))
    elif newest is not None and {"status", sorted_by} <= known:
        way = partial(_newest, chart, search, sorted_by, newest)
    listed: Listed | None = None
    if way is not None and not chart.keeping.holds(search):
        try:
            listed = await way()
        except InvalidRequest:  # a server may lack a modifier, or an order, of a parameter that it has
            listed = None
    return listed or _whole(kind, await chart.keeping.gather(chart.client, search, chart.lock, chart.call))


async def _of_a_long_list(chart: Chart, search: Search, way: Way) -> Listed | None:
    """All records of a short list, of a long one those that `way` reads; None where all are to be read."""
    kind = search.resource_type
    first = await read_first(chart, search)
    if not first.in_order:
        return None
    if not first.more:
        return _whole(kind, gathered(kind, first))
    if first.total is None or first.total <= FEW:
        return None
    listed = await way(first.total)
    return listed and replace(listed, newest=newest_of(kind, first))


def newest_of(kind: str, first: Pages) -> dict[str, list[Resource]]:
    """What `read_first` read, where it shows the last record of the type."""
    return {kind: list(first.matches.values())} if kind in GROWING and first.in_order else {}


def _whole(kind: str, found: Gathered) -> Listed:
    return Listed(found, {kind})


def _part(kind: str, found: Gathered, total: int) -> Listed:
    """Some of `total` records, all that were entered in error among them."""
    wrong = sum(entered_in_error(one) for one in found.resources)
    return Listed(found, standing=Counter({kind: total - wrong}))


async def _by_status(chart: Chart, search: Search, rule: ByStatus, total: int) -> Listed | None:
    """The records that may be current, the others counted; None where that does not add up to all."""
    wanted = [(rule.parameter, ",".join(rule.read)), *([rule.always] if rule.always else [])]
    found = await gather(chart.client, [_also(search, one) for one in wanted], chart.lock, chart.call)
    counts: Counter[str] = Counter()

    def listed() -> Listed | None:
        read = Counter(status_of(one) for one in found.resources)
        unread = Counter({over: n - read[over] for over, n in counts.items()})
        if len(found.resources) + sum(unread.values()) != total:
            return None
        return replace(_part(search.resource_type, found, total), unread=unread)

    for over in rule.over:
        if (so_far := listed()) is not None:
            return so_far
        count = await _count(chart, search, (rule.parameter, over))
        if count is None:
            return None
        counts[over] = count
    if (all_counted := listed()) is not None:
        return all_counted
    without = _also(search, (f"{rule.parameter}:missing", "true"))
    found.merge(await gather(chart.client, [without], chart.lock, chart.call))
    return listed()


async def _under_way(chart: Chart, search: Search, reason: str, total: int) -> Listed:
    wanted = ("status", "in-progress,on-hold,entered-in-error")
    found = await gather(chart.client, [_also(search, wanted)], chart.lock, chart.call)
    unread = Counter({reason: total - len(found.resources)})
    return replace(_part(search.resource_type, found, total), unread=unread)


async def _newest(chart: Chart, search: Search, parameter: str, newest: int) -> Listed | None:
    """The newest records; None where the server does not sort them as their rows are dated, or count them."""
    kind = search.resource_type

    def enough(pages: Pages) -> bool:
        if len(pages.matches) <= min(newest, MAX_RESOURCES):
            return False
        dates = [charts.record_date(one) for one in pages.matches.values() if not entered_in_error(one)]
        newer = [date for date in dates if sort_key(date) < sort_key(dates[-1])]
        return len(newer) >= newest or len(pages.matches) >= MAX_RESOURCES

    asked = [("_sort", f"-{parameter}"), *_asked(search)]
    size = min(max(newest + _SPARE, FIRST), PAGE_SIZE)
    pages = await read_pages(chart.client, kind, asked, chart.lock, chart.call, count=size, enough=enough)
    records = list(pages.matches.values())
    found = gathered(kind, pages)
    if not pages.in_order:
        return None
    if not pages.more:
        return _whole(kind, found)
    last = charts.record_date(records[-1])
    if last is None or pages.total is None or not charts.newest_first(records):
        return None
    withdrawn = _also(search, ("status", "entered-in-error"))
    found.merge(await gather(chart.client, [withdrawn], chart.lock, chart.call))
    return replace(_part(kind, found, pages.total), newer_than=last, newest={kind: records})


def gathered(kind: str, pages: Pages) -> Gathered:
    """What the pages of one search hold, as `gather` would have it."""
    return Gathered({kind: list(pages.matches.values())}, pages.included, pages.notes, pages.complete)


async def _reasons(chart: Chart, resources: list[Resource], at_hand: list[Resource]) -> Gathered:
    """The problems that records name as their reasons; those `at_hand` are not read again."""
    named = reasons_of(resources)
    reasons = Gathered({charts.REASONS.resource_type: [one for one in at_hand if one["id"] in named]})
    others = named - {one["id"] for one in at_hand}
    reasons.merge(await gather_by_id(chart.client, charts.REASONS, others, chart.lock, chart.call))
    return reasons


async def _count(chart: Chart, search: Search, parameter: tuple[str, str]) -> int | None:
    asked = [*search.parameters, parameter]
    return await chart.client.count(search.resource_type, asked, chart.lock, chart.call)


def _also(search: Search, parameter: tuple[str, str]) -> Search:
    return search._replace(parameters=(*search.parameters, parameter))
