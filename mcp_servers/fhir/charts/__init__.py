"""Chart projections: pure functions from FHIR R4 resources to rows."""

from mcp_servers.fhir.charts.code_systems import addressed, short_name
from mcp_servers.fhir.charts.dates import day_before
from mcp_servers.fhir.charts.errors import UnusableArgument
from mcp_servers.fhir.charts.kinds import KINDS, OBSERVATIONS, OVERVIEW, REASONS, SEARCHES, Kind, Search
from mcp_servers.fhir.charts.listing import Projected, Read, Status, list_records
from mcp_servers.fhir.charts.meanings import codes_of, has_code, main_code_of, meant
from mcp_servers.fhir.charts.measurement_names import (
    Ambiguous,
    Candidate,
    both,
    code_token,
    everyday_names,
    not_understood,
)
from mcp_servers.fhir.charts.measurements import measures_of, observations
from mcp_servers.fhir.charts.overview import (
    brief,
    codes_without_value,
    extent,
    glance,
    newest_of_each,
)
from mcp_servers.fhir.charts.patient import patient_row
from mcp_servers.fhir.charts.records import later_than, newest_first, record_date, record_row
from mcp_servers.fhir.charts.repeats import REPEATED, distinct

__all__ = [
    "KINDS",
    "OBSERVATIONS",
    "OVERVIEW",
    "REASONS",
    "REPEATED",
    "SEARCHES",
    "Ambiguous",
    "Candidate",
    "Kind",
    "Projected",
    "Read",
    "Search",
    "Status",
    "UnusableArgument",
    "addressed",
    "both",
    "brief",
    "code_token",
    "codes_of",
    "codes_without_value",
    "day_before",
    "distinct",
    "everyday_names",
    "extent",
    "glance",
    "has_code",
    "later_than",
    "list_records",
    "main_code_of",
    "meant",
    "measures_of",
    "newest_first",
    "newest_of_each",
    "not_understood",
    "observations",
    "patient_row",
    "record_date",
    "record_row",
    "short_name",
]
