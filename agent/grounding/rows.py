"""One row of a result, read into figures, dates, names, states and phrases when they are asked for."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, cached_property
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
_TAG = re.compile(r" \((?:disorder|finding|person|procedure|situation)\)$")
_REFERRING = {"ref", "refs", "reference", "also_in"}
_UNSAID = {*_REFERRING, "unit"}
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
_MOMENT = re.compile(
    r"(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?:T(\d\d:\d\d)(?::[\d.]+)?(?:Z|[+-]\d\d:\d\d)?)?"
)
_DIGIT = re.compile(r"\d")
_NUMBERED = re.compile(r"\b(?=[\w-]*\d)[\w-]{4,}")
_LONGEST_NAME = 160
_LONGEST_PHRASE = 300
_LONGEST_CODED = 40


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
        self._initials: dict[str, set[str]] = {}

    def read(self, text: str) -> Text:
        """The text's words, dates, times, pairs and numbers, no digit read twice."""
        if text not in self._read:
            self._read[text] = _read(text)
        return self._read[text]

    def initials(self, name: str) -> set[str]:
        """The abbreviations that a name allows."""
        if name not in self._initials:
            self._initials[name] = {short for short in _initials(name) if not is_common(short)}
        return self._initials[name]


def _read(text: str) -> Text:
    if moment := _MOMENT.fullmatch(text):
        day = Day(int(moment[1]), int(moment[2]), int(moment[3]))
        return Text(frozenset(), (day,), frozenset(filter(None, [moment[4]])), (), ())
    words = frozenset(stem(word) for _, word in words_in(text))
    if not _DIGIT.search(text):
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
    states: set[str] = field(default_factory=set)


@dataclass(eq=False)
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

    @property
    def plain_label(self) -> str:
        """Its label without the tag of SNOMED CT's full names."""
        return _TAG.sub("", self.label)

    @cached_property
    def own_names(self) -> set[str]:
        """The words that name it in the row itself, generic ones left out where others are there."""
        return self.all_names - GENERIC_STEMS or self.all_names

    @cached_property
    def all_names(self) -> set[str]:
        """The words that name it in the row itself; by themselves, for of most rows nothing else is asked."""
        found: set[str] = set()
        for text in _naming(self.record, ""):
            found |= self.texts.read(text).words | self.texts.initials(text)
        return found

    @cached_property
    def words(self) -> set[str]:
        """Every word that it holds: of its fields, its texts and its type; by themselves, as its names."""
        found = self.all_names | self.kinds
        self._words(found, self.record, "")
        return found

    def _words(self, found: set[str], value: Any, key: str) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                found |= _words_of_field(name)
                if isinstance(inner, str | dict | list) and name != "comparator":
                    self._words(found, inner, _field(key, name))
        elif isinstance(value, list):
            for inner in value:
                self._words(found, inner, key)
        elif isinstance(value, str) and key not in _UNSAID:
            found |= self.texts.read(value).words

    @property
    def names(self) -> set[str]:
        """The words that may name it."""
        return self.own_names | self.aliases

    @cached_property
    def text(self) -> str:
        """All that it holds, a value a line."""
        return "\n".join(str(one) for one in scalars(self.record))

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
        for flag in _FLAGS:
            if self.record.get(flag) is True:
                facts.states.add(flag.replace("doNotPerform", "do_not_perform"))
        return facts

    @cached_property
    def measured(self) -> list[Figure]:
        """Its figures that are results of measuring, or statistics of such."""
        stated = ("value", "min", "max", "mean", "median", "first", "last", "avg", "latest", "age")
        return [one for one in self.facts.figures if one.role in stated]

    @cached_property
    def size(self) -> Decimal | None:
        """What it is compared by: its value; of a pair, such as a blood pressure, the first."""
        if self.measured:
            return self.measured[0].number.value
        pairs = pairs_in(str(self.record.get("value") or ""))
        return next((pair[0] for _, pair in pairs), None)

    def _object(self, facts: Facts, value: Any, key: str, unit: Unit | None, date: str = "") -> None:
        """Walk a part of the row; a comparator and a unit belong to the number beside them."""
        if isinstance(value, dict):
            if isinstance(value.get("unit") or value.get("code"), str):
                unit = unit_of(str(value.get("unit") or value["code"]))
            day = str(value.get("date") or date)
            for name, inner in value.items():
                if name == "value" and isinstance(inner, int | float) and not isinstance(inner, bool):
                    role = key if key in _BOUNDING or key == "slope" else "value"
                    op = str(value.get("comparator") or "")
                    facts.figures.append(Figure(Number(Decimal(str(inner)), op, unit), role, day))
                elif name != "comparator":
                    self._object(facts, inner, _field(key, name), unit, str(value.get(f"{name}_date") or day))
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
        if key in _UNSAID:
            return
        read = self.texts.read(text)
        if key in _STATED:
            facts.states.add(text.lower())
        if " " in text:
            facts.strings |= {text, _ASIDE.sub("", text)}
        if key in _IDENTIFYING:
            facts.phrases |= {text, *_NUMBERED.findall(text)}
            return
        facts.days += [(day, key) for day in read.days]
        facts.times |= read.times
        facts.pairs |= set(read.pairs)
        role = "range" if key in _BOUNDING else "value" if key == "value" else "text"
        role = "name" if key == "name" else role
        if role == "value" and not read.pairs:
            facts.figures += [Figure(number, role, self.date) for number in read.numbers]
        elif role != "value":
            facts.figures += [Figure(number, role) for number in read.numbers]
        if len(text) <= _LONGEST_PHRASE and read.words and _DIGIT.search(text):
            facts.phrases.add(text)


def _field(key: str, name: str) -> str:
    """What a part of a row stands for: the name of its field, or the field around it where that decides."""
    around = key in _BOUNDING or key in _STATED or (key in _IDENTIFYING and key != "code")
    return key if around else name


def _naming(value: Any, key: str) -> Iterator[str]:
    """The texts inside that name what the row is of."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str | dict | list) and name != "comparator":
                yield from _naming(inner, _field(key, name))
    elif isinstance(value, list):
        for inner in value:
            yield from _naming(inner, key)
    elif isinstance(value, str) and key in _NAMING and len(value) <= _LONGEST_NAME:
        yield value


def coded(value: object) -> str:
    """A text that can be the value of a coded field, in lower case; else nothing."""
    short = isinstance(value, str) and len(value) <= _LONGEST_CODED and not _DIGIT.search(value)
    return str(value).casefold() if short else ""


def scalars(value: Any) -> Iterator[Any]:
    """Every text, number and truth value inside, at any depth."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from scalars(inner)
    elif value is not None:
        yield value


@cache
def _words_of_field(name: str) -> set[str]:
    return {stem(word) for word in re.split(r"[_\W]+|(?<=[a-z])(?=[A-Z])", name)}


_UNIT_OF = {"days": unit_of("day"), "age": unit_of("year")}


def without_names(text: str, rows: Sequence[Row]) -> str:
    """The text with the names that its rows bear blanked out: "coma score total 15" counts nothing."""
    for name in sorted({one for row in rows for one in row.facts.strings}, key=len, reverse=True):
        at = text.lower().find(name.lower())
        if at >= 0:
            text = blank(text, at, at + len(name))
    return text


def _initials(text: str) -> Iterator[str]:
    """Abbreviations that a name allows, of two to four words in a row: `bp` for Blood pressure panel."""
    letters = "".join(word[0].casefold() for _, word in words_in(text))
    for size in (2, 3, 4):
        yield from (letters[at : at + size] for at in range(len(letters) - size + 1))
