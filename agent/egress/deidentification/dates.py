"""Dates as they are written in charts and in prose, and the same dates some days earlier or later.

A full date moves by whole days and keeps its form; one in digits comes out as ISO, because 5/3/19 can be
read in two ways (here as month/day, unless only day/month is a date). A year or a month alone cannot move by
days and stay one: it becomes the span that it covers (`2018-06-15..2019-06-14`), which moves both ways.
"""

import re
import tomllib
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import NamedTuple

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FULL_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
ISO_SPAN = re.compile(
    r"(?<![\w-])(\d{4}-\d\d-\d\d)(?:\.\.|\s*/\s*|\s+(?:to|until|through|and|-|–)\s+)(\d{4}-\d\d-\d\d)(?![\d-])"
)
_MONTH_NAMED = re.compile("|".join(_MONTHS), re.IGNORECASE)
_HOLIDAY = re.compile(
    r"day\b|christ|thanks|hallow|hanuk|diwali|ramadan|eid\b|eve\b|\bon\s+the\b", re.IGNORECASE
)
_DIGIT = re.compile(r"\d")


@cache
def _forms() -> list[tuple[str, re.Pattern[str]]]:
    table = tomllib.loads(files("agent.egress.deidentification").joinpath("dates.toml").read_text("utf-8"))
    return [
        (
            form,
            re.compile(re.sub(r"%([A-Z]+)%", lambda name: table["parts"][name[1]], pattern), re.IGNORECASE),
        )
        for form, pattern in table["forms"]["list"]
    ]


class Dated(NamedTuple):
    """A date in a text: the days that it covers, None where its words leave them open; its match and form."""

    start: int
    end: int
    first: date | None
    last: date | None
    form: str
    match: re.Match[str]

    @property
    def full(self) -> bool:
        """Whether it names one day."""
        return self.first is not None and self.first == self.last


def dates_in(text: str) -> list[Dated]:
    """The dates of a text, in their order. What looks like one and is none (2019-02-30) covers no days."""
    found: list[Dated] = []
    named = _MONTH_NAMED.search(text) is not None
    if not named and not _DIGIT.search(text) and not _HOLIDAY.search(text):
        return found
    rest = text
    for form, pattern in _forms():
        if "month" in pattern.groupindex and not named:
            continue
        here = [_dated(form, match) for match in pattern.finditer(rest)]
        for one in here:
            found.append(one)
            # Blanks would let what stands around come together; a letter parts it.
            rest = rest[: one.start] + "x" * (one.end - one.start) + rest[one.end :]
    return sorted(found, key=lambda one: one.start)


def moved(one: Dated, days: int) -> str:
    """A date as it is written `days` later, in its form where that is in words; partial ones as a span.

    Raises ValueError or OverflowError where the calendar ends, or the date covers no days.
    """
    if one.first is None or one.last is None:
        raise ValueError("it covers no days")
    step = timedelta(days=days)
    if not one.full:
        return f"{one.first + step}..{one.last + step}"
    to = one.first + step
    if one.form not in ("day month year", "month day year"):
        return to.isoformat()
    month, match = _month_as(one.match["month"], to), one.match
    day = f"{to.day}{_ordinal(to.day)}" if _is_ordinal(match) else str(to.day)
    if one.form == "day month year":
        return f"{day}{match['a']}{month}{match['b'] or ' '}{to.year}"
    return f"{month} {day}{match['b']}{to.year}"


def collapsed(first: date, last: date) -> str:
    """A span as the year, month or day that it is, else as its two ends."""
    if first == last:
        return first.isoformat()
    if (first.month, first.day, last.month, last.day) == (1, 1, 12, 31) and first.year == last.year:
        return f"{first.year:04}"
    if first.day == 1 and last == _end_of_month(first):
        return f"{first.year:04}-{first.month:02}"
    return f"{first}..{last}"


def spans_in(text: str) -> Iterator[tuple[int, int, date, date]]:
    """Spans of two ISO dates, as `moved` writes them and as a model may write them anew."""
    for match in ISO_SPAN.finditer(text):
        try:
            yield match.start(), match.end(), date.fromisoformat(match[1]), date.fromisoformat(match[2])
        except ValueError:
            continue


def _dated(form: str, match: re.Match[str]) -> Dated:
    try:
        first, last = _days(form, match)
    except (ValueError, OverflowError):
        first = last = None
    here = "here" if "here" in match.re.groupindex else 0
    return Dated(match.start(here), match.end(here), first, last, form, match)


def _days(form: str, match: re.Match[str]) -> tuple[date | None, date | None]:
    if form in ("season", "no year"):
        return None, None
    parts = match.groupdict()
    year = _year(parts["year"])
    if form == "year":
        return date(year, 1, 1), date(year, 12, 31)
    if form == "digits":
        one, two = int(parts["one"]), int(parts["two"])
        day = date(year, one, two) if one <= 12 else date(year, two, one)
        return day, day
    named = parts.get("month")
    month = _MONTHS.index(named[:3].lower()) + 1 if named else int(parts["m"])
    if form == "month":
        return date(year, month, 1), _end_of_month(date(year, month, 1))
    day = date(year, month, int(parts["day"]))
    return day, day


def _year(text: str) -> int:
    """A year; of two digits, up to 30 means this century."""
    digits = text.lstrip("'’")
    return int(digits) if len(digits) == 4 else int(digits) + (2000 if int(digits) <= 30 else 1900)


def _end_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _month_as(written: str, to: date) -> str:
    """The month's name, short where that of the text was (May is both), in its case."""
    whole = _FULL_MONTHS[to.month - 1]
    name = (
        whole[:3]
        if len(written.rstrip(".")) <= 4 and written.lower() not in ("may", "june", "july")
        else whole
    )
    return name.upper() if written.isupper() else name.lower() if written.islower() else name


def _is_ordinal(match: re.Match[str]) -> bool:
    return match.string[match.end("day") : match.end("day") + 2].lower() in ("st", "nd", "rd", "th")


def _ordinal(day: int) -> str:
    return "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
