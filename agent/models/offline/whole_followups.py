"""Follow-ups that name nothing ("since when?", "and the year before?"), completed from the one before."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

from agent.models.offline.completions import (
    ASKING,
    IN_RANGE,
    POINTING,
    TIMELESS,
    WHICH,
    completed,
    is_timed,
    narrowed,
)
from agent.models.offline.concepts import Lexicon
from agent.models.offline.intents import intent_of
from agent.models.offline.reading import Reading, read
from agent.models.offline.told import Told, about_the_told
from agent.models.offline.told_times import beside
from agent.models.offline.understanding import Part, Unread
from agent.models.offline.windows import shifted

# A question of one result, the newest or so many before it.
_SINGLE = ASKING - POINTING | {"done", "taken", "latest", "active", "previous", "that", "elapsed"}
# "Since when?", as a question of its own about a drug or a problem.
_SINCE = {
    "drug": ("since when is she on {said}", "when was {said} started"),
    "problem": ("when was she diagnosed with {said}",),
}
_LISTED = ("measurement", "vaccine", "procedure", "imaging", "visit")
_PRESENT = {"drug": {"is", "active", "taking"}, "problem": {"is", "active"}, "measurement": {"latest"}}


def leaning_whole(
    told: Told, reading: Reading, context: Sequence[Part], now: date, lexicon: Lexicon
) -> Part | None:
    """What such a follow-up asks: the question before completed, or one about the records that were told.

    `reading` is that of its own words. None where these mean as much by themselves; raises Unread where the
    question before lacks what it needs.
    """
    if told in ("length", "diagnosis"):
        return _of_the_visit(told, reading, context)
    if told in ("why", "who"):
        found = _of_the_drug(reading, context[-1])
    elif told == "show":
        found = _listed(reading, context[-1])
    elif told == "ever" and reading.cues & WHICH:
        return None  # "how many in total?"
    else:
        completion = _WHOLE.get(told)
        found = completion(context, now, lexicon) if completion else None
    return found or about_the_told(told, context)


def _of_the_visit(told: Told, reading: Reading, context: Sequence[Part]) -> Part | None:
    """How long a visit took, and what was found there, which is its reason."""
    before = context[-1].reading
    if "visit" not in before.cues and not before.concepts("visit"):
        return None
    if told == "diagnosis":
        return about_the_told("why", context)
    return about_the_told(told, context) if before.cues & {"latest", "first", "when"} or before.back else None


def _of_the_drug(reading: Reading, part: Part) -> Part | None:
    """Why or by whom, of the one drug that the question before named."""
    before = narrowed(part.reading, "drug")
    ended = before.cues & {"stopped", "on_hold"}  # why it was stopped, then
    if part.intent.about != "drug" or len(before.mentions) != 1 or reading.unread:
        return None
    asked = replace(before, cues=reading.cues - POINTING | ended, **TIMELESS)
    intent = intent_of(asked)
    return Part(asked, intent, leaning=True) if intent and intent.about == "drug" else None


def _listed(reading: Reading, part: Part) -> Part | None:
    """All of what the question before asked for: how many, one of them, or whether there is any."""
    before = narrowed(part.reading, part.intent.about)
    numbered = before.cues & (WHICH - {"latest", "list", "recent"})
    if not numbered and not ("list" in reading.cues and part.intent.about in _LISTED):
        return None
    listing = replace(before, cues=before.cues - WHICH - (set() if numbered else ASKING) | {"list"}, back=0)
    intent = intent_of(listing)
    return Part(listing, intent) if intent else None


def _preceding(context: Sequence[Part], *_: object) -> Part:
    """The result, or the record, before the newest one that was asked for; one further back each time."""
    before = context[-1].reading
    earlier = replace(before, back=before.back + 1, follow=True)
    chosen = context[-1].intent.name == "last_abnormal"
    if before.concepts("measurement") and not chosen:
        earlier = replace(earlier, cues=before.cues - {"latest", "active", "elapsed"} - IN_RANGE)
        judged = IN_RANGE if context[-1].intent.name == "is_normal" else set()
        single = before.cues <= _SINGLE | judged and not before.n
        if single and before.window and before.window.since and "latest" not in before.cues:
            earlier = replace(before, window=beside(before.window, "before"), cues=frozenset({"latest"}))
        intent = intent_of(earlier) if single else None
        if intent and (intent.name == "previous_result" or not earlier.back):
            return Part(earlier, intent)
    elif before.cues & {"latest", "when"} or before.back or context[-1].intent.name == "last_visit":
        part = about_the_told("before", context[-1:], earlier.back)
        return replace(part, reading=earlier, leaning=False, of_records=False)
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
    return _taken(replace(before, **TIMELESS), needed=is_timed(before))


def _now(context: Sequence[Part], *_: object) -> Part:
    """The question before of a past time, as of now."""
    before = replace(context[-1].reading, **TIMELESS)
    kind = context[-1].intent.about
    if isinstance(kind, str) and kind in _PRESENT and not before.cues & (IN_RANGE | {"dose"}):
        before = replace(narrowed(before, kind), cues=frozenset(_PRESENT[kind]))
        return _taken(before, needed=True)
    present = replace(before, cues=before.cues - {"past"} | {"active"})
    return _taken(present if intent_of(present) else before, needed=True)


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
    """Since when, of the one drug or problem that the question before named."""
    last = context[-1]
    mentions = last.reading.mentions
    for template in _SINCE.get(str(last.intent.about), ()) if len(mentions) == 1 else ():
        reading = narrowed(read(template.format(said=mentions[0].said), now, lexicon), last.intent.about)
        intent = intent_of(reading)
        if intent:
            return Part(reading, intent, leaning=True)
    asked = read("how long", now, lexicon)
    for other in completed(asked, last):
        intent = intent_of(other)
        if intent:
            return Part(other, intent, leaning=True)
    return None


def _elapsed(context: Sequence[Part], *_: object) -> Part | None:
    """How long ago the last one was; of any other, how long ago that was which the answer told."""
    before, name = context[-1].reading, context[-1].intent.name
    last = before.cues & WHICH == {"latest"} and name != "last_abnormal"
    newest = (last or name in ("is_normal", "latest_result")) and not (before.back or is_timed(before))
    asked = replace(narrowed(before, context[-1].intent.about), cues=frozenset({"latest", "elapsed"}))
    intent = intent_of(asked) if newest else None
    return Part(asked, intent, leaning=True) if intent else None


_Completion = Callable[[Sequence[Part], date, Lexicon], Part | None]
_WHOLE: dict[Told, _Completion] = {
    "amount": _dosed,
    "since": _dated,
    "ago": _elapsed,
    "before": _preceding,
    "year_before": _shifted(-1),
    "year_after": _shifted(1),
    "ever": _ever,
    "now": _now,
}
