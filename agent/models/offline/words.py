"""Text into words that can be compared: case, accents, apostrophes, hyphens and plurals made alike."""

import re
import unicodedata

Stems = tuple[str, ...]

_TOKEN = re.compile(
    r"\d{4}-\d{2}-\d{2}|\d{4}-\d{2}\b|\d{1,2}/\d{1,2}/\d{2,4}|\d{1,2}/\d{4}"
    r"|\d+(?:\.\d+)?(?![a-z0-9])|[a-z0-9]+|[^\s\w]"
)
# "When'd she get it?"
_DID = re.compile(r"\b(when|where|how|why)'d\b(?! like)")
# "isnt", as it is typed.
_UNMARKED = re.compile(r"\b(is|are|was|were|do|does|did|has|have|had|could|would|should)nt\b")
_SILENT = set("?.,;:!\"'()[]-/*")


def words(text: str) -> list[str]:
    """The words of `text`, lower case; a symbol that may carry meaning (`>`, `%`) is a word of its own."""
    plain = text.lower()
    if "nt" in plain:
        plain = _UNMARKED.sub(r"\1 not", plain)
    if not plain.isascii():
        plain = unicodedata.normalize("NFKD", plain.replace("’", "'"))
        plain = "".join(char for char in plain if not unicodedata.combining(char))
    if plain.isascii() and plain.replace(" ", "").isalnum():
        return plain.split()
    if "'" in plain:
        plain = re.sub(r"n't\b", " not", _DID.sub(r"\1 did", plain))
        plain = re.sub(r"'(s|re|d|ve|ll|m)\b|'", lambda found: _CONTRACTED.get(found[1] or "", ""), plain)
    plain = plain.replace("&", " and ").replace("+", " + ")
    return [token for token in _TOKEN.findall(plain) if token not in _SILENT]


def stem(word: str) -> str:
    """`word` without its plural ending; the same for the words of questions, dictionaries and records."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word


def stems(text: str) -> Stems:
    """The stems of the words of `text`: the key under which phrases are looked up."""
    return tuple(stem(word) for word in words(text))


def position(phrase: Stems, name: Stems) -> int:
    """Where `phrase` stands in `name` as a whole run of words; -1 when it does not."""
    size = len(phrase)
    return next((at for at in range(len(name) - size + 1) if name[at : at + size] == phrase), -1)


# "she's on" drops the 's' ("is" or possessive, both silent); the others stand for words with a meaning.
_CONTRACTED = {"re": "", "d": " would", "ve": "", "ll": " will", "m": ""}
