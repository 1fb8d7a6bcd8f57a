"""The SQLite file: its tables, how it is opened and brought up to date, and how resources are put into it."""

# ruff: noqa: S608 (the SQL is put together from this package's own names; every value from outside is bound)

import json
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from fhir_fixtures.store import extract, parameters

# Goes up when what is loaded or indexed changes in ways that the table of parameters does not show.
_INDEX_VERSION = 4

# Resources that are loaded at a time, so that a first open holds few of them in memory.
_BATCH = 1000

_Item = TypeVar("_Item")

_TABLES = """
CREATE TABLE IF NOT EXISTS stamp (value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS resource (
    rid INTEGER PRIMARY KEY, type TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
    updated INTEGER NOT NULL, method TEXT NOT NULL, sample INTEGER NOT NULL, body TEXT, UNIQUE (type, id));
CREATE TABLE IF NOT EXISTS history (
    type TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
    updated INTEGER NOT NULL, method TEXT NOT NULL, body TEXT, PRIMARY KEY (type, id, version));
CREATE TABLE IF NOT EXISTS pages (
    token TEXT PRIMARY KEY, created INTEGER NOT NULL, search TEXT NOT NULL);
"""


class Samples(Protocol):
    """The charts that a store starts with."""

    def resources(self) -> Iterable[dict[str, Any]]:
        """Every resource, each with its id."""
        ...

    def digest(self) -> str:
        """A text that changes when any of them does."""
        ...


class Stored(NamedTuple):
    """One version of a resource; `body` is None when it was deleted, `updated` in milliseconds since 1970."""

    rid: int
    type: str
    id: str
    version: int
    updated: int
    method: str
    body: str | None


@dataclass(frozen=True)
class Store:
    """An open store. One connection, used under `lock` by one thread at a time; other processes may have
    theirs. With `check_references` a resource may not refer to one that is not there."""

    path: Path
    connection: sqlite3.Connection
    lock: threading.RLock
    check_references: bool = True

    def close(self) -> None:
        """Close the database file."""
        self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside, or nothing; a transaction inside another is part of it."""
        with self.lock:
            if self.connection.in_transaction:
                yield
                return
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:  # a full disk has rolled it back already
                    self.connection.execute("ROLLBACK")
                raise

    def current(self, type_name: str, resource_id: str) -> Stored | None:
        """The latest version of a resource, deleted or not; None when there never was one."""
        row = self.connection.execute(
            "SELECT rid, type, id, version, updated, method, body FROM resource WHERE type = ? AND id = ?",
            (type_name, resource_id),
        ).fetchone()
        return Stored(*row) if row else None

    def versions(self, type_name: str, resource_id: str) -> list[Stored]:
        """Every version of a resource, newest first."""
        rows = self.connection.execute(
            "SELECT 0, type, id, version, updated, method, body FROM history WHERE type = ? AND id = ?"
            " UNION ALL SELECT rid, type, id, version, updated, method, body FROM resource"
            " WHERE type = ? AND id = ? ORDER BY 4 DESC",
            (type_name, resource_id, type_name, resource_id),
        )
        return [Stored(*row) for row in rows]

    def put(self, type_name: str, resource_id: str, resource: dict[str, Any] | None) -> Stored:
        """Store the next version of a resource (None: deleted). Inside a transaction."""
        previous = self.current(type_name, resource_id)
        updated = max(int(time.time() * 1000), previous.updated + 1 if previous else 0)
        version = previous.version + 1 if previous else 1
        # As HAPI's history has it: the first version was posted, by whatever method it came.
        method = "DELETE" if resource is None else "POST" if version == 1 else "PUT"
        body = None if resource is None else _body(resource, version, updated)
        if previous:
            self.connection.execute(
                "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?)",
                (type_name, resource_id, *previous[3:]),
            )
            self.connection.execute(
                "UPDATE resource SET version = ?, updated = ?, method = ?, sample = 0, body = ?"
                " WHERE rid = ?",
                (version, updated, method, body, previous.rid),
            )
            rid = previous.rid
            for table in extract.COLUMNS:
                self.connection.execute(f"DELETE FROM {table}_index WHERE rid = ?", (rid,))
        else:
            rid = (
                self.connection.execute(
                    "INSERT INTO resource (type, id, version, updated, method, sample, body)"
                    " VALUES (?, ?, ?, ?, ?, 0, ?)",
                    (type_name, resource_id, version, updated, method, body),
                ).lastrowid
                or 0
            )
        if resource is not None:
            _insert_index(self.connection, extract.rows(resource, rid))
        return Stored(rid, type_name, resource_id, version, updated, method, body)


def open_store(path: Path, samples: Samples | None = None, *, check_references: bool = True) -> Store:
    """Open the store at `path`, created or brought up to date first.

    `samples` are the charts it starts with (the package's own when None). When they, or what the index
    holds, have changed since, they are loaded anew, and what users wrote is kept. Safe when several processes
    do so at once, or when one is killed half-way.
    """
    if samples is None:
        from fhir_fixtures import charts

        samples = charts
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    connection = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    store = Store(path, connection, threading.RLock(), check_references)
    stamp = f"{_INDEX_VERSION}:{zlib.crc32(parameters.source().encode()):08x}:{samples.digest()}"
    if _stamp(connection) != stamp:
        with store.transaction():
            if _stamp(connection) != stamp:
                _rebuild(connection, samples.resources(), stamp)
    return store


def _stamp(connection: sqlite3.Connection) -> str | None:
    try:
        row = connection.execute("SELECT value FROM stamp").fetchone()
    except sqlite3.OperationalError:
        return None
    return str(row[0]) if row else None


def _rebuild(connection: sqlite3.Connection, samples: Iterable[dict[str, Any]], stamp: str) -> None:
    """Load the samples anew and index everything, inside a transaction."""
    for statement in _TABLES.split(";"):
        connection.execute(statement)
    for table, columns in extract.COLUMNS.items():
        connection.execute(f"DROP TABLE IF EXISTS {table}_index")
        typed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        connection.execute(f"CREATE TABLE {table}_index (param INTEGER, {typed}, nth INTEGER, rid INTEGER)")
    connection.execute("DELETE FROM resource WHERE sample = 1")
    connection.execute("DELETE FROM pages")
    taken = {(kind, name) for kind, name in connection.execute("SELECT type, id FROM resource")}
    kept = connection.execute("SELECT rid, body FROM resource WHERE body IS NOT NULL").fetchall()
    _insert_index(connection, (row for rid, body in kept for row in extract.rows(json.loads(body), rid)))
    highest = connection.execute("SELECT coalesce(max(rid), 0) FROM resource").fetchone()[0]
    now = int(time.time() * 1000)
    fresh = ((r["resourceType"], r["id"], r) for r in samples)
    numbered = enumerate((entry for entry in fresh if entry[:2] not in taken), start=highest + 1)
    for batch in _batches(numbered, _BATCH):
        connection.executemany(
            "INSERT INTO resource VALUES (?, ?, ?, 1, ?, 'POST', 1, ?)",
            [(rid, kind, name, now, _body(resource, 1, now)) for rid, (kind, name, resource) in batch],
        )
        _insert_index(
            connection, (row for rid, (_, _, resource) in batch for row in extract.rows(resource, rid))
        )
    for table, columns in extract.COLUMNS.items():
        connection.execute(
            f"CREATE INDEX {table}_value ON {table}_index (param, {', '.join(columns)}, rid, nth)"
        )
        # Records are sorted by their dates, so these stand in the index themselves.
        more = f", {', '.join(columns)}" if table == "date" else ""
        connection.execute(f"CREATE INDEX {table}_rid ON {table}_index (rid, param{more})")
    connection.execute(
        "CREATE INDEX reference_target ON reference_index (target_type, target_id, param, rid)"
    )
    connection.execute("CREATE INDEX IF NOT EXISTS pages_created ON pages (created)")
    for column in ("id", "updated"):
        connection.execute(f"CREATE INDEX IF NOT EXISTS resource_{column} ON resource ({column})")
    connection.execute("PRAGMA analysis_limit = 400")
    connection.execute("ANALYZE")
    connection.execute("DELETE FROM stamp")
    connection.execute("INSERT INTO stamp VALUES (?)", (stamp,))


def _batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch


def _insert_index(connection: sqlite3.Connection, rows: Iterable[tuple[str, extract.Row]]) -> None:
    by_table: dict[str, list[extract.Row]] = {}
    for table, row in rows:
        by_table.setdefault(table, []).append(row)
    for table, found in by_table.items():
        marks = ", ".join("?" * len(found[0]))
        connection.executemany(f"INSERT INTO {table}_index VALUES ({marks})", found)


def _body(resource: dict[str, Any], version: int, updated: int) -> str:
    """The resource as stored: with its version and time in `meta`."""
    meta = {"versionId": str(version), "lastUpdated": instant(updated)}
    known = {key: value for key, value in resource.get("meta", {}).items() if key not in meta}
    head = {"resourceType": resource["resourceType"], "id": resource["id"], "meta": meta | known}
    return json.dumps(head | {k: v for k, v in resource.items() if k not in head}, separators=(",", ":"))


def instant(milliseconds: int) -> str:
    """A FHIR instant in UTC."""
    seconds, rest = divmod(milliseconds, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:03d}+00:00"
