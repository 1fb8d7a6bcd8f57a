"""One row of a result, read into figures, dates, names, states and phrases when they are asked for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from agent.grounding.units import Unit, unit_of
from agent.grounding.vocabulary import GENERIC_STEMS, KINDS, is_common
from agent.grounding.written import (
    Day,
    Number,
    blank,
    dates_in,
    numbers_in,
    pairs_in,
    stem,
    times_in,
    words_in,
)

# Fields whose digits name a thing and measure nothing; only a verbatim quote of them stands.
_IDENTIFYING = {"code", "identifier", "telecom", "phone", "id", "url", "system", "unit", "versionId"}
_REFERRING = {"ref", "refs", "reference", "also_in"}
_COUNTING = re.compile(r"n|of|count|patients|times|.*_count|count_.*|n_.*|num_.*|total.*|count\(.*")
_BOUNDING = {"range", "referenceRange", "low", "high"}
_STATED = {"status", "verification", "clinicalStatus", "verificationStatus", "intent", "lifecycleStatus"}
_FLAGS = ("do_not_perform", "negation", "negated", "family", "hypothetical", "doNotPerform")
_NAMING = {"name", "display", "text", "title", "description", "type", "class", "reason", "modality"}
_NAMING |= {"body_site", "reaction", "section", "source", "family", "given", "code", "vaccine", "medication"}
_DATING = (
    "date",
    "effectiveDateTime",
    "authoredOn",
    "onsetDateTime",
    "performedDateTime",
    "occurrenceDateTime",
)
# SNOMED's fully specified names end in what kind of thing they name.
_ASIDE = re.compile(r"\s+\([^()]*\)$")
_LONGEST_NAME = 160
_LONGEST_PHRASE = 300


@dataclass(frozen=True)
class Figure:
    """A number of a row: what it is there (`value`, `range`, `count`, `mean`, a field's name), and when."""

    number: Number
    role: str
    date: str = ""


@dataclass(frozen=True)
class Text:
    """What a text says: its words (stems), dates, times, pairs and numbers."""

    words: frozenset[str]
    days: tuple[Day, ...]
    times: frozenset[str]
    pairs: tuple[tuple[Decimal, Decimal], ...]
    numbers: tuple[Number, ...]


class Texts:
    """Texts as they were read, each once: rows repeat names, ranges and doses."""

    def __init__(self) -> None:
        self._read: dict[str, Text] = {}

    def read(self, text: str) -> Text:
        """The text's words, dates, times, pairs and numbers, no digit read twice."""
        if text not in self._read:
            self._read[text] = _read(text)
        return self._read[text]


def _read(text: str) -> Text:
    words = frozenset(stem(word) for _, word in words_in(text))
    if not re.search(r"\d", text):
        numbers = tuple(found.number for found in numbers_in(text))
        days = tuple(day for dated in dates_in(text) for day in dated.readings)
        return Text(words, days, frozenset(), (), numbers)
    days_found: list[Day] = []
    for dated in list(dates_in(text)):
        days_found += dated.readings
        text = blank(text, dated.start, dated.end)
    times = set()
    for span, time in list(times_in(text)):
        times.add(time)
        text = blank(text, span.start, span.end)
    pairs = tuple(pair for _, pair in pairs_in(text))
    numbers = tuple(found.number for found in numbers_in(text))
    return Text(words, tuple(days_found), frozenset(times), pairs, numbers)


@dataclass
class Facts:
    """Everything that may be repeated from one row."""

    figures: list[Figure] = field(default_factory=list)
    days: list[tuple[Day, str]] = field(default_factory=list)
    times: set[str] = field(default_factory=set)
    pairs: set[tuple[Decimal, Decimal]] = field(default_factory=set)
    phrases: set[str] = field(default_factory=set)
    strings: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    states: set[str] = field(default_factory=set)


@dataclass
class Row:
    """A row, with the words of the call that brought it and that name it (`aliases`)."""

    record: dict[str, Any]
    texts: Texts
    tool: str
    aliases: set[str] = field(default_factory=set)

    @cached_property
    def refs(self) -> tuple[str, ...]:
        told = [self.record.get("ref"), *(self.record.get("refs") or [])]
        return tuple(dict.fromkeys(str(ref) for ref in told if ref))

    @cached_property
    def type(self) -> str:
        """The resource type of its first reference."""
        return self.refs[0].split("/")[0] if self.refs else ""

    @cached_property
    def kinds(self) -> set[str]:
        """What everyday language calls records of its type."""
        return {stem(word) for word in KINDS.get(self.type, ())}

    @cached_property
    def label(self) -> str:
        """What the record is called."""
        code = self.record.get("code")
        told = self.record.get("name") or (code.get("text") if isinstance(code, dict) else "")
        return str(told or "")

    @cached_property
    def own_names(self) -> set[str]:
        """The words that name it in the row itself, generic ones left out where others are there."""
        names = self.facts.names
        return names - GENERIC_STEMS or names

    @property
    def names(self) -> set[str]:
        """The words that may name it."""
        return self.own_names | self.aliases

    @cached_property
    def head(self) -> set[str]:
        """The telling words of its label alone."""
        told = self.texts.read(self.label).words
        return set(told - GENERIC_STEMS) or set(told)

    @cached_property
    def date(self) -> str:
        """Its date as recorded; empty where it has none."""
        return next((str(self.record[key]) for key in _DATING if self.record.get(key)), "")

    @cached_property
    def code(self) -> str:
        """What makes two rows measurements of the same thing."""
        code = self.record.get("code")
        if isinstance(code, dict):
            coding = code.get("coding") or [{}]
            code = coding[0].get("code") or code.get("text")
        return str(code or self.label.casefold())

    @cached_property
    def facts(self) -> Facts:
        """What the row says."""
        facts = Facts()
        self._object(facts, self.record, "", unit_of(str(self.record.get("unit") or "")))
        facts.words |= self.kinds
        for flag in _FLAGS:
            if self.record.get(flag) is True:
                facts.states.add(flag.replace("doNotPerform", "do_not_perform"))
        return facts

    @cached_property
    def measured(self) -> list[Figure]:
        """Its figures that are results of measuring, or statistics of such."""
        stated = ("value", "min", "max", "mean", "median", "first", "last", "avg", "latest", "age")
        return [one for one in self.facts.figures if one.role in stated]

    def _object(self, facts: Facts, value: Any, key: str, unit: Unit | None, date: str = "") -> None:
        """Walk a part of the row; a comparator and a unit belong to the number beside them."""
        if isinstance(value, dict):
            if isinstance(value.get("unit") or value.get("code"), str):
                unit = unit_of(str(value.get("unit") or value["code"]))
            day = str(value.get("date") or date)
            for name, inner in value.items():
                facts.words |= {stem(word) for word in re.split(r"[_\W]+|(?<=[a-z])(?=[A-Z])", name)}
                if name == "value" and isinstance(inner, int | float) and not isinstance(inner, bool):
                    role = key if key in _BOUNDING or key == "slope" else "value"
                    op = str(value.get("comparator") or "")
                    facts.figures.append(Figure(Number(Decimal(str(inner)), op, unit), role, day))
                elif name != "comparator":
                    inner_key = key if key in _BOUNDING else name
                    if key in _STATED or (key in _IDENTIFYING and key != "code"):
                        inner_key = key
                    self._object(facts, inner, inner_key, unit, str(value.get(f"{name}_date") or day))
            self._components(facts, value)
        elif isinstance(value, list):
            for inner in value:
                self._object(facts, inner, key, unit, date)
        elif isinstance(value, str):
            self._string(facts, key, value, unit)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            role = "count" if _COUNTING.fullmatch(key) else key
            counted = role in ("count", "days", "age")
            facts.figures.append(
                Figure(Number(Decimal(str(value)), "", _UNIT_OF.get(key) if counted else unit), role, date)
            )

    def _components(self, facts: Facts, value: dict[str, Any]) -> None:
        parts = [part.get("value") for part in value.get("components") or () if isinstance(part, dict)]
        if len(parts) == 2 and all(isinstance(part, int | float) for part in parts):
            facts.pairs.add((Decimal(str(parts[0])), Decimal(str(parts[1]))))

    def _string(self, facts: Facts, key: str, text: str, unit: Unit | None) -> None:
        if key in _REFERRING or key == "unit":
            return
        read = self.texts.read(text)
        facts.words |= read.words
        if key in _STATED:
            facts.states.add(text.lower())
        if key in _NAMING and len(text) <= _LONGEST_NAME:
            facts.names |= read.words | {short for short in _initials(text) if not is_common(short)}
            facts.words |= facts.names
        if " " in text:
            facts.strings |= {text, _ASIDE.sub("", text)}
        if key in _IDENTIFYING:
            facts.phrases |= {text, *re.findall(r"\b(?=[\w-]*\d)[\w-]{4,}", text)}
            return
        facts.days += [(day, key) for day in read.days]
        facts.times |= read.times
        facts.pairs |= set(read.pairs)
        role = "range" if key in _BOUNDING else "value" if key == "value" else "text"
        if role == "value" and not read.pairs:
            facts.figures += [Figure(number, role, self.date) for number in read.numbers]
        elif role != "value":
            facts.figures += [Figure(number, role) for number in read.numbers]
        if len(text) <= _LONGEST_PHRASE and re.search(r"\d", text) and read.words:
            facts.phrases.add(text)


_UNIT_OF = {"days": unit_of("day"), "age": unit_of("year")}


def _initials(text: str) -> Iterator[str]:
    """Abbreviations that a name allows, of two to four words in a row: `bp` for Blood pressure panel."""
    letters = "".join(word[0].casefold() for _, word in words_in(text))
    for size in (2, 3, 4):
        yield from (letters[at : at + size] for at in range(len(letters) - size + 1))
