"""Resources: read as the tool calls they stand for, and no other patient's."""

import json
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    TextContent,
    TextResourceContents,
)
from starlette.applications import Starlette

from tests.mcp_servers.fhir.scripted import ScriptedFhir, ScriptedRecorder, observation, outcome
from tests.mcp_servers.fhir.sessions import session

OKAFOR = "hard-amara-okafor"


async def read(client: Client, uri: str) -> list[TextResourceContents]:
    contents = (await client.read_resource(uri)).contents
    assert all(isinstance(content, TextResourceContents) for content in contents)
    return [content for content in contents if isinstance(content, TextResourceContents)]


@pytest.mark.parametrize(
    ("uri", "tool", "arguments"),
    [
        ("chart://overview", "chart_overview", {}),
        ("chart://records/problems", "list_records", {"kind": "problems"}),
        ("chart://observations/HbA1c", "observations", {"name": "HbA1c", "mode": "series"}),
        (
            "chart://observations/blood%20pressure",
            "observations",
            {"name": "blood pressure", "mode": "series"},
        ),
    ],
)
@pytest.mark.anyio
async def test_a_resource_is_read_as_the_tool_call_it_stands_for(
    embedded: Starlette, uri: str, tool: str, arguments: dict[str, Any]
) -> None:
    recorder = ScriptedRecorder()
    async with session(embedded, OKAFOR, recorder) as client:
        (content,) = await read(client, uri)
        called = await client.call_tool(tool, arguments)
    assert isinstance(called.content[0], TextContent)
    assert (content.text, content.mime_type) == (called.content[0].text, "text/plain")
    as_resource, as_tool = recorder.calls
    assert (as_resource.tool, as_resource.patient) == (tool, f"Patient/{OKAFOR}")
    assert as_resource.arguments.items() >= arguments.items()
    assert as_resource.completion == as_tool.completion


@pytest.mark.parametrize(
    ("patient", "uri"), [("A", "fhir://Observation/1"), (None, "fhir://A/Observation/1")]
)
@pytest.mark.anyio
async def test_a_record_is_read_as_fhir_with_notes_on_what_was_left_out(
    patient: str | None, uri: str
) -> None:
    told = observation("1", "A", text={"status": "generated", "div": "<div>long</div>"})
    async with session(ScriptedFhir([{"resourceType": "Patient", "id": "A"}, told]), patient) as client:
        record, notes = await read(client, uri)
    assert record.mime_type == "application/fhir+json"
    assert json.loads(record.text)["subject"] == {"reference": "Patient/A"}
    assert "narrative" in notes.text


@pytest.mark.parametrize(
    ("uri", "code", "says"),
    [
        ("fhir://Patient/hard-henrik-olsen", INVALID_PARAMS, "[patient_locked]"),
        ("fhir://Observation/..%2FPatient", INVALID_PARAMS, "[invalid_request]"),
        ("chart://records/secrets", INVALID_PARAMS, "[invalid_request]"),
        ("chart://nothing", INVALID_PARAMS, "[invalid_request]"),
        ("chart://hard-henrik-olsen/overview", INVALID_PARAMS, "[invalid_request]"),
        ("file:///etc/passwd", INVALID_PARAMS, "[invalid_request]"),
    ],
)
@pytest.mark.anyio
async def test_a_resource_that_is_not_this_patients_is_not_found_and_the_attempt_is_on_the_trail(
    embedded: Starlette, uri: str, code: int, says: str
) -> None:
    recorder = ScriptedRecorder()
    async with session(embedded, OKAFOR, recorder) as client:
        with pytest.raises(MCPError) as raised:
            await client.read_resource(uri)
    assert raised.value.code == code
    assert raised.value.message.startswith(says)
    (attempt,) = recorder.calls
    assert (attempt.completion or {})["outcome"] == "refused"


@pytest.mark.anyio
async def test_a_resource_that_the_server_fails_to_give_is_no_missing_one() -> None:
    app = ScriptedFhir(
        [{"resourceType": "Patient", "id": "A"}],
        script={"Observation/1": lambda _: outcome(500, "exception", "no")},
    )
    async with session(app, "A") as client:
        with pytest.raises(MCPError) as raised:
            await client.read_resource("fhir://Observation/1")
    assert raised.value.code == INTERNAL_ERROR
    assert raised.value.message.startswith("[server_failed]")


@pytest.mark.anyio
async def test_an_unbound_servers_resources_name_their_patient() -> None:
    async with session(ScriptedFhir(), None) as unbound, session(ScriptedFhir(), "A") as bound:
        assert (await unbound.list_resources()).resources == []
        templates = (await unbound.list_resource_templates()).resource_templates
        assert [resource.uri for resource in (await bound.list_resources()).resources] == ["chart://overview"]
    assert all("{patient}" in template.uri_template for template in templates)
    assert len(templates) == 4
