"""Sessions of the chart tools in memory, for tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp import Client
from mcp.types import CallToolResult, TextContent

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.surface.server import build_server
from tests.mcp_servers.fhir.conftest import NOW
from tests.mcp_servers.fhir.scripted import ScriptedRecorder, http_to


@asynccontextmanager
async def session(
    app: Any,
    patient: str | None = None,
    recorder: ScriptedRecorder | None = None,
    base: str = "http://x/fhir",
) -> AsyncIterator[Client]:
    """A session of the tools in memory."""
    async with http_to(app, base) as http:
        server = build_server(FhirClient(http), recorder or ScriptedRecorder(), patient=patient, now=NOW)
        async with Client(server) as client:
            yield client


def text(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def data(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, text(result)
    assert isinstance(result.structured_content, dict)
    return result.structured_content
