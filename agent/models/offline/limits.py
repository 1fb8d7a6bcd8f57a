"""Numbers of a question that are no time: limits of values, the unit asked for, the place in a row."""

import math
import re
from functools import cache

from agent.models.offline.concepts import read_table
from agent.models.offline.dates import ORDINALS, UNITS, number
from agent.models.offline.slots import Limits
from agent.models.offline.words import Stems, words

# How many were counted, or how old someone is, is no limit of a value.
_COUNTED = frozenset({*UNITS, "time", "times", "hours", "hour", "minutes", "old"})
_CONVERT = ("converted", "convert", "converting", "changed", "translated", "switched")
_NO_UNIT_AFTER = ("many", "much", "per", "of", "what", "which", "not", "than")
# So a question ends that names the unit alone: "last weight, pounds please".
_ENDINGS: tuple[list[str], ...] = ([], ["please"], ["pls"], ["thanks"], ["instead"])
_UNIT_LEADS: tuple[Stems, ...] = tuple(
    tuple(phrase.split())
    for phrase in (
        "in units of",
        "in",
        "as",
        "using",
        "but in",
        *(f"{but}{convert} {to}" for but in ("", "but ") for convert in _CONVERT for to in ("to", "into")),
        "expressed in",
        "reported in",
        "measured in",
    )
)
# "Above the limit of 85" is above 85.
_MARKS = ("limit", "threshold", "threshhold", "treshold", "cutoff", "value", "mark", "level", "number")
_UP = ("above", "at least")
# After "fell" these say where it went, and no other word of a limit does.
_PLACES = (
    "above",
    "below",
    "over",
    "under",
    "beneath",
    "beyond",
    "north",
    "south",
    "higher",
    "lower",
    "greater",
)
_LAST = (("last",), ("latest",), ("newest",), ("to", "last"), ("from", "last"), ("most", "recent"))


def limits_at(tokens: list[str], at: int) -> tuple[Limits, int] | None:
    """The limits that begin at `at`, and where they end: `over 7`, `at least 7 %`, `between 3.5 and 5`."""
    if tokens[at] in ("between", "from"):
        return _both(tokens, at + 1)
    found = _led(tokens, at) or _moved(tokens, at)
    if found:
        return _limited(tokens, *found)
    value = _value(tokens, at)
    if value is None:
        return None
    unit, end = unit_at(tokens, at + 1)
    for size in (2, 1):
        meaning = _phrases("behind").get(tuple(tokens[end : end + size]))
        if meaning:
            return _one(meaning, value, unit, end + size)
    return None


def _led(tokens: list[str], at: int) -> tuple[str, float, int] | None:
    """`over 7`: what makes a limit of the number, the number, and where it ends."""
    before = _phrases("before")
    for size in range(max(map(len, before)), 0, -1):
        meaning = before.get(tuple(tokens[at : at + size]))
        end = at + size
        if meaning and tokens[end : end + 1] in (["the"], ["a"]) and tokens[end + 2 : end + 3] == ["of"]:
            end += 3 if tokens[end + 1] in _MARKS else 0
        value = None if meaning is None else _value(tokens, end)
        if meaning and value is not None:
            return meaning, value, end + 1
    return None


def _moved(tokens: list[str], at: int) -> tuple[str, float, int] | None:
    """`dipped below 60`; "fell more than 5" is none, for that tells how far."""
    for side, phrases in _moving().items():
        for phrase in phrases:
            end = at + len(phrase)
            found = _led(tokens, end) if tuple(tokens[at:end]) == phrase else None
            if found and tokens[end] in _PLACES and (found[0] in _UP) == (side == "above"):
                return found
    return None


def _limited(tokens: list[str], meaning: str, value: float, end: int) -> tuple[Limits, int] | None:
    unit, end = unit_at(tokens, end)
    return None if tokens[end : end + 1] and tokens[end] in _COUNTED else _one(meaning, value, unit, end)


def _one(meaning: str, value: float, unit: str | None, end: int) -> tuple[Limits, int]:
    said = _said(f"{meaning} {value:g}", unit)
    if meaning in ("above", "at least"):
        above = value if meaning == "above" else math.nextafter(value, -math.inf)
        return Limits(above=above, unit=unit, said=said), end
    below = value if meaning == "below" else math.nextafter(value, math.inf)
    return Limits(below=below, unit=unit, said=said), end


def _both(tokens: list[str], at: int) -> tuple[Limits, int] | None:
    least = _value(tokens, at)
    first_unit, middle = unit_at(tokens, at + 1)
    most = _value(tokens, middle + 1)
    if least is None or most is None or tokens[middle] not in ("and", "to") or least > most:
        return None
    unit, end = unit_at(tokens, middle + 2)
    if tokens[end : end + 1] and tokens[end] in _COUNTED:
        return None
    unit = unit or first_unit
    said = _said(f"from {least:g} to {most:g}", unit)
    above, below = math.nextafter(least, -math.inf), math.nextafter(most, math.inf)
    return Limits(above=above, below=below, unit=unit, said=said), end


def _said(text: str, unit: str | None) -> str:
    return f"{text} {unit}" if unit else text


def asked_unit_at(tokens: list[str], at: int) -> tuple[str, int] | None:
    """The unit that results are asked for in, as UCUM: `in mmol/L`, `in pounds`, `converted to kg`."""
    for lead in _UNIT_LEADS:
        if tuple(tokens[at : at + len(lead)]) == lead:
            unit, end = unit_at(tokens, at + len(lead))
            if unit:
                return unit, end
    to = tokens[at] in ("to", "into") and not {*_CONVERT}.isdisjoint(tokens[:at])
    unit, end = unit_at(tokens, at + (to or tokens[at] == "but"))
    alone = unit and len("".join(tokens[at:end])) > 1 and not tokens[max(at - 1, 0)][0].isdigit()
    if unit and (to or (alone and at and tokens[end:] in _ENDINGS and tokens[at - 1] not in _NO_UNIT_AFTER)):
        return unit, end
    return None


def unit_at(tokens: list[str], at: int) -> tuple[str | None, int]:
    """The unit that stands there, as UCUM, and where it ends; None and `at` where none does."""
    known, longest = _units()
    for size in range(longest, 0, -1):
        unit = known.get(tuple(tokens[at : at + size]))
        if unit:
            return unit, at + size
    return None, at


def nth_at(tokens: list[str], at: int) -> tuple[int, bool, int] | None:
    """`second`, `3rd`, `third to last`: the place, whether it counts back from the last, and the end."""
    found = re.fullmatch(r"([0-9]{1,2})(?:nd|rd|th|st)", tokens[at])
    place = int(found[1]) if found else ORDINALS.get(tokens[at])
    if place is None or place < 2:
        return None
    for phrase in _LAST:
        if tuple(tokens[at + 1 : at + 1 + len(phrase)]) == phrase:
            return place, True, at + 1 + len(phrase)
    if at > 1 and [*tokens[at - 2 : at], *tokens[at + 1 : at + 2]] == ["for", "the", "time"]:
        return place, False, at + 2  # "for the second time"
    return None if tokens[at + 1 : at + 2] and tokens[at + 1] in _COUNTED else (place, False, at + 1)


def visits_at(tokens: list[str], at: int) -> tuple[int, int] | None:
    """`over the last five visits`: how many, and the end. Without the lead word it asks for the visits."""
    if tokens[at] not in ("over", "in", "during", "across", "at", "from", "throughout", "through", "within"):
        return None
    at += 1
    at += tokens[at : at + 1] != [] and tokens[at] in ("the", "her", "his", "their", "these")
    if tokens[at : at + 2] == ["most", "recent"]:
        at += 1
    elif tokens[at : at + 1] not in (["last"], ["past"], ["latest"], ["previous"]):
        return None
    count = number(tokens[at + 1]) if at + 1 < len(tokens) else None
    visits = ("visits", "encounters", "appointments", "consultations")
    return (count, at + 3) if count and tokens[at + 2 : at + 3] and tokens[at + 2] in visits else None


def _value(tokens: list[str], at: int) -> float | None:
    found = at < len(tokens) and re.fullmatch(r"[0-9]{1,7}(\.[0-9]+)?", tokens[at])
    return float(tokens[at]) if found else None


@cache
def _phrases(place: str) -> dict[Stems, str]:
    table = read_table("limits")[place]
    return {tuple(phrase.split()): meaning for meaning, phrases in table.items() for phrase in phrases}


@cache
def _moving() -> dict[str, list[Stems]]:
    table = read_table("limits")["moving"]
    return {side: [tuple(phrase.split()) for phrase in phrases] for side, phrases in table.items()}


@cache
def _units() -> tuple[dict[Stems, str], int]:
    known = {
        tuple(words(spoken)): code
        for code, written in read_table("units")["unit"].items()
        for spoken in written
    }
    return known, max(map(len, known))
