"""What questions cost: whose tokens they are, what was paid, what another model would have charged."""

from decimal import Decimal
from pathlib import Path

import pytest

from agent.egress.prices import PriceTable, price_table
from agent.egress.spending import Question, estimates, questions, spending
from tests.agent.test_replay import tool_call

from .ledger_acts import escalation, question, step


def month(asked: Question) -> str:
    return asked.at[:7]


@pytest.fixture
def prices(tmp_path: Path) -> PriceTable:
    path = tmp_path / "prices.toml"
    path.write_text(
        '[[price]]\nmodel = "large"\nvendor = "V"\ninput = 10\ncached = 1\noutput = 50\n'
        'seen = 2026-11-01\nsource = "s"\n'
        '[[price]]\nmodel = "gone"\nvendor = "V"\ninput = 1\noutput = 2\nuntil = 2026-10-31\n'
        'seen = 2026-11-01\nsource = "s"\n'
    )
    return price_table(path)


def test_steps_belong_to_the_question_within_which_they_were_taken() -> None:
    acts = [question(1, 6), step(2), tool_call(4), question(7, 12), step(8), step(10)]
    assert [len(one.steps) for one in questions(acts)] == [1, 2]


def test_questions_of_sessions_side_by_side_are_kept_apart() -> None:
    acts = [question(1, 9), question(2, 8, session="s2"), step(3), step(4, session="s2"), step(5)]
    assert [(one.session, len(one.steps)) for one in questions(acts)] == [("s1", 2), ("s2", 1)]


def test_a_second_opinion_belongs_to_the_question_that_it_is_about() -> None:
    acts = [question(1, 4), step(2), question(5, 8, second_opinion=True), step(6), question(9, None)]
    assert [len(one.steps) for one in questions(acts)] == [2, 0]


def test_a_step_whose_question_is_not_among_them_still_counts() -> None:
    (found,) = questions([step(5), step(7)])
    assert (found.id, len(found.steps)) == ("", 2)
    late = questions([question(1, 3), step(5)])
    assert [len(one.steps) for one in late] == [0, 1]


def test_a_hosted_step_counts_once_by_the_ledger_and_not_if_it_was_refused() -> None:
    around = step(2, target="escalation", prompt=9999, cost=9.0)
    (found,) = questions(
        [question(1, 8), around, escalation(3), escalation(5, left_the_building=False, outcome="refused")]
    )
    assert [(one.model, one.prompt, one.paid) for one in found.steps] == [
        ("claude-opus-5-5", 1000, Decimal("0.006"))
    ]


def test_what_was_paid_is_told_by_month_and_model() -> None:
    acts = [
        question(1, 6), step(2), escalation(4),
        question(7, 10), step(8),
        question(11, 14, at="2026-12-01T08:00:00.000Z"), escalation(12, cost=0.1), escalation(13, cost=0.2),
    ]  # fmt: skip
    told = {(one.period, one.model): one for one in spending(questions(acts), month)}
    assert [(key, one.questions, one.tokens_in, one.paid) for key, one in told.items()] == [
        (("2026-11", "medgemma-27b-it"), 2, 2000, Decimal("0.0")),
        (("2026-11", "claude-opus-5-5"), 1, 1000, Decimal("0.006")),
        (("2026-12", "claude-opus-5-5"), 1, 2000, Decimal("0.3")),
    ]
    assert told["2026-11", "medgemma-27b-it"].cached == 800


def test_a_step_whose_cost_is_not_known_is_counted_as_such() -> None:
    acts = [question(1, 6), escalation(2), escalation(4, replied=False, cost=None, tokens_in=None)]
    (found,) = spending(questions(acts), month)
    assert (found.paid, found.unpriced) == (Decimal("0.006"), 1)


def test_the_same_questions_are_priced_with_a_cache_and_without(prices: PriceTable) -> None:
    asked = questions([question(1, 6), step(2), step(4)])
    large, gone = estimates(asked, prices, month)
    assert (large.model, large.questions) == ("large", 1)
    assert large.uncached == Decimal("0.03")
    assert large.cached == Decimal("0.0228")
    assert (gone.model, gone.uncached, gone.cached) == ("gone", None, None)


def test_questions_that_rules_answered_alone_are_not_estimated(prices: PriceTable) -> None:
    rules = step(2, model={"name": "offline"}, prompt=0, completion=0, cached=0)
    assert estimates(questions([question(1, 4), rules]), prices, month) == []
