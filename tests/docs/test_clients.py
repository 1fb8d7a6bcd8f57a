"""docs/clients.md: every configuration in it is tried as a client would use it."""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests.agent.test_mcp_http import serving

TOKEN = "s3cret"
PAGE = (Path(__file__).parents[2] / "docs/clients.md").read_text(encoding="utf-8")


def configured() -> list[dict[str, Any]]:
    """The servers of the page's JSON blocks."""
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    assert len(blocks) == 3
    named = [block.get("mcpServers") or block["servers"] for block in blocks]
    return [server for servers in named for server in servers.values()]


@pytest.mark.parametrize("server", configured())
@pytest.mark.anyio
async def test_a_configuration_connects_and_offers_tools(server: dict[str, Any], data_dir: Path) -> None:
    env = {**os.environ, "EHR_NAVIGATOR_DATA_DIR": str(data_dir), "EHR_NAVIGATOR_MCP_TOKEN": TOKEN}
    if "command" in server:
        assert server["command"] == "ehr-navigator"
        program = str(Path(sys.executable).with_name(server["command"]))
        given = {**env, **server.get("env", {})}
        async with Client(StdioServerParameters(command=program, args=server["args"], env=given)) as client:
            assert len((await client.list_tools()).tools) >= 5
        return
    with serving(data_dir, EHR_NAVIGATOR_MCP_TOKEN=TOKEN) as (address, _):
        assert server["url"].endswith("/mcp")
        headers = {name: re.sub(r"\$\{input:.*\}", TOKEN, said) for name, said in server["headers"].items()}
        async with (
            httpx2.AsyncClient(headers=headers) as http,
            Client(streamable_http_client(address, http_client=http)) as client,
        ):
            assert len((await client.list_tools()).tools) >= 5
