"""A scripted stand-in for a FHIR server's AuditEvents: answers as the test says, keeps what it took."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import httpx

from .trails import BASE

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class ScriptedStore:
    """An ASGI application: `answers` are the statuses of the next requests, then 201 and 200 as they fit."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.events: dict[str, dict[str, Any]] = {}
        self.put: list[str] = []
        self.request_ids: list[str] = []

    def client(self) -> httpx.AsyncClient:
        """A client whose base is this store."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self), base_url=BASE)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        event_id = scope["path"].removeprefix("/fhir/AuditEvent/")
        if scope["method"] == "PUT":
            self.put.append(event_id)
            self.request_ids.append(dict(scope["headers"])[b"x-request-id"].decode())
            body = (await receive())["body"]
            status = self.answers.pop(0) if self.answers else 200 if event_id in self.events else 201
            if status in (200, 201):
                self.events[event_id] = {**json.loads(body), "meta": {"versionId": "1"}}
        else:
            status = self.answers.pop(0) if self.answers else 200 if event_id in self.events else 404
        answer = self.events[event_id] if status in (200, 201) else outcome(f"HAPI-1094: status {status}")
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-type", b"application/fhir+json")],
            }
        )
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


def outcome(diagnostics: str) -> dict[str, Any]:
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "processing", "diagnostics": diagnostics}],
    }
