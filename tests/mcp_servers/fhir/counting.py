"""Sessions about no one patient that may count patients, for tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from mcp import Client

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.surface.server import build_server
from tests.mcp_servers.fhir.conftest import NOW
from tests.mcp_servers.fhir.scripted import ScriptedRecorder
from tests.mcp_servers.fhir.sessions import data


@asynccontextmanager
async def counting(
    http: httpx.AsyncClient, smallest: int = 0, recorder: ScriptedRecorder | None = None
) -> AsyncIterator[Client]:
    """A client that is offered count_patients; counts from 1 to below `smallest` are not shown."""
    server = build_server(
        FhirClient(http),
        recorder or ScriptedRecorder(),
        patient=None,
        now=NOW,
        cohorts=True,
        smallest_count=smallest,
    )
    async with Client(server) as client:
        yield client


async def counted(http: httpx.AsyncClient, arguments: dict[str, Any], smallest: int = 0) -> dict[str, Any]:
    """The envelope of one count."""
    async with counting(http, smallest) as client:
        return data(await client.call_tool("count_patients", arguments))
