"""What a follow-up may mean after the question before: its own parts, and from there what it leaves out."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from agent.models.offline.concepts import Kind
from agent.models.offline.reading import Reading
from agent.models.offline.understanding import Part

# Words that only point back ("and that?"), and those that ask nothing new of what they point at.
POINTING = frozenset({"and", "that"})
ASKING = POINTING | {"what", "is", "past", "when", "whether", "result"}
# Which of several records is meant; another such word takes its place.
WHICH = frozenset({"latest", "first", "highest", "lowest", "average", "count", "often", "list", "recent"})
# Of many results: as much of a time as the time is.
OF_MANY = frozenset({"highest", "lowest", "average", "median", "count", "often", "list"})
FIGURES = frozenset({"highest", "lowest", "average", "median", "count"})
IN_RANGE = frozenset({"normal", "abnormal", "high", "low"})
TIME = ("window", "anchor", "visits")
_OTHER = ("mentions", "n", "limits", "unit", "nth", "topic")
TIMELESS: dict[str, Any] = {**dict.fromkeys(TIME), "back": 0}
# These ask how a value stands, and are answered by more than the value.
_JUDGING = ("is_normal", "trend")
# These tell some of the results, among which a follow-up may ask for one.
_CHOOSING = ("abnormal_results", "last_abnormal")
_AMONG = frozenset({"latest", "first", "count"})


def narrowed(reading: Reading, kind: Kind | tuple[Kind, ...] | None) -> Reading:
    """The reading, its names taken as of the kind that an intent is about, if all can be ("flu")."""
    if (
        kind is None
        or isinstance(kind, tuple)
        or any(kind not in mention.concepts for mention in reading.mentions)
    ):
        return reading
    of_kind = (replace(one, concepts={kind: one.concepts[kind]}) for one in reading.mentions)
    return replace(reading, mentions=tuple(of_kind))


def is_timed(reading: Reading) -> bool:
    """Whether the question tells a time."""
    return any(getattr(reading, part) for part in TIME)


def is_new(reading: Reading) -> bool:
    """Whether a follow-up names anything, a time or a number."""
    return any(getattr(reading, part) for part in (*TIME, *_OTHER))


def completed(
    reading: Reading, part: Part, *, overall: bool = False, same: bool = False
) -> Iterator[Reading]:
    """What a follow-up may mean after that part, the likeliest first.

    `overall`: at whatever time; `same`: the very same is asked of another name, so also the one before.
    """
    for before in (narrowed(part.reading, part.intent.about), part.reading):
        held = replace(before, **TIMELESS) if overall else before
        for other in _completed(reading, held, "" if overall else part.intent.name):
            yield replace(other, back=before.back) if same else other


def _completed(reading: Reading, before: Reading, intent: str) -> Iterator[Reading]:
    kept = replace(
        before, corrected=reading.corrected, follow=True, negated=reading.negated, **_said(reading)
    )
    asked = reading.cues - POINTING
    asked = asked - {"list"} if asked & FIGURES else asked  # of all of them
    if reading.mentions:
        kept = replace(kept, back=0, unit=reading.unit)
        if before.topic:
            kept = replace(kept, topic=" ".join(one.said for one in reading.mentions), mentions=())
    if "active" in asked and not is_timed(reading):
        kept = replace(kept, **TIMELESS)
    if asked - ASKING:
        kept = replace(kept, back=0)
        among = replace(kept, cues=before.cues - WHICH - POINTING - {"when"} | asked)
        if intent in _CHOOSING and asked & _AMONG and asked <= ASKING | _AMONG | IN_RANGE:
            yield among
        # Names and a new question: what is left to take from before is the time, which nobody said again.
        yield replace(kept, cues=asked)
        if {"what", "done"} <= asked and "when" not in asked:
            return  # "what was done?" asks for more than the question before
        if asked & WHICH:
            yield among
        yield replace(kept, cues=before.cues | asked)
    elif is_new(reading) or "that" in reading.cues or asked:
        if before.cues & {"count", "often"} and {"what", "result"} <= asked:
            yield replace(kept, cues=before.cues - WHICH | {"list"})  # "what were the values?"
        if intent in _JUDGING and "what" in asked:
            yield replace(kept, cues=before.cues & {"latest"} | asked)
        yield replace(kept, cues=before.cues | asked)
        if reading.limits:  # "any above 2?" is of all, after the lowest as well
            yield replace(kept, cues=before.cues - WHICH | asked)
        if is_new(reading):
            yield kept


def _said(reading: Reading) -> dict[str, Any]:
    """The parts that a follow-up says itself; a new time takes the place of the old one, however told."""
    said = {part: getattr(reading, part) for part in _OTHER if getattr(reading, part)}
    if is_timed(reading):
        said |= {part: getattr(reading, part) for part in TIME}
    return said
