"""The form and strength of a drug that a question names: "hydrocortisone cream", "metformin 500 mg"."""

import re
from collections.abc import Collection, Sequence

from agent.models.offline.words import Stems, stem, stems

# By form: how it is said after a drug, how before one, and which words of a record's name tell it.
_FORMS = {
    "inhaled": ("inhaler, puffer, inhalation", "inhaled", "inhaler inhalation inhalant inhaled"),
    "cream": ("cream", "", "cream topical"),
    "ointment": ("ointment", "", "ointment topical"),
    "lotion": ("lotion", "", "lotion topical"),
    "gel": ("gel", "", "gel"),
    "topical": ("", "topical", "cream ointment lotion gel topical"),
    "eye": ("eye drop, eyedrop, eye ointment", "ophthalmic", "eye ophthalmic eyedrop"),
    "ear": ("ear drop, eardrop", "otic", "ear otic"),
    "nasal": ("nasal spray, nose spray, nasal drop", "nasal, intranasal", "nasal nose"),
    "injected": ("injection, infusion, drip", "injectable, injected, iv, intravenous, subcutaneous",
                 "injection injectable injector infusion intravenous iv syringe"),
    "patch": ("patch, patche", "transdermal", "patch transdermal"),
    "liquid": ("suspension, syrup, elixir", "liquid", "suspension syrup elixir liquid"),
    "rectal": ("suppository, enema", "rectal", "suppository rectal enema"),
    "oral": ("tablet, tab, pill, capsule, oral tablet, oral capsule, oral solution, oral suspension", "oral",
             "oral tablet capsule caplet"),
}  # fmt: skip
_UNITS = frozenset({"mg", "mcg", "g", "microgram", "milligram", "gram", "%", "meq", "unit"})
_STRENGTH = re.compile(r"(\d+(?:\.\d+)?)(?:mg|mcg|g)?")
_WRITTEN = {form: frozenset(written.split()) for form, (_, _, written) in _FORMS.items()}


def _spoken(column: int) -> dict[Stems, str]:
    said = ((form, phrase) for form, row in _FORMS.items() for phrase in row[column].split(", ") if phrase)
    return {stems(phrase): form for form, phrase in said}


_AFTER, _BEFORE = _spoken(0), _spoken(1)
WORDS = frozenset(word for phrase in (*_AFTER, *_BEFORE) for word in phrase)


def form_before(word: str) -> str:
    """The form that a word before a drug tells ("topical hydrocortisone"); empty where it tells none."""
    return _BEFORE.get((stem(word),), "")


def form_after(tokens: Sequence[str], at: int) -> tuple[str, int]:
    """The form that the words after a drug tell, and where they end."""
    for size in (2, 1):
        found = _AFTER.get(tuple(map(stem, tokens[at : at + size])))
        if found:
            return found, min(at + size, len(tokens))
    return "", at


def strength_after(tokens: Sequence[str], at: int) -> tuple[str, int]:
    """The number of a strength after a drug ("500" of "500 mg", "500mg"), and where its words end."""
    found = _STRENGTH.fullmatch(tokens[at]) if at < len(tokens) else None
    if not found:
        return "", at
    unit = tokens[at + 1 : at + 2]
    if found[1] == tokens[at]:
        return (found[1], at + 2) if unit and stem(unit[0]) in _UNITS else ("", at)
    return found[1], at + 1


def suits(form: str, strength: str, record: Collection[str]) -> bool:
    """Whether a record's name, as stems, tells that form and strength, or tells neither of any kind."""
    told = {one for one, written in _WRITTEN.items() if not written.isdisjoint(record)}
    numbers = {found[1] for word in record if (found := _STRENGTH.fullmatch(word))}
    return (not form or not told or form in told) and (not strength or not numbers or strength in numbers)
