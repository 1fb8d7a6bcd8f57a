"""The search parameters of every R4 type, as distilled from HL7's definitions (fhir_fixtures.distil)."""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

# Room for a type's parameters, and for a composite's components, in the numbers that the index uses.
_PER_TYPE, _PER_PARAMETER = 10_000, 10

_STEP = re.compile(r"^(\w+)(?:\[(\w+)=([\w-]+)\])?$")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path: an element's key, and the value that a field of it must have."""

    key: str
    field: str | None = None
    equals: str | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """Where a parameter's values stand in a resource.

    `target` keeps only references to that type; `system` is the code system of a plain `code` there.
    """

    steps: tuple[Step, ...]
    target: str | None = None
    system: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter of one resource type.

    `number` stands for it in the index. `targets` are the types that a reference may name (empty: any).
    `truth` marks a parameter that asks whether an element is there and not false (`Patient.deceased`).
    """

    code: str
    type: str
    number: int
    paths: tuple[Path, ...]
    targets: tuple[str, ...] = ()
    components: tuple["Parameter", ...] = ()
    truth: bool = False


@dataclass(frozen=True, slots=True)
class ResourceType:
    """What the store knows of a resource type.

    `summary` and `mandatory` are its top-level elements that `_summary=true` and `_elements` keep;
    `compartment` its reference parameters that put a resource into a patient's compartment.
    """

    name: str
    parameters: dict[str, Parameter]
    summary: frozenset[str]
    mandatory: frozenset[str]
    compartment: tuple[str, ...]


def source() -> str:
    """The distilled table as text; the index is rebuilt when it changes."""
    return (files(__package__) / "search_parameters.json").read_text(encoding="utf-8")


@cache
def _table() -> dict[str, Any]:
    types: dict[str, Any] = json.loads(source())["types"]
    return types


@cache
def type_names() -> tuple[str, ...]:
    """Every R4 resource type, in alphabetical order."""
    return tuple(name for name in _table() if name != "Resource")


@cache
def resource_type(name: str) -> ResourceType | None:
    """The type called `name`, None when R4 has no such type."""
    if name == "Resource" or name not in _table():
        return None
    own, common = _table()[name], _table()["Resource"]
    base = list(_table()).index(name) * _PER_TYPE
    found = {**own["parameters"], **common["parameters"]}
    return ResourceType(
        name=name,
        parameters={
            code: _parameter(code, found[code], base + position * _PER_PARAMETER)
            for position, code in enumerate(sorted(found))
        },
        summary=frozenset(own["summary"]),
        mandatory=frozenset(own["mandatory"]),
        compartment=tuple(own["compartment"]),
    )


def _parameter(code: str, entry: dict[str, Any], number: int) -> Parameter:
    return Parameter(
        code=code,
        type=entry["type"],
        number=number,
        paths=tuple(_path(text, entry.get("systems", {}).get(text, "")) for text in entry["paths"]),
        targets=tuple(entry.get("targets", ())),
        components=tuple(
            _parameter(f"{code}.{place}", component, number + place)
            for place, component in enumerate(entry.get("components", ()), start=1)
        ),
        truth=entry.get("truth", False),
    )


def _path(text: str, system: str) -> Path:
    """A path such as `entity.what:Patient` or `telecom[system=phone]`; empty is the resource itself."""
    dotted, _, target = text.partition(":")
    steps = []
    for part in dotted.split(".") if dotted else []:
        matched = _STEP.match(part)
        assert matched, f"not a step: {part}"
        steps.append(Step(*matched.groups()))
    return Path(tuple(steps), target or None, system)
