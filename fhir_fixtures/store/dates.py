"""FHIR dates as ranges, and how searches compare them.

A date of any precision is a range of instants (milliseconds since 1970) and a range of calendar days
(`20190503`), the latter as written, whatever its UTC offset. As in HAPI, a search to the day or coarser
compares the days, so that an evening measurement belongs to the day that its chart shows; a search with a
time compares instants. Dates without a time count as UTC.
"""

import re
import time
from calendar import monthrange
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

_DATE = re.compile(
    r"^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?$"
)
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
_DAY_MS = 86_400_000


class DateRange(NamedTuple):
    """From `low` to `high` inclusive, in milliseconds since 1970 and in calendar days as written."""

    low: int
    high: int
    low_day: int
    high_day: int


# What an open end of a period counts as.
_START = DateRange(-62_135_596_800_000, -62_135_596_800_000, 1_01_01, 1_01_01)
_END = DateRange(253_402_300_799_999, 253_402_300_799_999, 9999_12_31, 9999_12_31)


@lru_cache(maxsize=10_000)
def parse(text: str) -> tuple[DateRange, bool] | None:
    """The range of a FHIR date, dateTime or instant, and whether it has a time; None when it is not one."""
    matched = _DATE.match(text)
    if not matched:
        return None
    year, month, day, hour, minute, second, fraction, offset = matched.groups()
    try:
        if hour is None:
            return _whole_days(int(year), int(month) if month else None, int(day) if day else None), False
        seconds = f"{second or '00'}{(fraction or '')[:7]}"
        moment = datetime.fromisoformat(f"{year}-{month}-{day}T{hour}:{minute}:{seconds}{offset or '+00:00'}")
    except ValueError:
        return None
    low = _milliseconds(moment)
    span = 1 if fraction else 1_000 if second else 60_000
    at = int(year + month + day)
    return DateRange(low, low + span - 1, at, at), True


def _whole_days(year: int, month: int | None, day: int | None) -> DateRange:
    first = datetime(year, month or 1, day or 1, tzinfo=UTC)
    last_month = month or 12
    last = datetime(year, last_month, day or monthrange(year, last_month)[1], tzinfo=UTC)
    return DateRange(
        _milliseconds(first),
        _milliseconds(last) + _DAY_MS - 1,
        first.year * 10_000 + first.month * 100 + first.day,
        last.year * 10_000 + last.month * 100 + last.day,
    )


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def range_of(value: Any) -> DateRange | None:
    """The range of an element: date, dateTime, instant, Period or Timing; None when it holds no date.

    A dateTime counts as its first instant. A Timing runs from its first event to its last.
    """
    if isinstance(value, str):
        parsed = parse(value)
        if parsed is None:
            return None
        whole, has_time = parsed
        return whole._replace(high=whole.low) if has_time else whole
    if not isinstance(value, dict):
        return None
    if "event" in value or "repeat" in value:
        events, repeat = value.get("event"), value.get("repeat")
        moments = [*events] if isinstance(events, list) else []
        if isinstance(repeat, dict):
            moments.append(repeat.get("boundsPeriod"))
        found = [moment for moment in map(range_of, moments) if moment]
        if not found:
            return None
        return DateRange(
            min(r.low for r in found),
            max(r.high for r in found),
            min(r.low_day for r in found),
            max(r.high_day for r in found),
        )
    start, end = range_of(value.get("start")), range_of(value.get("end"))
    if start is None and end is None:
        return None
    start, end = start or _START, end or _END
    return DateRange(start.low, end.high, start.low_day, end.high_day)


def condition(alias: str, text: str) -> tuple[str, list[Any]]:
    """The SQL condition for a search value such as `ge2019-05`, on the columns of the date index.

    Raises ValueError when it is no date. `ap` widens by a tenth of the way from now, as R4 recommends.
    """
    prefix, stated = (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)
    parsed = parse(stated)
    if parsed is None:
        raise ValueError(f'Invalid date/time format: "{text}"')
    wanted, has_time = parsed
    low, high = (f"{alias}.low", f"{alias}.high") if has_time else (f"{alias}.low_day", f"{alias}.high_day")
    first, last = (wanted.low, wanted.high) if has_time else (wanted.low_day, wanted.high_day)
    match prefix:
        case "eq":
            return f"{low} >= ? AND {high} <= ?", [first, last]
        case "ne":
            return f"({low} < ? OR {high} > ?)", [first, last]
        case "gt":
            return f"{high} > ?", [last]
        case "ge":
            return f"{high} >= ?", [first]
        case "lt":
            return f"{low} < ?", [first]
        case "le":
            return f"{low} <= ?", [last]
        case "sa":
            return f"{low} > ?", [last]
        case "eb":
            return f"{high} < ?", [first]
    slack = abs(int(time.time() * 1000) - wanted.low) // 10
    return f"{alias}.high >= ? AND {alias}.low <= ?", [wanted.low - slack, wanted.high + slack]
