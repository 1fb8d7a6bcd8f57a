"""Verification: what was altered, lost or left open is found and named."""

import hashlib
import shutil
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.errors import JournalUnavailable
from mcp_servers.audit.chain.head import Head, create_head, head_path, sign_head, write_head
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.record import GENESIS
from mcp_servers.audit.chain.transaction import Transaction
from mcp_servers.audit.chain.verify import verify

from ..trails import RING, observe, recorder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed journal of three sessions, four records each."""
    return make(tmp_path)


def make(folder: Path) -> Path:
    path = folder / "audit.sqlite"
    with closing(Journal(path, RING)) as journal:
        for session in ("s1", "s2", "s3"):
            observe(journal, session)
            observe(journal, session)
    return path


def tamper(path: Path, *statements: str) -> None:
    """Change the journal as someone would who may write the file: without the triggers."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            db.execute(statement)
        for _, sql in triggers:
            db.execute(sql)


def test_an_untouched_journal_is_intact(path: Path) -> None:
    state = verify(path)
    assert state.intact
    assert (state.records, state.sessions, state.calls, state.unknown) == (13, 3, 6, ())


def test_a_journal_whose_making_was_broken_off_is_empty_and_not_altered(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    create_head(path, RING[0])
    path.touch()
    assert verify(path).intact
    with pytest.raises(JournalUnavailable, match="never begun"):
        list(trail.records(path))
    make(tmp_path)
    assert verify(path).calls == 6


def test_a_journal_that_was_emptied_is_altered(path: Path) -> None:
    path.unlink()
    path.touch()
    assert not verify(path).intact


def test_a_journal_may_be_verified_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    with closing(Journal(path, RING)) as journal:
        observe(journal)
        assert verify(path).intact

        def append(write: Transaction) -> None:
            write.append("erasure", "s2", {})
            assert verify(path).records == 3

        journal.write(append)
        assert verify(path).records == 4


def test_a_call_without_completion_is_of_unknown_outcome_and_no_alteration(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    with closing(Journal(path, RING)) as journal:
        observe(journal)
        call = recorder(journal, "s2").begin("fhir_read", {"reference": "Observation/o1"}, "Patient/p1")
        observe(journal)
    state = verify(path)
    assert state.intact
    (unknown,) = state.unknown
    assert (unknown.id, unknown.seq, unknown.session, unknown.what) == (call.id, 4, "s2", "fhir_read")


@pytest.mark.parametrize(
    ("statement", "seq", "why"),
    [
        (
            "UPDATE record SET body = replace(body, 'Patient/p1', 'Patient/p2') WHERE seq = 5",
            5,
            "hash was taken of",
        ),
        ("UPDATE record SET body = replace(body, ':', ': ') WHERE seq = 5", 5, "hash was taken of"),
        ("UPDATE record SET body = '{' WHERE seq = 5", 5, "hash was taken of"),
        ("UPDATE record SET session = 's2' WHERE seq = 3", 3, "hash was taken of"),
        ("UPDATE record SET at = '2020-01-01T00:00:00.000Z' WHERE seq = 3", 3, "hash was taken of"),
        ("UPDATE record SET hash = printf('%064d', 1) WHERE seq = 3", 3, "hash was taken of"),
        ("UPDATE record SET previous = printf('%064d', 1) WHERE seq = 3", 3, "does not follow"),
        ("DELETE FROM record WHERE seq = 4", 4, "missing; record 5 comes instead"),
        ("DELETE FROM record WHERE seq = 1", 1, "missing; record 2 comes instead"),
        ("DELETE FROM record WHERE seq >= 12", 12, "tail is cut off: the head file knows of record 13"),
        ("DELETE FROM record", 1, "tail is cut off: the head file knows of record 13"),
        ("UPDATE outbox SET event = event || 'A' WHERE seq = 3", 3, "not as it was"),
        ("UPDATE outbox SET id = 'x' WHERE seq = 3", 3, "gone, or goes elsewhere"),
        ("UPDATE outbox SET destination = 'http://evil.example' WHERE seq = 3", 3, "goes elsewhere"),
        ("DELETE FROM outbox WHERE seq = 3", 3, "gone, or goes elsewhere"),
        (
            "INSERT INTO outbox (seq, id, session, destination, event) VALUES (99, 'x', 's', 'd', '{}')",
            99,
            "for a completion that is not there",
        ),
        (
            "CREATE TRIGGER quiet AFTER INSERT ON record BEGIN SELECT 1; END",
            None,
            "schema is not the journal's",
        ),
        ("DROP INDEX record_session", None, "schema is not the journal's"),
        ("PRAGMA user_version = 7", None, "another version of this program wrote it"),
        ("PRAGMA application_id = 7", None, "not marked as a journal"),
    ],
)
def test_an_alteration_is_named(path: Path, statement: str, seq: int | None, why: str) -> None:
    tamper(path, statement)
    finding = verify(path).finding
    assert finding is not None
    assert finding.seq == seq
    assert why in finding.why


@pytest.mark.parametrize(
    ("kind", "body", "why"),
    [
        ("intent", {}, "lacks what the body of its kind (intent) holds"),
        ("completion", {}, "lacks what the body of its kind (completion) holds"),
        ("completion", {"call": "unheard of"}, "completes a call that was never begun"),
    ],
)
def test_a_record_that_a_faulty_program_appended_is_named(
    path: Path, kind: Literal["intent", "completion"], body: dict[str, Any], why: str
) -> None:
    with closing(Journal(path, RING)) as journal:
        journal.append(kind, "s1", body)
    finding = verify(path).finding
    assert finding is not None
    assert finding.seq == 14
    assert why in finding.why


def test_dropped_triggers_are_found(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TRIGGER record_is_final")
    finding = verify(path).finding
    assert finding is not None
    assert "records may be unprotected" in finding.why


def test_the_record_is_named_by_its_id(path: Path) -> None:
    with closing(Journal(path, RING)) as journal:
        fifth = list(trail.records(journal.path))[4]
    tamper(path, "UPDATE record SET at = 'yesterday' WHERE seq = 5")
    finding = verify(path).finding
    assert finding is not None
    assert finding.id == fifth.id


def test_records_that_changed_places_are_found(path: Path) -> None:
    tamper(
        path,
        "UPDATE record SET seq = 100 WHERE seq = 3",
        "UPDATE record SET seq = 3 WHERE seq = 4",
        "UPDATE record SET seq = 4 WHERE seq = 100",
    )
    finding = verify(path).finding
    assert finding is not None
    assert finding.seq == 3


def test_a_chain_that_was_rewritten_from_one_record_on_is_told_by_the_head(path: Path) -> None:
    """Whoever recomputes every hash after a change still has to forge the head file (and the FHIR store)."""
    with closing(Journal(path, RING)) as journal:
        records = list(trail.records(journal.path))
    previous, statements = GENESIS, []
    for record in records:
        body = {**record.body, "patient": "Patient/p2"} if record.seq == 1 else record.body
        fields: dict[str, Any] = {
            "seq": record.seq,
            "id": record.id,
            "session": record.session,
            "kind": record.kind,
            "at": record.at,
            "body": body,
        }
        digest = hashlib.sha256(previous.encode() + rfc8785.dumps(fields)).hexdigest()
        text = rfc8785.dumps(body).decode().replace("'", "''")
        statements.append(
            f"UPDATE record SET body = '{text}', previous = '{previous}', hash = '{digest}'"
            f" WHERE seq = {record.seq}"
        )
        previous = digest
    tamper(path, *statements)
    finding = verify(path).finding
    assert finding is not None
    assert finding.why == "the head file holds another hash for this record"


def test_a_lost_write_ahead_log_is_a_cut_tail(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    with closing(Journal(path, RING)) as journal:
        observe(journal)
        copy = tmp_path / "copy" / "audit.sqlite"
        copy.parent.mkdir()
        shutil.copy(path, copy)  # the database alone, as a careless backup would have it
        shutil.copy(head_path(path), head_path(copy))
    finding = verify(copy).finding
    assert finding is not None


@pytest.mark.parametrize("content", [None, b"", b"nonsense", b"0" * 86])
def test_a_missing_or_damaged_head_is_a_finding(path: Path, content: bytes | None) -> None:
    head_path(path).unlink()
    if content is not None:
        head_path(path).write_bytes(content)
    finding = verify(path).finding
    assert finding is not None
    assert ".head file is missing or damaged" in finding.why


def test_a_head_that_lags_after_a_crash_is_no_finding(path: Path) -> None:
    with closing(Journal(path, RING)) as journal:
        eleventh = list(trail.records(journal.path))[10]
    with head_path(path).open("r+b") as file:
        write_head(file, sign_head(Head(11, eleventh.hash), RING[0]))
    assert verify(path).intact


@pytest.mark.parametrize("content", [None, b"", b"not a database, but long enough to have been one" * 100])
def test_a_missing_or_foreign_file_is_a_finding(path: Path, content: bytes | None) -> None:
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    state = verify(path)
    assert state.finding is not None
    assert state.records == 0


def test_a_damaged_page_names_the_last_good_record(path: Path) -> None:
    last_pages = path.stat().st_size // 4096
    damaged = bytearray(path.read_bytes())
    with closing(sqlite3.connect(path)) as db:
        pages = [
            number
            for (number,) in db.execute(
                "SELECT pageno FROM dbstat WHERE name = 'record' AND pagetype = 'leaf'"
            )
        ]
    assert last_pages >= max(pages)
    start = (max(pages) - 1) * 4096
    damaged[start : start + 4096] = b"\xff" * 4096
    path.write_bytes(damaged)
    state = verify(path)
    assert state.finding is not None
    assert state.records < 12
    assert f"record {state.records} is the last good one" in state.finding.why


@cache
def pristine() -> tuple[bytes, bytes]:
    """A closed journal, and its head."""
    with TemporaryDirectory() as folder:
        path = make(Path(folder))
        return path.read_bytes(), head_path(path).read_bytes()


@cache
def pristine_records() -> list[tuple[Any, ...]]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "audit.sqlite"
        path.write_bytes(pristine()[0])
        with closing(sqlite3.connect(path)) as db:
            db.text_factory = bytes
            return db.execute("SELECT *, NULL FROM record ORDER BY seq").fetchall()


@settings(max_examples=80)
@given(st.data())
def test_a_changed_byte_in_a_record_names_that_record(data: st.DataObject) -> None:
    database, head = pristine()
    seq, *columns = data.draw(st.sampled_from(pristine_records()))
    payload = b"".join(columns[:-1])  # SQLite lays a row's values end to end
    assert database.count(payload) == 1
    offset = database.index(payload) + data.draw(st.integers(0, len(payload) - 1))
    flip = data.draw(st.integers(1, 255))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "audit.sqlite"
        head_path(path).write_bytes(head)
        path.write_bytes(database[:offset] + bytes([database[offset] ^ flip]) + database[offset + 1 :])
        finding = verify(path).finding
        assert finding is not None
        assert finding.seq == seq
