"""Partial dates in search values, written out to the day."""

import pytest

from mcp_servers.fhir.access.search_dates import to_the_day


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ge2020", "ge2020-01-01"),
        ("ge2020-05", "ge2020-05-01"),
        ("le2020", "le2020-12-31"),
        ("le2020-02", "le2020-02-29"),
        ("le2021-02", "le2021-02-28"),
        ("ge2020,le2019", "ge2020-01-01,le2019-12-31"),
    ],
)
def test_bounds_take_in_their_whole_period(value: str, expected: str) -> None:
    assert to_the_day(value) == expected


@pytest.mark.parametrize("value", ["2020", "gt2020", "lt2020-05", "ge2020-05-03", "le2020-13", "ge0000", ""])
def test_everything_else_stays_as_it_is(value: str) -> None:
    assert to_the_day(value) == value
