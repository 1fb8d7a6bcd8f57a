"""Several questions asked at once: split where every part reads by itself, answered in order, joined."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import combinations

from agent.errors import CannotAnswer
from agent.messages import Action
from agent.models.offline.anchors import Untold
from agent.models.offline.asides import is_aside
from agent.models.offline.chart import StillWanted
from agent.models.offline.completions import TIME
from agent.models.offline.concepts import Lexicon
from agent.models.offline.courtesies import without_acknowledgement
from agent.models.offline.followups import understood
from agent.models.offline.intents import Asked, intent_of
from agent.models.offline.intents.listing import joined
from agent.models.offline.reading import Reading, read
from agent.models.offline.refusals import SEPARABLE, WHOLE, kind_of, reason
from agent.models.offline.understanding import Part, Unread
from agent.models.offline.wording import Draft

# One more segment doubles the ways to split.
_MOST_SEGMENTS = 6
# "Why not" is none without the part before; so many words may be.
_SHORTEST = 3
# An answer may have 4,000 characters and list 40 citations.
_LONGEST, _CITED = 3800, 40
_SENTENCE = re.compile(r"(?<=[?!;])\s+|(?<=[a-z0-9)])\.\s+(?=[A-Za-z])|\s*\n\s*", re.IGNORECASE)
_JOINT = re.compile(r"\s*(?:,|;|&|(?<=\s)\+(?=\s)|\bas well as\b|\b(?:and|also|plus)\b)\s*", re.IGNORECASE)
# "Let's look at her sodium in 2024. What was the highest?" is one question.
_TOPIC = re.compile(
    r"\W*(?:(?:i'd|i would) like|i want|i need|let's|let us|lets|can we|could we|now|next)\b[\w' ]{0,12}?"
    r"\b(?:look(?:ing)? at|talk about|discuss|turn to|move on to|go (?:back )?to|switch to|focus on"
    r"|start with|go over|review|consider)\s+(?P<topic>[^.;:?!,]+)[.;:,]\s*(?=\w)",
    re.IGNORECASE,
)
# What only tells the time of what follows, and a verb that goes with what stands before.
_CLAUSE = re.compile(
    r"(?:once|after|before|since|if|while|as soon as|at the time|of|out of|among|amongst|considering"
    r"|when(?! (?:was|were|is|are|did|do|does|has|have|had)\b))\b"
    r"(?!.*(?:,|\b(?:what|what's|which|how|list|show|give|tell|any|all|did|does)\b))",
    re.IGNORECASE,
)
# "Compare her A1c on 2019-05-03" asks nothing alone.
_COMPARED = re.compile(r"\W*(?:please )?compar(?:e|ing)\b", re.IGNORECASE)
_VERB = re.compile(
    r"(?:had|got)\b(?! (?:she|he|they|it|any)\b)"
    r"|(?:was|were)\b(?! (?:she|he|they|it|there|any|the|her|his|their)\b)",
    re.IGNORECASE,
)
# "... and whether she smokes" asks it; "if so" and "if there is one" ask for no less.
_WHETHER = re.compile(
    r"^(?:whether|(?:and )?if(?: so| yes| available| there (?:is one|are any))?\b[,;]?"
    r"(?=\s+(?:she|he|they|it|there|any|what|when|who|which|how|the patient"
    r"|\w+(?:\s\w+)?\s+(?:is|are|was|were|has|takes|took)\b|\w+'s\b)))\s+",
    re.IGNORECASE,
)
# A question of its own begins with one of these, after the joint.
_OPENER = re.compile(
    r"(?:what|what's|which|when|where|who|whom|whose|why|how|any|show|list|tell|give|find"
    r"|(?:is|are|was|were|do|does|did|has|have|had|can|could|would|will|should|may|might|must|shall)(?:n't)?)\b",
    re.IGNORECASE,
)
# What binds a part to the one before, so that neither can be answered without the other.
_BINDING = re.compile(r"\b(?:if|unless|while|when|except|without|but|only|then|because|so|than|or)\b", re.I)
_LEADING = re.compile(
    r"(?:in|on|during|since|between|before|after|over|from|until|at|within|as of|last|past)\b", re.IGNORECASE
)
# Questions of one time each: a change, say, is between two.
_REPEATED = frozenset(
    {
        "what",
        "is",
        "past",
        "whether",
        "latest",
        "first",
        "highest",
        "lowest",
        "average",
        "count",
        "often",
        "list",
    }
    | {"result", "visit", "problem", "medication", "procedure", "immunization", "taking", "done", "diagnosed"}
)
_SHARED = (*TIME, "limits")


@dataclass(frozen=True)
class Unanswered:
    """A part that could not be understood, as it was written, and why."""

    text: str
    problem: Unread


Parts = tuple[Part | Unanswered, ...]


def parts_of(text: str, context: Sequence[Part], now: date, lexicon: Lexicon) -> Parts:
    """The questions that a text holds, each understood after the one before it; most often one.

    At least one of them is understood. Raises Unread where none is, or where leaving one out could change
    what another means.
    """
    found = _Splitting(now, lexicon)
    text = without_acknowledgement(text)
    topic = _TOPIC.match(text)
    if topic:
        try:
            return found.sentence(f"{topic['topic']}, {text[topic.end() :]}", context)
        except Unread:
            pass
    sentences = [one for one in map(str.strip, _SENTENCE.split(text)) if one and not found.is_empty(one)]
    if len(sentences) < 2:
        return found.sentence(" ".join(sentences) or text, context)
    parts: list[Part | Unanswered] = []
    for sentence in sentences:
        try:
            parts += found.sentence(sentence, understood_of(parts) or tuple(context))
        except Unread as problem:
            parts.append(Unanswered(sentence, problem))
    left_out = [part for part in parts if isinstance(part, Unanswered)]
    if left_out:
        for joint in (" ", ", "):
            whole = found.one(joint.join(sentences), context)
            if isinstance(whole, Part):
                return (whole,)
        if not _may_be_left_out(parts):
            raise left_out[0].problem
    return tuple(parts)


def understood_of(parts: Sequence[Part | Unanswered]) -> tuple[Part, ...]:
    """The parts that were understood."""
    return tuple(part for part in parts if isinstance(part, Part))


def _may_be_left_out(parts: Sequence[Part | Unanswered]) -> bool:
    """What follows a part that was not understood may mean something by it, unless that asks for no fact."""
    for number, part in enumerate(parts):
        if isinstance(part, Unanswered):
            kind = kind_of(part.text)
            if kind in WHOLE or (understood_of(parts[number:]) and kind not in SEPARABLE):
                return False
    return bool(understood_of(parts))


class _Splitting:
    """One text being split; the same words are read once."""

    def __init__(self, now: date, lexicon: Lexicon) -> None:
        self._now, self._lexicon = now, lexicon
        self._known: dict[tuple[str, tuple[int, ...]], Part | Unread] = {}
        self._readings: dict[str, Reading] = {}

    def is_empty(self, text: str) -> bool:
        """Whether the words ask nothing ("Hi!", "I'm writing the letter.")."""
        reading = read(text, self._now, self._lexicon)
        names = reading.mentions or reading.n or any(getattr(reading, part) for part in _SHARED)
        return not names and (is_aside(text) or not (reading.cues - {"and"} or reading.unread))

    def one(self, text: str, context: Sequence[Part]) -> Part | Unread:
        """The text as one question."""
        key = text, tuple(map(id, context))
        if key not in self._known:
            try:
                self._known[key] = understood(text, context, self._now, self._lexicon, self._readings)
            except Unread as problem:
                self._known[key] = problem
        return self._known[key]

    def sentence(self, text: str, context: Sequence[Part]) -> Parts:
        """One sentence: one question where it can be read as one, else as few as it takes."""
        whole = self.one(text, context)
        if isinstance(whole, Part):
            return (whole,)
        joints = [joint for joint in _JOINT.finditer(text) if text[: joint.start()].strip()]
        if not joints or len(joints) >= _MOST_SEGMENTS:
            raise whole
        for count in range(1, len(joints) + 1):
            for chosen in sorted(combinations(joints, count), key=lambda cut: [-one.start() for one in cut]):
                texts = _cut(text, chosen)
                parts = self._all(texts, context) if all(texts) else None
                if parts:
                    return parts
        return self._in_part(text, joints, context, whole)

    def _all(self, texts: Sequence[str], context: Sequence[Part]) -> Parts | None:
        parts: list[Part] = []
        for text in texts:
            part = self.one(text, parts[-1:] or context)
            if isinstance(part, Unread) or (parts and not self._stands(text, parts[-1])):
                return None
            if _VERB.match(text) if parts else (_CLAUSE.match(text) or _COMPARED.match(text)):
                return None
            parts.append(part)
        return _shared(texts, parts)

    def _stands(self, text: str, before: Part) -> bool:
        """Whether words that only tell a time repeat a question, and do not end it ("2018 and 2020")."""
        reading = read(text, self._now, self._lexicon)
        return bool(reading.cues or reading.mentions) or before.reading.cues <= _REPEATED

    def _in_part(
        self, text: str, joints: Sequence["re.Match[str]"], context: Sequence[Part], whole: Unread
    ) -> Parts:
        """Split in two at the last joint before which all is understood; what follows is a question too."""
        for joint in reversed(joints):
            head, tail = _cut(text, [joint])
            problem = self.one(tail, context)
            if not head or isinstance(problem, Part) or not _is_question(tail) or _CLAUSE.match(head):
                continue
            try:
                parts = (*self.sentence(head, context), Unanswered(tail, problem))
            except Unread:
                continue
            if _may_be_left_out(parts):
                return parts
        raise whole


def _cut(text: str, joints: Sequence["re.Match[str]"]) -> list[str]:
    starts = [0, *(joint.end() for joint in joints)]
    ends = [*(joint.start() for joint in joints), len(text)]
    cut = [text[start:end].strip(" ?.,;") for start, end in zip(starts, ends, strict=True)]
    return [*cut[:-1], _WHETHER.sub("", cut[-1])] if len(cut) > 1 else cut


# "... is overdue by now" goes on with what stands before.
_GOES_ON = re.compile(
    r"(?:is|are|was|were|do|does|did|has|have|had)(?:n't)?"
    r" (?:\w+ed|\w+ing|over\w*|by|up|on|in|at|due|not|now|still|been)\b",
    re.IGNORECASE,
)


def _is_question(text: str) -> bool:
    """Whether the words after a joint are a question of their own, that binds nothing to the one before."""
    return (
        bool(_OPENER.match(text))
        and not _GOES_ON.match(text)
        and not _BINDING.search(text)
        and len(text.split()) >= _SHORTEST
    )


def _shared(texts: Sequence[str], parts: list[Part]) -> Parts | None:
    """The parts, a time that stands before or after all of them given to each; None where it does not fit.

    "Problems and medications in 2019" asks for both in 2019; "allergies, and was she seen in 2019?" does not.
    """
    shared = list(parts)
    for number, (text, part) in enumerate(zip(texts, parts, strict=True)):
        told = {field: getattr(part.reading, field) for field in _SHARED if getattr(part.reading, field)}
        if not told or part.leaning:
            continue
        leads = number == 0 and _LEADING.match(text)
        over = range(1, len(parts)) if leads else range(number) if not _OPENER.match(text) else ()
        for other in over:
            reading = parts[other].reading
            if any(getattr(reading, field) for field in _SHARED):
                continue
            given = replace(reading, **told)
            intent = intent_of(given)
            if intent is None:
                return None
            shared[other] = replace(parts[other], reading=given, intent=intent)
    return tuple(shared)


def answer(parts: Parts, asked: Asked) -> Draft:
    """The answers of all parts, a line each, and which part has none; raises StillWanted until all are there.

    Raises CannotAnswer where no part can be answered.
    """
    if len(parts) == 1 and isinstance(parts[0], Part):
        return _answered(parts[0], asked)
    drafts: list[Draft] = []
    wanted: dict[str, Action] = {}
    refused: list[CannotAnswer] = []
    for part in parts:
        if isinstance(part, Unanswered):
            drafts.append(_without_answer(asked, part.text, reason(part.text, part.problem, asked.wording)))
            continue
        try:
            draft = _answered(part, asked)
        except StillWanted as still:
            wanted |= {action.model_dump_json(): action for action in still.actions}
        except CannotAnswer as error:
            if part.of_records and drafts and drafts[-1].status == "not_in_chart":
                continue  # that nothing is recorded answers "and since when?" too
            refused.append(error)
            said = " ".join(mention.said for mention in part.reading.mentions)
            drafts.append(_without_answer(asked, said, str(error)))
        else:
            if not any(draft.text in other.text for other in drafts):
                drafts.append(draft)
    if wanted:
        raise StillWanted(tuple(wanted.values()))
    if len(refused) == len(understood_of(parts)):
        raise refused[0]
    return _together(asked, drafts)


def _answered(part: Part, asked: Asked) -> Draft:
    try:
        return part.intent.answer(replace(asked, reading=part.reading))
    except Untold as untold:
        return untold.draft


def _without_answer(asked: Asked, text: str, why: str) -> Draft:
    text = asked.wording.say("several", "unanswered", text=text.strip(" ?.!;"), why=why)
    return Draft(text, (), "needs_review")


def _together(asked: Asked, drafts: list[Draft]) -> Draft:
    """As many answers as one answer holds, whole; how many were left out for its length."""
    fitting: list[Draft] = []
    for draft in drafts:
        length = sum(len(one.text) + 1 for one in [*fitting, draft])
        cited = {ref for one in [*fitting, draft] for ref in one.citations}
        if length > _LONGEST or len(cited) > _CITED:
            n = len(drafts) - len(fitting)
            fitting.append(Draft(asked.wording.say("several", "too_long", n=n), (), "needs_review"))
            break
        fitting.append(draft)
    whole = joined(fitting)
    text = "\n".join(draft.text for draft in fitting)
    return Draft(text, tuple(dict.fromkeys(whole.citations)), whole.status)


def taken_for(parts: Parts) -> Iterator[tuple[str, str]]:
    """The misspelt words of all parts, and what they were taken for."""
    yield from dict.fromkeys(pair for part in understood_of(parts) for pair in part.reading.corrected)
