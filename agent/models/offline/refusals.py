"""Refusals: what kind of question is no look-up, in one sentence, and look-ups that this one is near to."""

import re
from functools import cache

from agent.models.offline.concepts import Kind, read_table
from agent.models.offline.courtesies import without_courtesies
from agent.models.offline.reading import Reading
from agent.models.offline.understanding import Unread
from agent.models.offline.wording import Wording
from agent.models.offline.words import words

# Beside these nothing else of a question is answered: they may say whom or what it is about.
WHOLE = frozenset({"injection", "other_patient"})
# These ask for no fact of the chart, so what else is asked means the same without them.
SEPARABLE = frozenset({"order", "advice", "prognosis", "diagnosis", "opinion", "knowledge"})
_KINDS: tuple[Kind, ...] = (
    "measurement",
    "drug",
    "problem",
    "vaccine",
    "procedure",
    "substance",
    "visit",
)


@cache
def _kinds() -> dict[str, tuple[re.Pattern[str], str]]:
    return {
        kind: (re.compile("|".join(rf"(?:\b(?:{one}))" for one in entry["patterns"])), entry["why"])
        for kind, entry in read_table("refusals").items()
    }


def kind_of(text: str) -> str | None:
    """What kind of question this is that no chart answers; None where its words tell none."""
    if found := outright(text):
        return found
    plain = " ".join(words(without_courtesies(text)))
    return next((kind for kind, (pattern, _) in _kinds().items() if pattern.search(plain)), None)


def outright(text: str) -> str | None:
    """What kind of question this is that no chart answers, however well its words could be read."""
    plain = " ".join(words(text))
    return next((kind for kind, pattern in _outright().items() if pattern.match(plain)), None)


@cache
def _outright() -> dict[str, re.Pattern[str]]:
    table = read_table("refusals").items()
    return {kind: re.compile("|".join(entry["first"])) for kind, entry in table if "first" in entry}


def refusal(text: str, problem: Unread, wording: Wording) -> str:
    """Why the question is not answered, and what would be."""
    can = wording.say("refusal", "can", examples=_examples(problem.reading, wording))
    said = f"{reason(text, problem, wording)} {can}"
    return said if kind_of(text) else f"{said} {wording.say('refusal', 'model')}"


def reason(text: str, problem: Unread, wording: Wording) -> str:
    """Why the question is not answered, in one sentence."""
    kind = kind_of(text)
    if kind:
        return _kinds()[kind][1]
    if problem.reading.unclear:
        return f"In this question {problem.reading.unclear}."
    given = {taken: word for word, taken in problem.reading.corrected}
    unread = ", ".join(f"'{given.get(word, word)}'" for word in problem.reading.unread[:5])
    return wording.say("refusal", problem.why, words=unread)


def _examples(reading: Reading, wording: Wording) -> str:
    """Two or three questions near to this one that are answered."""
    for mention in reading.mentions:
        for kind in _KINDS:
            if kind in mention.concepts:
                return wording.phrase("examples", kind, said=mention.said)
    return wording.phrase("examples", "any")
