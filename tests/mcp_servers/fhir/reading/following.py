"""A chart followed by refreshes of a snapshot, for tests."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.reading.snapshot import Changes, Snapshot
from tests.mcp_servers.fhir.scripted import a_call, http_to

Resource = dict[str, Any]


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
