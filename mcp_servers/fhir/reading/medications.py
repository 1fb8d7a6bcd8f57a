"""The Medications that records refer to and that a search did not bring along."""

from collections.abc import Iterator

from mcp_servers.fhir.access.client import FhirClient, Page
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.access.references import parse
from mcp_servers.fhir.charts.elements import Resource, first, listed
from mcp_servers.fhir.errors import InvalidRequest, NotFound, NotPermitted, ServerFailed
from mcp_servers.fhir.recording import Call

_AT_ONCE = 50


class Medications:
    """What one search needs to name its records by: read by ids, each once."""

    def __init__(self, client: FhirClient, lock: PatientLock | None, call: Call) -> None:
        self._client, self._lock, self._call = client, lock, call
        self._known: dict[str, Resource] = {}
        self._sought: set[str] = set()

    async def complete(self, page: Page) -> None:
        """Put into `page` the Medications that it lacks; a note tells what cannot be read."""
        self._known |= page.included
        named = set(self._named(page))
        missing = sorted(named - self._known.keys() - self._sought)
        self._sought.update(missing)
        for start in range(0, len(missing), _AT_ONCE):
            part = [ref.removeprefix("Medication/") for ref in missing[start : start + _AT_ONCE]]
            try:
                found = await self._client.referred("Medication", part, self._lock, self._call)
            except (InvalidRequest, NotFound, NotPermitted, ServerFailed):  # told below
                break
            self._known |= {f"Medication/{one['id']}": one for one in found}
        page.included.update((ref, self._known[ref]) for ref in named & self._known.keys())
        if unread := [ref for ref in missing if ref not in self._known]:
            page.notes.append(
                f"Medications that records refer to and that could not be read: {listed(unread)}."
                " A search by a drug's name may miss these records."
            )

    def _named(self, page: Page) -> Iterator[str]:
        for record in page.matches:
            text = first(record.get("medicationReference")).get("reference")
            reference = parse(text) if isinstance(text, str) else None
            if reference and reference.type == "Medication" and reference.base in ("", self._client.base):
                yield reference.local
