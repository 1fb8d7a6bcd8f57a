"""Whose it is: what stands of one thing that a clause names (a drug, a person), told of another."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from agent.grounding.clauses import Clause, Finding, stems_in
from agent.grounding.naming import single_names
from agent.grounding.rows import Row, Texts, scalars
from agent.grounding.schedules import frequencies_in
from agent.grounding.units import unit_of
from agent.grounding.vocabulary import COMMON_STEMS, GENERIC_STEMS, KIND_STEMS, is_common
from agent.grounding.written import Span, blank, stem, words_in

_MOST = 8
_ITEM = re.compile(r"([^();]+)\(([^()]+)\)")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_PART = re.compile(r"[;,]\s+(?:and |but |while |whereas )?|\s+(?:and|but|while|whereas)\s+")
_ROOT = re.compile(r"(?:ed|ing|e)$")
_PLAIN = {_ROOT.sub("", word) for word in COMMON_STEMS}
# What is done with a drug, in whatever form of the word.
_ACTS = {
    act: re.compile(rf"\b(?:{words})\b", re.IGNORECASE)
    for act, words in {
        "stop": r"stop\w*|discontinu\w*",
        "start": r"start\w*|initiat\w*|beg[au]n",
        "continue": r"continu\w*",
        "raise": r"increas\w*|raised?",
        "lower": r"reduc\w*|decreas\w*|lowered",
        "hold": r"held|hold\w*|paus\w*",
    }.items()
}


class _Owner(NamedTuple):
    """Something with a name, and the words that are told of it."""

    name: set[str]
    held: set[str]
    row: Row


def belonging(clause: Clause) -> Iterator[Finding]:
    """Each word of a cited clause that its records hold of another thing than the one it is told of."""
    if not clause.cited or clause.denies:
        return
    rows = list({row.refs: row for row in clause.rows}.values())
    if 1 < len(rows) <= _MOST:
        yield from _swapped([_Owner(row.head, _told(row), row) for row in rows], clause)
    for row in rows[:_MOST]:
        texts = [text for text in scalars(row.record) if isinstance(text, str)]
        for text in texts:
            items = [_Owner(stems_in(one[1]), stems_in(one[2]), row) for one in _ITEM.finditer(text)]
            if len(items) > 1:
                yield from _swapped(items, clause)
    yield from _of_another_drug(clause, rows[:_MOST])


def _told(row: Row) -> set[str]:
    texts = (text for text in scalars(row.record) if isinstance(text, str))
    return set().union(*(row.texts.read(text).words for text in texts))


def _swapped(owners: Sequence[_Owner], clause: Clause) -> Iterator[Finding]:
    """Words told of one owner that only others hold: in turns ("A for x and B for y"), or in brackets after
    the name. Where turns do not come out even, a word may belong to either neighbour."""
    text = clause.plain
    for span, _ in frequencies_in(text):
        text = blank(text, span.start, span.end)
    turns: list[tuple[list[_Owner], list[tuple[Span, list[_Owner]]]]] = []
    first: list[tuple[Span, list[_Owner]]] = []
    for span, word in words_in(text):
        key = stem(word)
        if is_common(word) or key in GENERIC_STEMS | KIND_STEMS or unit_of(word):
            continue
        named = [one for one in owners if key in one.name]
        holders = named or [one for one in owners if key in one.held]
        if not holders or len(holders) == len(owners):
            continue
        if not named:
            (turns[-1][1] if turns else first).append((span, holders))
        elif turns and not turns[-1][1]:
            both = [one for one in turns[-1][0] if one in named]
            turns[-1] = (both or [*turns[-1][0], *named], [])
        else:
            turns.append((named, []))
    if len(turns) < 2 or (first and turns[-1][1]):
        return
    told = [(named, words) for named, words in turns]
    if first:  # what is told comes before each name
        ahead = [first, *(words for _, words in turns)]
        told = [(named, words) for (named, _), words in zip(turns, ahead, strict=False)]
    even = all(words for _, words in told)
    for named, words in told:
        for span, holders in words:
            if any(one in named for one in holders):
                continue
            if even or re.search(r"\([^)]*$", text[: span.start]):
                why = "that is told of another here"
                rows = [one.row for one in named]
                yield Finding(span.start, span.end, "name", "contradicted", why, rows)
                return


class _Sentence(NamedTuple):
    """What a sentence names and tells: words without their endings, figures, and what is done."""

    drugs: set[str]
    words: set[str]


def _read(text: str, texts: Texts) -> _Sentence:
    read = texts.read(text)
    drugs = set(read.words & single_names("drug"))
    words = {_ROOT.sub("", word) for word in read.words - drugs - GENERIC_STEMS - KIND_STEMS}
    acts = {act for act, pattern in _ACTS.items() if pattern.search(text)}
    return _Sentence(drugs, words - _PLAIN | acts | {str(one.value) for one in read.numbers})


def _of_another_drug(clause: Clause, rows: Sequence[Row]) -> Iterator[Finding]:
    """What a text says in sentences about other drugs only, told of one that it names elsewhere."""
    if not stems_in(clause.plain) & single_names("drug"):
        return
    texts = {text for row in rows for text in scalars(row.record) if isinstance(text, str)}
    sentences = [_read(one, rows[0].texts) for text in texts for one in _SENTENCE.split(text)]
    known = set().union(*(one.drugs for one in sentences))
    if len(known) < 2:
        return
    parts = list(_parts(clause.plain))
    read = [_read(clause.plain[part.start : part.end], rows[0].texts) for part in parts]
    if not all(len(one.drugs) == 1 and one.words for one in read):  # what is told of which, is not plain
        parts, read = [Span(0, len(clause.plain))], [_read(clause.plain, rows[0].texts)]
    for part, told in zip(parts, read, strict=True):
        for word in told.words if told.drugs & known else ():
            holding = [one for one in sentences if word in one.words]
            if holding and all(one.drugs and not one.drugs & told.drugs for one in holding):
                why = "that is told of another drug"
                yield Finding(part.start, part.end, "name", "contradicted", why, rows)
                break


def _parts(text: str) -> Iterator[Span]:
    start = 0
    for cut in [*_PART.finditer(text), None]:
        end = cut.start() if cut else len(text)
        if text[start:end].strip(" ."):
            yield Span(start, end)
        start = cut.end() if cut else end
