"""Reads a journal, without being able to change it."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from mcp_servers.audit.chain import schema
from mcp_servers.audit.chain.content import Content
from mcp_servers.audit.chain.errors import JournalUnavailable, damaged, of_another_version, unavailable
from mcp_servers.audit.chain.record import Record

COLUMNS = "SELECT seq, id, session, kind, at, body, previous, hash FROM record"


def connect(path: Path) -> sqlite3.Connection:
    """A connection that can only read. Raises sqlite3.Error."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    db = sqlite3.connect(uri, uri=True, isolation_level=None)
    try:
        db.execute("SELECT 1 FROM sqlite_schema")
    except sqlite3.OperationalError as error:
        db.close()
        # A reader of WAL needs its shared memory file; where none can be made, nobody can be writing either.
        refused = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
        if not refused or path.with_name(path.name + "-wal").exists():
            raise
        db = sqlite3.connect(f"{uri}&immutable=1", uri=True, isolation_level=None)
    except sqlite3.Error:
        db.close()
        raise
    return db


def begun(db: sqlite3.Connection) -> bool:
    """Whether the journal's tables were ever made: a full disk may have left an empty database."""
    return db.execute("SELECT 1 FROM sqlite_schema").fetchone() is not None


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that can only read, closed afterwards. Raises JournalUnavailable."""
    try:
        with closing(connect(path)) as db:
            if not begun(db):
                raise JournalUnavailable(
                    f"The audit journal {path} was never begun (was the disk full?);"
                    " the next tool call begins it."
                )
            _check_version(path, db)
            yield db
    except sqlite3.Error as error:
        raise unavailable(path, error) from error


def check_version(path: Path) -> None:
    """Raise JournalUnavailable for the journal of another version of the program: it may have no key."""
    if path.exists():
        try:
            with closing(connect(path)) as db:
                _check_version(path, db)
        except sqlite3.Error as error:
            raise unavailable(path, error) from error


def records(path: Path, session: str | None = None) -> Iterator[Record]:
    """The records of one session or of all, oldest first. Raises JournalUnavailable."""
    with reading(path) as db:
        rows = (
            db.execute(f"{COLUMNS} ORDER BY seq")
            if session is None
            else db.execute(f"{COLUMNS} WHERE session = ? ORDER BY seq", (session,))
        )
        for row in rows:
            try:
                yield _record(row)
            except ValueError:
                raise damaged(path, f"record {row[0]} is no longer JSON") from None


def record_of(db: sqlite3.Connection, seq: int) -> Record:
    """The record of that number, which must be there."""
    return _record(db.execute(f"{COLUMNS} WHERE seq = ?", (seq,)).fetchone())


def said(db: sqlite3.Connection, content: Content, record: Record) -> dict[str, Any] | None:
    """What a record sealed; empty where it seals nothing, None where it was erased. Raises KeyUnusable."""
    sealed = record.body.get("sealed")
    if sealed is None:
        return {}
    opened: dict[str, Any] | None = content.open(db, record.at, record.id, sealed)
    return opened


def _check_version(path: Path, db: sqlite3.Connection) -> None:
    if which := schema.is_journal(db) and schema.other_version(db):
        raise of_another_version(path, which)


def _record(row: Any) -> Record:
    seq, record_id, session, kind, at, body, previous, digest = row
    return Record(seq, record_id, session, kind, at, json.loads(body), previous, digest)
