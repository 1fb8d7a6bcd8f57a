"""A real HAPI takes a session's AuditEvents with their Devices, and is found to hold them unchanged."""

from collections.abc import AsyncIterator

import httpx
import pytest

from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.delivery.outbox import undelivered
from mcp_servers.audit.delivery.stored import verify_delivery
from mcp_servers.audit.delivery.to_fhir import deliver
from mcp_servers.audit.identity import Identity
from mcp_servers.audit.recorder import Context, Recorder

from ..every_act import record_every_act
from ..shapes import LARGE, MODEL
from ..trails import RING

pytestmark = [pytest.mark.anyio, pytest.mark.hapi, pytest.mark.usefixtures("hapi_turn")]

OKAFOR = "Patient/hard-amara-okafor"
NOBODY = "Patient/nobody-of-that-id"


@pytest.fixture
async def http(hapi_base: str, journal: Journal) -> AsyncIterator[httpx.AsyncClient]:
    """A client of HAPI, from which what the journal delivered is deleted afterwards."""
    async with httpx.AsyncClient(base_url=hapi_base, timeout=120, trust_env=False) as client:
        yield client
        with trail.reading(journal.path) as db:
            ours = [f"AuditEvent/{name}" for (name,) in db.execute("SELECT id FROM outbox")]
            ours += [f"Device/{name}" for (name,) in db.execute("SELECT id FROM device")]
        for url in ours:
            await client.delete(url)


def session(journal: Journal, base: str, calls: int) -> Recorder:
    """A session of so many searches, by two models in turn."""
    recorder = Recorder(journal, Context("s1", Identity("dr.grey"), base))
    for step in range(calls):
        meta = {"step": step, "model": MODEL if step % 2 else LARGE}
        call = recorder.begin("observations", {"name": "HbA1c"}, OKAFOR, meta)
        call.request("GET", f"{base}Observation?patient=hard-amara-okafor&code=4548-4", 200, 12.34, 1)
        call.complete("ok", rows=1, refs=["Observation/hard-amara-okafor-hba1c-2026-09"], patients=[OKAFOR])
    return recorder


async def test_a_sessions_events_arrive_with_their_devices_and_stay_as_they_were(
    http: httpx.AsyncClient, journal: Journal
) -> None:
    requests: list[str] = []

    async def count(request: httpx.Request) -> None:
        requests.append(request.method)

    http.event_hooks = {"request": [count]}
    recorder = session(journal, str(http.base_url), 60)
    record_every_act(recorder, OKAFOR)
    queued = len([*undelivered(journal.path)])
    report = await deliver(journal, http)
    assert (report.delivered, report.pending, report.refused, report.problem) == (queued, 0, 0, None)
    assert requests == ["POST", "POST"]
    found = await verify_delivery(journal.path, RING, http)
    assert found.complete
    assert found.checked == queued
    assert (await deliver(journal, http)).delivered == 0


async def test_an_event_that_hapi_judges_unfit_is_kept_with_its_codes_and_holds_back_none(
    http: httpx.AsyncClient, journal: Journal
) -> None:
    recorder = session(journal, str(http.base_url), 2)
    call = recorder.begin("observations", {"name": "HbA1c"}, NOBODY)
    call.complete("ok", rows=1, patients=[NOBODY])
    session(journal, str(http.base_url), 2)
    report = await deliver(journal, http)
    assert (report.delivered, report.pending, report.refused) == (4, 0, 1)
    (unfit,) = undelivered(journal.path)
    assert unfit.id == call.id
    assert "HAPI-1094" in unfit.diagnostics
    assert NOBODY not in unfit.diagnostics
    found = await verify_delivery(journal.path, RING, http)
    assert [one.id for one in found.missing] == [call.id]
    assert found.altered == found.beyond == ()
