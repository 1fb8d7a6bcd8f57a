"""Every hard case of the sample charts is answered rightly in one call, on both stores."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from mcp import Client

from evals.hard_cases import NOBODY, hard_cases, outcomes
from fhir_fixtures import charts
from fhir_fixtures.store import create_app, open_store
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.keys import Key
from mcp_servers.audit.identity import Identity
from mcp_servers.audit.recorder import Context, Recorder
from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.surface.server import build_server
from tests.mcp_servers.fhir.conftest import HandmadeCharts

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


async def wrong_answers(http: httpx.AsyncClient, folder: Path) -> list[str]:
    journal = Journal(folder / "audit.sqlite", [Key(b"t" * 32)])
    recorder = Recorder(
        journal, Context(session="test", identity=Identity("test"), fhir_base=str(http.base_url))
    )
    try:
        async with Client(build_server(FhirClient(http), recorder, patient=None, now=NOW)) as client:
            found = [outcome async for outcome in outcomes(client)]
    finally:
        journal.close()
    assert len(found) >= 90
    return [f"{one.case.patient}: {one.case.case}: {one.wrong}" for one in found if one.wrong]


@pytest.fixture
def store_app(tmp_path: Path) -> Iterator[httpx.ASGITransport]:
    store = open_store(tmp_path / "store.db", HandmadeCharts())
    yield httpx.ASGITransport(create_app(store))
    store.close()


@pytest.mark.anyio
async def test_every_hard_case_is_right_on_the_embedded_store(
    store_app: httpx.ASGITransport, tmp_path: Path
) -> None:
    async with httpx.AsyncClient(transport=store_app, base_url="http://embedded/fhir") as http:
        assert await wrong_answers(http, tmp_path) == []


@pytest.mark.hapi
@pytest.mark.anyio
async def test_every_hard_case_is_right_on_a_real_hapi(hapi_base: str, tmp_path: Path) -> None:
    async with httpx.AsyncClient(base_url=hapi_base, timeout=60, trust_env=False) as http:
        assert await wrong_answers(http, tmp_path) == []


def test_every_hard_patient_has_cases() -> None:
    asked = {case.patient or NOBODY for case in hard_cases()}
    assert {one.id for one in charts.patients() if one.set == "handmade"} | {NOBODY} == asked


def test_every_record_named_in_a_case_is_in_the_charts() -> None:
    held = {f"{one['resourceType']}/{one['id']}" for one in HandmadeCharts().resources()}
    assert [ref for case in hard_cases() for ref in case.refs or () if ref not in held] == []
