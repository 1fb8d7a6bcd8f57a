"""Which of two records came first, where a clause has one in the place of the other or after it."""

import re
from collections.abc import Iterator, Sequence

from agent.grounding.clauses import Clause, Finding, finding, stems_in
from agent.grounding.evidence import Evidence
from agent.grounding.polarity import denials_in, within
from agent.grounding.rows import Row
from agent.grounding.standing import holds
from agent.grounding.written import Span

_CHANGED = r"(?:chang|switch|convert|transition|mov)\w*"
_ANY = re.compile(rf"\b(?:{_CHANGED}|replaced|superseded|place of|first|followed)\b", re.IGNORECASE)
_SEQUENCES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_CHANGED}\s+(?:over\s+)?from\s+(?P<old>.+?)\s+to\s+(?P<new>.+)",
        rf"^(?P<old>.+?)\s+(?:was|were|has been|is)\s+(?:then |later )?{_CHANGED}\s+to\s+(?P<new>.+)",
        r"^(?P<old>.+?)\s+(?:was|were|has been|is)\s+(?:then |later )?(?:replaced|superseded)"
        r"\s+(?:by|with)\s+(?P<new>.+)",
        r"^(?P<new>.+?)\s+(?:has |have )?(?:replaced|superseded|took the place of)\s+(?P<old>.+)",
        r"\bfirst\s+(?:came|was|were|had|it was)\s+(?P<old>.+?),?\s+(?:and )?(?:then|followed by|later)\s+"
        r"(?P<new>.+)",
        r"^(?P<old>.+?)\s+(?:came|was|were)\s+first,?\s+(?:and\s+)?(?:then\s+)?(?P<new>.+)",
        r"^(?P<old>.+?),?\s+(?:and )?(?:was |were )?followed by\s+(?P<new>.+)",
    )
]


def sequences(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """Two dated records that the sentence cites, of which one is told to have followed the other."""
    if not _ANY.search(clause.plain):
        return
    rows = [row for row in evidence.records(clause.sentence) if row.date]
    if len({row.refs for row in rows}) < 2:
        return
    denied = list(denials_in(clause.plain))
    for pattern in _SEQUENCES:
        match = pattern.search(clause.plain)
        if not match or within(match.start(), denied):
            continue
        old, new = (only_named(rows, match[name]) for name in ("old", "new"))
        if old and new and old is not new:
            size = min(len(old.date), len(new.date), len("2020-01-01"))
            one, two = old.date[:size], new.date[:size]
            stands = one < two if one != two else holds(new) or not holds(old)
            yield finding(Span(*match.span()), "direction", stands, f"{one} beside {two}", rows)
        return


def only_named(rows: Sequence[Row], text: str) -> Row | None:
    """The one of these records that a text names, by words of its name, or else of its fields, that no other
    has."""
    said = stems_in(text)
    for words in ([row.head for row in rows], [row.words for row in rows]):
        shared = [set().union(*words[:at], *words[at + 1 :]) for at in range(len(rows))]
        found = [row for at, row in enumerate(rows) if (words[at] - shared[at]) & said]
        if len(found) == 1:
            return found[0]
    return None
