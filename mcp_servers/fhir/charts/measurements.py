"""The measurements of a chart by name: the latest, the series, statistics, or how many."""

import re
import statistics
from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from mcp_servers.fhir.charts.dates import Span, bound, newest_first, span
from mcp_servers.fhir.charts.elements import (
    Resource,
    Row,
    codes,
    entered_in_error,
    first,
    listed,
    objects,
    resource_ref,
    row_of,
    string,
    unit,
)
from mcp_servers.fhir.charts.listing import Projected, future_refs
from mcp_servers.fhir.charts.measurement_names import Resolution, measure_key, measures, resolve
from mcp_servers.fhir.charts.observations import component_row, observation_row
from mcp_servers.fhir.charts.window import Window

Mode = Literal["latest", "series", "statistics", "count"]
CANCELLED = "cancelled"
MOST_REFS = 20
UCUM = "http://unitsofmeasure.org"
_ANNOTATION = re.compile(r"\{[^}]*\}|1")


class Measured(NamedTuple):
    """A row, which measurement it is of, the unit it is grouped by, and whether it is a panel's component."""

    row: Row
    key: str
    unit: str
    component: bool


def observations(
    resources: Iterable[Resource],
    *,
    name: str,
    mode: Mode = "latest",
    since: str | None = None,
    until: str | None = None,
    now: str,
) -> Projected:
    """The patient's Observations that `name` stands for (docs/architecture.md, "observations").

    What is dated after `now` is left out and named in a note. `latest`: the newest record with a value;
    several where they share that moment.
    `series`: all, newest first. `statistics`: one row per code and unit. `count`: one row per code. Records
    entered in error are left out everywhere; cancelled ones are shown in a series only, without a value.
    Raises Ambiguous, UnusableDate.
    """
    window = Window(bound(since, "since"), bound(until, "until"))
    notes: list[str] = []
    records = _records(resources)
    resolution = resolve(name, measures(_concepts(records)))
    notes += resolution.notes
    standing = [record for record in records if not entered_in_error(record)]
    withdrawn = [record for record in records if entered_in_error(record)]
    wrong = sum(window.may_hold(one.row) for one in _found(withdrawn, resolution, expand=False))
    if wrong:
        notes.append(f"{wrong} entered in error left out.")
    found = _without_repeats(_found(standing, resolution, expand=mode == "statistics"), notes)
    at = bound(now, "now")
    kept = {id(row) for row in window.rows([one.row for one in found], notes, at)}
    found = not_after(at, [one for one in found if id(one.row) in kept], notes)
    found.sort(key=lambda one: (newest_first(one.row.get("date")), one.row["ref"]))
    if not found:
        if not resolution.notes:
            notes.append(f"Nothing is recorded under `{name}`.")
        return Projected([], notes, "nothing_recorded")
    _note_units(found, notes)
    if mode != "series":
        found = _without_cancelled(found, notes)
    rows = _rows(mode, found, resolution, notes)
    return Projected(rows, notes, "recorded" if found else "nothing_recorded")


def _rows(mode: Mode, found: list[Measured], resolution: Resolution, notes: list[str]) -> list[Row]:
    if mode == "latest":
        return latest(found, notes, each=resolution.apart)
    if mode == "statistics":
        return _statistics(found, notes)
    if mode == "count":
        return _counts(found, notes)
    return [one.row for one in found]


def _records(resources: Iterable[Resource]) -> list[Resource]:
    """The Observations, each once."""
    found: dict[str, Resource] = {}
    for index, resource in enumerate(resources):
        if isinstance(resource, dict) and resource.get("resourceType") == "Observation":
            ref = resource_ref(resource)
            found.setdefault(ref if "/" in ref else str(index), resource)
    return list(found.values())


def _concepts(records: list[Resource]) -> Iterable[object]:
    for resource in records:
        yield resource.get("code")
        for part in objects(resource.get("component")):
            yield part.get("code")


def _found(standing: list[Resource], resolution: Resolution, *, expand: bool) -> list[Measured]:
    found: list[Measured] = []
    for resource in standing:
        parts = objects(resource.get("component"))
        if _fits(resource.get("code"), resolution):
            if expand and parts and not first(resource.get("valueQuantity")):
                found += [_component(resource, part) for part in parts]
            else:
                found.append(measured(resource))
        else:
            found += [_component(resource, part) for part in parts if _fits(part.get("code"), resolution)]
    return found


def _fits(concept: object, resolution: Resolution) -> bool:
    if resolution.code is not None:
        return resolution.code.casefold() in (code.casefold() for code in codes(concept))
    return measure_key(concept) in resolution.keys


def measured(resource: Resource) -> Measured:
    """An Observation as a row with what it is grouped by."""
    row = {"ref": resource_ref(resource), **observation_row(resource, {})}
    if row["status"] == CANCELLED:
        row = _as_cancelled(row)
    return Measured(row, measure_key(resource.get("code")) or "", _unit_key(resource, row), component=False)


def _component(resource: Resource, part: Resource) -> Measured:
    row = component_row(resource, part)
    if row["status"] == CANCELLED:
        row = _as_cancelled(row)
    return Measured(row, measure_key(part.get("code")) or "", _unit_key(part, row), component=True)


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
    coded = string(quantity.get("code")) if quantity.get("system") == UCUM else None
    written = coded or unit(quantity) or str(row.get("unit", ""))
    return "" if _ANNOTATION.fullmatch(written) else written


def _without_repeats(found: list[Measured], notes: list[str]) -> list[Measured]:
    """Without the panel components that repeat a record of their own (some charts write both)."""
    alone = {_sameness(one) for one in found if not one.component}
    kept = [one for one in found if not (one.component and "value" in one.row and _sameness(one) in alone)]
    if len(kept) < len(found):
        notes.append(
            f"{len(found) - len(kept)} components repeat a record of the same time and value: counted once."
        )
    return kept


def _sameness(one: Measured) -> tuple[Any, ...]:
    at = span(one.row.get("date"))
    return one.key, at.instant if at else None, str(one.row.get("value")), one.unit


def _without_cancelled(found: list[Measured], notes: list[str]) -> list[Measured]:
    kept = [one for one in found if one.row["status"] != CANCELLED]
    if len(kept) < len(found):
        notes.append(f"{len(found) - len(kept)} cancelled left out.")
    return kept


def _note_units(found: list[Measured], notes: list[str]) -> None:
    units = Counter(one.row["unit"] for one in found if "unit" in one.row)
    groups = {(one.key, one.unit) for one in found if "unit" in one.row}
    if len(units) > 1 and len(groups) > len({key for key, _ in groups}):
        listed = ", ".join(f"{name} ({n})" for name, n in units.most_common())
        notes.append(f"Units differ: {listed}; nothing is converted, and units are never mixed.")


def not_after(now: Span | None, found: list[Measured], notes: list[str]) -> list[Measured]:
    """Without what is dated after `now`, which a note names."""
    future = sorted(set(future_refs([one.row for one in found], now)))
    if future:
        notes.append(f"{len(future)} dated after now left out: {listed(future)}.")
    return [one for one in found if one.row["ref"] not in future]


def latest(found: list[Measured], notes: list[str], *, each: bool = False) -> list[Row]:
    """The newest rows with a value: those that share the newest moment.

    `each`: the newest of every measurement. A newer record without a value, and one dated so coarsely that it
    may be newer are named in notes. Without any value, the newest record.
    """
    if each:
        keys = dict.fromkeys(one.key for one in found)
        return [row for key in keys for row in latest([one for one in found if one.key == key], notes)]
    valued = [one for one in found if "value" in one.row]
    chosen = valued or found
    if not chosen:
        return []
    moment = newest_first(chosen[0].row.get("date"))
    newest = [one.row for one in chosen if newest_first(one.row.get("date")) == moment]
    for one in found:
        if valued and newest_first(one.row.get("date")) < moment:
            notes.append(
                f"A newer record of {one.row['date']} has no value ({one.row['absent']}): {one.row['ref']}."
            )
    _note_coarse(newest, [one.row for one in valued], notes)
    return newest


def _note_coarse(newest: list[Row], rows: list[Row], notes: list[str]) -> None:
    at = span(newest[0].get("date"))
    if at is None:
        return
    coarse = [row for row in rows if (one := span(row.get("date"))) and one.partial and one.ends_after(at)]
    named = [row["ref"] for row in coarse if all(row is not chosen for chosen in newest)]
    if named:
        notes.append(f"Dated too coarsely to tell whether it is newer: {', '.join(named[:5])}.")


def _statistics(found: list[Measured], notes: list[str]) -> list[Row]:
    numeric = [one for one in found if isinstance(one.row.get("value"), int | float)]
    compared = [one for one in numeric if "comparator" in one.row]
    exact = [one for one in numeric if "comparator" not in one.row]
    if compared:
        notes.append(f"{len(compared)} with a comparator (such as < 0.5) left out of the statistics.")
    if len(numeric) < len(found):
        notes.append(f"{len(found) - len(numeric)} without a number left out of the statistics.")
    groups: dict[tuple[str, str], list[Row]] = {}
    for one in exact:
        groups.setdefault((one.key, one.unit), []).append(one.row)
    return [_summed_up(rows) for rows in groups.values()]


def _summed_up(rows: list[Row]) -> Row:
    """Statistics of rows of one code and unit, newest first; `refs` are those of first, last, min, max."""
    dated = [row for row in rows if span(row.get("date"))] or rows
    last, oldest = dated[0], dated[-1]
    least = min(rows, key=lambda row: row["value"])
    most = max(rows, key=lambda row: row["value"])
    return row_of(
        name=last.get("name"),
        code=last.get("code"),
        unit=last.get("unit"),
        n=len(rows),
        min=least["value"],
        max=most["value"],
        mean=round(statistics.fmean(row["value"] for row in rows), 4),
        first=oldest["value"],
        first_date=oldest.get("date"),
        last=last["value"],
        last_date=last.get("date"),
        min_date=least.get("date"),
        max_date=most.get("date"),
        refs=[row["ref"] for row in (oldest, last, least, most)],
    )


def _counts(found: list[Measured], notes: list[str]) -> list[Row]:
    valued = [one for one in found if "value" in one.row]
    if len(valued) < len(found):
        notes.append(f"{len(found) - len(valued)} without a value not counted.")
    groups: dict[str, list[Row]] = {}
    for one in valued:
        groups.setdefault(one.key, []).append(one.row)
    if len(groups) > 1:
        notes.append(f"{len(valued)} results in all, under {len(groups)} codes.")
    return [
        row_of(
            name=rows[0].get("name"),
            code=rows[0].get("code"),
            n=len(rows),
            first_date=next((row["date"] for row in reversed(rows) if span(row.get("date"))), None),
            last_date=next((row["date"] for row in rows if span(row.get("date"))), None),
            refs=[row["ref"] for row in rows[:MOST_REFS]],
        )
        for rows in groups.values()
    ]
