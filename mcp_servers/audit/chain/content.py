"""What was said (questions, arguments, answers, AuditEvents), sealed with a key for each month.

The chain runs over what is sealed, so a month's key can be destroyed, and what it sealed with it, while the
chain still verifies. A backup of the journal holds the wrapped keys of its day.
"""

import json
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from mcp_servers.audit.chain.errors import KeyUnusable
from mcp_servers.audit.chain.keys import Key, Ring, new_content_key, seal, unseal


def month_of(at: str) -> str:
    """The month (`2026-11`) of a time in ISO 8601."""
    return at[:7]


@dataclass
class Content:
    """Seals and opens content with the keys of a journal's months, which `db` holds wrapped."""

    ring: Ring
    _keys: dict[str, bytes] = field(default_factory=dict)

    def seal(self, db: sqlite3.Connection, key: Key, at: str, place: str, content: Any) -> str:
        """`content` (JSON), sealed for the record or event `place` of the time `at`; within a transaction.

        Raises KeyUnusable.
        """
        month = month_of(at)
        if not self._known(db, month):
            made = new_content_key()
            db.execute("INSERT INTO content_key VALUES (?, ?)", (month, key.wrap(month, made)))
            self._keys[month] = made
        if month not in self._keys:
            raise KeyUnusable(f"What was said in {month} was erased: is the clock right?")
        # No canonical form: what is hashed is what was sealed, as it lies in the journal.
        return seal(
            self._keys[month], place, json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
        )

    def open(self, db: sqlite3.Connection, at: str, place: str, sealed: str) -> Any:
        """What was sealed, None where its month was erased. Raises KeyUnusable without the right key."""
        month = month_of(at)
        if not self._known(db, month) or month not in self._keys:
            return None
        return json.loads(unseal(self._keys[month], place, sealed))

    def forget(self) -> None:
        """Look every key up anew: the journal's were changed, or a write that made one was undone."""
        self._keys.clear()

    def _known(self, db: sqlite3.Connection, month: str) -> bool:
        """Whether the month has a row; its key is then at hand, unless it was erased."""
        if month in self._keys:
            return True
        row = db.execute("SELECT wrapped FROM content_key WHERE month = ?", (month,)).fetchone()
        if row is None:
            return False
        if row[0] is not None:
            self._keys[month] = self.unwrapped(month, row[0])
        return True

    def unwrapped(self, month: str, wrapped: str) -> bytes:
        """A month's key. Raises KeyUnusable where no key of the ring wrapped it."""
        for key in reversed(self.ring):
            try:
                return key.unwrap(month, wrapped)
            except KeyUnusable:
                continue
        raise KeyUnusable(
            f"No audit key at hand opens what was said in {month}; bring back the key it was written with."
        )


def rewrap(db: sqlite3.Connection, content: Content, key: Key) -> None:
    """Wrap every month's key by another key, within a transaction."""
    months = db.execute("SELECT month, wrapped FROM content_key WHERE wrapped IS NOT NULL").fetchall()
    for month, wrapped in months:
        db.execute(
            "UPDATE content_key SET wrapped = ? WHERE month = ?",
            (key.wrap(month, content.unwrapped(month, wrapped)), month),
        )


def kept(db: sqlite3.Connection, before: str) -> list[str]:
    """The months before `before` (`2026-11`) of which something that was said is still there."""
    months = db.execute(
        "SELECT month FROM content_key WHERE month < ? AND wrapped IS NOT NULL ORDER BY month", (before,)
    )
    return [month for (month,) in months]


def erase(db: sqlite3.Connection, before: str, *, undelivered: bool) -> list[str]:
    """Destroy the keys of the months before `before` (`2026-11`), within a transaction; which they were.

    A month with an AuditEvent that still waits for its FHIR store keeps its key, but if `undelivered`: what
    waits is then refused, as there is nothing left to send.
    """
    due = kept(db, before)
    if not due:  # as nearly always: what waits need not be looked at
        return []
    waiting = {
        month
        for (month,) in db.execute(
            "SELECT DISTINCT substr(record.at, 1, 7) FROM outbox INDEXED BY outbox_pending"
            " JOIN record USING (seq) WHERE outbox.state = 'pending'"
        )
    }
    months = [month for month in due if undelivered or month not in waiting]
    for month in months:
        db.execute("UPDATE content_key SET wrapped = NULL WHERE month = ?", (month,))
    for month in waiting.intersection(months):
        db.execute(
            "UPDATE outbox SET state = 'refused' WHERE state = 'pending'"
            " AND seq IN (SELECT seq FROM record WHERE substr(at, 1, 7) = ?)",
            (month,),
        )
    return months
