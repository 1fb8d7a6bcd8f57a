"""A chart at a glance: patient, problems, medications, allergies, encounters, measurements, counts."""

from collections.abc import Mapping

from mcp_servers.fhir.charts.dates import newest_first, span
from mcp_servers.fhir.charts.elements import Resource, Row, entered_in_error, row_of
from mcp_servers.fhir.charts.kinds import Kind
from mcp_servers.fhir.charts.listing import Projected, list_records
from mcp_servers.fhir.charts.measurements import Measured, latest, measured, not_after
from mcp_servers.fhir.charts.patient import patient_row
from mcp_servers.fhir.charts.records import record_date
from mcp_servers.fhir.charts.references import Included

SECTIONS: tuple[tuple[str, Kind], ...] = (
    ("problem", "problems"),
    ("medication", "medications"),
    ("allergy", "allergies"),
    ("encounter", "encounters"),
)
ENCOUNTERS = 5


def overview(
    patient: Resource,
    by_type: Mapping[str, list[Resource]],
    *,
    included: Included | None = None,
    now: str,
) -> Projected:
    """Rows with a `section` each (docs/architecture.md, "chart_overview"); notes name their section.

    Problems, medications and allergies are the current ones, encounters the newest, measurements the last
    value of each code. A section without rows says in a note whether nothing is recorded.
    """
    rows: list[Row] = [{"section": "patient", **patient_row(patient, now)}]
    notes: list[str] = []
    everything = [
        resource for resources in by_type.values() for resource in resources if isinstance(resource, dict)
    ]
    for section, kind in SECTIONS:
        found = list_records(kind, everything, included=included, now=now)
        shown = found.rows[:ENCOUNTERS] if section == "encounter" else found.rows
        rows += [{"section": section, **row} for row in shown]
        if len(shown) < len(found.rows):
            notes.append(f"{kind}: the newest {len(shown)} of {len(found.rows)}.")
        if found.finding != "recorded":
            notes.append(f"{kind}: {found.finding.replace('_', ' ')}.")
        notes += [f"{kind}: {note}" for note in found.notes]
    rows += [{"section": "measurement", **row} for row in _measurements(everything, now, notes)]
    rows += [{"section": "records", **row} for row in _records(everything)]
    return Projected(rows, notes, "recorded" if everything else "nothing_recorded")


def _measurements(everything: list[Resource], now: str, notes: list[str]) -> list[Row]:
    groups: dict[str, list[Measured]] = {}
    for resource in everything:
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
        notes.append(f"measurements: {unvalued} kinds without any value left out.")
    rows.sort(key=lambda row: (newest_first(row.get("date")), row["ref"]))
    return rows


def _records(everything: list[Resource]) -> list[Row]:
    dates: dict[str, list[str | None]] = {}
    for resource in everything:
        if not entered_in_error(resource):
            dates.setdefault(str(resource.get("resourceType")), []).append(record_date(resource))
    return [_counted(kind, dates[kind]) for kind in sorted(dates)]


def _counted(kind: str, dates: list[str | None]) -> Row:
    dated = sorted((date for date in dates if span(date)), key=newest_first)
    return row_of(
        kind=kind,
        count=len(dates),
        first_date=dated[-1] if dated else None,
        last_date=dated[0] if dated else None,
    )
