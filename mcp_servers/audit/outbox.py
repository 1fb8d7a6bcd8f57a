"""The queue of AuditEvents on their way to a FHIR store or to files: what waits, what was refused, why."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mcp_servers.audit import trail
from mcp_servers.audit.journal import Journal, Transaction

LONGEST_WAIT = 3600.0
"""Seconds; the wait doubles from one second with each attempt, up to this."""

PAGE = 500
"""Events that are looked at together: a backlog of days is not read into memory at once."""

_COLUMNS = "position, seq, id, session, destination, state, attempts, diagnostics, next_at"


@dataclass(frozen=True, slots=True)
class Undelivered:
    """An event that did not arrive yet (`pending`), or was turned away for good (`refused`).

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

    `oldest_s` is the age of the oldest pending event in seconds, `problem` what was said of the last attempt.
    """

    destination: str
    pending: int
    refused: int
    oldest_s: float
    problem: str


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What one round did, and what this destination still lacks; `problem` is what went wrong last."""

    delivered: int
    pending: int
    refused: tuple[Undelivered, ...]
    problem: str | None = None


def undelivered(path: Path) -> Iterator[Undelivered]:
    """Every event that did not arrive, oldest first. Raises JournalUnavailable."""
    with trail.reading(path) as db:
        for row in db.execute(f"SELECT {_COLUMNS} FROM outbox WHERE state <> 'delivered' ORDER BY position"):  # noqa: S608
            yield Undelivered(*row)


def depths(path: Path, clock: Callable[[], float] = time.time) -> list[Depth]:
    """What each destination lacks; `clock` gives seconds since 1970. Raises JournalUnavailable."""
    with trail.reading(path) as db:
        rows = db.execute(
            """
            SELECT destination, pending, refused, (SELECT at FROM record WHERE record.seq = oldest),
                   coalesce((SELECT diagnostics FROM outbox
                             WHERE outbox.destination = lacking.destination AND state <> 'delivered'
                             AND diagnostics <> '' ORDER BY position LIMIT 1), '')
            FROM (SELECT destination, sum(state = 'pending') AS pending, sum(state = 'refused') AS refused,
                         min(CASE WHEN state = 'pending' THEN seq END) AS oldest
                  FROM outbox WHERE state <> 'delivered' GROUP BY destination) AS lacking
            ORDER BY destination
            """
        ).fetchall()
    return [
        Depth(destination, pending, refused, _age(oldest, clock()), problem)
        for destination, pending, refused, oldest, problem in rows
    ]


def pending(path: Path, destination: str) -> Iterator[Undelivered]:
    """The events that wait for one destination, oldest first. Raises JournalUnavailable."""
    last = 0
    while page := _page(path, destination, last):
        yield from page
        last = page[-1].position


def report(journal: Journal, destination: str, delivered: int, problem: str | None) -> DeliveryReport:
    """What a round did, with what is left."""
    with trail.reading(journal.path) as db:
        (pending,) = db.execute(
            "SELECT count(*) FROM outbox WHERE destination = ? AND state = 'pending'", (destination,)
        ).fetchone()
        refused = db.execute(
            f"SELECT {_COLUMNS} FROM outbox WHERE destination = ? AND state = 'refused' ORDER BY position",  # noqa: S608
            (destination,),
        )
        return DeliveryReport(delivered, pending, tuple(Undelivered(*row) for row in refused), problem)


def note(journal: Journal, entries: Sequence[Undelivered], state: str, problem: str, now: float) -> None:
    """Put the outcome of an attempt on disk, and when to try again. Raises JournalUnavailable."""

    def noted(write: Transaction) -> None:
        write.connection.executemany(
            "UPDATE outbox SET state = ?, attempts = ?, next_at = ?, diagnostics = ? WHERE position = ?",
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


def _page(path: Path, destination: str, after: int) -> list[Undelivered]:
    with trail.reading(path) as db:
        rows = db.execute(
            f"SELECT {_COLUMNS} FROM outbox WHERE destination = ? AND state = 'pending' AND position > ?"  # noqa: S608
            " ORDER BY position LIMIT ?",
            (destination, after, PAGE),
        )
        return [Undelivered(*row) for row in rows]


def _age(at: str | None, now: float) -> float:
    return max(0.0, now - datetime.fromisoformat(at).timestamp()) if at else 0.0
