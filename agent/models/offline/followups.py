"""One question as a whole: what a follow-up leaves unsaid is taken from the question before it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from agent.models.offline.asides import without_asides
from agent.models.offline.circumstances import cuts
from agent.models.offline.clefts import without_cleft
from agent.models.offline.completions import ASKING, FIGURES, OF_MANY, completed, is_new, is_timed, narrowed
from agent.models.offline.concepts import Lexicon
from agent.models.offline.courtesies import without_courtesies
from agent.models.offline.ellipses import (
    OTHERS,
    filled,
    is_of_whom,
    is_only_overall,
    is_overall,
    is_same,
    names_month,
    without_giving,
    without_ones,
    without_others,
    without_then,
)
from agent.models.offline.intents import Intent, intent_of
from agent.models.offline.misspellings import respelled
from agent.models.offline.negation import read_plain
from agent.models.offline.reading import Mention, Reading, read
from agent.models.offline.refusals import outright
from agent.models.offline.told import asks_of_records
from agent.models.offline.told_times import Side, at_told_time, before_that, time_told
from agent.models.offline.understanding import Part, Unread
from agent.models.offline.whole_followups import leaning_whole

# What a sentence is built of. It tells kinds of questions apart; where none fits, what is left may be enough.
_GRAMMAR = frozenset({"whether", "taking"})
# Words that point back where they else say nothing: "how many times has it been ordered", "its story".
_POINTING_BACK = re.compile(
    r"\b(?:has|have|had) (?:it|that) been (?:\w+ed|given|taken|done|drawn)\b|\bits\b", re.IGNORECASE
)

_IT = re.compile(r"\bit\b", re.IGNORECASE)
# What the asker is about to do may name what is no part of the question ("before I give the penicillin").
_ACT = re.compile(
    r"\W*(?:before (?:i|we)|(?:(?:i am|we are) )?(?:about|going) to"
    r"|(?:i am|we are) (?:doing|finishing|completing|preparing|writing))\b",
    re.IGNORECASE,
)
# Of the one before nothing is asked but what it was.
_BEFORE = ASKING | {"previous", "done", "taken", "latest"}
# What a question about all calls the kind of which one was named.
_CALLED = {
    "drug": "medication",
    "problem": "problem",
    "vaccine": "immunization",
    "procedure": "procedure",
    "visit": "visit",
    "substance": "allergy",
}
# After drinking or smoking, "drugs?" may mean the habit, and not the medications.
_DRUGS = re.compile(r"\W*(?:(?:and|or|any|what about|how about)\s+)*drugs?\W*", re.IGNORECASE)
_HABITS = frozenset({"alcohol use", "tobacco smoking status"})
_VISITS = re.compile(r"\b(?:visits?|encounters?|appointments?|consultations?|contacts?)\b", re.IGNORECASE)


def understood(
    text: str, context: Sequence[Part], now: date, lexicon: Lexicon, known: dict[str, Reading]
) -> Part:
    """The question as a reading and the intent that takes it, leaning on the parts of the one before.

    What stands around it and asks nothing is left out where it cannot be read as it stands. `known` are the
    readings of texts so far, which one more is added to: reading takes most of the time.
    Raises Unread, saying why.
    """
    try:
        return _in_its_time(text, context, now, lexicon, known)
    except Unread:
        for question, clause, taken in _without_what_stands_around(text, lexicon):
            about = read(clause, now, lexicon)
            if question == text or is_new(replace(about, mentions=())):
                continue
            pointing = about.mentions and _IT.search(question)
            if pointing and len(about.mentions) == 1:  # "I'm giving aspirin, any allergy to it?"
                question = _IT.sub(about.mentions[0].said, question)
            elif about.mentions and (pointing or not _ACT.match(clause)):
                continue
            try:
                part = _in_its_time(question, () if about.mentions else context, now, lexicon, known)
            except Unread:
                continue
            return replace(part, reading=replace(part.reading, corrected=(*taken, *part.reading.corrected)))
        raise


def _without_what_stands_around(
    text: str, lexicon: Lexicon
) -> Iterator[tuple[str, str, tuple[tuple[str, str], ...]]]:
    """What may be the question alone, the clause that is left out, and the words that are put right in it."""
    spelled, taken = respelled(text, lexicon)
    for said, corrected in ((text, ()), (spelled, taken)) if taken else ((text, ()),):
        alone = without_asides(said)
        wanted = (without_cleft(said), ""), (without_cleft(alone[0]), alone[1])
        for question, clause in (*wanted, alone, *cuts(said), *cuts(alone[0])):
            yield question, clause, corrected


def is_carried_over(text: str, now: date, lexicon: Lexicon) -> bool:
    """Whether it only names what the question before is to be asked about too ("what about LDL?")."""
    reading = read_plain(without_courtesies(text), now, lexicon)
    return reading.follow and bool(reading.mentions) and not reading.cues - ASKING


def _in_its_time(
    text: str, context: Sequence[Part], now: date, lexicon: Lexicon, known: dict[str, Reading]
) -> Part:
    """The question, where it tells its time by the last answer ("any since then?") as of that."""
    found = time_told(text) if context and asks_of_records(text) != "ago" else None
    if found is None and context:
        found = _before_another(text, context[-1].reading, now, lexicon)
    if found is None:
        return _as_it_stands(text, context, now, lexicon, known)
    rest, side = found
    if not rest:
        return at_told_time(context[-1], side, context)
    said = read_plain(without_courtesies(rest), now, lexicon)
    if side == "then" and not said.mentions and intent_of(said) is None:
        return _as_it_stands(rest, context, now, lexicon, known)
    if is_timed(said):
        raise Unread("shape", said)
    return at_told_time(_as_it_stands(rest, context, now, lexicon, known), side, context)


def _before_another(text: str, before: Reading, now: date, lexicon: Lexicon) -> tuple[str, Side] | None:
    """ "And her weight before that?" after another question; of the same name it is the result before."""
    rest = before_that(text)
    named = read_plain(rest, now, lexicon).mentions if rest else ()
    return (
        (rest, "before") if rest and named and not set(_names(named)) & set(_names(before.mentions)) else None
    )


def _names(mentions: Sequence[Mention]) -> Iterator[str]:
    return (concept.name for one in mentions for concept in one.concepts.values())


def _as_it_stands(
    text: str, context: Sequence[Part], now: date, lexicon: Lexicon, known: dict[str, Reading]
) -> Part:
    text = without_giving(text) if context else text
    alone = without_ones(without_courtesies(text))
    told = asks_of_records(text) or asks_of_records(alone) or ("ever" if is_only_overall(text) else None)
    alone = without_then(alone)
    if context:
        alone = filled(alone, context, timed=is_timed(context[-1].reading))
    reading = _read_after(alone, context, now, lexicon, known)
    if told is None and "previous" in reading.cues <= _BEFORE and not is_new(reading):
        told = "before"
    part = leaning_whole(told, reading, context, now, lexicon) if told and context else None
    if part:
        return part
    if outright(text) or (context and _DRUGS.fullmatch(text) and _asks_of_a_habit(context[-1].reading)):
        raise Unread("shape", reading)
    if context and reading.unread and set(reading.unread) <= OTHERS:
        return _all_of_them(read_plain(without_others(alone), now, lexicon), context[-1])
    if reading.unread:
        raise Unread("unread", reading)
    if context and "visit" in reading.cues and reading.follow and not _VISITS.search(text):
        reading = _of_that_class(reading, context[-1].reading)
    own = intent_of(reading)
    if own is None and not context:
        reading = _without_grammar(reading)
        own = intent_of(reading)
    overall, same = is_overall(text), is_same(text)
    if own and not (context and _needs(reading, own, context[-1], text, overall=overall)):
        return Part(reading, own)
    for before in reversed(context):
        for other in completed(narrowed(reading, before.intent.about), before, overall=overall, same=same):
            held = before.intent.about is not None and before.intent.takes(other)
            intent = before.intent if held else intent_of(other)
            if intent:
                return Part(other, intent)
    if own and "that" not in reading.cues:
        return Part(reading, own)
    if not (reading.cues or reading.mentions or reading.follow or is_new(reading)):
        raise Unread("empty", reading)
    leaning = reading.follow or reading.cues & {"that", "previous"} or (context and not reading.mentions)
    raise Unread("follow" if leaning else "shape", reading)


def _asks_of_a_habit(reading: Reading) -> bool:
    return bool(reading.cues & {"alcohol", "smoking"} or _HABITS & set(_names(reading.mentions)))


def _read_after(
    text: str, context: Sequence[Part], now: date, lexicon: Lexicon, known: dict[str, Reading]
) -> Reading:
    """The reading of the words alone; a month without a year is of the year that was asked about."""
    window = context[-1].reading.window if context else None
    year = window and (window.until or window.since)
    if year and names_month(text):
        return read_plain(text, min(now, date(int(year[:4]), 12, 31)), lexicon)
    if text not in known:
        known[text] = read_plain(text, now, lexicon)
    return known[text]


def _needs(reading: Reading, own: Intent, before: Part, text: str, *, overall: bool) -> bool:
    """Whether a question that can be read alone still means something of the one before."""
    if own.about == "measurement" != before.intent.about and not (
        before.reading.mentions or reading.cues - {"result"}
    ):
        return is_timed(before.reading)  # after "any allergies?" a potassium is a result
    if _leans(reading) or _is_of_that(reading, before.intent, text):
        return True
    if not reading.mentions and _POINTING_BACK.search(text):
        return True
    # "And how many creatinine results?" is of the year that was asked about.
    alike = reading.follow and reading.cues & OF_MANY and own.about == before.intent.about is not None
    return bool(alike) and not overall and is_timed(before.reading) and not is_timed(reading)


def _all_of_them(reading: Reading, before: Part) -> Part:
    """ "Any other problems?", "what else is she on?": all of the kind, and so the others too."""
    noun = _CALLED.get(str(before.intent.about))
    if noun and not reading.mentions and not reading.cues & set(_CALLED.values()):
        reading = replace(reading, cues=reading.cues | {noun})
    intent = None if reading.unread else intent_of(reading)
    if intent is None:
        raise Unread("follow", reading)
    return Part(reading, intent)


def _of_that_class(reading: Reading, before: Reading) -> Reading:
    """ "And how often has she been in?" asks of the kind of visit that was asked about."""
    if reading.mentions or is_timed(reading):
        return reading
    if before.cues & {"in_hospital", "stay_length"}:
        return replace(reading, cues=reading.cues | {"in_hospital"})
    return (
        replace(reading, mentions=narrowed(before, "visit").mentions) if before.concepts("visit") else reading
    )


def _without_grammar(reading: Reading) -> Reading:
    """The reading without the cues that ask for nothing more, where any other is left."""
    rest = reading.cues - (_GRAMMAR - {"taking"} if "past" in reading.cues else _GRAMMAR)
    rest = rest - {"list"} if rest & FIGURES else rest - {"when"} if "list" in rest else rest
    return replace(reading, cues=rest) if rest else reading


def _leans(reading: Reading) -> bool:
    if reading.cues & {"that", "previous"} and not (reading.mentions and "previous" in reading.cues):
        return True
    return reading.follow and not reading.cues - ASKING


def _is_of_that(reading: Reading, before: Intent, text: str) -> bool:
    """Whether bare names, asked after a question of one kind, are names of that kind too ("flu?").

    LOINC's own names of tests end in words for a result.
    """
    kind = before.about
    bare = reading.plain or (reading.cues == {"result"} and not is_of_whom(text))
    return isinstance(kind, str) and bare and all(kind in one.concepts for one in reading.mentions)
