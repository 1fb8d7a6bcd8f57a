"""The loop, over a real MCP server in memory with one tool; the model is scripted and says so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from agent.course import Course, Limits
from agent.errors import AuditUnavailable, CannotAnswer, Failed
from agent.loop import MAX_CORRECTIONS, Run
from agent.messages import (
    Action,
    Answer,
    AuditTrail,
    Image,
    Message,
    ModelIdentity,
    OnText,
    Step,
    Turn,
    Usage,
    silent,
)
from agent.models.scripted import ScriptedModel
from agent.recording import Acts
from agent.router import RoutePolicy
from agent.session import Session
from agent.toolbox import Toolbox, open_toolbox
from mcp_servers.fhir.envelope import ResultEnvelope

POTASSIUM = {
    "ref": "Observation/k1",
    "name": "Potassium",
    "date": "2026-01-02",
    "value": 4.1,
    "unit": "mmol/L",
}


@dataclass
class ListedActs:
    """A stand-in for the journal: lists what is begun and completed, and refuses what the test says."""

    refuses: str = ""
    told: list[str] = field(default_factory=list)
    acts: "list[ListedAct]" = field(default_factory=list)

    def act(self, act: str, *, facts: Any, said: Any, **_: Any) -> "ListedAct":
        if act == self.refuses:
            raise AuditUnavailable("The journal is full.")
        self.told.append(f"{act} begun")
        self.acts.append(ListedAct(self, act, {**facts}, {**said}))
        return self.acts[-1]


@dataclass
class ListedAct:
    """One of them, with all that was said of it."""

    id = "act"
    trail: ListedActs
    act: str
    facts: dict[str, Any]
    said: dict[str, Any]

    def complete(self, outcome: str, *, facts: Any, said: Any, **_: Any) -> None:
        if self.trail.refuses == f"{self.act} completed":
            raise AuditUnavailable("The journal is full.")
        self.trail.told.append(f"{self.act} {outcome}")
        self.facts |= facts
        self.said |= said


def chart_server() -> MCPServer:
    server = MCPServer("one-tool")

    @server.tool()
    def observations(name: str) -> ResultEnvelope:
        """Measurements by name."""
        if name in {"not_permitted", "server_failed", "audit_unavailable", "not_found"}:
            raise ToolError(f"[{name}] as the test asked")
        rows = [POTASSIUM] if name == "potassium" else []
        return ResultEnvelope(
            finding="recorded" if rows else "nothing_recorded",
            rows=rows,
            total=len(rows),
            returned=len(rows),
            truncated=False,
            as_of="2026-02-01",
        )

    return server


def look_up(name: str = "potassium") -> Step:
    return Step(thought="", actions=(Action(tool="observations", arguments={"name": name}),))


def answer(text: str, *citations: str, status: str = "answered") -> Step:
    arguments = {"text": text, "citations": list(citations), "status": status}
    return Step(thought="", actions=(Action(tool="answer", arguments=arguments),))


DIFFERENT = ("potassium", "sodium", "calcium")
RIGHT = answer("Potassium was 4.1 mmol/L on 2026-01-02 [Observation/k1].", "Observation/k1")


@asynccontextmanager
async def a_run(
    *steps: Step | Exception, trail: ListedActs | None = None, **changes: Any
) -> AsyncIterator[Run]:
    async with open_toolbox(chart_server()) as toolbox:
        yield make_run(toolbox, ScriptedModel(list(steps)), trail or ListedActs(), **changes)


def make_run(toolbox: Toolbox, model: Any, trail: ListedActs, **changes: Any) -> Run:
    session = Session(patient="Patient/a", user="dr", now=datetime(2026, 2, 1, tzinfo=UTC))
    models = {"local": model, **changes.pop("models", {})}
    course: dict[str, Any] = {
        "limits": Limits(hops=8, tokens=10_000, seconds=20),
        "policy": RoutePolicy(targets=frozenset(models)),
        **{name: changes.pop(name) for name in ("limits", "policy", "egress", "images") if name in changes},
    }
    return Run(
        session=session,
        toolbox=toolbox,
        models=models,
        course=Course(session, **course),
        disclaimer="Preliminary.",
        acts=Acts(trail, session.patient, nullcontext),
        trail=lambda: AuditTrail(session=session.id, events=0),
        **changes,
    )


async def ask(*steps: Step | Exception, **changes: Any) -> Answer:
    async with a_run(*steps, **changes) as run:
        return await run.ask("What is the potassium?")


@pytest.mark.anyio
async def test_an_answer_carries_its_citations_route_and_tool_calls() -> None:
    given = await ask(look_up(), RIGHT)
    assert (given.status, given.hops) == ("answered", 1)
    assert [(citation.ref, citation.label) for citation in given.citations] == [
        ("Observation/k1", "Potassium 2026-01-02")
    ]
    assert [call.refs for call in given.tool_calls] == [("Observation/k1",)]
    assert [entry.target for entry in given.route] == ["local", "local"]
    assert given.grounding.checked > 0
    assert not given.grounding.unsupported


@pytest.mark.anyio
async def test_a_number_that_no_record_holds_is_marked_and_needs_review() -> None:
    given = await ask(look_up(), answer("Potassium was 5.1 mmol/L [Observation/k1].", "Observation/k1"))
    assert given.status == "needs_review"
    assert "⟨unverified: 5.1" in given.answer


@pytest.mark.anyio
async def test_the_question_and_each_step_are_on_the_trail_before_and_after() -> None:
    trail = ListedActs()
    given = await ask(look_up(), RIGHT, trail=trail)
    assert trail.told == [
        "question begun", "model_step begun", "model_step ok", "model_step begun", "model_step ok",
        "question ok",
    ]  # fmt: skip
    question, first, second = trail.acts
    assert question.said["question"] == "What is the potassium?"
    assert question.said["answer"]["answer"] == given.answer
    assert question.facts["status"] == "answered"
    assert first.facts["step"] == 1
    assert first.facts["target"] == "local"
    assert first.facts["model"]["name"] == "scripted"
    assert "tool hops" in first.said["reason"]
    assert first.said["step"]["actions"][0]["tool"] == "observations"
    assert second.said["step"]["actions"][0]["tool"] == "answer"


@pytest.mark.anyio
async def test_no_model_is_asked_where_its_step_cannot_be_recorded() -> None:
    trail = ListedActs(refuses="model_step")
    async with open_toolbox(chart_server()) as toolbox:
        model = ScriptedModel([look_up()])
        given = await make_run(toolbox, model, trail).ask("What is the potassium?")
    assert (given.status, given.answer) == ("failed", "The journal is full.")
    assert trail.told == ["question begun", "question failed"]


@pytest.mark.anyio
async def test_an_answer_that_cannot_be_recorded_is_withheld() -> None:
    with pytest.raises(AuditUnavailable):
        await ask(look_up(), RIGHT, trail=ListedActs(refuses="question completed"))


@pytest.mark.anyio
async def test_a_step_that_fails_is_completed_as_failed() -> None:
    trail = ListedActs()
    await ask(Failed("The chart is gone."), trail=trail)
    assert trail.told == ["question begun", "model_step begun", "model_step failed", "question failed"]


@pytest.mark.anyio
async def test_a_step_that_breaks_the_schema_is_told_why_and_may_be_mended() -> None:
    broken = Step(thought="", actions=(Action(tool="observations", arguments={"patient": "Patient/b"}),))
    async with a_run(broken, look_up(), RIGHT) as run:
        given = await run.ask("What is the potassium?")
        notices = [message.text for message in run.session.messages if message.role == "notice"]
    assert given.status == "answered"
    assert given.hops == 1
    assert len(notices) == 1
    assert "does not fit the schema" in notices[0]


@pytest.mark.anyio
async def test_a_model_that_never_fits_the_schema_fails_the_run() -> None:
    broken = Step(thought="", actions=(Action(tool="shell", arguments={}),))
    given = await ask(*[broken] * (MAX_CORRECTIONS + 1))
    assert given.status == "failed"
    assert "does not fit the schema" in given.answer


@pytest.mark.anyio
async def test_hops_tokens_and_time_each_end_a_run_with_their_own_message() -> None:
    hops = await ask(*map(look_up, DIFFERENT), limits=Limits(hops=2, tokens=10_000, seconds=20))
    assert (hops.status, hops.hops) == ("failed", 2)
    assert "2 tool hops" in hops.answer

    class Wordy(ScriptedModel):
        async def next_step(
            self,
            messages: list[Message],
            schema: dict[str, Any],
            images: list[Image],
            on_text: OnText = silent,
        ) -> Turn:
            turn = await super().next_step(messages, schema, images, on_text)
            return turn.model_copy(update={"usage": Usage(prompt=600, completion=600)})

    async with open_toolbox(chart_server()) as toolbox:
        limits = Limits(hops=8, tokens=1_000, seconds=20)
        tokens = await make_run(toolbox, Wordy([look_up(), RIGHT]), ListedActs(), limits=limits).ask(
            "Potassium?"
        )
    assert tokens.status == "failed"
    assert "1000 tokens" in tokens.answer

    class Silent:
        identity = ModelIdentity(name="silent")

        async def next_step(
            self,
            messages: list[Message],
            schema: dict[str, Any],
            images: list[Image],
            on_text: OnText = silent,
        ) -> Turn:
            await asyncio.Event().wait()
            raise AssertionError("unreachable")

    async with open_toolbox(chart_server()) as toolbox:
        limits = Limits(hops=8, tokens=1_000, seconds=0.05)
        time = await make_run(toolbox, Silent(), ListedActs(), limits=limits).ask("Potassium?")
    assert time.status == "failed"
    assert "0.05 seconds" in time.answer


@pytest.mark.anyio
async def test_a_model_that_goes_round_in_a_circle_is_stopped() -> None:
    given = await ask(*[look_up()] * 3, RIGHT)
    assert given.status == "failed"
    assert "the same calls three times" in given.answer


@pytest.mark.anyio
async def test_a_model_that_says_it_cannot_refuses_in_its_own_words() -> None:
    given = await ask(look_up(), answer("I cannot weigh these against each other.", status="cannot_answer"))
    assert (given.status, given.answer) == ("refused", "I cannot weigh these against each other.")


@pytest.mark.anyio
async def test_past_the_escalation_limit_the_answer_says_what_policy_held_back() -> None:
    given = await ask(*map(look_up, DIFFERENT), RIGHT, policy=RoutePolicy(escalate_after=2))
    assert given.status == "answered"
    assert "A hosted model would have taken over (more than 2 tool hops)" in given.answer
    assert "policy for ask is never: nothing leaves" in given.route[-1].reason


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("outcome", "status"), [(CannotAnswer("beyond me"), "refused"), (Failed("broken"), "failed")]
)
async def test_an_error_of_the_model_becomes_the_status_and_text(outcome: Exception, status: str) -> None:
    given = await ask(outcome)
    assert given.status == status
    assert given.answer == str(outcome)


@pytest.mark.anyio
async def test_without_an_audit_journal_the_run_ends_whatever_the_model_would_do() -> None:
    given = await ask(look_up("audit_unavailable"), RIGHT)
    assert given.status == "failed"
    assert given.answer == "as the test asked"


@pytest.mark.anyio
@pytest.mark.parametrize(("kind", "status"), [("not_permitted", "refused"), ("server_failed", "failed")])
async def test_what_could_not_be_read_is_never_reported_as_not_in_the_chart(kind: str, status: str) -> None:
    given = await ask(look_up(kind), answer("No potassium on record.", status="not_in_chart"))
    assert given.status == status
    assert given.answer == "as the test asked"


@pytest.mark.anyio
async def test_what_a_follow_up_leaves_unsaid_may_be_denied_by_its_name() -> None:
    absent = answer("No lead level is recorded.", status="not_in_chart")
    async with a_run(look_up(), RIGHT, look_up("lead"), absent) as run:
        await run.ask("What was the last potassium, and the lead?")
        given = await run.ask("and how high was it?")
    assert given.status == "not_in_chart"


@pytest.mark.anyio
async def test_a_mended_lookup_may_still_end_as_not_in_chart() -> None:
    given = await ask(look_up("not_found"), look_up("lead"), answer("No lead level.", status="not_in_chart"))
    assert given.status == "not_in_chart"


@pytest.mark.anyio
@pytest.mark.parametrize("status", ["answered", "not_in_chart"])
async def test_nothing_is_known_before_a_call_has_succeeded(status: str) -> None:
    careless = answer("The patient is well and may stop all medication.", status=status)
    assert (await ask(careless)).status == "needs_review"
    assert (await ask(look_up("not_found"), answer("It is fine.", status=status))).status != status


@pytest.mark.anyio
async def test_an_answer_that_claims_nothing_checkable_needs_review() -> None:
    careless = answer("The patient is well and may stop all medication.")
    assert (await ask(look_up(), careless)).status == "needs_review"


@pytest.mark.anyio
async def test_what_is_cited_and_not_denied_is_in_the_chart() -> None:
    found = answer("Potassium was 4.1 mmol/L [Observation/k1].", status="not_in_chart")
    assert (await ask(look_up(), found)).status == "needs_review"
    older = answer("There is no potassium before 2026-01-02 [Observation/k1].", status="not_in_chart")
    assert (await ask(look_up(), older)).status == "not_in_chart"


def two_tiers(toolbox: Toolbox, rules: list[Step | Exception], model: list[Step | Exception]) -> Run:
    """The rules first, then a model; both are scripted stand-ins."""
    first, second = ScriptedModel(rules, "rules"), ScriptedModel(model, "model")
    run = make_run(toolbox, second, ListedActs(), policy=RoutePolicy(offline_first=True))
    run.models = {"local": second, "offline": first}
    return run


@pytest.mark.anyio
async def test_what_the_first_tier_answers_is_the_answer() -> None:
    async with open_toolbox(chart_server()) as toolbox:
        given = await two_tiers(toolbox, [look_up(), RIGHT], []).ask("What is the potassium?")
    assert (given.status, given.model.name) == ("answered", "rules")
    assert [entry.target for entry in given.route] == ["offline", "offline"]


@pytest.mark.anyio
async def test_what_the_first_tier_refuses_is_handed_over_with_the_reason() -> None:
    refusal = CannotAnswer("I could not read 'trend'. I answer look-ups.")
    async with open_toolbox(chart_server()) as toolbox:
        given = await two_tiers(toolbox, [refusal], [look_up(), RIGHT]).ask("What is the potassium?")
    assert (given.status, given.model.name) == ("answered", "model")
    assert [entry.target for entry in given.route] == ["offline", "local", "local"]
    assert "handed over by the rules: I could not read 'trend'" in given.route[1].reason


@pytest.mark.anyio
async def test_what_the_first_tier_read_before_it_refused_is_evidence_for_the_model() -> None:
    async with open_toolbox(chart_server()) as toolbox:
        run = two_tiers(toolbox, [look_up(), CannotAnswer("Which one?")], [RIGHT])
        given = await run.ask("What is the potassium?")
    assert (given.status, given.model.name, given.hops) == ("answered", "model", 1)


@pytest.mark.anyio
async def test_an_answer_in_part_of_the_first_tier_goes_on_to_the_model_which_is_told() -> None:
    part = answer("Potassium was 4.1 [Observation/k1]. Not answered: the rest.", status="needs_review")
    async with open_toolbox(chart_server()) as toolbox:
        run = two_tiers(toolbox, [look_up(), part], [RIGHT])
        given = await run.ask("What is the potassium, and the rest?")
    assert (given.status, given.model.name) == ("answered", "model")
    assert [message.role for message in run.session.messages[-2:]] == ["notice", "step"]


@pytest.mark.anyio
async def test_what_fails_in_the_first_tier_is_not_handed_over() -> None:
    async with open_toolbox(chart_server()) as toolbox:
        given = await two_tiers(toolbox, [Failed("The chart is gone.")], [RIGHT]).ask(
            "What is the potassium?"
        )
    assert (given.status, given.answer) == ("failed", "The chart is gone.")


@pytest.mark.anyio
async def test_a_question_that_is_stopped_is_completed_on_the_trail() -> None:
    trail = ListedActs()
    started = asyncio.Event()

    class Hanging(ScriptedModel):
        async def next_step(
            self,
            messages: list[Message],
            schema: dict[str, Any],
            images: list[Image],
            on_text: OnText = silent,
        ) -> Turn:
            started.set()
            await asyncio.Event().wait()
            raise AssertionError("unreachable")

    async with open_toolbox(chart_server()) as toolbox:
        task = asyncio.create_task(make_run(toolbox, Hanging([]), trail).ask("Potassium?"))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert trail.told == ["question begun", "model_step begun", "model_step failed", "question failed"]


@pytest.mark.anyio
async def test_a_model_is_told_once_which_claims_failed_and_may_mend_them() -> None:
    wrong = answer("Potassium was 5.1 mmol/L [Observation/k1].", "Observation/k1")
    async with a_run(look_up(), wrong, RIGHT) as run:
        given = await run.ask("What is the potassium?")
        notices = [message.text for message in run.session.messages if message.role == "notice"]
    assert given.status == "answered"
    assert '"5.1": contradicted, Observation/k1 has 4.1 mmol/l' in notices[0]
    stubborn = await ask(look_up(), wrong, wrong, RIGHT)
    assert stubborn.status == "needs_review"
    assert [claim.text for claim in stubborn.grounding.claims if claim.verdict == "contradicted"] == ["5.1"]
