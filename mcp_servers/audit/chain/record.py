"""One record of the trail, and the hash that chains it to the one before."""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

import rfc8785

Kind = Literal["intent", "completion", "checkpoint", "key", "erasure"]
Act = Literal[
    "tool_call", "question", "model_step", "escalation", "re_identification", "refusal", "break_glass",
    "sign_in", "export", "audit_read",
]  # fmt: skip
Outcome = Literal["ok", "refused", "failed", "unknown"]

GENESIS = "0" * 64
"""What stands for the previous hash in the first record."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it lies in the journal; `at` is UTC (ISO 8601, milliseconds), hashes are lower-case hex.

    `body["sealed"]`, where there is one, is what was said: questions, arguments, answers (see `content`).
    """

    seq: int
    id: str
    session: str
    kind: str
    at: str
    body: dict[str, Any]
    previous: str
    hash: str


def chain_hash(
    previous: str, *, seq: int, record_id: str, session: str, kind: str, at: str, body: bytes
) -> str:
    """SHA-256 of the previous hash (hex, ASCII) followed by the record's RFC 8785 form.

    That form is an object of `at`, `body`, `id`, `kind`, `seq` and `session`. `body` comes in RFC 8785 form
    already, and is hashed byte for byte: any other way to write the same JSON gives another hash.
    """
    head = rfc8785.dumps({"at": at})[:-1]
    tail = rfc8785.dumps({"id": record_id, "kind": kind, "seq": seq, "session": session})[1:]
    return hashlib.sha256(previous.encode("ascii") + head + b',"body":' + body + b"," + tail).hexdigest()
