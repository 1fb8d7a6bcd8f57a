"""What a server offers beside its tools: profiles, resources, prompts, completions, instructions."""

import json
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    PromptReference,
    ResourceTemplateReference,
    TextContent,
    TextResourceContents,
)
from starlette.applications import Starlette

from mcp_servers.fhir.server import build_server
from tests.mcp_servers.fhir.conftest import NOW
from tests.mcp_servers.fhir.scripted import ScriptedFhir, ScriptedRecorder, http_to, observation, outcome
from tests.mcp_servers.fhir.sessions import data, session

OKAFOR = "hard-amara-okafor"
TOKENS = 2500
CORE = ["chart_overview", "list_records", "observations", "search_notes", "fhir_read"]
PROMPTS = ["chart_review", "medication_reconciliation", "pre_visit_summary", "result_follow_up"]


@pytest.mark.parametrize("patient", [None, "A"])
@pytest.mark.anyio
async def test_all_tools_are_told_in_few_tokens_with_an_example_each(patient: str | None) -> None:
    server = build_server(http_to(ScriptedFhir()), ScriptedRecorder(), patient=patient, now=NOW, cohorts=True)
    async with Client(server) as client:
        tools = (await client.list_tools()).tools
    told = {
        tool.name: len(json.dumps([tool.name, tool.description, tool.input_schema], separators=(",", ":")))
        / 4
        for tool in tools
    }
    assert sum(told.values()) <= TOKENS, told
    assert [tool.name for tool in tools if "xample" not in (tool.description or "")] == []


@pytest.mark.parametrize(("patient", "also"), [(None, ["find_patient"]), ("A", [])])
@pytest.mark.anyio
async def test_the_core_profile_offers_what_needs_no_fhir_and_no_code(
    patient: str | None, also: list[str]
) -> None:
    server = build_server(http_to(ScriptedFhir()), ScriptedRecorder(), patient=patient, now=NOW, tools="core")
    async with Client(server) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == also + CORE
        refused = await client.call_tool("fhir_search", {"resource_type": "Observation"})
    assert refused.is_error


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
        ("chart://nothing", INVALID_PARAMS, "[not_found]"),
        ("file:///etc/passwd", INVALID_PARAMS, "[not_found]"),
    ],
)
@pytest.mark.anyio
async def test_a_resource_that_is_not_this_patients_is_not_found(
    embedded: Starlette, uri: str, code: int, says: str
) -> None:
    async with session(embedded, OKAFOR) as client:
        with pytest.raises(MCPError) as raised:
            await client.read_resource(uri)
    assert raised.value.code == code
    assert raised.value.message.startswith(says)


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


@pytest.mark.parametrize(("name", "says"), [("result_follow_up", "name"), ("no_such", "no_such")])
@pytest.mark.anyio
async def test_a_prompt_that_cannot_be_filled_in_says_what_is_missing(name: str, says: str) -> None:
    async with session(ScriptedFhir(), "A") as client:
        with pytest.raises(MCPError, match=says) as raised:
            await client.get_prompt(name, {})
    assert raised.value.code == INVALID_PARAMS


@pytest.mark.parametrize(
    ("ref", "argument", "typed", "first"),
    [
        ("fhir://{type}/{id}", "type", "medicationr", "MedicationRequest"),
        ("chart://records/{kind}", "kind", "al", "allergies"),
        ("chart://observations/{name}", "name", "pota", "Potassium"),
        ("chart://observations/{name}", "name", "2823-3", "2823-3"),
        ("result_follow_up", "name", "ldl", "LDL cholesterol"),
    ],
)
@pytest.mark.anyio
async def test_what_is_typed_is_completed_from_fixed_names(
    ref: str, argument: str, typed: str, first: str
) -> None:
    reference = (
        ResourceTemplateReference(type="ref/resource", uri=ref)
        if "://" in ref
        else PromptReference(type="ref/prompt", name=ref)
    )
    async with session(ScriptedFhir(), "A") as client:
        found = (await client.complete(reference, {"name": argument, "value": typed})).completion
        whole = (await client.complete(reference, {"name": argument, "value": ""})).completion
    assert found.values[0] == first
    assert whole.total is not None
    assert len(whole.values) == min(100, whole.total)


@pytest.mark.parametrize("argument", ["patient", "id", "focus"])
@pytest.mark.anyio
async def test_nothing_of_a_chart_is_completed_and_no_patient(embedded: Starlette, argument: str) -> None:
    recorder = ScriptedRecorder()
    async with session(embedded, None, recorder) as client:
        for typed in ("", "hard", "Okafor"):
            reference = ResourceTemplateReference(type="ref/resource", uri="fhir://{patient}/{type}/{id}")
            found = await client.complete(reference, {"name": argument, "value": typed})
            assert found.completion.values == []
    assert recorder.calls == []


@pytest.mark.anyio
async def test_a_server_says_who_it_is_and_whom_it_is_about() -> None:
    async with session(ScriptedFhir(), "A") as bound, session(ScriptedFhir(), None) as unbound:
        assert bound.server_info is not None
        assert bound.server_info.version
        assert "Patient/A" in (bound.instructions or "")
        assert "find_patient" in (unbound.instructions or "")


@pytest.mark.anyio
async def test_without_a_fixed_present_each_call_has_its_own() -> None:
    app = ScriptedFhir([{"resourceType": "Patient", "id": "A"}])
    server = build_server(http_to(app), ScriptedRecorder(), patient="A", now=None)
    async with Client(server) as client:
        first = data(await client.call_tool("fhir_read", {"reference": "Patient/A"}))
        while (again := data(await client.call_tool("fhir_read", {"reference": "Patient/A"}))) == first:
            pass
    assert again["as_of"] > first["as_of"]


@pytest.mark.anyio
async def test_an_argument_that_is_null_counts_as_left_out(embedded: Starlette) -> None:
    async with session(embedded, OKAFOR) as client:
        given = data(
            await client.call_tool("list_records", {"kind": "problems", "since": None, "cursor": None})
        )
        left_out = data(await client.call_tool("list_records", {"kind": "problems"}))
    assert given == left_out
