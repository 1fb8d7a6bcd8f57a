"""What tells who somebody is in a text: the one scan that de-identification and the gate share."""

import re
from collections.abc import Iterator

from agent.egress.deidentification.dates import dates_in
from agent.egress.deidentification.identifiers import Identifiers
from agent.egress.deidentification.patterns import identifiers_in, old_ages_in, zips_in
from agent.egress.deidentification.spans import Span, apart
from agent.egress.deidentification.vault import BRACKETED, TOKEN

# Longer runs without a blank are files, not words, and patterns take a time that grows with their square.
UNBROKEN = re.compile(r"\S{2000}")


def told_in(text: str, chart: Identifiers) -> list[Span]:
    """Everything of the dictionary, and everything that looks like an identifier, outside tokens."""
    tokens = [match.span() for match in TOKEN.finditer(text)]
    tokens += [match.span() for match in BRACKETED.finditer(text)]
    # Before they are made one: what a pattern sees in a token must not take a name beside it along.
    outside = (
        one
        for one in _told(text, chart)
        if not any(start < one.end and one.start < end for start, end in tokens)
    )
    return apart(outside)


def _told(text: str, chart: Identifiers) -> Iterator[Span]:
    yield from chart.in_text(text)
    # A date may look like a number of another kind, and is none.
    dates = [one for one in dates_in(text) if one.first is not None]
    for span in identifiers_in(text, chart.codes):
        if not any(one.start <= span.start and span.end <= one.end for one in dates):
            yield span
    for start, end in old_ages_in(text):
        yield Span(start, end, "AGE")
    for start, end in zips_in(text):
        yield Span(start, end, "PLACE", "zip")
    days = chart.days_of_life()
    for one in dates if days else ():
        if one.full and one.first in days:
            yield Span(one.start, one.end, "DATE")
