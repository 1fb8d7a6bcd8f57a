"""Stretches of calendar time as ISO dates: seasons, quarters, weeks, months back, the last one that was."""

import calendar
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from dateutil.easter import easter
from dateutil.relativedelta import TH, relativedelta

# Northern and meteorological; a winter is called by the year in which it begins.
SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
WEEKDAYS = {name.lower(): number for number, name in enumerate(calendar.day_name)}
HOLIDAYS: dict[tuple[str, ...], Callable[[int], date]] = {
    ("christmas",): lambda year: date(year, 12, 25),
    ("xmas",): lambda year: date(year, 12, 25),
    ("new", "year"): lambda year: date(year, 1, 1),
    ("new", "years"): lambda year: date(year, 1, 1),
    ("new", "year", "day"): lambda year: date(year, 1, 1),
    ("new", "years", "day"): lambda year: date(year, 1, 1),
    ("easter",): easter,
    ("thanksgiving",): lambda year: date(year, 11, 1) + relativedelta(weekday=TH(4)),
    ("halloween",): lambda year: date(year, 10, 31),
}


@dataclass(frozen=True)
class Span:
    """From `since` to `until`, ISO, each as precise as it was said; both are the same for one day or year."""

    since: str
    until: str


def single(iso: str) -> Span:
    """One day, month or year."""
    return Span(iso, iso)


def first_day(iso: str) -> date:
    """The first day of a day, month or year. Raises ValueError where there is none such."""
    return date.fromisoformat((iso + "-01-01")[:10])


def last_day(iso: str) -> date:
    """The last day of a day, month or year."""
    first = first_day(iso)
    length = {4: relativedelta(years=1), 7: relativedelta(months=1)}.get(len(iso), relativedelta(days=1))
    return first + length - timedelta(days=1) if first.year < date.max.year else first


def is_date(iso: str) -> bool:
    """Whether there is such a day, month or year."""
    try:
        first_day(iso)
    except ValueError:
        return False
    return True


def quarter_of(number: int, year: int) -> Span:
    """A quarter of a calendar year, from 1 to 4."""
    return Span(f"{year}-{3 * number - 2:02d}", f"{year}-{3 * number:02d}")


def season_of(season: str, year: int) -> Span:
    """The season that begins in that year."""
    first = SEASONS[season]
    return Span(f"{year}-{first:02d}", f"{year + 1}-02" if first == 12 else f"{year}-{first + 2:02d}")


def month_of(month: int, year: int) -> Span:
    """A month of a year."""
    return single(f"{year}-{month:02d}")


def holiday_of(day: Callable[[int], date], year: int) -> Span:
    """A holiday of a year."""
    return single(day(year).isoformat())


def calendar_unit(unit: str, now: date, back: int) -> Span | None:
    """The week, month, quarter or year that `now` is in, or the one `back` before."""
    if unit == "year":
        return single(f"{now.year - back:04d}")
    if unit == "month":
        return single(f"{now.replace(day=1) - relativedelta(months=back):%Y-%m}")
    if unit == "quarter":
        first = now.replace(day=1) - relativedelta(months=3 * back)
        return quarter_of((first.month + 2) // 3, first.year)
    if unit == "week":
        monday = now - timedelta(days=now.weekday() + 7 * back)
        return Span(monday.isoformat(), (monday + timedelta(days=6)).isoformat())
    return None


def length_of(count: int, unit: str) -> relativedelta:
    """That many days, weeks, fortnights, months, quarters, years or decades."""
    in_days = {"day": 1, "week": 7, "fortnight": 14}
    if unit in in_days:
        return relativedelta(days=count * in_days[unit])
    return relativedelta(months=count * {"month": 1, "quarter": 3, "year": 12, "decade": 120}[unit])


def begun(make: Callable[[int], Span], now: date) -> Span:
    """The last one that has begun by `now`."""
    return next(span for span in map(make, range(now.year, now.year - 3, -1)) if first_day(span.since) <= now)


def over(make: Callable[[int], Span], now: date) -> Span:
    """The last one that was over before `now`."""
    return next(span for span in map(make, range(now.year, now.year - 3, -1)) if last_day(span.until) < now)


def weekday(name: str, now: date, *, today: bool) -> Span:
    """The last such day of the week; `now` itself only with `today`."""
    back = (now.weekday() - WEEKDAYS[name]) % 7
    return single((now - timedelta(days=back if back or today else 7)).isoformat())
