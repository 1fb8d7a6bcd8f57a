"""Which name a misspelt one may be: none where it is spelt right, and none where two come near."""

import re
from collections.abc import Iterable
from functools import cache

from rapidfuzz.distance import OSA

from dictionary import Kind, other_names
from mcp_servers.fhir.terminology.concepts import Concept, by_name

_SHORTEST = 5
_SHORTEST_MEANT = 6
_LONG = 8
# Beginnings that say the contrary, and are a slip of the pen apart.
_CONTRARY = (("hyper", "hypo"), ("macro", "micro"), ("inter", "intra"), ("anti", "ante"))
# Spellings that sound alike.
_SOUNDS = (("ph", "f"), ("ae", "e"), ("oe", "e"), ("th", "t"), ("rh", "r"), ("ch", "c"), ("k", "c"),
           ("y", "i"), ("z", "s"))  # fmt: skip
_CAREFUL: frozenset[Kind] = frozenset({"drug", "class"})


def misspelt(text: str, kinds: frozenset[Kind]) -> tuple[Concept, ...]:
    """The concepts of the one name, of these kinds (or any), that a folded `text` misspells; else none.

    Each word that is not known must be near to the name's: one slip, in words of eight letters two that do
    not change the sound much. Look-alike drugs are the reason why a drug is not read where another is nearly
    as near.
    """
    words = text.split()
    near: dict[int, list[tuple[Concept, ...]]] = {}
    for name in _by_first_letters().get(tuple(word[0] for word in words), ()):
        found = tuple(one for one in by_name()[name] if not kinds or one.kind in kinds)
        slips = _slips(words, name.split()) if found else None
        if slips:
            contrary = any(map(_contrary, words, name.split()))
            near.setdefault(slips, []).append(() if contrary else found)
    if not near:
        return ()
    fewest = min(near)
    first, *others = near[fewest]
    shared = set(first).intersection(*others)
    rivals = [found for found in near.get(fewest + 1, []) if shared.isdisjoint(found)]
    if any(_careful(found) for found in rivals) and _careful(shared):
        return ()
    return tuple(one for one in first if one in shared)


def _careful(found: Iterable[Concept]) -> bool:
    return any(one.kind in _CAREFUL for one in found)


def _slips(words: list[str], name: list[str]) -> int | None:
    """How many slips of the pen make `words` of a name's; None where they cannot be meant so."""
    slips = 0
    for word, known in zip(words, name, strict=True):
        if word != known:
            if not _meant(word, known):
                return None
            slips += OSA.distance(word, known)
    return slips


def _meant(word: str, known: str) -> bool:
    if len(word) < _SHORTEST or len(known) < _SHORTEST_MEANT or abs(len(word) - len(known)) > 2:
        return False
    if not word.isalpha() or word in _spelt_right() or word.removesuffix("s") in _spelt_right():
        return False
    allowed = 1 if len(word) < _LONG else 2
    slips = OSA.distance(word, known)
    return slips == 1 or (slips <= allowed and OSA.distance(_sound(word), _sound(known)) <= 1)


def _contrary(word: str, known: str) -> bool:
    return any({_first(pair, word), _first(pair, known)} == set(pair) for pair in _CONTRARY)


def _first(beginnings: Iterable[str], word: str) -> str | None:
    return next((one for one in beginnings if word.startswith(one)), None)


def _sound(word: str) -> str:
    for spelling, sound in _SOUNDS:
        word = word.replace(spelling, sound)
    return re.sub(r"(.)\1", r"\1", word)


@cache
def _by_first_letters() -> dict[tuple[str, ...], list[str]]:
    """The names by the first letters of their words, which nobody gets wrong."""
    found: dict[tuple[str, ...], list[str]] = {}
    for name in by_name():
        found.setdefault(tuple(word[0] for word in name.split()), []).append(name)
    return found


@cache
def _spelt_right() -> frozenset[str]:
    """The words of all names known, and names of what has no concept here."""
    return frozenset([word for name in by_name() for word in name.split()]).union(other_names())
