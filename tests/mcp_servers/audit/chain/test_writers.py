"""Whose intents are abandoned: those of journals that ended, never those of one that is open."""

from contextlib import closing
from pathlib import Path

from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.verify import verify
from mcp_servers.audit.recorder import close_abandoned

from ..trails import RING, recorder, start

BEGINNER = """
import sys
from pathlib import Path
from mcp_servers.audit.identity import Identity
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.keys import Key
from mcp_servers.audit.recorder import Context, Recorder
recorder = Recorder(Journal(Path(sys.argv[1]), [Key(b"k" * 32)]), Context("s1", Identity("dr.grey"), "http://ehr.example/fhir"))
print(recorder.begin("observations", {"name": "HbA1c"}, "Patient/p1").id, flush=True)
"""


def test_what_an_ended_process_left_open_is_completed_as_of_unknown_outcome(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    with start(BEGINNER, str(path), "and end") as process:
        assert process.stdout is not None
        call = process.stdout.readline().strip()
        assert process.wait(timeout=30) == 0
    with closing(Journal(path, RING)) as journal:
        assert close_abandoned(journal) == 1
        assert close_abandoned(journal) == 0
        event = journal.event(call)
    last = [*trail.records(path)][-1]
    assert (last.kind, last.body["call"], last.body["outcome"]) == ("completion", call, "unknown")
    assert event["outcome"] == "8"
    assert "unknown outcome" in event["outcomeDesc"]
    state = verify(path)
    assert (state.finding, state.unknown) == (None, ())
    assert [*path.with_name("audit.sqlite.writers").iterdir()] == []


def test_what_an_open_journal_has_begun_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    with closing(Journal(path, RING)) as journal:
        call = recorder(journal).begin("observations", {}, "Patient/p1")
        with closing(Journal(path, RING)) as other:
            assert close_abandoned(other) == 0
        assert close_abandoned(journal) == 0
        call.complete("ok")
    assert verify(path).unknown == ()


def test_a_closed_journal_leaves_its_open_intents_to_the_next(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    with closing(Journal(path, RING)) as journal:
        recorder(journal).begin("observations", {}, "Patient/p1")
    with closing(Journal(path, RING)) as journal:
        assert close_abandoned(journal) == 1
    assert [*path.with_name("audit.sqlite.writers").iterdir()] == []
