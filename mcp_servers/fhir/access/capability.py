"""What the server says it can do: its CapabilityStatement, read for search parameters."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from mcp_servers.fhir.errors import InvalidRequest, ServerFailed

Resource = dict[str, Any]

# Parameters of every type (R4 search, "Parameters for all resources") that servers seldom list.
_FOR_ALL = {"_id": "token", "_lastUpdated": "date", "_tag": "token", "_profile": "uri", "_security": "token",
            "_source": "uri"}  # fmt: skip
_MODIFIERS: Mapping[str, frozenset[str]] = {
    "string": frozenset({"exact", "contains", "missing"}),
    "token": frozenset({"not", "text", "in", "not-in", "above", "below", "of-type", "missing"}),
    "reference": frozenset({"identifier", "above", "below", "missing"}),
    "uri": frozenset({"above", "below", "missing"}),
}
INCLUDES = ("_include", "_include:iterate")


class Capability(NamedTuple):
    """The search parameters of each type (`{"Observation": {"code": "token", ...}}`) and its operations.

    `without_last_updated` are the types that it turned out not to search by `_lastUpdated`. Servers seldom
    list that parameter, so whoever reads a chart finds it out, and notes it here for the others. `includes`
    are the values of `_include` by type, of the types for which it states them.
    """

    parameters: dict[str, dict[str, str]]
    operations: dict[str, frozenset[str]]
    without_last_updated: set[str]
    includes: dict[str, frozenset[str]]

    def of(self, resource_type: str) -> dict[str, str]:
        """The search parameters of a type, with their types. Raises InvalidRequest."""
        if resource_type not in self.parameters:
            raise InvalidRequest(
                f"This server holds no {resource_type}; it holds {', '.join(sorted(self.parameters))}."[:1500]
            )
        return self.parameters[resource_type]

    def offers(self, operation: tuple[str, str]) -> bool:
        """Whether the server has an operation (`("ValueSet", "expand")`)."""
        kind, name = operation
        return name in self.operations.get(kind, frozenset())

    def check(self, resource_type: str, name: str, value: str) -> None:
        """Refuse a search parameter that the server would ignore or reject. Raises InvalidRequest."""
        if not value.replace(",", "").strip():
            # Servers leave out a parameter without a value, and then return everything.
            raise InvalidRequest(f"`{name[:40]}` needs a value; leave it out to search without it.")
        if name == "_sort":
            for field in value.split(","):
                self.check(resource_type, field.removeprefix("-"), "sorted")
        elif name in INCLUDES:
            self._check_include(value)
        elif name.startswith("_has:"):
            self._check_has(name)
        else:
            self._check_filter(resource_type, name)

    def has_include(self, value: str) -> bool:
        """Whether `Type:parameter` names a reference parameter that the server has, and includes by."""
        source, parameter = (*value.split(":"), "")[:2]
        stated = self.includes.get(source)
        offered = stated is None or not stated.isdisjoint(("*", f"{source}:*", f"{source}:{parameter}"))
        return offered and self.parameters.get(source, {}).get(parameter) == "reference"

    def _check_include(self, value: str) -> None:
        if not self.has_include(value):
            raise InvalidRequest(
                "`_include` is written `Type:parameter`, with a reference parameter that the server has for"
                " that type: for example MedicationRequest:medication."
            )

    def _check_has(self, name: str) -> None:
        """`_has:Type:reference:parameter`, without a chain inside, which HAPI does not do."""
        _, source, link, parameter = (*name.split(":"), "", "", "")[:4]
        if self.of(source).get(link) != "reference" or parameter not in self.of(source):
            raise InvalidRequest(
                "`_has` is written `_has:Type:reference:parameter`, with parameters that the server has for"
                " that type: for example _has:Condition:patient:code."
            )

    def _check_filter(self, resource_type: str, name: str) -> None:
        # A server may list more that begins with `_`: what cuts its answer short (`_summary`, `_elements`,
        # `_count`) would be read as a chart with less in it.
        own = {name: kind for name, kind in self.of(resource_type).items() if not name.startswith("_")}
        known = {**_FOR_ALL, **own}
        plain, _, modifier = name.partition(":")
        if plain not in known:
            raise InvalidRequest(
                f"{resource_type} has no search parameter `{plain[:40]}`; it has"
                f" {', '.join(sorted(known))}, and _sort and _include."[:1500]
            )
        allowed = _MODIFIERS.get(known[plain], frozenset({"missing"}))
        is_type = known[plain] == "reference" and modifier in self.parameters
        if modifier and modifier not in allowed and not is_type:
            raise InvalidRequest(
                f"`{plain}` has no modifier `:{modifier[:40]}`; it has {', '.join(sorted(allowed))}."
            )


def read_capability(statement: Resource) -> Capability:
    """The Capability of a CapabilityStatement. Raises ServerFailed when the server does not speak R4."""
    kind = statement.get("resourceType")
    version = str(statement.get("fhirVersion", ""))
    # 4.3 is R4B, whose records of the chart are those of R4; 4.2 and 4.4 to 4.6 were drafts of R5.
    if kind != "CapabilityStatement" or not version.startswith(("4.0.", "4.3.")):
        spoken = "DSTU2" if kind == "Conformance" else version[:20] or "no version that it names"
        raise ServerFailed(
            f"The server speaks FHIR {spoken}, and these tools speak R4 (4.0.1); use its R4 base."
        )
    found: dict[str, dict[str, str]] = {}
    operations: dict[str, frozenset[str]] = {}
    includes: dict[str, frozenset[str]] = {}
    for rest in _objects(statement.get("rest")):
        for resource in _objects(rest.get("resource")):
            known = found.setdefault(str(resource.get("type")), {})
            for parameter in _objects(resource.get("searchParam")):
                known[str(parameter.get("name"))] = str(parameter.get("type"))
            offered = {str(operation.get("name")) for operation in _objects(resource.get("operation"))}
            operations[str(resource.get("type"))] = frozenset(offered)
            if isinstance(stated := resource.get("searchInclude"), list) and stated:
                includes[str(resource.get("type"))] = frozenset(map(str, stated))
    if not found:
        raise ServerFailed(
            "The server's CapabilityStatement names no resource type, so no search can be checked against "
            "it; ask its administrators for one that lists what the server can do."
        )
    return Capability(found, operations, set(), includes)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
