"""Shows 2: whatever the FHIR store does, nothing is lost, and each session keeps its order."""

import json
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.delivery.outbox import LONGEST_WAIT, undelivered
from mcp_servers.audit.delivery.to_fhir import deliver

from ..scripted_store import ScriptedStore, outcome
from ..trails import BASE, RING, Clock, observe, recorder

pytestmark = pytest.mark.anyio

STATUSES = [302, 400, 401, 404, 409, 413, 422, 429, 500, 503]
AFTER_IT_TOOK = ["no answer", "too slow", "cut off", "no JSON"]
FAULTS = st.sampled_from([None, "down", "half of it", *AFTER_IT_TOOK, *STATUSES])
ROUNDS = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=6),  # calls: session, by a model?
        st.lists(FAULTS, max_size=8),
        st.sampled_from([0.0, 1.0, 60.0, LONGEST_WAIT]),  # seconds until the next round
    ),
    min_size=1,
    max_size=5,
)


class Faulty(httpx.AsyncBaseTransport):
    """The way to a store, on which what is in `faults` happens to the next requests, one each."""

    def __init__(self, store: ScriptedStore) -> None:
        self.faults: list[str | int | None] = []
        self._way = httpx.ASGITransport(store)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, int):
            return said(fault, outcome(f"status {fault}"))
        if fault == "down":
            raise httpx.ConnectError(fault)
        if fault == "half of it" and request.method == "POST":  # though a transaction is all or nothing
            return await self._half(request)
        response = await self._way.handle_async_request(request)
        if fault == "no answer":
            raise httpx.ReadError(fault)
        if fault == "too slow":
            raise httpx.ReadTimeout(fault)
        if fault == "cut off":
            return httpx.Response(response.status_code, stream=CutOff())
        if fault == "no JSON":
            return httpx.Response(response.status_code, stream=httpx.ByteStream(b"<html>Welcome"))
        return response

    async def _half(self, request: httpx.Request) -> httpx.Response:
        """Takes the first entries, answers 200 as for a batch, and lists how each fared."""
        bundle = json.loads(await request.aread())
        count = len(bundle["entry"])
        bundle["entry"] = bundle["entry"][: count // 2]
        half = httpx.Request("POST", request.url, json=bundle)
        response = await self._way.handle_async_request(half)
        await response.aread()
        if response.status_code != 200:
            return said(response.status_code, response.json())
        statuses = ["201 Created"] * (count // 2) + ["400 Bad Request"] * (count - count // 2)
        entries = [{"response": {"status": status}} for status in statuses]
        return said(200, {"resourceType": "Bundle", "entry": entries})


class CutOff(httpx.AsyncByteStream):
    """An answer that breaks off."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'{"resourceType": "Bund'
        raise httpx.RemoteProtocolError("peer closed connection")


def said(status: int, content: object) -> httpx.Response:
    return httpx.Response(status, stream=httpx.ByteStream(json.dumps(content).encode()))


@example([([("a", True), ("a", False), ("b", False)], ["half of it"], 0.0)], True, True)
@given(ROUNDS, st.booleans(), st.booleans())
async def test_whatever_the_store_does_nothing_is_lost_and_each_session_keeps_its_order(
    rounds: list[tuple[list[tuple[str, bool]], list[str | int | None], float]],
    transactions: bool,
    takes_devices: bool,
) -> None:
    store = ScriptedStore(transactions=transactions)
    way = Faulty(store)
    clock = Clock()
    calls: list[tuple[str, str]] = []
    with TemporaryDirectory() as folder, closing(Journal(Path(folder) / "audit.sqlite", RING)) as journal:

        def in_order() -> None:
            refused = {entry.id for entry in undelivered(journal.path) if entry.state == "refused"}
            arrived = list(store.events)
            for name in "abc":
                due = [call for session, call in calls if session == name and call not in refused]
                came = [call for call in arrived if call in due]
                assert came == due[: len(came)]

        async with httpx.AsyncClient(transport=way, base_url=BASE) as http:
            for begun, faults, pause in rounds:
                calls += [(session, call(journal, session, by_model)) for session, by_model in begun]
                store.unfit = set() if takes_devices else devices(journal)
                way.faults = [*faults]
                await deliver(journal, http, clock=clock)
                in_order()
                clock.now += pause
            way.faults, store.unfit = [], set()
            for _ in range(2):  # well again
                clock.now += LONGEST_WAIT
                report = await deliver(journal, http, clock=clock)
        in_order()
        refused = {entry.id: entry.diagnostics for entry in undelivered(journal.path)}
        assert report.pending == 0
        assert {call for _, call in calls} == refused.keys() | store.events.keys()
        assert all(why.startswith(f"{BASE} answered 4") for why in refused.values())


def call(journal: Journal, session: str, by_model: bool) -> str:
    if by_model:
        return observe(journal, session)[0]
    begun = recorder(journal, session).begin("observations", {}, "Patient/p1")
    begun.complete("ok")
    return begun.id


def devices(journal: Journal) -> set[str]:
    return {
        agent["who"]["reference"].removeprefix("Device/")
        for entry in undelivered(journal.path)
        for agent in journal.event(entry.id)["agent"]
        if agent["who"].get("reference", "").startswith("Device/")
    }
