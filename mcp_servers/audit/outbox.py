"""Delivers queued AuditEvents to the FHIR store whose records they are about, at least once each.

`PUT AuditEvent/<call id>` is idempotent, so a delivery cut off between the server's answer and its note
here is only repeated. Within a session events go in their order: one that has to wait holds back those
behind it, one that the server refuses for good does not.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_servers.audit import trail
from mcp_servers.audit.journal import Journal

if TYPE_CHECKING:
    import httpx

LONGEST_WAIT = 3600.0
"""Seconds; the wait doubles from one second with each attempt, up to this."""

MAX_ANSWER = 64 * 1024
"""Bytes of an answer that are read; what a server says is wrong fits in them."""

# A verdict on the event itself. Everything else may be right tomorrow: a wrong address or token (401, 403,
# 404, 405), two writers (409), a server under load (408, 429, 5xx) say nothing about the event.
REFUSALS = {400, 406, 410, 412, 413, 415, 422}


@dataclass(frozen=True, slots=True)
class Undelivered:
    """An event that is not in its FHIR store yet (`pending`), or was turned away for good (`refused`)."""

    seq: int
    id: str
    session: str
    destination: str
    state: str
    attempts: int
    diagnostics: str


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What one round did, and what this server still lacks; `problem` says why, when something went wrong."""

    delivered: int
    pending: int
    refused: tuple[Undelivered, ...]
    problem: str | None = None


def undelivered(journal: Journal) -> list[Undelivered]:
    """Every event that is not in its FHIR store, oldest first. Raises JournalUnavailable."""
    with trail.reading(journal.path) as db:
        rows = db.execute(
            "SELECT seq, id, session, destination, state, attempts, diagnostics FROM outbox"
            " WHERE state <> 'delivered' ORDER BY position"
        )
        return [Undelivered(*row) for row in rows]


async def deliver(
    journal: Journal,
    http: "httpx.AsyncClient",
    limit: int | None = None,
    clock: Callable[[], float] = time.time,
) -> DeliveryReport:
    """Send what is due to the server at `http.base_url`, at most `limit` events, those of earlier runs first.

    Events about other servers stay. An unreachable server is no error: its events are pending, and the time
    of their next attempt is on disk. `clock` gives seconds since 1970. Raises JournalUnavailable.
    """
    destination = str(http.base_url).rstrip("/")
    attempts = delivered = 0
    problem: str | None = None
    waiting: set[str] = set()  # sessions whose next event has to wait
    for entry, next_at in _pending(journal, destination):
        if entry.session in waiting or next_at > clock():
            waiting.add(entry.session)
            continue
        if attempts == limit:
            break
        attempts += 1
        status, said = await _put(http, entry.id, json.dumps(journal.event(entry.id)))
        if status in (200, 201):
            delivered += 1
            _note(journal, entry, "delivered", "", clock())
            continue
        problem = f"{destination} {said}"
        _note(journal, entry, "refused" if status in REFUSALS else "pending", problem, clock())
        if status is None:
            break
        if status not in REFUSALS:
            waiting.add(entry.session)
    left = [entry for entry in undelivered(journal) if entry.destination == destination]
    refused = tuple(entry for entry in left if entry.state == "refused")
    return DeliveryReport(delivered, len(left) - len(refused), refused, problem)


def _pending(journal: Journal, destination: str) -> list[tuple[Undelivered, float]]:
    """The events for one server that are to be sent, each with the time before which it waits."""
    with trail.reading(journal.path) as db:
        rows = db.execute(
            "SELECT seq, id, session, destination, state, attempts, diagnostics, next_at FROM outbox"
            " WHERE destination = ? AND state = 'pending' ORDER BY position",
            (destination,),
        )
        return [(Undelivered(*row[:-1]), row[-1]) for row in rows]


async def _put(http: "httpx.AsyncClient", event_id: str, event: str) -> tuple[int | None, str]:
    """The status that the server answered, None when it could not be reached, and its words."""
    import httpx

    try:
        async with http.stream(
            "PUT",
            f"AuditEvent/{event_id}",
            content=event,
            headers={
                "Content-Type": "application/fhir+json",
                "Accept-Encoding": "identity",
                "X-Request-ID": event_id,
            },
        ) as response:
            body = bytearray()
            async for chunk in response.aiter_raw():  # unpacked, a small answer could fill the memory
                body += chunk
                if len(body) > MAX_ANSWER:
                    break
    except httpx.RequestError as error:
        return None, f"cannot be reached ({type(error).__name__})"
    said = _diagnostics(body) or response.reason_phrase
    return response.status_code, f"answered {response.status_code}: {said}"


def _diagnostics(body: bytearray) -> str:
    """What the server says is wrong: its OperationOutcome's words, empty when it is none."""
    try:
        issues = json.loads(body)["issue"]
        said = [str(issue.get("diagnostics") or issue["details"]["text"]) for issue in issues]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ""
    return "".join(filter(str.isprintable, "; ".join(said)))[:500]


def _note(journal: Journal, entry: Undelivered, state: str, problem: str, now: float) -> None:
    """Put the outcome of an attempt on disk, and when to try again."""
    wait = min(2.0**entry.attempts, LONGEST_WAIT)
    journal.write(
        lambda write: write.connection.execute(
            "UPDATE outbox SET state = ?, attempts = ?, next_at = ?, diagnostics = ? WHERE id = ?",
            (state, entry.attempts + 1, now + wait, problem, entry.id),
        )
    )
