"""Prompts: what they name, and what they say when they cannot be filled in."""

import pytest
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    TextContent,
)

from tests.mcp_servers.fhir.scripted import ScriptedFhir
from tests.mcp_servers.fhir.sessions import session

PROMPTS = ["chart_review", "medication_reconciliation", "pre_visit_summary", "result_follow_up"]


@pytest.mark.parametrize("name", PROMPTS)
@pytest.mark.parametrize("patient", ["A", None])
@pytest.mark.anyio
async def test_a_prompt_names_the_patient_the_tools_and_what_was_given(
    name: str, patient: str | None
) -> None:
    async with session(ScriptedFhir(), patient) as client:
        offered = {prompt.name: prompt for prompt in (await client.list_prompts()).prompts}
        tools = [tool.name for tool in (await client.list_tools()).tools]
        arguments = [argument.name for argument in offered[name].arguments or []]
        given = {argument: f"<{argument}>" for argument in arguments}
        (message,) = (await client.get_prompt(name, given)).messages
        required = {a.name: "x" for a in offered[name].arguments or [] if a.required}
        (shorter,) = (await client.get_prompt(name, required)).messages
    assert list(offered) == PROMPTS
    assert isinstance(message.content, TextContent)
    assert isinstance(shorter.content, TextContent)
    assert all(value in message.content.text for value in given.values())
    assert "$" not in message.content.text + shorter.content.text
    assert len(shorter.content.text) < len(message.content.text)
    assert any(tool in message.content.text for tool in tools)
    assert ("patient" in arguments) is (patient is None)


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("result_follow_up", {"patient": "A"}, "name"),
        ("result_follow_up", {"patient": "A", "name": " "}, "name"),
        ("chart_review", {"patient": ""}, "patient"),
        ("no_such", {}, "no_such"),
    ],
)
@pytest.mark.anyio
async def test_a_prompt_that_cannot_be_filled_in_says_what_is_missing(
    name: str, given: dict[str, str], says: str
) -> None:
    async with session(ScriptedFhir()) as client:
        with pytest.raises(MCPError, match=says) as raised:
            await client.get_prompt(name, given)
    assert raised.value.code == INVALID_PARAMS
