"""The outbox: at least once, in order, through outages, and nothing lost."""

import gzip
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from mcp_servers.audit.identity import Identity
from mcp_servers.audit.journal import Journal
from mcp_servers.audit.outbox import LONGEST_WAIT, deliver, undelivered
from mcp_servers.audit.recorder import Context, Recorder

from .scripted_store import ScriptedStore
from .trails import BASE, RING, observe

pytestmark = pytest.mark.anyio


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "audit.sqlite", RING)) as opened:
        yield opened


@pytest.fixture
def store() -> ScriptedStore:
    return ScriptedStore()


@pytest.fixture
def nobody_listens() -> str:
    """A base URL on loopback at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/fhir"


class Clock:
    """Time that passes when the test says so, in seconds since 1970."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


async def test_every_completed_call_arrives_as_its_event(journal: Journal, store: ScriptedStore) -> None:
    calls = [observe(journal)[0] for _ in range(3)]
    async with store.client() as http:
        report = await deliver(journal, http)
    assert (report.delivered, report.pending, report.refused, report.problem) == (3, 0, (), None)
    assert store.put == calls
    assert store.request_ids == calls
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
    recorder = Recorder(
        journal, Context(session="s1", identity=Identity("dr.grey"), fhir_base=nobody_listens)
    )
    for _ in range(2):
        recorder.begin("observations", {}).complete("ok")
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
    assert (report.pending, report.refused) == (1, ())
    assert report.problem == f"{BASE} answered {status}: HAPI-1094: status {status}"


@pytest.mark.parametrize("status", [400, 412, 413, 422])
async def test_a_refused_event_is_kept_with_the_servers_words(
    journal: Journal, store: ScriptedStore, status: int
) -> None:
    refused, _ = observe(journal)
    accepted, _ = observe(journal)
    store.answers = [status]
    async with store.client() as http:
        report = await deliver(journal, http)
        assert (await deliver(journal, http)).delivered == 0
    assert list(store.events) == [accepted]
    (kept,) = report.refused
    assert (kept.id, kept.attempts) == (refused, 1)
    assert kept.diagnostics == f"{BASE} answered {status}: HAPI-1094: status {status}"
    assert undelivered(journal) == [kept]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("[" * 100_000, "Unprocessable Entity"),
        ('{"issue": [{"diagnostics": "no\\u001b[2J\\nsuch code"}]}', "no[2Jsuch code"),
    ],
)
async def test_a_hostile_answer_neither_stops_delivery_nor_steers_a_terminal(
    journal: Journal, answer: str, said: str
) -> None:
    observe(journal)
    store = httpx.MockTransport(lambda _: httpx.Response(422, stream=httpx.ByteStream(answer.encode())))
    async with httpx.AsyncClient(transport=store, base_url=BASE) as http:
        report = await deliver(journal, http)
    assert report.problem == f"{BASE} answered 422: {said}"


async def test_an_answer_that_does_not_end_is_not_read_to_its_end(journal: Journal) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1024
            yield gzip.compress(bytes(1024**2))

    observe(journal)
    store = httpx.MockTransport(
        lambda _: httpx.Response(400, headers={"Content-Encoding": "gzip"}, content=endless())
    )
    async with httpx.AsyncClient(transport=store, base_url=BASE) as http:
        report = await deliver(journal, http)
    assert report.problem == f"{BASE} answered 400: Bad Request"
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
    assert [(entry.destination, entry.state) for entry in undelivered(journal)] == [
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
