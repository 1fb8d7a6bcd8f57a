"""Reading a question: which cues, concepts and window of time it holds, and what could not be read."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from agent.models.offline.concepts import Concept, Kind, Lexicon
from agent.models.offline.dates import NUMBERS, Ambiguous, written_out
from agent.models.offline.limits import asked_unit_at, limits_at, nth_at, visits_at
from agent.models.offline.occasions import anchor_at
from agent.models.offline.slots import Anchor, Limits, Mention
from agent.models.offline.time_words import SPELLED, known_words
from agent.models.offline.topics import find_topic
from agent.models.offline.windows import Window, window_at
from agent.models.offline.words import stem, words

__all__ = ["LONGEST", "Anchor", "Limits", "Mention", "Reading", "read"]

LONGEST = 400
_SHORTEST_CORRECTED = 5
# The words before a number that limit a value, and nothing that is counted.
_OF_VALUES = ("above", "below", "higher", "lower", "greater", "smaller", "exceeding", ">", "<", "≥", "≤")
_COUNTED = ("visit", "result", "medication", "problem", "allergy", "immunization", "procedure", "dose")
# Of this patient's drug, and not of what any such drug is for.
_HERE = frozenset({"the", "she", "he", "they", "her", "his", "their", "patient", "pt"})
_OF_DAYS = ("on", "since", "from", "of", "by", "until", "before", "after")


@dataclass(frozen=True)
class Reading:
    """A question in parts. `unread` are the words that nothing accounts for: with any, nobody may answer.

    `follow` marks a question that leans on the one before ("and potassium?"); `n` is a number of results
    ("the last 3"); `corrected` are misspelt words with what they were taken for; `back` is how many results
    before the latest one are meant; `plain` is a question of names alone. `unit` is the unit asked for ("in
    mmol/L"), as UCUM; `nth` the place in time of what is asked for ("the second": 2); `visits` how many last
    visits are the window (an open one, as that of an anchor: the chart tells it, Asked.window); `negated`
    a question that expects a no ("isn't he on warfarin?"), which changes no answer. `unclear` is what a time
    with two readings may mean; its words are unread. `topic` is what notes are asked about, in the question's
    own words, which no dictionary need hold.
    """

    cues: frozenset[str] = frozenset()
    mentions: tuple[Mention, ...] = ()
    window: Window | None = None
    n: int | None = None
    follow: bool = False
    unread: tuple[str, ...] = ()
    corrected: tuple[tuple[str, str], ...] = ()
    back: int = 0
    anchor: Anchor | None = None
    limits: Limits | None = None
    unit: str | None = None
    nth: int | None = None
    visits: int | None = None
    negated: bool = False
    unclear: str | None = None
    topic: str | None = None
    plain: bool = field(default=False, compare=False)

    def concepts(self, kind: Kind) -> list[Concept]:
        """What the mentions name, each taken as that kind."""
        return [mention.concepts[kind] for mention in self.mentions if kind in mention.concepts]


def read(text: str, now: date, lexicon: Lexicon) -> Reading:
    """The parts of a question. Every word of it lands in exactly one of them."""
    topic, tokens = find_topic(words(written_out(text, now)), now)
    tokens, corrected = _corrected(tokens, lexicon)
    told, tokens = _slots(tokens, now, lexicon)
    n, tokens = _number_of_results(tokens)
    cues: set[str] = set()
    mentions: list[Mention] = []
    unread: list[str] = []
    follow = False
    named = at = 0
    while at < len(tokens):
        size = _longest_phrase(tokens, at, lexicon)
        phrase = tuple(stem(token) for token in tokens[at : at + max(size, 1)])
        cue = lexicon.cues.get(phrase)
        odd = size == 1 and tokens[at] in lexicon.unread
        if size == 0 or odd or (phrase == ("mean",) and at + 1 == len(tokens)):  # "what does A1c mean?"
            unread.append(tokens[at])
        elif phrase == ("for",) and at + 1 == len(tokens) and at == named and cues == {"what", "is"}:
            if _HERE.isdisjoint(tokens):
                unread.append("for")
            cues.add("why")  # "what is the enoxaparin for?"
        elif phrase in lexicon.concepts:
            named = at + size
            mentions.append(Mention(" ".join(tokens[at : at + size]), lexicon.concepts[phrase]))
        elif cue in ("follow", "and") and not (cues or mentions):
            follow = True
        elif cue:
            cues.add(cue)
        at += max(size, 1)
    of_results = bool(mentions) and all("measurement" in one.concepts for one in mentions)
    if of_results and tokens[:3] == ["how", "long", "ago"]:
        cues = cues - {"when"} | {"elapsed"}
    plain = not unread and len(tokens) == sum(len(mention.said.split()) for mention in mentions)
    return Reading(
        frozenset(cues),
        tuple(mentions),
        n=n,
        follow=follow,
        unread=tuple(unread),
        corrected=tuple(corrected),
        topic=topic,
        plain=plain,
        **told,
    )


def _slots(tokens: list[str], now: date, lexicon: Lexicon) -> tuple[dict[str, Any], list[str]]:
    """The times and numbers of a question by the part of the reading they fill, and the tokens without them.

    Each part is filled once: a second expression stays in the tokens, where nobody will read it. What belongs
    to a name or a phrase ("type 2 diabetes", "how long since") is no part of anything else.
    """
    told, rest = _told(tokens, now, lexicon, anchored=True)
    by_when = "anchor" in told and "when" in tokens and "when" not in rest
    silent = (key in lexicon.fillers or lexicon.cues.get(key) == "done" for key in ((stem(t),) for t in rest))
    if by_when and all(silent):
        told, rest = _told(tokens, now, lexicon, anchored=False)  # "When diagnosed with asthma?" asks when
    if "visits" in told or ("anchor" in told and told["anchor"].bounds):
        told.setdefault("window", Window(None, None, ""))
    return told, rest


def _told(
    tokens: list[str], now: date, lexicon: Lexicon, *, anchored: bool
) -> tuple[dict[str, Any], list[str]]:
    held = _held(tokens, lexicon)
    told: dict[str, Any] = {}
    rest: list[str] = []
    parsers: list[tuple[str, Callable[[int], tuple[Any, ...] | None]]] = [
        ("visits", lambda at: visits_at(tokens, at)),
        ("anchor", lambda at: anchor_at(tokens, at, now, lexicon) if anchored else None),
        ("window", lambda at: window_at(tokens, at, now)),
        ("limits", lambda at: _limits(tokens, at, lexicon)),
        ("unit", lambda at: asked_unit_at(tokens, at)),
        ("nth", lambda at: _nth(tokens, at, lexicon)),
    ]
    at = 0
    while at < len(tokens):
        taken = None
        for part, parse in parsers:
            if part in told:
                continue
            try:
                found = None if "unclear" in told else parse(at)
            except Ambiguous as unclear:
                told["unclear"] = str(unclear)
                break
            if found and not _cuts(held, at, found[-1]):
                taken = part, *found
                break
        if taken is None:
            rest.append(tokens[at])
            at += 1
        elif taken[0] == "nth":
            told |= {"back": taken[1] - 1} if taken[2] else {"nth": taken[1]}
            at = taken[-1]
        else:
            told[taken[0]] = taken[1]
            at = taken[-1]
    return told, rest


def _limits(tokens: list[str], at: int, lexicon: Lexicon) -> tuple[Limits, int] | None:
    """Limits of values; "more than 3 A1c results" and "at least 2 visits" count records."""
    found = limits_at(tokens, at)
    if found is None or found[0].unit or tokens[at] in _OF_VALUES or found[1] == len(tokens):
        return found
    named = tuple(stem(token) for token in tokens[found[1] : found[1] + 1])
    return None if named in lexicon.concepts or lexicon.cues.get(named) in _COUNTED else found


def _nth(tokens: list[str], at: int, lexicon: Lexicon) -> tuple[int, bool, int] | None:
    lead = tokens[at - (2 if tokens[at - 1 : at] == ["the"] else 1)] if at else ""
    named = tuple(stem(token) for token in tokens[at + 1 : at + 1 + lexicon.longest])
    of_one = lead == "of" and any(named[:size] in lexicon.concepts for size in range(1, len(named) + 1))
    if lead in _OF_DAYS and not of_one:  # "the date of the third colonoscopy" is none
        return None  # "on the 5th" is a day of nobody knows which month
    found = nth_at(tokens, at)
    phrase = tuple(stem(token) for token in tokens[at : found[-1]]) if found else ()
    return None if phrase in lexicon.cues else found


def _held(tokens: list[str], lexicon: Lexicon) -> list[tuple[int, int]]:
    """Where names and phrases of more than one word stand, and names with a digit."""
    held = []
    at = 0
    while at < len(tokens):
        size = _longest_phrase(tokens, at, lexicon)
        if size > 1 or (size == 1 and any(char.isdigit() for char in tokens[at])):
            held.append((at, at + size))
        at += max(size, 1)
    return held


def _cuts(held: Iterable[tuple[int, int]], start: int, end: int) -> bool:
    """Whether a stretch of tokens holds a part of a phrase and not all of it."""
    return any(start < last and first < end and not (start <= first and last <= end) for first, last in held)


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
    known = known_words()
    for at, token in enumerate(tokens):
        key = stem(token)
        if (
            len(key) < _SHORTEST_CORRECTED
            or not key.isalpha()
            or key in lexicon.spelled
            or token in lexicon.unread
        ):
            continue
        if key in lexicon.never or token in known:
            continue
        meant = _meant(key, lexicon)
        if meant:
            right = lexicon.spelled.get(meant, meant)
            taken.append((token, right))
            tokens = [*tokens[:at], right, *tokens[at + 1 :]]
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
        for known in {*lexicon.by_length.get(length, ()), *SPELLED.get(length, ())}:
            if known[0] == word[0]:
                distance = OSA.distance(word, known, score_cutoff=allowed + 1)
                near.setdefault(distance, []).append(known)
    best = next((near[distance] for distance in range(1, allowed + 1) if distance in near), [])
    if len(best) != 1:
        return None
    rivals = near.get(min(distance for distance in near) + 1, [])
    return None if best[0] in lexicon.careful and any(word in lexicon.careful for word in rivals) else best[0]
