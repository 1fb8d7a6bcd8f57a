"""Records acts: the intent before, the completion after, and the AuditEvents that go to the EMR."""

import hashlib
import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import rfc8785

from mcp_servers.audit.chain.errors import AlreadyCompleted, JournalUnavailable, OutboxFull
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.record import Act, Outcome, Record
from mcp_servers.audit.chain.trail import record_of
from mcp_servers.audit.chain.transaction import Transaction
from mcp_servers.audit.events.auditevent import devices, events
from mcp_servers.audit.identity import PROGRAM, Identity

MAX_PENDING = 100_000
"""AuditEvents that may wait for one destination, or were refused there; some 400 MB."""

CLAIMS = frozenset({"session", "step", "model", "target", "policy_version", "traceparent"})
"""What a client may say of itself in plain: the model is `name`, `revision`, `quantisation`, `digest`."""

_WITH_MONTH = "JOIN record USING (seq) JOIN content_key ON month = substr(record.at, 1, 7)"

TO_FILES = "files"
"""The destination of AuditEvents that go to files (see `sink`), where the FHIR store takes none."""


@dataclass(frozen=True)
class Context:
    """On whose behalf a session acts, through which program, on which FHIR server.

    `server` is the program that asks the FHIR server at `fhir_base`. AuditEvents go to that server unless
    `to_files`; at most `max_pending` of them may lack there.
    """

    session: str
    identity: Identity
    fhir_base: str
    server: str = PROGRAM
    to_files: bool = False
    max_pending: int = MAX_PENDING

    @property
    def destination(self) -> str:
        """Where the session's AuditEvents go."""
        return TO_FILES if self.to_files else self.fhir_base.rstrip("/")


class Call:
    """An act whose intent is on the trail, of `user`.

    `id` is the X-Request-ID of each FHIR request that it makes.
    """

    def __init__(self, journal: Journal, call_id: str, user: str) -> None:
        self.id = call_id
        self.user = user
        self.intent: Record | None = None  # once it is written
        self.asked: dict[str, Any] = {}
        self._journal = journal
        self._began = time.monotonic()
        self._requests: list[dict[str, Any]] = []
        self._withheld = 0
        self._completed = False

    def request(
        self, method: str, url: str, status: int | None, ms: float, entries: int | None = None
    ) -> None:
        """Note a FHIR request as it was sent (the whole URL); `status` is None when no answer came.

        `entries` is how many records the Bundle that came holds; None where none came.
        """
        noted = {"method": method, "url": url, "status": status, "ms": round(ms, 1)}
        self._requests.append(noted if entries is None else {**noted, "entries": entries})

    def withheld(self, count: int) -> None:
        """Note how many records and mentions of others came with the patient's own, and were not shown."""
        self._withheld += count

    def complete(
        self,
        outcome: Outcome,
        *,
        rows: int = 0,
        refs: Sequence[str] = (),
        patients: Sequence[str] = (),
        result_sha256: str = "",
        error: str | None = None,
        facts: dict[str, Any] | None = None,
        said: dict[str, Any] | None = None,
        durable: bool = True,
    ) -> None:
        """Write the completion and queue its AuditEvents, all or nothing.

        `refs` are the `Type/id` that the result holds, `patients` the `Patient/id` that they are about.
        `facts` go into the record as they are (ids and numbers, no patient data), `said` is sealed. Not
        `durable`: with the journal's next write; lost with the process, the act is then of unknown outcome.
        Raises JournalUnavailable (withhold what the act brought) or AlreadyCompleted.
        """
        if self._completed:
            raise AlreadyCompleted(f"The call {self.id} was completed before.")
        body = {
            "outcome": outcome,
            "rows": rows,
            "refs": list(refs),
            "patients": list(patients),
            "result_sha256": result_sha256,
            "error": None if error is None else recordable(error),
            "ms": round((time.monotonic() - self._began) * 1000, 1),
            **({"withheld": self._withheld} if self._withheld else {}),
            **(facts or {}),
        }
        content = {"requests": self._requests, **(said or {})}

        def completed(write: Transaction) -> None:
            if self.intent is None:  # it was deferred, and could not be written
                raise JournalUnavailable(f"The intent of the act {self.id} is not on the trail.")
            complete(write, self.intent, self.asked, body, content)

        if durable:
            self._journal.write(completed)
        else:
            self._journal.defer(completed)
        self._completed = True


class Recorder:
    """Begins the acts of one session."""

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
        """Put the intent of a tool call on disk; only then may the call happen. Raises JournalUnavailable.

        `patient` is the `Patient/id` that the call is bound to or asks for. `meta` is what the client said of
        itself: what CLAIMS names goes into the AuditEvent, the rest is sealed, as it may be anything.
        """
        claims = {name: value for name, value in (meta or {}).items() if name in CLAIMS}
        rest = {name: value for name, value in (meta or {}).items() if name not in CLAIMS}
        said = {"arguments": arguments, **({"meta": rest} if rest else {})}
        return self.act("tool_call", patient=patient, facts={"tool": tool, "meta": claims}, said=said)

    def act(
        self,
        act: Act,
        *,
        patient: str | None = None,
        facts: dict[str, Any] | None = None,
        said: dict[str, Any] | None = None,
        durable: bool = True,
    ) -> Call:
        """Put the intent of any act on disk; only then may it happen. Raises JournalUnavailable.

        `facts` go into the record as they are (ids and numbers), `said` is sealed. Not `durable`: with the
        journal's next write, for an act that does nothing before that.
        """
        identity = self.context.identity
        body = {
            "act": act,
            "patient": patient,
            "user": identity.user,
            "purpose_of_use": identity.purpose_of_use,
            "known_by": identity.how,
            "server": self.context.server,
            "fhir": self.context.fhir_base.rstrip("/"),
            "to": self.context.destination,
            **(facts or {}),
        }
        call = Call(self._journal, call_id(), identity.user)

        def begun(write: Transaction) -> None:
            if durable:  # what is deferred has nobody to tell
                self._check_room(write)
            call.asked = {name: recordable(value) for name, value in (said or {}).items()}
            fit = {name: recordable(value) for name, value in body.items()}
            call.intent = write.append(
                "intent", self.context.session, fit, said=call.asked, record_id=call.id
            )
            write.connection.execute(
                "INSERT INTO open_intent VALUES (?, ?, ?)",
                (call.intent.seq, call.id, self._journal.writer.id),
            )

        if durable:
            self._journal.write(begun)
        else:
            self._journal.defer(begun)
        return call

    def _check_room(self, write: Transaction) -> None:
        """Raise OutboxFull where too many AuditEvents wait, or were refused: neither is in the EMR.

        Of what was refused, that counts which can be sent again: it was not erased.
        """
        where, limit = self.context.destination, self.context.max_pending

        def asked(what: str, state: str, joined: str = "") -> Any:
            query = f"SELECT {what} FROM outbox {joined} WHERE destination = ? AND state = '{state}'"  # noqa: S608
            return write.connection.execute(query, (where,)).fetchone()[0]

        # Each is one look at an index; two in one query would read all that lies between.
        ends = [
            (asked("min(position)", state), asked("max(position)", state)) for state in ("pending", "refused")
        ]
        if sum(last - first + 1 for first, last in ends if first is not None) < limit:  # no need to count
            return
        waiting, refused = asked("count(*)", "pending"), asked("count(*)", "refused")
        if waiting + refused >= limit and refused:
            refused = asked("count(wrapped)", "refused", _WITH_MONTH)
        if waiting + refused >= limit:
            raise OutboxFull(
                f"{where} lacks {waiting + refused} AuditEvents ({waiting} wait, {refused} it refused);"
                " `ehr-navigator audit list --undelivered` says why. No call happens until they are there:"
                " mend what is wrong, then run `ehr-navigator audit deliver --refused`."
            )


def complete(
    write: Transaction, intent: Record, asked: dict[str, Any], body: dict[str, Any], said: dict[str, Any]
) -> None:
    """Write the completion of an intent in a transaction, with its AuditEvents and their Devices.

    `asked` is what the intent sealed. The record's `events` ties each event, as it is sealed, to the chain,
    and `devices` each Device that it was the first to bring in.
    """
    queued = []
    made = events(intent, asked, body, said, at=write.at, seq=write.next_seq, previous=write.head.hash)
    for event in made:
        event["source"]["site"] = write.journal  # by which `stored` finds what a journal should know
        sealed = write.seal(event["id"], event)
        queued.append({"id": event["id"], "sha256": hashlib.sha256(sealed.encode()).hexdigest()})
        write.connection.execute(
            "INSERT INTO outbox (seq, id, session, destination, event) VALUES (?, ?, ?, ?, ?)",
            (write.next_seq, event["id"], intent.session, intent.body["to"], sealed),
        )
    brought = []
    for device in devices(intent) if made else ():
        resource = json.dumps(device)
        new = write.connection.execute(
            "INSERT OR IGNORE INTO device (id, destination, resource) VALUES (?, ?, ?)",
            (device["id"], intent.body["to"], resource),
        ).rowcount
        if new:
            brought.append({"id": device["id"], "sha256": hashlib.sha256(resource.encode()).hexdigest()})
    body = {"call": intent.id, **body, "events": queued, **({"devices": brought} if brought else {})}
    write.append("completion", intent.session, body, said=said)
    closed = write.connection.execute("DELETE FROM open_intent WHERE seq = ?", (intent.seq,)).rowcount
    if not closed:
        raise AlreadyCompleted(f"The call {intent.id} was completed before.")


def close_abandoned(journal: Journal) -> int:
    """Complete, as of unknown outcome, what ended processes left; how many. Raises JournalUnavailable."""

    def closed(write: Transaction) -> int:
        left = write.connection.execute("SELECT seq, writer FROM open_intent ORDER BY seq").fetchall()
        writers = {writer for _, writer in left} | journal.writer.marked()
        dead = {writer for writer in writers if journal.writer.is_dead(writer)}
        for seq in (seq for seq, writer in left if writer in dead):
            intent = record_of(write.connection, seq)
            asked = write.sealing.open(
                write.connection, intent.at, intent.id, str(intent.body.get("sealed", ""))
            )
            body = {
                "outcome": "unknown",
                "rows": 0,
                "refs": [],
                "patients": [],
                "result_sha256": "",
                "error": "unknown outcome: the process ended before the call did",
                "ms": None,
            }
            complete(write, intent, asked or {}, body, {"requests": []})
        return sum(writer in dead for _, writer in left)

    return journal.write(closed)


def call_id() -> str:
    """A UUID with a letter in it: HAPI takes no client-assigned id made of digits alone."""
    while (found := str(uuid.uuid4())).replace("-", "").isdecimal():
        pass
    return found


def recordable(value: Any) -> Any:
    """`value`, or where RFC 8785 cannot express it (NaN, huge integers, lone surrogates) its JSON as text.

    A call with such arguments is refused by its tool, and that refusal belongs on the trail.
    """
    if value is None or (isinstance(value, str) and value.isascii()):  # most are: no need to try
        return value
    try:
        rfc8785.dumps(value)
    except ValueError:  # CanonicalizationError, and UnicodeEncodeError for a surrogate in a key
        return {"json": json.dumps(value)} if isinstance(value, dict) else json.dumps(value)
    return value
