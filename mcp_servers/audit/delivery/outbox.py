"""The queue of AuditEvents on their way to a FHIR store or to files: what waits, what was refused, why."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.transaction import Transaction

LONGEST_WAIT = 3600.0
"""Seconds; the wait doubles from one second with each attempt, up to this."""

PAGE = 500
"""Events that are looked at together: a backlog of days is not read into memory at once."""

_COLUMNS = "position, seq, outbox.id, outbox.session, destination, state, attempts, diagnostics, next_at"

# Each state has an index of its own, which is used only where a query names it: what was delivered, years of
# it, is then not read.
_BOTH = ("pending", "refused")


@dataclass(frozen=True, slots=True)
class Undelivered:
    """An event that did not arrive yet (`pending`), or was turned away (`refused`).

    `next_at` is the time before which it waits, in seconds since 1970.
    """

    position: int
    seq: int
    id: str
    session: str
    destination: str
    state: str
    attempts: int
    diagnostics: str
    next_at: float


@dataclass(frozen=True, slots=True)
class Depth:
    """What one destination still lacks.

    `oldest_s` is the age of the oldest pending event in seconds, `problem` what was said of the last
    attempt at it, or, where none waits, at the oldest that was refused.
    """

    destination: str
    pending: int
    refused: int
    oldest_s: float
    problem: str


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What one round did, and what this destination still lacks; `problem` is what went wrong last.

    `refused` counts what was turned away.
    """

    delivered: int
    pending: int
    refused: int
    problem: str | None = None


def undelivered(path: Path) -> Iterator[Undelivered]:
    """Every event that did not arrive, oldest first. Raises JournalUnavailable.

    Of one that was refused, and has been erased since, `diagnostics` say so.
    """
    erased = "CASE WHEN wrapped IS NULL THEN ' (its content was erased since)' ELSE '' END"
    found = " UNION ALL ".join(
        f"SELECT {_COLUMNS}, {erased} FROM outbox INDEXED BY outbox_{state} JOIN record USING (seq)"  # noqa: S608
        f" LEFT JOIN content_key ON month = substr(record.at, 1, 7) WHERE state = '{state}'"
        for state in _BOTH
    )
    with trail.reading(path) as db:
        for *row, since in db.execute(f"{found} ORDER BY position"):
            entry = Undelivered(*row)
            yield replace(entry, diagnostics=entry.diagnostics + since)


def depths(path: Path, clock: Callable[[], float] = time.time) -> list[Depth]:
    """What each destination lacks; `clock` gives seconds since 1970. Raises JournalUnavailable."""
    with trail.reading(path) as db:
        destinations = sorted(
            {
                destination
                for state in _BOTH
                for (destination,) in db.execute(
                    f"SELECT DISTINCT destination FROM outbox INDEXED BY outbox_{state}"  # noqa: S608
                    f" WHERE state = '{state}'"
                )
            }
        )
        return [_depth(db, destination, clock()) for destination in destinations]


def pending(path: Path, destination: str) -> Iterator[Undelivered]:
    """The events that wait for one destination, oldest first. Raises JournalUnavailable."""
    last = 0
    while page := _page(path, destination, last):
        yield from page
        last = page[-1].position


def report(journal: Journal, destination: str, delivered: int, problem: str | None) -> DeliveryReport:
    """What a round did, with what is left."""
    with trail.reading(journal.path) as db:
        waiting, refused = (_count(db, destination, state) for state in _BOTH)
    return DeliveryReport(delivered, waiting, refused, problem)


def note(journal: Journal, entries: Sequence[Undelivered], state: str, problem: str, now: float) -> None:
    """Put the outcome of an attempt on disk, and when to try again. Raises JournalUnavailable.

    What another process delivered meanwhile stays delivered.
    """

    def noted(write: Transaction) -> None:
        write.connection.executemany(
            "UPDATE outbox SET state = ?, attempts = ?, next_at = ?, diagnostics = ?"
            " WHERE position = ? AND state <> 'delivered'",
            [
                (
                    state,
                    entry.attempts + 1,
                    now + min(2.0**entry.attempts, LONGEST_WAIT),
                    problem,
                    entry.position,
                )
                for entry in entries
            ],
        )

    journal.write(noted)


def retry(journal: Journal, destination: str, *, refused: bool) -> None:
    """Let what waits for a destination be due now, and what it `refused` too. Raises JournalUnavailable.

    What was refused and erased since stays refused.
    """

    def due(write: Transaction) -> None:
        write.connection.execute(
            "UPDATE outbox SET next_at = 0 WHERE destination = ? AND state = 'pending'", (destination,)
        )
        if refused:
            write.connection.execute(
                "UPDATE outbox SET state = 'pending', next_at = 0 WHERE destination = ? AND state = 'refused'"
                " AND EXISTS (SELECT 1 FROM record JOIN content_key ON month = substr(at, 1, 7)"
                " WHERE record.seq = outbox.seq AND wrapped IS NOT NULL)",
                (destination,),
            )

    journal.write(due)


def _page(path: Path, destination: str, after: int) -> list[Undelivered]:
    with trail.reading(path) as db:
        rows = db.execute(
            f"SELECT {_COLUMNS} FROM outbox WHERE destination = ? AND state = 'pending' AND position > ?"  # noqa: S608
            " ORDER BY position LIMIT ?",
            (destination, after, PAGE),
        )
        return [Undelivered(*row) for row in rows]


def _depth(db: sqlite3.Connection, destination: str, now: float) -> Depth:
    problem, oldest = "", None
    for state in reversed(_BOTH):  # what waits has the last word
        first = db.execute(
            "SELECT diagnostics, record.at FROM outbox JOIN record USING (seq)"  # noqa: S608
            f" WHERE destination = ? AND state = '{state}' ORDER BY position LIMIT 1",
            (destination,),
        ).fetchone()
        if first is not None:
            problem = first[0] or problem
            oldest = first[1] if state == "pending" else None
    waiting, refused = (_count(db, destination, state) for state in _BOTH)
    return Depth(destination, waiting, refused, _age(oldest, now), problem)


def _count(db: sqlite3.Connection, destination: str, state: str) -> int:
    query = f"SELECT count(*) FROM outbox WHERE destination = ? AND state = '{state}'"  # noqa: S608
    return int(db.execute(query, (destination,)).fetchone()[0])


def _age(at: str | None, now: float) -> float:
    return max(0.0, now - datetime.fromisoformat(at).timestamp()) if at else 0.0
