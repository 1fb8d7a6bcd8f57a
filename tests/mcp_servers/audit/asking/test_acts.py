"""Asking the trail: by patient, person, session, model, time, act and outcome."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_servers.audit.asking.acts import Act, Sought, acts, opened, sessions
from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.content import Content
from mcp_servers.audit.chain.errors import JournalUnavailable
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.keys import Key
from mcp_servers.audit.identity import Identity
from mcp_servers.audit.recorder import Call, Context, Recorder

from ..trails import BASE, RING, observe, recorder

EVERYTHING = Sought()
GEMMA = {"name": "medgemma-27b", "revision": "r1", "quantisation": "nf4"}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "audit.sqlite", RING)) as journal:
        yield journal


def by(journal: Journal, user: str, session: str) -> Recorder:
    return Recorder(journal, Context(session=session, identity=Identity(user), fhir_base=BASE))


def call(recorder: Recorder, patient: str | None = None, **meta: object) -> Call:
    return recorder.begin("observations", {"name": "HbA1c"}, patient, dict(meta))


def asked(journal: Journal, sought: Sought = EVERYTHING) -> list[Act]:
    with trail.reading(journal.path) as db:
        return list(acts(db, sought))


def ids(journal: Journal, **sought: Any) -> list[str]:
    return [act.intent.id for act in asked(journal, Sought(**sought))]


def test_acts_come_in_the_order_in_which_they_began_each_with_its_completion(journal: Journal) -> None:
    outer = recorder(journal).act("question", patient="Patient/p1", said={"question": "Any allergies?"})
    inner, _ = observe(journal)
    outer.complete("ok")
    last, _ = observe(journal)
    found = asked(journal)
    assert [act.intent.id for act in found] == [outer.id, inner, last]
    assert [act.completion and act.completion.body["call"] for act in found] == [outer.id, inner, last]


def test_an_act_without_completion_is_open_and_holds_back_nothing(journal: Journal) -> None:
    lost = call(recorder(journal), "Patient/p1")
    done, _ = observe(journal)
    assert [(act.intent.id, act.outcome) for act in asked(journal)] == [(lost.id, "open"), (done, "ok")]
    assert ids(journal, outcome="open") == [lost.id]
    assert ids(journal, outcome="ok") == [done]


def test_a_patient_is_found_whom_a_call_was_bound_to_or_brought_and_no_namesake(journal: Journal) -> None:
    bound = call(recorder(journal), "Patient/p1")
    bound.complete("refused", error="not permitted")
    search = call(recorder(journal))
    search.complete("ok", refs=["Patient/p1", "Patient/p2"], patients=["Patient/p1", "Patient/p2"])
    call(recorder(journal), "Patient/p11").complete("ok", patients=["Patient/p11"])
    call(recorder(journal), "Patient/P1").complete("ok", said={"answer": '"Patient/p1"'})
    assert ids(journal, patient="Patient/p1") == [bound.id, search.id]
    assert ids(journal, patient="Patient/p2") == [search.id]
    assert ids(journal, patient="Patient/%") == []


def test_each_filter_leaves_the_acts_that_fit_and_several_must_all_fit(journal: Journal) -> None:
    grey, house = by(journal, "dr.grey", "s1"), by(journal, "dr.house", "s2")
    first = call(grey, "Patient/p1", model=GEMMA)
    first.complete("ok", patients=["Patient/p1"])
    second = call(house, "Patient/p1", model={"name": "other"})
    second.complete("failed", error="server_failed")
    step = house.act("model_step", facts={"model": GEMMA})
    step.complete("ok")
    assert ids(journal, user="dr.grey") == [first.id]
    assert ids(journal, session="s2") == [second.id, step.id]
    assert ids(journal, model="medgemma") == [first.id, step.id]
    assert ids(journal, model="nf4", user="dr.house") == [step.id]
    assert ids(journal, act="model_step") == [step.id]
    assert ids(journal, outcome="failed") == [second.id]
    assert ids(journal, user="dr.grey", outcome="failed") == []
    assert ids(journal, user="' OR 1=1 --") == []


def test_times_begin_with_since_and_end_before_until(journal: Journal) -> None:
    first, _ = observe(journal)
    at = asked(journal)[0].intent.at
    assert ids(journal, since=at) == [first]
    assert ids(journal, until=at) == []
    assert ids(journal, since="2100-01-01T00:00:00.000Z") == []


def test_what_was_written_after_a_record_can_be_left_out(journal: Journal) -> None:
    first = call(recorder(journal))
    second = call(recorder(journal))
    assert second.intent is not None
    begun = second.intent.seq
    first.complete("ok")
    second.complete("ok")
    assert [(act.intent.id, act.outcome) for act in asked(journal, Sought(before=begun))] == [
        (first.id, "open")
    ]


@given(st.lists(st.integers(0, 4), max_size=25))
def test_however_acts_interleave_all_are_told_once_in_order(steps: list[int]) -> None:
    """A number is a slot: an act begins there, or the one that is there ends."""
    with closing(in_memory()) as db:
        under_way: dict[int, str] = {}
        begun: list[str] = []
        ended: set[str] = set()
        for number, slot in enumerate(steps, 1):
            if slot in under_way:
                ended.add(one := under_way.pop(slot))
                write(db, number, f"c{number}", "completion", {**DONE, "call": one})
                db.execute("DELETE FROM open_intent WHERE id = ?", (one,))
            else:
                under_way[slot] = f"i{number}"
                begun.append(f"i{number}")
                write(db, number, f"i{number}", "intent", BEGUN)
                db.execute("INSERT INTO open_intent VALUES (?, ?, 'w')", (number, f"i{number}"))
        found = list(acts(db, Sought()))
    assert [act.intent.id for act in found] == begun
    assert {act.intent.id for act in found if act.completion} == ended


def in_memory() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute("CREATE TABLE record (seq INTEGER PRIMARY KEY, id, session, kind, at, body, previous, hash)")
    db.execute("CREATE TABLE open_intent (seq, id, writer)")
    return db


BEGUN = dict.fromkeys(("act", "patient", "user", "purpose_of_use", "server", "fhir", "sealed"), "")
DONE = {"outcome": "ok", "patients": [], "refs": [], "rows": 0, "events": [], "sealed": ""}


def write(db: sqlite3.Connection, seq: int, record_id: str, kind: str, body: dict[str, Any]) -> None:
    db.execute(
        "INSERT INTO record VALUES (?, ?, 's', ?, '2026-11-23T00:00:00.000Z', ?, '', '')",
        (seq, record_id, kind, json.dumps(body)),
    )


def damage(journal: Journal, kind: str, body: str) -> None:
    with closing(sqlite3.connect(journal.path)) as db, db:
        db.execute("DROP TRIGGER record_is_final")
        db.execute("UPDATE record SET body = ? WHERE kind = ?", (body, kind))


@pytest.mark.parametrize(
    ("kind", "body"),
    [*(("intent", body) for body in ("{}", "[]", '{"act":', '"act"', "7")), ("completion", '{"call":')],
)
def test_a_damaged_record_is_told_as_such(kind: str, body: str, journal: Journal) -> None:
    observe(journal)
    damage(journal, kind, body)
    with pytest.raises(JournalUnavailable):
        asked(journal)


@pytest.mark.parametrize("body", ["{}", "[]", '"call"'])
def test_a_completion_that_names_no_act_completes_none(body: str, journal: Journal) -> None:
    observe(journal)
    damage(journal, "completion", body)
    assert [act.outcome for act in asked(journal)] == ["open"]


def test_a_session_is_summed_up_from_its_acts(journal: Journal) -> None:
    observe(journal, "s1")
    observe(journal, "s2", "Patient/p2")
    observe(journal, "s1", "Patient/p3")
    call(recorder(journal, "s2"), "Patient/p2").complete("refused", error="not permitted")
    first, second = sessions(asked(journal))
    assert (first.session, first.user, first.purpose) == ("s1", "dr.grey", "TREAT")
    assert first.patients == {"Patient/p1": 1, "Patient/p3": 1}
    assert first.models == {"medgemma-27b@r1 (nf4)": 2}
    assert first.did == {"observations": 2}
    assert second.outcomes == {"ok": 1, "refused": 1}
    assert not second.left


@pytest.mark.parametrize(
    ("act", "facts", "outcome", "left"),
    [
        ("escalation", {}, "ok", True),
        ("escalation", {}, "refused", False),
        ("escalation", {}, "unknown", True),
        ("model_step", {"target": "escalation"}, "ok", True),
        ("model_step", {"target": "local"}, "ok", False),
    ],
)
def test_data_left_the_building_where_a_hosted_model_took_part(
    journal: Journal, act: str, facts: dict[str, str], outcome: str, left: bool
) -> None:
    recorder(journal).act(act, facts=facts).complete(outcome)  # type: ignore[arg-type]
    (found,) = asked(journal)
    assert found.left is left


def test_an_act_is_opened_with_what_was_said_and_where_its_events_are(journal: Journal) -> None:
    observe(journal)
    with trail.reading(journal.path) as db:
        (act,) = acts(db, Sought())
        told = opened(db, act, Content(RING))
        sealed = opened(db, act, None)
        strange = opened(db, act, Content([Key(b"x" * 32)]))
    assert told["asked"] == {"arguments": {"name": "HbA1c"}}
    assert told["said"]["requests"][0]["url"] == f"{BASE}/Observation?patient=p1&code=4548-4"
    assert (told["tool"], told["rows"], told["refs"], told["content"]) == (
        "observations",
        1,
        ["Observation/o1"],
        "open",
    )
    assert [event["state"] for event in told["events"]] == ["pending"]
    for other, why in ((sealed, "sealed"), (strange, "no key")):
        assert (other["asked"], other["said"], other["content"]) == (None, None, why)
        assert other["refs"] == ["Observation/o1"]


def test_what_was_erased_is_told_as_erased(journal: Journal) -> None:
    journal_of_old = journal
    observe(journal_of_old)
    with trail.reading(journal.path) as db:
        db.execute("BEGIN")
        (act,) = acts(db, Sought())
    with closing(sqlite3.connect(journal.path)) as direct, direct:
        direct.execute("UPDATE content_key SET wrapped = NULL")
    with trail.reading(journal.path) as db:
        told = opened(db, act, Content(RING))
    assert (told["content"], told["asked"], told["tool"]) == ("erased", None, "observations")
