"""The concepts of the dictionary, by name and by code, as the chart tools ask for them."""

from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from dictionary import KINDS, Kind, entries
from mcp_servers.fhir.charts.code_systems import CVX, ICD10, ICD10CM, RXNORM
from mcp_servers.fhir.charts.elements import LOINC, SNOMED, folded

_OF_MEMBERS: dict[Kind, Kind] = {"class": "drug", "panel": "measurement"}
_SYSTEM_OF_KEY = {"loinc": LOINC, "snomed": SNOMED, "icd10cm": ICD10CM, "rxnorm": RXNORM, "cvx": CVX}


class Code(NamedTuple):
    """A code of a code system; of ICD-10-CM often a category, which stands for all codes that begin so."""

    system: str
    code: str


class Concept(NamedTuple):
    """An entry of the dictionary, with its codes by the addresses of their systems.

    `said` are names that people use, and that in a record's name may mean otherwise (a stent, a reflux).
    `members` are the names of narrower concepts: a drug class's ingredients, a panel's measurements, the
    kinds of a condition.
    """

    name: str
    kind: Kind
    names: tuple[str, ...]
    codes: tuple[Code, ...]
    members: tuple[str, ...] = ()
    said: tuple[str, ...] = ()


@cache
def concepts() -> tuple[Concept, ...]:
    """Every concept of the dictionary, measurements first."""
    return tuple(
        Concept(
            one.name,
            kind,
            one.names,
            tuple(Code(_SYSTEM_OF_KEY[key], code) for key, code in one.codes if key in _SYSTEM_OF_KEY),
            one.members,
            one.said,
        )
        for kind in KINDS
        for one in entries(kind)
    )


@cache
def by_name() -> Mapping[str, tuple[Concept, ...]]:
    """The concepts by each of their names, folded."""
    found: dict[str, tuple[Concept, ...]] = {}
    for concept in concepts():
        for name in {folded(name) for name in (concept.name, *concept.names, *concept.said)}:
            found[name] = (*found.get(name, ()), concept)
    return found


@cache
def only_said() -> frozenset[str]:
    """The folded names that mean a concept when a person says them, not when a record's name holds them."""
    return frozenset(folded(name) for concept in concepts() for name in concept.said)


@cache
def by_code() -> Mapping[str, tuple[Concept, ...]]:
    """The concepts by each of their codes, without its system."""
    found: dict[str, tuple[Concept, ...]] = {}
    for concept in concepts():
        for code in {code.code for code in concept.codes}:
            found[code] = (*found.get(code, ()), concept)
    return found


@lru_cache(maxsize=4096)
def known_by(system: str, code: str) -> tuple[Concept, ...]:
    """The concepts that a coding stands for; of ICD-10, those of the longest category that it falls under."""
    if system in (ICD10CM, ICD10):
        for end in range(len(code), 2, -1):
            found = _with_code(ICD10CM, code[:end])
            if found:
                return found
        return ()
    return _with_code(system, code)


def _with_code(system: str, code: str) -> tuple[Concept, ...]:
    return tuple(one for one in by_code().get(code, ()) if Code(system, code) in one.codes)


def family(wanted: Iterable[Concept]) -> tuple[Concept, ...]:
    """The concepts and their members."""
    found: dict[tuple[str, str], Concept] = {}
    waiting = list(wanted)
    while waiting:
        concept = waiting.pop(0)
        if (concept.name, concept.kind) not in found:
            found[concept.name, concept.kind] = concept
            kind = _OF_MEMBERS.get(concept.kind, concept.kind)
            members = [one for name in concept.members for one in by_name().get(folded(name), ())]
            waiting += [one for one in members if one.kind == kind and one.name in concept.members]
    return tuple(found.values())


def classes_of(drug: Concept) -> list[str]:
    """The classes that an ingredient belongs to."""
    return [one.name for one in concepts() if one.kind == "class" and drug.name in one.members]
