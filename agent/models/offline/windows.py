"""Windows of time in words: "in 2019", "since March 2020", "in the last 2 years", "between ... and ..."."""

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta

MONTHS = {
    name.lower(): number
    for names in (calendar.month_name, calendar.month_abbr)
    for number, name in enumerate(names)
    if name
} | {"sept": 9}
NUMBERS = {
    word: number
    for number, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 1
    )
} | {"couple": 2}
UNITS = {
    **dict.fromkeys(("day", "days"), "day"),
    **dict.fromkeys(("week", "weeks", "wk", "wks"), "week"),
    **dict.fromkeys(("month", "months", "mo", "mos", "mth", "mths"), "month"),
    **dict.fromkeys(("year", "years", "yr", "yrs"), "year"),
}
_LEADS = ("in", "during", "within", "over", "for", "from", "of", "on", "throughout")
_ARTICLES = ("the", "this", "her", "his", "their")


@dataclass(frozen=True)
class Window:
    """From `since` to `until` (ISO, full or partial, both included; None is open), and how to say it."""

    since: str | None
    until: str | None
    said: str

    @property
    def arguments(self) -> dict[str, str]:
        """The window as tool arguments."""
        pairs = (("since", self.since), ("until", self.until))
        return {name: value for name, value in pairs if value is not None}


def find_window(tokens: list[str], now: date) -> tuple[Window | None, list[str]]:
    """The first expression of time among `tokens`, and the tokens without it.

    A second expression stays in the tokens, where nobody will read it. Windows that count from today, and
    months without a year (the last one that has begun), are read relative to `now`.
    """
    for start in range(len(tokens)):
        found = _window_at(tokens, start, now)
        if found:
            window, end = found
            return window, tokens[:start] + tokens[end:]
    return None, tokens


def _window_at(tokens: list[str], start: int, now: date) -> tuple[Window, int] | None:
    at = start
    word = tokens[at]
    if word in ("between", "from"):
        return _range(tokens, at + 1, now)
    if word in ("since", "after", "before", "until", "till", "through", "by", "starting"):
        at += 1 + (tokens[at + 1 : at + 2] == ["from"])
        return _bounded(word, tokens, at, now)
    lead = word in _LEADS
    at += lead
    rolling = _rolling(tokens, at, now, lead=lead)
    if rolling:
        return rolling
    years = _bare_range(tokens, at)
    if years:
        return years
    point = _point(tokens, at, now, lead=lead)
    if point is None:
        return None
    iso, end = point
    return Window(iso, iso, f"{'on' if len(iso) == 10 else 'in'} {iso}"), end


def _bounded(word: str, tokens: list[str], at: int, now: date) -> tuple[Window, int] | None:
    found = _point(tokens, at, now, lead=True) or _ago(tokens, at, now)
    if found is None:
        return None
    iso, end = found
    if word in ("since", "starting"):
        return Window(iso, None, f"since {iso}"), end
    if word == "after":
        day = (_last_day(iso) + timedelta(days=1)).isoformat()
        return Window(day, None, f"after {iso}"), end
    if word == "before":
        day = (_first_day(iso) - timedelta(days=1)).isoformat()
        return Window(None, day, f"before {iso}"), end
    return Window(None, iso, f"until {iso}"), end


def _range(tokens: list[str], at: int, now: date) -> tuple[Window, int] | None:
    first = _point(tokens, at, now, lead=True)
    if first is None or tokens[first[1] : first[1] + 1] not in (["and"], ["to"], ["until"], ["through"]):
        return None
    second = _point(tokens, first[1] + 1, now, lead=True) or _today(tokens, first[1] + 1, now)
    if second is None or _first_day(first[0]) > _last_day(second[0]):
        return None
    return Window(first[0], second[0], f"between {first[0]} and {second[0]}"), second[1]


def _bare_range(tokens: list[str], at: int) -> tuple[Window, int] | None:
    """`2018 to 2020`, and `2018-2020`, whose hyphen is no word."""
    years = [token for token in tokens[at : at + 3] if token != "to"]  # noqa: S105
    if len(years) < 2 or not all(_is_year(year) for year in years[:2]) or years[0] > years[1]:
        return None
    end = at + 2 + (tokens[at + 1] == "to")
    return Window(years[0], years[1], f"between {years[0]} and {years[1]}"), end


def _rolling(tokens: list[str], at: int, now: date, *, lead: bool) -> tuple[Window, int] | None:
    """`last 2 years`, `the past month`, `this year`, `last year`, `today`, `yesterday`."""
    today = _today(tokens, at, now)
    if today:
        return Window(today[0], today[0], f"on {today[0]}"), today[1]
    article = tokens[at : at + 1] != [] and tokens[at] in _ARTICLES and tokens[at] != "this"
    at += article
    if at + 1 >= len(tokens) or tokens[at] not in ("last", "past", "previous", "this", "current"):
        return None
    kind = tokens[at]
    at += 1
    count = _number(tokens[at])
    at += count is not None
    at += tokens[at - 1 : at + 1] == ["couple", "of"]
    unit = UNITS.get(tokens[at]) if at < len(tokens) else None
    if unit is None:
        return None
    if count is None and kind in ("this", "current"):
        return _calendar(unit, now, 0, at + 1)
    if kind in ("this", "current"):
        return None
    # "last year" is the calendar year before; "the last year", "in the past year" are twelve months.
    if count is None and kind in ("last", "previous") and not article:
        return _calendar(unit, now, 1, at + 1)
    since = _back(now, count or 1, unit).isoformat()
    return Window(since, now.isoformat(), f"since {since}"), at + 1


def _calendar(unit: str, now: date, back: int, end: int) -> tuple[Window, int] | None:
    if unit == "year":
        iso = f"{now.year - back:04d}"
    elif unit == "month":
        iso = f"{_back(now.replace(day=1), back, 'month'):%Y-%m}"
    elif unit == "week":
        monday = now - timedelta(days=now.weekday() + 7 * back)
        last = monday + timedelta(days=6)
        return Window(monday.isoformat(), last.isoformat(), f"between {monday} and {last}"), end
    else:
        return None
    return Window(iso, iso, f"in {iso}"), end


def _today(tokens: list[str], at: int, now: date) -> tuple[str, int] | None:
    word = tokens[at] if at < len(tokens) else ""
    if word == "today":
        return now.isoformat(), at + 1
    if word == "yesterday":
        return (now - timedelta(days=1)).isoformat(), at + 1
    return None


def _ago(tokens: list[str], at: int, now: date) -> tuple[str, int] | None:
    """`2 years ago`: the day, or the month or year where only that is meant is more than was said."""
    if at + 2 >= len(tokens) or tokens[at + 2] != "ago" or tokens[at + 1] not in UNITS:
        return None
    count = _number(tokens[at])
    return (_back(now, count, UNITS[tokens[at + 1]]).isoformat(), at + 3) if count else None


def _point(tokens: list[str], at: int, now: date, *, lead: bool) -> tuple[str, int] | None:
    """A day, month or year as ISO, and where it ends; a bare month needs a lead word such as "since"."""
    if at >= len(tokens):
        return None
    word = tokens[at]
    if re.fullmatch(r"\d{4}-\d{2}(-\d{2})?", word):
        return (word, at + 1) if _valid(word) else None
    if re.fullmatch(r"\d{1,2}/\d{4}", word):
        month, year = word.split("/")
        iso = f"{year}-{int(month):02d}"
        return (iso, at + 1) if _valid(iso) else None
    if word == "the" and at + 1 < len(tokens) and _is_year(tokens[at + 1]):
        return None
    if _is_year(word):
        return word, at + 1
    return _named(tokens, at, now, lead=lead)


def _named(tokens: list[str], at: int, now: date, *, lead: bool) -> tuple[str, int] | None:
    """`March 2020`, `March 3 2020`, `3 March 2020`, `March` after a lead word."""
    day = _ordinal(tokens[at])
    month_at = at + (day is not None) + (day is not None and tokens[at + 1 : at + 2] == ["of"])
    month = MONTHS.get(tokens[month_at]) if month_at < len(tokens) else None
    if month is None:
        return None
    end = month_at + 1
    if day is None and end < len(tokens):
        day = _ordinal(tokens[end])
        end += day is not None
    end += tokens[end : end + 1] == ["of"]
    if end < len(tokens) and _is_year(tokens[end]):
        iso = f"{tokens[end]}-{month:02d}" + (f"-{day:02d}" if day else "")
        return (iso, end + 1) if _valid(iso) else None
    if day is not None or not lead or tokens[end - 1] == "of":
        return None
    year = now.year if month <= now.month else now.year - 1
    return f"{year:04d}-{month:02d}", end


def _valid(iso: str) -> bool:
    try:
        _first_day(iso)
    except ValueError:
        return False
    return True


def _first_day(iso: str) -> date:
    return date.fromisoformat(
        iso + "-01-01"[: 10 - len(iso)] if len(iso) == 4 else iso + "-01"[: 10 - len(iso)]
    )


def _last_day(iso: str) -> date:
    first = _first_day(iso)
    if len(iso) == 4:
        return date(first.year, 12, 31)
    if len(iso) == 7:
        return first.replace(day=calendar.monthrange(first.year, first.month)[1])
    return first


def _back(day: date, count: int, unit: str) -> date:
    if unit in ("day", "week"):
        return day - timedelta(days=count * (7 if unit == "week" else 1))
    months = day.year * 12 + day.month - 1 - count * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _number(word: str) -> int | None:
    if word.isdigit() and len(word) <= 3:
        return int(word) or None
    return NUMBERS.get(word)


def _ordinal(word: str) -> int | None:
    found = re.fullmatch(r"(\d{1,2})(st|nd|rd|th)?", word)
    return int(found[1]) if found and 1 <= int(found[1]) <= 31 else None


def _is_year(word: str) -> bool:
    return re.fullmatch(r"(19|20)\d\d", word) is not None
