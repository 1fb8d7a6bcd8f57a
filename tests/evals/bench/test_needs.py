"""Everyday needs: right in one call, and as small as a model needs them, on both stores (no timings here)."""

import statistics
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from evals.bench.calling import Called, Tools, open_tools
from evals.bench.needs import RENAE, met
from fhir_fixtures.store import create_app, open_store
from mcp_servers.fhir.rendering import BUDGET

LATEST, TEN_RESULTS, FIFTEEN_PROBLEMS = 100, 350, 450
# Everyday names of what an outpatient's and an inpatient's chart hold under one code each, and how many of
# ten results asked for each of the two has; then how many of fifteen problems.
CHARTS = (RENAE, "lee-watson")
RESULTS = {
    "hba1c": (10, 9), "blood pressure": (10, 10), "weight": (10, 9), "heart rate": (10, 10),
    "hemoglobin": (10, 2), "platelet count": (10, 1),
}  # fmt: skip
PROBLEMS = (15, 6)


@pytest.fixture
def embedded(sample_charts: Path) -> Iterator[httpx.AsyncBaseTransport]:
    store = open_store(sample_charts)
    yield httpx.ASGITransport(create_app(store))
    store.close()


@pytest.fixture(params=["embedded", pytest.param("hapi", marks=pytest.mark.hapi)])
async def http(request: pytest.FixtureRequest, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:
    """Each store in turn."""
    if request.param == "hapi":
        base, transport = request.getfixturevalue("hapi_base"), None
    else:
        base, transport = "http://embedded/fhir", request.getfixturevalue("embedded")
    async with httpx.AsyncClient(base_url=base, transport=transport, timeout=60, trust_env=False) as client:
        yield client


@pytest.mark.anyio
async def test_every_need_is_met_rightly_in_one_call_and_in_few_bytes(
    http: httpx.AsyncClient, tmp_path: Path
) -> None:
    async with open_tools(http, tmp_path) as tools:
        found = await met(http, tools)
    assert len(found) == 20
    assert [f"{one.need.words}: {one.called.text}" for one in found if not one.right] == []
    assert [one.need.words for one in found if one.called.tokens > one.need.limit] == []
    assert statistics.median(one.ratio for one in found) <= 0.1
    computed = [one.called.bytes for one in found if one.need.computed]
    assert len(computed) >= 6
    assert statistics.median(computed) <= 600


@pytest.mark.anyio
async def test_latest_values_ten_results_and_problem_lists_keep_to_their_limits(
    http: httpx.AsyncClient, tmp_path: Path
) -> None:
    async with open_tools(http, tmp_path) as tools:
        for place, patient in enumerate(CHARTS):
            for name, results in RESULTS.items():
                asked = {"patient": patient, "name": name}
                assert (await told(tools, "observations", asked)).tokens <= LATEST
                ten = await told(tools, "observations", {**asked, "mode": "series", "limit": 10})
                assert (ten.data or {})["returned"] == results[place]
                assert ten.tokens <= TEN_RESULTS
            fifteen = await told(tools, "list_records", {"patient": patient, "kind": "problems", "limit": 15})
            assert (fifteen.data or {})["returned"] == PROBLEMS[place]
            assert fifteen.tokens <= FIFTEEN_PROBLEMS


@pytest.mark.anyio
async def test_no_result_of_the_largest_chart_exceeds_the_budget(
    http: httpx.AsyncClient, tmp_path: Path
) -> None:
    async with open_tools(http, tmp_path) as tools:
        for tool, arguments in (
            ("chart_overview", {}),
            ("list_records", {"kind": "medications", "status": "all", "limit": 200}),
            ("list_records", {"kind": "encounters", "limit": 200}),
            ("observations", {"name": "heart rate", "mode": "series", "limit": 200}),
            ("fhir_search", {"resource_type": "DiagnosticReport", "limit": 100}),
            ("fhir_read", {"reference": "Encounter/4118d72a-fe1f-4aa0-899f-be32f802d582"}),
        ):
            assert (await told(tools, tool, {"patient": RENAE, **arguments})).tokens <= BUDGET


async def told(tools: Tools, tool: str, arguments: Mapping[str, object]) -> Called:
    called = await tools.call(tool, dict(arguments))
    assert called.data is not None, called.text
    assert called.data["rows"]
    return called
