"""How fast the tools are: against their own requests, over charts of growing size, and many at once."""

import statistics
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import httpx

from evals.bench.calling import Called, open_tools, replayed
from fhir_fixtures.generate.scaled import patient_id

# How often a call is measured: less often where it takes long; the first of a session in so many sessions.
ROUNDS = 30
SESSIONS = 5
FEWEST = 3
SECONDS = 5.0
AT_ONCE = (1, 8, 32)
Ask = tuple[str, dict[str, Any]]

# What is measured in (b): everyday calls on one of the sample charts.
EVERYDAY: tuple[Ask, ...] = (
    ("fhir_read", {"reference": "Patient/renae-homenick"}),
    ("fhir_search", {"resource_type": "Immunization"}),
    ("observations", {"name": "4548-4"}),
    ("observations", {"name": "hba1c"}),
    ("observations", {"name": "hba1c", "mode": "statistics"}),
    ("list_records", {"kind": "allergies"}),
    ("list_records", {"kind": "problems"}),
    ("list_records", {"kind": "medications"}),
    ("list_records", {"kind": "encounters"}),
    ("lookup_code", {"text": "lisinopril"}),
    ("search_notes", {"text": "migraine"}),
    ("query_chart", {"sql": "SELECT count(*) AS n FROM observation"}),
    ("chart_overview", {}),
)
PATIENT = "renae-homenick"

# What is measured in (c): these must not become slower as a chart grows.
FLAT: tuple[Ask, ...] = (
    ("observations", {"name": "hemoglobin"}),
    ("list_records", {"kind": "problems"}),
    ("list_records", {"kind": "allergies"}),
    ("list_records", {"kind": "medications"}),
    ("chart_overview", {}),
)
# What is measured in (d): kept between calls, built by the first.
KEPT: tuple[Ask, ...] = (
    ("search_notes", {"text": "pain"}),
    (
        "query_chart",
        {"sql": "SELECT code_text, count(*) AS n FROM observation GROUP BY 1 ORDER BY n DESC LIMIT 3"},
    ),
)


class Pace(NamedTuple):
    """A call, how many requests it makes, and the milliseconds of the call, of those requests alone, and of
    the call's writes to the trail."""

    name: str
    requests: int
    call: list[float]
    bare: list[float]
    trail: list[float]

    @property
    def overhead(self) -> float:
        """Milliseconds of the call's median beyond that of its requests."""
        return statistics.median(self.call) - statistics.median(self.bare)

    @property
    def ratio(self) -> float:
        """The call's median over that of its requests."""
        return statistics.median(self.call) / statistics.median(self.bare)


class Growth(NamedTuple):
    """One call over charts of growing size: the median first of a session, and medians of those after it."""

    name: str
    sizes: Sequence[int]
    first: list[Called]
    later: list[float]
    later_requests: list[int]


def name_of(ask: Ask) -> str:
    """A call in a word or two."""
    tool, arguments = ask
    said = next(
        (str(arguments[key]) for key in ("name", "kind", "text", "resource_type") if key in arguments), ""
    )
    return f"{tool} {said} {arguments.get('mode', '')}".strip()


async def against_requests(http: httpx.AsyncClient, folder: Path) -> list[Pace]:
    """(b): each call, and the same requests by themselves, in turn on one connection, once warm."""
    paces = []
    async with open_tools(http, folder) as tools:
        for tool, arguments in EVERYDAY:
            given = {"patient": PATIENT, **arguments}
            for _ in range(2):
                called = await tools.call(tool, given)
            pace = Pace(name_of((tool, arguments)), len(called.requests), [], [], [])
            for _ in range(_rounds(called) if called.data is not None and called.requests else 0):
                called = await tools.call(tool, given)
                pace.call.append(called.ms)
                pace.trail.append(called.trail_ms)
                pace.bare.append(await replayed(http, called.requests))
            if pace.call:
                paces.append(pace)
    return paces


async def without_requests(http: httpx.AsyncClient, folder: Path) -> tuple[float, float]:
    """Median milliseconds of a call that is refused before any FHIR request: in all, and for its trail."""
    async with open_tools(http, folder) as tools:
        given = {
            "patient": PATIENT,
            "resource_type": "Observation",
            "parameters": [{"name": "x", "value": "y"}],
        }
        await tools.call("fhir_search", given)
        refused = [await tools.call("fhir_search", given) for _ in range(ROUNDS)]
    assert not any(called.requests for called in refused)
    return (
        statistics.median(called.ms for called in refused),
        statistics.median(called.trail_ms for called in refused),
    )


async def as_charts_grow(
    http: httpx.AsyncClient, folder: Path, sizes: Sequence[int], asks: Sequence[Ask], *, sessions: int
) -> list[Growth]:
    """(c) and (d): each call as the first of `sessions` sessions and again in the last of them, on charts of
    these sizes in turn: a machine that slows down meanwhile does so for all of them."""
    growths = []
    for tool, arguments in asks:
        given = {size: {"patient": patient_id(size), **arguments} for size in sizes}
        first: dict[int, list[Called]] = {size: [] for size in sizes}
        again: dict[int, list[Called]] = {size: [] for size in sizes}
        async with AsyncExitStack() as stack:
            for _ in range(sessions):
                opened = {size: await stack.enter_async_context(open_tools(http, folder)) for size in sizes}
                for size, tools in opened.items():
                    # What a session asks once, whatever is called first: that belongs to no tool.
                    patient = patient_id(size)
                    await tools.call("fhir_read", {"patient": patient, "reference": f"Patient/{patient}"})
                    first[size].append(await tools.call(tool, given[size]))
            rounds = 1
            while len(again[sizes[-1]]) < rounds:
                for size, tools in opened.items():
                    again[size].append(await tools.call(tool, given[size]))
                rounds = _rounds(max((calls[0] for calls in again.values()), key=lambda one: one.ms))
        growths.append(
            Growth(
                name_of((tool, arguments)),
                sizes,
                [sorted(calls, key=lambda one: one.ms)[len(calls) // 2] for calls in first.values()],
                [statistics.median(called.ms for called in calls) for calls in again.values()],
                [len(calls[-1].requests) for calls in again.values()],
            )
        )
    return growths


async def many_at_once(http: httpx.AsyncClient, folder: Path) -> list[tuple[int, float, float]]:
    """(e): for 1, 8 and 32 at once, the calls a second and the p95 of one call in milliseconds."""
    found = []
    async with open_tools(http, folder) as tools:
        given = {"patient": PATIENT, "name": "hba1c"}
        await tools.call("observations", given)
        for at_once in AT_ONCE:
            taken: list[float] = []

            async def caller(calls: int, taken: list[float] = taken) -> None:
                for _ in range(calls):
                    taken.append((await tools.call("observations", given)).ms)

            started = time.perf_counter()
            async with anyio.create_task_group() as group:
                for _ in range(at_once):
                    group.start_soon(caller, max(64 // at_once, 2))
            seconds = time.perf_counter() - started
            found.append((at_once, len(taken) / seconds, percentile(taken, 95)))
    return found


def _rounds(called: Called) -> int:
    return max(FEWEST, min(ROUNDS, int(SECONDS * 1000 / called.ms)))


def percentile(values: Sequence[float], part: int) -> float:
    """The value below which `part` percent lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) * part // 100, len(ordered) - 1)]
