"""Whether a record is about what was meant: by its codes, or by its names where no code says otherwise."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from dictionary import Kind
from mcp_servers.fhir.charts.code_systems import addressed, stands_for
from mcp_servers.fhir.charts.elements import LOINC, codings, concept_names, folded, string
from mcp_servers.fhir.charts.matching import Wording
from mcp_servers.fhir.terminology.concepts import (
    Code,
    Concept,
    by_name,
    concepts,
    family,
    known_by,
)
from mcp_servers.fhir.terminology.finding import MEDICINES, exactly, like_a_code, named_in, spotted

_WHOLE_WORD = 3
# Words that only say what kind of record is asked for, or in what form.
_SAYING_KIND: dict[Kind, frozenset[str]] = {
    "drug": MEDICINES | {"capsule", "capsules", "prescription", "prescriptions", "hcl"},
    "vaccine": frozenset(
        {"vaccine", "vaccines", "vaccination", "vaccinations", "immunization", "immunizations",
         "immunisation", "immunisations", "shot", "shots", "jab", "jabs", "booster", "boosters", "against",
         "for", "and"}
    ),
    "substance": frozenset({"allergy", "allergies", "allergic", "intolerance", "intolerances", "to"}),
    "condition": frozenset(
        {"diagnosis", "diagnoses", "diagnosed", "problem", "problems", "condition", "conditions"}
    ),
    "procedure": frozenset({"procedure", "procedures"}),
}  # fmt: skip
_JOINING = frozenset({"or", "and"})
# Classes of one structure: an allergy to one of their drugs concerns the others.
_ALIKE = frozenset(
    {"ACE inhibitor", "aminoglycoside", "carbapenem", "cephalosporin", "fluoroquinolone", "macrolide",
     "NSAID", "opioid", "penicillin", "statin", "sulfa drug", "tetracycline antibiotic"}
)  # fmt: skip


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
        return _kinds(self.concepts)

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
        """Whether this is the code given, of any system where none was, or of ICD-10 a code below it."""
        return stands_for(f"{self.system}|{self.code}", system, code)

    def _says(self, name: str) -> bool:
        text = f" {folded(name)} "
        return bool(self.words) and all(
            f" {word} " in text if len(word) <= _WHOLE_WORD else f" {word}" in text for word in self.words
        )


@lru_cache(maxsize=256)
def _kinds(concepts: frozenset[Concept]) -> frozenset[Kind]:
    return frozenset(one.kind for one in concepts)


def meaning_of(text: str, concepts: Iterable[Concept]) -> Meaning:
    """What `text` means, once its concepts are found; without any, its words."""
    wanted = frozenset(family(concepts))
    system, _, code = addressed(text.strip()).rpartition("|")
    is_code = bool(system) or (like_a_code(code) and folded(text) not in by_name())
    words = () if wanted else tuple(folded(text).split())
    return Meaning(wanted, words, system if is_code else "", code if is_code else "")


def wording(text: str, kinds: Iterable[Kind]) -> Wording | None:
    """How the dictionary reads the words of a text, where it knows some; the others must occur, but for those
    that only say the kind of the records. Names joined by "or" or "and" are each asked for; what drugs
    are for names their class (pain). `related` are records of an ingredient of the combination named; where
    `kinds` are those of allergies, those of a class."""
    only = frozenset(kinds)
    words = folded(text).split()
    idle = frozenset[str]().union(*(_SAYING_KIND.get(kind, ()) for kind in only))
    parts = list(named_in(words, only, respelt=True))
    use = [word for word in words if word not in idle]
    if not parts and "class" in only and (drugs := exactly(" ".join([*use, "medication"]), only)):
        parts = [(0, len(words), drugs)]
    taken = {place for start, end, _ in parts for place in range(start, end)}
    rest = tuple(word for place, word in enumerate(words) if place not in taken and word not in idle)
    literal = tuple(word for place, word in enumerate(words) if place in taken or word not in idle)
    if not parts and len(literal) == len(words):
        return None
    said: list[str] = []
    asked: list[Sequence[Callable[[object], bool]]] = []
    near_to: dict[str, Callable[[object], bool]] = {}
    for named in dict.fromkeys(named for _, _, named in sorted(parts, key=itemgetter(0))):
        # What several drugs are called is the brand of their combination; an allergy to any concerns it.
        combined = "substance" not in only and len(named) > 1 and {one.kind for one in named} == {"drug"}
        groups = [(one,) for one in named] if combined else [named]
        each = [Meaning(frozenset(family(some)), (), "", "").covers for some in groups]
        said.append((" with " if combined else " or ").join(map(_said, named)))
        asked.append(each)
        if combined:
            near_to |= {f"ingredient ({one.name})": about for one, about in zip(named, each, strict=True)}
        elif "substance" in only:
            near_to |= {f"class ({name})": about for name, about in related(named).items()}
    if len(parts) > 1 and rest and _JOINING.issuperset(rest):

        def any_of_them(codeable: object) -> bool:
            return any(all(about(codeable) for about in each) for each in asked)

        names = tuple(tuple(words[start:end]) for start, end, _ in parts)
        return Wording(literal, (any_of_them,), (), " or ".join(said), near_to, names)
    said += [f'"{" ".join(rest)}"'] if rest else []
    covers = tuple(about for each in asked for about in each)
    return Wording(literal, covers, rest, " and ".join(said) or "all of this kind", near_to)


def related(asked: Iterable[Concept]) -> dict[str, Callable[[object], bool]]:
    """Which allergies concern the drugs asked for, by the name of a class that they are in: those to the
    class itself, and of a class whose drugs are alike those to any of them."""
    drugs = {one.name for one in family(asked) if one.kind == "drug"}
    found: dict[str, Callable[[object], bool]] = {}
    for one in concepts():
        if one.kind == "class" and not drugs.isdisjoint(one.members):
            names = {folded(name) for name in (one.name, *one.names)}
            same = [other for name in names for other in by_name()[name] if other.kind == "substance"]
            alike = family([one]) if one.name in _ALIKE else (one,)
            found[one.name] = Meaning(frozenset([*alike, *same]), (), "", "").covers
    return found


def _said(concept: Concept) -> str:
    return f"any {concept.name} that the dictionary knows" if concept.kind == "class" else concept.name
