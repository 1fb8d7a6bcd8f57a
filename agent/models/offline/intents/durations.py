"""How long something lasted, between two dates as they are recorded."""

from datetime import date

from dateutil.relativedelta import relativedelta

from agent.models.offline.spans import first_day, last_day
from agent.models.offline.wording import day


def lasted(start: object, end: object) -> str | None:
    """Whole years ("14 years"), months under two years, days under two months; None where they are no dates.

    Of a date that is recorded to the month or year, and leaves it open, the most: "about 11 years".
    """
    first, last = _bounds(start), _bounds(end)
    if first is None or last is None or last[1] < first[0]:
        return None
    shortest = (min(first[1], last[0]), last[0])
    if (last[1] - first[0]).days < 61:
        return _said((shortest[1] - shortest[0]).days, (last[1] - first[0]).days, "day")
    least, most = _months(*shortest), _months(first[0], last[1])
    if most < 24:
        return _said(least, most, "month")
    return _said(least // 12, most // 12, "year")


def _bounds(written: object) -> tuple[date, date] | None:
    iso = day(written)
    try:
        return first_day(iso), last_day(iso)
    except ValueError:
        return None


def _months(start: date, end: date) -> int:
    between = relativedelta(end, start)
    return between.years * 12 + between.months


def _said(least: int, most: int, unit: str) -> str:
    return f"{'' if least == most else 'about '}{most} {unit}{'' if most == 1 else 's'}"


def ago(recorded: object, now: date) -> str:
    """`8 months ago, as of 2026-11-01: `; nothing where the date does not tell."""
    long = lasted(recorded, now.isoformat())
    return f"{long} ago, as of {now}: " if long else ""
