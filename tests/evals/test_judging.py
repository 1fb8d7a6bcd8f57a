"""What is right, what is wrong and why, and how citations count."""

from datetime import date

import pytest

from evals.gold.expected import (
    Claim,
    Day,
    Expected,
    Interval,
    Number,
    Overdue,
    Verdict,
    Way,
    Words,
    both,
    listed,
)
from evals.judging import judge
from tests.evals.test_graders import answer

A = "Observation/a"


def outcome(text: str, *claims: Claim, status: str = "answered") -> str:
    expected = Expected(claims, status="answered|not_in_chart", need=0)
    return judge(answer(text, status=status), expected).outcome


@pytest.mark.parametrize(
    ("text", "claim", "right"),
    [
        ("7.1 % on 3 May 2024", Number(7.1, ("%",)), True),
        ("7.1 mmol/mol", Number(7.1, ("%",)), False),
        ("17.1 %", Number(7.1, ("%",)), False),
        ("about 7.1", Number(7.1, ("%",)), False),
        ("mean 135.3 mmol/L", Number(135.3333, ("mmol/l",), computed=True), True),
        ("mean 136 mmol/L", Number(135.3333, ("mmol/l",), computed=True), False),
        ("two visits", Number(2), True),
        ("on 2 May 2024", Number(2), False),
        ("fell by 1.3", Number(-1.3, computed=True), True),
        ("on 2024-05-03T08:00:00Z", Day("2024-05-03"), True),
        ("on May 3, 2024", Day("2024-05-03"), True),
        ("in 2024", Day("2024-05-03"), False),
        ("since May 2019", Day("2019-05"), True),
        ("It rose from 1 to 2.", Way("up"), True),
        ("It rose, then fell.", Way("up"), False),
        ("change -0.3", Way("down"), True),
        ("5 days", Interval(date(2026, 2, 1), date(2026, 2, 6)), True),
        ("9 months and 22 days ago", Interval(date(2026, 1, 10), date(2026, 11, 1)), True),
        ("3 months ago", Interval(date(2026, 1, 10), date(2026, 11, 1)), False),
        ("Overdue since May.", Overdue(yes=True), True),
        ("Not overdue: due in May.", Overdue(yes=True), False),
        ("Not overdue: due in May.", Overdue(yes=False), True),
        ("Yes: active.", Verdict(yes=True), True),
        ("No record of warfarin.", Verdict(yes=True), False),
        ("No record of warfarin.", Verdict(yes=False), True),
        ("Never smoked.", Words(("never smoked",)), True),
    ],
)
def test_a_claim_is_made_or_not(text: str, claim: Claim, right: bool) -> None:
    assert (outcome(text, claim) == "right") is right


def test_a_refusal_is_neither_right_nor_wrong_but_where_it_must_be() -> None:
    refusal = answer("I do not know.", status="refused")
    assert judge(refusal, Expected((Number(7),))).outcome == "refused"
    assert judge(refusal, Expected(status="refused")).outcome == "right"
    assert judge(answer("7"), Expected(status="refused")).outcome == "wrong"


def test_numbers_in_citations_do_not_count() -> None:
    assert judge(answer("Some [Observation/7]", "Observation/7"), Expected((Number(7),))).outcome == "wrong"


def test_a_list_holds_all_that_belongs_and_nothing_else() -> None:
    three = listed([A, "Observation/b", "Observation/c"])
    assert judge(answer("three", A, "Observation/b", "Observation/c"), three).outcome == "right"
    assert "2 of 3" in judge(answer("two", A, "Observation/b"), three).fault
    assert "belong" in judge(answer("four", A, "Observation/b", "Observation/c", "Condition/x"), three).fault


def test_citations_are_counted_against_the_gold_ones() -> None:
    judged = judge(answer("7.1", A, "Observation/x"), Expected((Number(7.1),), frozenset({A})))
    assert (judged.outcome, judged.precision, judged.recall) == ("right", 0.5, 1.0)
    assert (
        "cites none" in judge(answer("7.1", "Observation/x"), Expected((Number(7.1),), frozenset({A}))).fault
    )


def test_two_questions_need_the_records_of_both() -> None:
    expected = both(
        Expected((Number(7.1),), frozenset({A})), Expected((Number(8.2),), frozenset({"Observation/b"}))
    )
    assert expected is not None
    assert judge(answer("7.1 and 8.2", A, "Observation/b"), expected).outcome == "right"
    assert judge(answer("7.1 and 8.2", A), expected).outcome == "wrong"
    assert judge(answer("7.1", A, "Observation/b"), expected).outcome == "wrong"


def test_what_the_grounding_does_not_support_is_wrong() -> None:
    assert outcome("7.1 %", Number(7.1), status="needs_review") == "wrong"
