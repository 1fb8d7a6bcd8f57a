"""The planner loop: ask the model for a step, call the tools, until it answers."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.course import Course
from agent.errors import (
    BY_KIND,
    AuditUnavailable,
    CannotAnswer,
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
    Model,
    NoticeMessage,
    OnText,
    QuestionMessage,
    ResultsMessage,
    RouteEntry,
    Status,
    Step,
    StepMessage,
    Target,
    ToolCall,
    ToolResult,
    silent,
)
from agent.recording import Acts
from agent.router import FAILED_TWICE, IN_PART, NO_ENCODER, goes_on
from agent.session import Session
from agent.steps import ANSWER, check_progress, validate
from agent.toolbox import Toolbox

# A model that cannot produce a fitting step after this many corrections will not learn it in this run.
MAX_CORRECTIONS = 2


@dataclass
class Run:
    """One question's way through the loop.

    `models` holds `local`, and those of the other targets that there are.
    """

    session: Session
    toolbox: Toolbox
    models: Mapping[Target, Model]
    course: Course
    disclaimer: str
    acts: Acts
    trail: Callable[[], AuditTrail]
    on_result: Callable[[ToolResult], object] = lambda _: None
    on_text: OnText = silent
    corrections: int = 0
    results: list[ToolResult] = field(default_factory=list)

    async def ask(self, question: str) -> Answer:
        """The answer, whatever happens: what ends a run early becomes its status and its text.

        It is on the trail when it is given. Raises AuditUnavailable where it cannot be: it is then withheld.
        """
        return await self.acts.question(question, self.given)

    async def given(self, question: str) -> Answer:
        """The answer, as the steps of the models make it."""
        self.session.messages.append(QuestionMessage(text=question))
        self.course.begin(question)
        given: Answer | None = None  # an answer stands, marked, where mending it fails
        try:
            async with asyncio.timeout(self.course.limits.seconds):
                given = self.answered(question, await self.final())
                for last in (False, True):
                    why = faults(given.grounding)
                    if not why or given.model.name == "offline":  # rules mend nothing
                        break
                    if last and not self.course.moves_on(FAILED_TWICE):
                        break
                    self.session.messages.append(NoticeMessage(text=why))
                    given = self.answered(question, await self.final())
            return given
        except TimeoutError:
            said = f"No answer within {self.course.limits.seconds:g} seconds; the run was stopped."
            return given or self.ended("failed", said)
        except NavigatorError as error:
            return given or self.ended("refused" if isinstance(error, Refused) else "failed", str(error))

    async def final(self) -> Action:
        """Steps until the model answers."""
        while (answer := await self.step(self.toolbox.schema)) is None:
            pass
        return answer

    async def step(self, schema: dict[str, Any]) -> Action | None:
        """One model turn and the tool calls it asks for; the answer action once the model gives one."""
        entry = self.course.next()
        try:
            step = await self.next_step(entry, schema)
        except NavigatorError as error:
            if not self.course.survives(error):
                raise
            self.corrections = 0  # another model takes it from here
            return None
        if step is None:
            return None
        if step.actions[0].tool == ANSWER:
            if not goes_on(entry, step.actions[0].arguments["status"]):
                return step.actions[0]
            self.course.handed_over(IN_PART)
            self.session.messages.append(NoticeMessage(text=IN_PART))
            return None
        self.course.hop()
        results = [await self.call(action, entry.target) for action in step.actions]
        self.results += results
        self.session.messages.append(ResultsMessage(results=tuple(results)))
        return None

    async def next_step(self, entry: RouteEntry, schema: dict[str, Any]) -> Step | None:
        """The model's step, or None when it did not fit and the model was told why."""
        if entry.target not in self.models:
            raise CannotAnswer(NO_ENCODER)
        asked = self.session.messages, schema, self.course.images, self.on_text
        turn = await self.acts.model_step(len(self.course.routes), entry, self.models[entry.target], asked)
        self.course.took(turn)
        self.session.messages.append(StepMessage(step=turn.step))
        try:
            validate(turn.step, schema)
        except ModelFailed as misfit:
            self.corrections += 1
            if self.corrections > MAX_CORRECTIONS:
                raise
            self.session.messages.append(NoticeMessage(text=f"{misfit} Send one corrected step."))
            return None
        check_progress(turn.step, self.session.messages)
        return turn.step

    async def call(self, action: Action, target: Target) -> ToolResult:
        """Call one tool, saying which model asked for it."""
        identity = self.models[target].identity
        meta = {"session": self.session.id, "step": self.course.progress.hops, "model": identity.model_dump()}
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
        text = report.text + self.course.held_back()
        cited = Citation.labelled(report.citations, evidence)
        return self.ended(status, text).model_copy(update={"citations": cited, "grounding": report.grounding})

    def ended(self, status: Status, text: str) -> Answer:
        """The Answer object as the run stands."""
        return Answer(
            answer=text,
            status=status,
            model=self.models.get(self.course.routes[-1].target, self.models["local"]).identity,
            route=tuple(self.course.routes),
            hops=self.course.progress.hops,
            tool_calls=tuple(map(ToolCall.of, self.results)),
            tokens=self.course.usage,
            cost=self.course.usage.cost,
            audit=self.trail(),
            disclaimer=self.disclaimer,
        )
