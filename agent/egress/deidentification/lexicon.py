"""Which words are names of people, which are plain English, and which are medicine."""

import re
import tomllib
from functools import cache
from importlib import import_module
from importlib.resources import files

from agent.egress.deidentification.folding import folded, words
from dictionary.entries import KINDS, entries

LISTS: dict[str, str] = tomllib.loads(
    files("agent.egress.deidentification").joinpath("names.toml").read_text("utf-8")
)
"""The word lists of names.toml, words parted by blanks."""
# Faker's name lists, by whom a chart in an English-speaking clinic is likely to speak of.
_LOCALES = (
    "en_US", "en_GB", "en_IN", "en_KE", "en_NG", "en_PK",
    "es_MX", "es_ES", "de_DE", "fr_FR", "it_IT", "pl_PL", "pt_BR",
)  # fmt: skip
_PROVIDED = ("first_names", "first_names_male", "first_names_female", "last_names")
_NO_CLANS = frozenset(
    {"machine", "machines", "machined", "machining", "macaroni", "macabre", "mackerel", "macrame"}
)
# Rarer words of the English list are mostly surnames and misspellings.
_USUAL = 100
# What drugs, diseases, operations and microbes end in, and people's names hardly do.
_MEDICAL = re.compile(
    r"\w{2,}(?:pril|sartan|statin|olol|cillin|mycin|micin|cycline|floxacin|azole|vir|formin|gliptin|gliflozin"
    r"|glutide|glitazone|prazole|tidine|dipine|parin|xaban|gatran|mab|tinib|azepam|azolam|triptyline|oxetine"
    r"|azine|apine|semide|thiazide|lactone|solone|nisone|caine|codone|morphone|phylline|terol|profen|triptan|setron"
    r"|itis|emia|aemia|uria|osis|opathy|algia|ectomy|plasty|otomy|ostomy|oscopy|graphy|gram|rrhea|rrhage"
    r"|plegia|penia|megaly|tension|globin|coccus|bacter|bacterium|ology|ologist|iatry|iatric|iatrics"
    r"|ic|ical|ous|ing|tion|sion|ment|ness|able|ible|ive|ated|ized|ased|uled|ined|ored|\w{5}(?:ary|ory|ally|ity))s?"
)


@cache
def english() -> frozenset[str]:
    """Usual English words, lower-case. Many names of people are among them."""
    from spellchecker import SpellChecker

    frequencies = SpellChecker(language="en").word_frequency.dictionary
    return frozenset(word for word, times in frequencies.items() if times >= _USUAL)


@cache
def names() -> frozenset[str]:
    """First and last names, folded, one word each."""
    found: set[str] = set()
    for locale in _LOCALES:
        provider = import_module(f"faker.providers.person.{locale}").Provider
        for kind in _PROVIDED:
            listed = getattr(provider, kind, ())
            if not isinstance(listed, property):
                found.update(folded(word) for name in listed for word in re.split(r"[\W_]+", name))
    # Faker's lists have O'Connor and McCoy, english() has many more of them.
    clans = (word for word in english() if re.fullmatch(r"(?:o'|mc|mac)[a-z]{4,}", word))
    return frozenset(word for word in (*found, *clans) if len(word) > 1 and word not in _NO_CLANS)


@cache
def word_names() -> frozenset[str]:
    """Names that are usual words too: Will, May, Grace."""
    return _listed("word_names.txt")


@cache
def clinical() -> frozenset[str]:
    """Words that clinical prose writes with a capital and that name nobody: drugs, eponyms, microbes, months,
    peoples and languages, states; and every word of the dictionary."""
    found = set(_listed("clinical.txt"))
    for kind in KINDS:
        for entry in entries(kind):
            for name in (entry.name, *entry.names, *entry.said):
                found.update(word.text for word in words(name))
    return frozenset(found)


@cache
def codes() -> frozenset[str]:
    """The codes of the dictionary, which may look like somebody's number."""
    return frozenset(code for kind in KINDS for entry in entries(kind) for _, code in entry.codes)


def is_clinical(word: str) -> bool:
    """Whether a folded word is one of medicine, by itself or by its form."""
    return word in clinical() or (_MEDICAL.fullmatch(word) is not None and word not in names())


def is_weak(word: str) -> bool:
    """Whether a folded word names a person only where its capital and its place say so."""
    return (
        len(word) <= 3
        or word in word_names()
        or (word not in names() and (word in clinical() or word in english()))
    )


def is_caseless(text: str) -> bool:
    """Whether a text is written without capitals, so that none tells a name."""
    letters = sum(letter.isalpha() for letter in text)
    return letters > 80 and sum(letter.isupper() for letter in text) * 50 < letters


def _listed(name: str) -> frozenset[str]:
    text = files("agent.egress.deidentification").joinpath(name).read_text("utf-8")
    return frozenset(folded(word) for word in text.split())
