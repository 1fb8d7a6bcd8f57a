"""`ehr-navigator mcp fhir --http`: a process of its own, used with the SDK's client, until SIGTERM."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from agent.cli import build_parser

AMARA = "hard-amara-okafor"


@contextmanager
def serving(
    data_dir: Path, *flags: str, files: int = 1024, **settings: str
) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The address at which the process serves, and the process, which may have so many files open.

    It is terminated with the block.
    """
    command = ["sh", "-c", f'ulimit -n {files} && exec "$@"', "sh", sys.executable]
    command += ["-m", "agent.cli", "mcp", "fhir", "--http", "127.0.0.1:0", *flags]
    given = {"DATA_DIR": str(data_dir), **settings}
    environment = os.environ | {f"EHR_NAVIGATOR_{name}": value for name, value in given.items()}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        assert " at http://127.0.0.1:" in said, said
        try:
            yield said.split()[-1], process
        finally:
            process.send_signal(signal.SIGTERM)


def cli(data_dir: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "agent.cli", *arguments, "--data-dir", str(data_dir)],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.anyio
async def test_a_call_over_http_is_on_the_trail_of_the_user_and_delivered_when_the_server_stops(
    data_dir: Path,
) -> None:
    flags = ("--patient", AMARA, "--path-prefix", "/ehr", "--tools", "core")
    with serving(data_dir, *flags, MCP_TOKEN="s3cret", USER="ward-7") as (address, process):
        assert address.endswith("/ehr/mcp")
        async with httpx2.AsyncClient() as stranger:
            assert (await stranger.post(address, json={})).status_code == 401
        async with (
            httpx2.AsyncClient(headers={"Authorization": "Bearer s3cret"}) as http,
            Client(streamable_http_client(address, http_client=http)) as client,
        ):
            assert "fhir_search" not in [tool.name for tool in (await client.list_tools()).tools]
            found = await client.call_tool("observations", {"name": "HbA1c"})
            assert found.structured_content is not None
            assert found.structured_content["returned"] == 1
    assert process.returncode == 0
    assert "1 AuditEvents compared" in cli(data_dir, "audit", "verify", "--delivered")
    (line,) = cli(data_dir, "audit", "list").splitlines()[1:]
    assert "ward-7" in line
    assert line.endswith("not known")  # whether it left the building: the client's model may be anywhere


@pytest.mark.anyio
async def test_strangers_who_hold_more_connections_than_files_may_be_open_keep_nobody_out(
    data_dir: Path,
) -> None:
    with (
        ExitStack() as strangers,
        serving(data_dir, "--patient", AMARA, files=256, MCP_TOKEN="s3cret") as (address, process),
    ):
        for held in range(300):
            stranger = socket.create_connection(("127.0.0.1", httpx2.URL(address).port), timeout=10)
            strangers.enter_context(stranger)
            stranger.sendall(b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: ")
            if held % 25 == 0:  # before more wait to be accepted than the system lets wait
                assert httpx2.get(address).headers["Connection"] == "close"
        async with (
            httpx2.AsyncClient(headers={"Authorization": "Bearer s3cret"}) as http,
            Client(streamable_http_client(address, http_client=http)) as client,
        ):
            assert not (await client.call_tool("observations", {"name": "HbA1c"})).is_error
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    assert "1 AuditEvents compared" in cli(data_dir, "audit", "verify", "--delivered")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("0.0.0.0:0", "EHR_NAVIGATOR_MCP_TOKEN"),
        ("[::]:0", "EHR_NAVIGATOR_MCP_TOKEN"),
        ("127.0.0.1:{taken}", "Cannot listen on 127.0.0.1 port {taken}"),
        ("8765", "is not HOST:PORT"),
        ("127.0.0.1:http", "is not HOST:PORT"),
    ],
)
def test_an_address_that_cannot_be_served_safely_is_refused(data_dir: Path, address: str, says: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [
                *(sys.executable, "-m", "agent.cli", "mcp", "fhir", "--data-dir", str(data_dir)),
                *("--http", address.replace("{taken}", port)),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert says.replace("{taken}", port) in done.stderr


@pytest.mark.parametrize("prefix", ["a b", "/x?y", "/x//y", "/{x}"])
def test_a_path_prefix_is_a_plain_path(prefix: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["mcp", "fhir", "--http", "127.0.0.1:0", "--path-prefix", prefix])
    assert "is not a path such as /ehr" in capsys.readouterr().err


def test_stdout_carries_the_protocol_alone(data_dir: Path) -> None:
    client = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    asked = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
            "name": "fhir_read", "arguments": {"reference": "Patient/nobody"}}},
        {"jsonrpc": "2.0", "id": 3, "method": "no/such"},
    ]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "agent.cli", "mcp", "fhir", "--stdio", "--patient", AMARA],
        env={**os.environ, "EHR_NAVIGATOR_DATA_DIR": str(data_dir)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("".join(json.dumps(message) + "\n" for message in asked) + "no JSON\n")
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.stdin.close()
        assert all(json.loads(line)["jsonrpc"] == "2.0" for line in process.stdout)
    assert {answer["id"] for answer in answers} <= {1, 2, 3, None}
