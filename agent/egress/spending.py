"""What questions cost: their tokens, what was paid for them, and what another model would have charged."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from agent.egress.ledger import dollars, model_name, sent, whole
from agent.egress.prices import PriceTable

ZERO = Decimal(0)


@dataclass(frozen=True)
class Step:
    """A step that a model took for a question.

    `prompt` counts all tokens that it was given, `cached` of them those that it had read before; all are 0
    where nothing was counted. `paid` is in US dollars, None where the price was not known.
    """

    model: str
    prompt: int
    completion: int
    cached: int
    paid: Decimal | None


@dataclass
class Question:
    """A question and the steps that it took; `at` is when it was asked (UTC, ISO 8601).

    `ended` is the number of the record of its end, None while it is open.
    """

    id: str
    session: str
    at: str
    steps: list[Step] = field(default_factory=list)
    ended: int | None = None

    @property
    def day(self) -> date:
        """The day on which it was asked (UTC)."""
        return date.fromisoformat(self.at[:10])

    @property
    def counted(self) -> bool:
        """Whether any tokens were counted: rules alone count none."""
        return any(step.prompt or step.completion for step in self.steps)


@dataclass(frozen=True)
class Spending:
    """What a model was used for in a period: in how many questions, tokens, US dollars.

    For `unpriced` steps it is not known what they cost: they are not in `paid`.
    """

    period: str
    model: str
    questions: int
    tokens_in: int
    cached: int
    tokens_out: int
    paid: Decimal
    unpriced: int


@dataclass(frozen=True)
class Estimate:
    """What the questions of a period whose tokens were counted would have cost on a hosted model, US dollars.

    `uncached`: had it been given every prompt afresh; `cached`: had it held what the model held that
    answered. None where its price on one of the days is not known.
    """

    period: str
    model: str
    questions: int
    uncached: Decimal | None
    cached: Decimal | None


def questions(acts: Iterable[Mapping[str, Any]]) -> list[Question]:
    """The questions among acts that come in the order in which they began, each with its steps.

    Tokens of a hosted model are those of the ledger: the model's step around an escalation is left out. What
    a second opinion took belongs to its question. A step whose question began before the first of these acts
    is counted with a question that has no id.
    """
    found: list[Question] = []
    latest: dict[str, Question] = {}  # by session
    for act in acts:
        session = act["session"]
        current = latest.get(session)
        if act["act"] == "question" and act.get("second_opinion") and current:
            current.ended = act["done_seq"]
        elif act["act"] == "question":
            latest[session] = Question(act["id"], session, act["at"], ended=act["done_seq"])
            found.append(latest[session])
        elif step := _step(act):
            if current is None or (current.ended is not None and current.ended < act["seq"]):
                current = latest[session] = Question("", session, act["at"])
                found.append(current)
            current.steps.append(step)
    return found


def _step(act: Mapping[str, Any]) -> Step | None:
    if act["act"] == "escalation" and act["left_the_building"]:
        line = sent(act)
        cached = whole(act.get("cached")) or 0
        return Step(
            line.model or "a hosted model", line.tokens_in or 0, line.tokens_out or 0, cached, line.cost
        )
    if act["act"] == "model_step" and act.get("target") != "escalation":
        prompt, completion, cached = (
            whole(act.get(name)) or 0 for name in ("prompt", "completion", "cached")
        )
        return Step(model_name(act), prompt, completion, cached, dollars(act.get("cost", 0)))
    return None


def spending(asked: Iterable[Question], period: Callable[[Question], str]) -> list[Spending]:
    """What each model was used for in each period, in the order in which they come."""
    steps: dict[tuple[str, str], list[Step]] = {}
    count: dict[tuple[str, str], int] = {}
    for question in asked:
        of_question = {(period(question), step.model) for step in question.steps}
        for step in question.steps:
            steps.setdefault((period(question), step.model), []).append(step)
        for key in of_question:
            count[key] = count.get(key, 0) + 1
    return [
        Spending(
            period=when,
            model=model,
            questions=count[when, model],
            tokens_in=sum(step.prompt for step in took),
            cached=sum(step.cached for step in took),
            tokens_out=sum(step.completion for step in took),
            paid=sum((step.paid for step in took if step.paid is not None), ZERO),
            unpriced=sum(step.paid is None for step in took),
        )
        for (when, model), took in steps.items()
    ]


def estimates(
    asked: Iterable[Question], prices: PriceTable, period: Callable[[Question], str]
) -> list[Estimate]:
    """What the questions would have cost on each model of the table, by period."""
    periods: dict[str, list[Question]] = {}
    for question in asked:
        if question.counted:
            periods.setdefault(period(question), []).append(question)
    return [
        Estimate(
            when,
            model,
            len(those),
            _total(those, prices, model, with_cache=False),
            _total(those, prices, model, with_cache=True),
        )
        for when, those in periods.items()
        for model in prices.models
    ]


def _total(asked: Iterable[Question], prices: PriceTable, model: str, *, with_cache: bool) -> Decimal | None:
    total = ZERO
    for question in asked:
        price = prices.of(model, question.day)
        if price is None:
            return None
        total += sum(
            (
                price.cost(step.prompt, step.completion, step.cached if with_cache else 0)
                for step in question.steps
            ),
            ZERO,
        )
    return total
