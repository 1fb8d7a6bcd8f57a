"""Records as fhir_search and fhir_read show them: named elements flattened, whole records bounded."""

import re
from typing import Any

from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.rendering import CUT
from mcp_servers.fhir.unseen import without_unseen

Resource = dict[str, Any]
Row = dict[str, Any]

MAX_TEXT = 2000
MAX_ITEMS = 50
# No record of R4 comes near it, and JSON writers and readers give up not far above it.
MAX_DEPTH = 64

_ELEMENT = re.compile(r"[a-z][A-Za-z0-9]{0,63}")


def elements_row(resource: Resource, elements: list[str]) -> Row:
    """`ref` and the named top-level elements, each as text, number or boolean; absent ones stay absent.

    A choice is named as it stands in the record (`valueQuantity`) or by its stem (`value`). Raises
    InvalidRequest for what cannot be an element's name.
    """
    row: Row = {"ref": f"{resource['resourceType']}/{resource['id']}"}
    for name in elements:
        if name in ("ref", "refs"):  # evidence, which no record gives for itself; R4 has no such elements
            continue
        if not _ELEMENT.fullmatch(name):
            raise InvalidRequest("`elements` are top-level elements of the type, such as code or status.")
        for key, value in resource.items():
            is_choice = key.startswith(name) and key[len(name) : len(name) + 1].isupper()
            if key == name or is_choice:
                row[key] = flat(value)
    return row


def flat(value: Any) -> str | int | float | bool:
    """A FHIR value as a person would write it: the text of a concept, `7.2 %`, a period's two ends."""
    if isinstance(value, str | int | float):
        if not isinstance(value, str):
            return value
        text = without_unseen(value)
        return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + CUT
    if isinstance(value, list):
        more = [CUT] if len(value) > MAX_ITEMS else []
        return "; ".join([*(str(flat(item)) for item in value[:MAX_ITEMS]), *more])
    if not isinstance(value, dict):
        return ""
    if "coding" in value and not value.get("text"):
        return flat(value["coding"])
    if "start" in value or "end" in value:
        return f"{value.get('start', '')}..{value.get('end', '')}"
    if "value" in value:
        parts = (value.get("comparator"), value["value"], value.get("unit") or value.get("code"))
        return " ".join(str(flat(part)) for part in parts if part is not None)
    if "family" in value or "given" in value:
        return " ".join(str(flat(value[key])) for key in ("given", "family") if key in value)
    for key in ("text", "display", "reference", "code", "url", "title"):
        if isinstance(value.get(key), str):
            return flat(value[key])
    return "; ".join(f"{key}: {flat(item)}" for key, item in value.items() if key not in ("id", "extension"))


def bounded(resource: Resource, *, full: bool = False) -> tuple[Resource, list[str]]:
    """A record without its narrative, attachments' bytes and unseen characters, cut where it is long; notes.

    `full` cuts texts and lists at ten times the usual length.
    """
    notes: dict[str, None] = {}
    return _bounded(resource, notes, MAX_DEPTH, 10 if full else 1), list(notes)


def _bounded(value: Any, notes: dict[str, None], depth: int, times: int) -> Any:
    if isinstance(value, list | dict) and not depth:
        notes[f"What is nested deeper than {MAX_DEPTH} levels is left out."] = None
        return None
    if isinstance(value, list):
        items = MAX_ITEMS * times
        if len(value) > items:
            notes[f"Lists are cut after {items} items."] = None
        return [_bounded(item, notes, depth - 1, times) for item in value[:items]]
    if isinstance(value, str):
        value = without_unseen(value)
        if len(value) > MAX_TEXT * times:
            notes[f"Texts are cut after {MAX_TEXT * times} characters."] = None
        return value[: MAX_TEXT * times]
    if not isinstance(value, dict):
        return value
    shown: Resource = {}
    for key, item in value.items():
        if key == "div" or (key == "text" and isinstance(item, dict) and "div" in item):
            notes["The narrative is left out."] = None
        elif key == "data" and isinstance(item, str) and ("contentType" in value):
            notes["An attachment's bytes are left out; search_notes opens its text."] = None
        else:
            shown[key] = _bounded(item, notes, depth - 1, times)
    return shown
