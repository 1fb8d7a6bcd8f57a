"""Records tool calls: the intent before, the completion after, and the AuditEvent that goes to the EMR."""

import hashlib
import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import rfc8785

from mcp_servers.audit.auditevent import tool_call_event
from mcp_servers.audit.errors import AlreadyCompleted
from mcp_servers.audit.journal import Journal
from mcp_servers.audit.record import Record

Outcome = Literal["ok", "refused", "failed"]


@dataclass(frozen=True)
class Context:
    """On whose behalf a session calls, through which program, on which FHIR server.

    `user` is how the person is known where the program runs; `purpose_of_use` a code of HL7's v3-ActReason;
    `server` the program that asks the FHIR server at `fhir_base`.
    """

    session: str
    user: str
    fhir_base: str
    purpose_of_use: str = "TREAT"
    server: str = "ehr-navigator"


class Call:
    """A tool call whose intent is on disk. `id` is the X-Request-ID of each FHIR request that it makes."""

    def __init__(self, journal: Journal, intent: Record) -> None:
        self.id = intent.id
        self._journal = journal
        self._intent = intent
        self._began = time.monotonic()
        self._requests: list[dict[str, Any]] = []
        self._completed = False

    def request(self, method: str, url: str, status: int | None, ms: float) -> None:
        """Note a FHIR request as it was sent (the whole URL); `status` is None when no answer came."""
        self._requests.append({"method": method, "url": url, "status": status, "ms": round(ms, 1)})

    def complete(
        self,
        outcome: Outcome,
        *,
        rows: int = 0,
        refs: Sequence[str] = (),
        patients: Sequence[str] = (),
        result_sha256: str = "",
        error: str | None = None,
    ) -> Record:
        """Write the completion and queue its AuditEvent, both or neither.

        `refs` are the `Type/id` that the result holds, `patients` the `Patient/id` that they are about.
        The record's `event_sha256` ties the event to the chain. Raises JournalUnavailable (the trail then
        shows a call of unknown outcome: withhold its result) or AlreadyCompleted.
        """
        if self._completed:
            raise AlreadyCompleted(f"The call {self.id} was completed before.")
        body: dict[str, Any] = {
            "call": self.id,
            "outcome": outcome,
            "rows": rows,
            "refs": list(refs),
            "patients": list(patients),
            "result_sha256": result_sha256,
            "error": None if error is None else recordable(error),
            "requests": self._requests,
            "ms": round((time.monotonic() - self._began) * 1000, 1),
        }
        with self._journal.transaction() as write:
            seq = write.next_seq
            event = json.dumps(
                tool_call_event(self._intent, body, at=write.at, seq=seq, previous=write.head.hash),
                separators=(",", ":"),
            )
            body["event_sha256"] = hashlib.sha256(event.encode()).hexdigest()
            record = write.append("completion", self._intent.session, body)
            write.connection.execute(
                "INSERT INTO outbox (seq, id, session, destination, event) VALUES (?, ?, ?, ?, ?)",
                (seq, self.id, self._intent.session, self._intent.body["fhir"], event),
            )
        self._completed = True
        return record


class Recorder:
    """Begins the calls of one session."""

    def __init__(self, journal: Journal, context: Context) -> None:
        self.context = context
        self._journal = journal

    def begin(
        self,
        tool: str,
        arguments: dict[str, Any],
        patient: str | None = None,
        meta: dict[str, Any] | None = None,
    ) -> Call:
        """Put the intent of a call on disk; only then may the call happen. Raises JournalUnavailable.

        `patient` is the `Patient/id` that the call is bound to or asks for. `meta` is what the client said of
        itself: `step` (its number) and `model` (`name`, `revision`, `quantisation`) go into the AuditEvent.
        """
        body = {
            "tool": tool,
            "arguments": arguments,
            "patient": patient,
            "user": self.context.user,
            "purpose_of_use": self.context.purpose_of_use,
            "server": self.context.server,
            "fhir": self.context.fhir_base.rstrip("/"),
            "meta": meta or {},
        }
        session, made = self.context.session, call_id()
        with self._journal.transaction() as write:
            try:
                intent = write.append("intent", session, body, record_id=made)
            except ValueError:  # see `recordable`; nothing of it is written yet
                fit = {name: recordable(value) for name, value in body.items()}
                intent = write.append("intent", session, fit, record_id=made)
        return Call(self._journal, intent)


def call_id() -> str:
    """A UUID with a letter in it: HAPI takes no client-assigned id made of digits alone."""
    while (found := str(uuid.uuid4())).replace("-", "").isdecimal():
        pass
    return found


def recordable(value: Any) -> Any:
    """`value`, or where RFC 8785 cannot express it (NaN, huge integers, lone surrogates) its JSON as text.

    A call with such arguments is refused by its tool, and that refusal belongs on the trail.
    """
    try:
        rfc8785.dumps(value)
    except ValueError:  # CanonicalizationError, and UnicodeEncodeError for a surrogate in a key
        return {"json": json.dumps(value)} if isinstance(value, dict) else json.dumps(value)
    return value
