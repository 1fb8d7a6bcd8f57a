"""Questions that expect an answer ("isn't he on warfarin?", "..., does she?"): the plain ones in them."""

import re
from dataclasses import replace
from datetime import date

from agent.models.offline.concepts import Lexicon
from agent.models.offline.reading import Reading, read

_VERB = "is|are|was|were|do|does|did|has|have|had"
_WHO = r"she|he|they|it|there|(?:the |this |our |my )?(?:patient|pt)"
_TAG = re.compile(
    rf",?\s+(?:(?:{_VERB})(?:n'?t|\s+not)?\s+(?:{_WHO})(?:\s+not)?|am i right|is that (?:right|correct|true)"
    r"|isn'?t that right)\W*$|,\s*(?:right|correct|true|yes|yeah|no)\W*$",
    re.IGNORECASE,
)
_BEFORE = (
    r"(?:(?:so|and|but|wait|hmm|um|ok|okay|also|just|confirm|confirming|to confirm|that|i thought)\b\W*)*"
)
_ASKS = re.compile(rf"\W*(?:{_VERB}|what|which|when|who|why|how)\b", re.IGNORECASE)
# A negation that a question or statement begins with: within it, it may say which ones are meant.
_NEGATED = re.compile(
    rf"^(?P<before>\W*{_BEFORE})(?:"
    rf"(?P<who>(?:{_WHO})\s+(?:{_VERB})|(?:{_WHO})'(?:s|re|ve|d)|(?:{_VERB})\s+(?:{_WHO})|{_VERB})"
    r"(?:n'?t|\s+not|\s+(?P<never>never))\b|(?:no|not)\b(?!\s*,))\s*",
    re.IGNORECASE,
)
# What may be asked so: whether something is so, and nothing of how much, which or when.
_WHETHER = frozenset(
    {"is", "whether", "past", "taking", "taken", "active", "diagnosed", "allergy", "done", "immunization"}
    | {"procedure", "prescribed", "history", "problem", "visit", "that", "and", "medication"}
)
_KINDS = frozenset({"allergy", "visit", "immunization", "procedure"})


def read_plain(text: str, now: date, lexicon: Lexicon) -> Reading:
    """The question read without its tag and its negation, which then is `negated`; else as it stands."""
    untagged = _untagged(text)
    found = _NEGATED.match(untagged)
    if found is None:
        return read(untagged, now, lexicon)
    rest = untagged[found.end() :]
    plain = " ".join((found["before"], found["who"] or "", "ever" if found["never"] else "", rest))
    reading = read(plain, now, lexicon)
    about = reading.mentions or reading.cues & _KINDS
    if reading.unread or not about or not reading.cues <= _WHETHER:
        return read(untagged, now, lexicon)
    return replace(reading, negated=True)


def _untagged(text: str) -> str:
    """ "She has asthma, right?" without the tag; "What is she?" is none."""
    found = _TAG.search(text)
    before = text[: found.start()] if found else ""
    statement = len(before.split()) > 1 and not re.match(
        rf"\W*(?:{_VERB}|what|which|when|who|why|how)\b", before, re.I
    )
    return before if statement else text
