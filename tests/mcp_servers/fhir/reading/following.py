"""A chart that changes, followed by refreshes of a snapshot, for tests."""

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.reading.snapshot import Changes, Snapshot
from tests.mcp_servers.fhir.scripted import (
    ScriptedFhir,
    a_call,
    fhir,
    http_to,
    observation,
)

Resource = dict[str, Any]
LOADED = datetime(2026, 11, 1, 12, tzinfo=UTC)
CHART = 30  # more than are read anew in one request


@dataclass
class Told(Changes):
    """All that a refresh told: `changed` are the records that were handed on, in their order."""

    changed: list[Resource] = field(default_factory=list)


def follow(app: Any, snapshot: Snapshot, patient: str = "A") -> Callable[[], Any]:
    """A refresh of `snapshot` on a server, as a session about that patient does it."""

    async def refresh() -> Told:
        changed: list[Resource] = []

        async def receive(records: list[Resource], _: dict[str, Resource]) -> None:
            changed.extend(records)

        async with http_to(app) as http:
            client = FhirClient(http)
            lock = PatientLock(f"Patient/{patient}", client.base)
            changes = await snapshot.refresh(client, lock, a_call(), receive)
        return Told(changes.removed, changes.notes, changes.complete, changed)

    return refresh


def ids(told: Told) -> list[str]:
    return sorted(resource["id"] for resource in told.changed)


class Chart:
    """A server with one patient's observations, which tests change; each write is a second later.

    `states_time`: its answers say when they were made.
    """

    def __init__(self, size: int = CHART) -> None:
        self.clock = LOADED
        self.written: dict[str, Resource] = {}
        for number in range(size):
            self.write(f"o{number}")
        self.app = ScriptedFhir(script={"Observation": self._search})
        self.page_size = 10
        self.states_totals = True
        self.states_time = False
        self.meanwhile: Callable[[Request], Response | None] = lambda _: None

    def write(self, identifier: str, *, at_once: bool = False, **elements: Any) -> None:
        self.clock += timedelta(seconds=0 if at_once else 1)
        version = self.written.get(identifier, {"meta": {"versionId": "0"}})["meta"]["versionId"]
        meta = {"lastUpdated": self.clock.isoformat(), "versionId": str(int(version) + 1)}
        self.written[identifier] = observation(identifier, "A", meta=meta, **elements)

    def delete(self, identifier: str) -> None:
        del self.written[identifier]

    def _search(self, request: Request) -> Response:
        """An answer, unless what happens `meanwhile` is one."""
        if (otherwise := self.meanwhile(request)) is not None:
            return otherwise
        since = request.query_params.get("_lastUpdated", "ge0001-01-01T00:00:00+00:00")
        compare = {"ge": operator.ge, "gt": operator.gt}[since[:2]]
        found = [
            resource
            for resource in self.written.values()
            if compare(
                datetime.fromisoformat(resource["meta"]["lastUpdated"]), datetime.fromisoformat(since[2:])
            )
        ]
        if request.query_params.get("_summary") == "count":
            total = {"total": len(found)} if self.states_totals else {}
            return fhir({"resourceType": "Bundle", "type": "searchset", **total})
        size = min(self.page_size, int(request.query_params["_count"]))
        offset = int(request.query_params.get("_offset", "0"))
        following = str(request.url.include_query_params(_offset=offset + size))
        answer = {
            "resourceType": "Bundle",
            "type": "searchset",
            "link": [
                {"relation": "self", "url": str(request.url)},
                *([{"relation": "next", "url": following}] if offset + size < len(found) else []),
            ],
            "entry": [{"resource": resource} for resource in found[offset : offset + size]],
            **({"total": len(found)} if self.states_totals else {}),
            **({"meta": {"lastUpdated": self.clock.isoformat()}} if self.states_time else {}),
        }
        return fhir(answer)

    def requests(self) -> int:
        """How many searches the server saw since this was asked last."""
        seen = sum(request.url.path.endswith("/Observation") for request in self.app.seen)
        self.app.seen.clear()
        return seen
