"""The records of one measurement of a chart: as many of them as an answer needs, and no others."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from anyio import to_thread

from mcp_servers.fhir import charts
from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.charts.dates import newest_first as sort_key
from mcp_servers.fhir.charts.meanings import Meant
from mcp_servers.fhir.charts.measurement_names import Measure
from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.reading.gathering import PAGE_SIZE, Resource, at_once, gather, gather_by_id
from mcp_servers.fhir.reading.inventory import NEWEST_FIRST, Inventory, Measurements, sendable
from mcp_servers.fhir.reading.keeping import Keeping
from mcp_servers.fhir.reading.paging import Pages, read_pages
from mcp_servers.fhir.recording import Call

_NEEDED = frozenset({"combo-code", "code", "date"})
_NEWEST = 20
_NEWEST_AT_MOST = 3 * _NEWEST
_BY_NAME = 50
_MOST_COUNTED = 25


@dataclass(frozen=True)
class Chart:
    """The chart that is read, when its present is (ISO 8601), and what earlier calls kept of it."""

    client: FhirClient
    lock: PatientLock
    call: Call
    now: str
    keeping: Keeping = field(default_factory=Keeping)


@dataclass
class Reading:
    """Records of a measurement; `known` is what the chart measures besides, `kept` the newest of it.

    `whole`: the records are all Observations of the chart. `complete` is false when a search was cut short;
    `stale` says that it rests on what an earlier call read, and that may be gone.
    """

    records: dict[str, Resource] = field(default_factory=dict)
    known: Mapping[str, Measure] = field(default_factory=dict)
    kept: list[Resource] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    complete: bool = True
    whole: bool = False
    stale: bool = False

    def add(self, records: Iterable[Resource], notes: list[str], *, complete: bool) -> None:
        """Take in what a search found."""
        self.records.update((record["id"], record) for record in records)
        self.notes.extend(note for note in notes if note not in self.notes)
        self.complete = self.complete and complete


async def read_measurement(chart: Chart, inventory: Inventory, name: str, *, newest: bool) -> Reading:
    """What charts.observations needs to answer for `name`: with `newest` its latest value, else everything.

    On a server that can search by code and date, what is read grows with the answer and not with the chart.
    Raises charts.Ambiguous, and what FhirClient.search raises.
    """
    searchable = (await chart.client.capability(chart.call)).parameters.get("Observation", {})
    token = charts.code_token(name)
    if token is not None and searchable.keys() >= _NEEDED:
        reading = Reading()
        await _read_codes(chart, reading, {token}, name, newest=newest)
        return reading
    for anew in (False, True):
        measurements = await inventory.refreshed(chart.client, chart.lock, chart.call, anew=anew)
        reading = await _read(chart, measurements, name, newest=newest)
        if measurements.fresh or not reading.stale:
            break
    return reading


async def read_newest_of_each(chart: Chart, inventory: Inventory) -> Reading:
    """What charts.glance needs to show the last value of every measurement, as the chart is now.

    In a long chart, a period that has no start is not taken for the newest: servers sort it last. Raises what
    FhirClient.search raises.
    """

    def newest(known: Measurements) -> list[Resource]:
        records = known.records.values()
        return list(records) if known.whole else charts.newest_of_each(records, chart.now)

    reading = await read_known(chart, inventory, newest)
    if not reading.whole:
        await _read_behind(chart, reading)
    return reading


async def read_known(
    chart: Chart, inventory: Inventory, choose: Callable[[Measurements], list[Resource]]
) -> Reading:
    """What `choose` takes of the measurements that are known, as the chart holds it now.

    `choose` runs in a thread of its own. Raises what FhirClient.search raises.
    """
    for anew in (False, True):
        known = await inventory.refreshed(chart.client, chart.lock, chart.call, anew=anew)
        chosen = await to_thread.run_sync(choose, known)
        reading = Reading(whole=known.whole)
        if known.fresh:
            reading.add(chosen, known.notes, complete=known.complete)
            break
        ids = [record["id"] for record in chosen]
        found = await gather_by_id(chart.client, charts.OBSERVATIONS, ids, chart.lock, chart.call)
        reading.add(found.resources, found.notes, complete=found.complete)
        if len(found.resources) == len(chosen):  # else some are gone, and others may be the newest now
            break
    return reading


async def _read_behind(chart: Chart, reading: Reading) -> None:
    """Of codes whose newest records hold no value that stands, a page of older ones, which may."""
    without = await to_thread.run_sync(charts.codes_without_value, reading.records.values(), chart.now)
    if codes := {code for code in without if sendable(code)}:
        page = await chart.client.search(
            "Observation", [NEWEST_FIRST, _of(codes)], chart.lock, chart.call, count=PAGE_SIZE, total=False
        )
        older = await to_thread.run_sync(charts.newest_of_each, page.matches, chart.now)
        reading.add(older, page.notes, complete=True)


async def _read(chart: Chart, measurements: Measurements, name: str, *, newest: bool) -> Reading:
    reading = Reading()
    everything = list(measurements.records.values())
    if measurements.whole:
        reading.add(everything, measurements.notes, complete=measurements.complete)
        return reading
    searchable = (await chart.client.capability(chart.call)).parameters["Observation"]
    if not searchable.keys() >= _NEEDED:
        await _gather(chart, reading)
        return reading
    reading.known, reading.kept = measurements.chart, everything
    try:
        await _look_up(chart, reading, name, newest=newest)
    except charts.Ambiguous as several:
        raise await _counted(chart, several) from None
    return reading


async def _look_up(chart: Chart, reading: Reading, name: str, *, newest: bool) -> None:
    """Read what `name` means, and what it means in the light of what was read, until all is read."""

    def meaning() -> Meant:
        return charts.meant(name, charts.both(charts.measures_of(reading.records.values()), reading.known))

    meant = await to_thread.run_sync(meaning)
    if not meant.codes and not meant.uncoded:
        named = await to_thread.run_sync(charts.measures_of, await _so_named(chart, name))
        reading.known = charts.both(reading.known, named)
        meant = await to_thread.run_sync(meaning)
    asked: set[str] = set()
    while wanted := {code for code in meant.codes | meant.everyday if sendable(code)} - asked:
        asked |= wanted
        await _read_codes(chart, reading, wanted, name, newest=newest, apart=meant.apart)
        meant = await to_thread.run_sync(meaning)
    reading.stale = bool(meant.codes) and not reading.records
    if meant.uncoded or not all(map(sendable, meant.codes)):
        uncoded = [one for one in reading.kept if not sendable(charts.main_code_of(one) or "")]
        reading.add(uncoded, [], complete=True)
        reading.stale = True


async def _read_codes(
    chart: Chart, reading: Reading, codes: set[str], name: str, *, newest: bool, apart: bool = False
) -> None:
    if newest:
        await _read_newest(chart, reading, codes, name, apart=apart)
    else:
        await _gather(chart, reading, _of(codes))


async def _read_newest(chart: Chart, reading: Reading, codes: set[str], name: str, *, apart: bool) -> None:
    """The newest of these records with a value, and all that may be newer: those dated since the day before.

    The day is that of the newest known, or else the newest found by a search that is sorted. Where neither
    can tell it, all are read; so they are where a part (a diastolic) may be missing among the newest found.
    """

    def last(records: Iterable[Resource]) -> str | None:
        """The date of the newest with a value; of several parts, of the one that is longest ago."""
        found = charts.observations(records, name=name, now=chart.now, known=reading.known)
        if not all("value" in row for row in found.rows):
            return None
        return max((row.get("date") for row in found.rows), key=sort_key, default=None)

    def enough(pages: Pages) -> bool:
        return len(pages.matches) >= _NEWEST_AT_MOST or last(pages.matches.values()) is not None

    async def since_before(date: str | None) -> bool:
        """Whether the answer is among what is dated since the day before `date`, which is then read."""
        day = charts.day_before(date)
        if day is None:
            return False
        found = await gather(
            chart.client, [_search(_of(codes), ("date", f"ge{day}"))], chart.lock, chart.call
        )
        newest = charts.day_before(await to_thread.run_sync(last, found.resources))
        if newest is None or newest < day:
            return False
        reading.add(found.resources, found.notes, complete=found.complete)
        return True

    wanted = frozenset(codes)
    kept = [one for one in reading.kept if charts.has_code(one, wanted)]
    if await since_before(last(kept)):
        return
    pages = await read_pages(
        chart.client, "Observation", [NEWEST_FIRST, _of(codes)], chart.lock, chart.call, count=_NEWEST,
        enough=enough,
    )  # fmt: skip
    newest_few = pages.matches.values()
    if not pages.more:
        reading.add(newest_few, pages.notes, complete=pages.complete)
    elif apart or not (
        pages.in_order and charts.newest_first(newest_few) and await since_before(last(newest_few))
    ):
        await _gather(chart, reading, _of(codes))


async def _gather(chart: Chart, reading: Reading, *parameters: tuple[str, str]) -> None:
    found = await chart.keeping.gather(chart.client, _search(*parameters), chart.lock, chart.call)
    reading.add(found.resources, found.notes, complete=found.complete)


def _search(*parameters: tuple[str, str]) -> charts.Search:
    return charts.OBSERVATIONS._replace(parameters=parameters)


def _of(codes: Iterable[str]) -> tuple[str, str]:
    return "combo-code", ",".join(sorted(codes))


async def _so_named(chart: Chart, name: str) -> list[Resource]:
    """Records whose code is called so: older ones may bear other names than the newest of the same code."""
    words = " ".join(name.split())
    if not all(character.isalnum() or character in " -()" for character in words):
        return []
    try:
        page = await chart.client.search(
            "Observation", [("code:text", words)], chart.lock, chart.call, count=_BY_NAME, total=False
        )
    except InvalidRequest:
        return []
    return page.matches


async def _counted(chart: Chart, several: charts.Ambiguous) -> charts.Ambiguous:
    """The same with the number of records of each candidate, as the server counts them."""
    if len(several.candidates) > _MOST_COUNTED:
        return several

    async def count(candidate: charts.Candidate) -> charts.Candidate:
        if not sendable(candidate.code):
            return candidate
        n = await chart.client.count("Observation", [_of([candidate.code])], chart.lock, chart.call)
        return candidate if n is None else candidate._replace(n=n)

    counted = await at_once([partial(count, candidate) for candidate in several.candidates])
    return charts.Ambiguous(several.name, counted)
