"""The tools on offer: an MCP client session that lists them, calls them, and turns results into evidence."""

import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp import Client
from mcp.server import MCPServer
from mcp.types import CallToolRequest, CallToolRequestParams, CallToolResult, TextContent

from agent.grounding import Readings
from agent.messages import Action, ToolResult
from agent.steps import ToolOffer, step_schema

STEP_META = "ehr-navigator/step"
# The SDK puts its own words before those of the tool.
_ERROR = re.compile(r"(?:Error executing tool \S+: )?(?P<text>(?:\[(?P<kind>\w+)\] )?.*)", re.DOTALL)


class Toolbox:
    """Tools of one MCP server, ready to call; the schema of steps that call them, and what was read of the
    results of a conversation."""

    def __init__(self, client: Client, offers: list[ToolOffer]) -> None:
        self._client = client
        self.offers = offers
        self.schema = step_schema(offers)
        self.readings = Readings()

    async def call(self, action: Action, meta: dict[str, Any]) -> ToolResult:
        """Call one tool. An error is a result too, with its kind: the model may mend its arguments."""
        started = time.perf_counter()
        asked: Any = {"name": action.tool, "arguments": action.arguments, "_meta": {STEP_META: meta}}
        # Not call_tool: it would hold the result against its schema again, and first that schema against
        # JSON Schema (13 ms a tool and session); the server, in this process, has held it against the model.
        answer = await self._client.session.send_request(
            CallToolRequest(params=CallToolRequestParams(**asked)), CallToolResult
        )
        text = "\n".join(block.text for block in answer.content if isinstance(block, TextContent))
        error = None
        if answer.is_error:
            found = _ERROR.fullmatch(text)
            assert found
            text, error = found["text"], found["kind"] or "invalid_request"
        return ToolResult(
            tool=action.tool,
            arguments=action.arguments,
            text=text,
            data=None if error else answer.structured_content,
            error=error,
            ms=round((time.perf_counter() - started) * 1000, 1),
        )


@asynccontextmanager
async def open_toolbox(server: MCPServer) -> AsyncIterator[Toolbox]:
    """Connect to a server in this process and list its tools."""
    raised = None
    async with Client(server) as client:
        listed = await client.list_tools()
        offers = [ToolOffer(tool.name, tool.description or "", tool.input_schema) for tool in listed.tools]
        try:
            yield Toolbox(client, offers)
        except Exception as error:  # held back: the SDK's task groups would wrap it in two ExceptionGroups
            raised = error
    if raised:
        raise raised
