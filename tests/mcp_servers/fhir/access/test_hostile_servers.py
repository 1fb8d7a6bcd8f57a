"""Servers that mean harm or are broken: bounded memory and time, and an error that says what happened."""

import gzip
import json
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
from anyio.abc import SocketStream
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from mcp_servers.fhir.access.client import FhirClient, Page
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.access.references import checked
from mcp_servers.fhir.access.transport import MAX_VALUES, MEBIBYTE, Limits
from mcp_servers.fhir.charts import Search
from mcp_servers.fhir.errors import FhirToolError, ServerFailed
from mcp_servers.fhir.reading.gathering import gather
from tests.mcp_servers.fhir.scripted import (
    BASE,
    ScriptedFhir,
    a_call,
    bundle,
    capability_statement,
    fhir,
    http_to,
    observation,
)

Send = Callable[[SocketStream], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n"


@asynccontextmanager
async def serving(send: Send) -> AsyncIterator[str]:
    """The base of a server that answers for its metadata as it should, and to anything else by `send`."""
    statement = json.dumps(capability_statement()).encode()

    async def answer(stream: SocketStream) -> None:
        async with stream:
            asked = b""
            while b"\r\n\r\n" not in asked:
                asked += await stream.receive()
            try:
                if b"/metadata" in asked:
                    await stream.send(OK + b"Content-Length: %d\r\n\r\n" % len(statement) + statement)
                else:
                    await send(stream)
            except (anyio.BrokenResourceError, anyio.EndOfStream):
                return

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, answer)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        yield f"http://127.0.0.1:{port}/fhir"
        group.cancel_scope.cancel()


async def error_of(send: Send, limits: Limits | None = None) -> str:
    """What is said of a server whose answer to a read is what `send` sends."""
    async with serving(send) as base, httpx.AsyncClient(base_url=base, verify=False) as http:
        client = FhirClient(http, limits=limits)
        with pytest.raises(FhirToolError) as caught:
            await client.read(checked("Observation/1"), PatientLock("Patient/A", base), a_call())
    assert isinstance(caught.value, ServerFailed)
    return str(caught.value)


def sending(head: bytes, *pieces: bytes) -> Send:
    async def send(stream: SocketStream) -> None:
        for piece in (head, *pieces):
            await stream.send(piece)

    return send


def body(content: bytes, kind: bytes = b"application/fhir+json") -> Send:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind, len(content))
    return sending(head, content)


async def endless(stream: SocketStream) -> None:
    await stream.send(OK + b"\r\n")
    while True:
        await stream.send(b" " * 65536)


async def never(stream: SocketStream) -> None:
    await stream.send(OK + b'Content-Length: 100\r\n\r\n{"resourceType":')
    await anyio.sleep_forever()


async def always_continue(stream: SocketStream) -> None:
    while True:
        await stream.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


async def headers_without_end(stream: SocketStream) -> None:
    await stream.send(OK)
    while True:
        await stream.send(b"X-More: " + b"x" * 60000 + b"\r\n")


@pytest.mark.parametrize(
    ("send", "says"),
    [
        (endless, "does not end"),
        (never, "did not answer in time"),
        (always_continue, "did not answer in time"),
        (headers_without_end, "cannot be reached"),
        (sending(OK, b"X-Many: 1\r\n" * 100_000, b"\r\n"), "cannot be reached"),
        (sending(OK + b"Content-Length: 100\r\n\r\n{}"), "cannot be reached"),
        (sending(b"\x16\x03\x01\x00\xa5"), "cannot be reached"),
        (sending(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"), "another address"),
        (body(b"<Observation/>", b"application/fhir+xml"), "not FHIR JSON"),
        (body(b"<html>", b"text/html"), "HTML"),
        (body(b"\x89PNG", b"image/png"), "not FHIR JSON"),
        (body(b"[" * 200_000 + b"]" * 200_000), "not FHIR JSON"),
        (body(b'{"a":' * 100_000 + b"1" + b"}" * 100_000), "not FHIR JSON"),
        (body(b"[" + b"{}," * MAX_VALUES + b"{}]"), f"over {MAX_VALUES} values"),
        (body(b'{"resourceType": "Basic", "x": ' + b"9" * 5000 + b"}"), "not FHIR JSON"),
    ],
)
@pytest.mark.anyio
async def test_a_harmful_answer_is_an_error_that_says_so(send: Send, says: str) -> None:
    # Only what waits for the time to run out is given little of it.
    seconds = 1.0 if "in time" in says else 30.0
    assert says in await error_of(send, Limits(request_s=seconds, body_bytes=13 * MEBIBYTE))


@pytest.mark.anyio
async def test_fhir_under_another_content_type_is_read() -> None:
    served = body(json.dumps(observation("1", "A")).encode(), b"text/plain")
    async with serving(served) as base, httpx.AsyncClient(base_url=base, verify=False) as http:
        lock = PatientLock("Patient/A", base)
        assert (await FhirClient(http).read(checked("Observation/1"), lock, a_call()))["id"] == "1"


@pytest.mark.anyio
async def test_a_bomb_of_a_gigabyte_costs_a_bounded_part_of_it() -> None:
    packed = gzip.compress(b" " * 16 * MEBIBYTE) * 64
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    tracemalloc.start()
    try:
        said = await error_of(sending(head, packed))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "does not end" in said or "not FHIR JSON" in said
    # The answer so far (32 MiB at most), and what one piece from the network unpacks to.
    assert peak < 160 * MEBIBYTE


@pytest.mark.anyio
async def test_all_requests_of_one_call_together_have_a_time_limit() -> None:
    app = ScriptedFhir(script={"Observation": pages_without_end(1)})
    limits = Limits(call_s=0.2)
    async with http_to(app) as http:
        client, call = FhirClient(http, limits=limits), a_call()
        with pytest.raises(ServerFailed, match="in all, and was given up"):
            await gather(client, [Search("Observation")], PatientLock("Patient/A", BASE), call)
        other = a_call()
        other.id = "call-y"
        await client.count("Observation", [], PatientLock("Patient/A", BASE), other)


@pytest.mark.anyio
async def test_all_answers_to_one_call_together_have_a_size_limit() -> None:
    app = ScriptedFhir(script={"Observation": pages_without_end(100_000)})
    async with http_to(app) as http:
        client = FhirClient(http, limits=Limits(call_bytes=MEBIBYTE))
        with pytest.raises(ServerFailed, match="over 1 MiB of answers"):
            await gather(client, [Search("Observation")], PatientLock("Patient/A", BASE), a_call())
    assert len(app.seen) < 13


def pages_without_end(size: int) -> Callable[[Request], Response]:
    """Pages of one record each, with a text of `size`, that lead to ever new ones."""

    def answer(request: Request) -> Response:
        page = int(request.query_params.get("page", "0"))
        found = [observation(str(page), "A", note=[{"text": "x" * size}])]
        return bundle(request, found, following=f"{BASE}/Observation?page={page + 1}")

    return answer


names = st.sampled_from(
    ["resourceType", "entry", "resource", "search", "mode", "link", "relation", "url", "total", "id", "meta",
     "subject", "reference", "contained", "issue", "details", "text", "lastUpdated"]
)  # fmt: skip
words = st.sampled_from(
    ["Bundle", "Observation", "OperationOutcome", "Patient/A", "Patient/B", "match", "include", "next",
     "self", f"{BASE}/Observation?patient=A&_sort=-date", f"{BASE}?_getpages=1", "1", "\x00", ""]
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=20,
)


@settings(max_examples=60)
@given(st.fixed_dictionaries({"entry": values, "link": values, "total": values, "meta": values}))
def test_elements_of_wrong_types_are_an_error_of_ours_or_left_out(content: dict[str, Any]) -> None:
    def answer(request: Request) -> Response:
        own = [{"relation": "self", "url": str(request.url)}]
        links = content["link"] if isinstance(content["link"], list) else []
        return fhir({"resourceType": "Bundle", **content, "link": own + links})

    async def search() -> Page | None:
        async with http_to(ScriptedFhir(script={"Observation": answer})) as http:
            lock = PatientLock("Patient/A", BASE)
            try:
                asked = [("_sort", "-date")]
                return await FhirClient(http).search("Observation", asked, lock, a_call(), count=5)
            except FhirToolError:
                return None

    page = anyio.run(search)
    assert page is None or all(resource["resourceType"] == "Observation" for resource in page.matches)


@pytest.mark.anyio
async def test_reading_a_large_answer_does_not_keep_other_calls_waiting() -> None:
    numbers = ",".join("1.5" for _ in range(800_000))
    large = f'{{"resourceType": "Observation", "id": "1", "x": [{numbers}]}}'
    app = ScriptedFhir(script={"Observation/1": lambda _: Response(large)})
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await anyio.lowlevel.checkpoint()
            turns += 1

    class Noting(httpx.AsyncBaseTransport):
        """Hands over the large answer in one piece, and notes how often others had their turn by then."""

        before = 0

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await httpx.ASGITransport(app=app).handle_async_request(request)
            self.before = turns
            return response

    transport = Noting()
    async with (
        httpx.AsyncClient(transport=transport, base_url=BASE) as http,
        anyio.create_task_group() as group,
    ):
        group.start_soon(others)
        client = FhirClient(http)
        with pytest.raises(FhirToolError):  # it is nobody's
            await client.read(checked("Observation/1"), PatientLock("Patient/A", BASE), a_call())
        group.cancel_scope.cancel()
    assert turns - transport.before > 100


@pytest.mark.anyio
async def test_32_calls_are_with_the_server_at_once() -> None:
    together = anyio.Event()
    waiting = 0
    app = ScriptedFhir([observation("1", "A")])

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        nonlocal waiting
        if scope["path"].endswith("Observation/1"):
            waiting += 1
            if waiting == 32:
                together.set()
            await together.wait()
        await app(scope, receive, send)

    async with http_to(slow) as http:
        client, lock = FhirClient(http), PatientLock("Patient/A", BASE)
        with anyio.fail_after(60):
            async with anyio.create_task_group() as group:
                for _ in range(32):
                    group.start_soon(client.read, checked("Observation/1"), lock, a_call())
    assert [request.url.path for request in app.seen].count("/fhir/metadata") == 1
