"""query_chart in a session: exact answers with references, pages, and the kinds of nothing and of failure."""

import json

import httpx
import pytest
from mcp import Client
from starlette.applications import Starlette

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.surface.server import build_server
from tests.mcp_servers.fhir.conftest import NOW
from tests.mcp_servers.fhir.scripted import ScriptedFhir, ScriptedRecorder, observation
from tests.mcp_servers.fhir.sessions import data, session, text

OKAFOR = "hard-amara-okafor"


@pytest.mark.anyio
async def test_two_tables_are_joined_in_one_call_and_the_rows_are_evidence(embedded: Starlette) -> None:
    recorder = ScriptedRecorder()
    sql = (
        "SELECT unit, count(*) AS n, max(value) AS highest, list(ref) AS refs FROM observation"
        " WHERE code = '4548-4' AND date >="
        " (SELECT min(date) FROM condition WHERE code_text ILIKE '%diabetes%') GROUP BY unit ORDER BY unit"
    )
    async with session(embedded, OKAFOR, recorder) as client:
        found = data(await client.call_tool("query_chart", {"sql": sql}))
    percent = found["rows"][0]
    assert (found["finding"], percent["unit"], percent["n"]) == ("recorded", "%", 3)
    completion = recorder.calls[0].completion
    assert completion is not None
    assert set(percent["refs"]) <= set(completion["refs"])
    assert recorder.calls[0].arguments["sql"] == sql


@pytest.mark.anyio
async def test_cursors_lead_through_all_rows(each_store: Starlette | str) -> None:
    asked = {"sql": "SELECT ref, date FROM observation ORDER BY ref", "limit": 7}
    refs: list[str] = []
    async with session(each_store, OKAFOR) as client:
        page = data(await client.call_tool("query_chart", asked))
        total = page["total"]
        while page["cursor"] is not None:
            refs += [row["ref"] for row in page["rows"]]
            page = data(await client.call_tool("query_chart", {**asked, "cursor": page["cursor"]}))
        refs += [row["ref"] for row in page["rows"]]
    assert len(refs) == len(set(refs)) == total > 7
    assert not page["truncated"]


@pytest.mark.anyio
async def test_no_rows_say_nothing_of_the_chart_and_withdrawn_records_are_counted(
    each_store: Starlette | str,
) -> None:
    sql = "SELECT ref FROM medication_request WHERE code_text ILIKE '%allopurinol%'"
    async with session(each_store, OKAFOR) as client:
        result = await client.call_tool("query_chart", {"sql": sql})
    found = data(result)
    assert (found["finding"], found["rows"], found["total"]) == ("recorded", [], 0)
    assert "nothing recorded" not in text(result)
    assert any(note.startswith("No rows:") for note in found["notes"])
    assert any(note.startswith("Left out as entered in error") for note in found["notes"])


@pytest.mark.anyio
async def test_another_patients_records_are_in_no_table() -> None:
    app = ScriptedFhir(
        [
            {"resourceType": "Patient", "id": "A"},
            {"resourceType": "Patient", "id": "B"},
            observation("1", "A"),
            observation("2", "B"),
        ]
    )
    async with session(app) as client:
        for patient, ref in (("A", "Observation/1"), ("B", "Observation/2"), ("A", "Observation/1")):
            asked = {"patient": patient, "sql": "SELECT ref FROM observation"}
            assert [row["ref"] for row in data(await client.call_tool("query_chart", asked))["rows"]] == [ref]


@pytest.mark.anyio
async def test_a_refused_statement_is_an_error_on_the_trail(embedded: Starlette) -> None:
    recorder = ScriptedRecorder()
    async with session(embedded, OKAFOR, recorder) as client:
        result = await client.call_tool("query_chart", {"sql": "SELECT * FROM read_text('/etc/passwd')"})
    assert result.is_error
    assert text(result).startswith("[invalid_request] The table function read_text is not allowed")
    assert recorder.calls[0].completion is not None
    assert recorder.calls[0].completion["outcome"] == "refused"


@pytest.mark.anyio
async def test_rows_of_huge_cells_stay_within_an_answer(embedded: Starlette) -> None:
    asked = {"sql": "SELECT x, repeat('y', 5000) AS y FROM range(3000) r(x)", "limit": 200}
    async with session(embedded, OKAFOR) as client:
        result = await client.call_tool("query_chart", asked)
    found = data(result)
    assert (found["total"], found["truncated"]) == (3000, True)
    assert len(json.dumps(found)) < 450_000
    assert len(text(result)) < 10_000


@pytest.mark.hapi
@pytest.mark.anyio
async def test_a_real_hapi_fills_the_same_tables_and_is_asked_only_for_changes_then(
    embedded: Starlette, hapi_base: str
) -> None:
    sql = (
        "SELECT o.ref, o.date, o.value, m.code_text FROM observation o, medication_request m"
        " WHERE o.date >= m.date ORDER BY o.ref, m.ref"
    )
    async with session(embedded, OKAFOR) as client:
        expected = data(await client.call_tool("query_chart", {"sql": sql, "limit": 200}))
    recorder = ScriptedRecorder()
    async with (
        httpx.AsyncClient(base_url=hapi_base, timeout=60, trust_env=False) as http,
        Client(build_server(FhirClient(http), recorder, patient=OKAFOR, now=NOW)) as client,
    ):
        asked = {"sql": sql, "limit": 200}
        found = [data(await client.call_tool("query_chart", asked)) for _ in range(2)]
    assert [one["rows"] for one in found] == [expected["rows"]] * 2
    assert len(expected["rows"]) > 20
    assert len(recorder.calls[1].requests) <= 4
