"""Names in a clause: of the records that it cites, and of anything that no record holds."""

import re
from collections.abc import Iterator
from functools import cache

from agent.grounding.clauses import Clause, Finding, denied_at, subject
from agent.grounding.evidence import Evidence
from agent.grounding.rows import Row
from agent.grounding.units import unit_of
from agent.grounding.vocabulary import KIND_STEMS, is_common, names_a_record
from agent.grounding.written import CITATION, REFERENCE, numbers_in, stem, words_in
from agent.models.offline.concepts import Concept, load_lexicon, stems_of_record


def citations(clause: Clause, evidence: Evidence, named: set[str]) -> Iterator[Finding]:
    """Each reference of the clause: is it of a record that was read, and of what the clause names?"""
    known = set(evidence.known)
    for match in CITATION.finditer(clause.text):
        for ref in REFERENCE.finditer(clause.text, match.start(), match.end()):
            span = (ref.start(), ref.end())
            if ref.group() not in known:
                yield Finding(*span, "citation", "contradicted", "no call brought this record")
                continue
            rows = evidence.of([ref.group()])
            if any(_is_named(row, clause, named) or _is_measured(row, clause, evidence) for row in rows):
                yield Finding(*span, "citation", rows=rows)
            else:
                why = "the record is of something that is not named here"
                yield Finding(*span, "citation", "contradicted", why, rows)


def _is_named(row: Row, clause: Clause, named: set[str]) -> bool:
    """Whether the clause (or what was named before it) names the row; a clause that names nothing may cite
    whatever holds its figures."""
    if row.type == "Patient" or not named:
        return True
    return bool(named & (row.names | row.kinds | row.facts.names)) or _synonymous(clause.plain, row.label)


def _is_measured(row: Row, clause: Clause, evidence: Evidence) -> bool:
    """Whether the clause tells the row's value with its unit, and names nothing but other records that it
    cites ("he weighed 92.4 kg, 4 days before metformin")."""
    told = subject(clause.plain, evidence)
    others = [one for one in evidence.of(clause.cited) if one is not row]
    if any(not any(word in one.names for one in others) for word in told):
        return False
    said = [one.number for one in numbers_in(clause.plain) if one.number.unit]
    return any(one.number == number for one in row.measured for number in said)


def named_in(clause: Clause, evidence: Evidence, before: set[str]) -> set[str]:
    """What a clause is about: the records' names in it, else kinds of records, else what was named before."""
    return subject(clause.plain, evidence) or clause.stems & KIND_STEMS or before


def names(clause: Clause, evidence: Evidence, quoted: str) -> Iterator[Finding]:
    """Each word that names a drug, a finding, a test or a person: does any record hold it?

    What stands only in the question (or in a call that brought nothing) may be repeated where it is denied.
    `quoted` is the clause's text without what was read as figures or repeats a row.
    """
    for span, word in words_in(quoted):
        key = stem(word)
        if is_common(word) or unit_of(word) is not None:
            continue
        if any(_stands_among(key, row.facts.words | row.names) for row in clause.rows[:40]):
            if names_a_record(word):
                yield Finding(span.start, span.end, "name", rows=clause.rows)
            continue
        if _stands_among(key, evidence.words):
            continue
        if key in evidence.sought:
            if not denied_at(clause, span.start):
                yield Finding(span.start, span.end, "name", "unsupported", "only the question says so")
        elif names_a_record(word) or stem(word) in _dictionary():
            if any(_synonymous(word, row.label) for row in clause.rows[:40]) or denied_at(clause, span.start):
                continue
            yield Finding(span.start, span.end, "name", "unsupported", "no record holds this name")


def _stands_among(key: str, words: set[str]) -> bool:
    """Whether a word stands: itself, its hyphenated parts, or, as HbA1c in A1c, one in the other."""
    if key in words:
        return True
    parts = {stem(part) for part in re.split(r"[-’']", key)}
    if len(parts) > 1 and parts <= words:
        return True
    return bool(re.search(r"\d", key)) and any(_holds(key, word) for word in words)


def _holds(key: str, word: str) -> bool:
    """Whether one word with a digit is the other with more letters, and no more digits, around it."""
    short, long = sorted((key, word), key=len)
    if len(short) < 3 or short not in long or not re.search(r"\d", short):
        return False
    return not re.search(r"\d", long.replace(short, "", 1))


@cache
def _concepts() -> dict[tuple[str, ...], list[Concept]]:
    lexicon = load_lexicon()
    return {phrase: list(kinds.values()) for phrase, kinds in lexicon.concepts.items()}


@cache
def _dictionary() -> frozenset[str]:
    """Single words that name drugs and conditions."""
    return frozenset(
        stem(phrase[0])
        for phrase, concepts in _concepts().items()
        if len(phrase) == 1
        and len(phrase[0]) > 3
        and any(one.kind in ("drug", "problem") for one in concepts)
    )


def _synonymous(text: str, label: str) -> bool:
    """Whether the dictionary knows a word or phrase of the text as a name, or a class, of the record."""
    words = stems_of_record(text)
    record = stems_of_record(label)
    for size in (1, 2, 3, 4):
        for at in range(len(words) - size + 1):
            for concept in _concepts().get(words[at : at + size], ()):
                if concept.in_any_order(record):
                    return True
    return False
