"""Clauses that tell why or for whom somebody asks: "the family thinks so, ...", "... before I go in".

They are known by their subject or their form, whatever their words are; so they are left out only where the
rest is read to the last word, and where none of their words may say which records are meant.
"""

import re
from collections.abc import Iterator
from functools import cache

from agent.models.offline.concepts import any_of
from agent.models.offline.courtesies import written_full

_ENDS = re.compile(r"\s*[,:;?!]\s+(?:(?:and|so|but|then)\s+)?|\s+-+\s+|\.\s+|\s+(?:and|so)\s+", re.IGNORECASE)
_BEFORE_IT = re.compile(
    r"\s*[,:;?!-]\s+(?:(?:and|so|but|because|as|since)\s+)?|\.\s+"
    r"|\s+(?=(?:before|because|as|while|so|so that|since) (?:i|we|the team)\b)"
    r"|\s+(?=(?:for|before|ahead of) (?:the|my|our|a|an|today's|tomorrow's|tonight's|this)\b)",
    re.IGNORECASE,
)

# Whom the check or the form is for, and no time.
_PREOP = re.compile(r"\b(?:pre|post)-?op\b(?= \w)", re.IGNORECASE)


def cuts(text: str) -> Iterator[tuple[str, str]]:
    """What may be the question alone, and the clause that is left out of it; the shortest clause first."""
    plain = written_full(text)
    for end in _ENDS.finditer(plain):
        clause, question = plain[: end.start()], plain[end.end() :]
        if len(question.split()) > 1 and _leads().fullmatch(clause.strip(" ,.-")):
            yield question, _PREOP.sub("", clause)
    for start in reversed(list(_BEFORE_IT.finditer(plain))):
        question, clause = plain[: start.start()], plain[start.end() :]
        if len(question.split()) > 1 and _trails().fullmatch(clause.strip(" ,.-?!")):
            yield question, clause


@cache
def _words() -> str:
    """Words of which none may say which records are meant."""
    return rf"(?:\s+(?!(?:{any_of('circumstances', 'telling', 'selecting')})\b)[a-z][\w'&/]*(?:-\w+)*)"


_NEAR = r"(?:the|my|our|a|an|today's|this)"


@cache
def _leads() -> re.Pattern[str]:
    some = _words()
    headed = rf"[a-z][\w'&/-]*{some}{{0,3}}? (?:{any_of('circumstances', 'headings')})"
    doing = rf"(?!(?:{any_of('circumstances', 'selecting_by')})\b)[a-z]+ing\b{some}{{1,9}}"
    purpose = rf"(?:for|re|regarding|as|in preparation for|ahead of|before) {_NEAR}{some}{{1,5}}"
    return re.compile(rf"\W*(?:{_told()}|{doing}|{headed}|{purpose}|as{some}{{1,3}})", re.IGNORECASE)


@cache
def _trails() -> re.Pattern[str]:
    some = _words()
    purpose = rf"(?:(?:needed |just |it is |this is )?(?:for|before|ahead of) {_NEAR}{some}{{1,5}})"
    return re.compile(
        rf"\W*(?:{_told()}|{purpose}|(?:so|so that|because|as|while|before|since) {_told()})", re.IGNORECASE
    )


def _told() -> str:
    """A clause about the asker or about somebody else than the patient, but for what these are shown."""
    some = _words()
    asker = rf"(?:before |while |since |as )?(?:i|we)\b{some}{{1,10}}"
    others = rf"(?:(?:the|my|our|her|his) )?(?:{any_of('circumstances', 'others')})(?:'s)?\b{some}{{1,8}}"
    return rf"(?:{asker}|{others})"
