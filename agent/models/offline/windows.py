"""Windows of time in words: "in 2019", "since last spring", "in the last 2 years", "from ... to ..."."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from agent.models.offline.dates import ARTICLES, UNITS, ago, duration, is_year, point
from agent.models.offline.spans import Span, calendar_unit, first_day, last_day

# "Prescribed back in 2019"; what "came back in 2019" is a result.
_BACK = (["back", "in"], ["back", "on"], ["back", "during"])
_CAME = (["come"], ["came"], ["comes"], ["coming"], ["are"], ["is"], ["was"], ["were"])
_LEADS = ("in", "during", "within", "over", "for", "from", "of", "on", "throughout", "across", "dated")
# "Right before 2019-05-03" is no other time than before it.
CLOSELY = frozenset(
    {
        "right",
        "just",
        "immediately",
        "directly",
        "shortly",
        "soon",
        "sooner",
        "soonest",
        "anytime",
        "sometime",
        "straight",
    }
)
_ONWARDS = (["onward"], ["onwards"], ["forward"])
# "From 2010 until now" has no end.
_UP_TO = (
    ("up", "to"),
    ("up", "until"),
    ("up", "till"),
    ("to",),
    ("until",),
    ("till",),
    ("through",),
    ("thru",),
)
_PRESENT = (
    ("the", "present", "day"), ("the", "present", "time"), ("the", "present"), ("present", "day"),
    ("present",), ("right", "now"), ("now",), ("today",), ("date",), ("this", "day"),
)  # fmt: skip
_TO = (["and"], ["to"], ["until"], ["till"], ["through"], ["thru"])
# "2019-05-03 vs 2020-05-03" are two days, whose change is asked for; two years so are two windows.
_AGAINST = (["vs"], ["versus"], ["against"])


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
    if word in CLOSELY and start + 1 < len(tokens) and _bound_at(tokens, start + 1):
        return window_at(tokens, start + 1, now)
    if tokens[start : start + 2] in _BACK and tokens[start - 1 : start] not in _CAME:
        return window_at(tokens, start + 1, now)
    open_ended = _up_to_now(tokens, start, now)
    if open_ended:
        return open_ended
    if word in ("between", "from"):
        found = _range(tokens, start + 1, now)
        if found or word == "between":
            return found
    bound = _bound_at(tokens, start)
    if bound:
        at = bound[1] + (tokens[bound[1] : bound[1] + 1] == ["from"])
        return _bounded(bound[0], tokens, at, now)
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
    if found_point and word == "from" and _goes_on(after):
        return _since(found_point[0]), found_point[1] + 1
    return (_between(found_point[0]), found_point[1]) if found_point else None


def _goes_on(after: list[str]) -> bool:
    """Whether "on" (or "onwards") after a time means from then on."""
    return after[:1] in _ONWARDS or (after[:1] == ["on"] and (len(after) == 1 or after[1] in _ENDING))


def _up_to_now(tokens: list[str], start: int, now: date) -> tuple[Window, int] | None:
    """`from 2010 until now`, `2010 to date`, `between 2010 and now`: since then."""
    between = tokens[start] == "between"
    found = point(tokens, start + (between or tokens[start] in ("from", "since")), now, lead=True)
    for joint in (("and",),) if between else _UP_TO:
        for present in _PRESENT:
            end = found[1] + len(joint) + len(present) if found else 0
            if (
                found
                and tuple(tokens[found[1] : end]) == (*joint, *present)
                and tokens[end : end + 1] != ["of"]
            ):
                return _since(found[0]), end
    return None


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


# What ends a time before it: "from 2022 on, please", where "on metformin" would be of the drug.
_ENDING = frozenset(
    ["please", "pls", "plz", "thanks", "thank", "what", "which", "how", "when", "show", "list", "any", "and"]
)
_UNTIL = ("until", "till", "through", "by", "up to", "up until", "ending")
_SINCE = ("since", "starting", "starting in", "beginning in", "going back to", "dating back to", "back to")
_BEFORE = ("before", "prior to", "preceding", "pre", "earlier than", "ahead of", "leading up to")
_BOUNDS = {
    **dict.fromkeys(_SINCE, _since),
    **dict.fromkeys(("after", "following", "post", "later than", "subsequent to"), _after),
    **dict.fromkeys(_BEFORE, _before),
    **dict.fromkeys(_UNTIL, _until),
}


def _bound_at(tokens: list[str], at: int) -> tuple[str, int] | None:
    """The words of a bound that stand there, and where they end."""
    for size in (3, 2, 1):
        said = " ".join(tokens[at : at + size])
        of_it = said == "back to" and tokens[at - 1 : at] == ["go"]  # "go back to 2018 and ...": in that year
        if said in _BOUNDS and at + size <= len(tokens) and not of_it:
            return said, at + size
    return None


# Whose beginning, or end, is the bound itself: "since the beginning of 2020", "by the end of 2020".
_EDGES = {"beginning": (*_SINCE, *_BEFORE), "end": _UNTIL}
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
    if tokens[at : at + 1] not in (["until"], ["till"], ["before"], ["through"], ["up"], ["ending"]):
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
    word = tokens[first[1] : first[1] + 1]
    if word in _AGAINST and len(first[0].since) == 10:
        found = _joined(tokens, at, first, first[1] + 1, now)
        return found if found and len(found[0].until or "") == 10 else None
    return _joined(tokens, at, first, first[1] + 1, now) if word in _TO[1:] else None


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
