"""Places in a text that tell who somebody is."""

from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

Class = Literal[
    "PERSON", "PLACE", "ORGANISATION", "DATE", "AGE", "PHONE", "EMAIL", "SSN", "RECORD", "PLAN", "ACCOUNT",
    "LICENCE", "VEHICLE", "DEVICE", "URL", "IP", "BIOMETRIC", "ID", "REFERENCE", "CURSOR", "TEXT",
]  # fmt: skip
CLASSES: tuple[Class, ...] = get_args(Class)
"""What a token may stand for. Of the 18 classes of 45 CFR 164.514(b)(2), fax numbers go as PHONE, medical
record numbers as RECORD, beneficiary numbers as PLAN, and the rest of (R) as ID; TEXT is chart text that
looks like a token of ours. Photographs have no token: they never leave."""


class Span(NamedTuple):
    """`text[start:end]` is of class `kind`. What has the same `entity` is the same person or thing."""

    start: int
    end: int
    kind: Class
    entity: str = ""


def apart(spans: Iterable[Span]) -> list[Span]:
    """The spans in their order, those that overlap made one, so that no part of any is left.

    One that is made of several is of the class of the longest, of equals of the first named, and of an entity
    of that class that any names.
    """
    found: list[Span] = []
    lengths: list[int] = []
    for span in sorted(spans, key=lambda one: one.start):
        if not found or span.start >= found[-1].end:
            found.append(span)
            lengths.append(span.end - span.start)
            continue
        last, length = found[-1], span.end - span.start
        chosen = span if length > lengths[-1] else last
        entity = chosen.entity or next((one.entity for one in (last, span) if one.kind == chosen.kind), "")
        found[-1] = Span(last.start, max(last.end, span.end), chosen.kind, entity)
        lengths[-1] = max(length, lengths[-1])
    return found
