"""Clocks, disks and keys that misbehave; see also `test_journal` and `test_keys`."""

import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.errors import JournalUnavailable, KeyUnusable
from mcp_servers.audit.chain.head import head_path
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.keys import Key
from mcp_servers.audit.chain.verify import verify
from mcp_servers.audit.recorder import close_abandoned

from ..trails import RING, observe, start

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.sqlite"


def ticking(times: Iterable[datetime]) -> Iterator[datetime]:
    """These times, then the last of them for good."""
    for at in times:
        last = at
        yield at
    while True:
        yield last


@settings(max_examples=30)
@given(st.lists(st.integers(-(10**7), 10**7), min_size=8, max_size=12))
def test_whatever_the_clock_says_the_order_is_certain_and_no_event_ends_before_it_starts(
    tmp_path_factory: pytest.TempPathFactory, seconds: list[int]
) -> None:
    path = tmp_path_factory.mktemp("clock") / "audit.sqlite"
    clock = ticking(NOON + timedelta(seconds=one) for one in seconds)
    with closing(Journal(path, RING, clock=lambda: next(clock))) as journal:
        calls = [observe(journal)[0] for _ in range(4)]
        events = [journal.event(call) for call in calls]
    state = verify(path, ring=RING)
    times = [record.at for record in trail.records(path)]
    assert state.intact
    assert state.clock_went_back == sum(one > other for one, other in pairwise(times))
    assert all(event["period"]["start"] <= event["period"]["end"] for event in events)


def test_a_record_that_is_older_than_the_one_before_it_says_so(path: Path) -> None:
    clock = ticking([NOON, NOON, NOON - timedelta(days=1)])
    with closing(Journal(path, RING, clock=lambda: next(clock))) as journal:
        record = journal.append("erasure", "", {})
    assert record.body["clock_went_back"] == "2026-11-23T12:00:00.000Z"


# -- The disk: a last write that was torn, as a loss of power leaves it; a changed page; no room.


@pytest.mark.parametrize("torn", [1, 100, 4000, 5000])
def test_a_last_write_that_was_torn_before_it_was_acknowledged_is_gone_on_from(
    path: Path, tmp_path: Path, torn: int
) -> None:
    after = tmp_path / "after" / path.name
    after.parent.mkdir()
    with closing(Journal(path, RING)) as journal:
        observe(journal)
        shutil.copy(head_path(path), head_path(after))  # nobody was told of what comes now
        journal.append("erasure", "", {})
        for name in (path.name, f"{path.name}-wal"):
            shutil.copy(path.with_name(name), after.with_name(name))
    log = after.with_name(f"{path.name}-wal")
    log.write_bytes(log.read_bytes()[:-torn])
    assert verify(after, ring=RING).records == 3
    with closing(Journal(after, RING)) as journal:
        observe(journal)
    assert verify(after, ring=RING).intact
    assert verify(after).records == 5


def test_a_write_that_was_acknowledged_and_is_torn_is_a_cut_tail_and_not_gone_on_from(
    path: Path, tmp_path: Path
) -> None:
    after = tmp_path / "after" / path.name
    after.parent.mkdir()
    with closing(Journal(path, RING)) as journal:
        observe(journal)
        for name in (path.name, f"{path.name}-wal", f"{path.name}.head"):
            shutil.copy(path.with_name(name), after.with_name(name))
    log = after.with_name(f"{path.name}-wal")
    log.write_bytes(log.read_bytes()[:-100])
    finding = verify(after, ring=RING).finding
    assert finding is not None
    assert (finding.what, finding.seq) == ("truncated", 3)
    with pytest.raises(JournalUnavailable, match="record 3, once written, is lost or changed"):
        Journal(after, RING)


def test_a_corrupt_page_is_found_and_what_needs_it_refuses(path: Path) -> None:
    with closing(Journal(path, RING)) as journal:
        for _ in range(20):
            observe(journal)
    with closing(sqlite3.connect(path)) as db:
        (page,) = db.execute(
            "SELECT max(pageno) FROM dbstat WHERE name = 'record' AND pagetype = 'leaf'"
        ).fetchone()
    damaged = bytearray(path.read_bytes())
    damaged[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    path.write_bytes(damaged)
    finding = verify(path).finding
    assert finding is not None
    assert (finding.what, "is the last good one" in finding.why) == ("lost", True)
    with pytest.raises(JournalUnavailable, match="it is damaged; keep it, run `ehr-navigator audit verify`"):
        Journal(path, RING)
    with pytest.raises(JournalUnavailable, match="it is damaged"):
        list(trail.records(path))


FILLER = """
import resource, sys
from pathlib import Path
from mcp_servers.audit.chain.errors import JournalUnavailable
from mcp_servers.audit.identity import Identity
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.keys import Key
from mcp_servers.audit.recorder import Context, Recorder
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    recorder = Recorder(Journal(Path(sys.argv[1]), [Key(b"k" * 32)]), Context("s1", Identity("dr.grey"), "http://ehr.example/fhir"))
    while True:
        call = recorder.begin("observations", {"name": "HbA1c"}, "Patient/p1")
        print(call.id, "begun", flush=True)
        call.complete("ok", patients=["Patient/p1"])
        print(call.id, "completed", flush=True)
except JournalUnavailable as error:
    print("refused", error, flush=True)
"""


@pytest.mark.parametrize("limit", [1, 5_000, 50_000, 200_000, 600_000])
def test_where_no_file_may_grow_any_more_calls_are_refused_and_the_next_start_goes_on(
    path: Path, limit: int
) -> None:
    with start(FILLER, str(path), str(limit)) as process:
        said = [line.split() for line in process.communicate(timeout=60)[0].splitlines()]
    assert said[-1][0] == "refused"
    promised = [(call, what) for call, what, *_ in said[:-1]]
    with closing(Journal(path, RING)) as journal:
        close_abandoned(journal)
        observe(journal, "s2")
    state = verify(path, ring=RING)
    assert (state.finding, state.unknown) == (None, ())
    records = list(trail.records(path))
    begun = {record.id for record in records if record.kind == "intent"}
    completed = {
        record.body["call"]
        for record in records
        if record.kind == "completion" and record.body["outcome"] == "ok"
    }
    assert {call for call, what in promised if what == "begun"} <= begun
    assert {call for call, what in promised if what == "completed"} <= completed


# -- Keys, while others write.


def test_a_key_that_was_never_the_journals_can_neither_write_nor_read(path: Path) -> None:
    with closing(Journal(path, RING)) as journal:
        observe(journal)
    other = [Key(b"x" * 32)]
    with pytest.raises(KeyUnusable, match="written with another key"):
        Journal(path, other)
    finding = verify(path, [other[0].public], other).finding
    assert finding is not None
    assert finding.why == "it was signed with another key than the one at hand"


def test_a_journal_that_is_written_to_while_its_key_is_rotated_goes_on_with_the_new_one(path: Path) -> None:
    new = Key(b"n" * 32)
    with closing(Journal(path, [*RING, new])) as one:  # a ring's last key begins the journal
        one.rotate(RING[0])
        with closing(Journal(path, [*RING, new])) as other:
            observe(other)
            one.rotate(new)
            observe(other)
            observe(one)
    state = verify(path, [new.public], [*RING, new])
    assert (state.finding, state.public) == (None, new.public)
