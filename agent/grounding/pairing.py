"""Values in time: each with its own date, the last one last, and a change in its direction."""

import re
from collections.abc import Iterator
from typing import Any

from agent.grounding.claims import CITATION, Span, dates_in, numbers_in
from agent.grounding.clauses import Clause
from agent.grounding.evidence import Evidence, blank

_ROSE = r"rose|increased|climbed|went up"
_CHANGE = re.compile(rf"\b(?P<up>{_ROSE})\b|\b(?:fell|decreased|dropped|declined|went down)\b", re.IGNORECASE)
_BOUND = re.compile(r"\b(?:since|after|from|before|until|between|through|to|by|of)\s+$", re.IGNORECASE)
_LATEST = re.compile(r"\b(?:last|latest|newest|most recent)\b", re.IGNORECASE)
_EARLIER = re.compile(
    r"\b(?:before|previous|prior|until|second|next|but one|since|within|past|back|last \d)\b", re.IGNORECASE
)


def mispaired(clause: Clause) -> Iterator[Span]:
    """The date of a clause with one measured value and one date, where no row has both."""
    text = CITATION.sub(lambda match: " " * len(match.group()), clause.text)
    dates = list(dates_in(text))
    if len(dates) != 1 or _BOUND.search(text[: dates[0].start]):
        return
    values = [claim.number.value for claim in numbers_in(blank(text, dates[0].start, dates[0].end))]
    valued = [row for row in clause.rows if len(values) == 1 and values[0] in row.measured]
    readings = dates[0].readings
    dated = [row for row in clause.rows if any(r.stands_in(day) for r in readings for day in row.days)]
    if valued and dated and not any(row in dated for row in valued):
        yield Span(dates[0].start, dates[0].end)


def wrong_way(text: str) -> Iterator[Span]:
    """Words of change before "from X to Y" whose numbers go the other way."""
    text = CITATION.sub(lambda match: " " * len(match.group()), text)
    for dated in list(dates_in(text)):
        text = blank(text, dated.start, dated.end)
    for match in _CHANGE.finditer(text):
        told = re.split(r";|\.\s|\n", text[match.end() : match.end() + 300])[0]
        steps = re.match(r"\s+from\b(?P<x>.*?)\bto\b(?P<y>.*)", told, re.DOTALL)
        if not steps:
            continue
        x, y = (next(numbers_in(steps[part]), None) for part in ("x", "y"))
        if x and y and (y.number.value < x.number.value if match["up"] else y.number.value > x.number.value):
            yield Span(match.start(), match.end())


def outdated(clause: Clause, evidence: Evidence) -> Iterator[Span]:
    """Where "last" is said of one value, a newer one of its code is at hand, and no date was asked for."""
    text = CITATION.sub(" ", clause.text)
    match = _LATEST.search(clause.text)
    for dated in list(dates_in(text)):
        text = blank(text, dated.start, dated.end)
    values = [claim.number.value for claim in numbers_in(text)]
    if not match or len(values) != 1 or evidence.asked.days or _EARLIER.search(clause.text):
        return
    told = [row.record for row in clause.rows if row.record.get("value") == float(values[0])]
    others = [row.record for row in evidence.rows if "value" in row.record]
    if told and all(any(_newer(other, row) for other in others) for row in told):
        yield Span(match.start(), match.end())


def _newer(other: dict[str, Any], row: dict[str, Any]) -> bool:
    days = [str(record.get("date", ""))[:10] for record in (other, row)]
    same = bool(row.get("code")) and other.get("code") == row.get("code")
    usable = other.get("status") not in ("entered-in-error", "cancelled")
    return same and usable and all(len(day) == 10 for day in days) and days[0] > days[1]
