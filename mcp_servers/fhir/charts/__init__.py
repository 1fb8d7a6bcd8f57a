"""Chart projections: pure functions from FHIR R4 resources to rows."""

from mcp_servers.fhir.charts.dates import UnusableDate
from mcp_servers.fhir.charts.kinds import KINDS, OBSERVATIONS, OVERVIEW, SEARCHES, Kind, Search
from mcp_servers.fhir.charts.listing import Projected, Status, list_records
from mcp_servers.fhir.charts.measurement_names import Ambiguous, Candidate, code_token, everyday_names
from mcp_servers.fhir.charts.measurements import Mode, observations
from mcp_servers.fhir.charts.overview import overview
from mcp_servers.fhir.charts.patient import patient_row
from mcp_servers.fhir.charts.records import record_row

__all__ = [
    "KINDS",
    "OBSERVATIONS",
    "OVERVIEW",
    "SEARCHES",
    "Ambiguous",
    "Candidate",
    "Kind",
    "Mode",
    "Projected",
    "Search",
    "Status",
    "UnusableDate",
    "code_token",
    "everyday_names",
    "list_records",
    "observations",
    "overview",
    "patient_row",
    "record_row",
]
