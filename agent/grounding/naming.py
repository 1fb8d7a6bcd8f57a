"""Names in a clause: of the records that it cites, and of anything that no record holds."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise

from agent.grounding.clauses import Clause, Finding, denied_at, stems_in, subject
from agent.grounding.evidence import Evidence
from agent.grounding.polarity import denials_in, within
from agent.grounding.rows import Row, scalars
from agent.grounding.units import unit_of
from agent.grounding.vocabulary import GENERIC_STEMS, KIND_STEMS, is_common, is_plain, names_a_record
from agent.grounding.written import CITATION, REFERENCE, Span, dates_in, numbers_in, stem, words_in
from agent.models.offline.concepts import Concept, load_lexicon, stems_of_record

_LONGEST = 160
# "Takes ginkgo and turmeric": what follows the verb is a thing, known or not.
_TAKES = re.compile(
    r"\b(?:takes|taking|uses|using|allergic to|prescribed)\s+"
    r"(?:(?:also|both|daily|her|his|an?|some|low-dose|high-dose)\s+)*(?=[a-z])",
    re.IGNORECASE,
)
_ITEM_TAKEN = re.compile(r"(?:,\s+|,?\s+and\s+|\s+or\s+)(?P<item>[a-z][a-z-]+)(?=\s*(?:,|and\b|$))")
_LIST_END = re.compile(r"[.;:()\n]|$")
_SHORTEST = 3
# What the dictionary names that stands in records by name.
NAMING = ("drug", "problem", "substance", "vaccine")
_WHY = re.compile(
    r"\b(?:for|because of|due to|against|to treat|reason:?)\s+(?:[a-z]+\s+){0,3}$", re.IGNORECASE
)
# What follows tells when, not what: "one day after she was admitted".
_WHEN = re.compile(r"\b(?:after|before|since|until|when|while)\b", re.IGNORECASE)
# Of the longest name that is looked for in the dictionary.
_WORDS = 4
# What tells of a record of the type without naming it.
_ALSO = {"Encounter": {stem(word) for word in ("discharge", "discharged", "hospital", "hospitalization")}}
# "Weight loss" is told of weights.
_CHANGES = {stem(word) for word in ("loss", "gain", "rise", "fall", "change")}


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
            if _names_another(rows, clause, evidence):
                why = "another record is named here"
                yield Finding(*span, "citation", "contradicted", why, rows)
            elif not named and _tells_of_another(clause, evidence):
                yield Finding(*span, "citation", "contradicted", "another record says so", rows)
            elif any(_is_named(row, clause, named) or _is_measured(row, clause, evidence) for row in rows):
                yield Finding(*span, "citation", rows=rows)
            else:
                why = "the record is of something that is not named here"
                yield Finding(*span, "citation", "contradicted", why, rows)


def _is_named(row: Row, clause: Clause, named: set[str]) -> bool:
    """Whether the clause (or what was named before it) names the row; a clause that names nothing may cite
    whatever holds its figures."""
    if row.type == "Patient" or not named or f"({row.plain_label})".casefold() in clause.plain.casefold():
        return True
    # "An effusion was seen" is of a report, though "seen" is a word for visits as well.
    if named <= KIND_STEMS and len((clause.stems - KIND_STEMS - GENERIC_STEMS) & row.words) > 1:
        return True
    if named & (row.names | row.kinds | row.all_names):
        return True
    # "Ordered on the day the stay ended" names two records, one by its kind.
    others = {ref.split("/")[0] for ref in clause.cited} - {row.type}
    if others and (row.kinds | _ALSO.get(row.type, set())) & clause.stems:
        return True
    # "The anticoagulant is apixaban" is no name of warfarin, though that is one too.
    return _synonymous(clause.plain, row.label, classes=not named & clause.stems)


def _names_another(rows: Sequence[Row], clause: Clause, evidence: Evidence) -> bool:
    """Whether the clause bears a name that only records of the type hold that are not cited here, and none of
    the words that tell this one from them."""
    said = clause.stems & evidence.names
    cited = evidence.of(clause.sentence)
    unheld = said - set().union(*(row.words | row.names for row in cited)) - KIND_STEMS
    if not unheld or clause.denies:
        return False
    others = [row for row in evidence.of_type(rows[0].type) if unheld & row.head]
    return bool(others) and not any(
        (row.head - set().union(*(one.head for one in others))) & said
        or not row.head & set().union(*(one.head for one in others))
        or _synonymous(clause.plain, row.label)
        for row in rows
    )


def _tells_of_another(clause: Clause, evidence: Evidence) -> bool:
    """Whether nothing that the clause tells stands in a record it cites, and a name in it does in another."""
    rows = evidence.of(clause.cited)
    told = [word for _, word in words_in(clause.plain) if not is_common(word)]
    told = [word for word in told if stem(word) not in GENERIC_STEMS | KIND_STEMS]
    held = set().union(*(row.words | row.names for row in rows))
    if any(stem(word) in held or any(_known_as(word, row) for row in rows) for word in told):
        return False
    others = [word for word in told if names_a_record(word) or stem(word) in _dictionary()]
    return any(stem(word) in evidence.words for word in others) and not list(figures_in(clause.plain))


def figures_in(text: str) -> Iterator[Span]:
    """The numbers and dates of a text."""
    yield from dates_in(text)
    yield from numbers_in(text)


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
    told = subject(clause.plain, evidence)
    if told and not any(told & row.names for row in clause.rows) and not subject(clause.bare, evidence):
        told = set()  # words of what its rows hold beside their names: "(Normal adult range)"
    return told or stems_in(_WHEN.split(clause.plain)[0]) & KIND_STEMS or before


Phrase = tuple[Span, set[str], list[Concept]]


def names(clause: Clause, evidence: Evidence, quoted: str, told: Sequence[Phrase]) -> Iterator[Finding]:
    """Each word that names a drug, a finding, a test or a person: does any record hold it?

    What stands only in the question (or in a call that brought nothing) may be repeated where it is denied.
    `quoted` is the clause's text without what was read as figures or repeats a row, `told` the phrases in it.
    """
    denied = list(denials_in(clause.plain))
    known = [span for span, keys, concepts in told if _is_called(keys, concepts, clause.rows)]
    taken = list(_taken(clause.plain))
    for span, word in words_in(quoted):
        key = stem(word)
        if is_common(word) or unit_of(word) is not None or within(span.start, known):
            continue
        if any(_stands_among(key, row.words | row.names) for row in clause.rows[:40]):
            if names_a_record(word):
                yield Finding(span.start, span.end, "name", rows=clause.rows)
            continue
        if _stands_among(key, evidence.words):
            if _is_reason(span, key, clause, evidence) and not within(span.start, denied):
                yield Finding(
                    span.start, span.end, "name", "unsupported", "no cited record gives this reason"
                )
            continue
        if key in evidence.sought:
            kin = any(_inflected(key, one) for row in clause.rows[:40] for one in row.words)
            kin = kin or any(_known_as(word, row) for row in clause.rows[:40])
            names = names_a_record(word) or key in _dictionary()
            if names and not kin and not denied_at(clause, span.start):
                yield Finding(span.start, span.end, "name", "unsupported", "only the question says so")
        elif (
            names_a_record(word)
            or (within(span.start, taken) and _is_thing(word))
            or any(stem(part) in _dictionary() for part in (word, *word.split("-")))
        ):
            if any(_known_as(word, row) for row in clause.rows[:40]):
                continue
            if within(span.start, denied) or (clause.denies and not clause.cited):
                continue
            yield Finding(span.start, span.end, "name", "unsupported", "no record holds this name")


def _taken(text: str) -> Iterator[Span]:
    """Where a word stands for what is taken: the first after the verb, and each single one of a list."""
    for match in _TAKES.finditer(text):
        yield Span(match.end(), match.end() + 1)
        end = _LIST_END.search(text, match.end())
        told = text[: end.start() if end else len(text)].rstrip()
        for item in _ITEM_TAKEN.finditer(told, match.end()):
            yield Span(item.start("item"), item.start("item") + 1)


def _is_thing(word: str) -> bool:
    """Whether an unknown word can be the name of something: no adverb, no verb, nothing generic."""
    if len(word) < _SHORTEST or "-" in word or stem(word) in GENERIC_STEMS | KIND_STEMS or is_plain(word):
        return False
    return not re.search(r"(?:ly|ed|ing)$", word)


def phrases(clause: Clause, evidence: Evidence, told: Sequence[Phrase]) -> Iterator[Finding]:
    """Each name of several words in the dictionary: does a record hold its words, or another name of it?"""
    denied = list(denials_in(clause.plain))
    for span, keys, concepts in told:
        denies = within(span.start, denied) or denied_at(clause, span.start)
        if denies or (clause.denies and not clause.cited):
            continue
        if keys & _CHANGES and any(keys - _CHANGES <= row.all_names for row in clause.rows if row.measured):
            continue
        # A class of drugs is a word for those that are cited.
        rows = clause.rows if clause.cited and any(one.members for one in concepts) else evidence.rows
        if not _is_called(keys, concepts, rows):
            yield Finding(span.start, span.end, "name", "unsupported", "no record holds this name")


def phrases_in(text: str) -> Iterator[Phrase]:
    """The names of several words in a text: where, the stems of their words, and what they name."""
    held, at = list(words_in(text)), 0
    while at < len(held):
        size, concepts = _phrase(held[at : at + _WORDS], text)
        if concepts:
            keys = {stem(word) for _, word in held[at : at + size]}
            yield Span(held[at][0].start, held[at + size - 1][0].end), keys, concepts
        at += size


def _phrase(held: list[tuple[Span, str]], text: str) -> tuple[int, list[Concept]]:
    """How many of these words, from the first on, are a name, and of what; else one, of nothing."""
    first = stems_of_record(held[0][1])
    if first and first[0] not in _beginnings():
        return 1, []
    for size in range(len(held), 1, -1):
        spans = [span for span, _ in held[:size]]
        if all(not text[one.end : two.start].strip() for one, two in pairwise(spans)):
            key = stems_of_record(" ".join(word for _, word in held[:size]))
            concepts = [one for one in _concepts().get(key, ()) if one.kind in NAMING]
            if concepts:
                return size, concepts
    return 1, []


def _is_called(keys: set[str], concepts: list[Concept], rows: Sequence[Row]) -> bool:
    """Whether a record holds all these words, or one of its texts another name of what they name."""
    if any(keys <= row.words | row.names for row in rows):
        return True
    texts = {text for row in rows for text in scalars(row.record) if isinstance(text, str)}
    return any(
        one.in_any_order(record)
        for record in (stems_of_record(text) for text in texts if len(text) <= 2 * _LONGEST)
        for one in concepts
    )


def _is_reason(span: Span, key: str, clause: Clause, evidence: Evidence) -> bool:
    """Whether a condition is told as why, of cited records none of which holds it."""
    if not (clause.cited and key in _dictionary() and _WHY.search(clause.plain[: span.start])):
        return False
    rows = evidence.of([*clause.sentence, *clause.told])
    word = clause.plain[span.start : span.end]
    return not any(_stands_among(key, row.words | row.names) or _known_as(word, row) for row in rows)


_INFLECTED = re.compile(r"(?:e?ments?|ed?|ing|ations?|ions?|al|er|ous)$")


def _inflected(key: str, other: str) -> bool:
    """Whether two stems are forms of one word: `replaced`, `replacement`."""
    root = _INFLECTED.sub("", key)
    return len(root) >= 5 and root == _INFLECTED.sub("", other)


def _known_as(word: str, row: Row) -> bool:
    """Whether the word, or each drug of it, is another name for what the row's label, or a text, names."""
    parts = word.split("-")
    if len(parts) > 1 and all(stem(part) in _dictionary() for part in parts):
        return all(_known_as(part, row) for part in parts)
    texts = (text for text in row.facts.strings if len(text) <= _LONGEST)
    return _abbreviates(word, row) or any(_synonymous(word, text) for text in (row.label, *texts))


def _abbreviates(word: str, row: Row) -> bool:
    """Whether capitals stand for the words of a text of the row: `EF` for ejection fraction."""
    if not re.fullmatch(r"[A-Z]{2,5}", word):
        return False
    return bool(re.search(r"\b" + r"\w*[\s-]+".join(word), row.text, re.IGNORECASE))


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
def _beginnings() -> frozenset[str]:
    """The first words of all names of several words."""
    return frozenset(phrase[0] for phrase in _concepts() if len(phrase) > 1)


@cache
def single_names(*kinds: str) -> frozenset[str]:
    """The stems of single words that name something of these kinds in the dictionary."""
    return frozenset(
        stem(phrase[0])
        for phrase, concepts in _concepts().items()
        if len(phrase) == 1 and len(phrase[0]) > 3 and any(one.kind in kinds for one in concepts)
    )


def _dictionary() -> frozenset[str]:
    """Single words that name drugs, conditions, allergens and vaccines."""
    return single_names(*NAMING)


def _synonymous(text: str, label: str, *, classes: bool = True) -> bool:
    """Whether the dictionary knows a word or phrase of the text as a name (or a class) of the record."""
    record = stems_of_record(label)
    return any((classes or not one.members) and one.in_any_order(record) for one in concepts_in(text))


def concepts_in(text: str) -> Iterator[Concept]:
    """What the dictionary knows the words and phrases of a text as."""
    words = stems_of_record(text)
    for size in (1, 2, 3, 4):
        for at in range(len(words) - size + 1):
            yield from _concepts().get(words[at : at + size], ())
