"""Points of time in words: days, months, years, seasons, quarters, holidays, weekdays, "2 years ago"."""

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from dateutil.easter import easter
from dateutil.relativedelta import TH, relativedelta

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
# Northern and meteorological; a winter is called by the year in which it begins.
SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
WEEKDAYS = {name.lower(): number for number, name in enumerate(calendar.day_name)}
_HOLIDAYS: dict[tuple[str, ...], Callable[[int], date]] = {
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
ARTICLES = ("the", "this", "her", "his", "their")
_LAST = ("last", "past", "previous")
_THIS = ("this", "current")
_PARTS = {"early": 0, "mid": 1, "late": 2}
Found = tuple["Span", int]


class Ambiguous(Exception):
    """Control flow: an expression of time with two readings; the text says which."""


@dataclass(frozen=True)
class Span:
    """From `since` to `until`, ISO, each as precise as it was said; both are the same for one day or year."""

    since: str
    until: str


def point(tokens: list[str], at: int, now: date, *, lead: bool) -> Found | None:
    """The point of time that begins at `at`, and where it ends.

    Without a year it is the last one that has begun, and a bare month needs a lead word such as "since".
    Raises Ambiguous for 3/5/2021 and "winter 2021".
    """
    for parse in (_written, _day_of, _part_of, _half, _quarter, _month, _season, _holiday, _relative, ago):
        found = parse(tokens, at, now, lead)
        if found:
            return found
    return None


def _written(tokens: list[str], at: int, now: date, _lead: bool) -> Found | None:
    """2020, 2020-03, 2020-03-05, 03/2020, 3/25/2020, 25/3/2020, 2010s."""
    word = _word(tokens, at)
    if is_year(word):
        return Span(word, word), at + 1
    if re.fullmatch(r"(19|20)\d0s", word):
        return Span(word[:4], f"{word[:3]}9"), at + 1
    iso = None
    if re.fullmatch(r"\d{4}-\d{2}(-\d{2})?", word):
        iso = word
    elif found := re.fullmatch(r"(\d{1,2})/(\d{4})", word):
        iso = f"{found[2]}-{int(found[1]):02d}"
    elif found := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d\d)", word):
        year = int(found[3]) if len(found[3]) == 4 else century(int(found[3]), now)
        iso = _of_slashes(word, int(found[1]), int(found[2]), year)
    return (Span(iso, iso), at + 1) if iso and _valid(iso) else None


def _of_slashes(word: str, first: int, second: int, year: int) -> str:
    """Month first, unless that is no date; where both orders are dates, nobody can tell which was meant."""
    month_first, day_first = f"{year:04d}-{first:02d}-{second:02d}", f"{year:04d}-{second:02d}-{first:02d}"
    if first != second and _valid(month_first) and _valid(day_first):
        raise Ambiguous(f"'{word}' may be {month_first} or {day_first}; please write the one that you mean")
    return month_first if _valid(month_first) else day_first


def _day_of(tokens: list[str], at: int, now: date, _lead: bool) -> Found | None:
    """`today`, `yesterday`, `the day before yesterday`."""
    for phrase, back in ((("today",), 0), (("yesterday",), 1), (("day", "before", "yesterday"), 2)):
        start = at + (len(phrase) > 1 and _word(tokens, at) == "the")
        if tuple(tokens[start : start + len(phrase)]) == phrase:
            iso = (now - timedelta(days=back)).isoformat()
            return Span(iso, iso), start + len(phrase)
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
        return _quarter_of(int(word), int(tokens[at + 1][1])), at + 2
    if re.fullmatch(r"q[1-4]", word):
        number, end = int(word[1]), at + 1
    else:
        at += word == "the"
        number, end = ordinal(_word(tokens, at)) or 0, at + 2
        if not 1 <= number <= 4 or _word(tokens, at + 1) != "quarter":
            return None
    end += _word(tokens, end) == "of"
    if is_year(_word(tokens, end)):
        return _quarter_of(int(tokens[end]), number), end + 1
    return None if tokens[end - 1] == "of" else (_begun(lambda year: _quarter_of(year, number), now), end)


def _quarter_of(year: int, number: int) -> Span:
    return Span(f"{year}-{3 * number - 2:02d}", f"{year}-{3 * number:02d}")


def _month(tokens: list[str], at: int, now: date, lead: bool) -> Found | None:
    """`March 2020`, `March 3 2020`, `3 March 2020`, `the 3rd of March 2020`, `March` after a lead word."""
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
    if is_year(_word(tokens, end + of)):
        iso = f"{tokens[end + of]}-{month:02d}" + (f"-{day:02d}" if day else "")
        return (Span(iso, iso), end + of + 1) if _valid(iso) else None
    if not lead or of:
        return None
    if day is not None:
        return _dated(month, day, now, end)
    return _begun(lambda year: _one(f"{year}-{month:02d}"), now), end


def _dated(month: int, day: int, now: date, end: int) -> Found | None:
    """A day without a year: the last one that was."""
    for year in range(now.year, now.year - 9, -1):
        iso = f"{year}-{month:02d}-{day:02d}"
        if _valid(iso) and iso <= now.isoformat():
            return _one(iso), end
    return None


def _season(tokens: list[str], at: int, now: date, lead: bool) -> Found | None:
    """`summer 2021`, `the summer of 2021`, `winter 2020-21`, `spring` after a lead word."""
    article = _word(tokens, at) == "the"
    at += article
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
        return season_of(season, years[0]), end + (1 if "-" in tokens[end] else len(years))
    # "Since the fall" is since an accident.
    if not lead or tokens[end - 1] == "of" or season == "fall":
        return None
    return _begun(lambda year: season_of(season, year), now), end


def _years(tokens: list[str], at: int) -> list[int]:
    """The year, or the two years running, that stand there."""
    joined = re.fullmatch(r"(\d{4})-(\d\d)", _word(tokens, at))
    if joined and (int(joined[1]) + 1) % 100 == int(joined[2]):
        return [int(joined[1]), int(joined[1]) + 1]
    if not is_year(_word(tokens, at)):
        return []
    year = int(tokens[at])
    return [year, year + 1] if _word(tokens, at + 1) in (f"{year + 1}", f"{(year + 1) % 100:02d}") else [year]


def season_of(season: str, year: int) -> Span:
    """The season that begins in that year."""
    first = SEASONS[season]
    return Span(f"{year}-{first:02d}", f"{year + 1}-02" if first == 12 else f"{year}-{first + 2:02d}")


def _holiday(tokens: list[str], at: int, now: date, _lead: bool) -> Found | None:
    """`Christmas`, `Christmas 2020`, `new year's day`."""
    held = _holiday_at(tokens, at)
    if held is None:
        return None
    make, end = held
    end += _word(tokens, end) == "of"
    if is_year(_word(tokens, end)):
        return _one(make(int(tokens[end])).isoformat()), end + 1
    return None if tokens[end - 1] == "of" else (_begun(lambda y: _one(make(y).isoformat()), now), end)


def _holiday_at(tokens: list[str], at: int) -> tuple[Callable[[int], date], int] | None:
    at += _word(tokens, at) == "the"
    for size in (3, 2, 1):
        make = _HOLIDAYS.get(tuple(tokens[at : at + size]))
        if make:
            return make, at + size
    return None


def _relative(tokens: list[str], at: int, now: date, lead: bool) -> Found | None:
    """`last spring`, `last March`, `last Christmas`, `last Tuesday`, `this summer`, `last year`."""
    article = _word(tokens, at) in ARTICLES and _word(tokens, at) != "this"
    at += article
    word = _word(tokens, at)
    if word in WEEKDAYS and lead and not article:
        return _one(_weekday(word, now, today=True)), at + 1
    last, this = word in _LAST, word in _THIS
    named = _word(tokens, at + 1)
    end = at + 2
    if not (last or this):
        return None
    make: Callable[[int], Span] | None = None
    if named in WEEKDAYS and last:
        return _one(_weekday(named, now, today=False)), end
    if named in MONTHS:
        make = _month_maker(MONTHS[named])
    elif named in SEASONS:
        make = _season_maker(named)
    elif (held := _holiday_at(tokens, at + 1)) and last:
        make, end = _holiday_maker(held[0]), held[1]
    if make and not is_year(_word(tokens, end)) and word != "past":
        found = _over(make, now) if last else _begun(make, now)
        if last or first_day(found.since).year == now.year or last_day(found.until) >= now:
            return found, end
        return None
    # "Last year" is the calendar year before; "the last year", "the past year" are twelve months.
    unit = UNITS.get(named)
    if unit is None or word == "past" or (last and article):
        return None
    found_unit = calendar_unit(unit, now, 1 if last else 0)
    return (found_unit, end) if found_unit else None


def _month_maker(month: int) -> Callable[[int], Span]:
    return lambda year: _one(f"{year}-{month:02d}")


def _season_maker(season: str) -> Callable[[int], Span]:
    return lambda year: season_of(season, year)


def _holiday_maker(make: Callable[[int], date]) -> Callable[[int], Span]:
    return lambda year: _one(make(year).isoformat())


def calendar_unit(unit: str, now: date, back: int) -> Span | None:
    """The week, month, quarter or year that `now` is in, or the one `back` before."""
    if unit == "year":
        return _one(f"{now.year - back:04d}")
    if unit == "month":
        return _one(f"{now.replace(day=1) - relativedelta(months=back):%Y-%m}")
    if unit == "quarter":
        first = now.replace(day=1) - relativedelta(months=3 * back)
        return _quarter_of(first.year, (first.month + 2) // 3)
    if unit == "week":
        monday = now - timedelta(days=now.weekday() + 7 * back)
        return Span(monday.isoformat(), (monday + timedelta(days=6)).isoformat())
    return None


def ago(tokens: list[str], at: int, now: date, _lead: bool = True) -> Found | None:
    """`2 years ago`, `a year and a half ago`: the day."""
    length = duration(tokens, at)
    if length is None or _word(tokens, length[1]) not in ("ago", "back"):
        return None
    return _one((now - length[0]).isoformat()), length[1] + 1


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


def length_of(count: int, unit: str) -> relativedelta:
    """That many days, weeks, fortnights, months, quarters, years or decades."""
    in_days = {"day": 1, "week": 7, "fortnight": 14}
    if unit in in_days:
        return relativedelta(days=count * in_days[unit])
    return relativedelta(months=count * {"month": 1, "quarter": 3, "year": 12, "decade": 120}[unit])


def _begun(make: Callable[[int], Span], now: date) -> Span:
    """The last one that has begun by `now`."""
    return next(span for span in map(make, range(now.year, now.year - 3, -1)) if first_day(span.since) <= now)


def _over(make: Callable[[int], Span], now: date) -> Span:
    """The last one that was over before `now`."""
    return next(span for span in map(make, range(now.year, now.year - 3, -1)) if last_day(span.until) < now)


def _weekday(name: str, now: date, *, today: bool) -> str:
    back = (now.weekday() - WEEKDAYS[name]) % 7
    return (now - timedelta(days=back if back or today else 7)).isoformat()


def _one(iso: str) -> Span:
    return Span(iso, iso)


def _word(tokens: list[str], at: int) -> str:
    return tokens[at] if 0 <= at < len(tokens) else ""


def _valid(iso: str) -> bool:
    try:
        first_day(iso)
    except ValueError:
        return False
    return True


def first_day(iso: str) -> date:
    """The first day of a day, month or year. Raises ValueError where there is none such."""
    return date.fromisoformat((iso + "-01-01")[:10])


def last_day(iso: str) -> date:
    """The last day of a day, month or year."""
    first = first_day(iso)
    length = {4: relativedelta(years=1), 7: relativedelta(months=1)}.get(len(iso), relativedelta(days=1))
    return first + length - timedelta(days=1) if first.year < date.max.year else first


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
    """The text with '19 as 2019, and dashes between numbers and dates as hyphens."""
    text = re.sub(r"(?<=\w)\s*[–—]\s*(?=\d)", "-", text)
    return re.sub(r"(?<![\w'’])['’](\d\d)(?!\w)", lambda found: f"{century(int(found[1]), now)}", text)
