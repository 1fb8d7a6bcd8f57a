"""What a run puts on the audit trail besides its tool calls: each question, and each step of a model."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol

from anyio import CancelScope, to_thread

from agent.errors import NavigatorError, Refused
from agent.messages import Answer, Image, Message, Model, ModelIdentity, OnText, RouteEntry, Turn

Outcome = Literal["ok", "refused", "failed"]
ActName = Literal["question", "model_step", "refusal", "escalation", "re_identification"]
RULES = "offline"
"""The name of the offline planner, as its identity has it."""


class Begun(Protocol):
    """An act whose intent is on the trail."""

    @property
    def id(self) -> str: ...

    def complete(
        self,
        outcome: Outcome,
        *,
        error: str | None,
        facts: dict[str, Any] | None,
        said: dict[str, Any] | None,
        durable: bool,
    ) -> object: ...


class Recorder(Protocol):
    """Where acts are recorded (mcp_servers.audit.recorder): on disk when it returns, if `durable`."""

    def act(
        self,
        act: ActName,
        *,
        patient: str | None,
        facts: dict[str, Any] | None,
        said: dict[str, Any] | None,
        durable: bool,
    ) -> Begun: ...


@dataclass(frozen=True)
class Acts:
    """The acts of one session about one patient. `explained` turns the journal's errors into ours.

    `apart`: for a second opinion, which is no question of the person's.
    """

    recorder: Recorder
    patient: str | None
    explained: Callable[[], AbstractContextManager[None]]
    apart: bool = False

    async def question(self, text: str, answered: Callable[[str], Awaitable[Answer]]) -> Answer:
        """The answer to a question, once it is on the trail; raises AuditUnavailable where it cannot be.

        The intent goes to disk with the first step's (of the rules: with the first call's), before any
        language model is asked and any record is read.
        """
        facts = {"second_opinion": True} if self.apart else {}
        begun = self._begin("question", facts, {"question": text}, durable=False)
        answer: Answer | None = None
        try:
            answer = await answered(text)
        finally:
            with CancelScope(shield=True):  # a question that was stopped is completed too
                await to_thread.run_sync(lambda: self._answered(begun, answer))
        return answer

    async def model_step(
        self,
        number: int,
        entry: RouteEntry,
        model: Model,
        asked: tuple[list[Message], dict[str, Any], list[Image], OnText],
    ) -> Turn:
        """A step of a model: on disk before it is asked. Raises AuditUnavailable where it cannot be.

        What it brought goes to disk with what is written next: the calls of its tools, or the answer. So does
        the whole of a step of the rules, which read nothing by themselves.
        """
        facts = {"step": number, "model": model.identity.model_dump(), "target": entry.target}
        said = {"reason": entry.reason}  # sealed: it may quote the question, or a model
        durable = model.identity.name != RULES
        begin = partial(self._begin, "model_step", facts, said, durable=durable)
        begun = await to_thread.run_sync(begin) if durable else begin()
        turn: Turn | None = None
        outcome: Outcome = "failed"
        error: str | None = "cancelled"
        try:
            turn = await model.next_step(*asked)
            outcome, error = "ok", None
        except NavigatorError as raised:
            outcome = "refused" if isinstance(raised, Refused) else "failed"
            error = type(raised).__name__
            raise
        finally:
            used = turn.usage.model_dump() if turn else {}
            brought = {"step": turn.step.model_dump(mode="json")} if turn else {}
            self._complete(begun, outcome, error, used, brought, durable=False)
        return turn

    async def escalation(self, facts: dict[str, Any], said: dict[str, Any]) -> Begun:
        """What is about to leave the building, on disk before it does. Raises AuditUnavailable."""
        return await to_thread.run_sync(lambda: self._begin("escalation", facts, said, durable=True))

    def escalated(self, begun: Begun, outcome: Outcome, error: str | None, facts: dict[str, Any]) -> None:
        """What became of it."""
        self._complete(begun, outcome, error, facts, {}, durable=True)

    async def re_identified(self, escalation: str, restored: int, model: ModelIdentity) -> None:
        """That what identifies was put back into the reply to an escalation, in so many places."""
        meta = {"model": model.model_dump(), "target": "escalation"}
        facts = {"escalation": escalation, "restored": restored, "meta": meta}

        def recorded() -> None:
            begun = self._begin("re_identification", facts, {}, durable=False)
            self._complete(begun, "ok", None, {}, {}, durable=True)

        await to_thread.run_sync(recorded)

    def refusal(self, question: str, why: NavigatorError) -> None:
        """A question that was refused before any model saw it."""
        reason = type(why).__name__
        begun = self._begin("refusal", {"reason": reason}, {"question": question}, durable=False)
        self._complete(begun, "refused", reason, {}, {"why": str(why)}, durable=True)

    def _answered(self, begun: Begun, answer: Answer | None) -> None:
        if answer is None:
            self._complete(begun, "failed", "cancelled", {}, {}, durable=True)
            return
        failures: dict[str, Outcome] = {"refused": "refused", "failed": "failed"}
        facts = {
            "status": answer.status,
            "model": answer.model.model_dump(),
            "hops": answer.hops,
            "tokens": answer.tokens.prompt + answer.tokens.completion,
            "checked": answer.grounding.checked,
            "unsupported": len(answer.grounding.unsupported),
        }
        said = {"answer": answer.model_dump(mode="json", exclude={"disclaimer", "audit"})}
        self._complete(begun, failures.get(answer.status, "ok"), None, facts, said, durable=True)

    def _begin(
        self,
        act: ActName,
        facts: dict[str, Any],
        said: dict[str, Any],
        *,
        durable: bool,
    ) -> Begun:
        with self.explained():
            return self.recorder.act(act, patient=self.patient, facts=facts, said=said, durable=durable)

    def _complete(
        self,
        begun: Begun,
        outcome: Outcome,
        error: str | None,
        facts: dict[str, Any],
        said: dict[str, Any],
        *,
        durable: bool,
    ) -> None:
        with self.explained():
            begun.complete(outcome, error=error, facts=facts, said=said, durable=durable)
