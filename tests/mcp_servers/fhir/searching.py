"""Reads and searches in a session about patient A, for tests."""

from mcp_servers.fhir.access.client import FhirClient, Page
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.access.references import checked
from tests.mcp_servers.fhir.scripted import BASE, Resource, ScriptedFhir, a_call, http_to

A = "Patient/A"


async def read(app: ScriptedFhir, ref: str, lock: PatientLock | None = None) -> Resource:
    """One record, in a session about patient A or one of that lock."""
    async with http_to(app) as http:
        return await FhirClient(http).read(checked(ref), lock or PatientLock(A, BASE), a_call())


async def search(app: ScriptedFhir, kind: str = "Observation", *parameters: tuple[str, str]) -> list[Page]:
    """All pages of a search in a session about patient A."""
    lock = PatientLock(A, BASE)
    call = a_call()
    async with http_to(app) as http:
        client = FhirClient(http)
        pages = [await client.search(kind, parameters, lock, call, count=10)]
        while pages[-1].next is not None:
            pages.append(await client.next_page(pages[-1].next, lock, call))
    return pages


def ids(pages: list[Page]) -> list[str]:
    return [resource["id"] for page in pages for resource in page.matches]


def sent(app: ScriptedFhir) -> list[str]:
    """The requests that the server saw besides the one for its metadata."""
    return [
        f"{request.url.path.removeprefix('/fhir/')}?{request.url.query}"
        for request in app.seen
        if not request.url.path.endswith("/metadata")
    ]
