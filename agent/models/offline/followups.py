"""One question as a whole: what a follow-up leaves unsaid is taken from the question before it."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from agent.models.offline.concepts import Lexicon
from agent.models.offline.courtesies import without_courtesies
from agent.models.offline.intents import Intent, intent_of
from agent.models.offline.negation import read_plain
from agent.models.offline.reading import Reading, read
from agent.models.offline.refusals import is_command
from agent.models.offline.told import Told, about_the_told, asks_of_records
from agent.models.offline.understanding import Part, Unread
from agent.models.offline.windows import shifted

# Words that only point back ("and that?"), and those that ask nothing new of what they point at.
_POINTING = frozenset({"and", "that"})
_ASKING = _POINTING | {"what", "is", "past", "when", "whether", "result"}
# Which of several records is meant; another such word takes its place.
_WHICH = frozenset({"latest", "first", "highest", "lowest", "average", "count", "often", "list", "recent"})
# A question of one result, the newest or so many before it.
_SINGLE = frozenset(
    {
        "what",
        "is",
        "past",
        "when",
        "whether",
        "result",
        "done",
        "taken",
        "latest",
        "active",
        "previous",
        "that",
    }
)
_IN_RANGE = frozenset({"normal", "abnormal", "high", "low"})
TIME = ("window", "anchor", "visits")
_OTHER = ("mentions", "n", "limits", "unit", "nth", "topic")
_TIMELESS: dict[str, Any] = {**dict.fromkeys(TIME), "back": 0}
# "The last one" is the last of what was asked about, no number.
_ONE = re.compile(
    r"\b(last|latest|newest|first|earliest|oldest|highest|lowest|current|previous|most recent) ones?"
    r"(?=\W*$|\s+(?:for|in|that|before|done|taken|recorded|she|he)\b)",
    re.IGNORECASE,
)
# "Since when?", as a question of its own about a drug or a problem.
_SINCE = ("since when is she on {said}", "when was {said} started", "when was she diagnosed with {said}")


def understood(
    text: str, context: Sequence[Part], now: date, lexicon: Lexicon, known: dict[str, Reading]
) -> Part:
    """The question as a reading and the intent that takes it, leaning on the parts of the one before.

    `known` are the readings of texts so far, which one more is added to: reading takes most of the time.
    Raises Unread, saying why.
    """
    alone = _ONE.sub(r"\1", without_courtesies(text))
    told = asks_of_records(text) or asks_of_records(alone)
    if told and context:
        return _WHOLE.get(told, _none)(context, now, lexicon) or about_the_told(told, context)
    if alone not in known:
        known[alone] = read_plain(alone, now, lexicon)
    reading = known[alone]
    if is_command(text):
        raise Unread("shape", reading)
    if reading.unread:
        raise Unread("unread", reading)
    own = intent_of(reading)
    if own and not _leans(reading) and not (context and _is_of_that(reading, own, context[-1].intent)):
        return Part(reading, own)
    for part in reversed(context):
        for other in _completed(_narrowed(reading, part.intent), part.reading):
            same = part.intent.about is not None and part.intent.takes(other)
            intent = part.intent if same else intent_of(other)
            if intent:
                return Part(other, intent)
    if own and "that" not in reading.cues:
        return Part(reading, own)
    if not (reading.cues or reading.mentions or reading.follow or _new(reading)):
        raise Unread("empty", reading)
    leaning = reading.follow or reading.cues & {"that", "previous"} or (context and not reading.mentions)
    raise Unread("follow" if leaning else "shape", reading)


def _leans(reading: Reading) -> bool:
    """Whether a question that can be read alone still means something of the one before."""
    if reading.cues & {"that", "previous"} and not (reading.mentions and "previous" in reading.cues):
        return True
    return reading.follow and not reading.cues - _ASKING


def _is_of_that(reading: Reading, own: Intent, before: Intent) -> bool:
    """Whether bare names, asked after a question of one kind, are names of that kind too ("flu?")."""
    kind = before.about
    return (
        isinstance(kind, str)
        and reading.plain
        and kind not in (None, own.about)
        and all(kind in one.concepts for one in reading.mentions)
    )


def _narrowed(reading: Reading, before: Intent) -> Reading:
    """The reading, its names taken as of the kind asked about before where all can be ("flu": a vaccine)."""
    kind = before.about
    if not isinstance(kind, str) or any(kind not in mention.concepts for mention in reading.mentions):
        return reading
    narrowed = (replace(one, concepts={kind: one.concepts[kind]}) for one in reading.mentions)
    return replace(reading, mentions=tuple(narrowed))


def _new(reading: Reading) -> bool:
    """Whether a follow-up names anything, a time or a number."""
    return any(getattr(reading, part) for part in (*TIME, *_OTHER))


def _completed(reading: Reading, before: Reading) -> Iterator[Reading]:
    """What a follow-up may mean after the question before, the likeliest first."""
    kept = replace(
        before, corrected=reading.corrected, follow=True, negated=reading.negated, **_said(reading)
    )
    asked = reading.cues - _POINTING
    if reading.mentions:
        kept = replace(kept, back=0, unit=reading.unit)
        if before.topic:
            kept = replace(kept, topic=" ".join(one.said for one in reading.mentions), mentions=())
    if "active" in asked and not _is_timed(reading):
        kept = replace(kept, **_TIMELESS)
    if asked - _ASKING:
        # Names and a new question: what is left to take from before is the time, which nobody said again.
        yield replace(kept, cues=asked, back=0)
        if asked & _WHICH:
            yield replace(kept, cues=before.cues - _WHICH - {"when"} | asked, back=0)
        yield replace(kept, cues=before.cues | asked, back=0)
    elif _new(reading) or "that" in reading.cues or asked:
        yield replace(kept, cues=before.cues | asked)
        if _new(reading):
            yield kept


def _said(reading: Reading) -> dict[str, Any]:
    """The parts that a follow-up says itself; a new time takes the place of the old one, however told."""
    said = {part: getattr(reading, part) for part in _OTHER if getattr(reading, part)}
    if any(getattr(reading, part) for part in TIME):
        said |= {part: getattr(reading, part) for part in TIME}
    return said


def _none(*_: object) -> Part | None:
    return None


def _listed(context: Sequence[Part], *_: object) -> Part | None:
    """The question before, asked for a list where it was for a number."""
    before = context[-1].reading
    if not before.cues & (_WHICH - {"latest", "list", "recent"}):
        return None
    listing = replace(before, cues=before.cues - _WHICH | {"list"}, back=0)
    intent = intent_of(listing)
    return Part(listing, intent) if intent else None


def _preceding(context: Sequence[Part], *_: object) -> Part:
    """The result, or the record, before the newest one that was asked for; one further back each time."""
    before = context[-1].reading
    earlier = replace(before, back=before.back + 1, follow=True)
    if before.concepts("measurement"):
        earlier = replace(earlier, cues=before.cues - {"latest", "active"} - _IN_RANGE)
        single = before.cues <= _SINGLE | _IN_RANGE and not before.n
        intent = intent_of(earlier) if single else None
        if intent:
            return Part(earlier, intent)
    elif before.cues & {"latest", "when"} or before.back:
        part = about_the_told("before", context[-1:], earlier.back)
        return replace(part, reading=earlier, leaning=False)
    raise Unread("follow", Reading())


def _shifted(years: int) -> "_Completion":
    def in_that_year(context: Sequence[Part], *_: object) -> Part:
        before = context[-1].reading
        window = shifted(before.window, years) if before.window else None
        return _taken(replace(before, window=window, back=0), needed=window is not None)

    return in_that_year


def _ever(context: Sequence[Part], *_: object) -> Part:
    """The question before, without its time."""
    before = context[-1].reading
    return _taken(replace(before, **_TIMELESS), needed=_is_timed(before))


def _now(context: Sequence[Part], *_: object) -> Part:
    """The question before of a past time, as of now."""
    before = replace(context[-1].reading, **_TIMELESS)
    present = replace(before, cues=before.cues - {"past"} | {"active"})
    return _taken(present if intent_of(present) else before, needed=True)


def _is_timed(reading: Reading) -> bool:
    return any(getattr(reading, part) for part in TIME)


def _taken(reading: Reading, *, needed: bool) -> Part:
    """The part of that reading, where what it needs is there and an intent takes it."""
    intent = intent_of(reading) if needed else None
    if intent is None:
        raise Unread("follow", Reading())
    return Part(reading, intent)


def _dosed(context: Sequence[Part], *_: object) -> Part | None:
    """What dose, of the drugs that the question before named."""
    reading = replace(context[-1].reading, cues=frozenset({"what", "dose"}))
    intent = intent_of(reading) if reading.concepts("drug") else None
    return Part(reading, intent, leaning=True) if intent else None


def _dated(context: Sequence[Part], now: date, lexicon: Lexicon) -> Part | None:
    """Since when, of the one thing that the question before named."""
    mentions = context[-1].reading.mentions
    for template in _SINCE if len(mentions) == 1 else ():
        reading = read(template.format(said=mentions[0].said), now, lexicon)
        intent = intent_of(reading)
        if intent:
            return Part(reading, intent, leaning=True)
    asked = read("how long", now, lexicon)
    for other in _completed(asked, context[-1].reading) if not asked.unread else ():
        intent = intent_of(other)
        if intent:
            return Part(other, intent, leaning=True)
    return None


_Completion = Callable[[Sequence[Part], date, Lexicon], Part | None]
_WHOLE: dict[Told, _Completion] = {
    "show": _listed,
    "amount": _dosed,
    "since": _dated,
    "before": _preceding,
    "year_before": _shifted(-1),
    "year_after": _shifted(1),
    "ever": _ever,
    "now": _now,
}
