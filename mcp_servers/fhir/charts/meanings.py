"""Which codes to ask a server for, when a measurement of a chart is asked for by name."""

from collections.abc import Mapping
from typing import NamedTuple

from mcp_servers.fhir.charts.elements import Resource, codes, objects
from mcp_servers.fhir.charts.measurement_names import Measure, everyday_codes, resolve
from mcp_servers.fhir.charts.values import main_code


class Meant(NamedTuple):
    """The codes that a name means, and those that it could mean by the everyday names.

    `apart`: the newest of each code is asked for (a systolic and a diastolic). `uncoded`: records without a
    code are meant. With neither codes nor uncoded, nothing in the chart goes by the name.
    """

    codes: frozenset[str]
    everyday: frozenset[str]
    apart: bool
    uncoded: bool


def meant(name: str, chart: Mapping[str, Measure]) -> Meant:
    """What `name` means among the measurements of a chart. Raises Ambiguous."""
    resolution = resolve(name, chart)
    everyday = everyday_codes(name)
    if resolution.code is not None:
        spelt = {code for one in chart.values() for code in one.codes}
        same = {code for code in spelt if code.casefold() == resolution.code.casefold()}
        return Meant(frozenset(same | {resolution.code}), everyday, apart=False, uncoded=False)
    coded = frozenset(key for key in resolution.keys if chart[key].codes)
    return Meant(coded, everyday, bool(resolution.parts), uncoded=coded != resolution.keys)


def main_code_of(resource: Resource) -> str | None:
    """The code that an Observation is shown and grouped under."""
    return main_code(resource.get("code"))


def codes_of(resource: Resource) -> frozenset[str]:
    """All codes of an Observation itself, not of its components."""
    return frozenset(codes(resource.get("code")))


def has_code(resource: Resource, wanted: frozenset[str]) -> bool:
    """Whether an Observation or one of its components has one of these codes."""
    if not wanted.isdisjoint(codes(resource.get("code"))):
        return True
    return any(not wanted.isdisjoint(codes(part.get("code"))) for part in objects(resource.get("component")))
