"""Whether a record is about what was meant: by its codes, or by its names where no code says otherwise."""

from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple

from mcp_servers.fhir.charts.code_systems import ICD10, ICD10CM, addressed
from mcp_servers.fhir.charts.elements import LOINC, codings, concept_names, folded, string
from mcp_servers.fhir.charts.matching import Wording
from mcp_servers.fhir.terminology.concepts import Code, Concept, Kind, by_name, family, known_by
from mcp_servers.fhir.terminology.finding import like_a_code, named_in, spotted

_WHOLE_WORD = 3


class Meaning(NamedTuple):
    """What was meant: concepts with their members, or plain words that no concept bears; a code given, and
    those that are the `same`."""

    concepts: frozenset[Concept]
    words: tuple[str, ...]
    system: str
    code: str
    same: tuple[Code, ...] = ()

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of the concepts."""
        return frozenset(one.kind for one in self.concepts)

    def covers(self, codeable: object) -> bool:
        """Whether a CodeableConcept is about it.

        A code that the dictionary knows decides; only where there is none do the names, for what they
        mention may be something else (a glucose in urine for "glucose"). A drug's names count beside its
        codes: a combination has a code of its own.
        """
        found = [
            (string(coding.get("system")) or "", string(coding.get("code")) or "")
            for coding in codings(codeable)
        ]
        if self.code and any(
            self.gives(system, code) or (system, code) in self.same for system, code in found
        ):
            return True
        known = {concept for system, code in found if code for concept in known_by(system, code)}
        if not known.isdisjoint(self.concepts):
            return True
        if self.concepts and any(concept.kind != "drug" for concept in known):
            return False
        names = concept_names(codeable)
        if (
            self.kinds
            and self.kinds <= {"measurement", "panel"}
            and any(system == LOINC for system, _ in found)
        ):
            # A LOINC code says what was measured: a likeness of names does not overrule it.
            return False
        if self.concepts:
            return any(not self.concepts.isdisjoint(spotted(name, self.kinds)) for name in names)
        return any(self._says(name) for name in names)

    def gives(self, system: str, code: str) -> bool:
        """Whether this is the code given, of any system where none was; ICD-10 is said for ICD-10-CM too."""
        systems = ("", *((ICD10, ICD10CM) if system in (ICD10, ICD10CM) else (system,)))
        return code.casefold() == self.code.casefold() and self.system in systems

    def _says(self, name: str) -> bool:
        text = f" {folded(name)} "
        return bool(self.words) and all(
            f" {word} " in text if len(word) <= _WHOLE_WORD else f" {word}" in text for word in self.words
        )


def meaning_of(text: str, concepts: Iterable[Concept]) -> Meaning:
    """What `text` means, once its concepts are found; without any, its words."""
    wanted = frozenset(family(concepts))
    system, _, code = addressed(text.strip()).rpartition("|")
    is_code = bool(system) or (like_a_code(code) and folded(text) not in by_name())
    words = () if wanted else tuple(folded(text).split())
    return Meaning(wanted, words, system if is_code else "", code if is_code else "")


def wording(text: str, kinds: Iterable[Kind]) -> Wording | None:
    """How the dictionary reads the words of a text, where it knows some; the others must occur."""
    words = folded(text).split()
    parts = list(named_in(words, frozenset(kinds)))
    if not parts:
        return None
    taken = {place for start, end, _ in parts for place in range(start, end)}
    rest = tuple(word for place, word in enumerate(words) if place not in taken)
    said = [" or ".join(_said(one) for one in named) for _, _, named in sorted(parts, key=itemgetter(0))]
    covers = tuple(Meaning(frozenset(family(named)), (), "", "").covers for _, _, named in parts)
    return Wording(covers, rest, " and ".join([*said, *([f'"{" ".join(rest)}"'] if rest else [])]))


def _said(concept: Concept) -> str:
    return f"any {concept.name}" if concept.kind == "class" else concept.name
