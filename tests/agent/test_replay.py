"""A session as a person reads it: acts as the audit trail gives them, lines of a terminal."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agent.replay import WIDTH, replay

GEMMA = {"name": "medgemma-27b", "revision": "r1", "quantisation": "nf4"}


def act(seq: int, name: str, **more: Any) -> dict[str, Any]:
    """An act as `mcp_servers.audit.asking.acts.opened` gives it."""
    return {
        "seq": seq,
        "done_seq": seq + 1,
        "id": f"id-{seq}",
        "session": "s1",
        "at": f"2026-11-23T08:00:{seq % 60:02d}.000Z",
        "until": f"2026-11-23T08:00:{seq % 60:02d}.500Z",
        "act": name,
        "user": "dr.grey",
        "known_by": "sign_in",
        "purpose_of_use": "TREAT",
        "server": "ehr-navigator",
        "fhir": "http://ehr.example/fhir",
        "patients": ["Patient/p1"],
        "outcome": "ok",
        "error": None,
        "rows": 0,
        "refs": [],
        "ms": 12.0,
        "left_the_building": False,
        "own_client": True,
        "content": "open",
        "asked": {},
        "said": {},
        "events": [],
        **more,
    }


def tool_call(seq: int, **more: Any) -> dict[str, Any]:
    told = {
        "tool": "observations",
        "meta": {"session": "s1", "model": GEMMA},
        "asked": {"arguments": {"name": "HbA1c", "unit": None}},
        "said": {
            "requests": [{"method": "GET", "url": "http://ehr.example/fhir/Observation", "status": 200}]
        },
        "rows": 1,
        "refs": ["Observation/o1"],
        "events": [{"id": f"id-{seq}", "state": "delivered", "diagnostics": ""}],
    }
    return act(seq, "tool_call", **{**told, **more})


def told(*acts: dict[str, Any]) -> str:
    return "\n".join(replay(acts))


def test_a_question_is_told_with_its_steps_between_it_and_its_answer() -> None:
    answer = {
        "answer": "7.1 % on 2026-09-14 [Observation/o1].",
        "citations": [{"ref": "Observation/o1", "label": "HbA1c"}],
        "grounding": {
            "claims": [{"verdict": "unsupported", "kind": "number", "text": "8", "why": "not there"}]
        },
    }
    long = "8 %. " + "So it is. " * 30
    text = told(
        act(1, "question", done_seq=9, asked={"question": "What was the last HbA1c?"}, model=GEMMA,
            status="needs_review", checked=2, unsupported=1, said={"answer": answer}),
        act(2, "model_step", step=1, target="local", model=GEMMA,
            said={"reason": "0 of 5 hops used", "step": {"thought": "look it up",
                  "actions": [{"tool": "observations", "arguments": {"name": "HbA1c"}}]}}),
        tool_call(4),
        act(6, "model_step", step=2, target="local", model=GEMMA,
            said={"step": {"actions": [{"tool": "answer", "arguments": {"text": long}}]}}),
        act(10, "question", asked={"question": "And before?"}, done_seq=None, until=None, outcome="open"),
    )  # fmt: skip
    order = [
        "Session s1",
        "dr.grey (signed in), for TREAT (treatment)",
        "Question: What was the last HbA1c?",
        "Step 1: medgemma-27b r1 (nf4) as the local model (0 of 5 hops used)",
        "thought: look it up",
        "asks for observations(name=HbA1c)",
        "observations(name=HbA1c): ok, 1 row",
        "GET http://ehr.example/fhir/Observation -> 200",
        "read Observation/o1",
        "AuditEvent/id-4 delivered",
        "answers: 8 %. So it is.",
        " ...",
        "Answer, needs review, by medgemma-27b r1 (nf4)",
        "7.1 % on 2026-09-14 [Observation/o1].",
        "[Observation/o1] HbA1c",
        "2 claims held against the records, 1 unsupported",
        'unsupported: number "8": not there',
        "Question: And before?",
        "No answer is on record",
        "Nothing of it was sent out of the building",
    ]
    places = [text.index(line) for line in order]
    assert places == sorted(places)


def test_a_session_of_another_client_has_calls_alone_and_says_what_is_not_known() -> None:
    text = told(tool_call(1, own_client=False, meta={}))
    assert "asked for by a client, with no model named" in text
    assert "where its model runs is not on this trail" in text
    assert "Answer" not in text


def test_what_left_the_building_is_told_loudly() -> None:
    text = told(act(1, "escalation", left_the_building=True, recipient="https://models.example", bytes=812))
    assert "ESCALATION: ok" in text
    assert "bytes: 812" in text
    assert "LEFT THE BUILDING: 2026-11-23T08:00:01Z to https://models.example." in text


def test_what_is_missing_is_told_as_missing_and_the_plain_facts_stay() -> None:
    erased = tool_call(1, content="erased", asked=None, said=None)
    no_key = tool_call(3, content="no key", asked=None, said=None)
    gap = tool_call(5, outcome="unknown", error="unknown outcome: the process ended before the call did")
    under_way = tool_call(7, outcome="open", until=None, done_seq=None, ms=None)
    text = told(erased, no_key, gap, under_way)
    assert text.count("read Observation/o1") == 4
    for said in ("(erased:", "(unreadable:", "what came of it is unknown", "(not completed:"):
        assert said in text


def test_an_event_that_the_store_lacks_is_told_with_the_reason() -> None:
    refused = [
        {"id": "e1", "state": "refused", "diagnostics": "answered 422 Unprocessable Entity (processing)"}
    ]
    text = told(tool_call(1, events=refused))
    assert "AuditEvent/e1 refused: answered 422 Unprocessable Entity (processing)" in text
    assert "1 AuditEvents of it are not in the FHIR store." in text


@given(st.text(max_size=400), st.text(max_size=400))
def test_whatever_was_said_no_line_is_wider_than_the_page_or_moves_the_cursor(one: str, other: str) -> None:
    lines = list(
        replay([
            act(1, "question", asked={"question": one}, said={"answer": {"answer": other}}),
            tool_call(3, asked={"arguments": {one: other}}, error=other, outcome="failed"),
            act(5, "refusal", asked={"question": other}, said={"why": one}, outcome="refused"),
        ])
    )  # fmt: skip
    assert max(map(len, lines)) <= WIDTH
    assert not [
        line for line in lines if any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in line)
    ]


def test_nothing_is_told_of_no_acts() -> None:
    assert told() == ""
