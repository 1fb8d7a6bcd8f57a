"""Comparing the FHIR store's AuditEvents with the queued ones."""

import shutil
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.transaction import Transaction
from mcp_servers.audit.chain.verify import verify
from mcp_servers.audit.delivery.stored import differences, verify_delivery
from mcp_servers.audit.delivery.to_fhir import deliver
from mcp_servers.audit.identity import Identity
from mcp_servers.audit.recorder import Context, Recorder

from ..scripted_store import ScriptedStore
from ..trails import BASE, RING, observe

pytestmark = pytest.mark.anyio


@pytest.fixture
def store() -> ScriptedStore:
    return ScriptedStore()


async def test_events_that_arrived_unaltered_pass_whatever_the_server_made_of_meta(
    journal: Journal, store: ScriptedStore
) -> None:
    observe(journal)
    observe(journal)
    async with store.client() as http:
        await deliver(journal, http)
        found = await verify_delivery(journal.path, RING, http)
    assert found.complete
    assert found.checked == 2


async def test_an_event_that_is_gone_is_named(journal: Journal, store: ScriptedStore) -> None:
    observe(journal)
    call, completion = observe(journal)
    async with store.client() as http:
        await deliver(journal, http)
        del store.events[call]
        found = await verify_delivery(journal.path, RING, http)
    (missing,) = found.missing
    assert not found.complete
    assert (missing.id, missing.seq, missing.why) == (call, completion.seq, "not in the store; delivered")


async def test_an_event_not_delivered_yet_is_missing_and_says_so(
    journal: Journal, store: ScriptedStore
) -> None:
    observe(journal)
    store.answers = [503]
    async with store.client() as http:
        await deliver(journal, http)
        found = await verify_delivery(journal.path, RING, http)
    assert [entry.why for entry in found.missing] == [
        f"not in the store; pending {BASE} answered 503 Service Unavailable (processing, HAPI-1094)"
    ]


async def test_an_altered_event_is_named_with_its_fields(journal: Journal, store: ScriptedStore) -> None:
    call, _ = observe(journal)
    async with store.client() as http:
        await deliver(journal, http)
        store.events[call]["agent"][0]["who"]["display"] = "dr.jekyll"
        store.events[call]["language"] = "en"
        del store.events[call]["outcome"]
        found = await verify_delivery(journal.path, RING, http)
    assert [(entry.id, entry.why) for entry in found.altered] == [
        (call, "differs in agent[0].who.display, outcome, language")
    ]


async def test_a_server_that_cannot_be_asked_is_a_problem_and_no_finding(
    journal: Journal, store: ScriptedStore
) -> None:
    observe(journal)
    observe(journal)
    async with store.client() as http:
        await deliver(journal, http)
        store.answers = [200, 503]
        found = await verify_delivery(journal.path, RING, http)
    assert (found.checked, found.missing, found.altered) == (1, (), ())
    assert found.problem == f"{BASE} answered 503 Service Unavailable"
    assert not found.complete


async def test_a_later_version_in_the_store_counts_as_what_it_says(
    journal: Journal, store: ScriptedStore
) -> None:
    same, _ = observe(journal)
    changed, _ = observe(journal)
    async with store.client() as http:
        await deliver(journal, http)
        for call in (same, changed):
            store.events[call]["meta"] = {"versionId": "2", "lastUpdated": "2031-01-01T00:00:00Z"}
        store.events[changed]["recorded"] = "2031-01-01T00:00:00Z"
        found = await verify_delivery(journal.path, RING, http)
    assert [(one.id, one.why, one.what) for one in found.altered] == [
        (changed, "differs in recorded", "altered")
    ]


async def test_an_event_that_another_version_of_this_program_queued_is_compared_as_it_was(
    journal: Journal, store: ScriptedStore
) -> None:
    event = {"resourceType": "AuditEvent", "id": "of-old", "action": "E", "source": {"site": "elsewhere"}}

    def queue(write: Transaction) -> None:
        seq = write.append("erasure", "s1", {}).seq
        write.connection.execute(
            "INSERT INTO outbox (seq, id, session, destination, event) VALUES (?, 'of-old', 's1', ?, ?)",
            (seq, BASE, write.seal("of-old", event)),
        )

    journal.write(queue)
    async with store.client() as http:
        assert (await deliver(journal, http)).delivered == 1
        assert store.events["of-old"] == {**event, "meta": {"versionId": "1"}}
        store.events["of-old"]["recorded"] = "2026-11-23T12:00:00Z"
        found = await verify_delivery(journal.path, RING, http)
    assert [one.why for one in found.altered] == ["differs in recorded"]


async def test_an_older_state_of_all_files_is_told_by_what_the_store_holds(
    tmp_path: Path, store: ScriptedStore
) -> None:
    path, before = tmp_path / "audit.sqlite", tmp_path / "before"
    async with store.client() as http:
        for since in ("before", "after"):
            with closing(Journal(path, RING)) as journal:
                call, _ = observe(journal)
                await deliver(journal, http)
            if since == "before":
                shutil.copytree(tmp_path, before)
        old = before / "audit.sqlite"
        assert verify(old, ring=RING).intact
        found = await verify_delivery(old, RING, http)
    (beyond,) = found.beyond
    assert (beyond.id, beyond.what, found.complete) == (call, "truncated", False)
    assert "the journal ends at record 3: an older one was put back" in beyond.why


async def test_events_of_another_journal_are_its_own_affair(tmp_path: Path, store: ScriptedStore) -> None:
    async with store.client() as http:
        for name in ("one", "other"):
            with closing(Journal(tmp_path / name, RING)) as journal:
                observe(journal)
                await deliver(journal, http)
        found = await verify_delivery(tmp_path / "one", RING, http)
    assert found.complete


async def test_a_store_that_does_not_say_which_events_it_holds_is_a_problem(
    journal: Journal, store: ScriptedStore
) -> None:
    observe(journal)
    async with store.client() as http:
        await deliver(journal, http)
        store.answers = [200, 403]
        found = await verify_delivery(journal.path, RING, http)
    assert (found.problem, found.complete) == (
        f"{BASE} cannot tell which AuditEvents it holds (HTTPStatusError)",
        False,
    )


async def test_calls_to_other_servers_are_counted_and_not_looked_for(
    journal: Journal, store: ScriptedStore
) -> None:
    recorder = Recorder(
        journal, Context(session="s1", identity=Identity("dr.grey"), fhir_base="http://other.example/fhir")
    )
    recorder.begin("observations", {}).complete("ok")
    async with store.client() as http:
        found = await verify_delivery(journal.path, RING, http)
    assert (found.checked, found.elsewhere, found.complete) == (0, 1, True)


@pytest.mark.parametrize("answer", ["<html>sign in</html>", "[" * 100_000])
async def test_an_answer_that_is_no_json_is_a_problem(journal: Journal, answer: str) -> None:
    observe(journal)
    page = httpx.MockTransport(lambda _: httpx.Response(200, text=answer))
    async with httpx.AsyncClient(transport=page, base_url=BASE) as http:
        found = await verify_delivery(journal.path, RING, http)
    assert found.problem == f"{BASE} answered something that is no JSON"


@pytest.mark.parametrize(
    ("theirs", "paths"),
    [
        ({"a": {"b": [1, 2]}}, []),
        ({"a": {"b": [1, 2]}, "meta": {"versionId": "9"}}, []),
        ({"a": {"b": [1, 3]}}, ["a.b[1]"]),
        ({"a": {"b": [1]}}, ["a.b"]),
        ({"a": {"b": [True, 2]}}, ["a.b[0]"]),
        ({"a": {"b": [1, 2], "meta": {}}}, ["a.meta"]),
        ({"c": 1}, ["a", "c"]),
        ([], ["everything"]),
    ],
)
def test_differences_are_named_by_path(theirs: object, paths: list[str]) -> None:
    assert differences({"a": {"b": [1, 2]}, "meta": {"profile": ["p"]}}, theirs) == paths
