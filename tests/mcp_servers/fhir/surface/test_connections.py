"""Connections of the HTTP server: who sends no whole request in time is not waited for."""

import subprocess
import sys
from typing import Any

import anyio
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from mcp_servers.fhir.surface.connections import BoundedConnection
from tests.mcp_servers.fhir.serving import served

HEAD = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n"


class Impatient(BoundedConnection):
    seconds = 0.5


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the body of the request, once it has taken longer than a request may."""
    if scope["type"] == "http":
        body = await Request(scope, receive).body()
        await anyio.sleep(2 * Impatient.seconds)
        await PlainTextResponse(body)(scope, receive, send)


async def until_closed(address: str, sent: bytes) -> bytes:
    """All that a server answers before it closes the connection."""
    port = int(address.rpartition(":")[2])
    stream = await anyio.connect_tcp("127.0.0.1", port)
    answer = b""
    async with stream:
        await stream.send(sent)
        with anyio.fail_after(60):
            async for chunk in stream:
                answer += chunk
    return answer


@pytest.mark.parametrize("sent", [HEAD, HEAD + b"\r\nbo", HEAD + b"\r\nbody" + HEAD])
@pytest.mark.anyio
async def test_a_request_that_does_not_come_to_its_end_in_time_is_not_waited_for(sent: bytes) -> None:
    async with served(echo, http=Impatient) as address:
        answer = await until_closed(address, sent)
    assert answer.count(b"HTTP/1.1 ") == sent.count(b"body")


@pytest.mark.anyio
async def test_an_answer_may_take_longer_than_its_request() -> None:
    async with served(echo, http=Impatient) as address:
        assert b"200 OK" in await until_closed(address, HEAD + b"Connection: close\r\n\r\nbody")


def test_where_the_system_does_not_bound_open_files_connections_are_bounded_all_the_same() -> None:
    """Windows has no module `resource`."""
    without = (
        "import sys; sys.modules['resource'] = None\n"
        "from mcp_servers.fhir.surface.connections import most_connections; print(most_connections())"
    )
    told = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True, check=False)
    assert (told.stdout, told.stderr) == ("256\n", "")
