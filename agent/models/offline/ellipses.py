"""Words of a follow-up that stand for what was said before: "past ones", "in that year", "and then"."""

import re
from collections.abc import Sequence

from agent.models.offline.understanding import Part

# "The last one" is the last of what was asked about, no number.
_ONE = re.compile(
    r"\b(last|latest|newest|first|earliest|oldest|highest|lowest|largest|smallest|biggest|greatest|current"
    r"|previous|most recent) ones?"
    r"(?=\W*$|\s+(?:for|in|that|before|done|taken|recorded|she|he|overall|ever|of all)\b)",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"(?:\W|\b(?:and|so|ok|okay|then|now|what about|how about|that|for|was|is|it|what)\b)*", re.I
)
# What "ones" are after a question about all of a kind.
_ONES = re.compile(r"\bones\b", re.IGNORECASE)
_NOUNS = {
    "problem": "problems",
    "pmh": "problems",
    "ended_problem": "problems",
    "medication": "medications",
    "ended_medication": "medications",
    "immunization": "immunizations",
    "procedure": "procedures",
    "visit": "visits",
    "order": "orders",
}
_OF_THEM = re.compile(
    r"\b(any|some|which|how many|all|none)( ones)? (?:of|among|amongst) (?:them|those|these)\b", re.IGNORECASE
)
_MONTH = re.compile(
    r"\b(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b(?!.*\d{4})",
    re.IGNORECASE,
)
# "Could you give that in pounds?" asks for the same in pounds; else to give is no question.
_GIVEN = re.compile(
    r"^\W*(?:(?:can|could|would|will) you (?:please )?)?(?:give|tell|show|convert|put|express|read|turn)"
    r" (?:me )?(?:that|it|this)(?: one)?(?: to me| back| for me)?(?= (?:in|as|into|to)\b)",
    re.IGNORECASE,
)
_THAT_TIME = re.compile(
    r"\s*\b(?:(?:in|for|during|over|within|throughout|of) )?(?:that|the|this)(?: very)? same "
    r"(?:year|month|time|period|window|time ?frame|interval)\b"
    r"|\s*\b(?:(?:in|for|during|over|within|throughout|of) )?that (?:year|month|period|window|time ?frame)\b"
    r"(?=\W*$)",
    re.IGNORECASE,
)
# "Average then?" asks for the average in the end, and of no time.
_THEN = re.compile(
    r"^\W*(?:(?:and|so|but|ok|okay|now)\W+)*then\b\W*|[\s,]+(?:then|too|instead)(?:,? (?:please|pls))?\W*$"
    r"|^\W*(?:now|next)\W+(?=(?:do )?(?:the )?same\b|for\b|and\b|what about\b|how about\b)",
    re.IGNORECASE,
)
OTHERS = frozenset({"other", "else", "additional", "further"})
# Of all that is recorded, whatever part of it was asked about before.
_OVERALL = re.compile(
    r"\b(?:overall|(?:of |for )?all time|ever|of them all|in all|all told|altogether|all together|so far"
    r"|to date|in total|(?:over|across|in|of|for) (?:all(?: of)?|the whole|the entire|every)"
    r" (?:the |these |those |her |his )?"
    r"(?:years?|time|chart|record|history)(?: (?:together|combined))?|all (?:the |these )?years)\b",
    re.IGNORECASE,
)


def without_ones(text: str) -> str:
    """The text without "one" after what says which ("the last one")."""
    return _ONE.sub(r"\1", text)


def is_overall(text: str) -> bool:
    """Whether it asks of all that is recorded ("highest ever?")."""
    return _OVERALL.search(text) is not None


def without_giving(text: str) -> str:
    """The text without "give me that" before the unit that is asked for."""
    return _GIVEN.sub("", text)


def names_month(text: str) -> bool:
    """Whether it names a month and no year."""
    return _MONTH.search(text) is not None and not re.search(r"\b(?:last|this|next|past)\b", text, re.I)


def is_of_whom(text: str) -> bool:
    """Whether it says whose or which ("her sodium level"), as a question of its own does."""
    return re.search(r"\b(?:her|his|their|the|patient'?s)\b", text, re.IGNORECASE) is not None


def is_same(text: str) -> bool:
    """Whether it asks the very same of something else ("same for LDL", "ditto weight")."""
    return re.search(r"\b(?:same|ditto|likewise|repeat)\b", text, re.IGNORECASE) is not None


def is_only_overall(text: str) -> bool:
    """Whether it says that and nothing else ("and over all the years together?")."""
    rest, found = _OVERALL.subn("", text)
    return found > 0 and _BARE.fullmatch(rest) is not None


def filled(text: str, context: Sequence[Part], *, timed: bool) -> str:
    """The text, with the noun of the question before for its "ones", and without words for the same time."""
    before = context[-1].reading
    noun = next((noun for cue, noun in _NOUNS.items() if cue in before.cues), None)
    if noun and not before.mentions:
        text = _OF_THEM.sub(rf"\1 {noun}", _ONES.sub(noun, text))
    return _THAT_TIME.sub("", text) if timed else text


def without_others(text: str) -> str:
    """The text without the words that leave out what was told ("any other problems?")."""
    return re.sub(rf"\s*\b(?:{'|'.join(sorted(OTHERS))})\b", "", text, flags=re.IGNORECASE)


def without_then(text: str) -> str:
    """The text without a "then" that begins or ends it; the text itself where nothing else is left."""
    rest = _THEN.sub("", text)
    return rest if re.search(r"\w", rest) else text
