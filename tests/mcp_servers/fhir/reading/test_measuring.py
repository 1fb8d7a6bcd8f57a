"""Measurements read by need: the answer that the whole chart gives, at a cost that does not grow with it."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from fhir_fixtures.store import create_app, open_store
from mcp_servers.fhir import charts
from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.charts.measurements import Mode
from mcp_servers.fhir.reading.gathering import gather
from mcp_servers.fhir.reading.inventory import Inventory
from mcp_servers.fhir.reading.measuring import Chart, read_measurement, read_newest_of_each
from tests.mcp_servers.fhir.scripted import ScriptedCall, a_call, bundle, http_to, outcome

NOW = "2026-11-01T00:00:00+00:00"
BASE = "http://x/fhir"
LOINC = "http://loinc.org"
# Two of one day.
NEWEST_GLUCOSES = ["Observation/o479", "Observation/o491"]
ODD: dict[str, dict[str, Any]] = {
    "in error": {"status": "entered-in-error"},
    "cancelled": {"status": "cancelled"},
    "no value": {"valueQuantity": None},
    "a year": {"effectiveDateTime": "2026"},
    "later": {"effectiveDateTime": "2027-01-01"},
    "undated": {"effectiveDateTime": None},
    "ends": {"effectiveDateTime": None, "effectivePeriod": {"end": "2026-10-20"}},
    "zone": {"effectiveDateTime": "2026-10-01T23:30:00-11:00"},
}


def observation(number: int, code: str | None, text: str, date: str) -> dict[str, Any]:
    coding = {"coding": [{"system": LOINC, "code": code, "display": text}]} if code else {}
    return {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": "final",
        "code": {**coding, "text": text},
        "subject": {"reference": "Patient/long"},
        "effectiveDateTime": date,
        "valueQuantity": {"value": number, "unit": "mg/dL"},
    }


class LongChart:
    """Five hundred glucoses, a creatinine of long ago, and each hard case as the newest of its own code."""

    def resources(self) -> Iterator[dict[str, Any]]:
        yield {"resourceType": "Patient", "id": "long"}
        for n in range(500):
            yield observation(n, "2345-7", "Glucose", f"20{n // 25 + 6:02}-{n % 12 + 1:02}-11")
        yield observation(500, "2160-0", "Creatinine", "1999-05-01")
        yield observation(501, None, "Home oximeter", "2001-05-01")
        for n in range(30):
            yield observation(502 + n, "85354-9", "Blood pressure", f"2023-05-{n + 1:02}")
        for n in range(30):
            yield observation(532 + n, "8480-6", "Systolic", f"2024-05-{n + 1:02}")
        yield observation(562, "8462-4", "Diastolic", "2024-05-28")
        for place, (name, odd) in enumerate(ODD.items()):
            for n in range(25):
                day = f"2026-{n % 9 + 1:02}-{n + 1:02}"
                yield observation(600 + 100 * place + n, f"9000{place}-0", f"Test {name}", day)
            newest = observation(699 + 100 * place, f"9000{place}-0", f"Test {name}", "2026-10-01") | odd
            yield {element: value for element, value in newest.items() if value is not None}

    def digest(self) -> str:
        return "long chart"


@pytest.fixture(scope="module")
def long_chart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starlette]:
    store = open_store(tmp_path_factory.mktemp("long") / "store.db", LongChart())
    store.connection.execute("UPDATE resource SET updated = updated - 3600000")  # an hour ago
    yield create_app(store)
    store.close()


@asynccontextmanager
async def reading(app: Any) -> AsyncIterator[tuple[Chart, ScriptedCall]]:
    call = a_call()
    async with http_to(app, BASE) as http:
        yield Chart(FhirClient(http), PatientLock("Patient/long", BASE), call, NOW), call


async def answered(chart: Chart, inventory: Inventory, name: str, mode: Mode) -> charts.Projected:
    found = await read_measurement(chart, inventory, name, newest=mode == "latest")
    return charts.observations(found.records.values(), name=name, mode=mode, now=NOW, known=found.known)


@pytest.mark.parametrize("mode", ["latest", "series", "statistics", "count"])
@pytest.mark.anyio
async def test_what_is_read_by_need_answers_as_the_whole_chart_does(
    long_chart: Starlette, mode: Mode
) -> None:
    names = [
        "glucose",
        "2160-0",
        "creatinine",
        "blood pressure",
        "Home oximeter",
        "nothing of the kind",
        "glucoze",
    ]
    async with reading(long_chart) as (chart, _):
        everything = (await gather(chart.client, [charts.OBSERVATIONS], chart.lock, chart.call)).resources
        inventory = Inventory()
        for name in [*names, *(f"Test {odd}" for odd in ODD)]:
            found = await answered(chart, inventory, name, mode)
            whole = charts.observations(everything, name=name, mode=mode, now=NOW)
            assert (name, found.rows, found.finding) == (name, whole.rows, whole.finding)
            if mode != "latest":
                assert found.notes == whole.notes


@pytest.mark.anyio
async def test_the_last_value_of_each_is_found_behind_newer_records_without_one(
    long_chart: Starlette,
) -> None:
    async with reading(long_chart) as (chart, _):
        everything = (await gather(chart.client, [charts.OBSERVATIONS], chart.lock, chart.call)).resources
        found = await read_newest_of_each(chart, Inventory())
    # Without those whose period has no start, as servers sort them last.
    everything = [one for one in everything if "effectivePeriod" not in one]
    dated = [one for one in found.records.values() if "effectivePeriod" not in one]
    newest = [charts.newest_of_each(part, NOW) for part in (everything, dated)]
    assert {one["id"] for one in newest[0]} == {one["id"] for one in newest[1]}


@pytest.mark.anyio
async def test_the_latest_value_costs_two_requests_however_long_the_chart(long_chart: Starlette) -> None:
    async with reading(long_chart) as (chart, call):
        inventory = Inventory()
        await answered(chart, inventory, "glucose", "latest")
        before = len(call.requests)
        found = await answered(chart, inventory, "glucose", "latest")
        assert len(call.requests) - before == 2
        assert before < 8
        assert [row["ref"] for row in found.rows] == NEWEST_GLUCOSES


@pytest.mark.anyio
async def test_a_pressure_recorded_in_parts_costs_no_more(long_chart: Starlette) -> None:
    async with reading(long_chart) as (chart, call):
        inventory = Inventory()
        await answered(chart, inventory, "blood pressure", "latest")
        before = len(call.requests)
        found = await answered(chart, inventory, "blood pressure", "latest")
        assert len(call.requests) - before == 2
        assert [row.get("refs", row["ref"]) for row in found.rows] == [
            "Observation/o561",
            ["Observation/o559", "Observation/o562"],
        ]


@pytest.mark.anyio
async def test_a_name_that_fits_several_lists_how_many_records_each_has(long_chart: Starlette) -> None:
    async with reading(long_chart) as (chart, _):
        with pytest.raises(charts.Ambiguous, match=r"Test cancelled \(code 90001-0, 26 records\)"):
            await answered(chart, Inventory(), "test", "latest")


@pytest.mark.parametrize("change", ["a new code", "the newest deleted", "a newer value"])
@pytest.mark.anyio
async def test_what_was_written_since_the_last_call_is_seen(tmp_path: Path, change: str) -> None:
    store = open_store(tmp_path / "store.db", LongChart())
    async with reading(create_app(store)) as (chart, _):
        inventory = Inventory()
        await answered(chart, inventory, "creatinine", "latest")
        with store.transaction():
            if change == "a new code":
                new = observation(9000, "718-7", "Hemoglobin", "2026-10-02")
                store.put("Observation", "o9000", new)
            elif change == "the newest deleted":
                store.put("Observation", "o500", None)
            else:
                store.put("Observation", "o9001", observation(9001, "2160-0", "Creatinine", "2026-10-02"))
        asked = "hemoglobin" if change == "a new code" else "creatinine"
        rows = (await answered(chart, inventory, asked, "latest")).rows
    store.close()
    expected = {"a new code": ["Observation/o9000"], "a newer value": ["Observation/o9001"]}
    assert [row["ref"] for row in rows] == expected.get(change, [])


@pytest.mark.parametrize("ignored", ["_sort", "code:not", "date"])
@pytest.mark.anyio
async def test_a_server_that_ignores_what_is_asked_is_read_whole(long_chart: Starlette, ignored: str) -> None:
    """It names the parameter in its self link, and does not apply it."""

    async def careless(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/fhir/Observation":
            request = Request(scope, receive)
            kept = [(n, v) for n, v in request.query_params.multi_items() if n != ignored]
            query = urlencode(kept).encode()
            bodies: list[bytes] = []

            async def collect(message: Any) -> None:
                bodies.append(message.get("body", b""))

            await long_chart({**scope, "query_string": query}, receive, collect)
            bundle = json.loads(b"".join(bodies))
            for link in bundle.get("link", []):
                if link["relation"] == "self":
                    link["url"] = str(request.url)
            await Response(json.dumps(bundle), media_type="application/fhir+json")(scope, receive, send)
        else:
            await long_chart(scope, receive, send)

    async with reading(careless) as (chart, _):
        inventory = Inventory()
        creatinine = await answered(chart, inventory, "creatinine", "latest")
        glucose = await answered(chart, inventory, "glucose", "latest")
    assert [row["ref"] for row in creatinine.rows] == ["Observation/o500"]
    assert [row["ref"] for row in glucose.rows] == NEWEST_GLUCOSES


@pytest.mark.parametrize("dropped", [False, True])
@pytest.mark.anyio
async def test_a_server_that_does_not_search_by_time_of_change_is_scanned_anew_and_asked_for_it_once(
    long_chart: Starlette, dropped: bool
) -> None:
    asked: list[str] = []

    async def lacking(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and b"_lastUpdated" in scope["query_string"]:
            request = Request(scope, receive)
            asked.append(str(request.url))
            own = str(request.url.remove_query_params("_lastUpdated"))
            refused = outcome(400, "not-supported", "_lastUpdated is not supported")
            await (bundle(request, [], own=own) if dropped else refused)(scope, receive, send)
        else:
            await long_chart(scope, receive, send)

    async with reading(lacking) as (chart, _):
        inventory = Inventory()
        for _ in range(3):
            found = await answered(chart, inventory, "creatinine", "latest")
            assert [row["ref"] for row in found.rows] == ["Observation/o500"]
    assert len(asked) == 1


@pytest.mark.anyio
async def test_a_server_that_takes_too_long_to_leave_codes_out_is_read_whole(long_chart: Starlette) -> None:
    async def stuck(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and b"code%3Anot" in scope["query_string"]:
            await anyio.sleep_forever()
        await long_chart(scope, receive, send)

    async with reading(stuck) as (chart, call):
        inventory = Inventory()
        first = await answered(chart, inventory, "creatinine", "latest")
        before = len(call.requests)
        again = await answered(chart, inventory, "creatinine", "latest")
    assert len(call.requests) - before == 2
    for found in (first, again):
        assert [row["ref"] for row in found.rows] == ["Observation/o500"]
