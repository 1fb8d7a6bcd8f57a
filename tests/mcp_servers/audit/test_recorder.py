"""The recorder: intent before, completion after, the AuditEvent with it."""

import hashlib
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.content import Content
from mcp_servers.audit.chain.errors import AlreadyCompleted, JournalUnavailable
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.record import Record
from mcp_servers.audit.chain.verify import verify

from .trails import BASE, RING, observe, recorder


def said(journal: Journal, record: Record) -> dict[str, Any] | None:
    with trail.reading(journal.path) as db:
        return trail.said(db, Content(RING), record)


def queued(journal: Journal) -> list[tuple[Any, ...]]:
    with trail.reading(journal.path) as db:
        return db.execute("SELECT seq, id, session, destination, event FROM outbox ORDER BY seq").fetchall()


def test_the_intent_is_on_disk_before_the_call(journal: Journal) -> None:
    call = recorder(journal).begin("fhir_read", {"reference": "Observation/o1"}, "Patient/p1", {"step": 3})
    _, intent = trail.records(journal.path)
    assert (intent.kind, intent.id, intent.session) == ("intent", call.id, "s1")
    body = {name: value for name, value in intent.body.items() if name != "sealed"}
    assert body == {
        "act": "tool_call",
        "tool": "fhir_read",
        "patient": "Patient/p1",
        "user": "dr.grey",
        "purpose_of_use": "TREAT",
        "known_by": "system_account",
        "server": "ehr-navigator",
        "fhir": BASE,
        "to": BASE,
        "meta": {"step": 3},
    }
    assert said(journal, intent) == {"arguments": {"reference": "Observation/o1"}}
    assert queued(journal) == []


def test_the_completion_says_what_was_asked_of_the_server_and_found(journal: Journal) -> None:
    call_id, completion = observe(journal)
    body = {
        name: value
        for name, value in completion.body.items()
        if name not in ("ms", "events", "devices", "sealed")
    }
    assert body == {
        "call": call_id,
        "outcome": "ok",
        "rows": 1,
        "refs": ["Observation/o1"],
        "patients": ["Patient/p1"],
        "result_sha256": "ab" * 32,
        "error": None,
    }
    assert said(journal, completion) == {
        "requests": [
            {
                "method": "GET",
                "url": f"{BASE}/Observation?patient=p1&code=4548-4",
                "status": 200,
                "ms": 12.3,
            }
        ]
    }


def test_the_completion_counts_what_was_withheld_of_others(journal: Journal) -> None:
    call = recorder(journal).begin("observations", {}, "Patient/p1")
    call.withheld(2)
    call.withheld(1)
    call.complete("ok")
    *_, completion = trail.records(journal.path)
    assert completion.body["withheld"] == 3


def test_the_event_is_queued_with_the_completion_and_tied_to_it_by_hash(journal: Journal) -> None:
    call_id, completion = observe(journal)
    ((seq, event_id, session, destination, event),) = queued(journal)
    assert (seq, event_id, session, destination) == (completion.seq, call_id, "s1", BASE)
    assert completion.body["events"] == [
        {"id": call_id, "sha256": hashlib.sha256(event.encode()).hexdigest()}
    ]
    (call,) = [entity for entity in journal.event(call_id)["entity"] if "detail" in entity]
    details = {entry["type"]: entry["valueString"] for entry in call["detail"]}
    assert details["seq"] == str(completion.seq)
    assert details["previous-hash"] == completion.previous


def test_what_a_client_says_of_itself_is_sealed_unless_it_is_known_to_be_harmless(journal: Journal) -> None:
    recorder(journal).begin("observations", {}, None, {"step": 1, "note": "Amara Okafor is here"})
    _, intent = trail.records(journal.path)
    assert intent.body["meta"] == {"step": 1}
    assert said(journal, intent) == {"arguments": {}, "meta": {"note": "Amara Okafor is here"}}


def test_a_call_is_completed_once(journal: Journal) -> None:
    call = recorder(journal).begin("observations", {}, None)
    call.complete("failed", error="[server_failed] down")
    with pytest.raises(AlreadyCompleted):
        call.complete("ok")
    assert len(queued(journal)) == 1


def test_a_result_is_withheld_where_the_deferred_intent_could_not_be_written(journal: Journal) -> None:
    question = recorder(journal).act("question", said={"question": "Last HbA1c?"})
    question.complete("ok")
    journal.erase("9999-01")  # nothing more can be said in this month
    step = recorder(journal).act("model_step", said={"step": 1}, durable=False)
    with pytest.raises(JournalUnavailable, match=f"The intent of the act {step.id} is not on the trail"):
        step.complete("ok")


def test_without_a_journal_no_call_begins(journal: Journal) -> None:
    journal.path.rename(journal.path.with_name("elsewhere"))
    with pytest.raises(JournalUnavailable):
        recorder(journal).begin("observations", {}, "Patient/p1")


def test_a_completion_that_cannot_be_written_leaves_neither_record_nor_event(journal: Journal) -> None:
    call = recorder(journal).begin("observations", {}, "Patient/p1")
    journal.write(
        lambda write: write.connection.execute("PRAGMA max_page_count = 1")
    )  # a limit on pages is to SQLite what a full disk is
    with pytest.raises(JournalUnavailable, match="disk is full"):
        call.complete("ok", refs=[f"Observation/{number}" for number in range(2_000)])
    assert [record.kind for record in trail.records(journal.path)] == ["key", "intent"]
    assert queued(journal) == []
    assert [unknown.id for unknown in verify(journal.path).unknown] == [call.id]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
    max_leaves=8,
)


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # each example waits for the disk; the journal is shared on purpose
@given(arguments=st.dictionaries(st.text(st.characters()), JSON, max_size=4), error=st.none() | st.text())
def test_whatever_a_model_sends_is_recorded_and_verifies(
    journal: Journal, arguments: dict[str, Any], error: str | None
) -> None:
    call = recorder(journal).begin("fhir_search", arguments, None, {"step": 1})
    call.complete("refused", error=error)
    state = verify(journal.path)
    assert (state.finding, state.unknown) == (None, ())
    event = journal.event(call.id)
    assert not re.search(r"[\x00-\x08]", event.get("outcomeDesc", ""))
