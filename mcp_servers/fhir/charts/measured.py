"""An Observation, or one component of it, as a row with what it is grouped by."""

import re
from typing import NamedTuple

from mcp_servers.fhir.charts.elements import Resource, Row, first, resource_ref, string, unit
from mcp_servers.fhir.charts.measurement_names import measure_key
from mcp_servers.fhir.charts.observations import component_row, observation_row

CANCELLED = "cancelled"
_UCUM = "http://unitsofmeasure.org"
_ANNOTATION = re.compile(r"\{[^}]*\}|1")


class Measured(NamedTuple):
    """A row, which measurement it is of, the unit it is grouped by, whether it is a panel's component, and
    the Observation or component that it was read from."""

    row: Row
    key: str
    unit: str
    component: bool
    holder: Resource


def measured(resource: Resource, part: Resource | None = None) -> Measured:
    """An Observation, or one component of it, as a row with what it is grouped by."""
    if part is None:
        holder, row = resource, {"ref": resource_ref(resource), **observation_row(resource, {})}
    else:
        holder, row = part, component_row(resource, part)
    if row["status"] == CANCELLED:
        row = _as_cancelled(row)
    key = measure_key(holder.get("code")) or ""
    return Measured(row, key, _unit_key(holder, row), part is not None, holder)


def _as_cancelled(row: Row) -> Row:
    kept = {
        name: value
        for name, value in row.items()
        if name not in ("value", "unit", "comparator", "components")
    }
    return {**kept, "absent": CANCELLED}


def _unit_key(holder: Resource, row: Row) -> str:
    """Units are the same when their UCUM codes are, however they are written.

    A unit that is only an annotation, such as `{INR}` or `{score}`, is UCUM's way to say that there is none.
    """
    quantity = first(holder.get("valueQuantity"))
    coded = string(quantity.get("code")) if quantity.get("system") == _UCUM else None
    written = coded or unit(quantity) or str(row.get("unit", ""))
    return "" if _ANNOTATION.fullmatch(written) else written
