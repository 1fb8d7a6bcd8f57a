"""Is the trail unaltered and whole? Reads a journal, even a damaged one, and names the first bad record.

What counts: every byte of every record, of the AuditEvents queued for them, of the schema that protects
them, and of the head file. What does not: how far delivery has come (mutable by design; `stored` asks the
FHIR server itself), and bytes that SQLite does not use. A tail that was cut off is found through the head
file. Someone who may write the journal, its head and the FHIR store can forge all three consistently.
"""

import hashlib
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_servers.audit import trail
from mcp_servers.audit.head import Head, read_head
from mcp_servers.audit.journal import APPLICATION_ID, VERSION, statements
from mcp_servers.audit.record import Record, chain_hash


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with the trail: why, and in which record, where one can be named."""

    why: str
    seq: int | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class UnknownOutcome:
    """A call that was begun and never completed: whether the server at `fhir` answered is not known."""

    seq: int
    id: str
    session: str
    tool: str
    at: str
    fhir: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The state of a journal; what is counted lies before `finding`, the first thing found wrong."""

    records: int
    sessions: int
    calls: int
    unknown: tuple[UnknownOutcome, ...]
    finding: Finding | None

    @property
    def intact(self) -> bool:
        """Whether nothing was found wrong. A call of unknown outcome is no alteration."""
        return self.finding is None


class _Wrong(Exception):
    """Ends the reading: carries the finding."""

    def __init__(self, why: str, seq: int | None = None, record_id: str | None = None) -> None:
        super().__init__(why)
        self.finding = Finding(why, seq, record_id)


def verify(path: Path) -> Verification:
    """Check the journal at `path`: chain, pairs, queued events, schema, file, and the end that is on record.

    Never raises for a damaged or missing journal: that is the finding.
    """
    reading = _Reading()
    finding = None
    try:
        head = read_head(path)  # before the records, to which others may be adding
        with closing(trail.connect(path)) as db:
            if head == Head() and not trail.begun(db):
                return Verification(0, 0, 0, (), None)
            db.text_factory = bytes
            db.execute("BEGIN")
            reading.read_records(db, head)
            _check_end(reading.last, head)
            _check_file(db)
    except _Wrong as wrong:
        finding = wrong.finding
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
        # UnicodeDecodeError: SQLite quotes damaged names in its messages.
        finding = Finding(
            f"the file is damaged or missing ({error}); record {reading.last.seq} is the last good one"
        )
    return Verification(
        reading.last.seq, len(reading.sessions), reading.calls, tuple(reading.begun.values()), finding
    )


class _Reading:
    """The chain as far as it has been followed."""

    def __init__(self) -> None:
        self.last = Head()
        self.sessions: set[str] = set()
        self.calls = 0
        self.begun: dict[str, UnknownOutcome] = {}

    def read_records(self, db: sqlite3.Connection, head: Head | None) -> None:
        for seq, *columns in db.execute(
            "SELECT r.seq, r.id, r.session, r.kind, r.at, r.body, r.previous, r.hash,"
            " o.id, o.session, o.destination, o.event"
            " FROM record AS r LEFT JOIN outbox AS o ON o.seq = r.seq ORDER BY r.seq"
        ):
            if seq != self.last.seq + 1:
                raise _Wrong(f"the record is missing; record {seq} comes instead", self.last.seq + 1)
            self.read_record(seq, columns)
            if head and head.seq == seq and head.hash != self.last.hash:
                raise _Wrong("the head file holds another hash for this record", seq)

    def read_record(self, seq: int, columns: list[Any]) -> None:
        record_id = columns[0].decode(errors="replace") if isinstance(columns[0], bytes) else None
        try:
            _, session, kind, at, body, previous, digest = (column.decode() for column in columns[:7])
            expected = chain_hash(
                previous,
                seq=seq,
                record_id=str(record_id),
                session=session,
                kind=kind,
                at=at,
                body=body.encode(),
            )
        except (ValueError, AttributeError):
            raise _Wrong("it is not as it was written: not even text", seq, record_id) from None
        if previous != self.last.hash:
            raise _Wrong("it does not follow from the record before it", seq, record_id)
        if digest != expected:
            raise _Wrong("it is not what its hash was taken of", seq, record_id)
        self.last = Head(seq, digest)
        self.sessions.add(session)
        try:
            record = Record(seq, str(record_id), session, kind, at, json.loads(body), previous, digest)
            self.pair(record, columns[7:])
        except (LookupError, TypeError):
            raise _Wrong(f"it lacks what the body of its kind ({kind}) holds", seq, record_id) from None

    def pair(self, record: Record, queued: list[Any]) -> None:
        """Match a completion with its intent, and with the AuditEvent that was queued for it."""
        seq, body = record.seq, record.body
        if record.kind == "intent":
            self.calls += 1
            self.begun[record.id] = UnknownOutcome(
                seq, record.id, record.session, body["tool"], record.at, body["fhir"]
            )
        if record.kind == "completion":
            call = self.begun.pop(body["call"], None)
            if call is None:
                raise _Wrong("it completes a call that was never begun", seq, record.id)
            if queued[:3] != [text.encode() for text in (call.id, call.session, call.fhir)]:
                raise _Wrong("its queued AuditEvent is gone, or goes elsewhere", seq, record.id)
            if hashlib.sha256(queued[3]).hexdigest() != body["event_sha256"]:
                raise _Wrong("its queued AuditEvent is not as it was written", seq, record.id)


def _check_end(last: Head, head: Head | None) -> None:
    if head is None:
        raise _Wrong(
            "the journal's .head file is missing or damaged: whether its tail was cut off is unknown"
        )
    if head.seq > last.seq:
        raise _Wrong(f"the tail is cut off: the head file knows of record {head.seq}", last.seq + 1)


def _check_file(db: sqlite3.Connection) -> None:
    """What no record shows: the schema with its triggers, indexes, and events without a record."""
    query = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name"
    with closing(sqlite3.connect(":memory:")) as fresh:
        fresh.text_factory = bytes
        for statement in statements():
            fresh.execute(statement)
        if db.execute(query).fetchall() != fresh.execute(query).fetchall():
            raise _Wrong("the schema is not the journal's: records may be unprotected")
    marks = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    if marks != [APPLICATION_ID, VERSION]:
        raise _Wrong("the file is not marked as a journal of this version")
    (found,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    if found != b"ok":
        raise _Wrong(f"the file is damaged outside its records: {found.decode(errors='replace')}")
    stray = db.execute(
        "SELECT seq, id FROM outbox WHERE seq NOT IN (SELECT seq FROM record WHERE kind = 'completion')"
    ).fetchone()
    if stray:
        raise _Wrong(
            "an AuditEvent is queued for a completion that is not there", stray[0], str(stray[1], "utf-8")
        )
