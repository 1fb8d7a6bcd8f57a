"""A chart at a glance from all its records: what chart_overview shows, which reads as few as it can."""

from collections.abc import Iterable, Mapping

from mcp_servers.fhir import charts
from mcp_servers.fhir.charts.elements import entered_in_error
from mcp_servers.fhir.charts.overview import SECTIONS
from mcp_servers.fhir.charts.references import Included
from tests.mcp_servers.fhir.charts.records import Resource


def overview(
    patient: Resource, records: Iterable[Resource], *, included: Included | None = None, now: str
) -> charts.Projected:
    """The overview of a chart of these records; `included` names others that they refer to."""
    everything = list(records)
    lists = {kind: charts.list_records(kind, everything, included=included, now=now) for _, kind in SECTIONS}
    return overview_of_lists(patient, lists, everything, now=now)


def overview_of_lists(
    patient: Resource, lists: Mapping[charts.Kind, charts.Projected], records: list[Resource], *, now: str
) -> charts.Projected:
    """The overview of a chart of these records, which are listed so."""
    dates: dict[str, list[str | None]] = {}
    for one in records:
        if not entered_in_error(one):
            dates.setdefault(one["resourceType"], []).append(charts.record_date(one))
    extents = [charts.extent(kind, len(dates[kind]), dates[kind]) for kind in sorted(dates)]
    return charts.glance(patient, lists, records, extents, now=now)
