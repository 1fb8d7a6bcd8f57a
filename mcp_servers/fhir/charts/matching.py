"""Which records of a kind a text or a code is about."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from rapidfuzz import fuzz, process

from mcp_servers.fhir.charts.code_systems import stands_for
from mcp_servers.fhir.charts.elements import (
    SHOWN,
    Resource,
    Row,
    codings,
    concept_names,
    folded,
    listed,
    objects,
    string,
)
from mcp_servers.fhir.charts.medications import medication_concepts
from mcp_servers.fhir.charts.negations import Negation
from mcp_servers.fhir.charts.references import Included

SIMILAR = 80
WHOLE_WORD = 3

# Fields of a row that are codes, dates and amounts: no words to search.
_NOT_WORDS = frozenset(
    {
        "ref",
        "date",
        "end",
        "onset",
        "abated",
        "recorded",
        "uncertain",
        "requester",
        "performer",
        "recorder",
        "informant",
        "encounter",
        "status",
        "doc_status",
        "verification",
        "criticality",
        "source",
        "intent",
        "priority",
        "unit",
        "code",
        "attachments",
        "identifier",
    }
)


@dataclass(frozen=True, eq=False)
class Record:
    """A record of a kind; `aside` where the words asked for stand in its other texts, not in its names."""

    resource: Resource
    row: Row
    negation: Negation | None
    included: Included
    aside: bool = False

    @property
    def refuted(self) -> bool:
        """Whether it says that something is not so."""
        return bool(self.row.get("verification") == "refuted")

    @cached_property
    def concepts(self) -> list[object]:
        """The CodeableConcepts that say what it is about."""
        fields = ("code", "vaccineCode", "type", "category", "procedureCode")
        direct = [self.resource[field] for field in fields if field in self.resource]
        of_relative = [one.get("code") for one in objects(self.resource.get("condition"))]
        return [*direct, *of_relative, *medication_concepts(self.resource, self.included)]

    @cached_property
    def about(self) -> str:
        """Equal for records with equal concepts."""
        return repr(self.concepts)

    @cached_property
    def names(self) -> str:
        """Its names, folded, between blanks."""
        names = [name for concept in self.concepts for name in concept_names(concept)]
        return f" {folded(' '.join([*names, str(self.row.get('name', ''))]))} "

    @cached_property
    def texts(self) -> str:
        """Its names and what else its row says, folded, between blanks."""
        row = self.row.items()
        texts = (text for field, text in row if isinstance(text, str) and field not in _NOT_WORDS)
        return f"{self.names}{folded(' '.join(texts))} "


class Wording(NamedTuple):
    """A text as a dictionary reads it.

    `literal`: its words, without those that only say the kind or form of a record (a vaccine, tablets). Each
    of `covers` tells whether a CodeableConcept is about one thing that the text names; `words` are the
    others, which must occur. `each` are the words of names that are asked for one by one. `said` tells a
    person how it was read. `related` tells, by an ingredient of the combination named whether a record is of
    it, and by the name of a class whether an allergy concerns the drugs named because it is to their class or
    to a drug like them.
    """

    literal: tuple[str, ...]
    covers: tuple[Callable[[object], bool], ...]
    words: tuple[str, ...]
    said: str
    related: Mapping[str, Callable[[object], bool]]
    each: tuple[tuple[str, ...], ...] = ()

    def names_one(self, texts: str) -> bool:
        """Whether all words of one of `each` stand in a folded text between blanks, as they are or plural."""
        return any(all(f" {word} " in texts or f" {word}s " in texts for word in name) for name in self.each)


class _Verdict(NamedTuple):
    """Whether words find a record: in its other texts alone (`aside`), by their meaning alone (`meant`), or
    not, as they stand only `inside` longer words."""

    found: bool = False
    aside: bool = False
    meant: bool = False
    inside: bool = False


def with_code(records: list[Record], code: str, notes: list[str]) -> list[Record]:
    """The records with a code, bare or `system|code`; where there are none, `notes` tell what to try."""
    found = [
        record
        for record in records
        if any(
            stands_for(code, string(coding.get("system")) or "", string(coding.get("code")) or "")
            for concept in record.concepts
            for coding in codings(concept)
        )
    ]
    if records and not found:
        notes.append(
            f"None of the records of this kind ({len(records)}) bears the code `{code}`; `text` finds them by"
            " name, and lookup_code tells which codes this chart has for a word."
        )
    return found


def with_words(records: list[Record], text: str, wording: Wording | None, notes: list[str]) -> list[Record]:
    """The records in which every word of `text` occurs but those of their kind, or that are about what it
    means. `notes` name records beside them that are related; where there are none, what comes near."""
    words = folded(text).split()
    needed = wording.literal if wording else words
    all_words, all_needed, the_others = map(_written, (words, needed, wording.words if wording else ()))
    within = [one for one in needed if len(one) > WHOLE_WORD]
    whole = _written(one for one in needed if len(one) <= WHOLE_WORD)
    covered: dict[str, bool] = {}

    def verdict(record: Record) -> _Verdict:
        texts, names = record.texts, record.names
        if all(word in texts for word in all_needed) or (wording and wording.names_one(texts)):
            aside = bool(needed) and not any(word in names for word in all_needed)
            return _Verdict(found=True, aside=aside, meant=not all(word in texts for word in all_words))
        if wording and all(word in texts for word in the_others) and _covered(record, wording, covered):
            return _Verdict(found=True, meant=True)
        return _Verdict(inside=bool(needed) and all(word in names for word in (*whole, *within)))

    found: list[Record] = []
    inside: list[str] = []
    meant = False
    known: dict[tuple[str, ...], _Verdict] = {}  # of a long list, many records say the same
    for record in records:
        said = (record.names, record.texts, record.about)
        if said not in known:
            known[said] = verdict(record)
        one = known[said]
        meant = meant or one.meant
        if one.found:
            found.append(replace(record, aside=True) if one.aside else record)
        elif one.inside:
            inside.append(f"{record.row.get('name')} ({record.row['ref']})")
    if wording and meant:
        notes.append(f"`{text}` read as {wording.said}.")
    if wording and wording.related:
        rest = {record.row["ref"] for record in records} - {record.row["ref"] for record in found}
        _note_related([record for record in records if record.row["ref"] in rest], text, wording, notes)
    if found and inside:
        notes.append(f"Not listed, with the words only inside longer ones: {listed(inside)}.")
    if not found and records:
        _note_nothing(records, text, wording, notes)
    return found


def _note_related(records: list[Record], text: str, wording: Wording, notes: list[str]) -> None:
    for by, covers in wording.related.items():
        related = [
            f"{record.row.get('name')} ({record.row['ref']}, {record.row.get('status')})"
            for record in records
            if not record.refuted and any(map(covers, record.concepts))
        ]
        if related:
            notes.append(f"Recorded, and related to `{text}` by {by}: {listed(related)}.")


def _note_nothing(records: list[Record], text: str, wording: Wording | None, notes: list[str]) -> None:
    none = [record for record in records if record.negation == "none" and not record.refuted]
    others = [record for record in records if record.negation is None]
    if all(record.refuted for record in others):
        notes += [f'The chart records "{record.row.get("name")}" ({record.row["ref"]}).' for record in none]
    names = list(dict.fromkeys(str(record.row["name"]) for record in others if "name" in record.row))
    words = " ".join(wording.literal) if wording else text
    near = process.extract(
        words, names, scorer=fuzz.partial_ratio, processor=folded, limit=SHOWN, score_cutoff=SIMILAR
    )
    alike = "; ".join(name for name, _, _ in near)
    read = f", also read as {wording.said}" if wording and wording.covers else ""
    tried = f"None of the records of this kind ({len(records)}) contains these words{read}"
    if near:
        notes.append(f"{tried}; similarly spelled in this chart: {alike}.")
    elif len(none) < len(records):
        notes.append(f"{tried}; another word for it, or no `text`, may find more.")


def _covered(record: Record, wording: Wording, known: dict[str, bool]) -> bool:
    """Whether of each thing that the words name one concept is about it; `known` is what was told before."""
    if record.about not in known:
        known[record.about] = bool(wording.covers) and all(
            any(map(about, record.concepts)) for about in wording.covers
        )
    return known[record.about]


def _written(words: Iterable[str]) -> list[str]:
    """How words stand in a text between blanks: whole, long ones at the beginning of a word too, for
    norepinephrine is no epinephrine."""
    return [f" {word} " if len(word) <= WHOLE_WORD else f" {word}" for word in words]
