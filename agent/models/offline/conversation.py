"""A conversation: the last question, understood after those before it."""

from collections.abc import Sequence
from datetime import date

from agent.models.offline.concepts import Lexicon, remembered
from agent.models.offline.followups import is_carried_over
from agent.models.offline.reading import LONGEST, Reading
from agent.models.offline.several import Parts, parts_of, understood_of
from agent.models.offline.understanding import Part, Unread

# Follow-ups lean on one another; further back than this nobody remembers what "that" was.
REMEMBERED = 20


def last_parts(questions: Sequence[str], now: date, lexicon: Lexicon) -> Parts:
    """The parts of the last question, most often one. Raises Unread where it cannot be understood.

    A question that was refused is leant on by none; only one that named nothing leaves what was told before.
    """
    return _last(tuple(questions[-REMEMBERED:]), now, lexicon)


# A question is read again at each step that answers it, and with each that follows it.
@remembered(4 * REMEMBERED)
def _last(questions: tuple[str, ...], now: date, lexicon: Lexicon) -> Parts:
    *before, question = questions
    if len(question) > LONGEST:
        return ()
    context = _leant_on(tuple(before), now, lexicon)
    if context == () and is_carried_over(question, now, lexicon):
        raise Unread("lost", Reading())
    return parts_of(question, context or (), now, lexicon)


@remembered(4 * REMEMBERED)
def _leant_on(questions: tuple[str, ...], now: date, lexicon: Lexicon) -> tuple[Part, ...] | None:
    """What a question after these may lean on; None where nothing was asked yet.

    A part that asked of the records told stays beside what it leant on: either may be leant on next.
    """
    if not questions:
        return None
    before = _leant_on(questions[:-1], now, lexicon)
    try:
        parts = _last(questions, now, lexicon)
    except Unread as problem:
        nothing = problem.why in ("follow", "empty") and not problem.reading.mentions
        return before if nothing else ()
    asked = tuple(part for part in understood_of(parts) if not part.of_records)
    if asked and all(part.leaning for part in asked):
        return (*(part for part in before or () if not part.leaning), *asked)
    return asked or before
