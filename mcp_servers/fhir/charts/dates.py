"""FHIR dates as spans of time: partial dates and offsets compared rightly.

A date that gives only a year, a month or a day is the whole of it. Spans with an offset are compared by the
instant; where one side has no offset, both are compared by the clock as written, because a day in a chart is
the day of the place that wrote it.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from mcp_servers.fhir.charts.elements import first, string
from mcp_servers.fhir.charts.errors import UnusableDate

_DATE = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d{2})(-(?P<day>\d{2})"
    r"(?P<time>[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?)?)?"
)
DAY = timedelta(days=1)
AN_ISO_DATE = "an ISO date: 2019, 2019-05 or 2019-05-03"
_MONTHS_OF_A_YEAR = 12
# Years whose instants stay within datetime's range in every offset; others (9999 for "for ever") are no date.
_YEARS = range(1000, 9999)


class Span(NamedTuple):
    """The time that a FHIR date covers: from `start` up to, not including, `end`, by the clock as written.

    `offset` is None where the date carries none. `partial` is true for dates without a time of day.
    """

    start: datetime
    end: datetime
    offset: timedelta | None
    partial: bool

    @property
    def instant(self) -> datetime:
        """The start in UTC; a date without an offset is taken as UTC, for sorting only."""
        return self.start - (self.offset or timedelta())

    def starts_before(self, other: "Span") -> bool:
        """Whether this span starts before `other` does."""
        shift, other_shift = _shifts(self, other)
        return self.start - shift < other.start - other_shift

    def starts_after(self, other: "Span") -> bool:
        """Whether all of this span comes after the whole of `other`."""
        shift, other_shift = _shifts(self, other)
        return self.start - shift >= other.end - other_shift

    def ends_before(self, other: "Span") -> bool:
        """Whether all of this span comes before the start of `other`."""
        return other.starts_after(self)

    def ends_after(self, other: "Span") -> bool:
        """Whether this span reaches beyond the end of `other`."""
        shift, other_shift = _shifts(self, other)
        return self.end - shift > other.end - other_shift


def _shifts(one: Span, other: Span) -> tuple[timedelta, timedelta]:
    if one.offset is None or other.offset is None:
        return timedelta(), timedelta()
    return one.offset, other.offset


def span(text: object) -> Span | None:
    """The span of a FHIR date, dateTime or instant; None where there is none or it cannot be read."""
    return _span(text) if isinstance(text, str) else None


@lru_cache(maxsize=10_000)
def _span(text: str) -> Span | None:
    matched = _DATE.fullmatch(text)
    if not matched or int(matched["year"]) not in _YEARS:
        return None
    try:
        if matched["time"]:
            moment = datetime.fromisoformat(matched[0])
            clock = moment.replace(tzinfo=None)
            return Span(clock, clock + timedelta(microseconds=1), moment.utcoffset(), partial=False)
        year, month, day = int(matched["year"]), matched["month"], matched["day"]
        start = datetime(year, int(month or 1), int(day or 1))
        if day:
            end = start + timedelta(days=1)
        elif month and start.month < _MONTHS_OF_A_YEAR:
            end = start.replace(month=start.month + 1)
        else:
            end = start.replace(year=year + 1, month=1)
        return Span(start, end, None, partial=True)
    except ValueError:
        return None


def bound(text: str | None, argument: str) -> Span | None:
    """The span of an argument; raises UnusableDate where it is no ISO date."""
    if text is None or not text.strip():
        return None
    found = span(text.strip())
    if found is None:
        raise UnusableDate(f"`{argument}` must be {AN_ISO_DATE}")
    return found


def day_or_moment(text: str, argument: str) -> Span:
    """The span of an argument that must be a day or a time of day. Raises UnusableDate."""
    found = bound(text, argument)
    if found is None or found.end - found.start > DAY:
        raise UnusableDate(f"`{argument}` must be a day, such as 2019-05-03, not a month or a year")
    return found


def when(resource: Mapping[str, Any], stem: str) -> str | None:
    """The date of a choice element as recorded: `{stem}DateTime`, `{stem}Instant`, a Period's start (its end
    where it has no start), or the first event of a Timing."""
    for suffix in ("DateTime", "Instant", "Date"):
        if text := string(resource.get(stem + suffix)):
            return text
    timing = first(resource.get(stem + "Timing")).get("event")
    return (
        period_start(resource.get(stem + "Period"))
        or string(first(resource.get(stem + "Period")).get("end"))
        or (string(timing[0]) if isinstance(timing, list) and timing else None)
    )


def period_start(period: object) -> str | None:
    """The start of a Period as recorded."""
    return string(first(period).get("start"))


def period_end(period: object) -> str | None:
    """The end of a Period as recorded."""
    return string(first(period).get("end"))


def day_before(text: object) -> str | None:
    """The day before a date begins, which is earlier in every time zone; None where it cannot be read."""
    found = span(text)
    return (found.start - timedelta(days=1)).date().isoformat() if found else None


def newest_first(text: object) -> tuple[bool, float]:
    """A sort key: newest start first, undated (or unreadable) last."""
    found = span(text)
    if found is None:
        return True, 0.0
    return False, -found.instant.replace(tzinfo=UTC).timestamp()


def years_between(born: object, at: object) -> int | None:
    """Whole years of age; None where partial dates leave it open."""
    birth, then = span(born), span(at)
    if birth is None or then is None:
        return None
    least = _whole_years((birth.end - timedelta(microseconds=1)).date(), then.start.date())
    most = _whole_years(birth.start.date(), (then.end - timedelta(microseconds=1)).date())
    return least if least == most and least >= 0 else None


def _whole_years(born: date, at: date) -> int:
    return at.year - born.year - ((at.month, at.day) < (born.month, born.day))
