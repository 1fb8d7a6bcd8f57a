"""The trail against the embedded FHIR store, which enforces references as a real server does."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhir_fixtures.store import create_app, open_store
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.delivery.outbox import undelivered
from mcp_servers.audit.delivery.stored import verify_delivery
from mcp_servers.audit.delivery.to_fhir import deliver

from ..every_act import EVENTS, record_every_act
from ..trails import BASE, RING, observe, recorder

pytestmark = pytest.mark.anyio


class OneChart:
    """A store's content: one patient with one observation."""

    def resources(self) -> Iterable[dict[str, Any]]:
        yield {"resourceType": "Patient", "id": "p1"}
        yield {
            "resourceType": "Observation",
            "id": "o1",
            "status": "final",
            "code": {"text": "HbA1c"},
            "subject": {"reference": "Patient/p1"},
        }

    def digest(self) -> str:
        return "one-chart"


@pytest.fixture
def ehr(tmp_path: Path) -> Iterator[httpx.ASGITransport]:
    with closing(open_store(tmp_path / "charts.sqlite", OneChart())) as store:
        yield httpx.ASGITransport(create_app(store))


def client(ehr: httpx.ASGITransport) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=ehr, base_url=BASE)


async def test_calls_of_every_kind_arrive_and_stay_as_they_were_queued(
    journal: Journal, ehr: httpx.ASGITransport
) -> None:
    calls = recorder(journal)
    observe(journal)
    read = calls.begin("fhir_read", {"reference": "Observation/o1"}, "Patient/p1", {"step": 2})
    read.request("GET", f"{BASE}/Observation/o1", 200, 3.1)
    read.complete("ok", rows=1, refs=["Observation/o1"], patients=["Patient/p1"])
    calls.begin("observations", {"patient": "nobody"}, "Patient/nobody").complete("failed", error="not_found")
    calls.begin("fhir_read", {"reference": "Patient/p2"}, "Patient/p1").complete("refused", error="locked")
    calls.begin("fhir_search", {"text": "\x00\x07 odd"}).complete("refused", error="\x00 odd")
    async with client(ehr) as http:
        report = await deliver(journal, http)
        assert (report.delivered, report.problem) == (5, None)
        found = await verify_delivery(journal.path, RING, http)
        assert (found.checked, found.missing, found.altered, found.problem) == (5, (), (), None)


async def test_the_patients_events_are_found_by_patient(journal: Journal, ehr: httpx.ASGITransport) -> None:
    call, _ = observe(journal)
    async with client(ehr) as http:
        await deliver(journal, http)
        bundle = (await http.get("AuditEvent?patient=Patient/p1")).json()
    assert [entry["resource"]["id"] for entry in bundle["entry"]] == [call]


async def test_acts_of_every_kind_arrive_and_stay_as_they_were_queued(
    journal: Journal, ehr: httpx.ASGITransport
) -> None:
    record_every_act(recorder(journal), "Patient/p1")
    async with client(ehr) as http:
        report = await deliver(journal, http)
        assert (report.delivered, report.problem) == (EVENTS, None)
        found = await verify_delivery(journal.path, RING, http)
    assert (found.checked, found.missing, found.altered, found.problem) == (EVENTS, (), (), None)


async def test_a_query_that_found_several_patients_is_found_by_each(
    journal: Journal, ehr: httpx.ASGITransport
) -> None:
    call = recorder(journal).begin("find_patient", {"text": "a"})
    call.request("GET", f"{BASE}/Patient?name=a", 200, 3.1)
    call.complete("ok", rows=2, refs=["Patient/p1", "Patient/p2"], patients=["Patient/p1", "Patient/p2"])
    async with client(ehr) as http:
        await http.put("Patient/p2", json={"resourceType": "Patient", "id": "p2"})
        assert (await deliver(journal, http)).delivered == 2
        found = [
            (await http.get(f"AuditEvent?patient=Patient/{one}")).json()["entry"] for one in ("p1", "p2")
        ]
    (first,), (second,) = found
    assert first["resource"]["id"] == call.id != second["resource"]["id"]


async def test_an_event_about_a_patient_that_is_gone_is_kept_with_the_stores_codes(
    journal: Journal, ehr: httpx.ASGITransport
) -> None:
    observe(journal, patient="Patient/gone")
    async with client(ehr) as http:
        await deliver(journal, http)
    (refused,) = undelivered(journal.path)
    assert refused.diagnostics.startswith(f"{BASE} answered 4")
    assert "Patient/gone" not in refused.diagnostics


async def test_an_event_changed_in_the_store_is_found(journal: Journal, ehr: httpx.ASGITransport) -> None:
    call, _ = observe(journal)
    async with client(ehr) as http:
        await deliver(journal, http)
        event = (await http.get(f"AuditEvent/{call}")).json()
        event["agent"][0]["who"]["display"] = "dr.jekyll"
        assert (await http.put(f"AuditEvent/{call}", json=event)).status_code == 200
        found = await verify_delivery(journal.path, RING, http)
    assert [entry.why for entry in found.altered] == ["differs in agent[0].who.display"]


async def test_an_event_deleted_from_the_store_is_found(journal: Journal, ehr: httpx.ASGITransport) -> None:
    call, _ = observe(journal)
    async with client(ehr) as http:
        await deliver(journal, http)
        await http.delete(f"AuditEvent/{call}")
        found = await verify_delivery(journal.path, RING, http)
    assert [entry.id for entry in found.missing] == [call]
