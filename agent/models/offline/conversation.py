"""A conversation: the last question, understood after those before it."""

from collections.abc import Sequence
from datetime import date

from agent.models.offline.concepts import Lexicon
from agent.models.offline.reading import LONGEST
from agent.models.offline.several import Parts, parts_of, understood_of
from agent.models.offline.understanding import Part, Unread

# Follow-ups lean on one another; further back than this nobody remembers what "that" was.
REMEMBERED = 20


def last_parts(questions: Sequence[str], now: date, lexicon: Lexicon) -> Parts:
    """The parts of the last question, most often one. Raises Unread where it cannot be understood.

    A question that was refused is leant on by none; only one that named nothing leaves what was told before.
    """
    context: tuple[Part, ...] = ()
    parts: Parts = ()
    recent = questions[-REMEMBERED:]
    for number, question in enumerate(recent, 1):
        try:
            parts = parts_of(question, context, now, lexicon) if len(question) <= LONGEST else ()
        except Unread as problem:
            if number == len(recent):
                raise
            context = context if problem.why == "follow" and not problem.reading.mentions else ()
            continue
        context = tuple(part for part in understood_of(parts) if not part.leaning) or context
    return parts
