"""One record of the trail, and the hash that chains it to the one before."""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

import rfc8785

Kind = Literal["session", "intent", "completion", "model_step", "answer"]

GENESIS = "0" * 64
"""What stands for the previous hash in the first record."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it lies in the journal; `at` is UTC (ISO 8601, milliseconds), hashes are lower-case hex."""

    seq: int
    id: str
    session: str
    kind: str
    at: str
    body: dict[str, Any]
    previous: str
    hash: str


def chain_hash(
    previous: str, *, seq: int, record_id: str, session: str, kind: str, at: str, body: dict[str, Any]
) -> str:
    """SHA-256 of the previous hash (hex, ASCII) followed by the record's RFC 8785 form.

    Raises rfc8785.CanonicalizationError for a body without one (NaN, integers beyond 2^53, lone surrogates).
    """
    fields: dict[str, Any] = {
        "seq": seq,
        "id": record_id,
        "session": session,
        "kind": kind,
        "at": at,
        "body": body,
    }
    return hashlib.sha256(previous.encode("ascii") + rfc8785.dumps(fields)).hexdigest()
