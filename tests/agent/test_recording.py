"""What a run puts on a real journal: the question with its first step, each step before it is asked."""

from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import pytest

from agent.errors import NotPermitted
from agent.messages import (
    Action,
    Answer,
    AuditTrail,
    Image,
    Message,
    ModelIdentity,
    OnText,
    RouteEntry,
    Step,
    Turn,
    Usage,
    silent,
)
from agent.recording import Acts
from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.keys import Key
from mcp_servers.audit.chain.record import Record
from mcp_servers.audit.chain.verify import verify
from mcp_servers.audit.identity import Identity
from mcp_servers.audit.recorder import Context, Recorder

pytestmark = pytest.mark.anyio

HERE = RouteEntry(target="local", reason="0 of 5 local tool hops used")
MODEL = ModelIdentity(name="medgemma-27b", revision="r1", quantisation="nf4")
ANSWER = Answer(
    answer="7.1 %", status="answered", model=MODEL, audit=AuditTrail(session="s1", events=0), disclaimer=""
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "audit.sqlite", [Key(b"k" * 32)])) as opened:
        yield opened


@pytest.fixture
def acts(journal: Journal) -> Acts:
    context = Context("s1", Identity("dr.grey"), "http://ehr.example/fhir")
    return Acts(Recorder(journal, context), "Patient/p1", nullcontext)


def told(journal: Journal) -> list[str]:
    """The records after the first, in order: which act begun, which completed with what outcome."""
    names: dict[str, str] = {}

    def name(record: Record) -> str:
        if record.kind == "intent":
            names[record.id] = record.body["act"]
            return names[record.id]
        return f"{names[record.body['call']]} {record.body['outcome']}"

    return [name(record) for record in [*trail.records(journal.path)][1:]]


class Looking:
    """A model that looks at the journal when it is asked."""

    def __init__(self, journal: Journal, identity: ModelIdentity = MODEL) -> None:
        self.identity = identity
        self.journal = journal
        self.saw: list[str] = []

    async def next_step(
        self, messages: list[Message], schema: dict[str, Any], images: list[Image], on_text: OnText = silent
    ) -> Turn:
        self.saw = told(self.journal)
        return Turn(step=Step(actions=(Action(tool="answer"),)), usage=Usage(prompt=7, completion=2))


async def test_a_model_is_asked_when_the_question_and_the_step_are_on_disk(
    journal: Journal, acts: Acts
) -> None:
    model = Looking(journal)

    async def answered(_: str) -> Answer:
        await acts.model_step(1, HERE, model, ([], {}, [], silent))
        return ANSWER

    assert await acts.question("What was the last HbA1c?", answered) == ANSWER
    assert model.saw == ["question", "model_step"]
    assert told(journal) == ["question", "model_step", "model_step ok", "question ok"]
    step = [*trail.records(journal.path)][2].body
    assert (step["model"]["name"], step["target"], step["step"]) == ("medgemma-27b", "local", 1)
    state = verify(journal.path)
    assert (state.finding, state.unknown) == (None, ())


async def test_a_step_of_the_rules_goes_to_disk_with_what_comes_next(journal: Journal, acts: Acts) -> None:
    rules = Looking(journal, ModelIdentity(name="offline"))

    async def answered(_: str) -> Answer:
        await acts.model_step(1, HERE, rules, ([], {}, [], silent))
        return ANSWER

    await acts.question("What was the last HbA1c?", answered)
    assert rules.saw == []
    assert told(journal) == ["question", "model_step", "model_step ok", "question ok"]


async def test_a_question_that_breaks_is_completed_as_failed(journal: Journal, acts: Acts) -> None:
    async def broken(_: str) -> Answer:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await acts.question("What was the last HbA1c?", broken)
    assert told(journal) == ["question", "question failed"]


async def test_a_question_refused_before_any_model_is_on_the_trail_with_the_reason(
    journal: Journal, acts: Acts
) -> None:
    acts.refusal("What was the last HbA1c?", NotPermitted("This chart is closed."))
    assert told(journal) == ["refusal", "refusal refused"]
    assert [*trail.records(journal.path)][1].body["reason"] == "NotPermitted"
