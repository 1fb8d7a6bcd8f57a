"""The append-only journal: what is appended is on disk, chained to what came before, when append returns."""

import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import rfc8785

from mcp_servers.audit.errors import JournalUnavailable, damaged, unavailable
from mcp_servers.audit.head import Head, create_head, head_path, open_head, read_head, write_head
from mcp_servers.audit.record import Kind, Record, chain_hash

SCHEMA = Path(__file__).with_name("schema.sql")
APPLICATION_ID = 0x45485241  # "EHRA": tells a journal from any other SQLite file
VERSION = 1
RETRY_SECONDS = 0.01  # while other processes make the journal


class Transaction:
    """One write to the journal: all of it is on disk afterwards, or none. Made by `Journal.transaction`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        last = connection.execute("SELECT seq, hash FROM record ORDER BY seq DESC LIMIT 1").fetchone()
        self.head = Head(*last) if last else Head()
        self.at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    @property
    def next_seq(self) -> int:
        """The number that the next record will have; its previous hash is `head.hash`."""
        return self.head.seq + 1

    def append(self, kind: Kind, session: str, body: dict[str, Any], record_id: str | None = None) -> Record:
        """Add a record to this write. Raises rfc8785.CanonicalizationError for a body that is not I-JSON."""
        record_id = record_id or str(uuid.uuid4())
        seq, previous, content = self.next_seq, self.head.hash, rfc8785.dumps(body)
        digest = chain_hash(
            previous, seq=seq, record_id=record_id, session=session, kind=kind, at=self.at, body=content
        )
        record = Record(seq, record_id, session, kind, self.at, body, previous, digest)
        self.connection.execute(
            "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (seq, record_id, session, kind, self.at, content.decode(), previous, digest),
        )
        self.head = Head(seq, digest)
        return record


class Journal:
    """A journal open for writing, made private to its user; several processes and threads may hold one.

    SQLite in WAL mode with full synchronisation: a record survives a crash of the machine once `append`
    has returned. Raises JournalUnavailable, from every method, when that cannot be promised.
    """

    def __init__(self, path: Path, *, lock_seconds: float = 5.0) -> None:
        self.path = path
        self._lock_seconds = lock_seconds
        self._lock = threading.Lock()
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # SQLite would open a read-only file all the same, and gives its companions the file's mode.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            if path.stat().st_mode & 0o077:
                path.chmod(0o600)
            opened = _identity(path)
            self._db = sqlite3.connect(
                path, timeout=lock_seconds, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare()
                self._head = open_head(path)
                # What is written to a companion that was deleted meanwhile is gone with this process.
                self._paths = (path, *_companions(path))
                self._files = [opened, *map(_identity, self._paths[1:])]
            except BaseException:
                self._db.close()
                raise

    def append(self, kind: Kind, session: str, body: dict[str, Any]) -> Record:
        """Append one record, durably."""
        with self.transaction() as transaction:
            return transaction.append(kind, session, body)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A write of several rows that reaches the disk whole or not at all; other writers wait for it."""
        with self._lock, self._explained():
            if [*map(_identity, self._paths)] != self._files:
                raise damaged(self.path, "it was moved or replaced while it was open")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                transaction = Transaction(self._db)
                yield transaction
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            write_head(self._head, transaction.head)

    def count(self, session: str) -> int:
        """How many tool calls of a session are on the trail."""
        with self._lock, self._explained():
            found = self._db.execute(
                "SELECT count(*) FROM record WHERE session = ? AND kind = 'intent'", (session,)
            ).fetchone()
        return int(found[0])

    def close(self) -> None:
        """Close the journal; the last process to do so folds the write-ahead log into the file."""
        with self._lock:
            self._db.close()
            self._head.close()

    def _prepare(self) -> None:
        if self._journal_mode() != "wal":
            raise JournalUnavailable(
                f"The audit journal {self.path} lies on a file system that cannot hold a write-ahead log; "
                "set another data folder."
            )
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("BEGIN IMMEDIATE")  # two processes may create it at once
        if not self._db.execute("SELECT 1 FROM sqlite_schema").fetchone():
            for statement in statements():
                self._db.execute(statement)
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._db.execute(f"PRAGMA user_version = {VERSION}")
            if not head_path(self.path).exists():
                create_head(self.path)
        if self._db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise damaged(self.path, "it is a database, but no audit journal")
        if self._db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            raise damaged(self.path, "it was written by another version of this program")
        self._check_end()
        self._db.execute("COMMIT")

    def _journal_mode(self) -> str:
        """Switch to the write-ahead log.

        Where others create the journal too, SQLite says at once that it is busy: its time limit does not hold
        for a reader that wants to write.
        """
        deadline = time.monotonic() + self._lock_seconds
        while True:
            try:
                return str(self._db.execute("PRAGMA journal_mode = WAL").fetchone()[0])
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(RETRY_SECONDS)

    def _check_end(self) -> None:
        """Refuse a journal that lost its tail: appending to it would bury the loss."""
        head = read_head(self.path)
        if head is None:
            raise damaged(self.path, "its .head file is missing or unreadable, so a loss would go unnoticed")
        known = self._db.execute("SELECT hash FROM record WHERE seq = ?", (head.seq,)).fetchone()
        if head.seq and (known is None or known[0] != head.hash):
            raise damaged(self.path, f"record {head.seq}, once written, is lost or changed")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise unavailable(self.path, error) from error


def _companions(path: Path) -> tuple[Path, Path]:
    """The head, and the write-ahead log, which SQLite keeps beside the file that a link leads to."""
    real = path.resolve()
    return head_path(path), real.with_name(real.name + "-wal")


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def statements() -> Iterator[str]:
    """The statements of the schema, one by one (`executescript` would commit each)."""
    pending = ""
    for line in SCHEMA.read_text(encoding="utf-8").splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending.strip()
            pending = ""
