"""What a text means by the dictionary: a code, a name, names within a question, or a misspelt name."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz import fuzz, process

from dictionary import Kind
from mcp_servers.fhir.charts.code_systems import ICD10CM, addressed
from mcp_servers.fhir.charts.elements import folded
from mcp_servers.fhir.terminology.concepts import (
    Concept,
    by_code,
    by_name,
    known_by,
    only_said,
)
from mcp_servers.fhir.terminology.spelling import misspelt

SHORTEST_WITHIN = 4
_LONGEST = 7
_LIKE_A_CODE = re.compile(r"(?=.*\d)[\w.-]+", re.ASCII)
_ABBREVIATION = re.compile(r"(?<!\d )\b[A-Z][A-Z0-9]+\b")  # but no unit (10 MG, 24 HR)
_SIMILAR = 70
_SUGGESTED = 5
# What stands before or after a condition's name in the name of a record that is not that condition.
_BEFORE = frozenset(
    {"history", "family", "risk", "screening", "suspected", "suspicion", "possible", "probable", "rule",
     "exclude", "excluded", "fear", "no", "not", "without", "prevention", "contact", "exposure", "against",
     "test", "education", "counseling", "due", "maternal", "gestational", "pulmonary", "portal", "ocular",
     "intracranial", "coat", "complication"}
)  # fmt: skip
_AFTER = frozenset(
    {"screening", "excluded", "carrier", "risk", "test", "vaccination", "exposure", "prevention"}
)
_NEAR = 4
MEDICINES = frozenset(
    {"drug", "drugs", "medication", "medications", "medicine", "medicines", "med", "meds", "tablet",
     "tablets", "pill", "pills", "treatment", "therapy"}
)  # fmt: skip


class Found(NamedTuple):
    """The concepts that a text may mean, and how it was read where that is not plain."""

    concepts: tuple[Concept, ...]
    note: str | None = None


def find(text: str, kinds: Iterable[Kind] = ()) -> Found:
    """What `text` means: a code (bare or `system|code`), a name in any number, or what a question names.

    Exact beats partial beats misspelt; several concepts of one name are all returned. `kinds` narrows.
    """
    only = frozenset(kinds)
    wanted = folded(text)
    coded = _by_code(text.strip())
    for candidates in (coded, _named(wanted)):
        if found := _of(candidates, only):
            return Found(found)
    if within := spotted(text, only, asked=True):
        return Found(within, _reading(text, within, " and "))
    if meant := misspelt(wanted, only):
        return Found(meant, _reading(text, meant, " or "))
    return Found(())


def _reading(text: str, found: Iterable[Concept], joint: str) -> str:
    return (
        f"`{text}` read as {joint.join(sorted({one.name.casefold(): one.name for one in found}.values()))}."
    )


def near(text: str, kinds: Iterable[Kind] = ()) -> list[str]:
    """Names of the dictionary that hold the words of `text`, or else look like it; `kinds` narrows."""
    only = frozenset(kinds)
    wanted = folded(text)
    known = {name: found[0].name for name, named in by_name().items() if (found := _of(named, only))}
    holding = [name for name in known if wanted and f" {wanted} " in f" {name} "]
    alike = process.extract(wanted, known.keys(), scorer=fuzz.ratio, score_cutoff=_SIMILAR, limit=_SUGGESTED)
    return list(dict.fromkeys(known[name] for name in [*holding, *(name for name, _, _ in alike)]))[
        :_SUGGESTED
    ]


def spotted(text: str, kinds: Iterable[Kind] = (), *, asked: bool = False) -> tuple[Concept, ...]:
    """The concepts that a record's name, or a question (`asked`), names; of overlapping names the longest.

    Short names count only when they are the whole text, or abbreviations in capitals within a question. A
    condition that the text calls history, a risk or the like is passed over.
    """
    return _spotted(text, frozenset(kinds), asked)


@lru_cache(maxsize=4096)
def _spotted(text: str, only: frozenset[Kind], asked: bool) -> tuple[Concept, ...]:
    """What `spotted` finds: of a long list, most records bear one of a few names."""
    words = folded(text).split()
    capitals = {one.casefold() for one in _ABBREVIATION.findall(text)} if asked and not text.isupper() else ()

    def partly(phrase: str) -> bool:
        return phrase in capitals or (len(phrase) >= SHORTEST_WITHIN and (asked or phrase not in only_said()))

    found: list[Concept] = []
    for start, end, named in named_in(words, only, partly):
        qualified = _BEFORE.intersection(words[max(0, start - _NEAR) : start]) or _AFTER.intersection(
            words[end:][:_NEAR]
        )
        found += [one for one in named if one.kind != "condition" or not qualified]
    return tuple(dict.fromkeys(found))


def named_in(
    words: Sequence[str],
    kinds: frozenset[Kind],
    partly: Callable[[str], bool] = lambda _: True,
    *,
    respelt: bool = False,
) -> Iterator[tuple[int, int, tuple[Concept, ...]]]:
    """Where the folded `words` name concepts (start, end, which), the longest names first, none overlapping.

    A name that is not all of the words counts where `partly` says so. Misspelt names are read (`respelt`) in
    what is left of them.
    """
    taken: set[int] = set()
    for reading in (exactly, misspelt) if respelt else (exactly,):
        for size in range(min(_LONGEST, len(words)), 0, -1):
            for start in range(len(words) - size + 1):
                place = set(range(start, start + size))
                phrase = " ".join(words[start : start + size])
                if place & taken or (size < len(words) and not partly(phrase)):
                    continue
                if named := reading(phrase, kinds):
                    taken |= place
                    yield start, start + size, named


def exactly(phrase: str, kinds: frozenset[Kind]) -> tuple[Concept, ...]:
    """The concepts, of these kinds (or any), that a folded phrase is a name of."""
    return _of(_named(phrase), kinds)


def like_a_code(text: str) -> bool:
    """Whether a text has the shape of a code: one word with a digit in it."""
    return _LIKE_A_CODE.fullmatch(text) is not None


def _by_code(text: str) -> tuple[Concept, ...]:
    system, bar, code = addressed(text).rpartition("|")
    if bar and system:
        return _narrowest(known_by(system, code.upper()))
    if not like_a_code(text):
        return ()
    return _narrowest(by_code().get(text.upper()) or known_by(ICD10CM, text.upper()))


def _narrowest(found: tuple[Concept, ...]) -> tuple[Concept, ...]:
    """Without those that stand for the others too: E11.9 is type 2 diabetes, not any diabetes."""
    return tuple(one for one in found if not any(other.name in one.members for other in found))


def _named(name: str) -> tuple[Concept, ...]:
    """The concepts of a folded name, in the singular too, and of a class of drugs by any word for those."""
    known = by_name()
    found = (*known.get(name, ()), *(known.get(name[:-1], ()) if name.endswith("s") else ()))
    use, _, last = name.rpartition(" ")
    return found or (known.get(f"{use} medication", ()) if last in MEDICINES else ())


def _of(found: Iterable[Concept], kinds: frozenset[Kind]) -> tuple[Concept, ...]:
    return tuple(dict.fromkeys(one for one in found if not kinds or one.kind in kinds))
