"""The journal: durable, chained, append-only, private, and never silently unable to write."""

import hashlib
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import rfc8785

from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.errors import JournalUnavailable, OutboxFull
from mcp_servers.audit.chain.head import head_path, read_head
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.record import GENESIS, Record
from mcp_servers.audit.chain.transaction import Transaction
from mcp_servers.audit.chain.verify import verify

from ..trails import RING, observe, recorder, start


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trail" / "audit.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with closing(Journal(path, RING)) as opened:
        yield opened


def written(journal: Journal) -> list[Record]:
    """The records after the first, which brings in the key."""
    return [*trail.records(journal.path)][1:]


def raw(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def test_a_record_reads_back_as_it_was_appended(journal: Journal) -> None:
    appended = journal.append("erasure", "s1", {"status": "answered", "citations": ["Observation/1"]})
    key, record = trail.records(journal.path)
    assert (key.seq, key.previous) == (1, GENESIS)
    assert record == appended
    assert (record.seq, record.previous) == (2, key.hash)
    assert record.at.endswith("Z")


def test_a_hash_is_sha256_of_the_previous_hash_and_the_canonical_record(journal: Journal) -> None:
    first = journal.append("erasure", "s1", {"b": 1.5, "a": "ö"})
    second = journal.append("erasure", "s1", {})
    canonical = rfc8785.dumps(
        {
            "at": second.at,
            "body": {},
            "id": second.id,
            "kind": "erasure",
            "seq": 3,
            "session": "s1",
        }
    )
    assert second.previous == first.hash
    assert second.hash == hashlib.sha256(first.hash.encode() + canonical).hexdigest()


def test_records_of_one_session_come_without_those_of_others(journal: Journal) -> None:
    for session in ("s1", "s2", "s1"):
        journal.append("erasure", session, {})
    assert [record.seq for record in trail.records(journal.path, "s1")] == [2, 4]


def test_the_calls_of_a_session_are_counted(journal: Journal) -> None:
    observe(journal, "s1")
    observe(journal, "s2")
    observe(journal, "s1")
    assert (journal.count("s1"), journal.count("s3")) == (2, 0)


def test_what_one_process_wrote_another_reads_at_once(path: Path, journal: Journal) -> None:
    journal.append("erasure", "s1", {})
    with closing(Journal(path, RING)) as other:
        other.append("erasure", "s2", {})
    assert [record.session for record in written(journal)] == ["s1", "s2"]


@pytest.mark.parametrize(
    "name", ["audit.sqlite", "audit.sqlite-wal", "audit.sqlite-shm", "audit.sqlite.head"]
)
def test_every_file_is_private_to_the_user(path: Path, journal: Journal, name: str) -> None:
    journal.append("erasure", "s1", {})
    assert stat.S_IMODE((path.parent / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_journal_that_others_may_read_is_made_private(path: Path) -> None:
    Journal(path, RING).close()
    path.chmod(0o644)
    Journal(path, RING).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE record SET body = '{}'",
        "UPDATE record SET seq = 7",
        "DELETE FROM record",
        "REPLACE INTO record SELECT * FROM record",
        "REPLACE INTO record SELECT 3, id, session, kind, at, body, hash, hash FROM record WHERE seq = 2",
        "INSERT INTO record SELECT 4, 'x', session, kind, at, body, hash, hash FROM record WHERE seq = 2",
        "INSERT INTO record SELECT 3, 'x', session, kind, at, body, previous, hash FROM record WHERE seq = 2",
        "UPDATE outbox SET event = '{}'",
        "UPDATE outbox SET id = 'x'",
        "DELETE FROM outbox",
    ],
)
def test_the_schema_refuses_to_change_or_fork_the_trail(path: Path, journal: Journal, statement: str) -> None:
    observe(journal)
    with closing(raw(path)) as db, pytest.raises(sqlite3.IntegrityError):
        db.execute(statement)


def test_a_write_that_fails_midway_leaves_nothing(journal: Journal) -> None:
    def fail(write: Transaction) -> None:
        write.append("erasure", "s1", {})
        write.append("erasure", "s1", {"unfit for RFC 8785": float("nan")})

    with pytest.raises(ValueError, match="nan"):
        journal.write(fail)
    assert written(journal) == []
    assert journal.append("erasure", "s1", {}).seq == 2


def test_a_work_that_is_refused_leaves_the_others_of_its_commit(journal: Journal) -> None:
    def refuse(write: Transaction) -> None:
        write.append("erasure", "s1", {})
        raise OutboxFull("Too many wait.")

    journal.defer(refuse)
    journal.append("erasure", "s2", {})
    assert [record.session for record in written(journal)] == ["s2"]
    with pytest.raises(OutboxFull):
        journal.write(refuse)


def test_what_was_deferred_outlives_a_write_that_failed(path: Path) -> None:
    with closing(Journal(path, RING, lock_seconds=0.05)) as journal, closing(raw(path)) as other:
        for session in ("s1", "s2"):
            journal.defer(lambda write, session=session: write.append("erasure", session, {}))  # type: ignore[misc]
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalUnavailable):
            journal.append("erasure", "s3", {})
        other.execute("ROLLBACK")
        journal.append("erasure", "s4", {})
        assert [record.session for record in written(journal)] == ["s1", "s2", "s4"]


def test_a_write_does_no_more_in_a_long_journal_than_in_a_short_one(journal: Journal) -> None:
    def instructions() -> int:
        """Of SQLite's machine, for an intent and its completion."""
        count = 0

        def step() -> None:
            nonlocal count
            count += 1

        journal.write(lambda write: write.connection.set_progress_handler(step, 1))
        recorder(journal).begin("observations", {}, "Patient/p1").complete("ok")
        journal.write(lambda write: write.connection.set_progress_handler(None, 1))
        return count

    observe(journal)
    short = instructions()
    journal.write(lambda write: [write.append("erasure", "s1", {}) for _ in range(900)])
    for _ in range(50):
        observe(journal)
    assert instructions() < short * 1.2


WRITER = """
import sys
from pathlib import Path
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.keys import Key
journal = Journal(Path(sys.argv[1]), [Key(b"k" * 32)], lock_seconds=30)
for number in range(20):
    journal.append("erasure", sys.argv[2], {"number": number})
journal.close()
"""


def test_processes_that_create_and_write_one_journal_at_once_make_one_chain(path: Path) -> None:
    writers = [start(WRITER, str(path), f"s{number}") for number in range(3)]
    for writer in writers:
        with writer:
            assert writer.wait(timeout=60) == 0
    state = verify(path)
    assert (state.records, state.sessions, state.finding) == (61, 3, None)


# -- No record, no call: each way in which a journal cannot be written ends in JournalUnavailable.


def test_a_full_disk_refuses_the_record_and_keeps_the_chain(path: Path, journal: Journal) -> None:
    journal.append("erasure", "s1", {})
    journal.write(
        lambda write: write.connection.execute("PRAGMA max_page_count = 1")
    )  # a limit on pages is to SQLite what a full disk is
    with pytest.raises(JournalUnavailable, match="disk is full; free some space"):
        journal.append("erasure", "s1", {"text": "x" * 100_000})
    journal.write(lambda write: write.connection.execute("PRAGMA max_page_count = 100000"))
    journal.append("erasure", "s1", {"text": "x" * 100_000})
    assert verify(path).intact
    assert verify(path).records == 3


@pytest.fixture
def others_folder() -> Iterator[Path]:
    """A folder whose rights hold for this test: root, which no rights bind, becomes nobody meanwhile."""
    folder = Path(tempfile.mkdtemp())
    root = os.geteuid() == 0
    if root:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    yield folder
    if root:
        os.seteuid(0)
    folder.chmod(0o700)
    shutil.rmtree(folder)


def test_a_read_only_journal_refuses(others_folder: Path) -> None:
    path = others_folder / "audit.sqlite"
    Journal(path, RING).close()
    path.chmod(0o400)
    with pytest.raises(JournalUnavailable, match="may not be written; check the rights"):
        Journal(path, RING)


def test_a_folder_that_may_not_be_written_refuses(others_folder: Path) -> None:
    others_folder.chmod(0o500)
    with pytest.raises(JournalUnavailable, match="check the rights on the file and its folder"):
        Journal(others_folder / "audit.sqlite", RING)


def test_a_journal_in_a_read_only_folder_can_still_be_verified(others_folder: Path) -> None:
    path = others_folder / "audit.sqlite"
    with closing(Journal(path, RING)) as journal:
        journal.append("erasure", "s1", {})
    others_folder.chmod(0o500)
    assert verify(path).intact
    assert verify(path).records == 2


def test_a_journal_that_stays_locked_refuses(path: Path) -> None:
    Journal(path, RING).close()
    with closing(Journal(path, RING, lock_seconds=0.05)) as journal, closing(raw(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalUnavailable, match="another process keeps it locked"):
            journal.append("erasure", "s1", {})
        other.execute("ROLLBACK")
        assert journal.append("erasure", "s1", {}).seq == 2


def test_a_file_that_is_no_database_refuses_and_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("a shopping list, longer than the sixteen bytes that SQLite looks at first")
    with pytest.raises(JournalUnavailable, match="move it and its companions aside"):
        Journal(path, RING)
    assert path.read_text().startswith("a shopping list")


def test_another_programs_database_refuses_and_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with closing(raw(path)) as db:
        db.execute("CREATE TABLE recipe (name TEXT)")
    with pytest.raises(JournalUnavailable, match="no audit journal"):
        Journal(path, RING)
    with closing(raw(path)) as db:
        assert db.execute("SELECT name FROM sqlite_schema").fetchall() == [("recipe",)]


def test_a_journal_of_another_version_refuses(path: Path) -> None:
    Journal(path, RING).close()
    with closing(raw(path)) as db:
        db.execute("PRAGMA user_version = 1")
    with pytest.raises(JournalUnavailable, match=r"its schema is 1, this one's \d\).*move it"):
        Journal(path, RING)
    with pytest.raises(JournalUnavailable, match="another version"), trail.reading(path):
        pass
    found = verify(path, [RING[0].public], RING).finding
    assert found is not None
    assert found.what == "unverified"


def test_a_folder_in_the_journals_place_refuses(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(JournalUnavailable, match="cannot be used"):
        Journal(path, RING)


def test_a_journal_replaced_while_open_refuses(path: Path, journal: Journal) -> None:
    journal.append("erasure", "s1", {})
    path.rename(path.with_name("stolen.sqlite"))
    with pytest.raises(JournalUnavailable):
        journal.append("erasure", "s1", {})
    path.touch()
    with pytest.raises(JournalUnavailable, match="moved or replaced"):
        journal.append("erasure", "s1", {})


@pytest.mark.parametrize("companion", ["audit.sqlite-wal", "audit.sqlite.head"])
def test_a_journal_that_lost_a_companion_while_open_refuses(
    path: Path, journal: Journal, companion: str
) -> None:
    journal.append("erasure", "s1", {})
    path.with_name(companion).unlink()
    with pytest.raises(JournalUnavailable):
        journal.append("erasure", "s1", {})
    path.with_name(companion).touch()
    with pytest.raises(JournalUnavailable, match="moved or replaced"):
        journal.append("erasure", "s1", {})


def test_a_journal_behind_a_link_is_written_and_whole(tmp_path: Path) -> None:
    link = tmp_path / "audit.sqlite"
    link.symlink_to(tmp_path / "elsewhere.sqlite")
    with closing(Journal(link, RING)) as journal:
        journal.append("erasure", "s1", {})
    assert verify(link).intact


def test_an_emptied_journal_is_not_begun_anew(path: Path) -> None:
    with closing(Journal(path, RING)) as journal:
        journal.append("erasure", "s1", {})
    path.write_bytes(b"")
    with pytest.raises(JournalUnavailable, match="record 2, once written, is lost"):
        Journal(path, RING)


def test_a_journal_without_its_head_refuses(path: Path) -> None:
    Journal(path, RING).close()
    head_path(path).unlink()
    with pytest.raises(JournalUnavailable, match="head file is missing"):
        Journal(path, RING)


def test_the_head_names_the_last_record(path: Path, journal: Journal) -> None:
    journal.append("erasure", "s1", {})
    last = journal.append("erasure", "s1", {})
    head = read_head(path)
    assert head is not None
    assert (head.seq, head.hash) == (3, last.hash)


def test_the_journal_loads_neither_mcp_nor_http() -> None:
    script = (
        "import sys, mcp_servers.audit.chain.verify, mcp_servers.audit.recorder,"
        " mcp_servers.audit.delivery.outbox, mcp_servers.audit.delivery.stored\n"
        "print(sorted({'mcp', 'httpx', 'pydantic', 'asyncio', 'anyio'} & set(sys.modules)))"
    )
    with start(script) as process:
        assert process.communicate(timeout=30)[0] == "[]\n"
