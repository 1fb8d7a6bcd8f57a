"""The dictionary: which words name a measurement, a drug, a condition ..., and what is a cue or nothing."""

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import Any, Literal

from agent.models.offline.words import Stems, position, stem, stems, words

Kind = Literal["measurement", "drug", "problem", "vaccine", "procedure", "visit", "substance"]
DICTIONARIES: tuple[tuple[str, Kind], ...] = (
    ("measurements", "measurement"),
    ("problems", "problem"),
    ("vaccines", "vaccine"),
    ("procedures", "procedure"),
    ("visits", "visit"),
    ("substances", "substance"),
)
DATA = files("agent.models.offline").joinpath("data")


@dataclass(frozen=True)
class Concept:
    """One thing that can be asked about; `names` are the stems by which records may call it.

    `members` are the ingredients when the concept is a class of drugs.
    """

    kind: Kind
    name: str
    names: tuple[Stems, ...]
    members: tuple["Concept", ...] = ()

    def in_order(self, record: Stems) -> tuple[int, int] | None:
        """Where the record's name holds one of the names, word for word: start and end, the longest first."""
        found = [(position(name, record), len(name)) for name in self.names]
        places = [(size, at) for at, size in found if at >= 0]
        size, at = max(places, default=(0, -1))
        return (at, at + size) if size else None

    def in_any_order(self, record: Stems) -> "Concept | None":
        """The concept, or the member of it, all words of one of whose names the record's name holds."""
        held = set(record)
        for one in (*self.members, self):
            if any(held.issuperset(name) for name in one.names):
                return one
        return None


@dataclass
class Lexicon:
    """Everything that a question may be made of, by the stems of each phrase.

    `never` are words that no spelling correction may touch, and `unread` those that are never read;
    `careful` are those of drug names, which differ too little from one another to be corrected where a second
    name is nearly as close.
    """

    concepts: dict[Stems, dict[Kind, Concept]] = field(default_factory=dict)
    cues: dict[Stems, str] = field(default_factory=dict)
    fillers: set[Stems] = field(default_factory=set)
    never: set[str] = field(default_factory=set)
    unread: frozenset[str] = frozenset()
    careful: set[str] = field(default_factory=set)
    visit_names: dict[str, str] = field(default_factory=dict)
    visit_classes: dict[str, list[str]] = field(default_factory=dict)
    qualifiers: dict[str, set[str]] = field(default_factory=dict)
    version: str = ""
    spelled: dict[str, str] = field(default_factory=dict)

    def key(self, phrase: str) -> Stems:
        """The stems of a phrase of the dictionary, whose words are known from now on."""
        found = words(phrase)
        for word in found:
            self.spelled.setdefault(stem(word), word)
        return tuple(stem(word) for word in found)

    def add(self, phrase: Stems, concept: Concept) -> None:
        """Let a phrase name a concept; of two of one kind, the one with fewer names is the more precise."""
        found = self.concepts.setdefault(phrase, {})
        held = found.get(concept.kind)
        if held is None or (phrase != stems(held.name) and len(concept.names) < len(held.names)):
            found[concept.kind] = concept

    @cached_property
    def by_length(self) -> dict[int, list[str]]:
        """The stem of every single word of every phrase, by length: what a misspelt word may have meant."""
        found: dict[int, list[str]] = defaultdict(list)
        for word in self.spelled:
            found[len(word)].append(word)
        return found

    @cached_property
    def longest(self) -> int:
        """How many words the longest phrase has."""
        return max(len(phrase) for phrase in (*self.concepts, *self.cues, *self.fillers))


def load_lexicon(more: Iterable[Mapping[str, Iterable[str]]] = ()) -> Lexicon:
    """The dictionaries in the package's `data` folder, and `more` phrases by cue. Takes some tens of
    milliseconds: load it once."""
    lexicon = Lexicon()
    for file, kind in DICTIONARIES:
        table = read_table(file)
        for concept in _concepts(lexicon, kind, table[kind]):
            for phrase in _spoken(concept):
                lexicon.add(phrase, concept)
        if kind == "visit":
            lexicon.visit_names, lexicon.visit_classes = table["visit_names"], table["visit_classes"]
        if kind == "problem":
            lexicon.qualifiers = {
                side: {stem(word) for word in found} for side, found in table["qualifiers"].items()
            }
    _add_drugs(lexicon)
    phrases = read_table("phrases")
    for cues in (phrases["cues"], *more):
        for cue, spoken in cues.items():
            lexicon.cues |= dict.fromkeys(map(lexicon.key, spoken), cue)
    lexicon.fillers = {lexicon.key(phrase) for phrase in phrases["filler"]["words"]}
    lexicon.never = {stem(word) for word in phrases["never_corrected"]["words"]}
    lexicon.unread = frozenset(phrases["unread"]["words"])
    lexicon.version = phrases["version"]
    return lexicon


def read_table(name: str) -> dict[str, Any]:
    """One TOML file of the package's `data` folder."""
    return tomllib.loads(DATA.joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def _concepts(lexicon: Lexicon, kind: Kind, table: dict[str, list[str]]) -> Iterator[Concept]:
    for name, others in table.items():
        yield Concept(kind, name, tuple(dict.fromkeys(map(lexicon.key, (name, *others)))))


def _spoken(concept: Concept) -> Iterable[Stems]:
    # The name of a kind of visit is a code (EMER), which nobody says.
    return concept.names[1:] if concept.kind == "visit" else concept.names


def _add_drugs(lexicon: Lexicon) -> None:
    table = read_table("drugs")
    drugs = {concept.name: concept for concept in _concepts(lexicon, "drug", table["drug"])}
    for concept in drugs.values():
        for phrase in concept.names:
            lexicon.add(phrase, concept)
    for name, entry in table["class"].items():
        names = tuple(map(lexicon.key, (name, *entry["names"])))
        group = Concept("drug", name, names, tuple(drugs[drug] for drug in entry["drugs"]))
        for phrase in names:
            lexicon.add(phrase, group)
    for phrase, name in table["spoken"].items():
        lexicon.add(lexicon.key(phrase), drugs[name])
    lexicon.careful = {word for concept in drugs.values() for name in concept.names for word in name}


def stems_of_record(name: object) -> Stems:
    """The stems of a record's name; none where it has no name."""
    return tuple(stem(word) for word in words(str(name))) if name else ()
