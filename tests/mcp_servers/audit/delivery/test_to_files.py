"""AuditEvents in files: whole lines, durable, private, in files that are only appended to."""

import json
import resource
import stat
from pathlib import Path
from typing import Any

import pytest

from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.delivery.outbox import undelivered
from mcp_servers.audit.delivery.to_files import write_out
from mcp_servers.audit.identity import Identity
from mcp_servers.audit.recorder import TO_FILES, Context, Recorder

from ..trails import BASE, Clock, start


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audit-events"


def call(journal: Journal) -> str:
    recorder = Recorder(journal, Context("s1", Identity("dr.grey"), BASE, to_files=True))
    begun = recorder.begin("observations", {"name": "HbA1c"}, "Patient/p1")
    begun.complete("ok", rows=1, refs=["Observation/o1"], patients=["Patient/p1"])
    return begun.id


def lines(folder: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line) for file in sorted(folder.glob("*.ndjson")) for line in file.read_text().splitlines()
    ]


def test_each_event_is_a_line_in_the_order_of_the_calls(journal: Journal, folder: Path) -> None:
    calls = [call(journal) for _ in range(3)]
    report = write_out(journal, folder)
    assert (report.delivered, report.pending, report.problem) == (3, 0, None)
    assert [event["id"] for event in lines(folder)] == calls
    assert write_out(journal, folder).delivered == 0
    assert len(lines(folder)) == 3


def test_the_files_are_private_to_the_user(journal: Journal, folder: Path) -> None:
    call(journal)
    write_out(journal, folder)
    (file,) = folder.glob("*.ndjson")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_full_file_is_followed_by_a_new_one_and_never_written_again(journal: Journal, folder: Path) -> None:
    calls = []
    for _ in range(3):
        calls.append(call(journal))
        write_out(journal, folder, max_file=1)
    assert len([*folder.glob("*.ndjson")]) == 3
    assert [event["id"] for event in lines(folder)] == calls


def test_a_line_that_a_crash_left_torn_is_ended_before_the_next(journal: Journal, folder: Path) -> None:
    call(journal)
    write_out(journal, folder)
    (file,) = folder.glob("*.ndjson")
    whole = file.read_bytes()
    file.write_bytes(whole + whole[: len(whole) // 2])
    last = call(journal)
    write_out(journal, folder)
    assert json.loads(file.read_text().splitlines()[-1])["id"] == last
    assert file.read_bytes().startswith(whole)


def test_a_folder_that_cannot_be_written_leaves_events_pending_with_the_reason(
    journal: Journal, folder: Path
) -> None:
    call(journal)
    folder.write_text("a file in its place")
    report = write_out(journal, folder)
    assert (report.delivered, report.pending) == (0, 1)
    assert report.problem == f"{folder} cannot be written (File exists)"
    (left,) = undelivered(journal.path)
    assert (left.destination, left.diagnostics) == (TO_FILES, report.problem)


def test_a_full_disk_leaves_events_pending_with_the_reason_and_no_part_of_a_line(
    journal: Journal, folder: Path
) -> None:
    call(journal)
    folder.mkdir()
    file = folder / "20260101T000000000000Z-00000000.ndjson"
    file.write_bytes(b"\n" * 10_000_000)  # larger than the journal, for the limit is on each file
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 20, limits[1]))
    try:
        report = write_out(journal, folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (report.delivered, report.pending) == (0, 1)
    assert "File too large" in str(report.problem)
    assert file.stat().st_size == 10_000_000
    assert write_out(journal, folder).delivered == 1


def test_while_the_clock_is_behind_the_last_file_is_gone_on_with(journal: Journal, folder: Path) -> None:
    clock, calls = Clock(), []
    for _ in range(3):
        calls.append(call(journal))
        write_out(journal, folder, max_file=1, clock=clock)
        clock.now -= 3600
    clock.now += 4 * 3600
    calls.append(call(journal))
    write_out(journal, folder, max_file=1, clock=clock)
    assert [event["id"] for event in lines(folder)] == calls
    assert [len(file.read_text().splitlines()) for file in sorted(folder.glob("*.ndjson"))] == [3, 1]


KILLED = """
import os, signal, sys
from itertools import count
from pathlib import Path
from mcp_servers.audit.identity import Identity
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.keys import Key
from mcp_servers.audit.recorder import Context, Recorder
from mcp_servers.audit.delivery.to_files import write_out
journal = Journal(Path(sys.argv[1]), [Key(b"k" * 32)])
recorder = Recorder(journal, Context("s1", Identity("dr.grey"), "http://ehr.example/fhir", to_files=True))
asked = count(1)

def clock():
    if next(asked) == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    return 1_000_000.0

while True:
    call = recorder.begin("observations", {}, "Patient/p1")
    call.complete("ok")
    print(call.id, flush=True)
    write_out(journal, Path(sys.argv[2]), clock=clock)
"""


@pytest.mark.parametrize(("moment", "written"), [(1, 0), (2, 1), (5, 2), (6, 3)])
def test_a_process_killed_before_or_after_it_wrote_loses_no_event(
    journal: Journal, folder: Path, moment: int, written: int
) -> None:
    """The clock is asked before events are written, and again before they are noted as delivered."""
    with start(KILLED, str(journal.path), str(folder), str(moment)) as process:
        assert process.stdout is not None
        calls = process.stdout.read().split()
        assert process.wait(timeout=30) == -9
    assert [event["id"] for event in lines(folder)] == calls[:written]
    assert write_out(journal, folder).pending == 0
    found = [event["id"] for event in lines(folder)]
    assert list(dict.fromkeys(found)) == calls
    assert len(found) <= len(calls) + 1  # what was written, and not yet noted, is there twice
