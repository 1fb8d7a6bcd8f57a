"""What a measurement's name means in this chart: code, display or text, everyday name, misspelling.

Exact beats partial beats misspelt, and nothing is guessed between codes that fit equally well.
The dictionary holds the everyday names: each entry's codes are one analyte by several methods or in several
units; codes of another entry never answer for it (a urine glucose for "glucose"). The name of a panel means
each of its measurements.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from typing import NamedTuple

from rapidfuzz import fuzz, process

from dictionary import entries
from mcp_servers.fhir.charts.elements import codes, concept_names, concept_text, folded
from mcp_servers.fhir.charts.values import main_code

LIKE_A_LOINC_CODE = re.compile(r"\d{1,7}-\d")
SPELLING = 88
SHORTEST_MISSPELT = 5
SIMILAR = 70
SUGGESTED = 5
SHOWN = 10
WHOLE_WORD = 3
# Words around a name that say which of its values are meant, or that it has values.
AROUND = frozenset({
    "last", "latest", "most", "recent", "newest", "current", "my", "the", "result", "results", "level",
    "levels", "value", "values", "reading", "readings", "test", "tests",
})  # fmt: skip


class Candidate(NamedTuple):
    """A measurement of the chart that a name could mean: what it is called, its code, how many records."""

    name: str
    code: str
    n: int


class Ambiguous(Exception):
    """A name fits several measurements of the chart equally well; `str()` lists them and is fit to show."""

    def __init__(self, name: str, candidates: Iterable[Candidate]) -> None:
        self.name = name
        self.candidates = tuple(sorted(candidates, key=lambda one: (-one.n, one.name)))
        listed = "; ".join(
            f"{one.name} (code {one.code}, {one.n} record{'' if one.n == 1 else 's'})"
            for one in self.candidates[:SHOWN]
        )
        more = f"; and {len(self.candidates) - SHOWN} more" if len(self.candidates) > SHOWN else ""
        super().__init__(
            f"`{name}` fits several measurements of this chart; ask for one by code: {listed}{more}"
        )


class Measure(NamedTuple):
    """One measurement of a chart, over all its records."""

    name: str
    code: str
    codes: frozenset[str]
    names: frozenset[str]
    n: int


class Resolution(NamedTuple):
    """The keys (`measure_key`) that a name stands for, or one code; with neither, nothing fits.

    `parts`: the keys of each part of what was named (systolic, diastolic), of whatever is called `whole`.
    `system` is that of the code, where it was given.
    """

    keys: frozenset[str]
    code: str | None
    notes: list[str]
    whole: str = ""
    parts: tuple[frozenset[str], ...] = ()
    system: str | None = None


class _Entry(NamedTuple):
    name: str
    codes: frozenset[str]
    names: frozenset[str]
    said: frozenset[str]
    parts: tuple[str, ...]


def measure_key(concept: object) -> str | None:
    """What makes two records the same measurement: the code to show, or the name where there is no code."""
    code = main_code(concept)
    if code:
        return code
    name = concept_text(concept)
    return folded(name) if name else None


def measures(concepts: Iterable[object]) -> dict[str, Measure]:
    """The measurements of a chart by key, from the codes of its Observations and components."""
    alike: dict[str, list[object]] = {}
    for concept in concepts:  # thousands, of a few measurements
        alike.setdefault(repr(concept), []).append(concept)
    spelt = Counter[tuple[str, tuple[str, ...], tuple[str, ...]]]()
    for concept, *others in alike.values():
        if (key := measure_key(concept)) is not None:
            spelt[key, tuple(codes(concept)), tuple(concept_names(concept))] += 1 + len(others)
    found: dict[str, Measure] = {}
    for (key, its_codes, names), n in spelt.items():
        known = found.get(key) or Measure(names[0] if names else key, key, frozenset(), frozenset(), 0)
        found[key] = known._replace(
            codes=known.codes.union(its_codes), names=known.names | _folds(names), n=known.n + n
        )
    return found


def both(chart: Mapping[str, Measure], more: Mapping[str, Measure]) -> dict[str, Measure]:
    """The measurements of two parts of one chart."""
    found = dict(chart)
    for key, one in more.items():
        known = found.get(key, one)
        found[key] = known._replace(codes=known.codes | one.codes, names=known.names | one.names)
    return found


def known_as(concept: object) -> frozenset[str]:
    """The everyday names of what a concept measures: by its LOINC codes, without any by what it is called."""
    coded = {code for code in codes(concept) if LIKE_A_LOINC_CODE.fullmatch(code)}
    if coded:
        return frozenset(name for code in coded for name in _names_by_code().get(code, ()))
    names = _folds(concept_names(concept))
    return frozenset(entry.name for name in names for entry in _by_name().get(name, ()))


@cache
def _names_by_code() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in _entries():
        for code in entry.codes:
            found.setdefault(code, []).append(entry.name)
    return found


def _folds(names: Iterable[str]) -> frozenset[str]:
    return frozenset(folded(name) for name in names)


@cache
def _entries() -> tuple[_Entry, ...]:
    return tuple(
        _Entry(
            one.name,
            frozenset(code for _, code in one.codes),
            _folds([one.name, *one.names]),
            _folds(one.said),
            one.members,
        )
        for one in entries("measurement")
    )


def everyday_names() -> dict[str, frozenset[str]]:
    """The measurements known by an everyday name, each with its LOINC codes."""
    return {entry.name: entry.codes for entry in _entries()}


def is_everyday(code: str) -> bool:
    """Whether a code is one of those that an everyday name stands for."""
    return code in _known_codes()


def everyday_codes(name: str) -> frozenset[str]:
    """The LOINC codes that an everyday name stands for, those of its parts too."""
    entries = _by_name().get(_bare(folded(name)), ())
    parts = [one for entry in entries for part in entry.parts for one in _by_name().get(folded(part), ())]
    return frozenset(code for entry in [*entries, *parts] for code in entry.codes)


@cache
def _by_name() -> Mapping[str, tuple[_Entry, ...]]:
    found: dict[str, tuple[_Entry, ...]] = {}
    for entry in _entries():
        for name in entry.names | entry.said:
            found[name] = (*found.get(name, ()), entry)
    for panel in entries("panel"):
        members = tuple(entry for entry in _entries() if entry.name in panel.members)
        for name in _folds([panel.name, *panel.names, *panel.said]):
            found[name] = (*found.get(name, ()), *members)
    return found


@cache
def _known_codes() -> frozenset[str]:
    return frozenset(code for entry in _entries() for code in entry.codes)


def resolve(name: str, chart: Mapping[str, Measure]) -> Resolution:
    """What `name` stands for among the measurements of a chart. Raises Ambiguous."""
    code = _as_code(name, chart)
    if code is not None:
        return Resolution(frozenset(), code, [], system=name.strip().rpartition("|")[0] or None)
    wanted = folded(name)
    if not wanted:
        return Resolution(frozenset(), None, ["No measurement was named."])
    found = _resolved(name, wanted, chart) or _resolved(name, _bare(wanted), chart)
    if found is not None:
        return found
    wanted = _bare(wanted)
    if wanted not in _by_name() and len(wanted) >= SHORTEST_MISSPELT:
        respelt = _respelt(name, wanted, chart)
        if respelt is not None:
            return respelt
    near = _similar(wanted, chart)
    listed = "; ".join(f"{one.name} (code {one.code})" for one in near)
    hint = f" Names of this chart that come near: {listed}." if near else ""
    return Resolution(frozenset(), None, [f"Nothing is recorded under `{name}`.{hint}"])


def not_understood(name: str, chart: Mapping[str, Measure]) -> str | None:
    """What to ask instead of a name that neither this chart nor everyday speech knows; None for the others.

    An everyday name of what the chart does not hold is understood: nothing is recorded. Raises Ambiguous.
    """
    resolution, wanted = resolve(name, chart), _bare(folded(name))
    if not chart or resolution.keys or resolution.code is not None or wanted in _by_name():
        return None
    if len(wanted) >= SHORTEST_MISSPELT and process.extractOne(
        wanted, _by_name().keys(), scorer=fuzz.ratio, score_cutoff=SPELLING
    ):
        return None
    listed = "; ".join(f"{one.name} (code {one.code})" for one in _similar(wanted, chart))
    instead = (
        f"ask by a name or code of its own: {listed}" if listed else "chart_overview names what is measured"
    )
    return f"No measurement of this chart is known as `{name}`; {instead}"


def _bare(wanted: str) -> str:
    """A name without the words around it, unless it is known with them or is nothing else."""
    if wanted in _by_name():
        return wanted
    return " ".join(word for word in wanted.split() if word not in AROUND) or wanted


def code_token(name: str) -> str | None:
    """`name` as a value for the search parameter `combo-code`, where it is a LOINC code or `system|code`."""
    given = name.strip()
    system, bar, code = given.rpartition("|")
    if bar and system and code and "," not in given:
        return given
    return given if LIKE_A_LOINC_CODE.fullmatch(given) else None


def _as_code(name: str, chart: Mapping[str, Measure]) -> str | None:
    given = name.strip().rpartition("|")[2]
    if LIKE_A_LOINC_CODE.fullmatch(given) or "|" in name:
        return given
    return next(
        (code for one in chart.values() for code in one.codes if code.casefold() == given.casefold()), None
    )


def _resolved(name: str, wanted: str, chart: Mapping[str, Measure]) -> Resolution | None:
    entries = _by_name().get(wanted, ())
    exact = [one for one in chart.values() if wanted in one.names]
    if not entries:
        fitting = exact or [one for one in chart.values() if _contains(one, wanted)]
        return _one_of(name, fitting) if fitting else None
    exact = [one for one in exact if not _foreign(one, entries)]
    if exact and all(folded(entry.name) != wanted for entry in entries) and not _same_entry(exact, entries):
        return _one_of(name, exact)
    present = [(entry, found) for entry in entries if (found := _coded(entry, chart))]
    present = [one for one in present if folded(one[0].name) == wanted] or present
    if len(present) > 1:
        return _one_of(name, exact or list({one.code: one for _, found in present for one in found}.values()))
    together = {one.code: one for one in [*(present[0][1] if present else []), *exact]}
    named = [present[0][0]] if present else entries
    parts = [(entry.name, _part(part, chart)) for entry in named for part in entry.parts]
    if any(found for _, found in parts):
        keys = tuple(frozenset(one.code for one in found) for _, found in parts if found)
        taken = _taken(name, list(together.values()) or [one for _, found in parts for one in found])
        return taken._replace(keys=taken.keys.union(*keys), whole=parts[0][0], parts=keys)
    if together:
        return _taken(name, list(together.values()))
    aliases = frozenset(alias for entry in entries for alias in entry.names)
    local = [one for one in chart.values() if not _has_loinc(one) and not _foreign(one, entries)]
    fitting = [one for one in local if one.names & aliases] or [
        one for one in local if _contains(one, wanted)
    ]
    return _one_of(name, fitting) if fitting else None


def _coded(entry: _Entry, chart: Mapping[str, Measure]) -> list[Measure]:
    return [one for one in chart.values() if one.codes & entry.codes]


def _part(name: str, chart: Mapping[str, Measure]) -> list[Measure]:
    return [one for entry in _by_name().get(folded(name), ()) for one in _coded(entry, chart)]


def _foreign(one: Measure, entries: Iterable[_Entry]) -> bool:
    """Whether a measurement's codes or names are known as something else than what these entries mean."""
    meant = tuple(entries)
    if any(one.codes & entry.codes or one.names & entry.names for entry in meant):
        return False
    return bool(one.codes & _known_codes()) or any(name in _by_name() for name in one.names)


def _same_entry(exact: Iterable[Measure], entries: Iterable[_Entry]) -> bool:
    own = frozenset(code for entry in entries for code in entry.codes)
    return any(one.codes & own for one in exact)


def _has_loinc(one: Measure) -> bool:
    """A LOINC code says what was measured: a likeness of names (a room temperature) does not overrule it."""
    return any(LIKE_A_LOINC_CODE.fullmatch(code) for code in one.codes)


def _contains(one: Measure, wanted: str) -> bool:
    """Whether every word of `wanted` begins a word of one of the measurement's names; short ones are one."""
    words = [f" {word}" if len(word) > WHOLE_WORD else f" {word} " for word in wanted.split()]
    return any(all(word in f" {name} " for word in words) for name in one.names)


def _one_of(name: str, fitting: list[Measure]) -> Resolution:
    shared = [entry for entry in _entries() if all(one.codes & entry.codes for one in fitting)]
    if len(fitting) > 1 and not shared:
        raise Ambiguous(name, (Candidate(one.name, one.code, one.n) for one in fitting))
    return _taken(name, fitting)


def _taken(name: str, fitting: list[Measure]) -> Resolution:
    """Several measurements are named in the note; a single one is named by its rows."""
    listed = ", ".join(f"{one.name} (code {one.code})" for one in fitting)
    said = listed if len(fitting) > 1 else f"code {fitting[0].code}"
    return Resolution(frozenset(one.code for one in fitting), None, [f"`{name}` read as {said}."])


def _respelt(name: str, wanted: str, chart: Mapping[str, Measure]) -> Resolution | None:
    known = {*_by_name(), *(known for one in chart.values() for known in one.names)}
    if any(wanted in one.split() for one in known):
        return None  # a word of a name (phosphatase) is spelt right: it misspells no other (phosphate)
    near = process.extract(wanted, known, scorer=fuzz.ratio, score_cutoff=SPELLING, limit=SHOWN)
    best = [known for known, score, _ in near if score == near[0][1]]
    found: dict[frozenset[str], Resolution] = {}
    for spelling in best:
        resolution = _resolved(name, spelling, chart)
        if resolution is not None:
            found[resolution.keys] = resolution
    if len(found) > 1:
        keys = frozenset(key for keys in found for key in keys)
        raise Ambiguous(name, (Candidate(chart[key].name, key, chart[key].n) for key in keys))
    return next(iter(found.values()), None)


def _similar(wanted: str, chart: Mapping[str, Measure]) -> list[Measure]:
    partial = [one for one in chart.values() if _contains(one, wanted)]
    by_name = {name: one for one in chart.values() for name in one.names}
    near = process.extract(wanted, by_name.keys(), scorer=fuzz.WRatio, score_cutoff=SIMILAR, limit=SHOWN)
    similar = [*partial, *(by_name[name] for name, _, _ in near)]
    return list({one.code: one for one in similar}.values())[:SUGGESTED]
