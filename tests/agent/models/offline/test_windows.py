"""Time in words, relative to 22 November 2026."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.models.offline.dates import Ambiguous, written_out
from agent.models.offline.spans import first_day, last_day
from agent.models.offline.windows import Window, find_window, shifted
from agent.models.offline.words import words

NOW = date(2026, 11, 22)


def window(text: str) -> tuple[str | None, str | None] | None:
    """Since and until, when the whole text is one expression of time."""
    found, rest = find_window(words(written_out(text, NOW)), NOW)
    return None if found is None or rest else (found.since, found.until)


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("in 2019", "2019", "2019"),
        ("during 2019", "2019", "2019"),
        ("across 2019", "2019", "2019"),
        ("right after 2019", "2020-01-01", None),
        ("post 2019-05-03", "2019-05-04", None),
        ("preceding 2019-05-03", None, "2019-05-02"),
        ("immediately before 2019-05-03", None, "2019-05-02"),
        ("pre Feb 20, 2026", None, "2026-02-19"),
        ("in '19", "2019", "2019"),
        ("in the year 2019", "2019", "2019"),
        ("in March 2020", "2020-03", "2020-03"),
        ("in the month of March 2020", "2020-03", "2020-03"),
        ("in 03/2020", "2020-03", "2020-03"),
        ("in 2020-03", "2020-03", "2020-03"),
        ("on May 3rd, 2019", "2019-05-03", "2019-05-03"),
        ("on 3 May 2019", "2019-05-03", "2019-05-03"),
        ("on the 3rd of May 2019", "2019-05-03", "2019-05-03"),
        ("on 2019-05-03", "2019-05-03", "2019-05-03"),
        ("on 3/25/2021", "2021-03-25", "2021-03-25"),
        ("on 25/3/2021", "2021-03-25", "2021-03-25"),
        ("on 3/25/21", "2021-03-25", "2021-03-25"),
        ("on 4/4/2021", "2021-04-04", "2021-04-04"),
        ("on March 3", "2026-03-03", "2026-03-03"),
        ("on December 3", "2025-12-03", "2025-12-03"),
        ("since 2019", "2019", None),
        ("from 2019 until now", "2019", None),
        ("2019 to date", "2019", None),
        ("between March 2020 and now", "2020-03", None),
        ("from 2019-05-03 up to the present day", "2019-05-03", None),
        ("since March", "2026-03", None),
        ("since December", "2025-12", None),
        ("since March 2020", "2020-03", None),
        ("since 2 years ago", "2024-11-22", None),
        ("from 2022 on", "2022", None),
        ("going back to 2024", "2024", None),
        ("from March 2020 onwards", "2020-03", None),
        ("since the beginning of 2020", "2020", None),
        ("since the start of the year", "2026", None),
        ("after 2019", "2020-01-01", None),
        ("after Feb 2020", "2020-03-01", None),
        ("before 2019", None, "2018-12-31"),
        ("prior to 2019", None, "2018-12-31"),
        ("before March 2020", None, "2020-02-29"),
        ("until 2019", None, "2019"),
        ("by the end of 2020", None, "2020"),
        ("up to June 2020", None, "2020-06"),
        ("after June 2020 and before 2022", "2020-07-01", "2021-12-31"),
        ("since March until June", "2026-03", "2026-06"),
        ("between 2015 and 2018", "2015", "2018"),
        ("from 2018 through 2020", "2018", "2020"),
        ("from January 2019 to March 2019", "2019-01", "2019-03"),
        ("between June and August 2022", "2022-06", "2022-08"),
        ("between November and February 2022", "2021-11", "2022-02"),
        ("from November to February", "2025-11", "2026-02"),
        ("from 2020 to today", "2020", None),
        ("2018-2020", "2018", "2020"),
        ("2018 – 2020", "2018", "2020"),
        ("2018 to 2020", "2018", "2020"),
        ("Jan 2020 - Mar 2020", "2020-01", "2020-03"),
        ("1/2020-3/2020", "2020-01", "2020-03"),
        ("in June of last year", "2025-06", "2025-06"),
        ("in the last 2 years", "2024-11-22", "2026-11-22"),
        ("over the past six months", "2026-05-22", "2026-11-22"),
        ("the last 90 days", "2026-08-24", "2026-11-22"),
        ("past 2 yrs", "2024-11-22", "2026-11-22"),
        ("in the past year", "2025-11-22", "2026-11-22"),
        ("in the last year and a half", "2025-05-22", "2026-11-22"),
        ("past half a year", "2026-05-22", "2026-11-22"),
        ("in the past decade", "2016-11-22", "2026-11-22"),
        ("in the last couple of weeks", "2026-11-08", "2026-11-22"),
        ("in the last 24 hours", "2026-11-21", "2026-11-22"),
        ("year to date", "2026-01-01", "2026-11-22"),
        ("more than 2 years ago", None, "2024-11-21"),
        ("over a year since", None, "2025-11-21"),
        ("older than 6 months", None, "2026-05-21"),
        ("over a year ago", None, "2025-11-21"),
        ("less than 2 years ago", "2024-11-22", "2026-11-22"),
        ("last year", "2025", "2025"),
        ("last month", "2026-10", "2026-10"),
        ("last week", "2026-11-09", "2026-11-15"),
        ("last quarter", "2026-07", "2026-09"),
        ("this quarter", "2026-10", "2026-12"),
        ("this year", "2026", "2026"),
        ("today", "2026-11-22", "2026-11-22"),
        ("yesterday", "2026-11-21", "2026-11-21"),
        ("the day before yesterday", "2026-11-20", "2026-11-20"),
        ("on Monday", "2026-11-16", "2026-11-16"),
        ("last Sunday", "2026-11-15", "2026-11-15"),
        ("last spring", "2026-03", "2026-05"),
        ("this past spring", "2026-03", "2026-05"),
        ("last fall", "2025-09", "2025-11"),
        ("in the fall", "2026-09", "2026-11"),
        ("last winter", "2025-12", "2026-02"),
        ("winter 2020-21", "2020-12", "2021-02"),
        ("winter 2020-2021", "2020-12", "2021-02"),
        ("in the summer of 2021", "2021-06", "2021-08"),
        ("since last spring", "2026-03", None),
        ("last March", "2026-03", "2026-03"),
        ("last November", "2025-11", "2025-11"),
        ("early 2020", "2020-01", "2020-04"),
        ("late 2020", "2020-09", "2020-12"),
        ("mid March 2020", "2020-03-11", "2020-03-20"),
        ("late February 2020", "2020-02-21", "2020-02-29"),
        ("in the second half of 2020", "2020-07", "2020-12"),
        ("Q1 2022", "2022-01", "2022-03"),
        ("2022 Q1", "2022-01", "2022-03"),
        ("in the first quarter of 2022", "2022-01", "2022-03"),
        ("since last Christmas", "2025-12-25", None),
        ("since new year", "2026-01-01", None),
        ("since thanksgiving", "2025-11-27", None),
        ("before Easter 2021", None, "2021-04-03"),
        ("in the 2010s", "2010", "2019"),
    ],
)
def test_an_expression_of_time_is_a_window(text: str, since: str | None, until: str | None) -> None:
    assert window(text) == (since, until)


@pytest.mark.parametrize(
    "text",
    ["around 2019", "2 years ago", "in 2019-13", "since surgery", "between 2018 and 2015", "may",
     "between Nov 2021 and Feb", "in March or April", "before surgery", "at age 60", "on 2019-02-30",
     "since the fall", "since the end of 2020", "after the beginning of 2020", "this winter", "on the 5th",
     "in 2 years", "next month", "in 3/20", "recently", "the past few years", "on 31/31/2021",
     "in 2015, 2019"],
)  # fmt: skip
def test_what_is_no_plain_expression_of_time_leaves_words_unread(text: str) -> None:
    assert window(text) is None


@pytest.mark.parametrize(
    ("text", "either"),
    [
        ("on 3/5/2021", ["2021-03-05", "2021-05-03"]),
        ("since 3/5/21", ["2021-03-05", "2021-05-03"]),
        ("in winter 2021", ["2020-12", "2021-12"]),
    ],
)
def test_a_time_with_two_readings_is_asked_back(text: str, either: list[str]) -> None:
    with pytest.raises(Ambiguous) as asked:
        find_window(words(text), NOW)
    assert [one for one in either if one not in str(asked.value)] == []


def test_a_second_expression_stays_where_nobody_reads_it() -> None:
    found, rest = find_window(words("in 2019 and since 2021"), NOW)
    assert found == Window("2019", "2019", "in 2019")
    assert "2021" in rest


def test_a_leap_day_counts_back_to_a_day_that_exists() -> None:
    found, _ = find_window(words("in the last year"), date(2024, 2, 29))
    assert found is not None
    assert found.since == "2023-02-28"


def test_a_window_is_moved_by_whole_years() -> None:
    assert shifted(Window("2019", "2019", "in 2019"), -1) == Window("2018", "2018", "in 2018")
    moved = shifted(Window("2020-02-29", None, "since 2020-02-29"), -1)
    assert moved == Window("2019-02-28", None, "since 2019-02-28")
    assert shifted(Window(None, "2020", "until 2020"), 1) == Window(None, "2021", "until 2021")


WORDS = words(
    "in the last past 2 six years months since before after march june 2020 2019 3/25/2021 of to and today"
    " from between early late spring winter summer q1 christmas new year this until ago half a first"
    " beginning end more than over monday yesterday 24 hours quarter through by"
)


@given(st.lists(st.sampled_from(WORDS), max_size=10), st.dates(date(1960, 1, 1), date(2100, 1, 1)))
def test_any_window_is_well_ordered_and_begins_by_now_unless_a_year_is_said(
    tokens: list[str], now: date
) -> None:
    try:
        found, rest = find_window(tokens, now)
    except Ambiguous:
        return
    assert (found is None) == (rest == tokens)
    if found is None:
        return
    assert found.since or found.until
    if found.since and found.until:
        assert first_day(found.since) <= last_day(found.until)
    year_is_said = any(token[-4:].isdigit() and len(token) > 3 for token in tokens)
    if found.since and not year_is_said and not found.said.startswith("after"):
        assert first_day(found.since) <= now
