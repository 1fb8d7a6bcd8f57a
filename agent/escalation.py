"""A hosted model as a model of one session: nothing reaches it unpermitted, unrecorded or against consent."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

from agent.config import DataClass, Form, Workflow
from agent.egress.policy import Permission, Vendor, classes_of
from agent.errors import NotPermitted
from agent.messages import (
    Action,
    Image,
    Message,
    Model,
    ModelIdentity,
    OnText,
    QuestionMessage,
    Step,
    Turn,
    Usage,
    silent,
)
from agent.recording import Acts, Begun, Outcome
from agent.steps import ANSWER

CAVEAT = (
    "The hosted model was told a present some weeks late, to keep the dates from its vendor: check what it"
    " says of the time just past."
)
_RELATIVE = re.compile(
    r"\b(last|past|this|previous|within|in the)\b.{0,20}\b(days?|weeks?|months?|years?)\b|\bago\b"
    r"|\b(recent\w*|lately|today|yesterday|now|current\w*)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Leaving:
    """What is about to leave, and on what grounds. `fields` counts the values of each class replaced."""

    vendor: Vendor
    permission: Permission
    classes: tuple[DataClass, ...]
    fields: Mapping[str, int]
    payload: str = ""

    @property
    def form(self) -> Form:
        """As it is, or without what identifies."""
        return self.permission.form


Consent = Callable[[Leaving], Awaitable[bool]]
"""Asks the person whether it may leave."""
Before = Callable[[httpx.Request, bytes], Awaitable[None]]
"""Told of the final bytes of each request; raises where they may not leave."""


class Deidentifier(Protocol):
    """Takes out of a session what identifies, and puts it back (agent.egress.deidentification)."""

    @property
    def counts(self) -> Mapping[str, int]: ...

    @property
    def restored(self) -> int: ...

    def messages(self, messages: list[Message]) -> list[Message]: ...

    def step(self, step: Step) -> Step: ...

    def mapping(self) -> Mapping[str, str]: ...


@dataclass
class Hosted:
    """A hosted model that takes steps of one session.

    `model` is reached over a transport that awaits `before` with each request's final bytes. `deidentifier`
    makes, once, what takes out what identifies. `images` came with the session's questions so far. `user` is
    asked for `consent` once a question; None where the clinic wants nobody asked. `cost` of a step is in US
    dollars, None where no price is known.
    """

    vendor: Vendor
    model: Model
    permission: Callable[[tuple[DataClass, ...]], Permission]
    deidentifier: Callable[[], Awaitable[Deidentifier]]
    acts: Acts
    workflow: Workflow
    images: Callable[[], int]
    user: str
    consent: Consent | None
    cost: Callable[[Usage], float | None]
    names: Deidentifier | None = None
    leaving: Leaving | None = None
    begun: list[Begun] = field(default_factory=list)
    asked: dict[int, bool] = field(default_factory=dict)  # by the question's number
    question: int = 0

    @property
    def identity(self) -> ModelIdentity:
        """The hosted model's own."""
        return self.model.identity

    async def next_step(
        self, messages: list[Message], schema: dict[str, Any], images: list[Image], on_text: OnText = silent
    ) -> Turn:
        """The hosted model's step, with what identifies put back.

        Raises NotPermitted where policy, the gate or the person says no, or the reply holds what was never
        sent; AuditUnavailable where it cannot be recorded; and what the model raises.
        """
        classes = classes_of(messages, self.images())
        permission = self.permission(classes)
        if permission.form == "never":
            raise NotPermitted(f"Nothing leaves: {permission.why}.")
        self.question = sum(isinstance(message, QuestionMessage) for message in messages)
        told, names = messages, None
        if permission.form == "deidentified":
            names = self.names = self.names or await self.deidentifier()
            told, on_text = names.messages(messages), silent  # in pieces, stand-ins could not be told
        self.leaving = Leaving(self.vendor, permission, classes, dict(names.counts) if names else {})
        try:
            turn = await self.model.next_step(told, schema, images, on_text)
        except BaseException as error:  # what was begun has left, whatever became of it: never "refused"
            self._complete("failed", type(error).__name__)
            raise
        cost = self.cost(turn.usage)
        usage = turn.usage.model_copy(update={"cost": cost or 0.0})
        last = self._complete("ok", None, usage, cost)
        step = turn.step
        if names:
            before = names.restored
            step = _with_caveat(names.step(step), messages)
            await self.acts.re_identified(last, names.restored - before, self.identity)
        return turn.model_copy(update={"step": step, "usage": usage})

    async def before(self, request: httpx.Request, payload: bytes) -> None:
        """Ask and record before the final bytes of a request leave. Raises NotPermitted, AuditUnavailable."""
        assert self.leaving
        text = payload.decode("utf-8", errors="replace")
        leaving = Leaving(
            self.leaving.vendor, self.leaving.permission, self.leaving.classes, self.leaving.fields, text
        )
        if self.consent and self.question not in self.asked:
            self.asked[self.question] = await self.consent(leaving)
        consented = self.asked.get(self.question, False)
        if self.consent and not consented:
            raise NotPermitted("The person did not consent to sending it out of the building.")
        facts = {
            "recipient": str(request.url),
            "host": request.url.host,
            "model": self.identity.model_dump(),
            "meta": {"model": self.identity.model_dump(), "target": "escalation"},
            "policy": leaving.form,
            "why": leaving.permission.why,
            "agreement": self.vendor.agreement,
            "retention": self.vendor.retention,
            "region": self.vendor.region,
            "workflow": self.workflow,
            "data_classes": list(leaving.classes),
            "fields": dict(leaving.fields),
            "payload_sha256": hashlib.sha256(payload).hexdigest(),
            "bytes": len(payload),
            "consent": self.user if consented else "",
        }
        mapping = dict(self.names.mapping()) if self.names and leaving.form == "deidentified" else {}
        self.begun.append(await self.acts.escalation(facts, {"payload": text, "mapping": mapping}))

    def _complete(
        self, outcome: Outcome, error: str | None, usage: Usage | None = None, cost: float | None = None
    ) -> str:
        """Complete what was begun, the last with what the step took; the last one's id.

        What the vendor bills for the others, or without a usable reply, is not known here: it is None, not 0.
        """
        last = ""
        while self.begun:
            one = self.begun.pop(0)
            final = None if self.begun else usage
            facts = {
                "tokens_in": final.prompt if final else None,
                "tokens_out": final.completion if final else None,
                "cached": final.cached if final else None,
                "cost": cost if final else None,
                "replied": final is not None,
            }
            self.acts.escalated(one, outcome, error, facts)
            last = one.id
        return last


def _with_caveat(step: Step, messages: list[Message]) -> Step:
    """An answer about a time before the present with a word on the present that the model was told."""
    asked = next((one.text for one in reversed(messages) if isinstance(one, QuestionMessage)), "")
    said = step.actions[0]
    if said.tool != ANSWER or not _RELATIVE.search(asked):
        return step
    told = {**said.arguments, "text": f"{said.arguments['text']}\n\n{CAVEAT}"}
    return step.model_copy(update={"actions": (Action(tool=ANSWER, arguments=told),)})


class Recorded(httpx.AsyncBaseTransport):
    """A transport that awaits `before` with the final bytes of each request; sends nothing if it raises."""

    def __init__(self, inner: httpx.AsyncBaseTransport, before: Before) -> None:
        self._inner = inner
        self._before = before

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request whose body is known whole."""
        await self._before(request, await request.aread())
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close what it sends over."""
        await self._inner.aclose()
