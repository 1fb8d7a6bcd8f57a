"""Delivery: at least once, in order, through outages, and nothing lost; to a scripted stand-in."""

import gzip
import json
import socket
from collections.abc import AsyncIterator
from contextlib import closing
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from agent.audit_access import DELIVERY_SECONDS
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.delivery.outbox import LONGEST_WAIT, undelivered
from mcp_servers.audit.delivery.to_fhir import BATCH, deliver
from mcp_servers.audit.identity import Identity
from mcp_servers.audit.recorder import Context, Recorder

from ..scripted_store import ScriptedStore
from ..trails import BASE, RING, Clock, observe, recorder

pytestmark = pytest.mark.anyio


@pytest.fixture
def store() -> ScriptedStore:
    """A store that knows no transactions: each event goes alone."""
    return ScriptedStore(transactions=False)


@pytest.fixture
def batching() -> ScriptedStore:
    return ScriptedStore()


@pytest.fixture
def nobody_listens() -> str:
    """A base URL on loopback at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/fhir"


def plain(journal: Journal, session: str = "s1") -> None:
    """A call of a client that names no model, so that no Device goes before its event."""
    recorder(journal, session).begin("observations", {}, "Patient/p1").complete("ok")


async def test_every_completed_call_arrives_as_its_event(journal: Journal, store: ScriptedStore) -> None:
    calls = [observe(journal)[0] for _ in range(3)]
    async with store.client() as http:
        report = await deliver(journal, http)
    assert (report.delivered, report.pending, report.refused, report.problem) == (3, 0, 0, None)
    assert store.put == calls
    assert store.request_ids[1:] == calls  # the first is the Device's
    assert all(store.events[call]["id"] == call for call in calls)


async def test_what_arrived_is_not_sent_again(journal: Journal, store: ScriptedStore) -> None:
    observe(journal)
    async with store.client() as http:
        await deliver(journal, http)
        assert (await deliver(journal, http)).delivered == 0
    assert len(store.put) == 1


async def test_the_next_process_delivers_what_an_earlier_one_left(
    journal: Journal, store: ScriptedStore
) -> None:
    call, _ = observe(journal)
    journal.close()
    with closing(Journal(journal.path, RING)) as later:
        async with store.client() as http:
            assert (await deliver(later, http)).delivered == 1
    assert list(store.events) == [call]


async def test_an_unreachable_server_leaves_events_pending(journal: Journal, nobody_listens: str) -> None:
    lonely = Recorder(journal, Context(session="s1", identity=Identity("dr.grey"), fhir_base=nobody_listens))
    for _ in range(2):
        lonely.begin("observations", {}).complete("ok")
    async with httpx.AsyncClient(base_url=nobody_listens) as http:
        report = await deliver(journal, http)
    assert (report.delivered, report.pending) == (0, 2)
    assert report.problem == f"{nobody_listens} cannot be reached (ConnectError)"


async def test_after_each_failure_the_wait_doubles(journal: Journal, store: ScriptedStore) -> None:
    observe(journal)
    clock = Clock()
    store.answers = [503] * 4
    async with store.client() as http:
        for failures, wait in enumerate([1, 2, 4, 8], 1):
            await deliver(journal, http, clock=clock)
            clock.now += wait - 0.1
            await deliver(journal, http, clock=clock)
            assert len(store.put) == failures
            clock.now += 0.1
        assert (await deliver(journal, http, clock=clock)).delivered == 1


async def test_the_wait_is_at_most_an_hour_and_nothing_is_given_up(
    journal: Journal, store: ScriptedStore
) -> None:
    observe(journal)
    clock = Clock()
    store.answers = [503] * 30
    async with store.client() as http:
        for _ in range(30):
            await deliver(journal, http, clock=clock)
            clock.now += LONGEST_WAIT
        assert (await deliver(journal, http, clock=clock)).delivered == 1
    assert len(store.put) == 31


@pytest.mark.parametrize("status", [401, 403, 404, 409, 429, 500, 503, 302])
async def test_what_says_nothing_about_the_event_leaves_it_pending(
    journal: Journal, store: ScriptedStore, status: int
) -> None:
    observe(journal)
    store.answers = [status]
    async with store.client() as http:
        report = await deliver(journal, http)
    assert (report.pending, report.refused) == (1, 0)
    assert report.problem == f"{BASE} answered {status} {HTTPStatus(status).phrase} (processing, HAPI-1094)"


@pytest.mark.parametrize("status", [400, 412, 413, 422])
async def test_a_refused_event_is_kept_with_the_servers_codes(
    journal: Journal, store: ScriptedStore, status: int
) -> None:
    refused, _ = observe(journal)
    accepted, _ = observe(journal)
    store.answers = [status]
    async with store.client() as http:
        report = await deliver(journal, http)
        assert (await deliver(journal, http)).delivered == 0
    assert list(store.events) == [accepted]
    assert report.refused == 1
    (kept,) = undelivered(journal.path)
    assert (kept.id, kept.attempts) == (refused, 1)
    assert kept.diagnostics == f"{BASE} answered {status} {HTTPStatus(status).phrase} (processing, HAPI-1094)"


@pytest.mark.parametrize("status", [422, 503])
async def test_what_a_server_says_of_an_event_is_not_kept_as_it_may_name_the_patient(
    journal: Journal, status: int
) -> None:
    plain(journal)
    issue = {
        "code": "Amara Okafor",
        "details": {"text": "Amara Okafor", "coding": [{"code": "Okafor"}]},
        "diagnostics": "Patient Amara Okafor, born 1961-04-02, is unknown",
    }
    store = httpx.MockTransport(
        lambda _: httpx.Response(
            status,
            extensions={"reason_phrase": b"Amara Okafor"},
            stream=httpx.ByteStream(json.dumps({"issue": [issue]}).encode()),
        )
    )
    async with httpx.AsyncClient(transport=store, base_url=BASE) as http:
        report = await deliver(journal, http)
    (kept,) = undelivered(journal.path)
    assert "Okafor" not in str(report.problem) + kept.diagnostics + "".join(
        file.read_bytes().decode(errors="replace")
        for file in journal.path.parent.glob("audit.sqlite*")
        if file.is_file()
    )


@pytest.mark.parametrize(
    "answer",
    [
        "[" * 100_000,
        '{"issue": [{"code": "no\\u001b[2J", "diagnostics": "no\\u001b[2J\\nsuch code"}]}',
        '{"issue": [{"code": ["a list"]}]}',
    ],
)
async def test_a_hostile_answer_neither_stops_delivery_nor_steers_a_terminal(
    journal: Journal, answer: str
) -> None:
    plain(journal)
    store = httpx.MockTransport(lambda _: httpx.Response(422, stream=httpx.ByteStream(answer.encode())))
    async with httpx.AsyncClient(transport=store, base_url=BASE) as http:
        report = await deliver(journal, http)
    assert report.problem == f"{BASE} answered 422 {HTTPStatus(422).phrase}"


async def test_an_answer_that_does_not_end_is_not_read_to_its_end(journal: Journal) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1024
            yield gzip.compress(bytes(1024**2))

    plain(journal)
    store = httpx.MockTransport(
        lambda _: httpx.Response(400, headers={"Content-Encoding": "gzip"}, content=endless())
    )
    async with httpx.AsyncClient(transport=store, base_url=BASE) as http:
        report = await deliver(journal, http)
    assert report.problem == f"{BASE} answered 400 Bad Request"
    assert read < 1024**2


async def test_an_event_that_waits_holds_back_its_session_and_no_other(
    journal: Journal, store: ScriptedStore
) -> None:
    first, _ = observe(journal, "s1")
    second, _ = observe(journal, "s1")
    other, _ = observe(journal, "s2")
    clock = Clock()
    store.answers = [500]
    async with store.client() as http:
        await deliver(journal, http, clock=clock)
        assert list(store.events) == [other]
        await deliver(journal, http, clock=clock)
        assert list(store.events) == [other]
        clock.now += 1
        await deliver(journal, http, clock=clock)
    assert list(store.events) == [other, first, second]


async def test_a_limit_bounds_one_round(journal: Journal, store: ScriptedStore) -> None:
    calls = [observe(journal)[0] for _ in range(3)]
    async with store.client() as http:
        report = await deliver(journal, http, limit=2)
        assert (report.delivered, report.pending) == (2, 1)
        await deliver(journal, http, limit=2)
    assert store.put == calls


async def test_events_about_another_server_stay(journal: Journal, store: ScriptedStore) -> None:
    recorder = Recorder(
        journal, Context(session="s1", identity=Identity("dr.grey"), fhir_base="http://other.example/fhir")
    )
    recorder.begin("observations", {}).complete("ok")
    async with store.client() as http:
        report = await deliver(journal, http)
    assert (report.delivered, report.pending) == (0, 0)
    assert [(entry.destination, entry.state) for entry in undelivered(journal.path)] == [
        ("http://other.example/fhir", "pending")
    ]


async def test_a_delivery_cut_off_before_its_note_is_repeated_without_harm(
    journal: Journal, store: ScriptedStore
) -> None:
    call, _ = observe(journal)
    async with store.client() as http:
        await deliver(journal, http)
        journal.write(
            lambda write: write.connection.execute("UPDATE outbox SET state = 'pending', next_at = 0")
        )  # as if the note had never reached the disk
        report = await deliver(journal, http)
    assert (report.delivered, report.pending) == (1, 0)
    assert store.put == [call, call]
    assert list(store.events) == [call]


# -- Many at once.


async def test_events_and_the_devices_that_they_name_go_as_one_transaction(
    journal: Journal, batching: ScriptedStore
) -> None:
    calls = [observe(journal, f"s{number % 3}")[0] for number in range(BATCH)]
    async with batching.client() as http:
        report = await deliver(journal, http)
        assert (report.delivered, report.pending, report.problem) == (BATCH, 0, None)
        assert batching.requests == 1
        assert batching.put == calls
        assert len(batching.devices) == 1
        observe(journal)
        await deliver(journal, http)
    assert batching.requests == 2


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_server_that_knows_no_audit_events_is_asked_about_one_alone(
    journal: Journal, store: ScriptedStore, status: int
) -> None:
    for number in range(5):
        observe(journal, f"s{number}")
    store.answers = [status] * 5
    async with store.client() as http:
        report = await deliver(journal, http)
    assert (report.delivered, report.pending) == (0, 5)
    assert len(store.put) == 1


async def test_one_event_that_is_unfit_holds_back_none_of_its_batch(
    journal: Journal, batching: ScriptedStore
) -> None:
    calls = [observe(journal)[0] for _ in range(5)]
    batching.unfit = {calls[2]}
    async with batching.client() as http:
        report = await deliver(journal, http)
    assert [refused.id for refused in undelivered(journal.path)] == [calls[2]]
    assert (report.delivered, report.pending) == (4, 0)
    assert list(batching.events) == [calls[0], calls[1], calls[3], calls[4]]


async def test_a_session_that_waits_is_held_back_over_its_batch_too(
    journal: Journal, batching: ScriptedStore
) -> None:
    for _ in range(BATCH):
        plain(journal)
    observe(journal)  # with its Device, it would be a transaction of its own
    batching.answers = [409, 409]  # the transaction, and the first event alone
    async with batching.client() as http:
        report = await deliver(journal, http)
    assert (report.delivered, report.pending) == (0, BATCH + 1)
    assert batching.events == {}


async def test_a_batch_that_finds_the_server_down_costs_one_request(
    journal: Journal, batching: ScriptedStore
) -> None:
    for number in range(2 * BATCH):
        observe(journal, f"s{number}")
    batching.answers = [503]
    async with batching.client() as http:
        report = await deliver(journal, http)
    assert (report.delivered, report.pending) == (0, 2 * BATCH)
    assert batching.requests == 1


async def test_an_answer_that_does_not_say_that_all_was_taken_is_not_believed(journal: Journal) -> None:
    calls = [observe(journal)[0] for _ in range(3)]
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        entries = [{"response": {"status": "201"}}, {"response": {"status": "400"}}]
        said = json.dumps({"resourceType": "Bundle", "entry": entries})
        return httpx.Response(200, stream=httpx.ByteStream(said.encode()))

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url=BASE) as http:
        report = await deliver(journal, http)
    assert asked == ["POST", *["PUT"] * (1 + len(calls))]  # the Device, then each event
    assert report.delivered == 3


async def test_events_whose_device_is_not_taken_wait_and_say_so(journal: Journal) -> None:
    observe(journal)

    def answer(request: httpx.Request) -> httpx.Response:
        status = 422 if "/Device/" in str(request.url) else 404
        return httpx.Response(status, stream=httpx.ByteStream(b""))

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url=BASE) as http:
        report = await deliver(journal, http)
    assert (report.delivered, report.pending, report.refused) == (0, 1, 0)
    assert f"{BASE} answered 422 {HTTPStatus(422).phrase}, to Device/model-" in str(report.problem)


async def test_a_device_that_is_not_taken_holds_back_none_but_its_own_events(
    journal: Journal, batching: ScriptedStore
) -> None:
    (device,) = [agent["who"]["reference"] for agent in models(journal, observe(journal, "s1")[0])]
    batching.unfit = {device.removeprefix("Device/")}
    for _ in range(2 * BATCH):
        plain(journal, "s2")
    async with batching.client() as http:
        report = await deliver(journal, http)
    assert (report.delivered, report.pending, report.refused) == (2 * BATCH, 1, 0)
    assert f"to {device}" in str(report.problem)


def models(journal: Journal, event_id: str) -> list[dict[str, Any]]:
    agents = journal.event(event_id)["agent"]
    return [agent for agent in agents if agent["who"].get("reference", "").startswith("Device/")]


async def test_a_store_is_not_waited_for_until_the_round_is_given_up(journal: Journal) -> None:
    patience: list[float] = []

    def slow(request: httpx.Request) -> httpx.Response:
        patience.extend(request.extensions["timeout"].values())
        raise httpx.ReadTimeout("no word")

    for _ in range(2 * BATCH):
        plain(journal)
    async with httpx.AsyncClient(
        transport=httpx.MockTransport(slow), base_url=BASE, timeout=DELIVERY_SECONDS
    ) as http:
        report = await deliver(journal, http)
    assert report.problem == f"{BASE} cannot be reached (ReadTimeout)"
    assert len(patience) == 4  # one request: to connect, write, read, and for a free connection
    assert max(patience) < DELIVERY_SECONDS
