"""Dates as ranges, and what the prefixes make of them."""

import sqlite3
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_fixtures.store.dates import DateRange, condition, parse, range_of


def milliseconds(year: int, month: int, day: int, *time_of_day: int) -> int:
    hour, minute, second = [*time_of_day, 0, 0, 0][:3]
    return round(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp() * 1000)


def holds(search: str, stored: DateRange) -> bool:
    """Whether the SQL condition of a search value is true of a stored range."""
    text, values = condition("i", search)
    table = "(SELECT ? AS low, ? AS high, ? AS low_day, ? AS high_day) i"
    row = sqlite3.connect(":memory:").execute(f"SELECT {text} FROM {table}", [*values, *stored])
    return bool(row.fetchone()[0])


@pytest.mark.parametrize(
    ("text", "low", "high", "days"),
    [
        ("2020", (2020, 1, 1), (2021, 1, 1), (20200101, 20201231)),
        ("2020-02", (2020, 2, 1), (2020, 3, 1), (20200201, 20200229)),
        ("2020-12-31", (2020, 12, 31), (2021, 1, 1), (20201231, 20201231)),
        ("2020-01-01T23:30-05:00", (2020, 1, 2, 4, 30), (2020, 1, 2, 4, 31), (20200101, 20200101)),
        ("2020-01-01T23:30:00Z", (2020, 1, 1, 23, 30), (2020, 1, 1, 23, 30, 1), (20200101, 20200101)),
    ],
)
def test_a_partial_date_is_the_whole_of_what_it_names(
    text: str, low: tuple[int, int, int], high: tuple[int, int, int], days: tuple[int, int]
) -> None:
    parsed = parse(text)
    assert parsed
    assert parsed[0] == (milliseconds(*low), milliseconds(*high) - 1, *days)


@pytest.mark.parametrize(
    "text", ["", "20", "2020-1", "2020-02-30", "2020-01-01T25:00Z", "2020-01-01 10:00", "x2020"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    assert parse(text) is None
    with pytest.raises(ValueError, match="Invalid date/time format"):
        condition("i", f"ge{text}")


def test_an_open_period_has_no_end() -> None:
    open_ended = range_of({"start": "2020-05"})
    assert open_ended
    assert holds("ge2500", open_ended)
    assert not holds("sa2500", open_ended)
    assert not holds("lt2020-05", open_ended)
    assert range_of({}) is None


def test_a_timing_runs_from_its_first_event_to_its_last() -> None:
    timing = range_of({"event": ["2020-03-01", "2020-01-01"], "repeat": {"boundsPeriod": {"end": "2020-06"}}})
    assert timing
    assert timing.high == milliseconds(2020, 7, 1) - 1
    assert range_of({"repeat": {"frequency": 1}}) is None


_days = st.dates(min_value=datetime(1900, 1, 1).date(), max_value=datetime(2100, 1, 1).date())
_dates = st.one_of(
    _days.map(str),
    _days.map(lambda day: str(day)[:7]),
    _days.map(lambda day: str(day)[:4]),
)
_moments = st.datetimes(
    min_value=datetime(1900, 1, 1),
    max_value=datetime(2100, 1, 1),
    timezones=st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours))),
).map(lambda moment: moment.replace(microsecond=0).isoformat())


@given(st.one_of(_dates, _moments), st.one_of(_dates, _moments))
def test_the_prefixes_divide_time_among_them(stored_text: str, searched: str) -> None:
    stored = range_of(stored_text)
    assert stored
    assert holds(f"eq{searched}", stored) != holds(f"ne{searched}", stored)
    assert holds(f"ge{searched}", stored) != holds(f"eb{searched}", stored)
    assert holds(f"le{searched}", stored) != holds(f"sa{searched}", stored)
    assert holds(f"lt{searched}", stored) >= holds(f"eb{searched}", stored)
    assert holds(f"gt{searched}", stored) >= holds(f"sa{searched}", stored)
    assert holds(searched, stored) == holds(f"eq{searched}", stored)


@given(st.one_of(_dates, _moments))
def test_every_date_equals_itself(text: str) -> None:
    stored = range_of(text)
    assert stored
    assert holds(text, stored)
    assert holds(f"ap{text}", stored)


@given(_moments)
def test_a_moment_falls_on_the_day_that_it_is_written_with(text: str) -> None:
    stored = range_of(text)
    assert stored
    assert holds(text[:10], stored)
