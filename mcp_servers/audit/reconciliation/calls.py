"""The tool calls of a time that asked one FHIR server, each with the requests that it sent."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.content import Content
from mcp_servers.audit.reconciliation.emr import instant


@dataclass(frozen=True, slots=True)
class Called:
    """A tool call on record. `outcome` is None while it is open; `requests` None where they were erased.

    `withheld` counts the records and mentions of others that came with the patient's own, and were not shown.
    """

    id: str
    session: str
    tool: str
    at: datetime
    patient: str | None
    outcome: str | None
    patients: frozenset[str]
    requests: list[dict[str, Any]] | None
    withheld: int


def called_between(
    db: sqlite3.Connection, content: Content, base: str, start: datetime, end: datetime
) -> Iterator[Called]:
    """The calls begun from `start` until before `end`, in that order, whatever the clock did between them."""
    rows = db.execute(
        "SELECT seq FROM record WHERE kind = 'intent' AND at >= ? AND at < ?"
        " AND json_extract(body, '$.act') = 'tool_call' AND json_extract(body, '$.fhir') = ?"
        " ORDER BY at, seq",
        (instant(start), instant(end), base),
    )
    for (seq,) in rows:
        yield _called(db, content, seq)


def count_elsewhere(db: sqlite3.Connection, base: str, start: datetime, end: datetime) -> int:
    """How many calls begun from `start` until before `end` asked other FHIR servers."""
    (found,) = db.execute(
        "SELECT count(*) FROM record WHERE kind = 'intent' AND at >= ? AND at < ?"
        " AND json_extract(body, '$.act') = 'tool_call' AND json_extract(body, '$.fhir') <> ?",
        (instant(start), instant(end), base),
    ).fetchone()
    return int(found)


def begun_at(db: sqlite3.Connection, base: str, call: str) -> datetime | None:
    """When the call of that id was begun; None where no call to this FHIR server has it."""
    row = db.execute(
        "SELECT at FROM record WHERE id = ? AND kind = 'intent'"
        " AND json_extract(body, '$.act') = 'tool_call' AND json_extract(body, '$.fhir') = ?",
        (call, base),
    ).fetchone()
    return row and datetime.fromisoformat(row[0])


def _called(db: sqlite3.Connection, content: Content, seq: int) -> Called:
    intent = trail.record_of(db, seq)
    completion = db.execute(
        "SELECT seq FROM record WHERE session = ? AND seq > ? AND kind = 'completion'"
        " AND json_extract(body, '$.call') = ? ORDER BY seq LIMIT 1",
        (intent.session, seq, intent.id),
    ).fetchone()
    outcome, patients, withheld = None, [], 0
    requests: list[dict[str, Any]] | None = []
    if completion is not None:
        done = trail.record_of(db, completion[0])
        said = trail.said(db, content, done)
        outcome, patients = done.body["outcome"], done.body["patients"]
        withheld = done.body.get("withheld", 0)
        requests = None if said is None else said["requests"]
    return Called(
        id=intent.id,
        session=intent.session,
        tool=intent.body["tool"],
        at=datetime.fromisoformat(intent.at),
        patient=intent.body["patient"],
        outcome=outcome,
        patients=frozenset(patients),
        requests=requests,
        withheld=withheld,
    )
