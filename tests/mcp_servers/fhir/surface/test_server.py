"""The MCP server: schemas, errors as results, and the trail of each call."""

import hashlib
import json
import logging
import threading
from typing import Any, cast

import anyio
import pytest
from mcp import Client
from mcp.types import RequestParamsMeta, Tool
from starlette.applications import Starlette
from starlette.responses import HTMLResponse

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.recording import Call, Outcome
from mcp_servers.fhir.surface.recorded import META_KEY
from mcp_servers.fhir.surface.server import build_server
from mcp_servers.fhir.tools import CATALOGUE
from tests.mcp_servers.fhir.conftest import NOW
from tests.mcp_servers.fhir.scripted import (
    ScriptedCall,
    ScriptedFhir,
    ScriptedRecorder,
    http_to,
    observation,
    outcome,
)
from tests.mcp_servers.fhir.sessions import data, session, text

OKAFOR = "hard-amara-okafor"
TOKENS = 2500
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CORE = ["chart_overview", "list_records", "observations", "search_notes", "fhir_read"]
CHART_TOOLS = [offer.work.__name__ for offer in CATALOGUE if not offer.unbound_only]


async def tools_of(patient: str | None) -> dict[str, Tool]:
    async with session(ScriptedFhir(), patient) as client:
        return {tool.name: tool for tool in (await client.list_tools()).tools}


def unbounded(schema: Any) -> list[Any]:
    """The strings and arrays of a schema that have no bound."""
    if isinstance(schema, list):
        return [found for item in schema for found in unbounded(item)]
    if not isinstance(schema, dict):
        return []
    open_string = schema.get("type") == "string" and not schema.keys() & {"maxLength", "enum"}
    open_array = schema.get("type") == "array" and "maxItems" not in schema
    here = [schema] if open_string or open_array else []
    return here + [found for item in schema.values() for found in unbounded(item)]


@pytest.mark.anyio
async def test_a_bound_session_offers_the_chart_tools_without_a_patient() -> None:
    tools = await tools_of("A")
    assert list(tools) == CHART_TOOLS
    assert all("patient" not in tool.input_schema["properties"] for tool in tools.values())


@pytest.mark.anyio
async def test_an_unbound_session_finds_patients_and_asks_for_one() -> None:
    tools = await tools_of(None)
    assert list(tools) == ["find_patient", *CHART_TOOLS]
    assert all("patient" in tools[name].input_schema["required"] for name in CHART_TOOLS)


@pytest.mark.parametrize("patient", ["A", None])
@pytest.mark.anyio
async def test_every_tool_is_read_only_titled_described_and_bounded(patient: str | None) -> None:
    for tool in (await tools_of(patient)).values():
        assert tool.title
        assert tool.description
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is True
        assert tool.annotations.destructive_hint is False
        assert tool.annotations.idempotent_hint is True
        assert tool.annotations.open_world_hint is False
        assert unbounded(tool.input_schema) == []
        assert tool.input_schema["additionalProperties"] is False
        assert tool.output_schema is not None
        assert "finding" in tool.output_schema["properties"]


@pytest.mark.parametrize("patient", ["../A", "Patient/A/B", "Observation/1", "", "a b"])
def test_a_session_cannot_be_bound_to_what_is_no_patient_id(patient: str) -> None:
    with pytest.raises(InvalidRequest):
        build_server(FhirClient(http_to(ScriptedFhir())), ScriptedRecorder(), patient=patient, now=NOW)


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        ("fhir_read", {"reference": "Observation/1", "patient": "B"}, "no argument patient"),
        ("fhir_read", {"reference": 7}, "reference"),
        ("fhir_read", {}, "reference"),
        ("fhir_read", {"reference": "Observation/../Patient/B"}, "Type/id"),
        ("fhir_read", {"reference": "http://x/fhir/Observation/1"}, "Type/id"),
        ("fhir_search", {"resource_type": "Observation?x"}, "R4 name"),
        ("fhir_search", {"resource_type": "Observation", "limit": 1000}, "limit"),
        ("fhir_search", {"resource_type": "Observation", "parameters": [{"name": "a"}]}, "value"),
        ("list_records", {"kind": "secrets"}, "kind"),
        ("list_records", {"kind": "labs"}, "in the tool observations"),
        ("list_records", {"kind": "Vaccines"}, "ask for immunizations"),
        ("list_records", {"kind": "problems", "since": "last year"}, "since: must be an ISO date"),
        ("observations", {"name": "bp", "until": "2019-05-03T10:00:00Z"}, "2019, 2019-05 or 2019-05-03."),
        ("list_records", {"kind": "problems", "since": "2026", "until": "2025"}, "later than `until`"),
        ("observations", {"name": "bp", "since": "2026", "until": "2025-12"}, "later than `until`"),
        ("list_records", {"kind": "problems", "since": "2019-13"}, "ISO date"),
        ("observations", {"name": "x" * 300}, "name"),
    ],
)
@pytest.mark.anyio
async def test_unusable_arguments_are_refused_with_what_to_do(
    embedded: Starlette, tool: str, arguments: dict[str, Any], says: str
) -> None:
    recorder = ScriptedRecorder()
    async with session(embedded, OKAFOR, recorder) as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert text(result).startswith("[invalid_request] ")
    assert says in text(result)
    (call,) = recorder.calls
    assert (call.tool, call.patient) == (tool, f"Patient/{OKAFOR}")
    assert call.arguments.items() >= arguments.items()
    assert call.completion is not None
    assert (call.completion["outcome"], call.completion["error"]) == ("refused", "invalid_request")


@pytest.mark.parametrize("patient", ["hard-amara-okafor", 7, None])
@pytest.mark.anyio
async def test_a_refused_call_of_an_unbound_session_is_recorded_with_the_patient_it_names(
    embedded: Starlette, patient: Any
) -> None:
    recorder = ScriptedRecorder()
    async with session(embedded, None, recorder) as client:
        await client.call_tool("chart_overview", {"patient": patient, "depth": 2})
    assert [call.patient for call in recorder.calls] == [
        "Patient/hard-amara-okafor" if isinstance(patient, str) else None
    ]


@pytest.mark.anyio
async def test_of_a_refused_call_no_more_than_a_part_is_recorded(embedded: Starlette) -> None:
    recorder = ScriptedRecorder()
    async with session(embedded, OKAFOR, recorder) as client:
        await client.call_tool("x" * 10_000, {"y": "z" * 100_000})
    assert len(recorder.calls[0].tool) + len(str(recorder.calls[0].arguments)) < 5000


@pytest.mark.anyio
async def test_a_tool_that_is_none_is_told_so_and_its_name_is_recorded_as_what_was_said(
    embedded: Starlette,
) -> None:
    recorder = ScriptedRecorder()
    async with session(embedded, OKAFOR, recorder) as client:
        result = await client.call_tool("Okafor has diabetes", {"x": 1})
    assert text(result).startswith("[invalid_request] There is no such tool")
    (call,) = recorder.calls
    assert (call.tool, call.arguments) == ("unknown", {"tool": "Okafor has diabetes", "x": 1})


@pytest.mark.anyio
async def test_a_refusal_that_cannot_be_recorded_says_so(embedded: Starlette) -> None:
    async with session(embedded, OKAFOR, ScriptedRecorder(begin_fails=True)) as client:
        result = await client.call_tool("fhir_read", {})
    assert text(result).startswith("[audit_unavailable] ")


@pytest.mark.parametrize(
    ("app", "kind"),
    [
        (ScriptedFhir(script={"metadata": lambda _: HTMLResponse("<html>Roe</html>")}), "server_failed"),
        (ScriptedFhir(script={"metadata": lambda _: outcome(401, "login", "who?")}), "not_permitted"),
        (ScriptedFhir(script={"Observation": lambda _: outcome(500, "exception", "no")}), "server_failed"),
        (ScriptedFhir(script={"Observation": lambda _: outcome(403, "forbidden", "no")}), "not_permitted"),
        (ScriptedFhir(script={"Observation": lambda _: outcome(400, "value", "no")}), "invalid_request"),
    ],
)
@pytest.mark.anyio
async def test_a_failed_or_refused_call_is_an_error_of_its_kind_and_never_an_empty_result(
    app: ScriptedFhir, kind: str
) -> None:
    app.resources.append({"resourceType": "Patient", "id": "A"})
    recorder = ScriptedRecorder()
    async with session(app, "A", recorder) as client:
        result = await client.call_tool("observations", {"name": "heart rate"})
    assert result.is_error
    assert text(result).startswith(f"[{kind}] ")
    assert recorder.calls[0].completion is not None
    assert recorder.calls[0].completion["error"] == kind
    assert recorder.calls[0].completion["outcome"] == ("failed" if kind == "server_failed" else "refused")


@pytest.mark.anyio
async def test_an_answer_that_nobody_foresaw_is_sanitised_and_logged_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    deep: Any = "Jane Roe"
    for _ in range(600):
        deep = {"a": deep}
    app = ScriptedFhir([{"resourceType": "Patient", "id": "A"}, observation("1", "A", extension=deep)])
    with caplog.at_level(logging.DEBUG):
        async with session(app, "A") as client:
            asked = {"resource_type": "Observation", "elements": ["extension"]}
            result = await client.call_tool("fhir_search", asked)
    assert text(result).startswith("[server_failed] ")
    assert "Roe" not in text(result)
    assert "Roe" not in caplog.text


@pytest.mark.anyio
async def test_the_trail_holds_what_was_asked_and_what_came_of_it() -> None:
    app = ScriptedFhir([{"resourceType": "Patient", "id": "A"}, observation("1", "A")])
    recorder = ScriptedRecorder()
    claims = {"session": "s1", "step": 3, "model": {"name": "m", "revision": "r", "quantisation": "q4"}}
    parameters = [{"name": "code", "value": "1"}]
    async with session(app, "A", recorder) as client:
        result = await client.call_tool(
            "fhir_search",
            {"resource_type": "Observation", "parameters": parameters},
            meta=cast(RequestParamsMeta, {META_KEY: claims}),
        )
    (call,) = recorder.calls
    assert (call.tool, call.patient, call.meta) == ("fhir_search", "Patient/A", claims)
    assert call.arguments["parameters"] == parameters
    assert [url for _, url, status in call.requests if status == 200][-1].endswith(
        "/Observation?patient=A&code=1&_count=20&_total=accurate"
    )
    canonical = json.dumps(result.structured_content, sort_keys=True, separators=(",", ":"))
    assert call.completion == {
        "outcome": "ok",
        "rows": 1,
        "refs": ["Observation/1"],
        "patients": ["Patient/A"],
        "result_sha256": hashlib.sha256(canonical.encode()).hexdigest(),
        "error": None,
    }
    assert {request.headers["x-request-id"] for request in app.seen} == {call.id}


@pytest.mark.parametrize("claims", ["model m", {"x": "y" * 5000}, None])
@pytest.mark.anyio
async def test_claims_of_another_shape_are_not_recorded(claims: Any) -> None:
    recorder = ScriptedRecorder()
    async with session(ScriptedFhir(), None, recorder) as client:
        meta = cast(RequestParamsMeta, {META_KEY: claims})
        await client.call_tool("find_patient", {"text": "Roe"}, meta=meta)
    assert recorder.calls[0].meta is None


@pytest.mark.parametrize(
    ("meta", "recorded"),
    [
        ({"traceparent": TRACE}, {"traceparent": TRACE}),
        ({"traceparent": TRACE, META_KEY: {"step": 3}}, {"traceparent": TRACE, "step": 3}),
        ({"traceparent": TRACE, META_KEY: "model m"}, {"traceparent": TRACE}),
        ({"traceparent": TRACE + "0" * 5000}, None),
        ({"traceparent": 7, META_KEY: {"step": 3}}, {"step": 3}),
    ],
)
@pytest.mark.anyio
async def test_the_trace_that_a_client_is_in_is_recorded(meta: Any, recorded: Any) -> None:
    recorder = ScriptedRecorder()
    async with session(ScriptedFhir(), None, recorder) as client:
        await client.call_tool("find_patient", {"text": "Roe"}, meta=cast(RequestParamsMeta, meta))
    assert recorder.calls[0].meta == recorded


@pytest.mark.anyio
async def test_without_a_journal_no_request_reaches_the_server() -> None:
    app = ScriptedFhir([{"resourceType": "Patient", "id": "A"}])
    async with session(app, "A", ScriptedRecorder(begin_fails=True)) as client:
        result = await client.call_tool("fhir_read", {"reference": "Patient/A"})
    assert text(result).startswith("[audit_unavailable] ")
    assert app.seen == []


@pytest.mark.anyio
async def test_a_result_that_cannot_be_recorded_is_withheld() -> None:
    app = ScriptedFhir([{"resourceType": "Patient", "id": "A", "name": [{"family": "Roe"}]}])
    async with session(app, "A", ScriptedRecorder(complete_fails=True)) as client:
        result = await client.call_tool("fhir_read", {"reference": "Patient/A"})
    assert text(result).startswith("[audit_unavailable] ")
    assert "Roe" not in text(result)
    assert result.structured_content is None


@pytest.mark.anyio
async def test_others_are_served_while_a_call_waits_for_the_disk_of_its_trail() -> None:
    waiting, disk = anyio.Event(), threading.Event()

    class SlowDisk(ScriptedCall):
        def complete(self, outcome: Outcome, **facts: Any) -> None:
            anyio.from_thread.run_sync(waiting.set)
            assert disk.wait(timeout=60)
            super().complete(outcome, **facts)

    class SlowRecorder(ScriptedRecorder):
        def begin(
            self, tool: str, arguments: dict[str, Any], patient: str | None, meta: dict[str, Any] | None
        ) -> Call:
            anyio.from_thread.check_cancelled()  # raises where this is no thread of its own
            self.calls.append(SlowDisk("slow", tool, arguments, patient, meta))
            return self.calls[0]

    recorder = SlowRecorder()
    app = ScriptedFhir([{"resourceType": "Patient", "id": "A"}])
    async with session(app, "A", recorder) as client, anyio.create_task_group() as group:
        group.start_soon(client.call_tool, "fhir_read", {"reference": "Patient/A"})
        await waiting.wait()
        disk.set()
    assert recorder.calls[0].completion is not None
    assert recorder.calls[0].completion["outcome"] == "ok"


@pytest.mark.anyio
async def test_others_are_served_while_a_refused_call_waits_for_the_disk_of_its_trail() -> None:
    waiting, disk = anyio.Event(), threading.Event()

    class SlowRecorder(ScriptedRecorder):
        def begin(
            self, tool: str, arguments: dict[str, Any], patient: str | None, meta: dict[str, Any] | None
        ) -> Call:
            anyio.from_thread.run_sync(waiting.set)  # raises where this is no thread of its own
            assert disk.wait(timeout=60)
            return super().begin(tool, arguments, patient, meta)

    async def ask() -> None:
        assert "There is no such tool" in text(await client.call_tool("no_such_tool", {}))

    recorder = SlowRecorder()
    async with session(ScriptedFhir(), "A", recorder) as client, anyio.create_task_group() as group:
        group.start_soon(ask)
        await waiting.wait()
        disk.set()
    assert recorder.calls[0].completion is not None
    assert recorder.calls[0].completion["outcome"] == "refused"


@pytest.mark.anyio
async def test_a_cancelled_call_is_completed_in_the_trail() -> None:
    reached = anyio.Event()

    class Hanging(ScriptedFhir):
        """A scripted server that never answers."""

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            reached.set()
            await anyio.sleep_forever()

    recorder = ScriptedRecorder()
    async with session(Hanging(), "A", recorder) as client, anyio.create_task_group() as group:
        group.start_soon(client.call_tool, "fhir_read", {"reference": "Patient/A"})
        await reached.wait()
        group.cancel_scope.cancel()
    assert recorder.calls[0].completion is not None
    assert recorder.calls[0].completion["outcome"] == "failed"
    assert recorder.calls[0].completion["error"] == "cancelled"


@pytest.mark.parametrize("patient", [None, "A"])
@pytest.mark.anyio
async def test_all_tools_are_told_in_few_tokens_with_an_example_each(patient: str | None) -> None:
    server = build_server(
        FhirClient(http_to(ScriptedFhir())), ScriptedRecorder(), patient=patient, now=NOW, cohorts=True
    )
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
    server = build_server(
        FhirClient(http_to(ScriptedFhir())), ScriptedRecorder(), patient=patient, now=NOW, tools="core"
    )
    async with Client(server) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == also + CORE
        refused = await client.call_tool("fhir_search", {"resource_type": "Observation"})
    assert refused.is_error


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
    server = build_server(FhirClient(http_to(app)), ScriptedRecorder(), patient="A", now=None)
    async with Client(server) as client:
        first = data(await client.call_tool("fhir_read", {"reference": "Patient/A"}))
        while (again := data(await client.call_tool("fhir_read", {"reference": "Patient/A"}))) == first:
            pass
    assert again["as_of"] > first["as_of"]


@pytest.mark.anyio
async def test_an_argument_that_is_null_counts_as_left_out(embedded: Starlette) -> None:
    async with session(embedded, OKAFOR) as client:
        nulls = {"status": None, "since": None, "limit": None, "cursor": None}
        given = data(await client.call_tool("list_records", {"kind": "problems", **nulls}))
        without = await client.call_tool("list_records", {"kind": None})
        left_out = data(await client.call_tool("list_records", {"kind": "problems"}))
    assert given == left_out
    assert text(without) == "[invalid_request] list_records cannot use these arguments: kind: Field required."
