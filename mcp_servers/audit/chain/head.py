"""The journal's head: its last record, signed, in the database and in a file of its own beside it.

The database holds the head of each commit, so nobody without the key can add a record, or write the last ones
anew. But a database whose tail was cut off, or whose write-ahead log was lost, is whole in itself; only what
lies outside it can tell. The file is written after each commit, so it never names a record that was not
there: it may lag behind after a crash, and a crash is all it cannot tell from the loss of the very last
commit. An older journal can only be put back as a whole, with its head; it then lacks what the FHIR store
holds.
"""

import os
import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mcp_servers.audit.chain.keys import Key, signed
from mcp_servers.audit.chain.record import GENESIS

PURPOSE = "head"


@dataclass(frozen=True, slots=True)
class Head:
    """The number and the hash of a record; 0 and GENESIS before the first."""

    seq: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class SignedHead(Head):
    """A head with its signature (hex)."""

    signature: str = ""

    def stands(self, public: str) -> bool:
        """Whether the key with this public half signed it."""
        return signed(public, self.signature, PURPOSE, self.seq, self.hash)


def sign_head(head: Head, key: Key) -> SignedHead:
    """The head, signed."""
    return SignedHead(head.seq, head.hash, key.sign(PURPOSE, head.seq, head.hash))


def signed_head(db: sqlite3.Connection) -> SignedHead | None:
    """The head that the database holds."""
    row = db.execute("SELECT seq, hash, signature FROM head").fetchone()
    return SignedHead(*row) if row else None


def head_path(journal: Path) -> Path:
    """Where the head of `journal` lies."""
    return journal.with_name(journal.name + ".head")


def read_head(journal: Path) -> SignedHead | None:
    """The head of `journal`, None when it is gone or is none. Raises OSError when it may not be read."""
    try:
        line = head_path(journal).read_bytes()
    except FileNotFoundError:
        return None
    found = re.fullmatch(rb"(\d{20}) ([0-9a-f]{64}) ([0-9a-f]{128})\n", line)
    return SignedHead(int(found[1]), found[2].decode(), found[3].decode()) if found else None


def create_head(journal: Path, key: Key) -> None:
    """Write the head of a journal that has no record yet, durably, for the user alone."""
    with os.fdopen(os.open(head_path(journal), os.O_WRONLY | os.O_CREAT, 0o600), "wb", 0) as file:
        write_head(file, sign_head(Head(), key))
        os.fsync(file.fileno())


def open_head(journal: Path) -> BinaryIO:
    """The head of `journal`, for `write_head`."""
    return head_path(journal).open("r+b", buffering=0)


def write_head(file: BinaryIO, head: SignedHead) -> None:
    """Overwrite the head in place: one line of fixed width, so no new space is needed on a full disk."""
    file.seek(0)
    file.write(f"{head.seq:020d} {head.hash} {head.signature}\n".encode())
