"""Snapshots and inventories keep up with what is written to each of the stores."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from fhir_fixtures.store import create_app, open_store
from mcp_servers.fhir import charts
from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.reading.inventory import Inventory
from mcp_servers.fhir.reading.measuring import Chart, read_measurement
from mcp_servers.fhir.reading.snapshot import Snapshot
from tests.contract.writes import bundle as transaction
from tests.mcp_servers.fhir.reading.following import Told, follow, ids
from tests.mcp_servers.fhir.scripted import a_call, http_to, observation


class Empty:
    """A sample set without records."""

    def resources(self) -> list[dict[str, Any]]:
        return []

    def digest(self) -> str:
        return "empty"


@pytest.fixture(params=["embedded", pytest.param("hapi", marks=pytest.mark.hapi)])
def writable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Starlette | str]:
    """Each store in turn, to write to: the real one while no other test counts there."""
    if request.param == "hapi":
        request.getfixturevalue("hapi_turn")
        yield request.getfixturevalue("hapi_base")
        return
    store = open_store(tmp_path / "store.db", Empty())
    yield create_app(store)
    store.close()


@asynccontextmanager
async def one_patient(http: httpx.AsyncClient, patient: str, size: int) -> AsyncIterator[None]:
    """A patient with observations, all loaded at one instant; what the test has written goes with them."""
    base = str(http.base_url).rstrip("/")
    urls = [f"Observation/{patient}-{name}" for name in [*range(size), "new"]]
    records = [("PUT", url, observation(url.partition("/")[2], patient)) for url in urls[:-1]]
    person = {"resourceType": "Patient", "id": patient}
    loaded = await http.post(
        base, json=transaction("transaction", ("PUT", f"Patient/{patient}", person), *records)
    )
    try:
        assert loaded.is_success, loaded.text
        yield
    finally:
        gone = [
            await http.post(base, json=transaction("transaction", *(("DELETE", url) for url in urls))),
            await http.delete(f"Patient/{patient}"),
        ]
    assert all(answer.is_success for answer in gone), gone


@pytest.mark.parametrize("size", [30, 90])
@pytest.mark.anyio
async def test_each_store_tells_what_was_added_changed_and_deleted(
    writable: Starlette | str, size: int
) -> None:
    patient = f"keeping-up-{secrets.token_hex(4)}"
    new, first, second = (f"{patient}-{name}" for name in ("new", 1, 2))
    refresh = follow(writable, Snapshot(["Observation"]), patient)
    async with http_to(writable) as http, one_patient(http, patient, size):
        assert len((await refresh()).changed) == size
        assert await refresh() == Told()
        await http.put(f"Observation/{new}", json=observation(new, patient))
        await http.put(f"Observation/{first}", json=observation(first, patient, status="amended"))
        assert ids(await refresh()) == [first, new]
        await http.delete(f"Observation/{second}")
        gone = await refresh()
        assert (ids(gone), gone.removed) == ([], [f"Observation/{second}"])


@pytest.mark.anyio
async def test_measurements_of_each_store_are_those_of_now(writable: Starlette | str) -> None:
    patient, now = f"keeping-up-{secrets.token_hex(4)}", "2026-11-01T00:00:00+00:00"
    new = f"Observation/{patient}-new"
    # In no dictionary: only the inventory of the chart can tell it.
    record = observation(
        f"{patient}-new", patient, code={"text": "Zorbinol"}, effectiveDateTime="2026-10-01", valueInteger=99
    )
    async with http_to(writable) as http, one_patient(http, patient, 250):
        client, inventory = FhirClient(http), Inventory()
        chart = Chart(client, PatientLock(f"Patient/{patient}", client.base), a_call(), now)

        async def latest() -> list[str]:
            found = await read_measurement(chart, inventory, "zorbinol", newest=True)
            told = charts.observations(
                found.records.values(), name="zorbinol", mode="latest", now=now, known=found.known
            )
            return [row["ref"] for row in told.rows]

        assert await latest() == []
        await http.put(new, json=record)
        assert await latest() == [new]
        await http.delete(new)
        assert await latest() == []
