"""The gold of measurements, on charts small enough to be worked out by hand."""

from datetime import date
from typing import Any

import pytest

from evals.gold import measurements as gold
from evals.gold.expected import NOTHING, Day, Expected, Interval, Number, Overdue, Way
from tests.evals.gold.records import chart, sodium

SODIUM = frozenset({"2951-2"})
FOUR = [
    sodium("2024-01-10", 130),
    sodium("2024-06-10", 135),
    sodium("2025-01-10", 141),
    sodium("2026-01-10", 150),
]


def found(*records: dict[str, Any]) -> list[gold.Result]:
    results = gold.results(chart(*records), SODIUM)
    assert results is not None
    return results


def said(answer: Expected | None) -> tuple[Any, ...]:
    assert answer is not None
    return tuple(
        claim.value if isinstance(claim, Number) else claim.text if isinstance(claim, Day) else claim
        for claim in answer.says
    )


def test_values_are_picked_by_moment_size_and_day() -> None:
    results = found(*FOUR)
    assert said(gold.latest(results)) == (150, "2026-01-10")
    assert said(gold.first(results)) == (130, "2024-01-10")
    assert said(gold.extreme(results, max)) == (150, "2026-01-10")
    assert said(gold.on(results, date(2024, 6, 10))) == (135,)
    assert said(gold.before(results, date(2025, 1, 10))) == (135, "2024-06-10")
    assert said(gold.after(results, date(2025, 1, 10))) == (150, "2026-01-10")
    assert said(gold.near(results, date(2024, 6, 20))) == (135, "2024-06-10")
    assert gold.near(results, date(2024, 6, 10)) is None
    assert gold.latest([]) == NOTHING


def test_statistics_are_worked_out_over_a_window() -> None:
    results = found(*FOUR)
    assert said(gold.average(gold.within(results, date(2024, 1, 10), date(2025, 1, 10)))) == (
        pytest.approx(135.3333),
    )
    assert said(gold.median(results)) == (138,)
    assert said(gold.change(results)) == (20, Way("up"))
    assert said(gold.trend(results)) == (Way("up"),)
    assert said(gold.counted(results, lambda value: value > 135)) == (2,)
    assert gold.counted(results, lambda value: value > 150).status == "answered|not_in_chart"


def test_time_since_and_what_is_due_are_counted_to_the_present() -> None:
    results = found(*FOUR)
    today = date(2026, 11, 1)
    assert said(gold.since_last(results, today)) == (Interval(date(2026, 1, 10), today),)
    assert said(gold.overdue(results, today, 6)) == (Overdue(yes=True),)
    assert said(gold.overdue(results, today, 12)) == (Overdue(yes=False),)
    assert gold.overdue(results, date(2026, 7, 15), 6) is None


def test_what_is_outside_is_told_by_interpretation_and_range_where_they_agree() -> None:
    high = sodium("2024-01-10", 150, interpretation=[{"coding": [{"code": "H"}]}])
    fine = sodium("2024-02-10", 140, referenceRange=[{"low": {"value": 135}, "high": {"value": 145}}])
    differs = {**high, "referenceRange": [{"low": {"value": 135}, "high": {"value": 155}}]}
    assert said(gold.last_outside(found(high, fine))) == (150, "2024-01-10")
    assert gold.last_outside(found(differs, fine)) is None


@pytest.mark.parametrize(
    "doubt",
    [
        sodium("2024", 140),
        sodium("2024-05-01", 140, status="preliminary"),
        sodium("2024-05-01", 140, valueQuantity={"value": 140, "code": "mmol/L", "comparator": "<"}),
        sodium("2024-05-01", 140, valueQuantity={"value": 140, "code": "mg/dL"}),
        sodium("2024-01-10", 131),
        sodium("2027-01-10", 140),
    ],
)
def test_a_chart_that_is_not_plain_about_a_measurement_is_not_asked_about(doubt: dict[str, Any]) -> None:
    assert gold.results(chart(*FOUR, doubt), SODIUM) is None


def test_records_in_error_and_cancelled_ones_do_not_count() -> None:
    wrong = [sodium("2026-05-01", 199, status=status) for status in ("entered-in-error", "cancelled")]
    assert said(gold.latest(found(*FOUR, *wrong))) == (150, "2026-01-10")


def test_the_list_of_what_is_outside_has_each_value_and_their_number() -> None:
    high = [{"coding": [{"code": "H"}]}]
    results = found(
        sodium("2024-01-10", 150, interpretation=high),
        sodium("2024-02-10", 140, interpretation=[{"coding": [{"code": "N"}]}]),
        sodium("2024-03-10", 152, interpretation=high),
    )
    assert said(answer := gold.all_outside(results)) == (2, 150, 152)
    assert answer is not None
    assert answer.need == len(answer.refs) == 2
