"""Load and check the notes: each says what identifies a person in it, and what must stay as it is."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args

Split = Literal["development", "sealed"]
IdentifierClass = Literal[
    "name",  # of persons, and of their employers, schools and congregations
    "geography",  # smaller than a state, and the facilities where care was given
    "date",  # more exact than a year
    "phone",
    "fax",
    "email",
    "ssn",
    "mrn",
    "health_plan",
    "account",
    "licence",
    "vehicle",
    "device",
    "url",
    "ip",
    "biometric",
    "photo",
    "other_id",
    "age_over_89",
]

CLASSES: frozenset[str] = frozenset(get_args(IdentifierClass))
SPLITS: tuple[Split, ...] = get_args(Split)
FILES: Mapping[Split, Path] = {split: Path(__file__).parent / f"{split}_notes.toml" for split in SPLITS}

_TITLES = frozenset(
    re.findall(
        r"\w+",
        """
    and dr mr mrs ms miss mx prof professor doctor
    sister brother father fr rev reverend pastor rabbi imam
    md do rn np pa phd msw lcsw lpn the of
""",
    )
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class InvalidNote(ValueError):
    """A note whose marks do not fit its text or its chart."""


@dataclass(frozen=True, slots=True)
class Chart:
    """What the structured chart knows, and a dictionary can be built from."""

    name: str
    birth_date: str
    mrns: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    address: tuple[str, ...] = ()
    practitioners: tuple[str, ...] = ()
    relatives: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()

    def knows(self, text: str, kind: IdentifierClass) -> bool:
        """Whether `text` is in the chart, whatever its case, punctuation or form of date."""
        if kind == "name":
            words = [word for word in _words(text) if len(word) > 1 and word not in _TITLES]
            known = {word for name in self._names() for word in _words(name)}
            return bool(words) and known.issuperset(words)
        if kind == "date":
            return _is_date(text, self.birth_date)
        if kind == "geography":
            wanted = " ".join(_words(text))
            places = (*self.address, *self.organisations)
            return any(f" {wanted} " in f" {' '.join(_words(place))} " for place in places)
        values = (*self.mrns, *self.phones, *self.emails, *self.identifiers)
        if kind in ("phone", "fax"):
            return _dialled(text) in {_dialled(value) for value in self.phones}
        return _squeezed(text) in {_squeezed(value) for value in values}

    def _names(self) -> tuple[str, ...]:
        return (self.name, *self.practitioners, *self.relatives, *self.organisations)


@dataclass(frozen=True, slots=True)
class Identifier:
    """One place in a note that tells who someone is."""

    text: str
    kind: IdentifierClass
    in_chart: bool
    occurrence: int
    start: int

    @property
    def end(self) -> int:
        """Where it ends in the note's text."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Note:
    """A synthetic note with its marks."""

    id: str
    split: Split
    style: str
    chart: Chart
    text: str
    identifiers: tuple[Identifier, ...]
    keep: tuple[str, ...]


def notes(split: Split) -> tuple[Note, ...]:
    """The notes of one split, each checked."""
    return read(FILES[split].read_text(encoding="utf-8"))


def read(toml: str) -> tuple[Note, ...]:
    """The notes in a TOML document, each checked; ids are unique."""
    found = tuple(_note(raw) for raw in tomllib.loads(toml)["note"])
    if len({note.id for note in found}) != len(found):
        raise InvalidNote("two notes have the same id")
    return found


def occurrences(text: str, part: str) -> Iterator[int]:
    """Where `part` starts in `text`, overlaps and parts of words included."""
    start = text.find(part)
    while start >= 0:
        yield start
        start = text.find(part, start + 1)


def _note(raw: Mapping[str, Any]) -> Note:
    known: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in raw["chart"].items()
    }
    chart = Chart(**known)
    identifiers = tuple(_identifier(raw["id"], raw["text"], mark) for mark in raw["identifiers"])
    note = Note(raw["id"], raw["split"], raw["style"], chart, raw["text"], identifiers, tuple(raw["keep"]))
    _check(note)
    return note


def _identifier(note: str, text: str, mark: Mapping[str, Any]) -> Identifier:
    wanted, occurrence = mark["text"], mark.get("occurrence", 1)
    places = list(occurrences(text, wanted))
    if not wanted or not 1 <= occurrence <= len(places):
        raise InvalidNote(f"{note}: {wanted!r} does not occur {occurrence} times")
    return Identifier(wanted, mark["class"], mark["in_chart"], occurrence, places[occurrence - 1])


def _check(note: Note) -> None:
    if note.split not in SPLITS:
        raise InvalidNote(f"{note.id}: no such split: {note.split}")
    marks = sorted(note.identifiers, key=lambda mark: mark.start)
    for mark in marks:
        if mark.kind not in CLASSES:
            raise InvalidNote(f"{note.id}: no such class: {mark.kind}")
        if mark.in_chart != note.chart.knows(mark.text, mark.kind):
            raise InvalidNote(f"{note.id}: {mark.text!r} is marked wrongly as in the chart or not")
    for mark, following in pairwise(marks):
        if following.start < mark.end:
            raise InvalidNote(f"{note.id}: {mark.text!r} and {following.text!r} overlap")
    if len(set(note.keep)) != len(note.keep):
        raise InvalidNote(f"{note.id}: something is to be kept twice")
    marked = [(mark.start, mark.end) for mark in marks]
    kept = []
    for part in note.keep:
        spans = [(start, start + len(part)) for start in occurrences(note.text, part)] if part else []
        free = [span for span in spans if not any(_overlap(span, other) for other in marked)]
        if not free:
            raise InvalidNote(f"{note.id}: {part!r} to be kept is not in the text, outside identifiers")
        kept += free
    _check_nothing_forgotten(note, [*marked, *kept])


def _check_nothing_forgotten(note: Note, accounted: list[tuple[int, int]]) -> None:
    for text in {mark.text for mark in note.identifiers}:
        for found in re.finditer(rf"(?<!\w){re.escape(text)}(?!\w)", note.text):
            if not any(_overlap(found.span(), span) for span in accounted):
                raise InvalidNote(f"{note.id}: {text!r} at {found.start()} is neither marked nor kept")


def _overlap(first: tuple[int, int], second: tuple[int, int]) -> bool:
    return first[0] < second[1] and second[0] < first[1]


def _words(text: str) -> list[str]:
    plain = re.sub(r"['’]s\b", "", text.casefold())
    return re.findall(r"\w+", re.sub(r"['’.]", "", plain))


def _squeezed(text: str) -> str:
    return "".join(re.findall(r"\w", text.casefold()))


def _dialled(text: str) -> str:
    digits = re.sub(r"\D", "", text)
    return digits[1:] if len(digits) == 11 and digits.startswith("1") else digits


def _is_date(text: str, birth_date: str) -> bool:
    """Whether `text` writes the whole birth date: in digits (month first or day first), or in words."""
    try:
        birth = date.fromisoformat(birth_date)
    except ValueError:
        return False
    lowered = text.casefold()
    numbers = [int(number) for number in re.findall(r"\d+", lowered)]
    years = {birth.year, birth.year % 100}
    named = [month for month in _MONTHS if re.search(rf"(?<![^\W\d_]){month}", lowered)]
    if named:
        return (
            named == [_MONTHS[birth.month - 1]]
            and len(numbers) == 2
            and ((numbers[0] == birth.day and numbers[1] in years) or numbers == [birth.year, birth.day])
        )
    if numbers and re.fullmatch(r"\d{8}", lowered):
        return lowered in {birth.strftime("%Y%m%d"), birth.strftime("%m%d%Y")}
    day, month = birth.day, birth.month
    return len(numbers) == 3 and (
        numbers == [birth.year, month, day]
        or (numbers[:2] in ([month, day], [day, month]) and numbers[2] in years)
    )
