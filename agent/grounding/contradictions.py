"""Sentences whose words are right but which say the contrary of a row: denials, states, sex."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from agent.grounding.claims import Span, stem, words_in
from agent.grounding.clauses import Clause, stems_in
from agent.grounding.evidence import Evidence, Facts
from agent.grounding.vocabulary import GENERIC, is_common

_NO_ALLERGIES = re.compile(
    r"\bno known (?:\w+ ){0,2}allerg\w+|\bNKD?A\b|\b(?:has|have|with) no (?:\w+ )?allergies\b", re.IGNORECASE
)
_NOT = r"\b(?:not|no longer|isn['’]t|aren['’]t) (?:currently )?"
_DENIED = {
    "Medication": re.compile(rf"(?:{_NOT}|\bdoesn['’]t )(?:on|tak(?:e|ing)|using) ", re.I),
    "AllergyIntolerance": re.compile(r"\bnot (?:known to be )?allergic to |\bno allergy to ", re.I),
    "Condition": re.compile(r"\b(?:does not|doesn['’]t) have |\bhas no |\bnot diagnosed with ", re.I),
}
_UNSURE = re.compile(
    r"\b(?:was|were|whether|if|record|evidence|mother|father|family)\W+(?:\w+\W+){0,4}$", re.I
)
_ON_IT = re.compile(r"\b(?:is|currently) (?:currently )?(?:on|taking) |\b(?:takes|take) ", re.IGNORECASE)
_ENDED = re.compile(r"\b(?:was|were|has been) (?:stopped|discontinued|cancelled|canceled)\b", re.IGNORECASE)
_OBJECT = re.compile(r"[^,;:.()\[]*(?:\.\d[^,;:.()\[]*)?")
_TURN = re.compile(r"\b(?:and|but|or|because|since|as)\b", re.IGNORECASE)
_OFF = {"stopped", "completed", "cancelled", "on-hold", "entered-in-error"}
_ORDERED = ("MedicationRequest", "MedicationStatement")
_LEVEL = re.compile(
    r"\b(?:was|is|were|are|remains?) (?:\w+ )?(?P<level>normal|high|elevated|low)\b(?![-\w])", re.IGNORECASE
)
_LEVELS = {"normal": r"normal|n", "high": r".*high.*|hh?", "elevated": r".*high.*|hh?", "low": r".*low.*|ll?"}
_SEX = re.compile(r"\b(?:is|was|patient|old|sex|gender)\W+(?:an? )?(?P<sex>male|female)\b", re.IGNORECASE)
_GENERIC = {stem(word) for word in GENERIC}


def contradictions(clause: Clause, evidence: Evidence) -> Iterator[Span]:
    """The words of a clause that the rows they are about speak against."""
    yield from _allergies_denied(clause, evidence)
    yield from _record_denied(clause.text, evidence)
    yield from _wrong_standing(clause.text, evidence)
    yield from _wrong_level(clause)
    yield from _wrong_sex(clause, evidence)


def _allergies_denied(clause: Clause, evidence: Evidence) -> Iterator[Span]:
    match = _NO_ALLERGIES.search(clause.text)
    if not match:
        return
    for row in evidence.rows:
        if row.record.get("negation") or _NO_ALLERGIES.search(str(row.record.get("name"))):
            return
    yield Span(match.start(), match.end())


def _record_denied(text: str, evidence: Evidence) -> Iterator[Span]:
    for kind, pattern in _DENIED.items():
        for match in pattern.finditer(text):
            thing = _object(text, match.end())
            rows = [row.record for row in evidence.rows if any(ref.startswith(kind) for ref in row.refs)]
            if not _UNSURE.search(text[: match.start()]) and any(
                _holds(row) and _is_called(row, thing) for row in rows
            ):
                yield Span(match.start(), match.end() + len(thing))


def _object(text: str, start: int) -> str:
    found = _OBJECT.match(text, start)
    return _TURN.split(found.group() if found else "")[0].rstrip()


def _holds(record: dict[str, Any]) -> bool:
    """Whether the record says that it is so now: active, not doubted, not a record of absence."""
    doubted = record.get("verification") not in (None, "confirmed")
    return record.get("status") == "active" and not (
        doubted or record.get("negation") or record.get("do_not_perform")
    )


def _is_called(record: dict[str, Any], thing: str) -> bool:
    """Whether every telling word of `thing`, and every number, is in the record's name."""
    name = str(record.get("name"))
    numbers = set(re.findall(r"\d+(?:\.\d+)?", thing))
    told = {stem(word) for _, word in words_in(thing) if not is_common(word)} - _GENERIC
    return bool(told) and told <= stems_in(name) and numbers <= set(re.findall(r"\d+(?:\.\d+)?", name))


def _head(record: dict[str, Any]) -> str:
    """The drug that a medication's name begins with."""
    stems = (stem(word) for _, word in words_in(str(record.get("name"))) if not is_common(word))
    return next((word for word in stems if len(word) >= 4 and word not in _GENERIC), "")


def _wrong_standing(text: str, evidence: Evidence) -> Iterator[Span]:
    """Drugs said to be taken whose orders have all ended, or to be stopped whose orders are all active."""
    rows = [row.record for row in evidence.rows if any(ref.startswith("Medication") for ref in row.refs)]
    for match in _ON_IT.finditer(text):
        named = _by_head(rows, text[match.end() :].split(";", maxsplit=1)[0])
        for same in named:
            if not re.search(r"\b(?:not|never|was|longer)\W+$", text[: match.start()]) and all(
                map(_ended, same)
            ):
                yield Span(match.start(), match.end())
    for match in _ENDED.finditer(text):
        subject = re.split(r"[,;:]|\band\b", text[: match.start()])[-1]
        if any(all(map(_holds, same)) for same in _by_head(rows, subject)):
            yield Span(match.start(), match.end())


def _by_head(rows: Sequence[dict[str, Any]], text: str) -> list[list[dict[str, Any]]]:
    """The medications named in the text, all records of one drug together."""
    heads = {_head(row) for row in rows} & stems_in(text)
    return [[row for row in rows if _head(row) == head] for head in heads]


def _ended(record: dict[str, Any]) -> bool:
    ordered = str(record.get("ref")).startswith(_ORDERED)
    return bool(record.get("do_not_perform")) or (ordered and record.get("status") in _OFF)


def _wrong_level(clause: Clause) -> Iterator[Span]:
    match = _LEVEL.search(clause.text)
    if not match or not clause.cited:
        return
    said = [str(row.record.get("interpretation", "")).lower() for row in clause.rows]
    if all(said) and not any(re.fullmatch(_LEVELS[match["level"].lower()], level) for level in said):
        yield Span(match.start("level"), match.end("level"))


def _wrong_sex(clause: Clause, evidence: Evidence) -> Iterator[Span]:
    match = _SEX.search(clause.text)
    if match and not _says_sex(match["sex"].lower(), clause.rows, evidence):
        yield Span(match.start("sex"), match.end("sex"))


def _says_sex(sex: str, cited: Sequence[Facts], evidence: Evidence) -> bool:
    recorded = {str(row.record.get(key)) for row in evidence.rows for key in ("sex", "gender")} - {"None"}
    return sex in recorded if recorded else any(sex in row.words for row in cited)
