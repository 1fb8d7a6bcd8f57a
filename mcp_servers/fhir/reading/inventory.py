"""Which measurements a chart holds: the newest record of every code, found without reading all the others.

The newest page of Observations, then the newest page of those with none of the codes seen so far, and so on
until nothing is left: a handful of requests, however long the chart. Records without a code are all read.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import anyio
from anyio import to_thread

from mcp_servers.fhir import charts
from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.charts.dates import newest_first as sort_key
from mcp_servers.fhir.charts.measurement_names import Measure
from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.reading.gathering import (
    MAX_RESOURCES,
    PAGE_SIZE,
    Resource,
    gather,
    one_page,
    too_many,
)
from mcp_servers.fhir.reading.paging import Pages, read_pages
from mcp_servers.fhir.reading.snapshot import NOT_SEARCHED, moment, written_since
from mcp_servers.fhir.recording import Call

# More codes than this make an address that some servers do not take.
_MOST_EXCLUDED = 400
_MOST_STEPS = 12
# Seconds that leaving out codes may take, within these bounds about as long as to read everything: H2 works a
# `code:not` out anew for every record once something is written while it searches, which takes minutes.
_FEW_SECONDS = 2.0
_PATIENCE = 20.0
_SENDABLE = re.compile(r"[\w.-]+", re.ASCII)
NEWEST_FIRST = ("_sort", "-date")


@dataclass(frozen=True)
class Measurements:
    """Observations by id: the newest of every code, all without a code, and others met on the way.

    `chart` is what they measure. `whole`: they are all Observations of the chart; then no others need be
    read. `fresh`: they were read in this call, so that none of them can have been deleted since.
    """

    records: dict[str, Resource]
    chart: Mapping[str, Measure] = field(default_factory=dict)
    whole: bool = False
    fresh: bool = True
    complete: bool = True
    notes: list[str] = field(default_factory=list)
    as_of: str | None = None


class Inventory:
    """The measurements of one chart, kept between calls and brought up to date by each."""

    def __init__(self) -> None:
        self._kept: Measurements | None = None
        self._one_at_a_time = anyio.Lock()

    async def refreshed(
        self, client: FhirClient, lock: PatientLock, call: Call, *, anew: bool = False
    ) -> Measurements:
        """The measurements as they are now: as kept, with what was written since, or read `anew`.

        Raises what FhirClient.search raises.
        """
        async with self._one_at_a_time:
            found = None if anew else await self._caught_up(client, lock, call)
            found = found or await _scanned(client, lock, call)
            found = found or await _all(client, lock, call)
            long = found.whole and len(found.records) > PAGE_SIZE
            self._kept = await to_thread.run_sync(_newest_of, found) if long else found
            return found

    async def _caught_up(self, client: FhirClient, lock: PatientLock, call: Call) -> Measurements | None:
        """What is kept with all that was written since; None where that is more than a page, or not told."""
        since = None if self._kept is None or self._kept.whole else moment(self._kept.as_of)
        without = (await client.capability(call)).without_last_updated
        if self._kept is None or since is None or "Observation" in without:
            return None
        try:
            written = written_since(since)
            page = await client.search("Observation", [written], lock, call, count=PAGE_SIZE, total=False)
        except NOT_SEARCHED:
            without.add("Observation")
            return None
        if page.next is not None:
            return None
        kept = replace(self._kept, fresh=False, as_of=page.as_of)
        if not page.matches:
            return kept
        records = kept.records | {record["id"]: record for record in page.matches}
        chart = await to_thread.run_sync(charts.measures_of, records.values())
        return replace(kept, records=records, chart=chart)


async def _scanned(client: FhirClient, lock: PatientLock, call: Call) -> Measurements | None:
    """The newest record of every code, or all where the server takes too long to leave codes out.

    None from a server that does not sort, exclude or come to an end.
    """
    known = (await client.capability(call)).parameters.get("Observation", {})
    if not {"code", "date"} <= known.keys():
        return None
    started = anyio.current_time()
    first = await _newest_without(client, lock, call, set())
    if first is None:
        return None
    if not first.more:
        return await _measurements([first])
    to_read_all = (anyio.current_time() - started) * (first.total or MAX_RESOURCES) / PAGE_SIZE
    try:
        with anyio.fail_after(min(max(to_read_all, _FEW_SECONDS), _PATIENCE)):
            return await _behind(client, lock, call, first)
    except TimeoutError:
        return replace(await _all(client, lock, call), as_of=first.as_of)


async def _behind(client: FhirClient, lock: PatientLock, call: Call, first: Pages) -> Measurements | None:
    """The newest record of every code, of which the `first` page is read."""
    read = [first]
    excluded: set[str] = set()
    while len(read) < _MOST_STEPS:
        records = read[-1].matches.values()
        seen = {code for one in records if (code := charts.main_code_of(one)) and sendable(code)}
        stuck = not seen or len(excluded | seen) > _MOST_EXCLUDED
        if not stuck:
            excluded |= seen
        pages = await _newest_without(client, lock, call, excluded, whole=stuck)
        if pages is None or (stuck and pages.more):
            return None
        read.append(pages)
        if not pages.more:
            return await _measurements(read)
    return None


async def _newest_without(
    client: FhirClient, lock: PatientLock, call: Call, excluded: set[str], *, whole: bool = False
) -> Pages | None:
    """The newest page of records with none of these codes, or all of them; None where they are not that."""
    without = [("code:not", ",".join(sorted(excluded)))] if excluded else []
    try:
        pages = await read_pages(
            client, "Observation", [NEWEST_FIRST, *without], lock, call, count=PAGE_SIZE,
            enough=too_many if whole else one_page, total=whole or not excluded,
        )  # fmt: skip
    except InvalidRequest:
        return None
    records = list(pages.matches.values())
    if not (pages.in_order and charts.newest_first(records)):
        return None
    return None if any(excluded & charts.codes_of(one) for one in records) else pages


async def _measurements(read: list[Pages]) -> Measurements:
    """What these searches found, of which the last one came to its end; one alone found the whole chart."""
    records = {one: record for pages in read for one, record in pages.matches.items()}
    first, last, whole = read[0], read[-1], len(read) == 1
    chart = await to_thread.run_sync(charts.measures_of, records.values())
    return Measurements(
        records, chart, whole=whole, complete=last.complete, notes=last.notes, as_of=first.as_of
    )


async def _all(client: FhirClient, lock: PatientLock, call: Call) -> Measurements:
    gathered = await gather(client, [charts.OBSERVATIONS], lock, call)
    records = {record["id"]: record for record in gathered.resources}
    return Measurements(records, whole=True, complete=gathered.complete, notes=gathered.notes)


def _newest_of(everything: Measurements) -> Measurements:
    """What is kept of a long chart that was read whole: of each code a newest, all without a code."""
    records = sorted(everything.records.values(), key=lambda one: sort_key(charts.record_date(one)))
    newest: dict[str, Resource] = {}
    for record in records:
        newest.setdefault(charts.main_code_of(record) or record["id"], record)
    kept = {record["id"]: record for record in newest.values()}
    return replace(everything, records=kept, chart=charts.measures_of(records), whole=False)


def sendable(code: str) -> bool:
    """Whether a code can stand in a list of search values as it is."""
    return _SENDABLE.fullmatch(code) is not None
