"""One write to the journal: records, each chained to the one before, and what is sealed in them."""

import sqlite3
import uuid
from datetime import UTC, datetime
from typing import Any

import rfc8785

from mcp_servers.audit.chain.content import Content
from mcp_servers.audit.chain.head import Head, SignedHead, sign_head
from mcp_servers.audit.chain.keys import Key
from mcp_servers.audit.chain.record import Kind, Record, chain_hash


class Transaction:
    """A write to the journal, all of it or nothing. Given to the work of `Journal.write`."""

    def __init__(self, connection: sqlite3.Connection, sealing: Content, key: Key, now: datetime) -> None:
        self.connection = connection
        self.sealing = sealing
        self.key = key
        last = connection.execute("SELECT seq, hash, at FROM record ORDER BY seq DESC LIMIT 1").fetchone()
        self.head = Head(*last[:2]) if last else Head()
        self.at = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._last_at = last[2] if last else ""

    @property
    def next_seq(self) -> int:
        """The number that the next record will have; its previous hash is `head.hash`."""
        return self.head.seq + 1

    @property
    def journal(self) -> str:
        """The journal's id: that of its first record."""
        return str(self.connection.execute("SELECT id FROM record WHERE seq = 1").fetchone()[0])

    def append(
        self,
        kind: Kind,
        session: str,
        body: dict[str, Any],
        *,
        said: dict[str, Any] | None = None,
        record_id: str | None = None,
    ) -> Record:
        """Add a record to this write; `said` is sealed into it.

        A record that is older than the one before it (the clock went back) says so in `clock_went_back`: the
        time of the one before. Raises rfc8785.CanonicalizationError for what is not I-JSON.
        """
        record_id = record_id or str(uuid.uuid4())
        if said is not None:
            body = {**body, "sealed": self.seal(record_id, said)}
        if self.at < self._last_at:
            body = {**body, "clock_went_back": self._last_at}
        seq, previous, text = self.next_seq, self.head.hash, rfc8785.dumps(body)
        digest = chain_hash(
            previous, seq=seq, record_id=record_id, session=session, kind=kind, at=self.at, body=text
        )
        self.connection.execute(
            "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (seq, record_id, session, kind, self.at, text.decode(), previous, digest),
        )
        self.head, self._last_at = Head(seq, digest), self.at
        return Record(seq, record_id, session, kind, self.at, body, previous, digest)

    def sign(self) -> SignedHead:
        """Sign for the last record."""
        signed = sign_head(self.head, self.key)
        self.connection.execute(
            "INSERT OR REPLACE INTO head VALUES (1, ?, ?, ?)", (signed.seq, signed.hash, signed.signature)
        )
        return signed

    def seal(self, place: str, said: Any) -> str:
        """What was said (JSON), sealed for the record or event `place` of this time."""
        return self.sealing.seal(self.connection, self.key, self.at, place, said)
