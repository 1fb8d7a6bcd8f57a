"""A value and a date that are told together must stand together in one row; a change must go its way."""

import re
from collections.abc import Iterator

from agent.grounding.claims import CITATION, Span, dates_in, numbers_in
from agent.grounding.clauses import Clause
from agent.grounding.evidence import blank

_ROSE = r"rose|increased|climbed|went up"
_CHANGE = re.compile(rf"\b(?P<up>{_ROSE})\b|\b(?:fell|decreased|dropped|declined|went down)\b", re.IGNORECASE)
_BOUND = re.compile(r"\b(?:since|after|from|before|until|between|through|to|by|of)\s+$", re.IGNORECASE)


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
