"""Times that the last answer told: "any since then?", "and her weight at that time?"."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from agent.models.offline.completions import TIMELESS
from agent.models.offline.intents import intent_of
from agent.models.offline.slots import Anchor
from agent.models.offline.spans import last_day
from agent.models.offline.told import told_event
from agent.models.offline.understanding import Part, Unread
from agent.models.offline.windows import Window, window_at

Side = Literal["after", "before", "at", "then"]

_MOMENT = r"(?: (?:time|date|day|point|moment))"
_RECORD = r"(?: (?:visit|stay|admission|result|value|reading|test|shot|dose|one))"
_END = r"(?= *(?:[?.!,]|$))"
_SIDES: tuple[tuple[Side, str], ...] = (
    ("after", rf"(?:any ?time |ever )?(?:since|after) (?:then|that(?:{_MOMENT}|{_RECORD})?){_END}"),
    ("after", r"(?:since|after) then"),
    ("before", rf"(?:before|prior to|up to|until) (?:then|that{_MOMENT}){_END}"),
    ("at", r"(?:at|around|about) (?:then|that (?:time|point|moment|date))|at the (?:same )?time|back then"),
    ("at", r"(?:on )?that (?:same |very )?(?:day|date)|on (?:that|the same) (?:occasion|day|date)"),
    ("then", r"then(?=\W*$)"),
)
_WORDS = tuple(
    (side, re.compile(rf"(?:\W*\b(?:and|so))?[\s,]*\b(?:{phrase})\b(?P<end>[\s,]*)", re.I))
    for side, phrase in _SIDES
)
# Of these one record is told, whose date is the time; of others the time that they are asked for is.
_OF_ONE = frozenset({"latest", "first", "highest", "lowest", "when"})


def time_told(text: str) -> tuple[str, Side] | None:
    """The question without its words for a time that was told, and the side of it; None where it has none."""
    for side, words in _WORDS:
        found = words.search(text)
        if found:
            rest = f"{text[: found.start()]} {text[found.end() :]}".strip(" ,?.!")
            return ("" if re.fullmatch(r"(?:and|so|any|what about|\W)*", rest, re.I) else rest), side
    return None


def before_that(text: str) -> str | None:
    """The question without a "before that" that ends it; None where it has none."""
    found = re.search(rf"[\s,]*\b(?:before|prior to) (?:that|it|this){_RECORD}?\W*$", text, re.IGNORECASE)
    return text[: found.start()] if found else None


def at_told_time(part: Part, side: Side, context: Sequence[Part]) -> Part:
    """The question at the time that the last answer told, or the last question. Raises Unread."""
    before = context[-1].reading
    reading = replace(part.reading, **TIMELESS)
    window = before.window
    if window and window.since and window.until and not before.cues & _OF_ONE:
        given = replace(reading, window=beside(window, side))
    else:
        at = Anchor("at" if side == "then" else side, "told", told=partial(told_event, tuple(context)))
        given = replace(reading, anchor=at, window=Window(None, None, "") if at.bounds else None)
    intent = None if part.leaning else intent_of(given)
    if intent is None:
        raise Unread("follow", reading)
    return Part(given, intent)


def beside(window: Window, side: Side) -> Window:
    """The time before or after that window, or itself."""
    if side in ("at", "then"):
        return window
    words = [side, str(window.until if side == "after" else window.since)]
    found = window_at(words, 0, last_day(str(window.until)))
    return found[0] if found else window
