"""Follow-up questions: what "and potassium?", "the one before that?" and "when was that?" lean on."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from agent.models.offline.concepts import Lexicon
from agent.models.offline.intents import intent_of
from agent.models.offline.reading import Reading, read

# Asking these again with "when was that?" repeats an answer that gives the date.
_DATED = {"latest_result", "previous_result", "statistics", "last_visit", "immunizations", "procedures"}
_REPEATABLE = {"previous", "latest_result", "previous_result"}


def read_last(questions: Sequence[str], now: date, lexicon: Lexicon) -> Reading:
    """The last question, with what it leaves unsaid taken from the readable ones before it."""
    context: Reading | None = None
    reading = Reading()
    for question in questions:
        reading = read(question, now, lexicon)
        if not reading.unread and (reading.follow or "that" in reading.cues or _only_previous(reading)):
            reading = followed(reading, context)
        context = reading if intent_of(reading) else None
    return reading


def _only_previous(reading: Reading) -> bool:
    return "previous" in reading.cues and not reading.mentions


def followed(reading: Reading, context: Reading | None) -> Reading:
    """A follow-up as a whole question; unchanged, to be refused, where it does not fit what came before."""
    if context is None:
        return reading if intent_of(reading) and "that" not in reading.cues else _lost(reading)
    before = intent_of(context)
    asked = reading.cues - {"and", "that", "what", "is", "past", "when", "whether", "previous"}
    kept = replace(context, corrected=reading.corrected, follow=True)
    if "previous" in reading.cues and before is not None and before.name in _REPEATABLE:
        if asked or reading.mentions or reading.window:
            return _lost(reading)
        return replace(kept, cues=context.cues - {"latest", "active"}, back=context.back + 1)
    if "that" in reading.cues:
        fits = "when" in reading.cues and before is not None and before.name in _DATED
        return kept if fits and not asked and not reading.mentions and not reading.window else _lost(reading)
    if reading.mentions and not asked and not reading.window:
        return replace(kept, mentions=reading.mentions, back=0)
    if reading.window and not asked and not reading.mentions:
        return replace(kept, window=reading.window)
    if intent_of(reading):
        return reading
    other = replace(kept, cues=reading.cues - {"and"}, back=0)
    return other if not reading.mentions and not reading.window and intent_of(other) else _lost(reading)


def _lost(reading: Reading) -> Reading:
    return replace(reading, lost=True)
