"""Is an Answer what was expected? Right, wrong with a reason, or refused; and how well it cites."""

import re
from calendar import month_name
from dataclasses import dataclass
from datetime import date
from typing import Literal

from agent.messages import Answer
from evals.gold.expected import (
    SHOWN,
    Claim,
    Day,
    Expected,
    Interval,
    Number,
    Overdue,
    Verdict,
    Way,
    Words,
)

Outcome = Literal["right", "wrong", "refused"]

MONTHS = list(month_name)[1:]
UP = "rose risen rising rise rises increased increase increasing increases higher gained climbed grew upward"
DOWN = (
    "fell fallen falling fall falls decreased decrease decreasing decreases down lower lost dropped declined "
)
DOWN += "declining decline reduced downward"
SAME = ["unchanged", "the same", "stable", "steady", "flat", "no change"]
_CITED = re.compile(r"\[[A-Z]\w+/[^\]]+\]")
_MONTH = rf"(?:{'|'.join(f'{name[:3]}(?:{name[3:]})?' for name in MONTHS)})"
_DATED = re.compile(
    r"\d{4}-\d\d(?:-\d\d)?(?:T[\d:.+Z-]+)?"
    rf"|\b\d{{1,2}} {_MONTH},? \d{{4}}|\b{_MONTH} \d{{1,2}}, \d{{4}}|\b{_MONTH} \d{{4}}",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.])([-−+]?)(\d+(?:,\d{3})*(?:\.\d+)?)")
_DAYS_OF = {"day": 1.0, "week": 7.0, "month": 30.44, "year": 365.25}
_SPAN = re.compile(r"(\d+(?:\.\d+)?|\b(?:a|an|one))[ -](day|week|month|year)s?\b", re.IGNORECASE)
_COUNTED = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


@dataclass(frozen=True)
class Judgement:
    """What came of a question. `precision` and `recall` of its citations: None where it gave no answer."""

    outcome: Outcome
    fault: str = ""
    precision: float | None = None
    recall: float | None = None


def judge(answer: Answer, expected: Expected) -> Judgement:
    """Right where every claim is made, nothing else is said, and the records that carry it are cited."""
    allowed = expected.status.split("|")
    if answer.status == "refused" and "refused" not in allowed:
        return Judgement("refused")
    fault = _fault(answer, expected, allowed)
    cited = {citation.ref for citation in answer.citations}
    precision = recall = None
    if answer.status == "answered" and (expected.refs or expected.groups):
        groups = [expected.refs, *expected.groups] if expected.refs else [*expected.groups]
        may = frozenset().union(*groups, expected.also or frozenset())
        if cited:
            precision = 1.0 if expected.also is None else len(cited & may) / len(cited)
        found = sum(bool(cited & group) for group in expected.groups)
        need = len(expected.groups)
        if not need:
            found, need = min(len(cited & expected.refs), expected.need), expected.need
        recall = found / need if need else None
    return Judgement("wrong" if fault else "right", fault, precision, recall)


def _fault(answer: Answer, expected: Expected, allowed: list[str]) -> str:
    if answer.status not in allowed:
        return f"status is {answer.status}, not {expected.status}"
    if answer.status == "refused":
        return ""
    if answer.grounding.unsupported:
        return f"unsupported: {', '.join(answer.grounding.unsupported)}"
    said = _CITED.sub(" ", answer.answer)
    for claim in expected.says:
        if not _made(claim, said, answer.status):
            return f"does not say {_told(claim)}"
    for word in expected.never:
        if _holds(said, word):
            return f"says {word}"
    return _citing(answer, expected, said)


def _citing(answer: Answer, expected: Expected, said: str) -> str:
    cited = {citation.ref for citation in answer.citations}
    for group in expected.groups:
        if not cited & group:
            return f"cites none of {_some(group)}"
    if not expected.refs or not expected.need or answer.status != "answered":
        return ""
    if not cited & expected.refs:
        return f"cites none of {_some(expected.refs)}"
    if not expected.only:
        return ""
    if beyond := cited - expected.refs - (expected.also or frozenset()):
        return f"cites {_some(beyond)}: does not belong"
    if len(cited & expected.refs) < expected.need:
        return f"cites {len(cited & expected.refs)} of {len(expected.refs)} records"
    if len(expected.refs) > SHOWN >= len(cited) and not _made(Number(len(expected.refs)), said, "answered"):
        return f"does not say that there are {len(expected.refs)}"
    return ""


def _some(refs: frozenset[str] | set[str]) -> str:
    shown = sorted(refs)[:3]
    return ", ".join(shown) + (f" and {len(refs) - 3} more" if len(refs) > 3 else "")


def _told(claim: Claim) -> str:
    match claim:
        case Number():
            return f"{claim.value:g}" + (f" {claim.units[0]}" if claim.units else "")
        case Day():
            return claim.text
        case Words():
            return " or ".join(claim.any_of)
        case Way():
            return f"that it went {claim.way}"
        case Verdict():
            return "yes" if claim.yes else "no"
        case Interval():
            return f"how long it is from {claim.since} to {claim.until}"
        case Overdue():
            return "that it is overdue" if claim.yes else "that it is not overdue"


def _made(claim: Claim, said: str, status: str) -> bool:
    match claim:
        case Number():
            return _says_number(claim, said)
        case Day():
            return any(_holds(said, form) for form in forms_of(claim.text))
        case Words():
            return any(_holds(said, text.strip()) for text in claim.any_of)
        case Way():
            return _leads(claim.way, said)
        case Verdict():
            return _affirms(said, status) == claim.yes
        case Interval():
            return _lasts(claim, said)
        case Overdue():
            return _is_overdue(said) == claim.yes


def _holds(said: str, text: str) -> bool:
    """Whether the text stands there as words of its own."""
    return re.search(rf"(?<![\w.]){re.escape(text)}(?![^\WT]|\.\d)", said, re.IGNORECASE) is not None


def forms_of(day: str) -> list[str]:
    """A FHIR date, whole or partial, in the forms that an answer may use."""
    if len(day) == 4:
        return [day]
    month = MONTHS[int(day[5:7]) - 1]
    if len(day) == 7:
        return [day, f"{month} {day[:4]}", f"{month[:3]} {day[:4]}"]
    whole = date.fromisoformat(day[:10])
    year, number = whole.year, whole.day
    forms = [day[:10], f"{number} {month} {year}", f"{month} {number}, {year}"]
    return [*forms, f"{number} {month[:3]} {year}", f"{month[:3]} {number}, {year}"]


def _says_number(claim: Number, said: str) -> bool:
    bare = _DATED.sub(" ", said)
    for found in _NUMBER.finditer(bare):
        text = found[2].replace(",", "")
        sign = (
            -1 if found[1] in {"-", "−"} and not bare[: found.start()].rstrip(" ").endswith(("-", "–")) else 1
        )
        if _fits(claim, float(text) * sign, text) and _in_unit(claim, bare, found.end()):
            return True
    whole = claim.value == int(claim.value) and 0 <= claim.value <= 10 and not claim.units
    return whole and _holds(bare, _COUNTED[int(claim.value)])


def _fits(claim: Number, value: float, text: str) -> bool:
    if not claim.computed:
        return abs(value - claim.value) < 1e-9
    # A change may be told by its size, with the direction in words (which has a claim of its own).
    off = min(abs(value - claim.value), abs(abs(value) - abs(claim.value)))
    places = len(text.partition(".")[2])
    return off <= 0.5 * 10**-places + 1e-9 and off <= 0.02 * abs(claim.value) + 1e-9


def _in_unit(claim: Number, said: str, end: int) -> bool:
    if not claim.units:
        return True
    after = said[end:].lstrip(" /0123456789.").lower()
    return any(after.startswith(unit) for unit in claim.units) or any(
        _holds(said, unit) for unit in claim.units
    )


def _leads(way: str, said: str) -> bool:
    words = {"up": UP.split(), "down": DOWN.split(), "same": SAME}
    told = {name for name, those in words.items() if any(_holds(said, word) for word in those)}
    if re.search(r"\b(up|went up)\b(?! (to|date)\b)", said, re.IGNORECASE):
        told.add("up")
    if told:
        return way in told and not (told - {way, "same"})
    signs = {"up": r"(?<![\w.])\+\d", "down": r"(?<![\w.])[-−]\d"}
    return re.search(signs.get(way, r"$^"), said) is not None


_YES = re.compile(r"\W*yes\b", re.IGNORECASE)
_NO = re.compile(r"\b(no|not|never|none|nothing|nowhere|without)\b", re.IGNORECASE)


def _affirms(said: str, status: str) -> bool:
    """Whether the first sentence says yes: by the word, or by stating it without a negation."""
    opening = re.split(r"(?<=[a-z)\]])[.;:](?:\s|$)|\n", said.strip(), maxsplit=1)[0]
    if _YES.match(said):
        return True
    return status == "answered" and _NO.search(opening) is None


def _lasts(claim: Interval, said: str) -> bool:
    days = (claim.until - claim.since).days
    spans = [
        (1.0 if not found[1][0].isdigit() else float(found[1]), found[2].lower())
        for found in _SPAN.finditer(said)
    ]
    for start in range(len(spans)):
        total = 0.0
        for number, unit in spans[start:]:
            total += number * _DAYS_OF[unit]
            # Hours count where a stay begins and ends: a day more or less is right for days.
            if abs(total - days) <= max(1.0, _DAYS_OF[unit]):
                return True
    return False


def _is_overdue(said: str) -> bool:
    if re.search(r"\b(not|isn't|no longer|never)( yet)? (over)?due\b|\bno\b|up to date", said, re.IGNORECASE):
        return False
    return re.search(r"\boverdue\b|\byes\b|\bpast due\b|was due", said, re.IGNORECASE) is not None
