"""Time in words, relative to 22 November 2026."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.models.offline.windows import Window, find_window
from agent.models.offline.words import words

NOW = date(2026, 11, 22)


def window(text: str) -> tuple[str | None, str | None] | None:
    """Since and until, when the whole text is one expression of time."""
    found, rest = find_window(words(text), NOW)
    return None if found is None or rest else (found.since, found.until)


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("in 2019", "2019", "2019"),
        ("during 2019", "2019", "2019"),
        ("in March 2020", "2020-03", "2020-03"),
        ("in 03/2020", "2020-03", "2020-03"),
        ("in 2020-03", "2020-03", "2020-03"),
        ("on May 3rd, 2019", "2019-05-03", "2019-05-03"),
        ("on 3 May 2019", "2019-05-03", "2019-05-03"),
        ("on the 3rd of May 2019", "2019-05-03", "2019-05-03"),
        ("on 2019-05-03", "2019-05-03", "2019-05-03"),
        ("since 2019", "2019", None),
        ("since March", "2026-03", None),
        ("since December", "2025-12", None),
        ("since March 2020", "2020-03", None),
        ("since 2 years ago", "2024-11-22", None),
        ("after 2019", "2020-01-01", None),
        ("after Feb 2020", "2020-03-01", None),
        ("before 2019", None, "2018-12-31"),
        ("before March 2020", None, "2020-02-29"),
        ("until 2019", None, "2019"),
        ("between 2015 and 2018", "2015", "2018"),
        ("from January 2019 to March 2019", "2019-01", "2019-03"),
        ("from 2020 to today", "2020", "2026-11-22"),
        ("2018-2020", "2018", "2020"),
        ("2018 to 2020", "2018", "2020"),
        ("in the last 2 years", "2024-11-22", "2026-11-22"),
        ("over the past six months", "2026-05-22", "2026-11-22"),
        ("past 2 yrs", "2024-11-22", "2026-11-22"),
        ("in the past year", "2025-11-22", "2026-11-22"),
        ("in the last couple of weeks", "2026-11-08", "2026-11-22"),
        ("last year", "2025", "2025"),
        ("last month", "2026-10", "2026-10"),
        ("last week", "2026-11-09", "2026-11-15"),
        ("this year", "2026", "2026"),
        ("today", "2026-11-22", "2026-11-22"),
        ("yesterday", "2026-11-21", "2026-11-21"),
    ],
)
def test_an_expression_of_time_is_a_window(text: str, since: str | None, until: str | None) -> None:
    expected = None if since is None and until is None else (since, until)
    assert window(text) == expected


@pytest.mark.parametrize(
    "text",
    ["around 2019", "2 years ago", "in 2019-13", "since surgery",
     "between 2018 and 2015", "in March or April", "may", "before surgery", "at age 60", "on 2019-02-30"],
)  # fmt: skip
def test_what_is_no_plain_expression_of_time_leaves_words_unread(text: str) -> None:
    assert window(text) is None


def test_a_second_expression_stays_where_nobody_reads_it() -> None:
    found, rest = find_window(words("in 2019 and since 2021"), NOW)
    assert found == Window("2019", "2019", "in 2019")
    assert "2021" in rest


def test_a_leap_day_counts_back_to_a_day_that_exists() -> None:
    found, _ = find_window(words("in the last year"), date(2024, 2, 29))
    assert found is not None
    assert found.since == "2023-02-28"


@given(
    st.lists(
        st.sampled_from(
            ["in", "the", "last", "2", "years", "since", "march", "2020", "of", "to", "and", "today"]
        )
    )
)
def test_tokens_are_kept_or_become_part_of_the_window(tokens: list[str]) -> None:
    found, rest = find_window(tokens, NOW)
    assert (found is None) == (rest == tokens)
