"""How often a day something is taken, as prose and dose texts tell it."""

import re
from collections.abc import Iterator
from decimal import Decimal

from agent.grounding.written import SPELLED, Span

_NUMBER = rf"\d+|once|twice|thrice|one|{SPELLED}"
_DAY = r"(?:(?:a|per|each|every)[ -]|/\s?)?(?P<every>day|week|month|daily|weekly|monthly|hours?|h)\b"
_TIMES = re.compile(
    rf"\b(?P<n>{_NUMBER})(?:\s?x\b|\s+times)?,?\s+{_DAY}(?!\s+(?:for|after|before|later|ago|supply))"
    rf"|\b(?P<between>every|q)\s?(?P<hours>{_NUMBER})\s?(?:h|hours?|hrs?)\b"
    r"|\b(?P<latin>o\.?d|q\.?d|b\.?i\.?d|t\.?i\.?d|q\.?i\.?d|qhs)\b"
    r"|\b(?P<each>every (?:day|night|morning|evening|week|month|other day)|daily|nightly|weekly|monthly)\b",
    re.IGNORECASE,
)
_LATIN = {"od": 1, "qd": 1, "qhs": 1, "bid": 2, "tid": 3, "qid": 4}
_SPELLED = {"once": 1, "twice": 2, "thrice": 3, "one": 1} | {
    word: at for at, word in enumerate(SPELLED.split("|"), 2)
}
_PER_DAY = {"day": Decimal(1), "dai": Decimal(1), "week": Decimal(1) / 7, "mont": Decimal(1) / 30}


def frequencies_in(text: str) -> Iterator[tuple[Span, Decimal]]:
    """Where a text says how often, and the times a day that it comes to ("every 8 hours" is 3)."""
    for match in _TIMES.finditer(text):
        if times := _times(match):
            yield Span(match.start(), match.end()), times


def _times(match: re.Match[str]) -> Decimal | None:
    if match["latin"]:
        return Decimal(_LATIN[match["latin"].replace(".", "").lower()])
    if match["hours"]:
        return Decimal(24) / _count(match["hours"]) if _count(match["hours"]) else None
    if match["each"]:
        said = match["each"].lower().removeprefix("every ")
        return Decimal("0.5") if said == "other day" else _per(said) or Decimal(1)
    per = _per(match["every"].lower())
    return _count(match["n"]) * per if per else None


def _per(word: str) -> Decimal | None:
    return next((times for begin, times in _PER_DAY.items() if word.startswith(begin)), None)


def _count(word: str) -> Decimal:
    return Decimal(_SPELLED.get(word.lower()) or word)
