"""What the tool results say, read into numbers, dates, names and phrases, row by row."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from agent.grounding.claims import (
    Day,
    Number,
    dates_in,
    numbers_in,
    pairs_in,
    stem,
    times_in,
    unit_key,
    words_in,
)
from agent.grounding.vocabulary import GENERIC, KINDS, is_common
from agent.messages import ToolResult

# Fields whose digits name a thing and measure nothing; only a verbatim quote of them stands.
_IDENTIFYING = {"code", "identifier", "telecom", "phone", "id", "url", "system", "unit", "versionId"}
_REFERRING = {"ref", "refs", "reference"}
_COUNTING = {"n", "count"}
_MEASURING = {"value", "min", "max", "mean", "first", "last", "age", "low", "high"}
_NAMING = {"name", "display", "text", "title", "description", "type", "class", "reason", "modality"}
_NAMING |= {"body_site", "reaction", "section", "source", "family", "given", "code", "vaccine", "medication"}
_LONGEST_NAME = 160
_LONGEST_PHRASE = 300
_GENERIC = {stem(word) for word in GENERIC}


@dataclass
class Facts:
    """Everything that may be repeated from one row (or from the rest of a result)."""

    refs: tuple[str, ...] = ()
    numbers: list[Number] = field(default_factory=list)
    measured: list[Decimal] = field(default_factory=list)
    counts: set[int] = field(default_factory=set)
    days: list[Day] = field(default_factory=list)
    times: set[str] = field(default_factory=set)
    pairs: set[tuple[Decimal, Decimal]] = field(default_factory=set)
    phrases: set[str] = field(default_factory=set)
    units: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)
    around: "Facts | None" = None
    record: dict[str, Any] = field(default_factory=dict)


@dataclass
class Evidence:
    """The facts of every row, of every result around its rows, and what was asked for.

    `notes` are the results' own notes, word for word.
    """

    rows: list[Facts]
    around: list[Facts]
    asked: Facts
    sought: set[str]
    now: list[Day]
    succeeded: bool
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.words = set().union(*(facts.words for facts in [*self.rows, *self.around]))
        self.names = set().union(*(row.names for row in self.rows))
        self.units = set().union(*(row.units for row in self.rows))

    def of(self, refs: Iterable[str]) -> list[Facts]:
        """The rows that came from any of these records."""
        wanted = set(refs)
        return [row for row in self.rows if wanted.intersection(row.refs)]


def gather(results: Sequence[ToolResult], question: str, now: str) -> Evidence:
    """The evidence in these results; `question` and the arguments of calls count only as what was asked.

    Words of a call's arguments that none of its rows carries name all of them (`observations(name="white
    count")` makes a row called "Leukocytes" the white count); with no rows they were sought and not found.
    """
    rows: list[Facts] = []
    around: list[Facts] = []
    asked, sought = Facts(), set[str]()
    _read_text(asked, question)
    for result in results:
        arguments = Facts()
        for scalar in _scalars(result.arguments):
            _read_text(asked, str(scalar))
            _read_text(arguments, str(scalar))
        envelope = Facts()
        around.append(envelope)
        if result.data is None:
            _read_text(envelope, result.text)
            sought |= arguments.words
            continue
        for note in result.data.get("notes") or []:
            _read_text(envelope, note)
        envelope.counts |= {int(n.value) for n in envelope.numbers if not n.places}
        found: list[dict[str, Any]] = result.data.get("rows") or []
        counts = (result.data.get("total"), result.data.get("returned"), len(found))
        envelope.counts |= {count for count in counts if isinstance(count, int)}
        envelope.days += [
            date for dated in dates_in(result.data.get("as_of") or "") for date in dated.readings
        ]
        if found:
            envelope.words |= arguments.words
        else:
            sought |= arguments.words
        read = [_row(row, envelope) for row in found]
        aliases = arguments.words - set().union(*(row.names for row in read)) - _GENERIC
        for row in read:
            row.names |= aliases
        rows += read
    sought -= _GENERIC
    notes = tuple(note for result in results for note in (result.data or {}).get("notes") or ())
    today = [day for dated in dates_in(now) for day in dated.readings]
    return Evidence(
        rows, around, asked, sought, today, any(result.data is not None for result in results), notes
    )


def _row(row: dict[str, Any], envelope: Facts) -> Facts:
    refs = tuple(str(ref) for ref in [row.get("ref"), *(row.get("refs") or [])] if ref)
    facts = Facts(refs=refs, around=envelope, record=row)
    _read_object(facts, row)
    facts.names = facts.names - _GENERIC or facts.names
    for ref in refs:
        facts.kinds |= {stem(word) for word in KINDS.get(ref.split("/")[0], ())}
    facts.words |= facts.kinds
    return facts


def _read_object(facts: Facts, value: Any, key: str = "") -> None:
    """Walk a row; an object's comparator belongs to the number beside it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            facts.words |= {stem(word) for word in re.split(r"[_\W]+|(?<=[a-z])(?=[A-Z])", name)}
            if name == "value" and not isinstance(inner, bool) and isinstance(inner, int | float):
                _read_number(facts, name, inner, str(value.get("comparator") or ""))
            elif name != "comparator":
                _read_object(facts, inner, key if key in _IDENTIFYING and key != "code" else name)
        components = [part.get("value") for part in value.get("components") or () if isinstance(part, dict)]
        if len(components) == 2 and all(isinstance(part, int | float) for part in components):
            facts.pairs.add((Decimal(str(components[0])), Decimal(str(components[1]))))
    elif isinstance(value, list):
        for inner in value:
            _read_object(facts, inner, key)
    elif isinstance(value, str):
        _read_string(facts, key, value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        _read_number(facts, key, value, "")


def _read_number(facts: Facts, key: str, value: float, op: str) -> None:
    number = Decimal(str(value))
    if key in _COUNTING:
        facts.counts.add(int(value))
        return
    facts.numbers.append(Number(number, op))
    if key == "days":  # how far a result lies from the day asked for, before it or after
        facts.numbers.append(Number(-number))
    if key in _MEASURING and not op:
        facts.measured.append(number)


def _read_string(facts: Facts, key: str, text: str) -> None:
    if key in _REFERRING:
        return
    words = {stem(word) for _, word in words_in(text)}
    facts.words |= words
    if key == "unit":
        facts.units.add(unit_key(text))
    if key in _NAMING and len(text) <= _LONGEST_NAME:
        facts.names |= words | {short for short in _initials(text) if not is_common(short)}
        facts.words |= facts.names
    if key in _IDENTIFYING:
        facts.phrases |= {text, *re.findall(r"\b(?=[\w-]*\d)[\w-]{4,}", text)}
        return
    _read_text(facts, text)
    if len(text) <= _LONGEST_PHRASE and re.search(r"\d", text) and words:
        facts.phrases.add(text)


def _initials(text: str) -> Iterator[str]:
    """Abbreviations that a name allows, of two to four words in a row: `bp` for Blood pressure panel."""
    letters = "".join(word[0].casefold() for _, word in words_in(text))
    for size in (2, 3, 4):
        yield from (letters[at : at + size] for at in range(len(letters) - size + 1))


def _read_text(facts: Facts, text: str) -> None:
    facts.words |= {stem(word) for _, word in words_in(text)}
    for dated in dates_in(text):
        facts.days += dated.readings
        text = blank(text, dated.start, dated.end)
    for span, time in times_in(text):
        facts.times.add(time)
        text = blank(text, span.start, span.end)
    facts.pairs |= {pair for _, pair in pairs_in(text)}
    for numbered in numbers_in(text):
        facts.numbers.append(numbered.number)


def blank(text: str, start: int, end: int) -> str:
    """The text with a span blanked out, so that what was read there is not read again."""
    return f"{text[:start]}{' ' * (end - start)}{text[end:]}"


def _scalars(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _scalars(inner)
    elif value is not None:
        yield value
