"""A line of the ledger: what is on record of something that left, and what is not."""

from decimal import Decimal

from agent.egress.ledger import sent

from .ledger_acts import escalation


def test_a_line_tells_what_left_whereto_on_what_grounds_and_at_what_cost() -> None:
    line = sent(escalation(3))
    assert (line.workflow, line.host, line.model) == ("ask", "models.example", "claude-opus-5-5")
    assert (line.policy, line.agreement, line.consent) == ("deidentified", "BAA-2026-7", "dr.grey")
    assert line.data_classes == ("question", "records")
    assert line.cost == Decimal("0.006")
    assert (line.payload_bytes, line.tokens_in, line.tokens_out) == (4211, 1000, 100)


def test_what_is_not_on_record_is_not_known_and_not_nothing() -> None:
    names = "host model policy workflow data_classes fields tokens_in tokens_out cost bytes replied consent"
    bare: dict[str, None] = dict.fromkeys(names.split())
    line = sent(escalation(3, **bare, meta={"model": {"name": "large"}}))
    assert (line.host, line.model, line.policy, line.workflow) == (
        "models.example",
        "large",
        "not known",
        "not known",
    )
    assert (line.tokens_in, line.cost, line.payload_bytes, line.replied) == (None, None, None, None)


def test_a_cost_that_is_no_number_is_not_known() -> None:
    assert {sent(escalation(3, cost=cost)).cost for cost in ("much", "NaN", float("inf"), None)} == {None}
