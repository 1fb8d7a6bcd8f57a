"""Points of time in words: days, months, years, seasons, quarters, holidays, weekdays, "2 years ago"."""

import calendar
import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

from dateutil.relativedelta import relativedelta

from agent.models.offline.spans import (
    HOLIDAYS,
    SEASONS,
    WEEKDAYS,
    Span,
    begun,
    calendar_unit,
    first_day,
    holiday_of,
    is_date,
    last_day,
    length_of,
    month_of,
    over,
    quarter_of,
    season_of,
    single,
    weekday,
)

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
ORDINALS = {
    word: number
    for number, word in enumerate(
        ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"), 1
    )
}
UNITS = {
    **dict.fromkeys(("day", "days"), "day"),
    **dict.fromkeys(("week", "weeks", "wk", "wks"), "week"),
    **dict.fromkeys(("fortnight", "fortnights"), "fortnight"),
    **dict.fromkeys(("month", "months", "mo", "mos", "mth", "mths"), "month"),
    **dict.fromkeys(("quarter", "quarters"), "quarter"),
    **dict.fromkeys(("year", "years", "yr", "yrs"), "year"),
    **dict.fromkeys(("decade", "decades"), "decade"),
}
ARTICLES = ("the", "this", "her", "his", "their")
_LAST = ("last", "past", "previous")
_THIS = ("this", "current")
_PARTS = {"early": 0, "mid": 1, "late": 2}
_BEGINNINGS = frozenset(
    {*MONTHS, *NUMBERS, *ORDINALS, *SEASONS, *WEEKDAYS, *ARTICLES, *_LAST, *_THIS, *_PARTS}
    | {phrase[0] for phrase in HOLIDAYS}
    | {"q1", "q2", "q3", "q4", "today", "yesterday", "day", "year", "a", "an", "half"}
)
# Between two years, or before a month with its year.
_DASH = re.compile(
    r"(?<=\b(?:19|20)\d\d)\s*-\s*(?=(?:19|20)\d\d\b|\d{1,2}/(?:19|20)\d\d\b|[a-z]{3,9}\.? (?:19|20)\d\d\b)",
    re.IGNORECASE,
)
# "The day of 29 December 2018", "the calendar year 2026": these words say what stands there anyway.
_NAMED = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_A_DAY = rf"\d{{4}}-\d\d-\d\d|\d+/\d+/\d|\d{{1,2}}(?:st|nd|rd|th)? {_NAMED}|{_NAMED}[a-z]* \d{{1,2}}\b"
_THE_DAY = re.compile(
    rf"\b(?:the )?(?:(?:day|date)(?: of)? (?={_A_DAY})|cal[ea]nd[ea]r (?=year \d{{4}}\b))", re.IGNORECASE
)
Found = tuple[Span, int]


class Ambiguous(Exception):
    """Control flow: an expression of time with two readings; the text says which."""


def point(tokens: list[str], at: int, now: date, *, lead: bool) -> Found | None:
    """The point of time that begins at `at`, and where it ends.

    Without a year it is the last one that has begun, and a bare month needs a lead word such as "since".
    Raises Ambiguous for 3/5/2021 and "winter 2021".
    """
    if not _may_begin(_word(tokens, at)):
        return None
    for parse in (_quarter, _written, _day_of, _part_of, _half, _month, _season, _holiday, _relative, ago):
        found = parse(tokens, at, now, lead)
        if found:
            return found
    return None


def _may_begin(word: str) -> bool:
    """Whether a point of time can begin so: most words are none, and are not looked at ten times."""
    return word in _BEGINNINGS or word[:1].isdigit()


def _written(tokens: list[str], at: int, now: date, _lead: bool) -> Found | None:
    """2020, 2020-03, 2020-03-05, 03/2020, 3/25/2020, 25/3/2020, 2010s."""
    the = _word(tokens, at) == "the"
    year = _word(tokens, at + the) == "year"
    word = _word(tokens, at + the + year)
    end = at + the + year + 1
    if is_year(word) and the <= year:
        return single(word), end
    if re.fullmatch(r"(19|20)\d0s", word) and not year:
        return Span(word[:4], f"{word[:3]}9"), end
    word, end = _word(tokens, at), at + 1
    iso = None
    if re.fullmatch(r"\d{4}-\d{2}(-\d{2})?", word):
        iso = word
    elif found := re.fullmatch(r"(\d{1,2})/(\d{4})", word):
        iso = f"{found[2]}-{int(found[1]):02d}"
    elif found := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d\d)", word):
        in_full = int(found[3]) if len(found[3]) == 4 else century(int(found[3]), now)
        iso = _of_slashes(word, int(found[1]), int(found[2]), in_full)
    return (single(iso), end) if iso and is_date(iso) else None


def _of_slashes(word: str, first: int, second: int, year: int) -> str:
    """Month first, unless that is no date; where both orders are dates, nobody can tell which was meant."""
    month_first, day_first = f"{year:04d}-{first:02d}-{second:02d}", f"{year:04d}-{second:02d}-{first:02d}"
    if first != second and is_date(month_first) and is_date(day_first):
        raise Ambiguous(f"'{word}' may be {month_first} or {day_first}; please write the one that you mean")
    return month_first if is_date(month_first) else day_first


def _day_of(tokens: list[str], at: int, now: date, _lead: bool) -> Found | None:
    """`today`, `yesterday`, `the day before yesterday`."""
    for phrase, back in ((("today",), 0), (("yesterday",), 1), (("day", "before", "yesterday"), 2)):
        start = at + (len(phrase) > 1 and _word(tokens, at) == "the")
        if tuple(tokens[start : start + len(phrase)]) == phrase:
            return single((now - timedelta(days=back)).isoformat()), start + len(phrase)
    return None


def _part_of(tokens: list[str], at: int, now: date, _lead: bool) -> Found | None:
    """`early 2020`, `mid March 2020`, `late last year`: a third of it."""
    part = _PARTS.get(_word(tokens, at))
    found = None if part is None else point(tokens, at + 1, now, lead=True)
    if part is None or found is None:
        return None
    whole, end = found
    if whole.since != whole.until or len(whole.since) > 7:
        return None
    if len(whole.since) == 4:
        return Span(f"{whole.since}-{4 * part + 1:02d}", f"{whole.since}-{4 * part + 4:02d}"), end
    last = "10" if part == 0 else "20" if part == 1 else f"{last_day(whole.since).day}"
    return Span(f"{whole.since}-{10 * part + 1:02d}", f"{whole.since}-{last}"), end


def _half(tokens: list[str], at: int, _now: date, _lead: bool) -> Found | None:
    """`the first half of 2020`."""
    at += _word(tokens, at) == "the"
    half = {"first": 0, "1st": 0, "second": 1, "2nd": 1}.get(_word(tokens, at))
    year_at = at + 2 + (_word(tokens, at + 2) == "of")
    year = _word(tokens, year_at)
    if half is None or _word(tokens, at + 1) != "half" or not is_year(year):
        return None
    return Span(f"{year}-{6 * half + 1:02d}", f"{year}-{6 * half + 6:02d}"), year_at + 1


def _quarter(tokens: list[str], at: int, now: date, _lead: bool) -> Found | None:
    """`Q1 2022`, `2022 Q1`, `the first quarter of 2022`, `Q3`."""
    word = _word(tokens, at)
    if is_year(word) and re.fullmatch(r"q[1-4]", _word(tokens, at + 1)):
        return quarter_of(int(tokens[at + 1][1]), int(word)), at + 2
    if re.fullmatch(r"q[1-4]", word):
        number, end = int(word[1]), at + 1
    else:
        at += word == "the"
        number, end = ordinal(_word(tokens, at)) or 0, at + 2
        if not 1 <= number <= 4 or _word(tokens, at + 1) != "quarter":
            return None
    end += _word(tokens, end) == "of"
    if is_year(_word(tokens, end)):
        return quarter_of(number, int(tokens[end])), end + 1
    return None if tokens[end - 1] == "of" else (begun(partial(quarter_of, number), now), end)


def _month(tokens: list[str], at: int, now: date, lead: bool) -> Found | None:
    """`March 2020`, `March 3 2020`, `3 March 2020`, `the 3rd of March 2020`, `March` after a lead word."""
    if tokens[at : at + 3] == ["the", "month", "of"]:
        return _month(tokens, at + 3, now, True)
    article = _word(tokens, at) == "the"
    at += article
    day = ordinal(_word(tokens, at))
    month_at = at + (day is not None) + (day is not None and _word(tokens, at + 1) == "of")
    month = MONTHS.get(_word(tokens, month_at))
    if month is None or (article and day is None):
        return None
    end = month_at + 1
    if day is None and end < len(tokens):
        day = ordinal(tokens[end])
        end += day is not None
    of = _word(tokens, end) == "of"
    year, end_of_year = _year(tokens, end + of, now)
    if year:
        iso = f"{year}-{month:02d}" + (f"-{day:02d}" if day else "")
        return (single(iso), end_of_year) if is_date(iso) else None
    if not lead or of:
        return None
    if day is not None:
        return _dated(month, day, now, end)
    return begun(partial(month_of, month), now), end


def _year(tokens: list[str], at: int, now: date) -> tuple[str, int]:
    """`2020`, `last year`, `this year`; empty where none stands there."""
    if tokens[at : at + 2] in (["last", "year"], ["this", "year"]):
        return f"{now.year - (tokens[at] == 'last')}", at + 2
    return (tokens[at], at + 1) if is_year(_word(tokens, at)) else ("", at)


def _dated(month: int, day: int, now: date, end: int) -> Found | None:
    """A day without a year: the last one that was."""
    for year in range(now.year, now.year - 9, -1):
        iso = f"{year}-{month:02d}-{day:02d}"
        if is_date(iso) and iso <= now.isoformat():
            return single(iso), end
    return None


def _season(tokens: list[str], at: int, now: date, lead: bool) -> Found | None:
    """`summer 2021`, `the summer of 2021`, `winter 2020-21`, `spring` after a lead word."""
    led = _word(tokens, at - 1)
    at += _word(tokens, at) == "the"
    season = _word(tokens, at)
    if season not in SEASONS:
        return None
    end = at + 1
    end += _word(tokens, end) == "of"
    years = _years(tokens, end)
    if years:
        if season != "winter" and len(years) > 1:
            return None
        if season == "winter" and len(years) == 1:
            year = years[0]
            raise Ambiguous(
                f"'winter {year}' may be the one from {year - 1}-12 or from {year}-12;"
                f" please write winter {year - 1}-{year} or {year}-{year + 1}"
            )
        to = len(years) > 1 and _word(tokens, end + 1) == "to"
        return season_of(season, years[0]), end + (1 if "-" in tokens[end] else len(years) + to)
    # "Since the fall" may be since an accident.
    if not lead or tokens[end - 1] == "of" or (season == "fall" and led not in ("in", "during", "over")):
        return None
    return begun(partial(season_of, season), now), end


def _years(tokens: list[str], at: int) -> list[int]:
    """The year, or the two years running, that stand there."""
    joined = re.fullmatch(r"(\d{4})-(\d\d)", _word(tokens, at))
    if joined and (int(joined[1]) + 1) % 100 == int(joined[2]):
        return [int(joined[1]), int(joined[1]) + 1]
    if not is_year(_word(tokens, at)):
        return []
    year = int(tokens[at])
    second = _word(tokens, at + 1 + (_word(tokens, at + 1) == "to"))
    return [year, year + 1] if second in (f"{year + 1}", f"{(year + 1) % 100:02d}") else [year]


def _holiday(tokens: list[str], at: int, now: date, _lead: bool) -> Found | None:
    """`Christmas`, `Christmas 2020`, `new year's day`."""
    held = _holiday_at(tokens, at)
    if held is None:
        return None
    make, end = held
    end += _word(tokens, end) == "of"
    if is_year(_word(tokens, end)):
        return holiday_of(make, int(tokens[end])), end + 1
    return None if tokens[end - 1] == "of" else (begun(partial(holiday_of, make), now), end)


def _holiday_at(tokens: list[str], at: int) -> tuple[Callable[[int], date], int] | None:
    at += _word(tokens, at) == "the"
    for size in (3, 2, 1):
        phrase = tuple(tokens[at : at + size])
        if phrase in HOLIDAYS:
            return HOLIDAYS[phrase], at + len(phrase)
    return None


def _relative(tokens: list[str], at: int, now: date, lead: bool) -> Found | None:
    """`last spring`, `last March`, `last Christmas`, `last Tuesday`, `this summer`, `last year`."""
    if lead and _word(tokens, at) in WEEKDAYS:
        return weekday(tokens[at], now, today=True), at + 1
    start = at
    at += _word(tokens, at) in ARTICLES and _word(tokens, at + 1) in (*_LAST, *_THIS)
    word, named = _word(tokens, at), _word(tokens, at + 1)
    last = word in _LAST
    if not last and word not in _THIS:
        return None
    if last and named in WEEKDAYS:
        return weekday(named, now, today=False), at + 2
    recurring = _recurring(tokens, at + 1)
    if recurring and not is_year(_word(tokens, recurring[1])):
        make, end = recurring
        found = over(make, now) if last else begun(make, now)
        passed = first_day(found.since).year < now.year and last_day(found.until) < now
        return None if passed and not last else (found, end)
    # "Last year" is the calendar year before; "the last year", "the past year" are twelve months.
    if named not in UNITS or word == "past" or (last and at > start):
        return None
    unit = calendar_unit(UNITS[named], now, 1 if last else 0)
    return (unit, at + 2) if unit else None


def _recurring(tokens: list[str], at: int) -> tuple[Callable[[int], Span], int] | None:
    """What comes each year: a month, a season or a holiday."""
    word = _word(tokens, at)
    if word in MONTHS:
        return partial(month_of, MONTHS[word]), at + 1
    if word in SEASONS:
        return partial(season_of, word), at + 1
    held = _holiday_at(tokens, at)
    return (partial(holiday_of, held[0]), held[1]) if held else None


def ago(tokens: list[str], at: int, now: date, _lead: bool = True) -> Found | None:
    """`2 years ago`, `a year and a half ago`: the day."""
    length = duration(tokens, at)
    if length is None or _word(tokens, length[1]) not in ("ago", "back"):
        return None
    end = length[1] + 1
    return single((now - length[0]).isoformat()), end + (_word(tokens, end) == "today")


def duration(tokens: list[str], at: int) -> tuple[relativedelta, int] | None:
    """`2 years`, `a month`, `a couple of weeks`, `1.5 years`, `a year and a half`, `half a year`."""
    if tokens[at : at + 3] in (["half", "a", "year"], ["half", "a", "yr"]):
        return relativedelta(months=6), at + 3
    word = _word(tokens, at)
    count = 1 if word in ("a", "an") else number(word)
    half = word in ("1.5", "2.5", "3.5")
    if count is None and not half:
        return None
    at += 1
    if word == "a" and _word(tokens, at) == "couple":
        count, at = 2, at + 1
    at += tokens[at - 1 : at + 1] == ["couple", "of"]
    unit = UNITS.get(_word(tokens, at))
    if unit is None:
        return None
    at += 1
    halves = 2 * (count or 0)
    if half:
        halves = round(float(word) * 2)
    elif tokens[at : at + 3] == ["and", "a", "half"]:
        halves, at = halves + 1, at + 3
    if halves % 2 and unit != "year":
        return None
    if unit == "year":
        return relativedelta(months=6 * halves), at
    return length_of(halves // 2, unit), at


def _word(tokens: list[str], at: int) -> str:
    return tokens[at] if 0 <= at < len(tokens) else ""


def number(word: str) -> int | None:
    """A number of up to three digits, or up to twelve in words; none of zero."""
    if word.isascii() and word.isdigit() and len(word) <= 3:
        return int(word) or None
    return NUMBERS.get(word)


def ordinal(word: str) -> int | None:
    """`3`, `3rd`, `third`: as the day of a month or the like."""
    found = re.fullmatch(r"([0-9]{1,2})(st|nd|rd|th)?", word)
    if found:
        return int(found[1]) if 1 <= int(found[1]) <= 31 else None
    return ORDINALS.get(word)


def is_year(word: str) -> bool:
    """Four digits from 1900 on."""
    return re.fullmatch(r"(19|20)[0-9]{2}", word) is not None


def century(two_digits: int, now: date) -> int:
    """The year of two digits: the last one that has begun."""
    return now.year - (now.year - two_digits) % 100


def written_out(text: str, now: date) -> str:
    """The text with '19 as 2019, 1,200 as 1200, a dash between times as "to", and µ as u."""
    text = re.sub(r"(?<=\w)\s*[–—]\s*(?=\w)", "-", re.sub(r"[µμ]", "u", text))
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    text = re.sub(r"(?<![\w'’])['’](\d\d)(?!\w)", lambda found: f"{century(int(found[1]), now)}", text)
    return _DASH.sub(" to ", _THE_DAY.sub("", text))
