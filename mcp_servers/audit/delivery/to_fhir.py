"""Delivers queued AuditEvents to the FHIR store whose records they are about, at least once each.

`PUT AuditEvent/<id>` is idempotent, so a delivery cut off between the server's answer and its note here is
only repeated. Events go many at once, as a FHIR transaction, which the server takes whole or not at all: so
within a session they keep their order. Where one is not taken, its events go one by one; one that has to wait
holds back those behind it in its session, one that the server refuses for good does not.
"""

import json
import re
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.delivery.outbox import DeliveryReport, Undelivered, note, pending, report

if TYPE_CHECKING:
    import httpx

BATCH = 50
"""Events in one transaction."""

BATCH_BYTES = 1_000_000

MAX_ANSWER = 256 * 1024
"""Bytes of an answer that are read; what a server says is wrong fits in them, and what it says of a batch."""

ANSWER_SECONDS = 15.0
"""Silence after which a store counts as unreachable: sooner than those who run a round give it up."""

# A verdict on the event itself. Everything else may be right tomorrow: a wrong address or token (401, 403,
# 404, 405), two writers (409), a server under load (408, 429, 5xx) say nothing about the event.
REFUSALS = {400, 406, 410, 412, 413, 415, 422}

# Of these, the next event would hear the same: a round ends with them.
OF_ALL = {None, 401, 403, 408, 429, 502, 503, 504}

# A server that knows no AuditEvents says these of every one; one that knows no transactions, of those alone.
UNKNOWN = {404, 405, 501}

TAKEN = {200, 201}

ISSUE_TYPES = {
    "invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired",
    "forbidden", "suppressed", "processing", "not-supported", "duplicate", "multiple-matches", "not-found",
    "deleted", "too-long", "code-invalid", "extension", "too-costly", "business-rule", "conflict",
    "transient", "lock-error", "no-store", "exception", "timeout", "incomplete", "throttled",
    "informational",
}  # fmt: skip
"""FHIR R4's codes of an issue (http://hl7.org/fhir/ValueSet/issue-type)."""

_HAPI = re.compile(r"HAPI-\d{4}\b")  # the number by which HAPI's documentation and log know a message


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
    sending = _Round(journal, http, destination, clock)
    attempts = 0
    batch: list[_Event] = []
    for entry in pending(journal.path, destination):
        if attempts == limit or sending.over:
            break
        if entry.session in sending.waiting or entry.next_at > clock():
            sending.waiting.add(entry.session)
            continue
        attempts += 1
        content = journal.event(entry.id)
        if content is None:  # delivered by another process meanwhile, and erased: what waits is never erased
            continue
        event = _Event(entry, content)
        # What failed once goes alone, so that it holds up no others.
        if entry.attempts or len(batch) == BATCH or sum(len(one.text) for one in batch) > BATCH_BYTES:
            await sending.send(batch)
            batch = []
        if entry.attempts:
            await sending.send([event])
        else:
            batch.append(event)
    await sending.send(batch)
    return report(journal, destination, sending.delivered, sending.problem)


@dataclass
class _Event:
    entry: Undelivered
    resource: dict[str, Any]
    text: str = ""

    def __post_init__(self) -> None:
        self.text = json.dumps(self.resource)


@dataclass
class _Round:
    """One round of delivery: `waiting` are the sessions whose next event has to wait."""

    journal: Journal
    http: "httpx.AsyncClient"
    destination: str
    clock: Callable[[], float]
    waiting: set[str] = field(default_factory=set)
    delivered: int = 0
    problem: str | None = None
    over: bool = False

    async def send(self, batch: Sequence[_Event]) -> None:
        """Send events, and put on disk how each fared. Devices that they refer to go before them."""
        batch = [one for one in batch if one.entry.session not in self.waiting]
        if not batch or self.over:
            return
        devices = {
            name: device
            for name, device in _devices(self.journal, self.destination).items()
            if any(_refers(one, name) for one in batch)
        }
        if len(batch) + len(devices) > 1:
            status, said = await self._transaction(devices, batch)
            if status in TAKEN:
                self._note(batch, "delivered", "")
                _delivered(self.journal, self.destination, devices)
                return
            if status in OF_ALL:
                self._wait(batch, status, said)
                return
        await self._one_by_one(devices, batch)

    async def _one_by_one(self, devices: dict[str, dict[str, Any]], batch: Sequence[_Event]) -> None:
        missing: dict[str, tuple[int | None, str]] = {}
        for device_id, device in devices.items():
            status, said = await self._put(f"Device/{device_id}", json.dumps(device), device_id)
            if status in TAKEN:
                _delivered(self.journal, self.destination, [device_id])
            else:
                # Its events are not at fault: whatever is said of their Device, they wait.
                missing[device_id] = status if status in OF_ALL else 409, f"{said}, to Device/{device_id}"
        for one in batch:
            if one.entry.session in self.waiting or self.over:
                continue
            if absent := [why for name, why in missing.items() if _refers(one, name)]:
                self._wait([one], *absent[0])
                continue
            status, said = await self._put(f"AuditEvent/{one.entry.id}", one.text, one.entry.id)
            if status in TAKEN:
                self._note([one], "delivered", "")
            elif status in REFUSALS:
                self.problem = f"{self.destination} {said}"
                self._note([one], "refused", self.problem)
            else:
                self._wait([one], status, said)

    def _wait(self, batch: Sequence[_Event], status: int | None, said: str) -> None:
        self.problem = f"{self.destination} {said}"
        self._note(batch, "pending", self.problem)
        self.waiting |= {one.entry.session for one in batch}
        self.over = status in OF_ALL | UNKNOWN

    def _note(self, batch: Sequence[_Event], state: str, problem: str) -> None:
        note(self.journal, [one.entry for one in batch], state, problem, self.clock())
        if state == "delivered":
            self.delivered += len(batch)

    async def _transaction(
        self, devices: dict[str, dict[str, Any]], batch: Sequence[_Event]
    ) -> tuple[int | None, str]:
        """As `_put`; 200 only where the server says that it took every entry."""
        resources = [*devices.values(), *(one.resource for one in batch)]
        entries = [
            {
                "resource": resource,
                "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
            }
            for resource in resources
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        status, said, body = await self._request("POST", "", json.dumps(bundle), str(uuid.uuid4()))
        if status in TAKEN and not _took_all(body, len(entries)):
            return 422, "took the transaction in a way that its answer does not tell"
        return status, said

    async def _put(self, path: str, resource: str, request_id: str) -> tuple[int | None, str]:
        """The status that the server answered, None when it could not be reached, and its codes."""
        status, said, _ = await self._request("PUT", path, resource, request_id)
        return status, said

    async def _request(
        self, method: str, path: str, content: str, request_id: str
    ) -> tuple[int | None, str, bytearray]:
        import httpx

        body = bytearray()
        headers = {
            "Content-Type": "application/fhir+json",
            "Accept-Encoding": "identity",
            "X-Request-ID": request_id,
        }
        try:
            async with self.http.stream(
                method, path, content=content, headers=headers, timeout=ANSWER_SECONDS
            ) as response:
                async for chunk in response.aiter_raw():  # unpacked, a small answer could fill the memory
                    body += chunk
                    if len(body) > MAX_ANSWER:
                        break
        except httpx.RequestError as error:
            return None, f"cannot be reached ({type(error).__name__})", body
        return response.status_code, _answered(response.status_code, body), body


def _refers(event: _Event, device_id: str) -> bool:
    return f'"Device/{device_id}"' in event.text


def _devices(journal: Journal, destination: str) -> dict[str, dict[str, Any]]:
    """The Devices that a destination does not hold yet, by id."""
    with trail.reading(journal.path) as db:
        rows = db.execute(
            "SELECT id, resource FROM device WHERE destination = ? AND delivered = 0 ORDER BY id",
            (destination,),
        ).fetchall()
    return {device_id: json.loads(resource) for device_id, resource in rows}


def _delivered(journal: Journal, destination: str, devices: Sequence[str] | dict[str, Any]) -> None:
    if devices:
        rows = [(device_id, destination) for device_id in devices]
        journal.write(
            lambda write: write.connection.executemany(
                "UPDATE device SET delivered = 1 WHERE id = ? AND destination = ?", rows
            )
        )


def _took_all(body: bytearray, entries: int) -> bool:
    """Whether the answer to a transaction lists as many entries, each with a success."""
    try:
        statuses = [str(entry["response"]["status"]) for entry in json.loads(body)["entry"]]
    except (ValueError, LookupError, TypeError, RecursionError):
        return False
    return len(statuses) == entries and all(status.startswith("20") for status in statuses)


def _answered(status: int, body: bytearray) -> str:
    """What the server answered, in codes: its words may repeat what is in the event, a patient's name too.

    It stays in plain in the outbox. Who wants the words finds them in the server's log, by the X-Request-ID.
    """
    try:
        issues = json.loads(body)["issue"]
        codes = [issue.get("code") for issue in issues if issue.get("code") in ISSUE_TYPES]
        numbers = [_HAPI.match(str(issue.get("diagnostics"))) for issue in issues]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        codes, numbers = [], []
    known = dict.fromkeys([*codes, *(number[0] for number in numbers if number)])
    phrase = HTTPStatus(status).phrase if status in {*HTTPStatus} else ""
    return f"answered {status} {phrase}".rstrip() + (f" ({', '.join(known)})" if known else "")
