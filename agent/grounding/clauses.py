"""An answer cut into clauses: each with the records it cites and the rows it may rest on."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from agent.grounding.evidence import Evidence
from agent.grounding.rows import Row
from agent.grounding.units import unit_of
from agent.grounding.vocabulary import KIND_STEMS, is_common
from agent.grounding.written import CITATION, REFERENCE, Span, blank, dates_in, numbers_in, stem, words_in
from agent.messages import ClaimKind, Verdict

_SENTENCE_END = re.compile(
    r"\n+|(?<=[.!?])(?<!\b[A-Z]\.)(?<!\bDr\.)(?<!\bMr\.)(?<!\bMs\.)(?<!\bMrs\.)(?<!\bSt\.)(?<!\bvs\.)"
    r"(?<!\bapprox\.)(?<!\be\.g\.)(?<!\bi\.e\.)\s+(?!\[|$)"
)
DENIAL = re.compile(
    r"\b(?:no|not|none|never|nothing|without|neither|nor|cannot|denies|denied|negative for"
    r"|free of)\b|n['’]t\b",
    re.IGNORECASE,
)
_TURN = re.compile(r";|\b(?:but|however|although|though|except|yet)\b", re.IGNORECASE)
_ITEM = re.compile(r"[-*•|\d>]")
# Four words or more of a passage that is quoted word for word; a clause may hold but a part of it.
_QUOTED = re.compile(r"[^\s“”;.]+(?:\s+[^\s“”;.]+){3,}")
_AFFIRMED = re.compile(r"\W*yes\b", re.IGNORECASE)
# Words in names ("follow-up after treatment") that elsewhere tell when, which or why.
_OF_TIME = frozenset(
    {"after", "before", "since", "until", "during", "last", "first", "latest", "previous", "reason"}
    | {"day", "week", "month", "year"}
)
# What follows these is why, not what.
_ASIDE = re.compile(r"\b(?:for|because of|due to|reason:?|given|despite)\s+[^,;()]*", re.IGNORECASE)


@dataclass(frozen=True)
class Finding(Span):
    """A claim as it was found: where it is written, what kind it is, and what the evidence says of it."""

    kind: ClaimKind
    verdict: Verdict = "supported"
    why: str = ""
    rows: Sequence[Row] = ()


def finding(span: Span, kind: ClaimKind, stands: bool, why: str, rows: Sequence[Row]) -> Finding:
    """A claim that the rows bear out, or else contradict; unsupported where there are none."""
    if stands:
        return Finding(span.start, span.end, kind, rows=rows)
    return Finding(span.start, span.end, kind, "contradicted" if rows else "unsupported", why, rows)


def called(rows: Sequence[Row]) -> str:
    """The references of rows, at most three, to say where nothing was found."""
    refs = list(dict.fromkeys(row.refs[0] for row in rows if row.refs))
    return ", ".join(refs[:3]) + (" ..." if len(refs) > 3 else "") if refs else "the records"


@dataclass(frozen=True)
class Clause:
    """A piece of the answer, the citations it leads up to, and what it may rest on.

    `sentence` is what its sentence cites, `told` what the answer cites up to its end, and `answer` all of it;
    `lead` is its sentence as far as it (with the heading above a line of a list), citations left out.
    """

    text: str
    start: int
    cited: tuple[str, ...]
    sentence: tuple[str, ...]
    told: tuple[str, ...]
    answer: tuple[str, ...]
    rows: Sequence[Row]
    lead: str

    @cached_property
    def plain(self) -> str:
        """The text with its citations blanked out."""
        return _uncited(self.text)

    @cached_property
    def bare(self) -> str:
        """The text without citations, and without what repeats or quotes its rows: those words are theirs."""
        text = self.plain
        folded = text.casefold()
        strings = {string for row in self.rows for string in row.facts.strings if string.strip()}
        for string in sorted(strings, key=len, reverse=True):
            if string.casefold() in folded:
                for match in re.finditer(re.escape(string), text, re.IGNORECASE):
                    text = blank(text, match.start(), match.end())
        if "“" in self.lead or "”" in text:
            held = [" ".join(row.text.split()) for row in self.rows]
            for match in _QUOTED.finditer(text):
                if any(" ".join(match.group().split()) in one for one in held):
                    text = blank(text, match.start(), match.end())
        return text

    @cached_property
    def undated(self) -> str:
        """The text without citations and dates."""
        return undated(self.plain)

    @cached_property
    def denies(self) -> bool:
        """Whether the text denies something (and does not begin with "yes")."""
        return bool(DENIAL.search(self.bare)) and not _AFFIRMED.match(self.plain)

    @cached_property
    def stems(self) -> set[str]:
        """The stems of its words."""
        return stems_in(self.plain)

    @cached_property
    def _mentions(self) -> list[tuple[int, list[Row]]]:
        """Where words stand that name some of the rows and not all of them, in order, neighbours together."""
        heads = [row.head for row in self.rows]
        if len({row.refs for row in self.rows}) < 2 or all(head == heads[0] for head in heads):
            return []
        found: list[tuple[int, list[Row]]] = []
        marks = [one.start for one in numbers_in(self.plain)]
        for span, word in words_in(self.plain):
            if is_common(word) or unit_of(word):
                continue
            rows = [row for row in self.rows if stem(word) in row.head]
            if not rows or len(rows) == len(self.rows):
                continue
            if found and not any(found[-1][0] <= mark < span.start for mark in marks):
                both = [row for row in rows if row in found[-1][1]]
                joined = [*found[-1][1], *(row for row in rows if row not in found[-1][1])]
                found[-1] = (found[-1][0], both or joined)
            else:
                found.append((span.start, rows))
        return found if len(found) > 1 else []

    def about(self, at: int) -> Sequence[Row]:
        """The rows that a figure at this place is told of: those last named before it (or next after it,
        where figures come first); all of the clause where it names no more than one of them."""
        if not self._mentions:
            return self.rows
        first = next((one.start for one in numbers_in(self.plain)), len(self.plain))
        if self._mentions[0][0] < first:
            before = [rows for place, rows in self._mentions if place <= at]
            return before[-1] if before else self.rows
        after = [rows for place, rows in self._mentions if place >= at]
        return after[0] if after else self.rows


def clauses(text: str, citations: Sequence[str], evidence: Evidence) -> Iterator[Clause]:
    """The clauses of the answer, in order: sentences and lines, split after each group of citations.

    `citations` are those that the answer lists: a clause without its own may rest on them.
    """
    listed = tuple(dict.fromkeys([*citations, *_refs(text)]))
    start, before, heading = 0, tuple[Row, ...](), ""
    for boundary in [*_SENTENCE_END.finditer(text), None]:
        end = boundary.start() if boundary else len(text)
        line = text[start:end].strip()
        if line.endswith(":"):
            heading = line
        elif not _ITEM.match(line):
            heading = ""
        for clause in _of_sentence(
            text, start, end, listed=listed, before=before, evidence=evidence, heading=heading
        ):
            if clause.plain.strip():
                before = tuple(clause.rows)
                yield clause
        start = boundary.end() if boundary else end


def _of_sentence(
    text: str,
    start: int,
    stop: int,
    *,
    listed: tuple[str, ...],
    before: Sequence[Row],
    evidence: Evidence,
    heading: str,
) -> Iterator[Clause]:
    groups: list[tuple[int, list[str]]] = []
    for match in CITATION.finditer(text, start, stop):
        refs = REFERENCE.findall(match.group())
        if groups and not re.search(r"\w", re.sub(r"\band\b", "", text[groups[-1][0] : match.start()])):
            groups[-1] = (match.end(), groups[-1][1] + refs)
        else:
            groups.append((match.end(), refs))
    sentence = tuple(dict.fromkeys(ref for _, refs in groups for ref in refs))
    if groups and not _goes_on(text[groups[-1][0] : stop]):
        groups[-1] = (stop, groups[-1][1])
    elif groups:
        groups.append((stop, groups[-1][1]))
    else:
        groups = [(stop, [])]
    told, first = _refs(text[:stop]), start
    for end, refs in groups:
        part = text[start:end]
        rows = evidence.of(refs) if refs else _rows_of(part, listed, before, evidence)
        lead = f"{heading} {_uncited(text[first:end])}"
        yield Clause(part, start, tuple(dict.fromkeys(refs)), sentence, tuple(told), listed, rows, lead)
        start = end


def _goes_on(rest: str) -> bool:
    """Whether what follows the last citation of a sentence is a statement of its own."""
    return False if len(rest.strip()) < 2 else bool(re.match(r"[;,]\s*(?:and|but|while)?\s*\w", rest))


def _rows_of(text: str, listed: Sequence[str], before: Sequence[Row], evidence: Evidence) -> Sequence[Row]:
    """What a clause without citations may rest on: the rows that it names, cited ones first; or those
    before it; or all."""
    named = subject(text, evidence)
    if named <= KIND_STEMS:  # "visits" are not those alone that have the word in their name
        named = set[str]()
    cited = evidence.of(listed)
    for rows in (cited, evidence.rows):
        found = [row for row in rows if named & row.names]
        if found:
            return found
    kinds = stems_in(text) & KIND_STEMS
    found = [row for row in evidence.rows if kinds & row.kinds]
    if found and not named:
        return found
    return before or cited or evidence.rows


def subject(text: str, evidence: Evidence) -> set[str]:
    """The words of a text that name records in the evidence; what is told as a reason only where nothing
    else is named."""
    plain = _uncited(text)
    for part in (_ASIDE.sub(" ", plain), plain):
        if named := (stems_in(part) & evidence.names) - _OF_TIME:
            return named
    return set()


def denied_at(clause: Clause, at: int) -> bool:
    """Whether the clause denies something in the part around a place, cut where the sentence turns."""
    cuts = [0, *(match.end() for match in _TURN.finditer(clause.plain)), len(clause.plain)]
    start = max(cut for cut in cuts if cut <= at)
    part = clause.bare[start : min(cut for cut in cuts if cut > at)]
    return clause.denies and bool(DENIAL.search(part)) and not _AFFIRMED.match(part)


def stems_in(text: str) -> set[str]:
    """The stems of the words of a text."""
    return {stem(word) for _, word in words_in(text)}


def _refs(text: str) -> list[str]:
    return [ref for group in CITATION.finditer(text) for ref in REFERENCE.findall(group.group())]


def _uncited(text: str) -> str:
    for match in CITATION.finditer(text):
        text = blank(text, match.start(), match.end())
    return text


def undated(text: str) -> str:
    """The text with its dates blanked out: their digits are no figures."""
    for dated in list(dates_in(text)):
        text = blank(text, dated.start, dated.end)
    return text
