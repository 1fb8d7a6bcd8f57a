"""The measurements of a chart by name: the latest, the series, statistics, or how many."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from mcp_servers.fhir.charts.conversion import in_unit, ways_told
from mcp_servers.fhir.charts.dates import Span, bound, day_or_moment, newest_first, span
from mcp_servers.fhir.charts.elements import (
    Resource,
    Row,
    codings,
    entered_in_error,
    first,
    joined,
    listed,
    objects,
    quantity_text,
    resource_ref,
    row_of,
)
from mcp_servers.fhir.charts.errors import UnusableArgument
from mcp_servers.fhir.charts.interpretation import abnormal
from mcp_servers.fhir.charts.listing import Projected, future_refs
from mcp_servers.fhir.charts.measured import CANCELLED, Measured, measured
from mcp_servers.fhir.charts.measurement_names import (
    Measure,
    Resolution,
    both,
    measure_key,
    measures,
    resolve,
)
from mcp_servers.fhir.charts.pairs import by_part, taken_together
from mcp_servers.fhir.charts.selection import Limits, extremes, nearest, usual_name, within
from mcp_servers.fhir.charts.trends import summed_up
from mcp_servers.fhir.charts.units import checked_unit
from mcp_servers.fhir.charts.window import Window
from mcp_servers.fhir.envelope import Finding

Mode = Literal["latest", "series", "statistics", "count"]
MOST_REFS = 20
_SETTLED = frozenset({"final", "amended", "corrected"})

_Holder = tuple[Resource, Resource | None]


def observations(
    resources: Iterable[Resource],
    *,
    name: str,
    mode: Mode = "latest",
    since: str | None = None,
    until: str | None = None,
    now: str,
    unit: str | None = None,
    near: str | None = None,
    above: float | None = None,
    below: float | None = None,
    known: Mapping[str, Measure] | None = None,
) -> Projected:
    """The patient's Observations that `name` stands for (docs/architecture.md, "observations").

    `known` is what else the chart measures, which can be meant though none of its records are here.

    What is dated after `now` is left out and named in a note. `latest`: the newest record with a value;
    several where they share that moment.
    `series`: all, newest first. `statistics`: one row per code and unit. `count`: one row per code. Records
    entered in error are left out everywhere; cancelled ones are shown in a series only, without a value.
    `unit`: values are converted to it where that can be done, with `recorded` beside; building the registry
    takes seconds, so call from a thread. `near`: an ISO day or moment; the last value at or before it and the
    first after. `above`, `below`: only such values, in `unit` or in the one unit that all are recorded in.
    Raises Ambiguous, UnusableArgument.
    """
    window = Window.of(since, until)
    wanted = checked_unit(unit) if unit else None
    limits = None if above is None and below is None else Limits(above, below)
    moment = day_or_moment(near, "near") if near else None
    if moment and mode != "latest":
        raise UnusableArgument("`near` goes with mode latest only; use since and until with the other modes")
    notes: list[str] = []
    records = _records(resources)
    resolution = resolve(name, both(measures_of(records), known or {}))
    notes += resolution.notes
    standing = [record for record in records if not entered_in_error(record)]
    withdrawn = [record for record in records if entered_in_error(record)]
    wrong = sum(window.may_hold(measured(*one).row) for one in _holders(withdrawn, resolution, expand=False))
    if wrong:
        notes.append(f"{wrong} entered in error left out.")
    expand = mode == "statistics" or limits is not None
    holders = _holders(standing, resolution, expand=expand)
    if wanted is None:
        found = [measured(*one) for one in holders]
    else:
        found = _in_unit(holders, wanted, notes, counted=mode != "latest")
    if resolution.parts:
        found = taken_together(found, resolution, [] if mode == "latest" else notes, pair=not expand)
    found = _without_repeats(found, notes)
    at = bound(now, "now")
    kept = {id(row) for row in window.rows([one.row for one in found], notes, at)}
    found = not_after(at, [one for one in found if id(one.row) in kept], notes)
    found.sort(key=lambda one: (newest_first(one.row.get("date")), one.row["ref"]))
    if not found:
        if not resolution.notes:
            notes.append(f"Nothing is recorded under `{name}`.")
        return Projected([], notes, "nothing_recorded")
    if wanted is None:
        _note_units(found, notes)
    if mode != "series":
        found = _without_cancelled(found, notes)
    finding: Finding = "recorded" if found else "nothing_recorded"
    compared = Counter[str]()
    if limits:
        found, compared = within(found, limits, wanted, notes)
    if moment:
        notes.append(f"`days` counts from {near}, negative before it.")
        return Projected(_nearest(by_part(found, resolution), moment, notes), notes, finding)
    together = resolution.keys if wanted and not resolution.parts else frozenset[str]()
    rows: dict[Mode, Callable[[], list[Row]]] = {
        "latest": lambda: _latest(by_part(found, resolution), notes),
        "series": lambda: [one.row for one in found],
        "statistics": lambda: _statistics(found, together, notes),
        "count": lambda: _counts(found, compared, notes),
    }
    return Projected(rows[mode](), notes, finding)


def measures_of(resources: Iterable[Resource]) -> dict[str, Measure]:
    """The measurements that Observations are of, by key; those of panels' components too."""
    return measures(_concepts(_records(resources)))


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


def _holders(standing: list[Resource], resolution: Resolution, *, expand: bool) -> list[_Holder]:
    """What fits the name: Observations, and components of others; with `expand`, those of panels that fit."""
    found: list[_Holder] = []
    for resource in standing:
        parts = objects(resource.get("component"))
        if not _fits(resource.get("code"), resolution):
            found += [(resource, part) for part in parts if _fits(part.get("code"), resolution)]
        elif expand and parts and not first(resource.get("valueQuantity")):
            found += [(resource, part) for part in parts]
        else:
            found.append((resource, None))
    return found


def _fits(concept: object, resolution: Resolution) -> bool:
    if resolution.code is None:
        return measure_key(concept) in resolution.keys
    return any(
        str(coding.get("code")).casefold() == resolution.code.casefold()
        and resolution.system in (None, coding.get("system"))
        for coding in codings(concept)
    )


def _in_unit(holders: list[_Holder], wanted: str, notes: list[str], *, counted: bool) -> list[Measured]:
    """Each in the unit wanted, with `recorded` beside; those that cannot be said in it stay as recorded."""
    found: list[Measured] = []
    ways, kept = Counter[str](), Counter[str]()
    for resource, part in holders:
        converted = in_unit(resource if part is None else part, wanted)
        ways.update(converted.ways)
        kept.update(converted.kept)
        one = measured(converted.resource) if part is None else measured(resource, converted.resource)
        if converted.ways and "value" in one.row:
            recorded = _as_recorded(measured(resource, part).row, one.row)
            one = one._replace(row={**one.row, "recorded": recorded})
        found.append(one)
    if ways:
        notes.append(ways_told(ways.most_common(), wanted, counted=counted))
    if kept:
        said = ", ".join(f"{n} in {name}" for name, n in kept.most_common())
        notes.append(f"No conversion to {wanted} is known for {said}: left as recorded, and never mixed.")
    return found


def _as_recorded(recorded: Row, converted: Row) -> str:
    amount = {field: recorded.get(field) for field in ("value", "unit", "comparator")}
    written = quantity_text(amount) or joined([str(recorded.get("value")), recorded.get("unit")], " ")
    lost = "range" in recorded and "range" not in converted
    return f"{written} (range {recorded['range']})" if lost else str(written)


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
        notes.append(f"Units differ: {listed}; never mixed, `unit` converts.")


def not_after(now: Span | None, found: list[Measured], notes: list[str]) -> list[Measured]:
    """Without what is dated after `now`, which a note names."""
    future = sorted(set(future_refs([one.row for one in found], now)))
    if future:
        notes.append(f"{len(future)} dated after now left out: {listed(future)}.")
    return [one for one in found if one.row["ref"] not in future]


def _latest(groups: list[list[Measured]], notes: list[str]) -> list[Row]:
    """The newest of each group, once."""
    said: list[str] = []
    rows: list[Row] = []
    for group in groups:
        rows += [row for row in latest(group, said) if row not in rows]
    notes += dict.fromkeys(said)
    return rows


def _nearest(groups: list[list[Measured]], at: Span, notes: list[str]) -> list[Row]:
    """The nearest of each group, once."""
    said: list[str] = []
    rows: dict[tuple[str, str | None], Row] = {}
    for group in groups:
        for row in nearest(group, at, said):
            one = row["ref"], row.get("code")
            rows[one] = {**row, **rows.get(one, {})}
    notes += dict.fromkeys(said)
    return sorted(rows.values(), key=lambda row: float(row["days"]))


def latest(found: list[Measured], notes: list[str]) -> list[Row]:
    """The newest rows with a value: those that share the newest moment.

    A newer record without a value, and one dated so coarsely that it
    may be newer are named in notes. Without any value, the newest record.
    """
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


def _statistics(found: list[Measured], together: frozenset[str], notes: list[str]) -> list[Row]:
    """A row per code and unit; the codes of `together` (one analyte in one unit) share a row."""
    numeric = [one for one in found if isinstance(one.row.get("value"), int | float)]
    exact = [one for one in numeric if "comparator" not in one.row]
    if beyond := [one for one in numeric if "comparator" in one.row]:
        said = ", ".join(extremes(beyond))
        notes.append(f"{len(beyond)} with a comparator left out of the statistics: {said}.")
    if len(numeric) < len(found):
        notes.append(f"{len(found) - len(numeric)} without a number left out of the statistics.")
    if open_ := [one.row for one in exact if one.row["status"] not in _SETTLED]:
        said = listed([f"{row['ref']} ({row['status']})" for row in open_])
        notes.append(f"{len(open_)} taken in without a final status: {said}.")
    groups: dict[tuple[str, str], list[Measured]] = {}
    for one in exact:
        groups.setdefault(("" if one.key in together else one.key, one.unit), []).append(one)
    for group in groups.values():
        keys = dict.fromkeys(one.key for one in group)
        if len(keys) > 1:
            notes.append(f"{len(keys)} codes of one measurement taken together: {', '.join(keys)}.")
    return [
        summed_up([one.row for one in group], [one.row for one in group if abnormal(one.holder)])
        for group in groups.values()
    ]


def _counts(found: list[Measured], compared: Counter[str], notes: list[str]) -> list[Row]:
    """A row per code; `of` is how many values were compared with a limit."""
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
            name=usual_name(rows),
            code=rows[0].get("code"),
            n=len(rows),
            of=compared.get(key),
            first_date=next((row["date"] for row in reversed(rows) if span(row.get("date"))), None),
            last_date=next((row["date"] for row in rows if span(row.get("date"))), None),
            refs=[row["ref"] for row in rows[:MOST_REFS]],
        )
        for key, rows in groups.items()
    ]
