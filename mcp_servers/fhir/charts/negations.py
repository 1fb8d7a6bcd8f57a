"""Records that say "none": coded negations such as "no known allergies", and "nobody knows" beside them.

Codes: SNOMED CT situations and the International Patient Summary's absent-unknown code system
(negations.json). A concept with no coding at all counts by its text, since many charts carry "NKDA" as text.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Literal

from mcp_servers.fhir.charts.elements import codings, concept_names

Negation = Literal["none", "not_known"]

_NONE_IN_WORDS = re.compile(
    r"(nka|nkda|nkfa|none known|no known (drug |medication |food |environmental )?allerg(y|ies)"
    r"|no known (problems|medications|immunizations|procedures|devices))",
    re.IGNORECASE,
)


@cache
def _table() -> dict[tuple[str, str], Negation]:
    raw: dict[Negation, dict[str, list[str]]] = json.loads(
        Path(__file__).with_name("negations.json").read_text()
    )
    return {
        (system, code): meaning
        for meaning, systems in raw.items()
        for system, found in systems.items()
        for code in found
    }


def negation(concept: object) -> Negation | None:
    """`none` for "no known ...", `not_known` for "no information about ...", None for anything else."""
    found = codings(concept)
    for coding in found:
        meaning = _table().get((str(coding.get("system")), str(coding.get("code"))))
        if meaning:
            return meaning
    if not found and any(_NONE_IN_WORDS.fullmatch(name) for name in concept_names(concept)):
        return "none"
    return None
