"""Names in free text that no record of the chart tells: a neighbour's, a pastor's.

English clinical prose. Found are names behind a title, a word of kinship or of who signed, before a degree,
and capitalised words that are no usual English and no medicine. What is missed: names in lower case without a
title, and a usual word as the only name of somebody of whom nothing else is said (Hope, Will).
"""

import re
from collections.abc import Collection, Iterator
from itertools import groupby
from typing import NamedTuple

from agent.egress.deidentification.folding import folded
from agent.egress.deidentification.lexicon import LISTS, english, is_caseless, is_clinical, names, word_names
from agent.egress.deidentification.spans import Span


def _any(which: str) -> str:
    return "(?:" + "|".join(LISTS[which].split()).replace(r"\s", r"\s+") + ")"


# A capitalised word; a full stop is part of it only after an initial or St.
_CAP = r"(?-i:[A-ZÀ-ÖØ-Þ]\.(?![a-z])|St\.|[A-ZÀ-ÖØ-Þ][\w'’-]*)"
_SEVERAL = rf"{_CAP}(?:\s+(?:(?:de|la|van|der|von|bin|al|del|di|da|st)\.?\s+)*{_CAP}){{0,3}}"
_NAME = rf"(?P<name>{_SEVERAL})"
_TITLED = re.compile(rf"\b{_any('titles')}\.?\s+{_NAME}", re.IGNORECASE)
_TITLED_LOW = re.compile(r"\b(?:mr|mrs|ms|dr)\.?\s+(?P<name>[a-z][a-z'’-]{1,})\b", re.IGNORECASE)
_RELATED = re.compile(
    rf"\b{_any('kin')}s?(?:\s*[,(:-]\s*|\s+(?:is\s+|named\s+|called\s+|is\s+named\s+)?){_NAME}"
    rf"|\b{_any('named')}\s+[\"“']?(?P<called>{_SEVERAL})",
    re.IGNORECASE,
)
_SIGNED = re.compile(rf"\b{_any('signed')}\s*[:\-]?\s+{_NAME}", re.IGNORECASE)
_DEGREE = re.compile(rf"{_NAME},?\s+(?-i:{_any('degrees')})(?![\w-])", re.IGNORECASE)
_LABELLED = re.compile(rf"\b{_any('labels')}\s*:[ \t]*{_NAME}", re.IGNORECASE)
_DEGREE_LOW = re.compile(
    r"\b(?P<name>[a-z][a-z'’-]+\s+(?:[a-z]\.?\s+)?(?P<last>[a-z][a-z'’-]+)),?\s+(?:md|do|rn|np|phd)\b"
)
_QUOTED = re.compile(rf"(?P<first>{_CAP})\s+[\"“](?P<name>[A-ZÀ-Þ][a-zß-ÿ'’-]+)[\"”]")
_INITIALLED = re.compile(
    r"(?<![\w.])(?P<name>(?:[A-Z]\.\s?){1,2}[A-ZÀ-Þ][^\W\d_’']+(?:-[A-ZÀ-Þ][^\W\d_]+)*)(?![\w])"
)
_CAMEL = re.compile(
    r"[A-ZÀ-Þ][a-zß-ÿ'’]+|(?:Mc|Mac|O['’]|D['’]|De|Di|La|Le|Fitz|Van|Du|Al-)?[A-ZÀ-Þ][a-zß-ÿ'’-]+|[A-ZÀ-Þ]"
)
# A score or a size stands behind what is no person: Deauville 2, Clark level II.
_MEASURED = re.compile(r"\s(?:\d{1,3}(?!\d|[-./]\d)|\d+\.\d|(?:level|stage|grade|type)\b|[IV]{1,4}\b)")
_KIN_LOW = re.compile(
    rf"\b(?:{_any('kin')}|mil|fil|hub|husb|bf|gf|baby (?:girl|boy)|nurse|charge|sitter)"
    r"\s+(?P<name>[a-z'’-]{2,})"
)
_TITLE = re.compile(_any("called_by"))
_WORD = re.compile(r"[^\W\d_][\w'’-]*\.?")
_RUN = re.compile(
    rf"(?<![\w.]){_CAP}(?:[ \t]+(?:(?:de|la|van|der|von|bin|al|del|di|da)[ \t]+)*{_CAP})*",
)
_CAPITALS_COMMA = re.compile(r"\b(?P<name>[A-Z][A-Z'’-]{2,},\s?[A-Z][A-Z'’-]{1,}(?:\s[A-Z]\.?)?)(?![\w])")
_EPONYM_AFTER = re.compile(rf"['’]s?\s+[a-z]|\s+{_any('eponym_nouns')}\b")
_BELONGING = re.compile(rf"['’]s?\s+{_any('belongings')}\b")
_POSSESSIVE = re.compile(r"['’]s?\.?$")
_NO_NAME = frozenset(LISTS["no_names"].split())
_WARDS = frozenset(LISTS["wards"].split())
_CALENDAR = frozenset(LISTS["calendar"].split())


class _Part(NamedTuple):
    text: str
    plain: str
    start: int
    end: int


def names_in(text: str, medicine: Collection[str]) -> Iterator[Span]:
    """Names of people, by their place and their look. `medicine` are more (folded) words that name nobody."""
    for pattern, sure in (
        (_TITLED, True), (_LABELLED, False), (_DEGREE, False), (_SIGNED, False), (_RELATED, False),
    ):  # fmt: skip
        for match in pattern.finditer(text):
            group = "name" if match["name"] else "called"
            start, end = match.span(group)
            near = pattern is _LABELLED or (
                pattern is _RELATED and text[max(0, start - 2) : start - 1].islower()
            )
            yield from _of_context(text, start, end, medicine, sure=sure, near=near)
    for match in _TITLED_LOW.finditer(text):
        word = folded(match["name"])
        if word in names() or not (word in _NO_NAME or word in english() or is_clinical(word)):
            yield Span(match.start("name"), match.end("name"), "PERSON")
    for match in _DEGREE_LOW.finditer(text):
        if folded(match["last"]) not in english() and not _says_medicine(folded(match["last"]), medicine):
            yield Span(match.start("name"), match.end("name"), "PERSON")
    for match in _INITIALLED.finditer(text):
        words = re.split(r"[\s.-]+", folded(match["name"]))
        if any(
            one in names() or not (one in english() or _says_medicine(one, medicine)) for one in words[1:]
        ):
            yield Span(match.start("name"), match.end("name"), "PERSON")
    for match in _QUOTED.finditer(text):
        if folded(match["first"]) in names() or folded(match["first"]) not in english():
            yield Span(match.start("name"), match.end("name"), "PERSON")
    for match in _CAPITALS_COMMA.finditer(text):
        parts = [folded(part) for part in re.split(r"[\s,]+", match["name"])]
        if any(part in names() for part in parts) and not any(
            _says_medicine(part, medicine) for part in parts
        ):
            yield Span(match.start("name"), match.end("name"), "PERSON")
    if is_caseless(text):
        yield from _caseless_names(text, medicine)
    for match in _RUN.finditer(text):
        yield from _of_run(text, match.start(), match.end(), medicine)


def _caseless_names(text: str, medicine: Collection[str]) -> Iterator[Span]:
    """In a text without capitals, what follows a word of kinship and is a name or no usual word."""
    for match in _KIN_LOW.finditer(text):
        word = folded(match["name"])
        if word in _NO_NAME or _says_medicine(word, medicine):
            continue
        if word in names() or word not in english():
            yield Span(match.start("name"), match.end("name"), "PERSON")


def _of_context(
    text: str, start: int, end: int, medicine: Collection[str], *, sure: bool, near: bool
) -> Iterator[Span]:
    """The name that a title (`sure`) or another word announces, as far as its words can be one's.

    `near`: the word of kinship stands right before it, in small letters ("her son Dewey").
    """
    taken: list[_Part] = []
    for part in _parts(text, start, end):
        word = part.plain
        if word in _NO_NAME or (
            taken and part.start - taken[-1].end > 1 and "\n" in text[taken[-1].end : part.start]
        ):
            break
        initial = len(word) == 1
        named = (word in names() or word in word_names()) and (sure or word not in _CALENDAR)
        unknown = (
            not named and word not in english() and not _says_medicine(word, medicine) and _is_cased(part)
        )
        eponym = _EPONYM_AFTER.match(text, _end(part)) is not None and _says_medicine(word, medicine)
        if (
            (near and not taken and _is_plain(part, medicine))
            or initial
            or ((named or unknown) and not eponym)
            or (sure and not taken and not part.text.isupper())
        ):
            if (
                named
                and not sure
                and _says_medicine(word, medicine)
                and len(taken) == 0
                and word not in names()
            ):
                break
            taken.append(part)
            if part.text.endswith(".") and len(word) > 2:
                break
        else:
            break
    if taken and any(len(one.plain) > 1 for one in taken):
        usual = all(one.plain in english() and one.plain not in names() for one in taken)
        if not sure and usual and not (near and _is_plain(taken[0], medicine)):
            return
        yield Span(taken[0].start, _end(taken[-1]), "PERSON")


class _Judged(NamedTuple):
    """Whether a word is a name by itself, and whether it is one beside another."""

    certain: bool
    possible: bool


def _of_run(text: str, start: int, end: int, medicine: Collection[str]) -> Iterator[Span]:
    """The names in a run of capitalised words: unknown words, given names, and what stands beside these."""
    parts = list(_parts(text, start, end))
    # Two or three usual words with capitals amid small ones: a person, a firm, a place.
    if 1 < len(parts) < 4 and re.search(r"[a-z] $", text[max(0, start - 2) : start]):
        if all(_is_plain(part, medicine) for part in parts):
            yield Span(parts[0].start, _end(parts[-1]), "PERSON")
    judged = [_judged(text, part, medicine) for part in parts]
    if parts and _begins(text, parts[0].start) and not judged[0].certain:
        # The capital of a first word tells nothing.
        initial = len(parts[0].plain) == 1 and parts[0].text.endswith(".")
        judged[0] = _Judged(False, judged[0].possible and (parts[0].plain in names() or initial))
    for possible, group in groupby(zip(parts, judged, strict=True), key=lambda one: one[1].possible):
        beside = list(group)
        known = [part.plain in names() and _is_cased(part) for part, _ in beside]
        if possible and (any(one.certain for _, one in beside) or (all(known) and len(known) > 1)):
            yield Span(beside[0][0].start, _end(beside[-1][0]), "PERSON")


def _judged(text: str, part: _Part, medicine: Collection[str]) -> _Judged:
    word, end = part.plain, _end(part)
    medical = _says_medicine(word, medicine)
    usual = word in english() or word in word_names()
    eponym = _EPONYM_AFTER.match(text, end) is not None or (
        medical and _POSSESSIVE.search(part.text) is not None
    )
    unknown = not usual and not medical and len(word) > 2 and word not in names()
    known = word in names() and word not in word_names() and not (medical and (eponym or usual))
    if eponym and not (medical and known):
        known = unknown = _BELONGING.match(text, end) is not None
    if (unknown or medical) and _MEASURED.match(text, end) is not None:
        known = unknown = False
    shouted = word in names() and len(word) > 3 and _line_has_lower(text, part.start)
    written = (_is_cased(part) or shouted) and not _is_compound(part, medicine)
    title = _TITLE.fullmatch(word) is not None
    certain = written and not title and (unknown or (known and len(word) > 2))
    initial = len(word) == 1 and part.text.endswith(".")
    named = word in names() or word in word_names() or initial or not (medical or usual)
    return _Judged(certain, certain or (named and not title and not eponym and word not in _CALENDAR))


def _is_compound(part: _Part, medicine: Collection[str]) -> bool:
    """Whether a word is made as no name is: with digits, with capitals within, of usual words."""
    pieces = part.text.rstrip(".").split("-")
    if re.search(r"[\d_]", part.text) or not all(
        _CAMEL.fullmatch(one) or one.isupper() or one.islower() for one in pieces
    ):
        return True
    plain = re.split(r"[\W_]+", part.plain)
    return len(pieces) > 1 and any(
        _says_medicine(one, medicine) or (one in english() and one not in names()) for one in plain if one
    )


def _is_plain(part: _Part, medicine: Collection[str]) -> bool:
    """A usual word that is written as a name, and is none of medicine or of a hospital."""
    return _is_cased(part) and part.plain not in _WARDS and not _says_medicine(part.plain, medicine)


def _parts(text: str, start: int, end: int) -> Iterator[_Part]:
    for match in _WORD.finditer(text, start, end):
        yield _Part(
            match.group(), folded(_POSSESSIVE.sub("", match.group()).rstrip(".")), match.start(), match.end()
        )


def _end(part: _Part) -> int:
    """Where the name ends: a possessive and a full stop stay, but an initial keeps its own."""
    bare = _POSSESSIVE.sub("", part.text)
    return part.start + len(bare if len(part.plain) == 1 else bare.rstrip("."))


def _says_medicine(word: str, medicine: Collection[str]) -> bool:
    return word in medicine or is_clinical(word) or (word.endswith("s") and is_clinical(word[:-1]))


def _is_cased(part: _Part) -> bool:
    """Written as a name: a capital, then small letters (McAllister, O'Brien too)."""
    return part.text[0].isupper() and any(letter.islower() for letter in part.text)


def _begins(text: str, start: int) -> bool:
    """Whether a word begins a sentence, a line or a cell."""
    before = text[max(0, start - 3) : start].rstrip(" \t\"'“(")
    return not before or before[-1] in ".:;!?\n-•*|>"


def _line_has_lower(text: str, start: int) -> bool:
    line = text[text.rfind("\n", 0, start) + 1 : (text.find("\n", start) + 1 or len(text) + 1) - 1]
    return sum(letter.islower() for letter in line) > 10
