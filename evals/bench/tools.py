"""`python -m evals bench tools`: what the chart tools cost beside plain FHIR, in one run on one server."""

import statistics
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path

from evals.bench import needs, speed
from evals.bench.calling import open_tools
from evals.bench.serving import measured_server

RATIO_TO_RAW = 0.1
COMPUTED_BYTES = 600
COMPUTED = 6
RATIO_TO_REQUEST = 1.10
GROWTH = 1.5


async def measure(
    fhir: str | None, sizes: tuple[int, ...], say: Callable[[str], object], *, needs_only: bool
) -> AsyncIterator[str]:
    """The report line by line, each limit with PASS or FAIL; on the embedded store where `fhir` is None.

    `say` is told what takes long.
    """
    async with measured_server(fhir, () if needs_only else sizes, say) as http:
        with tempfile.TemporaryDirectory() as kept:
            folder = Path(kept)
            yield f"Measured on {fhir or 'the embedded store, in a process of its own'}."
            async with open_tools(http, folder) as tools:
                for line in _needs(await needs.met(http, tools)):
                    yield line
            if needs_only:
                return
            fixed = await speed.without_requests(http, folder)
            found = await speed.against_requests(http, folder)
            for line in paces(found, fixed, embedded=fhir is None):
                yield line
            grown = await speed.as_charts_grow(http, folder, sizes, speed.FLAT, sessions=speed.SESSIONS)
            for line in _growths(grown):
                yield line
            for line in _kept(await speed.as_charts_grow(http, folder, sizes, speed.KEPT, sessions=1)):
                yield line
            for line in _at_once(await speed.many_at_once(http, folder)):
                yield line


def _needs(found: list[needs.Met]) -> Iterator[str]:
    yield "\nTwenty needs, one call each, as in a session that goes on."
    yield "tokens: of the text that a model reads, at four bytes each; requests: FHIR requests of the call;"
    yield "raw: bytes of the plain FHIR that holds the answer; ratio: bytes over raw."
    head = f"{'right':<6}{'tokens':>7}{'bytes':>7}{'requests':>9}{'ms':>7}{'raw':>9}{'ratio':>7}"
    yield f"{'need':<60}{'tool':<15}{head}"
    for one in found:
        called = one.called
        cost = f"{called.tokens:>7}{called.bytes:>7}{len(called.requests):>9}{called.ms:>7.0f}"
        right = "yes" if one.right else "NO"
        yield f"{one.need.words:<60}{one.need.tool:<15}{right:<6}{cost}{one.raw:>9}{one.ratio:>7.3f}"
        if not one.right:
            yield f"    {called.text[:300]}"
    computed = [one for one in found if one.need.computed]
    over = [one.need.words for one in found if one.called.tokens > one.need.limit]
    yield _verdict("right answers in one call", sum(one.right for one in found), len(found), at_least=True)
    yield _verdict(f"needs over their limit of tokens {over or ''}".strip(), len(over), 0)
    yield _verdict("median ratio to plain FHIR", statistics.median(one.ratio for one in found), RATIO_TO_RAW)
    yield _verdict("needs that must be computed", len(computed), COMPUTED, at_least=True)
    middle = statistics.median(one.called.bytes for one in computed)
    yield _verdict("their median bytes", middle, COMPUTED_BYTES)


def paces(found: Iterable[speed.Pace], fixed: tuple[float, float], *, embedded: bool) -> Iterator[str]:
    """(b) line by line. A ratio to requests is judged only where they take the time of a real server's."""
    yield "\nEach call beside its own requests, sent one after another on the same connection."
    yield "requests: of one call, once warm; call, bare: milliseconds; ratio: call p50 over bare p50;"
    yield "over: milliseconds of the call beyond its requests; trail: those of its two durable writes, p50."
    head = f"{'call':<36}{'requests':>9}{'call p50':>10}{'p95':>8}{'bare p50':>10}{'p95':>8}{'ratio':>8}"
    yield f"{head}{'over':>7}{'trail':>7}"
    singles = []
    for pace in found:
        call, bare = (
            f"{speed.percentile(ms, 50):>10.1f}{speed.percentile(ms, 95):>8.1f}"
            for ms in (pace.call, pace.bare)
        )
        cost = f"{pace.overhead:>7.1f}{statistics.median(pace.trail):>7.1f}"
        yield f"{pace.name:<36}{pace.requests:>9}{call}{bare}{pace.ratio:>8.2f}{cost}"
        if pace.requests == 1:
            singles.append(pace)
    refused, trail = fixed
    yield f"A call that is refused before any request takes {refused:.1f} ms, {trail:.1f} for its trail."
    worst = max(singles, key=lambda pace: pace.ratio)
    what = f"single requests, highest ratio ({worst.name})"
    if not embedded:
        yield _verdict(what, worst.ratio, RATIO_TO_REQUEST)
        return
    alone = statistics.median(worst.bare)
    yield f"----  {what}: {worst.ratio:.3g}, which is {worst.overhead:.1f} ms a call. Not judged here: a bare"
    yield f"      request of the embedded store takes {alone:.1f} ms, and the trail of a call {trail:.1f}."


def _growths(growths: Iterable[speed.Growth]) -> Iterator[str]:
    yield "\nCharts that grow. ms (requests) by resources: first call of a session / later ones, both p50."
    for growth in growths:
        yield _grown(growth)
        first = [called.ms for called in growth.first]
        yield _verdict("    first calls, slowest larger chart over the smallest", _ratio(first), GROWTH)
        yield _verdict(
            "    later calls, slowest larger chart over the smallest", _ratio(growth.later), GROWTH
        )


def _kept(growths: Iterable[speed.Growth]) -> Iterator[str]:
    yield "\nKept per patient. ms (requests) by resources: build and ask / p50 of refresh and ask."
    for growth in growths:
        yield _grown(growth)


def _grown(growth: speed.Growth) -> str:
    cells = (
        f"{size:>7,}: {first.ms:>6.0f} ({len(first.requests)}) /{later:>6.0f} ({requests})"
        for size, first, later, requests in zip(
            growth.sizes, growth.first, growth.later, growth.later_requests, strict=True
        )
    )
    return f"{growth.name:<26}{'  '.join(cells)}"


def _ratio(taken: list[float]) -> float:
    return max(taken[1:], default=taken[0]) / taken[0]


def _at_once(found: Iterable[tuple[int, float, float]]) -> Iterator[str]:
    yield "\nCallers at once in one session, all asking for the last HbA1c."
    yield f"{'callers':>8}{'calls/s':>10}{'p95 ms':>10}"
    for callers, rate, p95 in found:
        yield f"{callers:>8}{rate:>10.1f}{p95:>10.0f}"


def _verdict(what: str, found: float, limit: float, *, at_least: bool = False) -> str:
    kept = found >= limit if at_least else found <= limit
    said = f"{found:.3g}" if isinstance(found, float) else str(found)
    return f"{'PASS' if kept else 'FAIL'}  {what}: {said} ({'at least' if at_least else 'at most'} {limit:g})"
