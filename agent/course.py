"""One question's way between the models: how far it has come, and where it goes next."""

from dataclasses import dataclass, field, replace

from agent import router
from agent.config import Workflow
from agent.egress.policy import EgressPolicy, Permission, classes_of, permission
from agent.errors import LimitReached, NavigatorError
from agent.messages import Image, RouteEntry, Turn, Usage
from agent.session import Session

ASKED_FOR = "the person asked for the hosted model"


@dataclass(frozen=True)
class Limits:
    """When a run is given up: tool hops, tokens in and out, seconds."""

    hops: int
    tokens: int
    seconds: float


@dataclass
class Course:
    """The way of the question that `session` was asked last, with the `images` that came with it.

    What may leave is decided by `egress` at each step: by then the session may hold other classes of data.
    `asked_for`: the hosted model, by the person. `routes` has an entry a step.
    """

    session: Session
    limits: Limits
    images: list[Image] = field(default_factory=list)
    policy: router.RoutePolicy = field(default_factory=router.RoutePolicy)
    egress: EgressPolicy = field(default_factory=EgressPolicy)
    workflow: Workflow = "ask"
    asked_for: bool = False
    progress: router.Progress = field(default_factory=router.Progress)
    routes: list[RouteEntry] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)

    @property
    def permission(self) -> Permission:
        """In which form what the session holds by now may leave."""
        classes = classes_of(self.session.messages, self.session.images)
        return permission(self.egress, self.workflow, classes)

    def begin(self, question: str) -> None:
        """Set out with a question, here or, at the person's request, at the hosted model."""
        self.session.images += len(self.images)
        kind = router.workload(question, len(self.images), self.session.patient is not None)
        asked = ASKED_FOR if self.asked_for else ""
        self.progress = replace(self.progress, workload=kind, trigger=asked)

    def next(self) -> RouteEntry:
        """The model for the next step, and why. What went on to the hosted model stays there."""
        self.routes.append(router.route(self.progress, self.policy, self.permission))
        if self.routes[-1].target == "escalation":
            self.progress = replace(self.progress, trigger=router.beyond(self.progress, self.policy))
        return self.routes[-1]

    def took(self, turn: Turn) -> None:
        """Note what a step took, and where another model than the first took it. Raises LimitReached."""
        self.usage = self.usage.plus(turn.usage)
        self.progress = replace(self.progress, tokens=turn.usage.prompt + turn.usage.completion)
        if turn.note:
            entry = self.routes[-1]
            self.routes[-1] = entry.model_copy(update={"reason": f"{entry.reason}; {turn.note}"})
        if self.usage.prompt + self.usage.completion > self.limits.tokens:
            raise LimitReached(
                f"No answer within {self.limits.tokens} tokens, the limit; ask a narrower question."
            )

    def hop(self) -> None:
        """Note a step that calls tools. Raises LimitReached."""
        if (hops := self.progress.hops) >= self.limits.hops:
            raise LimitReached(f"No answer after {hops} tool hops, the limit; ask a narrower question.")
        self.progress = replace(self.progress, hops=self.progress.hops + 1)

    def handed_over(self, why: str) -> None:
        """Note why the rules are not the last word."""
        self.progress = replace(self.progress, handed_over=why)

    def survives(self, error: NavigatorError) -> bool:
        """Whether the question goes on, elsewhere, after the last step failed."""
        entry = self.routes[-1]
        going = router.after_failure(self.progress, entry, error, self.policy, self.permission)
        self.progress = going or self.progress
        return going is not None

    def moves_on(self, why: str) -> bool:
        """Whether the question goes on to the hosted model, for that reason: it does so once."""
        moved = replace(self.progress, trigger=why)
        if self.progress.trigger or router.stays(moved, self.policy, self.permission):
            return False
        self.progress = moved
        return True

    def held_back(self) -> str:
        """What is said of an answer that the hosted model would have given; else nothing."""
        return router.held_back(self.progress, self.policy, self.permission)
