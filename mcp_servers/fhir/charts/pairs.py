"""Panels whose parts stand in the chart by themselves too: a systolic and a diastolic of one moment."""

from collections.abc import Iterable

from mcp_servers.fhir.charts.dates import span
from mcp_servers.fhir.charts.elements import Row, folded
from mcp_servers.fhir.charts.measured import Measured
from mcp_servers.fhir.charts.measurement_names import Resolution
from mcp_servers.fhir.charts.values import panel_text

_OF_A_COMPONENT = ("name", "code", "value", "unit", "comparator")


def taken_together(
    found: Iterable[Measured], meant: Resolution, notes: list[str], *, pair: bool
) -> list[Measured]:
    """Each reading once: without the parts that repeat a panel; with `pair`, the others as pairs.

    A pair are the parts of one moment and status, one of each; its row has `components` as that of a panel
    has, and the references of all in `refs`. What may belong to several stays as it is.
    """
    panels: list[Measured] = []
    alone: list[Measured] = []
    for one in found:
        own = not one.component and any(one.key in part for part in meant.parts)
        (alone if own else panels).append(one)
    told = {saying for one in panels for saying in _sayings(one)}
    kept = [one for one in alone if "value" not in one.row or told.isdisjoint(_sayings(one))]
    if len(kept) < len(alone):
        notes.append(
            f"{len(alone) - len(kept)} parts repeat a panel of the same time and value: counted once."
        )
    return [*panels, *(_paired(kept, meant) if pair else kept)]


def by_part(found: list[Measured], meant: Resolution) -> list[list[Measured]]:
    """What tells each part of what is meant: a panel tells all. One group where it has no parts."""
    if not meant.parts:
        return [found]
    of_one = frozenset[str]().union(*meant.parts)
    return [[one for one in found if one.key in part or one.key not in of_one] for part in meant.parts]


def _sayings(one: Measured) -> Iterable[tuple[object, ...]]:
    """What is said of which code, and when; of a panel for each of its components."""
    at = span(one.row.get("date"))
    instant = at.instant if at else None
    for part in one.row.get("components") or [{"code": one.key, "value": one.row.get("value")}]:
        yield part.get("code"), instant, part.get("value")


def _paired(alone: list[Measured], meant: Resolution) -> list[Measured]:
    moments: dict[object, list[Measured]] = {}
    for one in alone:
        at = span(one.row.get("date"))
        moment = (at.instant, at.partial, one.row["status"]) if at and "value" in one.row else id(one)
        moments.setdefault(moment, []).append(one)
    paired: list[Measured] = []
    for group in moments.values():
        ordered = [one for part in meant.parts for one in group if one.key in part]
        keys = [one.key for one in ordered]
        one_of_each = len(keys) == len(meant.parts) and all(part & {*keys} for part in meant.parts)
        paired += [_pair(ordered, meant.whole)] if one_of_each and len(keys) > 1 else group
    return paired


def _pair(parts: list[Measured], name: str) -> Measured:
    """One row, which says whose it is of what is not said of all parts alike."""
    rows = [one.row for one in parts]
    components = [{field: row[field] for field in _OF_A_COMPONENT if field in row} for row in rows]
    pair: Row = {
        "ref": rows[0]["ref"],
        "name": name,
        "date": rows[0]["date"],
        "value": panel_text(components),
        **_said_by_all(rows, "unit"),
    }
    for field in dict.fromkeys(field for row in rows for field in row):
        if field not in pair and field not in _OF_A_COMPONENT:
            said = "; ".join(f"{row['name']}: {row[field]}" for row in rows if field in row)
            pair |= _said_by_all(rows, field) or {field: said}
    pair |= {"components": components, "refs": [row["ref"] for row in rows]}
    return parts[0]._replace(row=pair, key=folded(name))


def _said_by_all(rows: list[Row], field: str) -> Row:
    said = rows[0].get(field)
    return {field: said} if said is not None and all(row.get(field) == said for row in rows) else {}
