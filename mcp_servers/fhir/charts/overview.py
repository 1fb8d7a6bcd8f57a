"""A chart at a glance: patient, problems, medications, allergies, encounters, measurements, counts."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, get_args

from mcp_servers.fhir.charts.dates import newest_first, span
from mcp_servers.fhir.charts.elements import Resource, Row, entered_in_error, row_of
from mcp_servers.fhir.charts.kinds import Kind
from mcp_servers.fhir.charts.listing import Projected, future_refs
from mcp_servers.fhir.charts.meanings import main_code_of
from mcp_servers.fhir.charts.measured import Measured, measured
from mcp_servers.fhir.charts.measurement_names import everyday_names, is_everyday
from mcp_servers.fhir.charts.measurements import latest, not_after
from mcp_servers.fhir.charts.patient import patient_row

Section = Literal["patient", "problem", "medication", "allergy", "encounter", "measurement", "records"]
EVERY_SECTION: frozenset[Section] = frozenset(get_args(Section))
# Those that list records of a kind.
SECTIONS: tuple[tuple[Section, Kind], ...] = (
    ("problem", "problems"),
    ("medication", "medications"),
    ("allergy", "allergies"),
    ("encounter", "encounters"),
)
ENCOUNTERS = 5
_NO_VISIT = frozenset({"planned", "cancelled"})
# What is shown to a reader at a glance; a program has all of it.
MEASUREMENTS = 15
# Of these by their everyday names, the most asked for first; a panel tells of its parts.
_WEIGHTIEST = (
    "Blood pressure",
    "Systolic blood pressure",
    "Diastolic blood pressure",
    "Body weight",
    "Body mass index",
    "Hemoglobin A1c",
    "Creatinine",
    "eGFR",
    "Potassium",
    "Sodium",
    "Hemoglobin",
    "LDL cholesterol",
    "Glucose",
    "Heart rate",
    "Oxygen saturation",
    "Body temperature",
)
_PRESSURES = _WEIGHTIEST[:3]
# What SNOMED CT calls something else than a disorder, in the names that it gives.
_NO_DISORDER = re.compile(r"\((?!disorder\))[a-z ]+\)$")
LONGEST_NAME = 60
_DATED = {"section", "ref", "name", "date"}
_BRIEF = {
    "patient": {"section", "ref", "name", "birth_date", "sex", "age", "deceased", "identifier"},
    "problem": {*_DATED, "verification"},
    "medication": {*_DATED, "dose"},
    "allergy": {*_DATED, "reaction", "criticality", "verification", "status"},
    "encounter": {*_DATED, "status", "class", "reason"},
    "measurement": {*_DATED, "value", "unit", "comparator", "interpretation"},
    "records": {"section", "kind", "count", "first_date", "last_date"},
}
_REPEATED = ("problem", "medication")
_SCALE = re.compile(r"\[[^\]]*\]")


def glance(
    patient: Resource,
    lists: Mapping[Kind, Projected],
    observations: Iterable[Resource],
    extents: list[Row] | None,
    *,
    now: str,
    encounters: int | None = None,
) -> Projected:
    """Rows with a `section` each (docs/architecture.md, "chart_overview"); notes name their section.

    Problems, medications and allergies are the current ones, encounters the newest (of so many as
    `encounters` says, where not all are listed): those that took place, then planned and cancelled ones that
    are dated later, measurements the last value of each code among the
    `observations`, of which others than Observations are passed over. A section without rows says in a note
    whether nothing is recorded. Kinds not in `lists`, and `extents` that are None, were not asked for.
    """
    rows: list[Row] = [{"section": "patient", **patient_row(patient, now)}]
    notes: list[str] = []
    for section, kind in SECTIONS:
        if kind not in lists:
            continue
        found = lists[kind]
        shown = _visits(found.rows, now) if section == "encounter" else found.rows
        rows += [{"section": section, **row} for row in shown]
        total = (encounters if section == "encounter" else None) or len(found.rows)
        if len(shown) < total:
            notes.append(f"{kind}: the newest {len(shown)} of {total}.")
        if found.finding != "recorded":
            notes.append(f"{kind}: {found.finding.replace('_', ' ')}.")
        notes += [f"{kind}: {note}" for note in found.notes]
    rows += [{"section": "measurement", **row} for row in _measurements(observations, now, notes)]
    held = rows[1:] if extents is None else extents
    rows += [{"section": "records", **row} for row in extents or ()]
    return Projected(rows, notes, "recorded" if held else "nothing_recorded")


def _visits(rows: list[Row], now: str) -> list[Row]:
    """The newest encounters that took place, then the newest of the others that are dated after these."""
    ahead = set(future_refs(rows, span(now)))
    took_place = [row for row in rows if row.get("status") not in _NO_VISIT and row["ref"] not in ahead]
    others = rows[: rows.index(took_place[0])] if took_place else rows
    return [*took_place[:ENCOUNTERS], *others[:ENCOUNTERS]]


def brief(rows: Iterable[Row]) -> tuple[list[Row], list[str]]:
    """The rows with the columns that a reader needs at a glance, and the names of the measurements left out.

    Problems and medications of one name are one row, the newest, with how many there are. Disorders come
    before other problems. Of the measurements, MEASUREMENTS are kept: those asked for most, then those
    with an everyday name. Days stand for moments.
    """
    kept: list[Row] = []
    named: list[str] = []
    alike: dict[tuple[str, str], Row] = {}
    for row in _by_weight(list(rows)):
        section = row["section"]
        name = _short(str(row.get("name", row.get("code", ""))))
        if section == "measurement" and sum(one["section"] == section for one in kept) >= MEASUREMENTS:
            named.append(name)
        elif section in _REPEATED and (section, name) in alike:
            same = alike[section, name]
            same["recorded"] = f"{int(same.get('recorded', '1').split()[0]) + 1} times"
        else:
            fields = _BRIEF[section]
            told = {field: _at_a_glance(field, said) for field, said in row.items() if field in fields}
            alike[section, name] = told
            kept.append(told)
    return kept, list(dict.fromkeys(named))


def _by_weight(rows: list[Row]) -> list[Row]:
    """By section; disorders before other problems, of each weighty measurement the newest before others."""
    codes = everyday_names()
    newest: dict[str, Row] = {}
    for row in rows:
        for name in _WEIGHTIEST:
            if row["section"] == "measurement" and row.get("code") in codes[name]:
                newest.setdefault(name, row)
    if _PRESSURES[0] in newest:
        newest = {name: row for name, row in newest.items() if name not in _PRESSURES[1:]}
    weights = {id(row): _WEIGHTIEST.index(name) for name, row in newest.items()}

    def weight(row: Row) -> tuple[int, int]:
        section = row["section"]
        own = 0
        if section == "problem":
            own = _NO_DISORDER.search(str(row.get("name"))) is not None
        elif section == "measurement":
            own = weights.get(id(row), len(_WEIGHTIEST) + (not is_everyday(str(row.get("code")))))
        return list(_BRIEF).index(section), own

    return sorted(rows, key=weight)


def _at_a_glance(name: str, value: Any) -> Any:
    if name in ("date", "first_date", "last_date") and isinstance(value, str):
        return value[:10]
    return _short(value) if name == "name" and isinstance(value, str) else value


def _short(name: str) -> str:
    """A LOINC name without its scale and method: `Glucose [Mass/volume] in Blood` is Glucose in Blood."""
    plain = " ".join(_SCALE.sub(" ", name).split())
    return plain if len(plain) <= LONGEST_NAME else f"{plain[: LONGEST_NAME - 1]}…"


def newest_of_each(observations: Iterable[Resource], now: str) -> list[Resource]:
    """Of every measurement the newest record with a value by `now`, others of its moment, and newer ones."""
    return [resource for group, _ in _newest(observations, now) for resource in group]


def codes_without_value(observations: Iterable[Resource], now: str) -> set[str]:
    """The codes of measurements of which none of these records holds a value by `now`."""
    groups = [group for group, valued in _newest(observations, now) if not valued]
    return {code for group in groups for resource in group if (code := main_code_of(resource))}


def _newest(observations: Iterable[Resource], now: str) -> Iterator[tuple[list[Resource], bool]]:
    """Of every measurement its newest records, down to the newest with a value; and whether there is one."""
    groups: dict[str, list[tuple[Measured, Resource]]] = {}
    for resource in observations:
        one = measured(resource)
        groups.setdefault(one.key, []).append((one, resource))
    at = span(now)
    for group in groups.values():
        group.sort(key=lambda one: newest_first(one[0].row.get("date")))
        kept: list[Resource] = []
        moment: tuple[bool, float] | None = None
        for one, resource in group:
            date = one.row.get("date")
            if moment is not None and newest_first(date) > moment:
                break
            kept.append(resource)
            ahead = at is not None and (held := span(date)) is not None and held.starts_after(at)
            if moment is None and "value" in one.row and not ahead and not entered_in_error(resource):
                moment = newest_first(date)
        yield kept, moment is not None


def _measurements(observations: Iterable[Resource], now: str, notes: list[str]) -> list[Row]:
    groups: dict[str, list[Measured]] = {}
    for resource in observations:
        if resource.get("resourceType") == "Observation" and not entered_in_error(resource):
            one = measured(resource)
            groups.setdefault(one.key, []).append(one)
    rows: list[Row] = []
    unvalued = 0
    for group in groups.values():
        group.sort(key=lambda one: (newest_first(one.row.get("date")), one.row["ref"]))
        about: list[str] = []
        past = not_after(span(now), group, about)
        valued = [row for row in latest(past, about) if "value" in row]
        unvalued += not valued and bool(past)
        rows += valued
        notes += [f"measurements: {note}" for note in about if valued or not past]
    if unvalued:
        notes.append(f"measurements: {unvalued} without a value in the newest records left out.")
    rows.sort(key=lambda row: (newest_first(row.get("date")), row["ref"]))
    return rows


def extent(kind: str, count: int, dates: Iterable[str | None]) -> Row:
    """A type of record: how many, and the first and last of these dates."""
    dated = sorted((date for date in dates if span(date)), key=newest_first)
    return row_of(
        kind=kind,
        count=count,
        first_date=dated[-1] if dated else None,
        last_date=dated[0] if dated else None,
    )
