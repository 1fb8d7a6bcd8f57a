"""An answer cut into clauses: each with the records it cites and the rows it may rest on."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agent.grounding.claims import CITATION, REFERENCE, Span, stem, words_in
from agent.grounding.evidence import Evidence, Facts

_SENTENCE_END = re.compile(r"\n+|(?<=[.!?])(?<!\b[A-Z]\.)(?<!\bDr\.)(?<!\bvs\.)\s+(?!\[|$)")
DENIAL = re.compile(r"\b(?:no|not|none|never|nothing|without|neither|nor|cannot)\b|n['’]t\b", re.IGNORECASE)
_AFFIRMED = re.compile(r"\W*yes\b", re.IGNORECASE)


@dataclass(frozen=True)
class Clause:
    """A piece of the answer, the citations it leads up to, and what it may rest on.

    `citing`: how many records its sentence cites, and how many the whole answer does.
    """

    text: str
    cited: tuple[str, ...]
    citing: set[int]
    rows: list[Facts]
    denies: bool


def clauses(text: str, evidence: Evidence) -> Iterator[tuple[Clause, Span]]:
    """The clauses of the answer, in order: sentences and lines, split after each group of citations."""
    start = 0
    for boundary in [*_SENTENCE_END.finditer(text), None]:
        end = boundary.start() if boundary else len(text)
        yield from _sentence_clauses(text, Span(start, end), evidence)
        start = boundary.end() if boundary else end


def _sentence_clauses(text: str, sentence: Span, evidence: Evidence) -> Iterator[tuple[Clause, Span]]:
    groups: list[tuple[int, list[str]]] = []
    citing = {len(_cited(text[sentence.start : sentence.end])), len(_cited(text))} - {0}
    for match in CITATION.finditer(text, sentence.start, sentence.end):
        refs = REFERENCE.findall(match.group())
        if groups and not re.search(r"\w", re.sub(r"\band\b", "", text[groups[-1][0] : match.start()])):
            groups[-1] = (match.end(), groups[-1][1] + refs)
        else:
            groups.append((match.end(), refs))
    if groups:  # what follows the last citation of a sentence belongs to it
        groups[-1] = (sentence.end, groups[-1][1])
    else:
        groups = [(sentence.end, [])]
    start = sentence.start
    for end, refs in groups:
        part = text[start:end]
        rows = evidence.of(refs) if refs else _named_rows(part, evidence)
        yield Clause(part, tuple(refs), citing, rows, denies(part)), Span(start, end)
        start = end


def _cited(text: str) -> set[str]:
    return {ref for group in CITATION.finditer(text) for ref in REFERENCE.findall(group.group())}


def _named_rows(text: str, evidence: Evidence) -> list[Facts]:
    named = stems_in(text) & evidence.names
    return [row for row in evidence.rows if named & row.names] or evidence.rows


def denies(text: str) -> bool:
    """Whether the text denies something (and does not begin with "yes")."""
    return bool(DENIAL.search(text)) and not _AFFIRMED.match(text)


def stems_in(text: str) -> set[str]:
    """The stems of the words of a text."""
    return {stem(word) for _, word in words_in(text)}
