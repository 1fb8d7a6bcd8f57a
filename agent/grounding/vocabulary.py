"""Word lists that tell a record's name from ordinary prose."""

import re
from collections.abc import Collection
from importlib.resources import files

from agent.grounding.written import stem


def _words(name: str) -> frozenset[str]:
    return frozenset(files("agent.grounding").joinpath(name).read_text(encoding="utf-8").split())


# What everyday language calls the records of a type.
KINDS = {
    "AllergyIntolerance": ("allergy", "intolerance", "allergic"),
    "CarePlan": ("plan",),
    "CareTeam": ("team",),
    "Condition": ("problem", "condition", "diagnosis", "diagnoses", "diagnosed", "disease"),
    "Coverage": ("coverage", "insurance", "insured"),
    "Device": ("device", "implant"),
    "DiagnosticReport": ("report",),
    "DocumentReference": ("document", "note", "letter"),
    "Encounter": ("visit", "encounter", "admission", "admitted", "stay", "seen", "appointment"),
    "FamilyMemberHistory": ("family",),
    "Goal": ("goal",),
    "ImagingStudy": ("imaging", "study", "scan"),
    "Immunization": ("immunization", "immunisation", "immunized", "vaccine", "vaccination", "vaccinated"),
    "MedicationAdministration": ("medication", "drug", "given", "administered", "administration"),
    "MedicationDispense": ("medication", "drug", "dispensed", "dispense"),
    "MedicationRequest": ("medication", "prescription", "prescribed", "drug", "order"),
    "MedicationStatement": ("medication", "drug"),
    "Procedure": ("procedure", "surgery", "operation"),
    "ServiceRequest": ("order", "referral"),
}

KIND_STEMS = frozenset(stem(word) for words in KINDS.values() for word in words)


def types_called(stems: Collection[str]) -> set[str]:
    """The resource types that any of these words (stems) names."""
    return {kind for kind, words in KINDS.items() if any(stem(word) in stems for word in words)}


# Words inside record names that name nothing by themselves: sharing one is no support.
GENERIC = _words("generic.txt")
GENERIC_STEMS = frozenset(map(stem, GENERIC))

# Capitalised or not, these words claim no record: they may begin a sentence, or stand in an answer
# because the question used them.
_COMMON = _words("common.txt")
COMMON_STEMS = frozenset(map(stem, _COMMON))

# Words that answers begin sentences and headings with: their capital tells nothing ("Notably", "Chronic").
_PLAIN = _words("plain.txt")

# Lower-case words that name drugs, findings, tests or procedures by their form ...
_FORMS = re.compile(
    r"\w{2,}(?:pril|sartan|statin|olol|alol|illin|mycin|micin|cycline|floxacin|azole|vir|formin"
    r"|gliptin|gliflozin"
    r"|glutide|glitazone|prazole|tidine|dipine|parin|xaban|gatran|grel|mab|tinib|azepam|azolam"
    r"|zepine|triptyline"
    r"|oxetine|traline|opram|apine|idone|azine|semide|thiazide|lactone|sone|solone|nisone|caine"
    r"|codone|morphone"
    r"|phylline|terol|profen|triptan|setron|itis|emia|aemia|uria|osis|opathy|algia|ectomy|plasty|otomy|ostomy"
    r"|oscopy|graphy|gram|oma|rrhea|rrhage|plegia|penia|megaly|tension|betes|inin|bumin|globin|ferritin)s?"
)
# ... or by themselves.
_TERMS = _words("terms.txt")
_NOT_BY_FORM = frozenset(
    {"program", "gram", "kilogram", "milligram", "microgram", "person", "reason", "comparison"}
)


def is_common(word: str) -> bool:
    """Whether the word claims no record, wherever it stands."""
    return re.sub(r"['’]s?$", "", word.casefold()) in _COMMON


def is_plain(word: str) -> bool:
    """Whether the word, as it begins a sentence, says how something is told."""
    return word.casefold() in _PLAIN


def names_a_record(word: str) -> bool:
    """Whether the word, by its look or its meaning, names a drug, a finding, a test or a person."""
    if is_common(word):
        return False
    low = word.casefold()
    if is_plain(word) and not word[1:].isupper():
        return False
    if any(letter.isupper() for letter in word) or any(letter.isdigit() for letter in word):
        return True
    if low.removesuffix("s") in _NOT_BY_FORM:
        return False
    return bool(low in _TERMS or low.removesuffix("s") in _TERMS or _FORMS.fullmatch(low))
