"""Reading a question: which cues, concepts and window of time it holds, and what could not be read."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from typing import Any

from agent.models.offline.concepts import Concept, Kind, Lexicon, remembered
from agent.models.offline.dates import NUMBERS, UNITS, Ambiguous, number, written_out
from agent.models.offline.equivalents import said_plainly
from agent.models.offline.limits import asked_unit_at, limits_at, nth_at, visits_at
from agent.models.offline.mentions import add_mention
from agent.models.offline.misspellings import put_right
from agent.models.offline.occasions import anchor_at
from agent.models.offline.slots import Anchor, Limits, Mention
from agent.models.offline.topics import find_topic, is_of_notes
from agent.models.offline.windows import CLOSELY, Window, window_at
from agent.models.offline.words import stem, words

__all__ = ["LONGEST", "Anchor", "Limits", "Mention", "Reading", "read"]

LONGEST = 400
# What is done on a day: "the dates of" it are all of them.
_EVENTS: frozenset[Kind] = frozenset({"vaccine", "procedure", "imaging", "visit"})
# "The sprain, did that go away?"
_DID = ("is", "was", "are", "were", "has", "had", "did", "does")
_RELATIVE_OF = "relative_"
_EVENT_CUES = frozenset({"visit", "immunization", "procedure", "surgery", "imaging"})
# The words before a number that limit a value, and nothing that is counted.
_OF_VALUES = ("above", "below", "higher", "lower", "greater", "smaller", "exceeding", ">", "<", "≥", "≤")
_COUNTED = ("visit", "result", "medication", "problem", "allergy", "immunization", "procedure", "dose")
# Of this patient's drug, and not of what any such drug is for.
_HERE = frozenset({"the", "she", "he", "they", "her", "his", "their", "patient", "pt"})
# "What was she given the enoxaparin for?" asks why.
_USED = frozenset({"what", "is", "past", "prescribed", "started", "done", "given"})
# Of an order it asks whether that was done; else it is only how a result is asked for.
_CAME_BACK = (("come", "back"), ("came", "back"))
# Of many results, one or all.
_MANY = frozenset({"list", "recent", "history", "count", "often", "highest", "lowest", "average", "median"})
# A figure of a time is of that time alone; whether something was so then alone is another question.
_ALONE = (["only"], ["alone"])
_FIGURES = frozenset({"highest", "lowest", "average", "median", "count", "list"})
# Beside "when he had it", these ask when that was: "what are all the dates when he had it?".
_SILENT = frozenset({"done", "what", "is", "list", "when", "latest", "first"})
# Asked for when, each of many is.
_DAYS = frozenset({"dates", "days", "doses", "occasions"})
# With these, prescriptions of a time are those in force then.
_IN_FORCE = frozenset({"active", "taking", "taken"})
_OF_DAYS = ("on", "since", "from", "of", "by", "until", "before", "after")

# "The orders that are open" points back at nothing; "when was that" and "is that high" do.
_POINTED_AT = (
    "and|or|but|is|was|are|were|do|does|did|has|had|have|can|of|about|for|to|than|with|on|in|at|from|by|what"
    "|when|why|how|who|which|where|if|so|before|after|since|until|know|think|says?|said|means?|not"
)
_SAID_OF = (
    r"(?:is|are|was|were|has|have|had)(?:n['’]t)?"
    r"|came|come|fell|went|ran|flagged|dropped|rose|exceeded|got|read|dipped"
)
_RELATIVE = re.compile(
    rf"\b(?!(?:{_POINTED_AT})\b)(\w+),? that(?:['’]s\b|(?=\s+(?:{_SAID_OF}|he|she|they|we)\b))"
    r"|\b(had|have) that(?=\s+(?:is|are|was|were|has|have)(?:n['’]t)?\b)",
    re.IGNORECASE,
)
# "The last one that was flagged" asks nothing of it.
_WAS = re.compile(
    r"\b(?P<before>\w+) that (?:was|were)(?=\s+(?:flagged|abnormal|out|outside|done|taken|high|low)\b)", re.I
)


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


def _spelled(text: str) -> str:
    """The text with the pictures that only capitals tell from "us" and "Mr" written out."""
    if text.isupper():
        return text
    return re.sub(r"\bMR\b(?!\.| [A-Z][a-z])", "MRI", re.sub(r"\bUS\b", "ultrasound", text))


@remembered(64)  # a question is looked at several times before it is understood
def read(text: str, now: date, lexicon: Lexicon) -> Reading:
    """The parts of a question. Every word of it lands in exactly one of them."""
    topic, tokens = find_topic(
        words(written_out(_RELATIVE.sub(r"\1\2", _WAS.sub(r"\1", said_plainly(_spelled(text)))), now)), now
    )
    tokens, corrected = put_right(tokens, lexicon)
    told, tokens = _slots(tokens, now, lexicon)
    n, tokens = _number_of_results(tokens)
    cues: set[str] = set()
    mentions: list[Mention] = []
    unread: list[str] = []
    follow, named, at = False, 0, 0
    ordered = not {"order", "orders", "ordered"}.isdisjoint(tokens)
    while at < len(tokens):
        size = _longest_phrase(tokens, at, lexicon)
        phrase = tuple(stem(token) for token in tokens[at : at + max(size, 1)])
        cue = lexicon.cues.get(phrase)
        odd = size == 1 and tokens[at] in lexicon.unread
        meant = phrase == ("mean",) and at + 1 == len(tokens) and tokens[at - 1] != "the"
        if size == 0 and (_joins_likes(tokens, at, lexicon) or _is_of_blood(tokens, at, lexicon)):
            pass  # "rising or falling", "drew or took"; "serum bicarb"
        elif size == 0 and tokens[at:] == ["too"] and mentions:
            pass  # "and the potassium too"
        elif size == 0 or odd or meant:  # "what does A1c mean?"
            unread.append(tokens[at])
        elif phrase == ("for",) and at + 1 == len(tokens) and at == named and "what" in cues <= _USED:
            if _HERE.isdisjoint(tokens):
                unread.append("for")
            cues = cues - {"done"} | {"why"}  # "what is the enoxaparin for?"
        elif _is_same_visit(lexicon.concepts.get(phrase), mentions):
            pass  # "the last admission, inpatient": the same class twice
        elif phrase in lexicon.concepts:
            named = add_mention(
                mentions, tokens, (at, at + size), lexicon.concepts[phrase], unread, beside=at == named
            )
            size = named - at
        elif cue in ("follow", "and") and not (cues or mentions):
            follow = True
        elif (
            cue == "that"
            and mentions
            and (phrase == ("it",) or at + 1 == len(tokens) or tokens[at - 1] in _DID)
            and phrase in (("it",), ("that",), ("that", "one"))
        ):
            pass  # "we ordered a sodium, what did it show?": what was just named
        elif phrase == ("had",) and mentions and at == named + 1:
            pass  # "the last A1c she had" asks what "the last A1c" does
        elif cue:
            cues.add(cue)
        elif ordered and phrase[:2] in _CAME_BACK:
            cues.add("came_back")
        at += max(size, 1)
    unread += [one.said for one in mentions if one.said.startswith("how ") and _is_of_another(tokens)]
    cues = _together(cues, mentions, tokens, closely=told.pop("closely", False))
    told |= _next_after(told.get("anchor")) if "next_after" in cues else {}
    if "prescription" in cues:  # those of a time are its orders, any others what is taken
        ordered = _is_of_past(told.get("window"), now) and not cues & _IN_FORCE
        cues = cues - {"prescription"} | {"medication"} | ({"prescribed"} if ordered else set())
    if topic is None and is_of_notes(cues, [one.concepts.keys() for one in mentions]):
        topic, mentions = mentions[0].said, []
    return Reading(
        frozenset(cues),
        tuple(mentions),
        n=n,
        follow=follow,
        unread=tuple(unread),
        corrected=tuple(corrected),
        topic=topic,
        plain=not unread and len(tokens) == sum(len(mention.said.split()) for mention in mentions),
        **told,
    )


def _next_after(anchor: Anchor | None) -> dict[str, Any]:
    """ "The next A1c when metformin was started" is one of the time after that."""
    if anchor is None or anchor.side != "at":
        return {}
    return {"anchor": replace(anchor, side="after"), "window": Window(None, None, "")}


def _is_of_another(tokens: list[str]) -> bool:
    """ "How tall is the creatinine?": how tall somebody is is told of nobody else."""
    somebody = {"she", "he", "they", "patient", "pt", "and", "person", "lady", "gentleman", "man", "woman"}
    return tokens[:1] == ["how"] and tokens[2:3] in (["is"], ["was"]) and somebody.isdisjoint(tokens[3:])


def _together(cues: set[str], mentions: list[Mention], tokens: list[str], *, closely: bool) -> set[str]:
    """The cues, with what they say only beside what is named."""
    if mentions and all("measurement" in one.concepts for one in mentions):
        if closely and not cues & _MANY:  # "the A1c right after surgery" is one, "all since surgery" are many
            cues = cues | {"next_after"}
        if ["how", "long", "ago"] in (tokens[:3], tokens[1:4]):
            cues = cues - {"when"} | {"elapsed"}
        if "stopped" in cues and "off" in tokens:  # of a drug it would ask when that was stopped
            cues = cues - {"stopped"} | {"abnormal"}
        if "onset" in cues:  # "first documented"
            cues = cues - {"onset"} | {"first"}
    orders = {"order", "orders"} & {one for one, after in pairwise(tokens) if after == "for"}
    if orders and "prescribed" in cues and not mentions and "medication" not in cues:  # "orders for her"
        cues = cues - {"prescribed"} | {"order"}
    of_events = bool(mentions or cues & _EVENT_CUES) and all(
        (_EVENTS | {"problem"}) & one.concepts.keys() for one in mentions
    )
    if len(mentions) > 1 and "latest" in cues and "each" in tokens:
        cues = cues - {"list"}  # "the latest of each"
    return cues | {"list"} if not _DAYS.isdisjoint(tokens) and "when" in cues and of_events else cues


def _joins_likes(tokens: list[str], at: int, lexicon: Lexicon) -> bool:
    """Whether an "or" stands there between two phrases of one cue."""
    key = tuple(map(stem, tokens))
    after = lexicon.cues.get(key[at + 1 : at + 1 + _longest_phrase(tokens, at + 1, lexicon)])
    before = {lexicon.cues.get(key[start:at]) for start in range(max(0, at - 4), at)} - {None}
    if tokens[at] != "or" or after is None:
        return False
    relatives = any(str(one).startswith(_RELATIVE_OF) for one in before)  # "dad or siblings"
    return after in before or (relatives and after.startswith(_RELATIVE_OF))


def _is_of_blood(tokens: list[str], at: int, lexicon: Lexicon) -> bool:
    """Whether a "serum" stands there before what is measured in blood anyway."""
    key = tuple(map(stem, tokens[at + 1 :]))
    size = _longest_phrase(tokens, at + 1, lexicon) if tokens[at] in ("serum", "plasma") else 0
    named = lexicon.concepts.get(key[:size], {}).get("measurement")
    return named is not None and "urine" not in named.name.lower()


def _is_of_past(window: Window | None, now: date) -> bool:
    return window is not None and window.since != now.isoformat()


def _is_same_visit(named: dict[Kind, Concept] | None, before: list[Mention]) -> bool:
    return named is not None and "visit" in named and any(one.concepts == named for one in before)


def _slots(tokens: list[str], now: date, lexicon: Lexicon) -> tuple[dict[str, Any], list[str]]:
    """The times and numbers of a question by the part of the reading they fill, and the tokens without them.

    Each part is filled once: a second expression stays in the tokens, where nobody will read it. What belongs
    to a name or a phrase ("type 2 diabetes", "how long since") is no part of anything else.
    """
    told, rest = _told(tokens, now, lexicon, anchored=True)
    by_when = "anchor" in told and "when" in tokens and "when" not in rest
    if by_when and _is_silent(rest, lexicon):
        told, rest = _told(tokens, now, lexicon, anchored=False)  # "When diagnosed with asthma?" asks when
    if "visits" in told or ("anchor" in told and told["anchor"].bounds):
        told.setdefault("window", Window(None, None, ""))
    return told, rest


def _is_silent(rest: list[str], lexicon: Lexicon) -> bool:
    """Whether nothing is asked by words: they say at most that it was done, or the kind of visit it was."""
    at = 0
    while at < len(rest):
        size = max(_longest_phrase(rest, at, lexicon), 1)
        key = tuple(stem(token) for token in rest[at : at + size])
        kinds = lexicon.concepts.get(key, {}).keys()
        if key not in lexicon.fillers and lexicon.cues.get(key) not in _SILENT and kinds != {"visit"}:
            return False
        at += size
    return True


def _told(
    tokens: list[str], now: date, lexicon: Lexicon, *, anchored: bool
) -> tuple[dict[str, Any], list[str]]:
    held = _held(tokens, lexicon)
    figured = _FIGURES & {lexicon.cues.get((stem(token),)) for token in tokens}
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
            if tokens[at] in CLOSELY and _is_open(taken[1]):
                told["closely"] = True
            at = taken[-1]
            if taken[0] == "window" and (figured or "many" in tokens):
                at += tokens[at : at + 1] in _ALONE
                if rest[-1:] in _ALONE or (rest[-1:] in (["at"], ["the"]) and rest[-2:-1] in _ALONE):
                    rest.remove(rest[-1] if rest[-1:] in _ALONE else rest[-2])
    return told, rest


def _is_open(time: object) -> bool:
    """Whether a window, or an event, is of all time after it."""
    if isinstance(time, Window):
        return time.since is not None and time.until is None
    return isinstance(time, Anchor) and time.side == "after"


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
    of_one = lead in ("of", "on") and any(
        named[:size] in lexicon.concepts for size in range(1, len(named) + 1)
    )
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
        if tokens[at] in UNITS and at and number(tokens[at - 1]):
            size = 0  # "more than 12 months since the last": not "months since the last"
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
            return (None if token in ("one",) else count), rest  # "the last one" is no number
        if tokens[at + 1 : at + 2] in (["latest"], ["newest"], ["last"]) or (
            tokens[at + 1 : at + 3] == ["most", "recent"]
        ):
            return count, tokens[:at] + tokens[at + 1 :]
    return None, tokens
