"""Is the trail unaltered and whole? Reads a journal, even a damaged one, and names the first bad record.

What counts: every byte of every record, of the AuditEvents and Devices queued for them, of the schema that
protects them, and of the head file; that each checkpoint and the last record were signed by the journal's
key; that what was sealed can be opened, but for the months that a record says were erased. What does not:
how far delivery has come, and which process holds an open call (mutable by design; `stored` asks the FHIR
server itself), and bytes that SQLite does not use. A tail that was cut off is found through the head file.
Without the key, nobody can make another journal that verifies with its public half; an older state of all
files is told by the FHIR store alone.
"""

import hashlib
import json
import sqlite3
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mcp_servers.audit.chain import checkpoint, schema, trail
from mcp_servers.audit.chain.content import Content, month_of
from mcp_servers.audit.chain.errors import KeyUnusable
from mcp_servers.audit.chain.head import Head, SignedHead, read_head, signed_head
from mcp_servers.audit.chain.journal import KEY_PURPOSE
from mcp_servers.audit.chain.keys import Ring, signed
from mcp_servers.audit.chain.merkle import Tree
from mcp_servers.audit.chain.record import GENESIS, Record, chain_hash

MOST_AT_ONCE = 1000
"""Records that one commit may add after the last one that needed no checkpoint yet."""

What = Literal["altered", "lost", "truncated", "unverified"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with the trail: why, and in which record, where one can be named.

    What was there and is not is `lost`, or `truncated` where it was the end; what is there and not as it was
    written, or was never written, is `altered`. `unverified` is what this program cannot read.
    """

    why: str
    seq: int | None = None
    id: str | None = None
    what: What = "altered"


@dataclass(frozen=True, slots=True)
class UnknownOutcome:
    """An act that was begun and not completed: it is still at work, or its outcome is not known.

    `what` is the tool's name, or else the act; `to` is where its AuditEvents go.
    """

    seq: int
    id: str
    session: str
    what: str
    at: str
    to: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The state of a journal; what is counted lies before `finding`, the first thing found wrong.

    `public` is the key (hex) that signed its end, `checkpointed` how many records the last checkpoint covers,
    `clock_went_back` how often a record was older than the one before it, `head_behind` by how many records
    the head file lags: after a crash by those of the last commit, and by more where the machine lost its
    power or an older head was put back.
    """

    records: int
    sessions: int
    calls: int
    unknown: tuple[UnknownOutcome, ...]
    finding: Finding | None
    public: str
    checkpointed: int
    clock_went_back: int
    head_behind: int

    @property
    def intact(self) -> bool:
        """Whether nothing was found wrong. A call of unknown outcome is no alteration."""
        return self.finding is None


class _Wrong(Exception):
    """Ends the reading: carries the finding."""

    def __init__(
        self, why: str, seq: int | None = None, record_id: str | None = None, what: What = "altered"
    ) -> None:
        super().__init__(why)
        self.finding = Finding(why, seq, record_id, what)


def verify(path: Path, publics: Collection[str] = (), ring: Ring = ()) -> Verification:
    """Check the journal at `path`: chain, signatures, pairs, queued events, schema, file, and its end.

    `publics` are the public keys (hex) that it may be signed with in the end; without them any key will do,
    and `public` in the result is the one to compare. With its `ring` at hand, also whether each month's key
    opens, and the newest key signed the end. Never raises for a damaged or missing journal: that is the
    finding.
    """
    reading = _Reading()
    finding, sessions, behind = None, 0, 0
    try:
        head = read_head(path)  # before the records, to which others may be adding
        with closing(trail.connect(path)) as db:
            if head and not head.seq and not trail.begun(db):
                return Verification(0, 0, 0, (), None, "", 0, 0, 0)
            _check_version(db)
            db.text_factory = bytes
            db.execute("BEGIN")
            reading.read_records(db, head)
            _check_end(reading, head, _signed_head(db))
            _check_key(reading.public, publics)
            _check_file(db)
            _check_open(db, reading.begun)
            _check_content(db, reading, ring)
            _check_devices(db, reading.devices)
            _check_newest(reading.public, ring)
            now = read_head(path)  # what was written since is no lag
            behind = max(0, reading.last.seq - now.seq) if now else 0
            (sessions,) = db.execute(
                "SELECT count(DISTINCT session) FROM record WHERE session <> ''"
            ).fetchone()
    except _Wrong as wrong:
        finding = wrong.finding
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
        # UnicodeDecodeError: SQLite quotes damaged names in its messages.
        finding = Finding(
            f"the file is damaged or missing ({error}); record {reading.last.seq} is the last good one",
            what="lost",
        )
    return Verification(
        reading.last.seq,
        sessions,
        reading.calls,
        tuple(reading.begun.values()),
        finding,
        reading.public,
        reading.tree.size,
        reading.clock_went_back,
        behind,
    )


class _Reading:
    """The chain as far as it has been followed."""

    def __init__(self) -> None:
        self.last = Head()
        self.calls = 0
        self.begun: dict[str, UnknownOutcome] = {}
        self.public = ""
        self.tree = Tree()
        self.since: list[str] = []  # hashes after the last checkpoint
        self.clock_went_back = 0
        self.sealed: set[str] = set()  # months of which something is sealed
        self.erased: set[str] = set()
        self.devices: dict[tuple[str, str], tuple[int, str]] = {}  # by id and destination: record, SHA-256

    def read_records(self, db: sqlite3.Connection, head: SignedHead | None) -> None:
        queued = db.cursor()
        for seq, *columns in db.execute(f"{trail.COLUMNS} ORDER BY seq"):
            if seq != self.last.seq + 1:
                raise _Wrong(
                    f"the record is missing; record {seq} comes instead", self.last.seq + 1, what="lost"
                )
            self.read_record(seq, columns, queued)
            if head and head.seq == seq:
                if head.hash != self.last.hash:
                    raise _Wrong("the head file holds another hash for this record", seq)
                if not head.stands(self.public):
                    raise _Wrong("the head file was not signed with the journal's key", seq)
            if head and seq == 1 and not head.seq and (head.hash != GENESIS or not head.stands(self.public)):
                raise _Wrong("the head file is not that of a journal that was just begun", seq)

    def read_record(self, seq: int, columns: list[Any], queued: sqlite3.Cursor) -> None:
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
        try:
            record = Record(seq, str(record_id), session, kind, at, json.loads(body), previous, digest)
            self.read_body(record, queued)
        except (LookupError, TypeError):
            raise _Wrong(f"it lacks what the body of its kind ({kind}) holds", seq, record_id) from None

    def read_body(self, record: Record, queued: sqlite3.Cursor) -> None:
        seq, body = record.seq, record.body
        self.clock_went_back += "clock_went_back" in body
        if "sealed" in body:
            self.sealed.add(month_of(record.at))
        if record.kind == "intent":
            self.calls += body["act"] == "tool_call"
            self.begun[record.id] = UnknownOutcome(
                seq, record.id, record.session, body.get("tool", body["act"]), record.at, body["to"]
            )
        elif record.kind == "completion":
            self.pair(record, queued)
        elif record.kind == "checkpoint":
            self.tree.extend(self.since)
            self.since = []
            if why := checkpoint.fault(body, self.tree, self.public):
                raise _Wrong(why, seq, record.id)
        elif record.kind == "key":
            if not signed(self.public or body["public"], body["signature"], KEY_PURPOSE, body["public"]):
                raise _Wrong("it brings in a key that the one before does not vouch for", seq, record.id)
            self.public = body["public"]
        elif record.kind == "erasure":
            self.erased.update(body.get("months", ()))
        self.since.append(record.hash)
        if len(self.since) > 2 * checkpoint.EVERY + MOST_AT_ONCE:
            raise _Wrong("the checkpoint that should be here by now is missing", seq, record.id)

    def pair(self, record: Record, queued: sqlite3.Cursor) -> None:
        """Match a completion with its intent, and with the AuditEvents that were queued for it."""
        seq, body = record.seq, record.body
        call = self.begun.pop(body["call"], None)
        if call is None:
            raise _Wrong("it completes a call that was never begun", seq, record.id)
        found = queued.execute(
            "SELECT id, session, destination, event FROM outbox WHERE seq = ? ORDER BY position", (seq,)
        ).fetchall()
        expected = [[event["id"], call.session, call.to] for event in body["events"]]
        if [[_text(column) for column in row[:3]] for row in found] != expected:
            raise _Wrong(
                "a queued AuditEvent is gone, or goes elsewhere",
                seq,
                record.id,
                "lost" if len(found) < len(expected) else "altered",
            )
        for event, row in zip(body["events"], found, strict=True):
            if not isinstance(row[3], bytes) or hashlib.sha256(row[3]).hexdigest() != event["sha256"]:
                raise _Wrong("a queued AuditEvent is not as it was written", seq, record.id)
        for device in body.get("devices", ()):
            self.devices[device["id"], call.to] = seq, device["sha256"]


def _check_version(db: sqlite3.Connection) -> None:
    if which := schema.is_journal(db) and schema.other_version(db):
        raise _Wrong(f"{which}; verify it with that version", what="unverified")


def _text(column: Any) -> str | None:
    return column.decode(errors="replace") if isinstance(column, bytes) else None


def _check_open(db: sqlite3.Connection, begun: dict[str, UnknownOutcome]) -> None:
    """The intents without completion, as the journal lists them."""
    listed = {seq: _text(found) for seq, found in db.execute("SELECT seq, id FROM open_intent")}
    if listed != {one.seq: one.id for one in begun.values()}:
        raise _Wrong("what is open is not what was begun and not completed")


def _check_key(public: str, publics: Collection[str]) -> None:
    if publics and public not in publics:
        raise _Wrong("it was signed with another key than the one at hand")


def _check_newest(public: str, ring: Ring) -> None:
    if public in {key.public for key in ring[:-1]}:
        raise _Wrong(
            "it ends with an older key than the newest at hand: it was put back to before a rotation, or that"
            " rotation was not finished (`ehr-navigator audit rotate-key` then finishes it)",
            what="truncated",
        )


def _signed_head(db: sqlite3.Connection) -> SignedHead | None:
    """As `head.signed_head`, from a connection whose text is bytes."""
    found = signed_head(db)
    return found and SignedHead(found.seq, _text(found.hash) or "", _text(found.signature) or "")


def _check_end(reading: _Reading, file: SignedHead | None, signed_for: SignedHead | None) -> None:
    last = reading.last
    if file is None:
        raise _Wrong(
            "the journal's .head file is missing or damaged: whether its tail was cut off is unknown",
            what="lost",
        )
    for head, where in ((file, "head file"), (signed_for, "journal's head")):
        if head and head.seq > last.seq:
            raise _Wrong(
                f"the tail is cut off: the {where} knows of record {head.seq}", last.seq + 1, what="truncated"
            )
    if signed_for is None or signed_for.seq < last.seq:
        raise _Wrong(
            "it was added without the journal's key: its head is before it",
            signed_for.seq + 1 if signed_for else None,
        )
    if signed_for.hash != last.hash or not signed_for.stands(reading.public):
        raise _Wrong("the last record is not the one that the journal's key signed for", last.seq)


def _check_content(db: sqlite3.Connection, reading: _Reading, ring: Ring) -> None:
    """The keys of the months: one for each in which something was sealed, unless a record erased it."""
    rows = db.execute("SELECT month, wrapped FROM content_key").fetchall()
    wrapped = {str(_text(month)): _text(key) for month, key in rows}
    for month in sorted(reading.sealed - wrapped.keys()):
        raise _Wrong(f"the key of what was said in {month} is gone", what="lost")
    content = Content(ring)
    for month, sealed_key in wrapped.items():
        if sealed_key is None and month not in reading.erased:
            raise _Wrong(f"what was said in {month} was erased, and no record says so", what="lost")
        if sealed_key is not None and month in reading.erased:
            raise _Wrong(f"what was said in {month} was erased, and has a key again")
        if ring and sealed_key is not None:
            try:
                content.unwrapped(month, sealed_key)
            except KeyUnusable:
                raise _Wrong(
                    f"the key of what was said in {month} is not as it was, or needs a key "
                    "that is not at hand"
                ) from None


def _check_devices(db: sqlite3.Connection, brought: dict[tuple[str, str], tuple[int, str]]) -> None:
    """The Devices that queued events refer to, as the records say that they were written."""
    rows = db.execute("SELECT id, destination, resource FROM device").fetchall()
    found = {(_text(one), _text(to)): hashlib.sha256(resource).hexdigest() for one, to, resource in rows}
    for place, (seq, digest) in brought.items():
        if place not in found:
            raise _Wrong(f"the Device {place[0]} of its AuditEvent is gone", seq, what="lost")
        if found[place] != digest:
            raise _Wrong(f"the Device {place[0]} of its AuditEvent is not as it was written", seq)
    if len(found) > len(brought):
        raise _Wrong("a Device is queued that no record brought in")


def _check_file(db: sqlite3.Connection) -> None:
    """What no record shows: the schema with its triggers, indexes, and events without a record."""
    query = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name"
    with closing(sqlite3.connect(":memory:")) as fresh:
        fresh.text_factory = bytes
        for statement in schema.statements():
            fresh.execute(statement)
        if db.execute(query).fetchall() != fresh.execute(query).fetchall():
            raise _Wrong("the schema is not the journal's: records may be unprotected")
    (found,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    if found != b"ok":
        raise _Wrong(
            f"the file is damaged outside its records: {found.decode(errors='replace')}", what="lost"
        )
    if not schema.is_journal(db):
        raise _Wrong("the file is not marked as a journal")
    stray = db.execute(
        "SELECT seq, id FROM outbox WHERE seq NOT IN (SELECT seq FROM record WHERE kind = 'completion')"
    ).fetchone()
    if stray:
        raise _Wrong(
            "an AuditEvent is queued for a completion that is not there", stray[0], str(stray[1], "utf-8")
        )
