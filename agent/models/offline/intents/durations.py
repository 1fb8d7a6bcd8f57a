"""How long something lasted, between two dates as they are recorded."""

import calendar
from datetime import date, timedelta

from agent.models.offline.wording import day


def lasted(start: object, end: object) -> str | None:
    """Whole years ("14 years"), months under two years, days under two months; None where they are no dates.

    Of a date that is recorded to the month or year only what is sure is said: "10 to 11 years".
    """
    first, last = _bounds(start), _bounds(end)
    if first is None or last is None or last[1] < first[0]:
        return None
    least, most = max((last[0] - first[1]).days, 0), (last[1] - first[0]).days
    if most < 61:
        return _said(least, most, "day")
    months = (_months(first[1], last[0]), _months(first[0], last[1]))
    if months[1] < 24:
        return _said(*months, "month")
    return _said(months[0] // 12, months[1] // 12, "year")


def first_day(iso: str) -> str:
    """The first day of a date that may be partial, ISO."""
    return f"{iso}-01-01"[:10] if len(iso) < 10 else iso[:10]


def last_day(iso: str) -> str:
    """The last day of a date that may be partial, ISO."""
    if len(iso) == 4:
        return f"{iso}-12-31"
    if len(iso) == 7:
        return f"{iso}-{calendar.monthrange(int(iso[:4]), int(iso[5:]))[1]:02d}"
    return iso[:10]


def day_before(iso: str) -> str:
    """The day before a date that may be partial, ISO."""
    return (date.fromisoformat(first_day(iso)) - timedelta(days=1)).isoformat()


def _bounds(written: object) -> tuple[date, date] | None:
    iso = day(written)
    try:
        return date.fromisoformat(first_day(iso)), date.fromisoformat(last_day(iso))
    except ValueError:
        return None


def _months(start: date, end: date) -> int:
    return max((end.year - start.year) * 12 + end.month - start.month - (end.day < start.day), 0)


def _said(least: int, most: int, unit: str) -> str:
    return f"{most} {unit}{'' if most == 1 else 's'}" if least == most else f"{least} to {most} {unit}s"
