"""Text as it is compared: words without case, marks or unseen characters, with their places."""

import re
import unicodedata
from typing import NamedTuple

_ASCII_WORD = re.compile(r"[^\W_]+")


class Word(NamedTuple):
    """A run of letters and digits, folded, and where it stands in the text as written."""

    text: str
    start: int
    end: int


def folded(text: str) -> str:
    """A text without case, marks (é is e) or characters that nobody sees."""
    return "".join(map(_folded, text))


def words(text: str) -> list[Word]:
    """The words of a text. Punctuation and underscores part words; unseen characters within one do not."""
    if text.isascii():
        return [
            Word(found.group().lower(), found.start(), found.end()) for found in _ASCII_WORD.finditer(text)
        ]
    found: list[Word] = []
    letters, start, end = "", 0, 0
    for place, character in enumerate(text):
        plain = _folded(character)
        if plain.isalnum():
            start = start if letters else place
            letters, end = letters + plain, place + 1
        elif letters and plain:
            found.append(Word(letters, start, end))
            letters = ""
    if letters:
        found.append(Word(letters, start, end))
    return found


def _folded(character: str) -> str:
    if character.isascii():
        return character.lower()
    parts = unicodedata.normalize("NFKD", character.casefold())
    kept = (part for part in parts if unicodedata.category(part) not in ("Mn", "Me", "Cf"))
    return "".join(kept).casefold()
