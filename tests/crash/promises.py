"""What a trail promises, whatever was killed: checked against what the writers were told."""

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from mcp_servers.audit.chain import trail as reading
from mcp_servers.audit.chain.content import Content
from mcp_servers.audit.chain.keys import Ring
from mcp_servers.audit.chain.verify import verify
from tests.crash.shelf import Shelf
from tests.crash.worker import RING


@dataclass
class Writer:
    """A process that writes; `inside`: it kills itself. `ended` had ended before it was started."""

    name: str
    process: BaseProcess
    inside: bool
    told_file: Path
    ended: frozenset[str]
    how: str = "killed by itself, at a line of the trail's code"

    @property
    def alive(self) -> bool:
        """Whether it was not killed yet."""
        return self.process.is_alive()

    def told(self) -> list[tuple[str, str]]:
        """What it was told: promise and what it is about. A line cut off by the kill was not told."""
        if not self.told_file.exists():
            return []
        lines = self.told_file.read_text().split("\n")[:-1]
        return [(promise, what) for promise, _, what in (line.partition(" ") for line in lines)]

    def wait(self, seconds: float) -> None:
        """Until it has started, or ended."""
        deadline = time.monotonic() + seconds
        while self.alive and not self.told() and time.monotonic() < deadline:
            time.sleep(0.001)


@dataclass
class Trail:
    """A journal and all that ever wrote to it. Sessions are named `writer-number`."""

    path: Path
    writers: list[Writer] = field(default_factory=list)
    all_ended: bool = False
    kinds: Counter[str] = field(default_factory=Counter)
    begun: dict[str, str] = field(default_factory=dict)  # the session of each intent
    completed: dict[str, str] = field(default_factory=dict)  # the outcome of each completion
    last: int = 0

    def found(self) -> dict[str, int]:
        """How many of everything."""
        unknown = sum(outcome == "unknown" for outcome in self.completed.values())
        return {
            "writers": len(self.writers),
            "sessions": len(set(self.begun.values())),
            "records": self.last,
            "intents": len(self.begun),
            "completions by the writer itself": len(self.completed) - unknown,
            "completions of unknown outcome, by the next start": unknown,
            "checkpoints": self.kinds["checkpoint"],
            "rotations of the key": self.kinds["key"] - 1,
        }


def broken(trail: Trail) -> list[str]:
    """The promises that are not kept, in words; for a journal that others may be writing to."""
    told = {writer.name: writer.told() for writer in trail.writers}  # before the trail is read
    failed = [
        f"{name} failed: {what}"
        for name, lines in told.items()
        for promise, what in lines
        if promise == "failed"
    ]
    if failed or not any(told.values()):
        return failed
    state = verify(trail.path, [key.public for key in RING])
    if state.finding:
        return [f"it does not verify: {state.finding}"]
    return [*_pairs(trail), *_kept(trail, told), *_closed(trail, told), *_queued(trail.path)]


def _pairs(trail: Trail) -> Iterator[str]:
    """Read what is new: no completion without intent before it, and one a call."""
    with reading.reading(trail.path) as db:
        rows = db.execute(f"{reading.COLUMNS} WHERE seq > ? ORDER BY seq", (trail.last,)).fetchall()
        records = [reading._record(row) for row in rows]
    for record in records:
        trail.last = record.seq
        trail.kinds[record.kind] += 1
        if record.kind == "intent":
            trail.begun[record.id] = record.session
        elif record.kind == "completion":
            call = record.body["call"]
            if call not in trail.begun:
                yield f"record {record.seq} completes a call that was never begun"
            if call in trail.completed:
                yield f"record {record.seq} completes a call a second time"
            trail.completed[call] = record.body["outcome"]


def _kept(trail: Trail, told: dict[str, list[tuple[str, str]]]) -> Iterator[str]:
    """What a process was told is on the trail."""
    for name, lines in told.items():
        for promise, what in lines:
            if promise == "begun" and what not in trail.begun:
                yield f"{name} was told that {what} was begun, and it is not on the trail"
            if promise == "completed" and trail.completed.get(what, "unknown") == "unknown":
                yield f"{name} was told that {what} was completed, and the trail says otherwise"


def _closed(trail: Trail, told: dict[str, list[tuple[str, str]]]) -> Iterator[str]:
    """What the dead left open was closed by the next start, and nothing that the living hold."""
    alive = {writer.name for writer in trail.writers if writer.alive}  # after the trail was read
    ended = {name for writer in trail.writers if told[writer.name] for name in writer.ended}
    if trail.all_ended:
        ended = {writer.name for writer in trail.writers}
    for call, session in trail.begun.items():
        writer = session.partition("-")[0]
        if trail.completed.get(call) == "unknown" and writer in alive:
            yield f"{call} was closed as abandoned, and {writer}, which holds it, is alive"
        if call not in trail.completed and writer in ended:
            yield f"{call} of {writer}, which ended, is still open"


def _queued(path: Path) -> Iterator[str]:
    """Each completed tool call has its event, in the outbox or delivered."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        for (seq,) in db.execute(
            "SELECT completion.seq FROM record AS completion"
            " JOIN record AS intent ON intent.id = json_extract(completion.body, '$.call')"
            " LEFT JOIN outbox ON outbox.seq = completion.seq"
            " WHERE completion.kind = 'completion' AND outbox.id IS NULL"
            " AND json_extract(intent.body, '$.act') = 'tool_call'"
        ):
            yield f"the event of completion {seq} is lost"


def delivered_wrongly(path: Path, ring: Ring, shelf: Shelf) -> Iterator[str]:
    """After all was delivered: what the store holds is what was queued, and came in its session's order."""
    first: dict[str, int] = {}
    holds: dict[str, Any] = {}
    for number, (place, resource) in enumerate(shelf.arrivals()):
        first.setdefault(place, number)
        if place in holds and holds[place] != resource:
            yield f"{place} came twice, and not the same"
        holds[place] = resource
    latest: dict[str, int] = {}
    content, queued = Content(ring), set()
    with reading.reading(path) as db:
        for event_id, session, sealed, at in db.execute(
            "SELECT outbox.id, outbox.session, event, record.at FROM outbox JOIN record USING (seq)"
            " ORDER BY position"
        ):
            place = f"AuditEvent/{event_id}"
            queued.add(place)
            if content.open(db, at, event_id, sealed) != holds.get(place):
                yield f"{place} is not in the store as it was queued"
            elif first[place] < latest.get(session, -1):
                yield f"{place} came before an older event of its session"
            latest[session] = max(latest.get(session, -1), first.get(place, -1))
    yield from (
        f"{place} is in the store and was never queued"
        for place in holds
        if place.startswith("AuditEvent/") and place not in queued
    )
