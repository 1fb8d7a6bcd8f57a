"""The tools, prompts and resources that the conformance suite asks for, served by our HTTP application.

`python -m tests.conformance.fixture_server PORT`. Of a server with charts alone the suite can tell little;
what it says of this one holds for our HTTP application and the SDK below it.
"""

import sys

import anyio
import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.types import (
    AudioContent,
    Completion,
    EmbeddedResource,
    ImageContent,
    TextContent,
    TextResourceContents,
)

from mcp_servers.fhir.surface.http import http_app
from tests.conformance.asking import add_asking

PIXEL = ImageContent(
    type="image",
    data="iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    mime_type="image/png",
)
SILENCE = AudioContent(
    type="audio", data="UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=", mime_type="audio/wav"
)


def embedded(uri: str, text: str, mime_type: str = "text/plain") -> EmbeddedResource:
    """A text as a resource inside a message."""
    return EmbeddedResource(
        type="resource", resource=TextResourceContents(uri=uri, text=text, mime_type=mime_type)
    )


def fixture_server() -> MCPServer:
    """A server with every fixture of the suite that a server without sessions can have."""
    server = MCPServer("conformance-fixtures", version="1", log_level="WARNING", subscriptions=False)
    add_tools(server)
    add_resources(server)
    add_prompts(server)
    add_asking(server)
    return server


def add_tools(server: MCPServer) -> None:
    """Tools by the kind of content that they return."""

    @server.tool()
    async def test_simple_text() -> str:
        """One text."""
        return "This is a simple text response for testing."

    @server.tool()
    async def test_image_content() -> list[ImageContent]:
        """One image."""
        return [PIXEL]

    @server.tool()
    async def test_audio_content() -> list[AudioContent]:
        """One sound."""
        return [SILENCE]

    @server.tool()
    async def test_embedded_resource() -> list[EmbeddedResource]:
        """One resource inside the result."""
        return [embedded("test://embedded-resource", "This is an embedded resource content.")]

    @server.tool()
    async def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
        """Three kinds of content."""
        data = embedded("test://mixed-content-resource", '{"test": "data"}', "application/json")
        return [TextContent(type="text", text="Multiple content types test:"), PIXEL, data]

    @server.tool()
    async def test_error_handling() -> str:
        """An error."""
        raise ToolError("This tool intentionally returns an error for testing")

    @server.tool()
    async def test_tool_with_progress(ctx: Context) -> str:
        """Three steps of progress."""
        for done in (0, 50, 100):
            await ctx.report_progress(done, 100)
            await anyio.sleep(0.05)
        return "done"


def add_resources(server: MCPServer) -> None:
    """A text, bytes and a template; and nothing to complete an argument with."""

    @server.resource("test://static-text", mime_type="text/plain")
    def static_text() -> str:
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", mime_type="image/png")
    def static_binary() -> bytes:
        return b"\x89PNG"

    @server.resource("test://template/{id}/data", mime_type="application/json")
    def template(id: str) -> str:  # noqa: A002 (the suite's name)
        return f'{{"id": "{id}", "templateTest": true}}'

    async def complete(ref: object, argument: object, context: object) -> Completion:
        return Completion(values=["paris", "park"], total=2, has_more=False)

    server.completion()(complete)  # type: ignore[no-untyped-call]


def add_prompts(server: MCPServer) -> None:
    """Prompts by the kind of message that they hold."""

    @server.prompt()
    def test_simple_prompt() -> str:
        """One message."""
        return "This is a simple prompt for testing."

    @server.prompt()
    def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        """One message with arguments."""
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @server.prompt()
    def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:  # noqa: N803
        """A resource and a message."""
        resource = embedded(resourceUri, "Embedded resource content for testing.")
        return [UserMessage(resource), UserMessage("Please process the embedded resource above.")]

    @server.prompt()
    def test_prompt_with_image() -> list[UserMessage]:
        """An image and a message."""
        return [UserMessage(PIXEL), UserMessage("Please analyze the image above.")]


if __name__ == "__main__":
    uvicorn.run(
        http_app(fixture_server()),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="warning",
        access_log=False,
    )
