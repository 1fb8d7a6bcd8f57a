"""Fixtures that ask their client for input in a second round (2026-07-28), as no chart tool does."""

from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp.types import MISSING_REQUIRED_CLIENT_CAPABILITY, InputRequiredResult


def elicit(message: str, field: str, kind: str = "string") -> dict[str, Any]:
    """A question to the person for one field."""
    schema = {"type": "object", "properties": {field: {"type": kind}}, "required": [field]}
    return {"method": "elicitation/create", "params": {"message": message, "requestedSchema": schema}}


def sample(text: str) -> dict[str, Any]:
    """A question to the client's model."""
    message = {"role": "user", "content": {"type": "text", "text": text}}
    return {"method": "sampling/createMessage", "params": {"messages": [message], "maxTokens": 100}}


ROOTS: dict[str, Any] = {"method": "roots/list", "params": {}}
NAME = elicit("What is your name?", "name")

# By tool: what each round asks for, and whether the client must carry a state to the next one.
ROUNDS: dict[str, tuple[list[dict[str, Any]], bool]] = {
    "elicitation": ([{"user_name": NAME}], False),
    "sampling": ([{"capital_question": sample("What is the capital of France?")}], False),
    "list_roots": ([{"client_roots": ROOTS}], False),
    "request_state": ([{"confirm": elicit("Please confirm", "ok", "boolean")}], True),
    "tampered_state": ([{"confirm": elicit("Please confirm", "ok", "boolean")}], True),
    "multiple_inputs": (
        [{"user_name": NAME, "greeting": sample("Generate a greeting"), "client_roots": ROOTS}],
        True,
    ),
    "multi_round": ([{"step1": NAME}, {"step2": elicit("What is your favorite color?", "color")}], True),
}


def asked(requests: dict[str, Any], state: str | None = None) -> InputRequiredResult:
    """What the client must answer before it calls again, carrying `state`."""
    return InputRequiredResult.model_validate({"inputRequests": requests, "requestState": state})


def add_asking(server: MCPServer) -> None:
    """The tools and the prompt that ask."""
    for name, (rounds, stateful) in ROUNDS.items():
        server.add_tool(_in_rounds(rounds, stateful=stateful), f"test_input_required_result_{name}")

    @server.tool()
    async def test_input_required_result_capabilities(ctx: Context) -> str | InputRequiredResult:
        """Asks for what the client says it can give."""
        declared = ctx.client_capabilities
        able = {
            "user_name": (NAME, declared and declared.elicitation),
            "greeting": (sample("Generate a greeting"), declared and declared.sampling),
        }
        wanted = {key: request for key, (request, can) in able.items() if can is not None}
        return "done" if ctx.input_responses or not wanted else asked(wanted)

    @server.tool()
    async def test_missing_capability(ctx: Context) -> str:
        """Needs a client that samples."""
        if ctx.client_capabilities is None or ctx.client_capabilities.sampling is None:
            needed: dict[str, Any] = {"requiredCapabilities": {"sampling": {}}}
            raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "This needs sampling.", needed)
        return "done"

    @server.prompt()
    async def test_input_required_result_prompt(ctx: Context) -> str | InputRequiredResult:
        """Asks before it is filled in."""
        if ctx.input_responses:
            return "done"
        return asked({"user_context": elicit("What context should the prompt use?", "context")})


def _in_rounds(rounds: list[dict[str, Any]], *, stateful: bool) -> Any:
    async def work(ctx: Context) -> str | InputRequiredResult:
        """Asks, round by round."""
        given = set(ctx.input_responses or {})
        done = 0
        if stateful and ctx.request_state is not None:
            done = int(ctx.request_state)
        done += done < len(rounds) and given >= rounds[done].keys()
        if done < len(rounds):
            return asked(rounds[done], str(done) if stateful else None)
        return "done, state-ok" if stateful else f"done with {given}"

    return work
