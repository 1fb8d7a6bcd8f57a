"""Which records of a kind a text or a code is about."""

from collections.abc import Callable, Mapping, Sequence
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


class Record(NamedTuple):
    """A record of a kind; `aside` where the words asked for stand in its other texts, not in its names."""

    resource: Resource
    row: Row
    negation: Negation | None
    aside: bool = False

    @property
    def refuted(self) -> bool:
        """Whether it says that something is not so."""
        return bool(self.row.get("verification") == "refuted")


class Wording(NamedTuple):
    """A text as a dictionary reads it.

    `literal`: its words, without those that only say the kind or form of a record (a vaccine, tablets). Each
    of `covers` tells whether a CodeableConcept is about one thing that the text names; `words` are the
    others, which must occur. `said` tells a person how it was read. `related` tells, by an ingredient of the
    combination named whether a record is of it, and by the name of a class whether an allergy concerns the
    drugs named because it is to their class or to a drug like them.
    """

    literal: tuple[str, ...]
    covers: tuple[Callable[[object], bool], ...]
    words: tuple[str, ...]
    said: str
    related: Mapping[str, Callable[[object], bool]]


def with_code(records: list[Record], code: str, included: Included, notes: list[str]) -> list[Record]:
    """The records with a code, bare or `system|code`; where there are none, `notes` tell what to try."""
    found = [
        record
        for record in records
        if any(
            stands_for(code, string(coding.get("system")) or "", string(coding.get("code")) or "")
            for concept in _concepts(record, included)
            for coding in codings(concept)
        )
    ]
    if records and not found:
        notes.append(
            f"None of the records of this kind ({len(records)}) bears the code `{code}`; `text` finds them by"
            " name, and lookup_code tells which codes this chart has for a word."
        )
    return found


def with_words(
    records: list[Record], text: str, wording: Wording | None, included: Included, notes: list[str]
) -> list[Record]:
    """The records in which every word of `text` occurs but those of their kind, or that are about what it
    means. `notes` name records beside them that are related; where there are none, what comes near."""
    words = folded(text).split()
    needed = wording.literal if wording else words
    found: list[Record] = []
    inside: list[str] = []
    meant = 0
    for record in records:
        names = folded(" ".join(_names(record, included)))
        texts = f"{names} {_texts(record)}"
        if _says(texts, needed):
            aside = bool(needed) and not any(_says(names, [word]) for word in needed)
            found.append(record._replace(aside=aside))
            meant += not _says(texts, words)
        elif wording and _says(texts, wording.words) and _covered(record, wording, included):
            found.append(record)
            meant += 1
        elif needed and _says(names, [one for one in needed if len(one) <= WHOLE_WORD or one not in names]):
            inside.append(f"{record.row.get('name')} ({record.row['ref']})")
    if wording and meant:
        notes.append(f"`{text}` read as {wording.said}.")
    if wording:
        rest = {one.row["ref"] for one in records} - {one.row["ref"] for one in found}
        _note_related([one for one in records if one.row["ref"] in rest], text, wording, included, notes)
    if found and inside:
        notes.append(f"Not listed, with the words only inside longer ones: {listed(inside)}.")
    if not found and records:
        _note_nothing(records, text, wording, notes)
    return found


def _note_related(
    records: list[Record], text: str, wording: Wording, included: Included, notes: list[str]
) -> None:
    for by, covers in wording.related.items():
        related = [
            f"{record.row.get('name')} ({record.row['ref']}, {record.row.get('status')})"
            for record in records
            if not record.refuted and any(map(covers, _concepts(record, included)))
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


def _covered(record: Record, wording: Wording, included: Included) -> bool:
    concepts = _concepts(record, included)
    return bool(wording.covers) and all(any(map(covers, concepts)) for covers in wording.covers)


def _concepts(record: Record, included: Included) -> list[object]:
    resource = record.resource
    direct = [resource.get(field) for field in ("code", "vaccineCode", "type", "category", "procedureCode")]
    of_relative = [one.get("code") for one in objects(resource.get("condition"))]
    return [*direct, *of_relative, *medication_concepts(resource, included)]


def _names(record: Record, included: Included) -> list[str]:
    names = [name for concept in _concepts(record, included) for name in concept_names(concept)]
    return [*names, str(record.row.get("name", ""))]


def _texts(record: Record) -> str:
    texts = (text for field, text in record.row.items() if isinstance(text, str) and field not in _NOT_WORDS)
    return folded(" ".join(texts))


def _says(searched: str, words: Sequence[str]) -> bool:
    """Words count whole, long ones at the beginning of a word too: norepinephrine is no epinephrine."""
    text = f" {searched} "
    return all(f" {word} " in text if len(word) <= WHOLE_WORD else f" {word}" in text for word in words)
