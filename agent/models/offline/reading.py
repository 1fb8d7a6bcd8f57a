"""Reading a question: which cues, concepts and window of time it holds, and what could not be read."""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from agent.models.offline.concepts import Concept, Kind, Lexicon
from agent.models.offline.windows import MONTHS, NUMBERS, UNITS, Window, find_window
from agent.models.offline.words import stem, words

LONGEST = 400
_SHORTEST_CORRECTED = 5


@dataclass(frozen=True)
class Mention:
    """Words of the question that name something; what they name may depend on the kind that is asked for."""

    said: str
    concepts: dict[Kind, Concept]


@dataclass(frozen=True)
class Limits:
    """Strictly above or below a number ("over 7", "under 140 mmHg"), or both; the unit as it was written."""

    above: float | None = None
    below: float | None = None
    unit: str | None = None


@dataclass(frozen=True)
class Anchor:
    """An event of the chart by which a time is told: "when metformin was started", "before surgery".

    `event` is what happened to what the mention names; without a mention, any of that kind. `age` is in
    years ("at age 60"). `which`: the first such event, or the last where None says nothing else.
    """

    side: Literal["at", "before", "after"]
    event: Literal[
        "start", "stop", "diagnosis", "procedure", "admission", "discharge", "visit", "dose", "age"
    ]
    mention: Mention | None = None
    age: int | None = None
    which: Literal["first", "last"] | None = None


@dataclass(frozen=True)
class Reading:
    """A question in parts. `unread` are the words that nothing accounts for: with any, nobody may answer.

    `follow` marks a question that leans on the one before ("and potassium?"); `n` is a number of results
    ("the last 3"); `corrected` are misspelt words with what they were taken for; `back` is how many results
    before the latest one are meant; `lost` is a follow-up that fits no earlier question, and `plain` a
    question of names alone. `unit` is the unit asked for ("in mmol/L"), as UCUM; `nth` the place in time of
    what is asked for ("the second": 2); `visits` how many last visits are the window; `negated` a question
    that expects a no ("isn't he on warfarin?"), which changes no answer.
    """

    cues: frozenset[str] = frozenset()
    mentions: tuple[Mention, ...] = ()
    window: Window | None = None
    n: int | None = None
    follow: bool = False
    unread: tuple[str, ...] = ()
    corrected: tuple[tuple[str, str], ...] = ()
    back: int = 0
    lost: bool = False
    anchor: Anchor | None = None
    limits: Limits | None = None
    unit: str | None = None
    nth: int | None = None
    visits: int | None = None
    negated: bool = False
    plain: bool = field(default=False, compare=False)

    def concepts(self, kind: Kind) -> list[Concept]:
        """What the mentions name, each taken as that kind."""
        return [mention.concepts[kind] for mention in self.mentions if kind in mention.concepts]


def read(text: str, now: date, lexicon: Lexicon) -> Reading:
    """The parts of a question. Every word of it lands in exactly one of them."""
    tokens, corrected = _corrected(words(text), lexicon)
    window, tokens = find_window(tokens, now)
    n, tokens = _number_of_results(tokens)
    cues: set[str] = set()
    mentions: list[Mention] = []
    unread: list[str] = []
    follow = False
    at = 0
    while at < len(tokens):
        size = _longest_phrase(tokens, at, lexicon)
        phrase = tuple(stem(token) for token in tokens[at : at + max(size, 1)])
        cue = lexicon.cues.get(phrase)
        odd = size == 1 and tokens[at] in lexicon.unread
        if size == 0 or odd or (phrase == ("mean",) and at + 1 == len(tokens)):  # "what does A1c mean?"
            unread.append(tokens[at])
        elif phrase in lexicon.concepts:
            mentions.append(Mention(" ".join(tokens[at : at + size]), lexicon.concepts[phrase]))
        elif cue in ("follow", "and") and not (cues or mentions):
            follow = True
        elif cue:
            cues.add(cue)
        at += max(size, 1)
    plain = not unread and len(tokens) == sum(len(mention.said.split()) for mention in mentions)
    return Reading(
        frozenset(cues), tuple(mentions), window, n, follow, tuple(unread), tuple(corrected), plain=plain
    )


def _longest_phrase(tokens: list[str], at: int, lexicon: Lexicon) -> int:
    found = tuple(stem(token) for token in tokens[at : at + lexicon.longest])
    for size in range(len(found), 0, -1):
        phrase = found[:size]
        if phrase in lexicon.concepts or phrase in lexicon.cues or phrase in lexicon.fillers:
            return size
    return 0


def _number_of_results(tokens: list[str]) -> tuple[int | None, list[str]]:
    """`last 3`, `latest three`, `3 most recent`: the number, and the tokens without it."""
    for at, token in enumerate(tokens):
        count = int(token) if token.isdigit() and len(token) <= 2 else NUMBERS.get(token)
        if not count:
            continue
        if tokens[max(at - 1, 0) : at] in (["last"], ["latest"], ["recent"], ["past"], ["newest"]):
            rest = [word for word in tokens[:at] if word != "past"] + tokens[at + 1 :]
            return count, rest
        if tokens[at + 1 : at + 2] in (["latest"], ["newest"], ["last"]) or (
            tokens[at + 1 : at + 3] == ["most", "recent"]
        ):
            return count, tokens[:at] + tokens[at + 1 :]
    return None, tokens


def _corrected(tokens: list[str], lexicon: Lexicon) -> tuple[list[str], list[tuple[str, str]]]:
    """The tokens with misspelt words put right, and what was taken for what."""
    taken: list[tuple[str, str]] = []
    for at, token in enumerate(tokens):
        key = stem(token)
        if (
            len(key) < _SHORTEST_CORRECTED
            or not key.isalpha()
            or key in lexicon.spelled
            or token in lexicon.unread
        ):
            continue
        if key in lexicon.never or token in MONTHS or token in NUMBERS or token in UNITS:
            continue
        meant = _meant(key, lexicon)
        if meant:
            taken.append((token, lexicon.spelled[meant]))
            tokens = [*tokens[:at], lexicon.spelled[meant], *tokens[at + 1 :]]
    return tokens, taken


def _meant(word: str, lexicon: Lexicon) -> str | None:
    """The one word of the vocabulary that `word` may be a misspelling of; None when there is none or more.

    The first letter must be right. Look-alike drug names are the reason for the second condition: a drug is
    taken only where no other word is nearly as close.
    """
    from rapidfuzz.distance import OSA

    allowed = 1 if len(word) < 8 else 2
    near: dict[int, list[str]] = {}
    for length in range(len(word) - allowed, len(word) + allowed + 1):
        for known in lexicon.by_length.get(length, ()):
            if known[0] == word[0]:
                distance = OSA.distance(word, known, score_cutoff=allowed + 1)
                near.setdefault(distance, []).append(known)
    best = next((near[distance] for distance in range(1, allowed + 1) if distance in near), [])
    if len(best) != 1:
        return None
    rivals = near.get(min(distance for distance in near) + 1, [])
    return None if best[0] in lexicon.careful and any(word in lexicon.careful for word in rivals) else best[0]
