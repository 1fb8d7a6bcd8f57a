"""A process killed at any moment leaves a trail that reads, verifies and can be gone on with."""

import random
from contextlib import closing
from pathlib import Path

import pytest

from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.verify import verify
from tests.crash.run import run

from ..trails import RING, observe, start

CALLER = """
import sys
from pathlib import Path
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.identity import Identity
from mcp_servers.audit.chain.keys import Key
from mcp_servers.audit.recorder import Context, Recorder
recorder = Recorder(Journal(Path(sys.argv[1]), [Key(b"k" * 32)]), Context("s1", Identity("dr.grey"), "http://ehr.example/fhir"))
while True:
    call = recorder.begin("observations", {"name": "HbA1c"}, "Patient/p1")
    print(call.id, "begun", flush=True)
    if call.complete("ok"):
        print(call.id, "completed", flush=True)
"""


@pytest.mark.parametrize("lines", [1, 2, 7, 20])
def test_what_a_killed_process_said_was_written_is_on_the_trail(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "audit.sqlite"
    with start(CALLER, str(path)) as process:
        assert process.stdout is not None
        said = [process.stdout.readline().split() for _ in range(lines)]
        process.kill()
        said += [line.split() for line in process.stdout if line.endswith("\n")]
    state = verify(path)
    assert state.intact
    with closing(Journal(path, RING)) as journal:
        records = list(trail.records(journal.path))
        begun = {record.id for record in records if record.kind == "intent"}
        completed = {record.body["call"] for record in records if record.kind == "completion"}
        assert {call for call, what in said if what == "begun"} <= begun
        assert {call for call, what in said if what == "completed"} <= completed
        assert {unknown.id for unknown in state.unknown} == begun - completed
        observe(journal, "s2")
    assert verify(path).records == len(records) + 2


BEGINNER = """
import os, signal, sys
from pathlib import Path
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.identity import Identity
from mcp_servers.audit.chain.keys import Key
from mcp_servers.audit.recorder import Context, Recorder
recorder = Recorder(Journal(Path(sys.argv[1]), [Key(b"k" * 32)]), Context("s1", Identity("dr.grey"), "http://ehr.example/fhir"))
recorder.begin("observations", {"name": "HbA1c"}, "Patient/p1")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_call_cut_off_by_a_kill_is_reported_as_of_unknown_outcome(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    with start(BEGINNER, str(path)) as process:
        assert process.wait(timeout=30) == -9
    state = verify(path)
    assert state.intact
    (unknown,) = state.unknown
    assert (unknown.session, unknown.what, unknown.seq) == ("s1", "observations", 2)


def test_writers_killed_at_random_points_break_no_promise(tmp_path: Path) -> None:
    """A short run of `python -m tests.crash`: several processes, each with sessions and a delivery."""
    *_, count = run(tmp_path, 15, random.Random(6))
    assert count.broken == []
    assert count.kills >= 15
    assert count.found["completions of unknown outcome, by the next start"] > 0
