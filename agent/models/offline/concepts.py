"""The words of questions: the dictionary's names by their stems, and what is a cue or nothing."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache, cached_property, wraps
from importlib.resources import files
from typing import Any, Literal, TypeVar
from weakref import WeakKeyDictionary

import dictionary
from agent.models.offline.forms import WORDS, suits
from agent.models.offline.words import Stems, position, stem, stems, words

Kind = Literal[
    "measurement", "panel", "drug", "problem", "vaccine", "procedure", "imaging", "visit", "substance"
]
# The kinds of the dictionary as questions have them; a class of drugs is asked for as a drug is.
_CALLED: dict[dictionary.Kind, Kind] = {
    "measurement": "measurement",
    "panel": "panel",
    "condition": "problem",
    "drug": "drug",
    "class": "drug",
    "procedure": "procedure",
    "imaging": "imaging",
    "substance": "substance",
    "vaccine": "vaccine",
}
_OF_MEMBERS: dict[dictionary.Kind, dictionary.Kind] = {"class": "drug", "panel": "measurement"}
T = TypeVar("T")
R = TypeVar("R")
DATA = files("agent.models.offline").joinpath("data")


@dataclass(frozen=True)
class Concept:
    """One thing that can be asked about; `names` are the stems by which records may call it.

    `members` are all that count as it: the ingredients of a class of drugs, the measurements of a panel, the
    kinds of a problem. `name` is what the chart tools are asked for. Of a picture, `modality` is DICOM's code
    and `site` what is looked at; either may be empty. Of a drug, the `form` and `strength` that a question
    names narrow the records down.
    """

    kind: Kind
    name: str
    names: tuple[Stems, ...]
    members: tuple["Concept", ...] = ()
    modality: tuple[str, ...] = ()
    site: str = ""
    form: str = ""
    strength: str = ""

    def __hash__(self) -> int:
        return hash((self.kind, self.name))  # of a class, all its members would take long

    def in_order(self, record: Stems) -> tuple[int, int] | None:
        """Where the record's name holds one of the names, or of a member's, word for word: start and end, the
        longest first."""
        names = (name for one in (self, *self.members) for name in one.names)
        found = [(position(name, record), len(name)) for name in names]
        places = [(size, at) for at, size in found if at >= 0]
        size, at = max(places, default=(0, -1))
        return (at, at + size) if size else None

    def in_any_order(self, record: Stems) -> "Concept | None":
        """The concept, or the member of it, all words of one of whose names the record's name holds."""
        held = set(record)
        if (self.form or self.strength) and not suits(self.form, self.strength, held):
            return None
        for one in (*self.members, self):
            if any(held.issuperset(name) for name in one.names):
                return one
        return None


@dataclass(eq=False)
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
    _stems: dict[str, str] = field(default_factory=dict, repr=False)

    def key(self, phrase: str) -> Stems:
        """The stems of a phrase of the dictionary, whose words are known from now on."""
        known = self._stems
        try:  # most phrases are made of words that others hold too
            return tuple([known[word] for word in phrase.split()])
        except KeyError:
            found = words(phrase)
        for word in found:
            if word not in known:
                known[word] = stem(word)
                self.spelled.setdefault(known[word], word)
        return tuple([known[word] for word in found])

    @cached_property
    def by_length(self) -> dict[int, list[str]]:
        """The stem of every single word of every phrase, by length: what a misspelt word may have meant."""
        found: dict[int, list[str]] = defaultdict(list)
        for word in self.spelled:
            found[len(word)].append(word)
        return found

    @cached_property
    def grammar(self) -> set[str]:
        """The stem of every word that questions are built of."""
        return {word for phrase in (*self.cues, *self.fillers) for word in phrase}

    @cached_property
    def names(self) -> set[str]:
        """Every name that is a single word."""
        return {phrase[0] for phrase in self.concepts if len(phrase) == 1}

    @cached_property
    def longest(self) -> int:
        """How many words the longest phrase has."""
        return max(len(phrase) for phrase in (*self.concepts, *self.cues, *self.fillers))


def remembered(most: int) -> Callable[[Callable[[T, date, Lexicon], R]], Callable[[T, date, Lexicon], R]]:
    """Let a function of words, a day and a lexicon keep its last results, so many, for as long as the lexicon
    lives and no longer: it may hold names of a chart."""

    def decorated(work: Callable[[T, date, Lexicon], R]) -> Callable[[T, date, Lexicon], R]:
        kept: WeakKeyDictionary[Lexicon, dict[tuple[T, date], R]] = WeakKeyDictionary()

        @wraps(work)
        def asked(said: T, now: date, lexicon: Lexicon) -> R:
            known = kept.setdefault(lexicon, {})
            if (said, now) not in known:
                found = work(said, now, lexicon)
                while len(known) >= most:
                    del known[next(iter(known))]
                known[said, now] = found
            return known[said, now]

        return asked

    return decorated


def load_lexicon(more: Iterable[Mapping[str, Iterable[str]]] = ()) -> Lexicon:
    """The dictionary and this package's phrases, and `more` phrases by cue. Takes some tens of milliseconds:
    load it once."""
    lexicon = Lexicon()
    phrases = read_table("phrases")
    for cues in (phrases["cues"], *more):
        for cue, spoken in cues.items():
            lexicon.cues |= dict.fromkeys(map(lexicon.key, spoken), cue)
    lexicon.fillers = {lexicon.key(phrase) for phrase in phrases["filler"]["words"]}
    lexicon.never = {stem(word) for word in (*phrases["never_corrected"]["words"], *dictionary.other_names())}
    for phrase in map(stems, phrases["filler"]["spoken"]):
        lexicon.fillers.add(phrase)
        lexicon.never.update(phrase)
    lexicon.never |= WORDS
    lexicon.unread = frozenset(phrases["unread"]["words"])
    lexicon.version = phrases["version"]
    sides = read_table("qualifiers").items()
    lexicon.qualifiers = {side: {stem(word) for word in found} for side, found in sides}
    _add_visits(lexicon)
    _add_entries(lexicon, phrases["not_names"])
    return lexicon


@cache
def read_table(name: str) -> dict[str, Any]:
    """One TOML file of the package's `data` folder."""
    return tomllib.loads(DATA.joinpath(f"{name}.toml").read_text(encoding="utf-8"))


@cache
def listed(name: str, *kinds: str) -> tuple[str, ...]:
    """The phrases that stand, with commas between, under these keys of a table."""
    return tuple(" ".join(one.split()) for kind in kinds for one in read_table(name)[kind].split(","))


@cache
def any_of(name: str, *kinds: str) -> str:
    """The pattern of any of these phrases, the longest first."""
    return "|".join(map(re.escape, sorted(listed(name, *kinds), key=len, reverse=True)))


def _add_visits(lexicon: Lexicon) -> None:
    table = read_table("visits")
    lexicon.visit_names, lexicon.visit_classes = table["visit_names"], table["visit_classes"]
    for code, spoken in table["visit"].items():
        names = tuple(map(lexicon.key, spoken))
        concept = Concept("visit", code, names)
        for phrase in names:
            lexicon.concepts.setdefault(phrase, {})["visit"] = concept


def _add_entries(lexicon: Lexicon, not_names: Mapping[Kind, Iterable[str]]) -> None:
    """Let the names of the dictionary be read, but for those that say something else in a question."""
    several: dict[tuple[Kind, Stems], list[Concept]] = {}
    for entry, concept in _concepts(lexicon):
        kind = concept.kind
        for phrase in {*concept.names, *map(lexicon.key, entry.said)} if entry.said else concept.names:
            kinds = lexicon.concepts.setdefault(phrase, {})
            if kinds.setdefault(kind, concept) is not concept:
                several.setdefault((kind, phrase), [kinds[kind]]).append(concept)
        if entry.kind == "drug":
            lexicon.careful.update(word for phrase in concept.names for word in phrase)
    for (kind, phrase), found in several.items():
        lexicon.concepts[phrase][kind] = _one_of(lexicon, kind, phrase, found)
    for kind, names in not_names.items():
        for phrase in map(lexicon.key, names):
            del lexicon.concepts[phrase][kind]
            if not lexicon.concepts[phrase]:
                del lexicon.concepts[phrase]


def _concepts(lexicon: Lexicon) -> Iterator[tuple[dictionary.Entry, Concept]]:
    """Every entry as a concept, with all that counts as it."""
    entries = {(kind, one.name): one for kind in dictionary.KINDS for one in dictionary.entries(kind)}
    made: dict[tuple[dictionary.Kind, str], Concept] = {}

    def concept(entry: dictionary.Entry) -> Concept:
        if (entry.kind, entry.name) not in made:
            of = _OF_MEMBERS.get(entry.kind, entry.kind)
            direct = [concept(entries[of, name]) for name in entry.members]
            below = (
                direct if of == "measurement" else [each for one in direct for each in (one, *one.members)]
            )
            names = tuple(dict.fromkeys(map(lexicon.key, (entry.name, *entry.names))))
            kind = _CALLED[entry.kind]
            made[entry.kind, entry.name] = Concept(
                kind, within(entry.name), names, tuple(dict.fromkeys(below)), entry.modality, entry.site
            )
        return made[entry.kind, entry.name]

    for entry in entries.values():
        yield entry, concept(entry)


def _one_of(lexicon: Lexicon, kind: Kind, phrase: Stems, found: list[Concept]) -> Concept:
    """What a name means that several concepts of one kind bear.

    The concept that is called just so; of drugs, the combination that is sold by that name. Of measurements
    any: which one, the chart tools tell from the chart, or list what it may be.
    """
    exact = [one for one in found if one.names[0] == phrase]
    if exact:
        return exact[0]
    name = " ".join(lexicon.spelled[word] for word in phrase)
    if kind == "drug":
        ingredients = tuple(word for one in found for word in one.names[0])
        return Concept(kind, name, (phrase, ingredients))
    return Concept(kind, name, tuple(each for one in found for each in one.names))


def within(name: str) -> str:
    """A name as it stands within a sentence: `hemoglobin A1c`, but `TSH`."""
    first = name.split(maxsplit=1)[0]
    return name[0].lower() + name[1:] if first[1:].islower() else name


def stems_of_record(name: object) -> Stems:
    """The stems of a record's name; none where it has no name."""
    return tuple(stem(word) for word in words(str(name))) if name else ()
