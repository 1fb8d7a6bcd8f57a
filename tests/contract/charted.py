"""The values that the charts hold for each search parameter, found by plain Python from the raw resources."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from json import loads
from typing import Any

from fhir_fixtures import charts

Resource = dict[str, Any]

_STEP = re.compile(r"(\w+)(?:\[(\w+)=([\w-]+)\])?$")


@cache
def by_type() -> dict[str, list[Resource]]:
    """The sample charts' resources of each type, in load order."""
    found = defaultdict(list)
    for resource in charts.resources():
        found[resource["resourceType"]].append(resource)
    return dict(sorted(found.items()))


@cache
def parameters(resource_type: str) -> dict[str, dict[str, Any]]:
    """HL7's search parameters of a type: `type` and the `paths` of each, in alphabetical order."""
    table = loads((files("fhir_fixtures.store") / "search_parameters.json").read_text("utf-8"))["types"]
    found: dict[str, dict[str, Any]] = table[resource_type]["parameters"]
    return dict(sorted(found.items()))


def elements(resource: Resource, parameter: dict[str, Any]) -> list[Any]:
    """The elements of the resource that the parameter looks at."""
    found = []
    for path in parameter["paths"]:
        steps, target = _parsed(path)
        for element in _at(resource, steps):
            if not target or str(element.get("reference", "")).startswith(f"{target}/"):
                found.append(element)
    return found


@cache
def _parsed(path: str) -> tuple[tuple[tuple[str, str, str], ...], str]:
    """A path such as `telecom[system=phone]` or `subject:Patient`: its steps, and the type it points at."""
    dotted, _, target = path.partition(":")
    return tuple(_STEP.findall(step)[0] for step in dotted.split(".") if dotted), target


def _at(node: Any, steps: tuple[tuple[str, str, str], ...]) -> Iterator[Any]:
    if isinstance(node, list):
        for item in node:
            yield from _at(item, steps)
    elif not steps:
        yield node
    elif isinstance(node, dict):
        key, field, value = steps[0]
        children = node.get(key, [])
        for child in children if isinstance(children, list) else [children]:
            if not field or child.get(field) == value:
                yield from _at(child, steps[1:])


def tokens(element: Any) -> set[tuple[str, str]]:
    """The (system, code) pairs of a token's element; the system is empty where there is none."""
    if isinstance(element, bool):
        return {("", str(element).lower())}
    if isinstance(element, str):
        return {("", element)}
    if "coding" in element:
        return {pair for coding in element["coding"] for pair in tokens(coding)}
    code = element.get("code") or element.get("value")
    # A contact point's system is its kind (phone, email), which is no part of the token.
    system = "" if element.get("system") in {"phone", "email", "fax", "url", "sms", "pager"} else None
    return {(element.get("system", "") if system is None else system, code)} if code else set()


def drawn(values: dict[Any, set[str]], near: int = 12) -> Any:
    """The value whose number of resources is nearest to `near`: neither all of them nor a single one."""
    return min(values, key=lambda value: (abs(len(values[value]) - near), str(value)))


def index(resource_type: str, parameter: dict[str, Any], values_of: Any) -> dict[Any, set[str]]:
    """The `Type/id` that have each value of the parameter, by `values_of` an element."""
    found: dict[Any, set[str]] = defaultdict(set)
    for resource in by_type()[resource_type]:
        for element in elements(resource, parameter):
            for value in values_of(element):
                found[value].add(f"{resource_type}/{resource['id']}")
    return dict(found)


@cache
def busiest(resource_type: str, place: int = 0) -> str:
    """The `Patient/id` with the most resources of the type (or the second most, ...)."""
    subjects = Counter(
        resource.get(key, {}).get("reference", "")
        for resource in by_type()[resource_type]
        for key in ("subject", "patient")
        if key in resource
    )
    ranked: list[str] = sorted(subjects, key=lambda subject: (-subjects[subject], subject))
    return ranked[place]
