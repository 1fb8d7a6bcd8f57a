"""Asks the trail: which acts were about a patient, whose they were, through which model, what came of them.

A question reads the journal once from its beginning, and keeps the acts alone that are still under way where
it has come to: a million records take seconds and little memory.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.content import Content
from mcp_servers.audit.chain.errors import JournalUnavailable, KeyUnusable
from mcp_servers.audit.chain.record import Record
from mcp_servers.audit.events.model_device import device_name, model_of

PLAIN_ONLY = "sealed"
"""What `opened` says of content that was left sealed."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Which acts are asked for; what is empty fits all.

    `patient` (`Patient/id`) is one that an act was bound to, asked for or found; `user` and `session` are
    names as they were recorded; `model` stands anywhere in a model's name, revision, quantisation or digest.
    An act began at `since` or later and before `until` (UTC, ISO 8601). `outcome` may be `open`: not
    completed. `before` is the number of a record: what was written from there on is left out.
    """

    patient: str = ""
    user: str = ""
    session: str = ""
    model: str = ""
    since: str = ""
    until: str = ""
    act: str = ""
    outcome: str = ""
    before: int = 0


@dataclass(frozen=True, slots=True)
class Act:
    """Something that was done: its intent, and its completion where there is one yet."""

    intent: Record
    completion: Record | None

    @property
    def name(self) -> str:
        """Which act, such as `tool_call`."""
        return str(self.intent.body["act"])

    @property
    def what(self) -> str:
        """The tool's name, or else the act."""
        return str(self.intent.body.get("tool") or self.name)

    @property
    def outcome(self) -> str:
        """`ok`, `refused`, `failed`, `unknown`, or `open` while it is not completed."""
        return str(self.completion.body["outcome"]) if self.completion else "open"

    @property
    def patients(self) -> list[str]:
        """Whom it was about: the patient it was bound to, then those it found, or told of (`about`)."""
        asked = self.intent.body["patient"]
        done = self.completion.body if self.completion else {}
        return list(
            dict.fromkeys([*([asked] if asked else []), *done.get("patients", ()), *done.get("about", ())])
        )

    @property
    def model(self) -> str:
        """`name@revision (quantisation)` of the model that took part; empty where none was named."""
        body = self.intent.body
        meta = body.get("meta")
        model = model_of(body) or (model_of(meta) if isinstance(meta, dict) else None)
        return device_name(model) if model else ""

    @property
    def own_client(self) -> bool:
        """Whether this program's own loop acted, and no MCP client of others, whose model is not known."""
        meta = self.intent.body.get("meta")
        return self.name != "tool_call" or (
            isinstance(meta, dict) and meta.get("session") == self.intent.session
        )

    @property
    def left(self) -> bool:
        """Whether patient data went, or may have gone, out of the building."""
        escalates = self.name == "escalation" or self.intent.body.get("target") == "escalation"
        return escalates and self.outcome != "refused"


def acts(db: sqlite3.Connection, sought: Sought) -> Iterator[Act]:
    """The acts that fit, in the order in which they began. `db` is of `trail.reading`.

    A long act, such as a question, keeps back what began within it until it ends. Raises JournalUnavailable
    for a damaged record.
    """
    if not db.in_transaction:
        db.execute("BEGIN")  # one state of the journal for all that is read
    left_open = {found for (found,) in db.execute("SELECT id FROM open_intent")}
    under_way: dict[str, _UnderWay] = {}  # by the intent's id
    statement, values = _statement(sought)
    for seq, kind, call, outcome, fits in db.execute(statement, values):
        if kind == "intent":
            under_way[call] = _UnderWay(seq, bool(fits), call in left_open)
        elif call in under_way:
            one = under_way[call]
            one.completion, one.outcome, one.fits, one.ended = seq, outcome, one.fits or bool(fits), True
        yield from _ended(db, under_way, sought)
    for one in under_way.values():  # their completion came after `before`
        one.ended = True
    yield from _ended(db, under_way, sought)


@dataclass(slots=True)
class _UnderWay:
    """An act by the numbers of its records; `ended` once its completion was met, or none is there."""

    intent: int
    fits: bool
    ended: bool
    completion: int = 0
    outcome: str = "open"


_OF_INTENTS = {
    "user": "json_extract(body, '$.user') = :user",
    "act": "json_extract(body, '$.act') = :act",
    "model": "instr(coalesce(json_extract(body, '$.model'), json_extract(body, '$.meta.model')), :model)",
    "since": "at >= :since",
    "until": "at < :until",
}
_OF_RECORDS = {"session": "session = :session", "before": "seq < :before"}


def _statement(sought: Sought) -> tuple[str, dict[str, Any]]:
    """The records that matter, by number; whether each fits as to the patient."""
    intents = ["kind = 'intent'", *(text for name, text in _OF_INTENTS.items() if getattr(sought, name))]
    conditions = [f"(kind = 'completion' OR {' AND '.join(intents)})"]
    conditions += [text for name, text in _OF_RECORDS.items() if getattr(sought, name)]
    # In a body (RFC 8785) a whole string stands between quotes, and nothing else does: sealed text is base64.
    fits = "instr(body, :quoted) > 0" if sought.patient else "1"
    statement = [
        "SELECT seq, kind, CASE kind WHEN 'intent' THEN id ELSE json_extract(body, '$.call') END,",
        "json_extract(body, '$.outcome'),",
        fits,
        "FROM record WHERE",
        " AND ".join(conditions),
        "ORDER BY seq",
    ]
    return " ".join(statement), {**asdict(sought), "quoted": json.dumps(sought.patient, ensure_ascii=False)}


def _ended(db: sqlite3.Connection, under_way: dict[str, _UnderWay], sought: Sought) -> Iterator[Act]:
    """Take out what has ended, as long as nothing that began before has not."""
    while under_way:
        call, one = next(iter(under_way.items()))
        if not one.ended:
            return
        del under_way[call]
        if not one.fits or (sought.outcome and one.outcome != sought.outcome):
            continue
        completion = _record(db, one.completion, _COMPLETED) if one.completion else None
        yield Act(_record(db, one.intent, _BEGUN), completion)


_BEGUN = {"act", "patient", "user", "purpose_of_use", "server", "fhir", "sealed"}
_COMPLETED = {"call", "outcome", "patients", "refs", "rows", "events", "sealed"}


def _record(db: sqlite3.Connection, seq: int, names: set[str]) -> Record:
    """A record whose body holds what is told of it. Raises JournalUnavailable where it does not."""
    try:
        record = trail.record_of(db, seq)
        if names <= record.body.keys():
            return record
    except (ValueError, AttributeError):
        pass
    raise JournalUnavailable(
        f"Record {seq} of the audit journal is damaged; `ehr-navigator audit verify` it."
    )


def last_server(path: Path) -> str:
    """The FHIR server of the act that began last; empty before the first. Raises JournalUnavailable."""
    with trail.reading(path) as db:
        found = db.execute(
            "SELECT json_extract(body, '$.fhir') FROM record WHERE kind = 'intent' ORDER BY seq DESC LIMIT 1"
        ).fetchone()
    return str(found[0]) if found else ""


@dataclass(slots=True)
class SessionSummary:
    """What a session did, as far as its acts were asked for.

    `first` and `last` are when they began (UTC, ISO 8601). They are counted by the `patients` whom they were
    about, by `models`, by what was done (`did`: the tool, or else the act), and by `outcomes`. `left`:
    whether patient data went, or may have gone, out of the building; `own_client`: whether all went to this
    program's own loop.
    """

    session: str
    first: str
    last: str
    user: str
    purpose: str
    server: str
    patients: dict[str, int] = field(default_factory=dict)
    models: dict[str, int] = field(default_factory=dict)
    did: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    left: bool = False
    own_client: bool = True

    def add(self, act: Act) -> None:
        """Count one more act."""
        self.last = max(self.last, act.intent.at)
        counted = (
            (self.patients, act.patients),
            (self.models, [act.model] if act.model else []),
            (self.did, [act.what]),
            (self.outcomes, [act.outcome]),
        )
        for counts, found in counted:
            for one in found:
                counts[one] = counts.get(one, 0) + 1
        self.left |= act.left
        self.own_client &= act.own_client


def sessions(asked: Iterable[Act]) -> list[SessionSummary]:
    """The sessions of these acts, in the order in which they began."""
    found: dict[str, SessionSummary] = {}
    for act in asked:
        intent = act.intent
        summary = found.get(intent.session)
        if summary is None:
            body = intent.body
            summary = found[intent.session] = SessionSummary(
                intent.session, intent.at, intent.at, body["user"], body["purpose_of_use"], body["server"]
            )
        summary.add(act)
    return list(found.values())


def said_of(
    db: sqlite3.Connection, record: Record, content: Content | None
) -> tuple[dict[str, Any] | None, str]:
    """What a record sealed, None where it cannot be had, and why: `open`, `erased`, `no key`, `sealed`."""
    if content is None and "sealed" in record.body:
        return None, "sealed"
    try:
        found = trail.said(db, content or Content([]), record)
    except KeyUnusable:
        return None, "no key"
    return found, "erased" if found is None else "open"


def opened(db: sqlite3.Connection, act: Act, content: Content | None) -> dict[str, Any]:
    """An act whole, as JSON: the facts of its records, what was said, where its AuditEvents are.

    `asked` is what the intent sealed and `said` what the completion did; each is None where it cannot be
    had, and `content` then says why: `erased`, `no key`, or `sealed` (without `content` nothing is opened).
    """
    asked, why = said_of(db, act.intent, content)
    said, why_not = said_of(db, act.completion, content) if act.completion else ({}, "open")
    done = act.completion.body if act.completion else {}
    return {
        "seq": act.intent.seq,
        "done_seq": act.completion.seq if act.completion else None,
        "id": act.intent.id,
        "session": act.intent.session,
        "at": act.intent.at,
        "until": act.completion.at if act.completion else None,
        **{name: value for name, value in act.intent.body.items() if name != "sealed"},
        **{name: value for name, value in done.items() if name not in ("sealed", "call")},
        "outcome": act.outcome,
        "patients": act.patients,
        "left_the_building": act.left,
        "own_client": act.own_client,
        "content": why if why != "open" else why_not,
        "asked": asked,
        "said": said,
        "events": _events(db, act),
    }


def _events(db: sqlite3.Connection, act: Act) -> list[dict[str, str]]:
    """The AuditEvents of an act, and whether the FHIR store has them."""
    seq = act.completion.seq if act.completion else 0
    rows = db.execute(
        "SELECT id, destination, state, diagnostics FROM outbox WHERE seq = ? ORDER BY position", (seq,)
    )
    return [dict(zip(("id", "destination", "state", "diagnostics"), row, strict=True)) for row in rows]
