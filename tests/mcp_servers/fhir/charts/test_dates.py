"""Partial dates, offsets and ages."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_servers.fhir.charts.dates import bound, newest_first, span, when, years_between
from mcp_servers.fhir.charts.errors import UnusableDate


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2019", "2019-01-01T00:00:00", "2020-01-01T00:00:00"),
        ("2019-12", "2019-12-01T00:00:00", "2020-01-01T00:00:00"),
        ("2020-02-29", "2020-02-29T00:00:00", "2020-03-01T00:00:00"),
    ],
)
def test_a_partial_date_covers_the_whole_of_it(text: str, start: str, end: str) -> None:
    found = span(text)
    assert found is not None
    assert found.partial
    assert (found.start.isoformat(), found.end.isoformat()) == (start, end)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "May 2019",
        "2019-13",
        "2019-02-30",
        "20190503",
        "2019-W01",
        "0000",
        "9999-12-31T23:59:59-05:00",
        "0001-01-01T00:00:00+14:00",
        None,
        2019,
        ["2019"],
    ],
)
def test_what_is_no_date_has_no_span(text: object) -> None:
    assert span(text) is None


def test_dates_sort_by_the_instant_not_by_the_text() -> None:
    dates = ["2024-01-01T23:00:00-08:00", "2024-01-02T01:00:00+01:00", "2024-01-02T05:00:00Z", None, "soon"]
    assert sorted(dates, key=newest_first) == [
        "2024-01-01T23:00:00-08:00",
        "2024-01-02T05:00:00Z",
        "2024-01-02T01:00:00+01:00",
        None,
        "soon",
    ]


def test_a_day_without_offset_is_the_day_as_written() -> None:
    late, day = span("2019-05-03T23:30:00-05:00"), span("2019-05-03")
    assert late is not None
    assert day is not None
    assert not late.starts_after(day)
    assert not late.ends_before(day)


def test_two_instants_are_compared_across_offsets() -> None:
    one, other = span("2019-05-03T23:30:00-05:00"), span("2019-05-04T00:30:00Z")
    assert one is not None
    assert other is not None
    assert one.starts_after(other)


def test_a_bound_that_is_no_date_says_what_to_send() -> None:
    with pytest.raises(UnusableDate, match=r"`since` must be an ISO date: 2019, 2019-05"):
        bound("last spring", "since")


@pytest.mark.parametrize(
    ("born", "at", "age"),
    [
        ("1968-03-14", "2026-11-22", 58),
        ("1968-11-23", "2026-11-22T09:00:00+01:00", 57),
        ("2004-02-29", "2025-02-28", 20),
        ("1942", "2024-12-31", 82),
        ("1942", "2024-06-30", None),
        ("1942-03", "2024-12-31", 82),
        ("2030-01-01", "2024-12-31", None),
        ("1942-03", "2024-03-15", None),
        (None, "2024-03-15", None),
    ],
)
def test_age_is_counted_in_whole_years_and_left_open_by_partial_dates(
    born: str | None, at: str, age: int | None
) -> None:
    assert years_between(born, at) == age


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ({"effectiveDateTime": "2019"}, "2019"),
        ({"effectiveInstant": "2019-01-01T00:00:00Z"}, "2019-01-01T00:00:00Z"),
        ({"effectivePeriod": {"start": "2019-05", "end": "2019-06"}}, "2019-05"),
        ({"effectivePeriod": {"end": "2019-06"}}, "2019-06"),
        ({"effectiveTiming": {"event": ["2019-07-01"]}}, "2019-07-01"),
        ({}, None),
    ],
)
def test_every_form_of_a_date_is_read(element: dict[str, object], expected: str | None) -> None:
    assert when(element, "effective") == expected


@given(
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
)
def test_an_instant_is_the_same_however_its_offset_is_written(moment: datetime, minutes: int) -> None:
    moment = moment.replace(microsecond=0)
    sign = "-" if minutes < 0 else "+"
    offset = f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    found = span(moment.isoformat(timespec="seconds") + offset)
    assert found is not None
    assert found.instant.replace(tzinfo=UTC) == (moment - timedelta(minutes=minutes)).replace(tzinfo=UTC)
