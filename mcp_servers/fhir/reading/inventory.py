"""Which measurements a chart holds: the newest record of every code, found without reading all the others.

The newest page of Observations, then the newest page of those with none of the codes seen so far, and so on
until nothing is left: a handful of requests, however long the chart. Records without a code are all read.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import anyio

from mcp_servers.fhir import charts
from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.charts.measurement_names import Measure
from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.reading.gathering import PAGE_SIZE, Resource, gather, one_page, too_many
from mcp_servers.fhir.reading.paging import read_pages
from mcp_servers.fhir.recording import Call

# More codes than this make an address that some servers do not take.
_MOST_EXCLUDED = 400
_MOST_STEPS = 12
# Seconds. H2 works a `code:not` out anew for every record once something is written while it searches: a HAPI
# on it then takes minutes for what else takes half a second.
_PATIENCE = 10.0
# What a transaction wrote may be seen this much later than the time that it stands under.
_SEEN_LATE = timedelta(seconds=30)
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

    def __init__(self, patience: float = _PATIENCE) -> None:
        self._patience = patience
        self._kept: Measurements | None = None
        self._one_at_a_time = anyio.Lock()

    async def refreshed(
        self, client: FhirClient, lock: PatientLock, call: Call, *, anew: bool = False
    ) -> Measurements:
        """The measurements as they are now: as kept, with what was written since, or read `anew`.

        Raises what FhirClient.search raises.
        """
        async with self._one_at_a_time:
            kept = None if anew else await self._caught_up(client, lock, call)
            if kept is None:
                with anyio.move_on_after(self._patience):
                    kept = await _scanned(client, lock, call)
            self._kept = kept or await _all(client, lock, call)
            return self._kept

    async def _caught_up(self, client: FhirClient, lock: PatientLock, call: Call) -> Measurements | None:
        """What is kept with all that was written since; None where that is more than a page, or not told."""
        since = None if self._kept is None or self._kept.whole else _moment(self._kept.as_of)
        if self._kept is None or since is None:
            return None
        written = ("_lastUpdated", f"ge{(since - _SEEN_LATE).isoformat(timespec='milliseconds')}")
        page = await client.search("Observation", [written], lock, call, count=PAGE_SIZE)
        if page.next is not None:
            return None
        kept = replace(self._kept, fresh=False, as_of=page.as_of)
        if not page.matches:
            return kept
        records = kept.records | {record["id"]: record for record in page.matches}
        return replace(kept, records=records, chart=charts.measures_of(records.values()))


async def _scanned(client: FhirClient, lock: PatientLock, call: Call) -> Measurements | None:
    """The newest record of every code; None from a server that does not sort, exclude or come to an end."""
    known = (await client.capability(call)).parameters.get("Observation", {})
    if not {"code", "date"} <= known.keys():
        return None
    found = Measurements({})
    excluded: set[str] = set()
    stuck = False
    for step in range(_MOST_STEPS):
        without = [("code:not", ",".join(sorted(excluded)))] if excluded else []
        last = stuck or step + 1 == _MOST_STEPS
        try:
            pages = await read_pages(
                client, "Observation", [NEWEST_FIRST, *without], lock, call, count=PAGE_SIZE,
                enough=too_many if last else one_page,
            )  # fmt: skip
        except InvalidRequest:
            return None
        records = list(pages.matches.values())
        ordered = pages.in_order and charts.newest_first(records)
        if not ordered or any(excluded & charts.codes_of(one) for one in records):
            return None
        found.records.update(pages.matches)
        if step == 0:
            found = replace(found, as_of=pages.as_of)
        if not pages.more:
            chart = charts.measures_of(found.records.values())
            return replace(found, chart=chart, whole=step == 0, complete=pages.complete, notes=pages.notes)
        if last:
            return None
        seen = {code for one in records if (code := charts.main_code_of(one)) and sendable(code)}
        stuck = not seen or len(excluded | seen) > _MOST_EXCLUDED
        if not stuck:
            excluded |= seen
    return None


async def _all(client: FhirClient, lock: PatientLock, call: Call) -> Measurements:
    gathered = await gather(client, [charts.OBSERVATIONS], lock, call)
    records = {record["id"]: record for record in gathered.resources}
    return Measurements(records, whole=True, complete=gathered.complete, notes=gathered.notes)


def sendable(code: str) -> bool:
    """Whether a code can stand in a list of search values as it is."""
    return _SENDABLE.fullmatch(code) is not None


def _moment(text: str | None) -> datetime | None:
    """The time of a FHIR instant; None where there is none that can be read."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else None
