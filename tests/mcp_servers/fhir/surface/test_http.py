"""Streamable HTTP: both revisions, no state between requests, and who is let in."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import cycle
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client
from mcp.server import MCPServer
from mcp.types import CallToolResult, TextResourceContents
from starlette.applications import Starlette

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.surface.http import http_app, is_loopback
from mcp_servers.fhir.surface.server import build_server
from tests.mcp_servers.fhir.conftest import NOW
from tests.mcp_servers.fhir.scripted import ScriptedFhir, ScriptedRecorder, http_to, observation
from tests.mcp_servers.fhir.serving import served
from tests.mcp_servers.fhir.sessions import data

OKAFOR = "hard-amara-okafor"
LIST_TOOLS = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


@asynccontextmanager
async def mcp_app(
    app: Any, patient: str | None = None, recorder: ScriptedRecorder | None = None, **options: Any
) -> AsyncIterator[Starlette]:
    """The tools over the FHIR server `app` as an ASGI application that has started."""
    async with http_to(app) as http:
        server = build_server(FhirClient(http), recorder or ScriptedRecorder(), patient=patient, now=NOW)
        yield http_app(server, **options)


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
@pytest.mark.anyio
async def test_one_server_speaks_both_revisions(embedded: Starlette, mode: str) -> None:
    async with (
        mcp_app(embedded, OKAFOR) as app,
        served(app) as address,
        Client(f"{address}/mcp", mode=mode) as client,
    ):
        assert client.protocol_version == ("2025-11-25" if mode == "legacy" else mode)
        found = data(await client.call_tool("observations", {"name": "HbA1c"}))
    assert found["rows"][0]["value"] == 7.1


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
@pytest.mark.anyio
async def test_two_servers_behind_a_balancer_serve_one_client(embedded: Starlette, mode: str) -> None:
    """They stand in for two processes: in one, with the caches of its modules shared."""
    recorders = [ScriptedRecorder(), ScriptedRecorder()]
    async with AsyncExitStack() as stack:
        apps = []
        for recorder in recorders:
            app = await stack.enter_async_context(mcp_app(embedded, None, recorder))
            await stack.enter_async_context(app.router.lifespan_context(app))
            apps.append(app)
        turns = cycle(apps)

        async def balancer(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                await next(turns)(scope, receive, send)

        address = await stack.enter_async_context(served(balancer))
        client = await stack.enter_async_context(Client(f"{address}/mcp", mode=mode))
        asked: dict[str, Any] = {"patient": OKAFOR, "kind": "encounters", "limit": 1}
        refs: list[str] = []
        while "cursor" not in asked or asked["cursor"]:
            page = data(await client.call_tool("list_records", asked))
            refs += [row["ref"] for row in page["rows"]]
            asked["cursor"] = page["cursor"]
        whole = data(await client.call_tool("list_records", {"patient": OKAFOR, "kind": "encounters"}))
        for _ in apps:  # what a record that the other server showed refers to
            await client.read_resource(f"fhir://{OKAFOR}/Practitioner/hard-dr-lindqvist")
        assert refs == [row["ref"] for row in whole["rows"]]
        assert len(refs) == 3
    assert all(len(recorder.calls) >= 2 for recorder in recorders)


@pytest.mark.anyio
async def test_a_page_of_another_name_cannot_reach_the_server(embedded: Starlette) -> None:
    async with (
        mcp_app(embedded, OKAFOR, hosts=["ehr.clinic.example"]) as app,
        served(app) as address,
        httpx.AsyncClient(timeout=60, headers=ACCEPT) as http,
    ):

        async def status(**headers: str) -> int:
            return (await http.post(f"{address}/mcp", json=LIST_TOOLS, headers=headers)).status_code

        assert await status() == 200
        assert await status(Host="evil.example") == 421
        assert await status(Host="localhost.evil.example:80") == 421
        assert await status(Origin="https://evil.example") == 403
        assert await status(Origin="null") == 403
        assert await status(Host="ehr.clinic.example", Origin="https://ehr.clinic.example") == 200


@pytest.mark.parametrize("revision", [None, "2025-11-25", "2026-07-28"])
@pytest.mark.anyio
async def test_no_stream_is_kept_open_for_a_get(embedded: Starlette, revision: str | None) -> None:
    headers = {} if revision is None else {"MCP-Protocol-Version": revision}
    async with (
        mcp_app(embedded) as app,
        served(app) as address,
        httpx.AsyncClient(timeout=60, headers=headers) as http,
    ):
        with anyio.fail_after(60):
            for accept in ("*/*", "text/event-stream", "text/html"):
                answer = await http.get(f"{address}/mcp", headers={"Accept": accept})
                assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("given", "challenge"),
    [
        (None, 'Bearer realm="ehr-navigator"'),
        ("Bearer wrong", 'Bearer realm="ehr-navigator", error="invalid_token"'),
        ("Bearer s3cret-and-more", 'Bearer realm="ehr-navigator", error="invalid_token"'),
        ("Bearer", 'Bearer realm="ehr-navigator"'),
        ("Basic s3cret", 'Bearer realm="ehr-navigator", error="invalid_token"'),
    ],
)
@pytest.mark.anyio
async def test_without_the_token_nothing_is_served(given: str | None, challenge: str) -> None:
    fhir, recorder = ScriptedFhir(), ScriptedRecorder()
    headers = ACCEPT | ({} if given is None else {"Authorization": given})
    async with (
        mcp_app(fhir, None, recorder, token="s3cret") as app,
        served(app) as address,
        httpx.AsyncClient(timeout=60, headers=headers) as http,
    ):
        call = {**LIST_TOOLS, "method": "tools/call", "params": {"name": "find_patient", "arguments": {}}}
        answers = [await http.post(f"{address}/mcp", json=body) for body in (LIST_TOOLS, call)]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {challenge}
    assert (fhir.seen, recorder.calls) == ([], [])


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
@pytest.mark.anyio
async def test_the_token_lets_in_under_a_path_prefix_and_stays_with_us(scheme: str) -> None:
    fhir = ScriptedFhir()
    async with (
        mcp_app(fhir, token="s3cret", path_prefix="/ehr") as app,
        served(app) as address,
        httpx.AsyncClient(timeout=60, headers={**ACCEPT, "Authorization": f"{scheme} s3cret"}) as http,
    ):
        call = {
            **LIST_TOOLS,
            "method": "tools/call",
            "params": {"name": "find_patient", "arguments": {"text": "Roe"}},
        }
        assert (await http.post(f"{address}/ehr/mcp", json=call)).status_code == 200
        assert (await http.post(f"{address}/mcp", json=call)).status_code == 404
    assert fhir.seen
    assert all("authorization" not in request.headers for request in fhir.seen)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.5", False),
        ("ehr.clinic.example", False),
    ],
)
def test_an_address_is_loopback_when_no_other_machine_reaches_it(host: str, local: bool) -> None:
    assert is_loopback(host) is local


class Waiting(ScriptedFhir):
    """A FHIR server that keeps a search waiting until its client goes away."""

    def __init__(self) -> None:
        super().__init__([{"resourceType": "Patient", "id": "A"}])
        self.reached = anyio.Event()
        self.left = anyio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not scope["path"].endswith("/Observation"):
            return await super().__call__(scope, receive, send)
        await receive()
        self.reached.set()
        assert (await receive())["type"] == "http.disconnect"
        self.left.set()
        return None


@asynccontextmanager
async def waited_for(recorder: ScriptedRecorder) -> AsyncIterator[tuple[Waiting, MCPServer]]:
    """The tools over a FHIR server that makes one wait; the call made in the block must come to nothing."""
    fhir = Waiting()
    async with served(fhir) as base, httpx.AsyncClient(base_url=f"{base}/fhir", timeout=60) as http:
        with anyio.fail_after(60):
            yield fhir, build_server(FhirClient(http), recorder, patient="A", now=NOW)
            await fhir.left.wait()
    (call,) = recorder.calls
    assert call.completion is not None
    assert (call.completion["outcome"], call.completion["error"]) == ("failed", "cancelled")


@pytest.mark.parametrize("where", ["in memory", "http"])
@pytest.mark.anyio
async def test_a_cancelled_call_ends_its_fhir_request_and_is_completed_in_the_trail(where: str) -> None:
    async with AsyncExitStack() as stack:
        fhir, server = await stack.enter_async_context(waited_for(ScriptedRecorder()))
        asked: Any = server
        if where == "http":
            asked = f"{await stack.enter_async_context(served(http_app(server)))}/mcp"
        client = await stack.enter_async_context(Client(asked))
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "observations", {"name": "heart rate"})
            await fhir.reached.wait()
            group.cancel_scope.cancel()
        await fhir.left.wait()


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
@pytest.mark.anyio
async def test_a_client_that_hangs_up_ends_its_fhir_request(revision: str) -> None:
    meta = {
        "io.modelcontextprotocol/protocolVersion": revision,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": "observations", "arguments": {"name": "heart rate"}, "_meta": meta}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {
        **ACCEPT,
        "MCP-Protocol-Version": revision,
        "Mcp-Method": "tools/call",
        "Mcp-Name": "observations",
    }
    async with (
        waited_for(ScriptedRecorder()) as (fhir, server),
        served(http_app(server)) as address,
        httpx.AsyncClient(timeout=60, headers=headers) as http,
    ):

        async def ask() -> None:
            await http.post(f"{address}/mcp", json=call)

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            await fhir.reached.wait()
            group.cancel_scope.cancel()
        await fhir.left.wait()


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
@pytest.mark.anyio
async def test_a_client_that_asks_is_told_of_progress(mode: str) -> None:
    told: list[tuple[float, str | None]] = []
    fhir = ScriptedFhir([{"resourceType": "Patient", "id": "A"}, observation("1", "A")])

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        assert total is None
        told.append((progress, message))

    async with (
        served(fhir) as base,
        httpx.AsyncClient(base_url=f"{base}/fhir") as http,
    ):
        server = build_server(FhirClient(http), ScriptedRecorder(), patient="A", now=NOW)
        async with served(http_app(server)) as address, Client(f"{address}/mcp", mode=mode) as client:
            result: CallToolResult = await client.call_tool(
                "fhir_search", {"resource_type": "Observation"}, progress_callback=hear
            )
    assert data(result)["returned"] == 1
    assert told[0] == (1, "1 FHIR requests answered")
    assert [progress for progress, _ in told] == sorted({progress for progress, _ in told})


@pytest.mark.anyio
async def test_a_read_resource_is_private_and_stale_at_once(embedded: Starlette) -> None:
    async with (
        mcp_app(embedded, OKAFOR) as app,
        served(app) as address,
        Client(f"{address}/mcp", mode="2026-07-28") as client,
    ):
        read = await client.read_resource("chart://overview")
        listed = await client.list_tools()
    assert (read.cache_scope, read.ttl_ms) == ("private", 0)
    assert listed.cache_scope == "private"
    assert listed.ttl_ms > 0
    assert isinstance(read.contents[0], TextResourceContents)
