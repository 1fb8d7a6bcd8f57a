"""What each everyday call asks of the FHIR server, once warm, so that no change makes it ask for more."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from evals.bench.calling import open_tools
from evals.bench.speed import EVERYDAY, PATIENT, name_of
from fhir_fixtures.store import create_app, open_store
from mcp_servers.fhir.tools import CATALOGUE
from tests.mcp_servers.fhir.counting import counting
from tests.mcp_servers.fhir.sessions import data

# FHIR requests on the embedded store, at most.
REQUESTS = {
    "find_patient Renae Homenick": 1,
    "fhir_read": 1,
    "fhir_search Immunization": 1,
    "observations 4548-4": 1,
    "observations hba1c": 2,
    "observations hba1c statistics": 2,
    "list_records allergies": 1,
    "list_records problems": 4,
    "list_records medications": 7,
    "list_records encounters": 2,
    "lookup_code lisinopril": 5,
    "search_notes migraine": 5,
    "query_chart": 2,
    "chart_overview": 43,
    "count_patients": 8,
}


@pytest.mark.anyio
async def test_a_warm_call_of_each_tool_asks_for_no_more_than_it_needs(
    sample_charts: Path, tmp_path: Path
) -> None:
    store = open_store(sample_charts)
    asked: dict[str, int] = {}
    async with httpx.AsyncClient(
        base_url="http://embedded/fhir", transport=httpx.ASGITransport(create_app(store))
    ) as http:
        async with open_tools(http, tmp_path) as tools:
            for tool, arguments in (*EVERYDAY, ("find_patient", {"text": "Renae Homenick"})):
                given = arguments if tool == "find_patient" else {"patient": PATIENT, **arguments}
                await tools.call(tool, given)
                called = await tools.call(tool, given)
                assert called.data is not None, called.text
                asked[name_of((tool, arguments))] = len(called.requests)
        asked["count_patients"] = await counted(http)
    store.close()
    assert {name.split()[0] for name in asked} == {offer.work.__name__ for offer in CATALOGUE}
    assert {name: asked[name] for name in asked if asked[name] > REQUESTS[name]} == {}


async def counted(http: httpx.AsyncClient) -> int:
    """How many requests the second count of patients makes."""
    sent: list[httpx.Request] = []

    async def note(request: httpx.Request) -> None:
        sent.append(request)

    http.event_hooks["request"].append(note)
    criteria: dict[str, Any] = {"condition": "hypertension", "sex": "female"}
    async with counting(http) as client:
        for _ in ("first", "again"):
            sent.clear()
            assert data(await client.call_tool("count_patients", criteria))["rows"]
    return len(sent)
