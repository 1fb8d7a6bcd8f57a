"""The planner loop: ask the model for a step, call the tools, until it answers."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.errors import (
    BY_KIND,
    AuditUnavailable,
    CannotAnswer,
    LimitReached,
    ModelFailed,
    NavigatorError,
    Refused,
)
from agent.grounding import check, faults, verdict
from agent.messages import (
    Action,
    Answer,
    AuditTrail,
    Citation,
    Image,
    Model,
    NoticeMessage,
    QuestionMessage,
    ResultsMessage,
    RouteEntry,
    Status,
    Step,
    StepMessage,
    Target,
    ToolCall,
    ToolResult,
    Usage,
)
from agent.recording import Acts
from agent.router import IN_PART, RoutePolicy, goes_on, held_back, route
from agent.session import Session
from agent.steps import ANSWER, validate
from agent.toolbox import Toolbox

# A model that cannot produce a fitting step after this many corrections will not learn it in this run.
MAX_CORRECTIONS = 2


@dataclass(frozen=True)
class Limits:
    """When a run is given up: tool hops, tokens in and out, seconds."""

    hops: int
    tokens: int
    seconds: float


@dataclass
class Run:
    """One question's way through the loop.

    `models` holds `local`, and `offline` and `escalation` where the policy has them.
    """

    session: Session
    toolbox: Toolbox
    models: Mapping[Target, Model]
    policy: RoutePolicy
    limits: Limits
    disclaimer: str
    acts: Acts
    trail: Callable[[], AuditTrail]
    on_result: Callable[[ToolResult], object] = lambda _: None
    images: list[Image] = field(default_factory=list)
    hops: int = 0
    corrections: int = 0
    handed_over: str = ""
    usage: Usage = field(default_factory=Usage)
    routes: list[RouteEntry] = field(default_factory=list)
    results: list[ToolResult] = field(default_factory=list)

    async def ask(self, question: str) -> Answer:
        """The answer, whatever happens: what ends a run early becomes its status and its text.

        It is on the trail when it is given. Raises AuditUnavailable where it cannot be: it is then withheld.
        """
        return await self.acts.question(question, self.given)

    async def given(self, question: str) -> Answer:
        """The answer, as the steps of the models make it."""
        schema = self.toolbox.schema
        self.session.messages.append(QuestionMessage(text=question))
        given: Answer | None = None  # a first answer stands, marked, where mending it fails
        try:
            async with asyncio.timeout(self.limits.seconds):
                given = self.answered(question, await self.final(schema))
                if (why := faults(given.grounding)) and given.model.name != "offline":  # rules mend nothing
                    self.session.messages.append(NoticeMessage(text=why))
                    given = self.answered(question, await self.final(schema))
            return given
        except TimeoutError:
            said = f"No answer within {self.limits.seconds:g} seconds; the run was stopped."
            return given or self.ended("failed", said)
        except NavigatorError as error:
            return given or self.ended("refused" if isinstance(error, Refused) else "failed", str(error))

    async def final(self, schema: dict[str, Any]) -> Action:
        """Steps until the model answers."""
        while (answer := await self.step(schema)) is None:
            pass
        return answer

    async def step(self, schema: dict[str, Any]) -> Action | None:
        """One model turn and the tool calls it asks for; the answer action once the model gives one."""
        entry = route(self.hops, self.policy, self.handed_over)
        self.routes.append(entry)
        try:
            step = await self.next_step(entry, schema)
        except CannotAnswer as refusal:
            if entry.target != "offline":
                raise
            self.handed_over = str(refusal)
            return None
        if step is None:
            return None
        if step.actions[0].tool == ANSWER:
            if not goes_on(entry, step.actions[0].arguments["status"]):
                return step.actions[0]
            self.handed_over = IN_PART
            self.session.messages.append(NoticeMessage(text=IN_PART))
            return None
        if self.hops >= self.limits.hops:
            raise LimitReached(f"No answer after {self.hops} tool hops, the limit; ask a narrower question.")
        self.hops += 1
        results = [await self.call(action, entry.target) for action in step.actions]
        self.results += results
        self.session.messages.append(ResultsMessage(results=tuple(results)))
        return None

    async def next_step(self, entry: RouteEntry, schema: dict[str, Any]) -> Step | None:
        """The model's step, or None when it did not fit and the model was told why."""
        asked = self.session.messages, schema, self.images
        turn = await self.acts.model_step(len(self.routes), entry, self.models[entry.target], asked)
        self.usage = self.usage.plus(turn.usage)
        if self.usage.prompt + self.usage.completion > self.limits.tokens:
            raise LimitReached(
                f"No answer within {self.limits.tokens} tokens, the limit; ask a narrower question."
            )
        self.session.messages.append(StepMessage(step=turn.step))
        try:
            validate(turn.step, schema)
        except ModelFailed as misfit:
            self.corrections += 1
            if self.corrections > MAX_CORRECTIONS:
                raise
            self.session.messages.append(NoticeMessage(text=f"{misfit} Send one corrected step."))
            return None
        return turn.step

    async def call(self, action: Action, target: Target) -> ToolResult:
        """Call one tool, saying which model asked for it."""
        identity = self.models[target].identity
        meta = {"session": self.session.id, "step": self.hops, "model": identity.model_dump()}
        result = await self.toolbox.call(action, meta)
        self.on_result(result)
        if result.error == "audit_unavailable":
            raise AuditUnavailable(result.message)
        return result

    def answered(self, question: str, final: Action) -> Answer:
        """The answer that the model gave, held against the evidence of the whole conversation."""
        evidence, earlier = self.session.results, self.session.questions[:-1]
        said = final.arguments
        if said["status"] == "not_in_chart":
            # What could not be read is not known to be absent.
            for result in self.results:
                if result.error in BY_KIND:
                    raise BY_KIND[result.error](result.message)
        report = check(
            said["text"], said["citations"], evidence, question, self.session.now.isoformat(),
            earlier=earlier, readings=self.toolbox.readings,
        )  # fmt: skip
        status = verdict(said["status"], report, evidence)
        text = report.text + held_back(self.hops, self.policy)
        cited = Citation.labelled(report.citations, evidence)
        return self.ended(status, text).model_copy(update={"citations": cited, "grounding": report.grounding})

    def ended(self, status: Status, text: str) -> Answer:
        """The Answer object as the run stands."""
        return Answer(
            answer=text,
            status=status,
            model=self.models[self.routes[-1].target].identity,
            route=tuple(self.routes),
            hops=self.hops,
            tool_calls=tuple(map(ToolCall.of, self.results)),
            tokens=self.usage,
            cost=self.usage.cost,
            audit=self.trail(),
            disclaimer=self.disclaimer,
        )
