"""Readers of FHIR data types that never raise: what is not of the expected shape reads as absent."""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache, wraps
from pathlib import Path
from typing import Any, TypeVar

from mcp_servers.fhir.unseen import without_unseen

Resource = dict[str, Any]
Row = dict[str, Any]

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
LONGEST_TEXT = 1000
SHOWN = 5
LARGEST_NUMBER = 1e100
KEPT_ELEMENTS = 1000
T = TypeVar("T")

_WITHDRAWN_BY = ("status", "verificationStatus", "lifecycleStatus", "docStatus")
_IN_ERROR = "entered-in-error"
_ASCII_WORD = re.compile(r"[a-z0-9]+")
_NUMERIC = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def objects(value: object) -> list[Resource]:
    """The JSON objects in `value`: those of a list, or a lone object as a list of one."""
    if isinstance(value, dict):
        return [value]
    if isinstance(value, list):
        return [item for item in value if isinstance(item, dict)]
    return []


def first(value: object) -> Resource:
    """The first JSON object in `value`, or an empty one."""
    if isinstance(value, list):
        return next((item for item in value if isinstance(item, dict)), {})
    return value if isinstance(value, dict) else {}


def string(value: object) -> str | None:
    """A text on one line; None for blank texts and for anything that is not a text.

    White space is a single space and unseen characters are dropped, so that no name from a chart can look
    like another line of an answer. Longer ones than LONGEST_TEXT are cut, and say how much is missing.
    """
    if not isinstance(value, str):
        return None
    if value.isascii() and value.isprintable() and len(value) <= LONGEST_TEXT and "  " not in value:
        return value.strip() or None  # most of what is read: the only white space in it is a single space
    text = " ".join(without_unseen(value).split())
    if len(text) > LONGEST_TEXT:
        return f"{text[:LONGEST_TEXT]} ... [{len(text) - LONGEST_TEXT} more characters]"
    return text or None


def read_once(read: Callable[[object], T]) -> Callable[[object], T]:
    """A reader of an element that many records share word for word, such as the range of a measurement: it
    reads each once. What it returns must not be changed."""
    known: dict[str, T] = {}

    @wraps(read)
    def reader(value: object) -> T:
        written = repr(value)
        if written not in known:
            if len(known) >= KEPT_ELEMENTS:
                known.clear()
            known[written] = read(value)
        return known[written]

    return reader


def strings(value: object) -> list[str]:
    """The texts in a list of texts, or a lone text as a list of one."""
    items = value if isinstance(value, list) else [value]
    return [text for item in items if (text := string(item))]


def number(value: object) -> int | float | None:
    """A JSON number below LARGEST_NUMBER; one written as a text is read too, as some servers send them so."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value if abs(value) < LARGEST_NUMBER else None
    if isinstance(value, str) and len(value) < 40 and _NUMERIC.fullmatch(value.strip()):
        read = float(value)
        return number(int(read) if value.strip().lstrip("+-").isdigit() else read)
    return None


def codings(concept: object) -> list[Resource]:
    """All codings of a CodeableConcept, or of a list of them."""
    return [coding for part in objects(concept) for coding in objects(part.get("coding"))]


def codes(concept: object) -> list[str]:
    """All codes of a CodeableConcept, or of a list of them, in order."""
    return [code for coding in codings(concept) if (code := string(coding.get("code")))]


def concept_names(concept: object) -> list[str]:
    """Everything that a CodeableConcept (or a list of them) is called, once each: texts, then displays."""
    texts = [text for part in objects(concept) if (text := string(part.get("text")))]
    displays = [display for coding in codings(concept) if (display := string(coding.get("display")))]
    return list(dict.fromkeys([*texts, *displays]))


def concept_text(concept: object) -> str | None:
    """What to call one CodeableConcept: its text, else a display, else what its code means, else the code."""
    if not concept:  # of most elements there is none, and each record has many
        return None
    text = string(first(concept).get("text"))
    if text:
        return text
    found = codings(first(concept))
    displays = (string(coding.get("display")) for coding in found)
    return next((display for display in displays if display), None) or next(
        (meaning for coding in found if (meaning := coding_text(coding))), None
    )


def concepts_text(concepts: object) -> str | None:
    """What to call a list of CodeableConcepts, joined by semicolons."""
    return joined(concept_text(concept) for concept in objects(concepts))


def coding_text(coding: object) -> str | None:
    """What to call one Coding: its display, else what its code means, else the code."""
    code = string(first(coding).get("code"))
    meaning = _code_displays().get((str(first(coding).get("system")), code or ""))
    return string(first(coding).get("display")) or meaning or code


@cache
def _code_displays() -> dict[tuple[str, str], str]:
    """HL7's displays of codes that charts often send bare: encounter classes, relatives, interpretations, and
    report categories (code_displays.json, from HL7's R4 definitions)."""
    raw: dict[str, dict[str, str]] = json.loads(
        Path(__file__).with_name("code_displays.json").read_text("utf-8")
    )
    return {(system, code): text for system, displays in raw.items() for code, text in displays.items()}


def status_code(concept: object) -> str | None:
    """The code of a status element: a plain code, or the first code of a CodeableConcept."""
    if isinstance(concept, str):
        return string(concept)
    found = codes(concept)
    return found[0] if found else string(first(concept).get("text"))


def joined(parts: Iterable[str | None], by: str = "; ") -> str | None:
    """The parts that are there, once each, as one text."""
    return by.join(dict.fromkeys(part for part in parts if part)) or None


def listed(items: list[str], most: int = SHOWN) -> str:
    """The first few of a list as one text, and how many more there are."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def plain(value: int | float) -> str:
    """A number as a person writes it: 5, not 5.0."""
    return (
        str(int(value))
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e15
        else str(value)
    )


def quantity_text(quantity: object) -> str | None:
    """A Quantity (or Age, Duration) as a text, such as `< 0.5 mg/L`."""
    value = number(first(quantity).get("value")) if quantity else None
    if value is None:
        return None
    return " ".join(
        part for part in (string(first(quantity).get("comparator")), plain(value), unit(quantity)) if part
    )


def unit(quantity: object) -> str | None:
    """The unit of a Quantity as recorded, else its coded form."""
    return string(first(quantity).get("unit")) or string(first(quantity).get("code"))


def range_text(value: object) -> str | None:
    """A Range as a text, such as `3.5-5.1 mmol/L`, `>= 60 mL/min` or `<= 5 mg/L`."""
    if not value:
        return None
    low, high = first(value).get("low"), first(value).get("high")
    low_value, high_value = number(first(low).get("value")), number(first(high).get("value"))
    measured_in = unit(low) or unit(high)
    if low_value is not None and high_value is not None:
        bounds = f"{plain(low_value)}-{plain(high_value)}"
    elif low_value is not None:
        bounds = f">= {plain(low_value)}"
    elif high_value is not None:
        bounds = f"<= {plain(high_value)}"
    else:
        return None
    return f"{bounds} {measured_in}" if measured_in else bounds


def resource_ref(resource: object) -> str:
    """`Type/id`; only the type where the id is missing, `Unknown` where the type is."""
    kind = string(first(resource).get("resourceType")) or "Unknown"
    identity = string(first(resource).get("id"))
    return f"{kind}/{identity}" if identity else kind


def entered_in_error(resource: Resource) -> bool:
    """Whether a record was withdrawn as entered in error, by whichever status its type has for that."""
    stated = [resource[field] for field in _WITHDRAWN_BY if field in resource]
    return any(
        status_code(status) == _IN_ERROR
        for status in stated
        if type(status) is not str or len(status) >= len(_IN_ERROR)  # of most records it is not
    )


def why_withdrawn(record: Resource) -> str | None:
    """Why a record does not say that the patient has, or had, what it names: an error, or refuted."""
    if entered_in_error(record):
        return "entered in error"
    return "refuted" if status_code(record.get("verificationStatus")) == "refuted" else None


def folded(text: str) -> str:
    """A text as it is compared: without case, accents and punctuation."""
    if text.isascii():
        return " ".join(_ASCII_WORD.findall(text.lower()))
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(
        character if character.isalnum() else " "
        for character in decomposed
        if not unicodedata.combining(character)
    )
    return " ".join(letters.split())


def row_of(**fields: Any) -> Row:
    """A row without the fields that are absent: rows never carry null."""
    return {name: value for name, value in fields.items() if value is not None and value != []}
