"""A scripted stand-in for a FHIR server's AuditEvents and Devices: answers as told, keeps what it took."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

import httpx

from .trails import BASE

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class ScriptedStore:
    """An ASGI application: `answers` are the statuses of what is asked next of AuditEvents, then as they fit.

    It takes a transaction whole or not at all, and none where `transactions` is false; it refuses what refers
    to a Device that it does not hold, and the events whose ids are in `unfit`.
    """

    def __init__(self, *, transactions: bool = True) -> None:
        self.transactions = transactions
        self.answers: list[int] = []
        self.unfit: set[str] = set()
        self.events: dict[str, dict[str, Any]] = {}
        self.devices: dict[str, dict[str, Any]] = {}
        self.put: list[str] = []
        self.request_ids: list[str] = []
        self.requests = 0

    def client(self) -> httpx.AsyncClient:
        """A client whose base is this store."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self), base_url=BASE)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        self.requests += 1
        body = (await receive())["body"]
        path = scope["path"].removeprefix("/fhir").strip("/")
        if scope["method"] == "POST":
            answer = self._transaction(json.loads(body))
        elif scope["method"] == "PUT":
            self.request_ids.append(dict(scope["headers"])[b"x-request-id"].decode())
            answer = self._put(path, json.loads(body))
        elif path == "AuditEvent":
            query = parse_qs(scope["query_string"].decode())
            answer = (self.answers.pop(0) if self.answers else 200, self._search(query))
        else:
            held = self.events.get(path.removeprefix("AuditEvent/"))
            status = self.answers.pop(0) if self.answers else 200 if held else 404
            answer = (status, held if held and status == 200 else outcome(f"HAPI-1094: status {status}"))
        status, content = answer
        headers = [(b"content-type", b"application/fhir+json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(content).encode()})

    def _search(self, query: dict[str, list[str]]) -> dict[str, Any]:
        """The events of a site, not older than a time."""
        found = [
            event
            for event in self.events.values()
            if event["source"].get("site") == query["site"][0]
            and "ge" + event["recorded"] >= query["date"][0]
        ]
        return {"resourceType": "Bundle", "entry": [{"resource": event} for event in found]}

    def _put(self, path: str, resource: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        kind, _, name = path.partition("/")
        answers = self.answers if kind == "AuditEvent" else []
        if kind == "AuditEvent":
            self.put.append(name)
        status = answers.pop(0) if answers else self._verdict([resource]) or 201
        if status in (200, 201):
            self._keep(resource)
            return status, resource
        return status, outcome(f"HAPI-1094: status {status}")

    def _transaction(self, bundle: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        resources = [entry["resource"] for entry in bundle["entry"]]
        status = 404 if not self.transactions else self.answers.pop(0) if self.answers else None
        status = status or self._verdict(resources) or 200
        if status != 200:
            return status, outcome(f"HAPI-1094: status {status}")
        for resource in resources:
            if resource["resourceType"] == "AuditEvent":
                self.put.append(resource["id"])
            self._keep(resource)
        return 200, {
            "resourceType": "Bundle",
            "entry": [{"response": {"status": "201 Created"}}] * len(resources),
        }

    def _verdict(self, resources: list[dict[str, Any]]) -> int | None:
        """What a server with referential integrity says of resources that it is to take together."""
        known = self.devices.keys() | {one["id"] for one in resources if one["resourceType"] == "Device"}
        for resource in resources:
            if resource["id"] in self.unfit:
                return 422
            for agent in resource.get("agent", []):
                kind, _, name = agent["who"].get("reference", "").partition("/")
                if kind == "Device" and name not in known:
                    return 400
        return None

    def _keep(self, resource: dict[str, Any]) -> None:
        kept = self.events if resource["resourceType"] == "AuditEvent" else self.devices
        kept[resource["id"]] = {**resource, "meta": {"versionId": "1"}}


def outcome(diagnostics: str) -> dict[str, Any]:
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "processing", "diagnostics": diagnostics}],
    }
