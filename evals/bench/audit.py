"""`python -m evals bench audit`: what the audit trail costs a call, and how much it takes at most."""

import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx

from evals.bench import speed
from evals.bench.serving import measured_server
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.keys import Key
from mcp_servers.audit.delivery.to_fhir import BATCH, deliver
from mcp_servers.audit.identity import Identity
from mcp_servers.audit.recorder import Call, Context, Recorder

LIMIT = 0.05  # of a call's own time, p50, on a real server
WRITES = 300
WRITERS = (1, 8, 32)
SECONDS = 2.0  # that writers write
DELIVERED = 200
TOGETHER = 200  # calls in one write, where a journal is only filled
RING = [Key(b"b" * 32)]
BASE = "http://ehr.example/fhir"
LOCK_SECONDS = 60.0
VERIFY = r"""
import re, sys, time
from pathlib import Path
from mcp_servers.audit.chain.keys import Key
from mcp_servers.audit.chain.verify import verify
started, ring = time.perf_counter(), [Key(b"b" * 32)]
found = verify(Path(sys.argv[1]), [ring[0].public], ring)
assert found.intact, found.finding
seconds = time.perf_counter() - started
peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())  # of this process alone
print(found.records, seconds, int(peak[1]) / 1024)
"""


async def measure(fhir: str | None, records: int, say: Callable[[str], object]) -> AsyncIterator[str]:
    """The report line by line, each limit with PASS or FAIL; on the embedded store where `fhir` is None.

    `records` are in the journal that is verified; `say` is told what takes long.
    """
    yield f"Measured on {fhir or 'the embedded store, in a process of its own'}. Milliseconds, unless said."
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept)
        async with measured_server(fhir, (), say) as http:
            for line in overheads(await speed.against_requests(http, folder), embedded=fhir is None):
                yield line
            for line in _writes(folder / "writes.sqlite"):
                yield line
            async for line in _delivery(http, folder):
                yield line
        for line in _sustained(folder):
            yield line
        say(f"Writing a journal of {records:,} records ...")
        yield _verified(folder / "long.sqlite", records)


def overheads(paces: list[speed.Pace], *, embedded: bool) -> Iterator[str]:
    """What the two writes of a call add to the rest of it, call by call, and over all of them."""
    yield "\nTool calls, once warm, p50. own: the call without its trail; trail: its two writes."
    yield f"{'call':<36}{'own':>8}{'trail':>8}{'ratio':>8}"
    ratios = []
    for pace in paces:
        own = [call - trail for call, trail in zip(pace.call, pace.trail, strict=True)]
        shares = [trail / rest for trail, rest in zip(pace.trail, own, strict=True)]
        ratios += shares
        middle, trail = statistics.median(own), statistics.median(pace.trail)
        yield f"{pace.name:<36}{middle:>8.2f}{trail:>8.2f}{statistics.median(shares):>8.1%}"
    ratio = statistics.median(ratios)
    if embedded:
        yield f"----  over all calls: {ratio:.1%}. Not judged: the embedded store is too quick to compare."
    else:
        verdict = "PASS" if ratio <= LIMIT else "FAIL"
        yield f"{verdict}  over all calls, p50: {ratio:.1%} (at most {LIMIT:.0%})"


def begin(recorder: Recorder) -> Call:
    """The intent of a call such as the chart tools make, durably."""
    meta = {"step": 1, "model": {"name": "medgemma-27b", "revision": "r1", "quantisation": "nf4"}}
    return recorder.begin("observations", {"name": "HbA1c"}, "Patient/p1", meta)


def complete(call: Call, *, durable: bool = True) -> None:
    """Its completion, with an AuditEvent."""
    call.request("GET", f"{BASE}/Observation?patient=p1&code=http://loinc.org|4548-4", 200, 12.34)
    refs = ["Observation/o1", "Observation/o2"]
    call.complete("ok", rows=2, refs=refs, patients=["Patient/p1"], result_sha256="ab" * 32, durable=durable)


def _recorder(journal: Journal, session: str = "bench", base: str = BASE) -> Recorder:
    return Recorder(journal, Context(session, Identity("bench"), base, max_pending=10**9))


def _writes(path: Path) -> Iterator[str]:
    intents, completions = [], []
    with closing(Journal(path, RING)) as journal:
        recorder = _recorder(journal)
        log = path.with_name(f"{path.name}-wal")
        complete(begin(recorder))
        before = log.stat().st_size
        for _ in range(20):
            complete(begin(recorder))
        size = (log.stat().st_size - before) // 40  # SQLite folds the log in later
        for _ in range(WRITES):
            started = time.perf_counter()
            call = begin(recorder)
            begun = time.perf_counter()
            complete(call)
            completions.append((time.perf_counter() - begun) * 1000)
            intents.append((begun - started) * 1000)
    synced = _synced(path.with_name("probe"), size)
    share = statistics.median(synced) / statistics.median([*intents, *completions])
    yield f"\nOne writer, {WRITES} calls{'p50':>20}{'p95':>8}"
    for name, taken in (
        ("intent", intents),
        ("completion, with its AuditEvent", completions),
        (f"writing and syncing {size:,} bytes, as each does, alone", synced),
    ):
        yield f"{name:<52}{speed.percentile(taken, 50):>6.2f}{speed.percentile(taken, 95):>8.2f}"
    yield f"the disk's share of a write: {share:.0%}"


def _synced(path: Path, size: int) -> list[float]:
    """Milliseconds to write so many bytes to the end of a file, and to have them on disk."""
    taken = []
    with path.open("wb", buffering=0) as file:
        for _ in range(WRITES):
            started = time.perf_counter()
            file.write(b"x" * size)
            os.fsync(file.fileno())
            taken.append((time.perf_counter() - started) * 1000)
    return taken


async def _delivery(http: httpx.AsyncClient, folder: Path) -> AsyncIterator[str]:
    yield f"\nDelivery of {DELIVERED} AuditEvents, a second"
    for name, limit in (("one by one", 1), (f"in transactions of {BATCH}", DELIVERED)):
        with closing(Journal(folder / f"delivery-{limit}.sqlite", RING)) as journal:
            recorder = _recorder(journal, base=str(http.base_url))
            for _ in range(DELIVERED):
                call = recorder.begin("observations", {"name": "HbA1c"})
                call.request("GET", f"{http.base_url}Observation?code=4548-4", 200, 12.34)
                call.complete("ok")
            started, delivered = time.perf_counter(), 0
            while delivered < DELIVERED:
                done = await deliver(journal, http, limit=limit)
                if done.problem:
                    raise SystemExit(done.problem)
                delivered += done.delivered
            yield f"{name:<52}{DELIVERED / (time.perf_counter() - started):>8.0f}"


def _sustained(folder: Path) -> Iterator[str]:
    yield f"\nSustained records a second, {SECONDS:g} s{'writers:':>12}" + "".join(f"{n:>8}" for n in WRITERS)
    for name, how in (
        ("threads of one journal (group commit)", _threads),
        ("threads, each with a journal of its own", _own_journals),
        ("processes", _processes),
    ):
        rates = (how(folder / f"{how.__name__}-{writers}.sqlite", writers) for writers in WRITERS)
        yield f"{name:<44}" + "".join(f"{rate:>8.0f}" for rate in rates)


def _threads(path: Path, writers: int) -> float:
    with closing(Journal(path, RING, lock_seconds=LOCK_SECONDS)) as journal:
        return _together([journal] * writers)


def _own_journals(path: Path, writers: int) -> float:
    journals = [Journal(path, RING, lock_seconds=LOCK_SECONDS) for _ in range(writers)]
    try:
        return _together(journals)
    finally:
        for journal in journals:
            journal.close()


def _processes(path: Path, writers: int) -> float:
    Journal(path, RING).close()
    # Forked from a server that has imported this module: what counts begins once all are there.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    begin_at = time.time() + 1.0 + writers / 20
    with ProcessPoolExecutor(writers, mp_context=context) as pool:
        found = [pool.submit(_one_process, path, number, begin_at) for number in range(writers)]
        return sum(one.result() for one in found)


def _one_process(path: Path, number: int, begin_at: float) -> float:
    with closing(Journal(path, RING, lock_seconds=LOCK_SECONDS)) as journal:
        time.sleep(max(0.0, begin_at - time.time()))
        return _rate(journal, f"p{number}")


def _together(journals: list[Journal]) -> float:
    """Records a second of so many threads."""
    rates: list[float] = []
    threads = [
        threading.Thread(
            target=lambda journal=journal, number=number: rates.append(_rate(journal, f"t{number}"))
        )
        for number, journal in enumerate(journals)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(rates)


def _rate(journal: Journal, session: str) -> float:
    recorder, calls, started = _recorder(journal, session), 0, time.perf_counter()
    while (taken := time.perf_counter() - started) < SECONDS:
        complete(begin(recorder))
        calls += 1
    return 2 * calls / taken


def _verified(path: Path, records: int) -> str:
    started = time.perf_counter()
    with closing(Journal(path, RING)) as journal:
        recorder = _recorder(journal)
        for _ in range(0, records, 2 * TOGETHER):
            for _ in range(TOGETHER - 1):
                facts = {"tool": "observations", "meta": {}}
                said = {"arguments": {"name": "HbA1c"}}
                call = recorder.act("tool_call", patient="Patient/p1", facts=facts, said=said, durable=False)
                complete(call, durable=False)
            complete(begin(recorder))
    filled = time.perf_counter() - started
    printed = subprocess.run(
        [sys.executable, "-c", VERIFY, str(path)], check=True, capture_output=True, text=True
    ).stdout
    found, seconds, peak = map(float, printed.split())
    size = path.stat().st_size / 2**20
    return (
        f"\nverify of {found:,.0f} records ({size:,.0f} MiB, written in {filled:.0f} s): {seconds:.1f} s,"
        f" which is {seconds / found * 1e6:.0f} s for a million; {peak:.0f} MiB at its peak"
    )
