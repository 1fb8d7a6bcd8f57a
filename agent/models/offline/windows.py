"""Windows of time in words: "in 2019", "since last spring", "in the last 2 years", "from ... to ..."."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from agent.models.offline.dates import ARTICLES, UNITS, ago, duration, is_year, point
from agent.models.offline.spans import Span, calendar_unit, first_day, last_day

_LEADS = ("in", "during", "within", "over", "for", "from", "of", "on", "throughout")
_ONWARDS = (["onward"], ["onwards"], ["forward"])
_TO = (["and"], ["to"], ["until"], ["till"], ["through"], ["thru"])


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


def shifted(window: Window, years: int) -> Window:
    """The same window so many years later ("and the year before?": -1); an open side stays open."""

    def moved(iso: str | None) -> str | None:
        if iso is None:
            return None
        return (first_day(iso) + relativedelta(years=years)).isoformat()[: len(iso)]

    since, until = moved(window.since), moved(window.until)
    if since and until:
        return _between(Span(since, until))
    return Window(since, until, f"since {since}" if since else f"until {until}")


def find_window(tokens: list[str], now: date) -> tuple[Window | None, list[str]]:
    """The first expression of time among `tokens`, and the tokens without it.

    A second expression stays in the tokens, where nobody will read it. Windows that count from today, and
    times without a year (the last one that has begun), are read relative to `now`. Raises Ambiguous.
    """
    for start in range(len(tokens)):
        found = window_at(tokens, start, now)
        if found:
            window, end = found
            return window, tokens[:start] + tokens[end:]
    return None, tokens


def window_at(tokens: list[str], start: int, now: date) -> tuple[Window, int] | None:
    """The window that begins at `start`, and where it ends. Raises Ambiguous."""
    word = tokens[start]
    if word in ("between", "from"):
        found = _range(tokens, start + 1, now)
        if found or word == "between":
            return found
    if word in _BOUNDS and word not in ("prior", "up"):
        at = start + 1 + (tokens[start + 1 : start + 2] == ["from"])
        return _bounded(word, tokens, at, now)
    if tokens[start : start + 2] in (["prior", "to"], ["up", "to"], ["up", "until"]):
        return _bounded(word, tokens, start + 2, now)
    at = start + (word in _LEADS)
    span = (
        _rolling(tokens, at, now)
        or _older(tokens, at, now)
        or _to_date(tokens, at, now)
        or _two(tokens, at, now)
    )
    if span:
        return span
    if ago(tokens, at, now):  # a moment, no window
        return None
    found_point = point(tokens, at, now, lead=at > start)
    after = tokens[found_point[1] :] if found_point else []
    if found_point and word == "from" and (after == ["on"] or after[:1] in _ONWARDS):
        return _since(found_point[0]), found_point[1] + 1
    return (_between(found_point[0]), found_point[1]) if found_point else None


def _between(span: Span) -> Window:
    if span.since == span.until:
        return Window(span.since, span.since, f"{'on' if len(span.since) == 10 else 'in'} {span.since}")
    return Window(span.since, span.until, f"between {span.since} and {span.until}")


def _since(span: Span) -> Window:
    return Window(span.since, None, f"since {span.since}")


def _after(span: Span) -> Window:
    day = (last_day(span.until) + timedelta(days=1)).isoformat()
    return Window(day, None, f"after {span.until}")


def _before(span: Span) -> Window:
    day = (first_day(span.since) - timedelta(days=1)).isoformat()
    return Window(None, day, f"before {span.since}")


def _until(span: Span) -> Window:
    return Window(None, span.until, f"until {span.until}")


_UNTIL = ("until", "till", "through", "by", "up")
_BOUNDS = {
    **dict.fromkeys(("since", "starting"), _since),
    **dict.fromkeys(("after", "following"), _after),
    **dict.fromkeys(("before", "prior"), _before),
    **dict.fromkeys(_UNTIL, _until),
}
# Whose beginning, or end, is the bound itself: "since the beginning of 2020", "by the end of 2020".
_EDGES = {"beginning": ("since", "starting", "before", "prior"), "end": _UNTIL}
_EDGES["start"] = _EDGES["beginning"]


def _bounded(word: str, tokens: list[str], at: int, now: date) -> tuple[Window, int] | None:
    start = at + (tokens[at : at + 1] == ["the"])
    edge = tokens[start] if tokens[start + 1 : start + 2] == ["of"] else ""
    if edge in _EDGES:
        if word not in _EDGES[edge]:
            return None
        at = start + 2
    found = point(tokens, at, now, lead=True) or (_the_unit(tokens, at, now) if edge else None)
    if found is None:
        return None
    window, end = _BOUNDS[word](found[0]), found[1]
    return _closed(window, tokens, end, now) if window.since else (window, end)


def _the_unit(tokens: list[str], at: int, now: date) -> tuple[Span, int] | None:
    """`the year`, the one that is now."""
    unit = UNITS.get(tokens[at + 1], "") if tokens[at : at + 1] == ["the"] and at + 1 < len(tokens) else ""
    span = calendar_unit(unit, now, 0)
    return (span, at + 2) if span else None


def _closed(window: Window, tokens: list[str], end: int, now: date) -> tuple[Window, int]:
    """`since March until June`, `after 2019 and before 2021`: the other side too, where it stands next."""
    at = end + (tokens[end : end + 1] == ["and"])
    if tokens[at : at + 1] not in (["until"], ["till"], ["before"], ["through"], ["up"]):
        return window, end
    other = window_at(tokens, at, now)
    if other is None or other[0].until is None or window.since is None:
        return window, end
    if first_day(window.since) > last_day(other[0].until):
        return window, end
    return _between(Span(window.since, other[0].until)), other[1]


def _range(tokens: list[str], at: int, now: date) -> tuple[Window, int] | None:
    """`[from] 2018 to 2020`, `June to August 2022` (the year of the second is that of the first)."""
    first = point(tokens, at, now, lead=True)
    if first is None or tokens[first[1] : first[1] + 1] not in _TO:
        return None
    return _joined(tokens, at, first, first[1] + 1, now)


def _two(tokens: list[str], at: int, now: date) -> tuple[Window, int] | None:
    """`2018 to 2020`."""
    first = point(tokens, at, now, lead=True)
    if first is None or first[1] >= len(tokens):
        return None
    if tokens[first[1] : first[1] + 1] not in _TO[1:]:
        return None
    return _joined(tokens, at, first, first[1] + 1, now)


def _joined(
    tokens: list[str], at: int, first: tuple[Span, int], second_at: int, now: date
) -> tuple[Window, int] | None:
    """From the first point to the second; a year that is said once, at the end, is that of both."""
    second = point(tokens, second_at, now, lead=True)
    if second is None:
        return None
    span, end = second
    said, said_second = tokens[at : first[1]], tokens[second_at:end]
    if _has_year(said) and not _has_year(said_second) and not _is_from_now(said_second):
        return None
    year_is_open = not _has_year(said) and not _is_from_now(said)
    if year_is_open and (_has_year(said_second) or first_day(first[0].since) > last_day(span.until)):
        first = point(tokens, at, last_day(span.until), lead=True) or first
    if first_day(first[0].since) > last_day(span.until):
        return None
    return _between(Span(first[0].since, span.until)), end


def _has_year(tokens: Sequence[str]) -> bool:
    return any(is_year(token[:4]) or is_year(token[-4:]) for token in tokens)


def _is_from_now(tokens: Sequence[str]) -> bool:
    return bool({"today", "yesterday", "ago", "last", "this"} & set(tokens))


def _rolling(tokens: list[str], at: int, now: date) -> tuple[Window, int] | None:
    """`last 2 years`, `the past month`, `the last 24 hours`, `the last year and a half`."""
    article = at < len(tokens) and tokens[at] in ARTICLES
    at += article
    if at + 1 >= len(tokens) or tokens[at] not in ("last", "past", "previous", "preceding"):
        return None
    kind = tokens[at]
    at += 1
    if tokens[at] in ("24", "48", "72") and tokens[at + 1 : at + 2] in (["hours"], ["hrs"], ["h"]):
        since = now - timedelta(days=int(tokens[at]) // 24)
        return _from_now(since, now), at + 2
    length = duration(tokens, at)
    if length is None and (article or kind == "past"):
        length = _one_of(tokens, at)
    if length is None:
        return None
    return _from_now(now - length[0], now), length[1]


def _one_of(tokens: list[str], at: int) -> tuple[relativedelta, int] | None:
    """`the past year`, `the last year and a half`: one, which is not said."""
    found = duration(["one", *tokens[at:]], 0)
    return (found[0], at + found[1] - 1) if found else None


def _from_now(since: date, now: date) -> Window:
    return Window(since.isoformat(), now.isoformat(), f"since {since}")


def _older(tokens: list[str], at: int, now: date) -> tuple[Window, int] | None:
    """`more than 2 years ago`, `over a year since`, `older than a year`, `less than 6 months ago`."""
    lead = tokens[at : at + 2]
    if lead in (["more", "than"], ["longer", "than"], ["older", "than"], ["less", "than"]):
        more, at = lead[0] != "less", at + 2
    elif at > 0 and tokens[at - 1] == "over":
        more = True
    else:
        return None
    length = duration(tokens, at)
    if length is None:
        return None
    ends = tokens[length[1] : length[1] + 1] in (["ago"], ["old"], ["since"])
    if not ends and lead != ["older", "than"]:
        return None
    day = now - length[0]
    if more:
        return _before(Span(day.isoformat(), day.isoformat())), length[1] + ends
    return _from_now(day, now), length[1] + ends


def _to_date(tokens: list[str], at: int, now: date) -> tuple[Window, int] | None:
    """`ytd`, `year to date`."""
    if tokens[at : at + 1] == ["ytd"]:
        end = at + 1
    elif tokens[at : at + 3] == ["year", "to", "date"]:
        end = at + 3
    else:
        return None
    return _from_now(date(now.year, 1, 1), now), end
