"""What the index holds of a resource: the rows of each index table, from the distilled search paths."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

from fhir_fixtures.store import dates
from fhir_fixtures.store.parameters import Parameter, Path, resource_type

Row = tuple[Any, ...]

# The columns of each index table, after `param` and before `nth` and `rid`. `nth` tells the occurrences of a
# composite's element apart; it is 0 for all other parameters.
COLUMNS = {
    "token": {"code": "TEXT", "system": "TEXT"},
    "string": {"norm": "TEXT", "value": "TEXT"},
    "date": {"low": "INTEGER", "high": "INTEGER", "low_day": "INTEGER", "high_day": "INTEGER"},
    "quantity": {"value": "REAL", "system": "TEXT", "code": "TEXT"},
    "number": {"value": "REAL"},
    "uri": {"value": "TEXT"},
    "reference": {"target_type": "TEXT", "target_id": "TEXT", "url": "TEXT"},
}

_NAME = ("family", "given", "text", "prefix", "suffix")
_ADDRESS = ("line", "city", "district", "state", "country", "postalCode")
_LOCAL = re.compile(r"^([A-Z]\w+)/([A-Za-z0-9.-]{1,64})(?:/_history/[^/]+)?$")
_TYPED = re.compile(r"(?:^|/)([A-Z]\w+)/[A-Za-z0-9.-]{1,64}(?:/_history/[^/]+)?$")


@lru_cache(maxsize=10_000)
def normalise(text: str) -> str:
    """Text as string searches compare it: no case, no accents."""
    if text.isascii():
        return text.upper()
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).upper()


def local_reference(text: str) -> tuple[str, str] | None:
    """Type and id of a relative literal reference, its version passed over; None for any other text."""
    matched = _LOCAL.match(text)
    return (matched[1], matched[2]) if matched else None


def values(resource: dict[str, Any], parameter: Parameter) -> list[Any]:
    """The elements of `resource` that `parameter` is about, in path order."""
    return [value for path in parameter.paths for value in _at(resource, path, resource)]


def rows(resource: dict[str, Any], rid: int) -> Iterator[tuple[str, Row]]:
    """Every index row of `resource` as (table, row); each row starts with its parameter's number."""
    by_key, whole = _plan(resource["resourceType"])
    for key in resource.keys() & by_key.keys():
        for parameter, path in by_key[key]:
            for value in _at(resource, path, resource):
                for table, columns in _index(parameter.type, value, path.system):
                    yield table, (parameter.number, *columns, 0, rid)
    for parameter in whole:
        yield from (
            _truth(resource, parameter, rid) if parameter.truth else _composite(resource, parameter, rid)
        )


@cache
def _plan(type_name: str) -> tuple[dict[str, list[tuple[Parameter, Path]]], list[Parameter]]:
    """A type's parameters by the first key of their paths, and those that need the whole resource."""
    found = resource_type(type_name)
    assert found, f"not a resource type: {type_name}"
    by_key: dict[str, list[tuple[Parameter, Path]]] = {}
    whole = []
    for parameter in found.parameters.values():
        if parameter.components or parameter.truth:
            whole.append(parameter)
            continue
        for path in parameter.paths:
            by_key.setdefault(path.steps[0].key, []).append((parameter, path))
    return by_key, whole


def _at(element: Any, path: Path, resource: dict[str, Any]) -> list[Any]:
    """The values at `path` below `element`, lists laid open."""
    found = [element]
    for step in path.steps:
        below = []
        for parent in found:
            child = parent.get(step.key) if isinstance(parent, dict) else None
            if isinstance(child, list):
                below.extend(child)
            elif child is not None:
                below.append(child)
        if step.field:
            below = [c for c in below if isinstance(c, dict) and c.get(step.field) == step.equals]
        if not below:
            return below
        found = below
    if path.target:
        return [value for value in found if _target_type(value, resource) == path.target]
    return found


def _target_type(value: Any, resource: dict[str, Any]) -> str | None:
    """The type that a reference points at, as far as its text or the contained resources tell."""
    text = value.get("reference") if isinstance(value, dict) else None
    if not isinstance(text, str):
        return value.get("type") if isinstance(value, dict) else None
    if text.startswith("#"):
        contained = (c for c in _list(resource.get("contained")) if isinstance(c, dict))
        return next((c.get("resourceType") for c in contained if c.get("id") == text[1:]), None)
    matched = _TYPED.search(text)
    return matched[1] if matched else None


def _truth(resource: dict[str, Any], parameter: Parameter, rid: int) -> Iterator[tuple[str, Row]]:
    there = any(value is not False for value in values(resource, parameter))
    yield "token", (parameter.number, "true" if there else "false", "", 0, rid)


def _composite(resource: dict[str, Any], parameter: Parameter, rid: int) -> Iterator[tuple[str, Row]]:
    """A row of each component for each element that has them all, numbered by element."""
    for nth, element in enumerate(values(resource, parameter)):
        if not all(_may_have(element, component) for component in parameter.components):
            continue
        found = [_component(element, component) for component in parameter.components]
        if all(found):
            for component, entries in zip(parameter.components, found, strict=True):
                for columns in entries:
                    yield component.type, (component.number, *columns, nth, rid)


def _may_have(element: Any, component: Parameter) -> bool:
    """Whether any of a component's paths begins in the element: most do not, and that is quick to see."""
    return isinstance(element, dict) and any(path.steps[0].key in element for path in component.paths)


def _component(element: Any, component: Parameter) -> set[Row]:
    return {
        columns
        for path in component.paths
        for value in _at(element, path, element)
        for table, columns in _index(component.type, value, path.system)
        if table == component.type
    }


def _index(kind: str, value: Any, system: str) -> Iterator[tuple[str, Row]]:
    """The (table, columns) that one element gives a parameter of type `kind`; `system` is a plain code's.

    Texts of a token stand in the string table, for `:text`. Elements of other data types give nothing.
    """
    match kind:
        case "token":
            yield from _token(value, system)
        case "string":
            for text in _strings(value):
                yield "string", (normalise(text), text)
        case "date":
            if days := dates.range_of(value):
                yield "date", days
        case "quantity":
            yield from (("quantity", found) for found in _quantities(value))
        case "number":
            number = _number(value.get("value") if isinstance(value, dict) else value)
            if number is not None:
                yield "number", (number,)
        case "uri":
            if isinstance(value, str):
                yield "uri", (value,)
        case "reference":
            yield from _reference(value)


def _token(value: Any, system: str = "") -> Iterator[tuple[str, Row]]:
    if isinstance(value, bool):
        yield "token", ("true" if value else "false", "")
    elif isinstance(value, str | int | float):
        yield "token", (str(value), system)
    elif isinstance(value, dict):
        if "coding" in value or "text" in value:
            for coding in _list(value.get("coding")):
                yield from _token(coding)
            label = value.get("text")
        else:
            code, its_system = _text(value.get("code", value.get("value"))), _text(value.get("system"))
            if code or its_system:
                yield "token", (code, its_system)
            kind = value.get("type")
            label = value.get("display") or (kind.get("text") if isinstance(kind, dict) else None)
        if isinstance(label, str):
            yield "string", (normalise(label), label)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key in _ADDRESS if any(key in value for key in _ADDRESS) else _NAME:
            part = value.get(key)
            yield from (text for text in _list(part) or [part] if isinstance(text, str))


def _quantities(value: Any) -> Iterator[tuple[float, str, str]]:
    if not isinstance(value, dict):
        return
    if "low" in value or "high" in value:
        yield from _quantities(value.get("low"))
        yield from _quantities(value.get("high"))
    elif (amount := _number(value.get("value"))) is not None:
        if "currency" in value:
            yield amount, "urn:iso:std:iso:4217", _text(value["currency"])
        else:
            yield amount, _text(value.get("system")), _text(value.get("code"))


def _number(value: Any) -> float | None:
    """A JSON number; None for anything else, and for one that no float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _reference(value: Any) -> Iterator[tuple[str, Row]]:
    """A literal reference; contained, `urn:` and logical ones are not searchable, as in HAPI."""
    text = value.get("reference") if isinstance(value, dict) else value
    if not isinstance(text, str) or text.startswith(("#", "urn:")):
        return
    local = local_reference(text)
    yield "reference", (*local, "") if local else ("", "", text)
