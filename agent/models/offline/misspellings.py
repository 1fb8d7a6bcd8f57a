"""Misspelt words put right, where one word of the vocabulary alone can have been meant."""

import re
from collections.abc import Iterator
from string import ascii_lowercase

from agent.models.offline.concepts import Lexicon
from agent.models.offline.time_words import SPELLED, known_words
from agent.models.offline.words import stem

_SHORTEST_CORRECTED, _SHORTEST_SWAPPED = 5, 4
# Of shorter words too much is one letter away, but for the words that sentences are built of.
_SHORTEST_OF_GRAMMAR, _LONGEST_OF_GRAMMAR = 3, 6
_VOWELS = "aeiou"


def put_right(tokens: list[str], lexicon: Lexicon) -> tuple[list[str], list[tuple[str, str]]]:
    """The tokens with misspelt words put right, and what was taken for what."""
    taken: list[tuple[str, str]] = []
    known = known_words()
    for at, token in enumerate(tokens):
        key = stem(token)
        if (
            len(key) < _SHORTEST_OF_GRAMMAR
            or not key.isascii()
            or not key.isalpha()
            or key in lexicon.spelled
            or token in lexicon.unread
        ):
            continue
        if key in lexicon.never or token in known:
            continue
        if key[-1] == "s" and key[:-1] in lexicon.names:
            tokens = [*tokens[:at], key[:-1], *tokens[at + 1 :]]  # "wts", "RRs"
            continue
        meant = (
            (_swapped(key, lexicon) if len(key) >= _SHORTEST_SWAPPED else None)
            or (_meant(key, lexicon) if len(key) >= _SHORTEST_CORRECTED else None)
            or _of_grammar(key, lexicon)
        )
        if meant:
            right = lexicon.spelled.get(meant, meant)
            taken.append((token, right))
            tokens = [*tokens[:at], right, *tokens[at + 1 :]]
    return tokens, taken


def respelled(text: str, lexicon: Lexicon) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The text with its misspelt words of grammar put right, and what was taken for what."""
    taken: list[tuple[str, str]] = []

    def right(found: re.Match[str]) -> str:
        _, meant = put_right([found[0].lower()], lexicon)
        if not meant or (stem(meant[0][1]),) in lexicon.concepts:
            return found[0]
        taken.extend(meant)
        return meant[0][1]

    return re.sub(r"(?<![\w'’-])[A-Za-z]{3,}(?![\w'’-])", right, text), tuple(taken)


def _of_grammar(word: str, lexicon: Lexicon) -> str | None:
    """The one word that sentences are built of with a letter left out of it ("vist"), or one too many."""
    if len(word) > _LONGEST_OF_GRAMMAR:
        return None
    known = lexicon.grammar | known_words()
    for others in (_longer(word), _shorter(word)):
        found = {one for one in others if one in known or one in lexicon.names}
        if found:
            meant = found.pop()
            shortened = len(word) == _SHORTEST_OF_GRAMMAR and not _without_vowel(word, meant)
            return None if found or meant not in known or shortened else meant
    return None


def _longer(word: str) -> Iterator[str]:
    """All words with one letter more behind the first."""
    for at in range(1, len(word) + 1):
        for letter in ascii_lowercase:
            yield word[:at] + letter + word[at:]


def _without_vowel(word: str, meant: str) -> bool:
    """Whether a vowel, or one of two letters that are alike, is left out of a short word."""
    return any(
        meant[:at] + meant[at + 1 :] == word and (meant[at] in _VOWELS or meant[at] == meant[at - 1])
        for at in range(1, len(meant))
    )


def _shorter(word: str) -> Iterator[str]:
    for at in range(1, len(word) if len(word) >= _SHORTEST_CORRECTED else 0):
        yield word[:at] + word[at + 1 :]


def _swapped(word: str, lexicon: Lexicon) -> str | None:
    """The one word of the vocabulary that has two neighbouring letters the other way round ("waht")."""
    swaps = {word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)} - {word}
    known = {
        one
        for one in swaps & (lexicon.spelled.keys() | known_words())
        if one not in lexicon.careful or (one,) in lexicon.cues
    }
    return known.pop() if len(known) == 1 else None


def _meant(word: str, lexicon: Lexicon) -> str | None:
    """The one word of the vocabulary that `word` may be a misspelling of; None when there is none or more.

    The first letter must be right. Look-alike drug names are the reason for the second condition: a drug is
    taken only where no other word is nearly as close.
    """
    from rapidfuzz.distance import OSA

    allowed = 1 if len(word) < 8 else 2
    near: dict[int, list[str]] = {}
    for length in range(len(word) - allowed, len(word) + allowed + 1):
        for known in {*lexicon.by_length.get(length, ()), *SPELLED.get(length, ())}:
            if known[0] == word[0]:
                distance = OSA.distance(word, known, score_cutoff=allowed + 1)
                near.setdefault(distance, []).append(known)
    best = next((near[distance] for distance in range(1, allowed + 1) if distance in near), [])
    longest = max(best, key=len, default="")
    if len(best) > 1 and all(longest.startswith(one) and one in lexicon.grammar for one in best):
        best = [longest]  # "prescribd" is "prescribed" before "prescribe"
    if not best or (len(best) > 1 and not all((known,) in lexicon.fillers for known in best)):
        return None  # "recordd" may be two words, of which neither says anything
    rivals = near.get(min(distance for distance in near) + 1, [])
    return None if best[0] in lexicon.careful and any(word in lexicon.careful for word in rivals) else best[0]
