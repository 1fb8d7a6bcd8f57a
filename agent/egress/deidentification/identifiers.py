"""The dictionary of a chart: whatever in its records tells who somebody is, and where a text says it."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

from agent.egress.deidentification.collecting import Told, collected
from agent.egress.deidentification.folding import Word, words
from agent.egress.deidentification.lexicon import (
    LISTS,
    english,
    is_caseless,
    is_clinical,
    is_weak,
    names,
    word_names,
)
from agent.egress.deidentification.spans import Class, Span

# Not part of a name by which somebody can be found.
_TITLES = frozenset(LISTS["no_part"].split())
_FACILITIES = frozenset(LISTS["facilities"].split())
_PARTICLES = frozenset(LISTS["particles"].split())
_MONTH_BEFORE = re.compile(
    r"(?:\b(?:in|since|until|till|by|of|last|next|this|early|mid|late|from|through|to|before|after|during|and|or)|\d|-|/)\W*$",
    re.IGNORECASE,
)
_TITLE_BEFORE = re.compile(r"\b(?:mr|mrs|ms|miss|mx|dr|prof)\.?\s+$", re.IGNORECASE)
_MODAL_AFTER = re.compile(
    r"\s+(?!(?:is|was|has|had|did|does|goes|went|felt|said|came|took|left)\b"
    r"|(?!need|bleed|feed|proceed)\w+(?:ed|[^s]s)\b)[a-z]+"
)
_EPONYM = re.compile(
    r"(?:['’]s?)?(?:[\s-]+(?:and\s+)?[\w'’-]+){0,1}?[\s-]+(?:disease|syndrome|sign|lymphoma|sarcoma|tumou?r|thyroiditis|o?esophagus|palsy|phenomenon"
    r"|catheter|granulomatosis|contracture|an(?:a)?emia|chorea|dementia|paralysis|fracture|procedure|operation|hernia|cyst"
    r"|arthropathy|ataxia|psychosis|encephalopathy|maneuver|manoeuvre|esophagitis|purpura|gangrene|spots?|nodes?|score|scale"
    r"|criteria|classification|stain|bodies|cells?|ulcer|angina|aneurysm|dystrophy|colitis|ileitis)\b",
    re.IGNORECASE,
)
_DOTTED = frozenset(LISTS["dotted"].split())
_INITIALS = re.compile(r"(?<![\w.])(?:[A-Z]\.[ -]?){2,4}(?!\w)")
_INITIAL_AFTER = re.compile(r"\s[A-Z]\.(?!\w)|,\s?[A-Z]\.?(?!\w)|\s[A-Z]-[A-Z](?!\w)")
_PARTS = re.compile(r"[;:!?|()\[\]{}=]|\n\s*\n")
_DIGITS = re.compile(r"\d(?:[\s().+/-]{0,3}\d){5,}")


class _Entry(NamedTuple):
    kind: Class
    entity: str
    weak: bool


@dataclass(frozen=True)
class Identifiers:
    """Who and what a chart tells of. Names are looked for in all their forms, numbers by their digits.

    A weak name (Will, May, Li: up to three letters, or a usual word) counts by itself only where it is
    written as one: with a capital, in no month's place, before no verb that it would be the auxiliary of.
    With another name or an initial of the same person it counts like any other.
    """

    days: frozenset[str] = frozenset()
    """Days of birth and of death, ISO, as recorded."""
    patients: frozenset[str] = frozenset()
    """`Patient/id` of those who are recorded."""
    displays: frozenset[str] = frozenset()
    """Words that codes are displayed with: medicine, not names."""
    codes: frozenset[str] = frozenset()
    """Codes of terminologies, which may look like somebody's number."""
    _entries: dict[tuple[str, ...], _Entry] = field(default_factory=dict, repr=False)
    _numbers: dict[str, _Entry] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, resources: Iterable[dict[str, Any]]) -> "Identifiers":
        """The dictionary of raw FHIR R4 resources, whatever their types."""
        found = collected(resources)
        entries: dict[tuple[str, ...], _Entry] = {}
        numbers: dict[str, _Entry] = {}
        # A name of the patient's before the same one of others; and a whole before what is a part of another.
        for one in sorted(found.told, key=lambda told: (not told.ours, not told.given)):
            _add(one, entries, numbers)
        shown = frozenset(word.text for text in found.displays for word in words(text))
        return cls(
            frozenset(found.days), frozenset(found.patients), shown, frozenset(found.codes), entries, numbers
        )

    @classmethod
    def named(cls, people: Iterable[str]) -> "Identifiers":
        """The dictionary of people of whom nothing is known but a name."""
        entries: dict[tuple[str, ...], _Entry] = {}
        for name in people:
            _add(Told("PERSON" if _is_of_person(name) else "ORGANISATION", name, name), entries, {})
        return cls(_entries=entries)

    def with_(self, other: "Identifiers") -> "Identifiers":
        """Both; what is in both is as it is here."""
        if not (
            other._entries.keys() - self._entries.keys()
            or other._numbers.keys() - self._numbers.keys()
            or other.days - self.days
            or other.patients - self.patients
            or other.codes - self.codes
            or other.displays - self.displays
        ):
            return self
        return Identifiers(
            self.days | other.days,
            self.patients | other.patients,
            self.displays | other.displays,
            self.codes | other.codes,
            other._entries | self._entries,
            other._numbers | self._numbers,
        )

    def __len__(self) -> int:
        return len(self._entries) + len(self._numbers)

    def in_text(self, text: str) -> Iterator[Span]:
        """Where a text tells what is in the dictionary."""
        run = words(text)
        by_first = self._by_first
        place = 0
        while place < len(run):
            # The longest that begins here; what overlaps it begins no other.
            longest = next(
                (one for one in by_first.get(run[place].text, ()) if self._is_at(one, text, run, place)), ()
            )
            if longest:
                entry, last = self._entries[longest], run[place + len(longest) - 1]
                more = _INITIAL_AFTER.match(text, last.end) if entry.kind == "PERSON" else None
                yield Span(run[place].start, more.end() if more else last.end, entry.kind, entry.entity)
            place += len(longest) or 1
        for match in _INITIALS.finditer(text):
            initials = re.sub(r"[^a-z]", "", match.group().lower())
            if known := self._entries.get(("", *initials)):
                end = match.start() + len(match.group().rstrip(" -"))
                yield Span(match.start(), end, known.kind, known.entity)
        for match in _DIGITS.finditer(text):
            digits = re.sub(r"\D", "", match.group())
            if told := self._numbers.get(digits) or self._numbers.get(digits[-10:]):
                yield Span(match.start(), match.end(), told.kind, told.entity)

    def _is_at(self, entry: tuple[str, ...], text: str, run: list[Word], place: int) -> bool:
        """Whether the words from a place on are an entry, and mean it."""
        here = run[place : place + len(entry)]
        if tuple(one.text for one in here) != entry or not _together(text, here):
            return False
        told = self._entries[entry]
        if told.weak and not _as_a_name(text, run, place):
            return False
        return not (len(here) == 1 and told.kind == "PERSON" and _of_an_eponym(text, here[0]))

    def squeezed(self) -> frozenset[str]:
        """The longer names and words (10 letters and more) without what parts their words: for the gate."""
        joined = {"".join(entry) for entry, told in self._entries.items() if not told.weak and entry[0]}
        return frozenset(one for one in joined if len(one) >= 10 and not one.isdigit())

    def days_of_life(self) -> frozenset[date]:
        """Days of birth and death that are recorded to the day."""
        return frozenset(
            date.fromisoformat(day)
            for day in self.days
            if re.fullmatch(r"\d{4}-\d\d-\d\d", day) and _is_day(day)
        )

    @cached_property
    def _by_first(self) -> dict[str, list[tuple[str, ...]]]:
        """The entries by their first word, the longest first."""
        index = defaultdict(list)
        for entry in sorted(self._entries, key=len, reverse=True):
            index[entry[0]].append(entry)
        return index


def _is_of_person(name: str) -> bool:
    """Whether a name is a person's: who did something may be an institution, or `School nurse`."""
    run = [word.text for word in words(name)]
    return not any(word in _FACILITIES for word in run) and any(
        word in names() or word in word_names() or word not in english() for word in run
    )


def _add(told: Told, entries: dict[tuple[str, ...], _Entry], numbers: dict[str, _Entry]) -> None:
    run = tuple(word.text for word in words(told.text))
    if not run:
        return
    if told.kind == "PERSON":
        for name, weak in _forms(told):
            entries.setdefault(name, _Entry("PERSON", told.entity, weak))
        return
    letters = "".join(run)
    digits = re.sub(r"\D", "", told.text)
    if told.kind in ("ORGANISATION", "PLACE"):
        plain = all(is_clinical(word) for word in run) or letters.isdigit()
        if len(letters) > 1 and not (plain and told.kind == "ORGANISATION") and not letters.isdigit():
            entries.setdefault(run, _Entry(told.kind, told.entity, len(run) == 1 and is_weak(run[0])))
            if len(run) > 2 and run[0].isdigit():  # Lane may be written Ln
                entries.setdefault(run[:-1], _Entry(told.kind, told.entity, weak=False))
        return
    if letters.isdigit() or told.kind == "PHONE":
        if len(digits) >= (5 if told.ours else 7):
            numbers.setdefault(digits, _Entry(told.kind, told.entity, weak=False))
            if told.kind == "PHONE":
                numbers.setdefault(digits[-10:], _Entry(told.kind, told.entity, weak=False))
            if len(digits) < 6:  # shorter than a run of digits that is looked for
                entries.setdefault(run, _Entry(told.kind, told.entity, weak=False))
        return
    if len(letters) >= 5 and not (len(run) == 1 and letters.isalpha() and is_weak(letters)):
        entries.setdefault(run, _Entry(told.kind, told.entity, weak=False))


def _forms(told: Told) -> Iterator[tuple[tuple[str, ...], bool]]:
    """The ways to write a person's name, as folded words, and whether each is weak by itself."""
    whole = [word.text for word in words(told.text.partition("(")[0]) if word.text not in _TITLES]
    given = [word.text for name in told.given for word in words(name) if word.text not in _TITLES]
    family = [word.text for word in words(told.family) if word.text not in _TITLES]
    if not given and not family and whole:
        last_first = "," in told.text
        given, family = (whole[1:], whole[:1]) if last_first else (whole[:-1], whole[-1:])
    surname = [word for word in family if word not in _PARTICLES]
    firsts = [name for name in given if len(name) > 1]
    runs: list[list[str]] = [whole, given + family, family + given]
    for name in given:
        runs += [[name, *family], [*family, name], [name[0], *family], [name[0], *surname]] if family else []
        runs += [[name, word] for word in surname] + [[word, name] for word in surname]
    if len(given) > 1 and family:
        runs += [[given[0], given[1][0], *family], [given[0][0], given[1][0], *family]]
    if len(family) > 1:
        runs.append(family)
    for run in runs:
        if len(run) > 1:
            yield tuple(run), False
    for word in dict.fromkeys([*surname, *firsts]):
        if len(word) > 1 and not word.isdigit():
            yield (word,), is_weak(word)
            if len(word) > 3 and not is_weak(word):
                yield (f"{word}{'es' if word.endswith(('s', 'x', 'z', 'ch', 'sh')) else 's'}",), False
    if given and surname:
        first = given[0]
        for last in dict.fromkeys([*surname, "".join(surname)]):
            for joined in (first + last, last + first, first[0] + last, last + first[0]):
                if len(joined) > 5:
                    yield (joined,), False
        initials = tuple(name[0] for name in [*given, *surname])
        if "".join(initials) not in _DOTTED:
            yield ("", *initials), False  # found with dots (A.O.) only


def _together(text: str, run: list[Word]) -> bool:
    """Whether words stand beside each other, with no more between them than parts a name."""
    gaps = (text[one.end : two.start] for one, two in pairwise(run))
    return all(len(gap) <= 4 and not _PARTS.search(gap) for gap in gaps)


def _as_a_name(text: str, run: list[Word], place: int) -> bool:
    """Whether a word that may be a usual one stands as a name: with a capital, not as a month or a verb."""
    word = run[place]
    said = text[word.start : word.end]
    line = text[text.rfind("\n", 0, word.start) + 1 : (text.find("\n", word.end) + 1 or len(text) + 1) - 1]
    if _TITLE_BEFORE.search(text[max(0, word.start - 12) : word.start]):
        return True
    if is_caseless(text) and len(said) > 3:
        return word.text not in word_names() and not is_clinical(word.text)
    if not said[0].isupper() or (
        len(said) > 1 and said.isupper() and line.isupper() and len(line) > len(said) + 3
    ):
        return False
    if len(said) > 1 and said.isupper() and (len(said) <= 3 or word.text in word_names()):
        return False  # ANN may be a name, but MS, PT and AO are none
    before, after = text[max(0, word.start - 20) : word.start], text[word.end : word.end + 30]
    if word.text in ("may", "march", "april", "june", "august", "jan", "mar") and (
        _MONTH_BEFORE.search(before) or re.match(r"\.?,?\s*(?:\d|of\s+\d)", after)
    ):
        return False
    return not (word.text in ("will", "may", "can", "mark") and _MODAL_AFTER.match(after) and _begins(before))


def _begins(before: str) -> bool:
    return not before.strip() or before.rstrip(" \t")[-1:] in ".:;!?\n-•*"


def _of_an_eponym(text: str, word: Word) -> bool:
    """Whether a name stands before what is called after somebody (Wilson's disease)."""
    return is_clinical(word.text) and _EPONYM.match(text, word.end) is not None


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
