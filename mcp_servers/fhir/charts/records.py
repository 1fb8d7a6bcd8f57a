"""Any record as a row, whatever its type."""

from collections.abc import Iterable
from datetime import timedelta

from mcp_servers.fhir.charts.dates import newest_first as sort_key
from mcp_servers.fhir.charts.dates import period_start, span, when
from mcp_servers.fhir.charts.elements import Resource, Row, resource_ref, row_of, status_code, string
from mcp_servers.fhir.charts.kinds import READINGS, kind_of
from mcp_servers.fhir.charts.observations import observation_row, observed_at
from mcp_servers.fhir.charts.patient import patient_row
from mcp_servers.fhir.charts.references import Included, record_name

_PLAIN_DATES = (
    "authoredOn",
    "recordedDate",
    "date",
    "issued",
    "started",
    "created",
    "recorded",
    "occurredDateTime",
)


def record_row(resource: Resource, included: Included | None = None) -> Row:
    """`ref, name, date, status` and the kind's own fields; for types of no kind, what their names suggest.

    Nothing is left out here: a record entered in error is a row with that status.
    """
    ref = {"ref": resource_ref(resource)}
    at_hand = included or {}
    kind = kind_of(resource)
    if kind is not None:
        return ref | READINGS[kind].row(resource, at_hand)
    if resource.get("resourceType") == "Observation":
        return ref | observation_row(resource, at_hand)
    if resource.get("resourceType") == "Patient":
        return {name: value for name, value in patient_row(resource, "").items() if name != "age"}
    return ref | row_of(
        name=record_name(resource),
        date=_any_date(resource),
        status=status_code(resource.get("status")),
    )


def record_date(resource: Resource) -> str | None:
    """The date that a record of any type stands under, as recorded."""
    if resource.get("resourceType") == "Observation":
        return observed_at(resource)
    return string(record_row(resource).get("date"))


def later_than(date: str, rows: Iterable[Row]) -> list[Row]:
    """The rows dated later than `date`."""
    return [row for row in rows if sort_key(row.get("date")) < sort_key(date)]


def newest_first(resources: Iterable[Resource]) -> bool:
    """Whether records stand newest first, as a server sorts them: give or take the day of its time zone."""
    last = None
    for resource in resources:
        at = span(record_date(resource))
        if at is None:
            continue
        if last is not None and at.instant > last + timedelta(days=1):
            return False
        last = min(last or at.instant, at.instant)
    return True


def _any_date(resource: Resource) -> str | None:
    plain = (string(resource.get(field)) for field in _PLAIN_DATES)
    stems = (when(resource, stem) for stem in ("effective", "performed", "occurrence", "onset", "serviced"))
    period = period_start(resource.get("period")) or period_start(resource.get("billablePeriod"))
    return next((date for date in (*stems, *plain) if date), None) or period
