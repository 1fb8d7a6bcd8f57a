"""An Observation in another unit: its values and reference ranges, what was recorded beside them."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from mcp_servers.fhir.charts.elements import Resource, first, number, objects, string, unit
from mcp_servers.fhir.charts.units import Line, conversion

UCUM = "http://unitsofmeasure.org"
_DIGIT = re.compile(r"\d")


class Converted(NamedTuple):
    """The Observation in the unit asked for; how its values came to it; units that have no way to it."""

    resource: Resource
    ways: list[str]
    kept: list[str]


def in_unit(resource: Resource, wanted: str) -> Converted:
    """`resource` with every quantity in the UCUM unit `wanted` that can be said in it; others stay.

    Ranges go with their values; a range in words that holds numbers would be in the wrong unit, and goes.
    """
    ways: list[str] = []
    kept: list[str] = []

    def of(holder: Resource) -> Resource:
        quantity = first(holder.get("valueQuantity"))
        if number(quantity.get("value")) is None:
            return holder
        line = _line(quantity, holder.get("code"), wanted)
        if line is None:
            kept.append(unit(quantity) or "no unit")
            return holder
        if coded_unit(quantity) != wanted:
            ways.append(line.how)
        ranges = [_range(one, line, holder, wanted) for one in objects(holder.get("referenceRange"))]
        return {
            **holder,
            "valueQuantity": _quantity(quantity, line, wanted),
            **({"referenceRange": [one for one in ranges if one]} if ranges else {}),
        }

    whole = of(resource)
    parts = objects(resource.get("component"))
    if parts:
        whole = {**whole, "component": [of(part) for part in parts]}
    return Converted(whole, ways, kept)


def coded_unit(quantity: Resource) -> str:
    """The UCUM code of a Quantity's unit, else the unit as written; empty where there is none."""
    coded = string(quantity.get("code")) if quantity.get("system") == UCUM else None
    return coded or unit(quantity) or ""


def _line(quantity: Resource, concept: object, wanted: str) -> Line | None:
    """By the coded unit; where that is none, by the one written."""
    written = coded_unit(quantity)
    return conversion(written, wanted, concept) if written else None


def _quantity(quantity: Resource, line: Line, wanted: str) -> Resource:
    value = number(quantity.get("value"))
    shown = value if value is None or (line.slope == 1 and not line.intercept) else line.at(value)
    return {**quantity, "value": shown, "unit": wanted, "code": wanted, "system": UCUM}


def _range(one: Resource, line: Line, holder: Resource, wanted: str) -> Resource:
    found = dict(one)
    for side in ("low", "high"):
        bound = first(one.get(side))
        if number(bound.get("value")) is None:
            continue
        own = _line(bound, holder.get("code"), wanted) if coded_unit(bound) else line
        if own is None:
            return {}
        found[side] = _quantity(bound, own, wanted)
    if _DIGIT.search(string(one.get("text")) or ""):
        found.pop("text")
    return found if found.keys() & {"low", "high", "text"} else {}


def ways_told(ways: Iterable[tuple[str, int]], wanted: str, *, counted: bool) -> str:
    """A note on how values came to a unit, and with `counted` how many."""
    said = "; ".join(f"{n} by {way}" if counted else f"by {way}" for way, n in ways)
    return f"Converted to {wanted}: {said}."
