"""The tools on offer, in the order in which a client sees them."""

from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

from mcp_servers.fhir.tools.codes import lookup_code
from mcp_servers.fhir.tools.counts import count_patients
from mcp_servers.fhir.tools.notes import search_notes
from mcp_servers.fhir.tools.observations import observations
from mcp_servers.fhir.tools.overview import chart_overview
from mcp_servers.fhir.tools.patients import find_patient
from mcp_servers.fhir.tools.query import query_chart
from mcp_servers.fhir.tools.records import list_records
from mcp_servers.fhir.tools.search import fhir_read, fhir_search
from mcp_servers.fhir.tools.session import Answer, ChartSession, Kept

__all__ = ["CATALOGUE", "Answer", "ChartSession", "Kept", "Offer", "Profile"]

# core: the tools that need no code, no FHIR and no SQL; small models choose better among fewer tools.
Profile = Literal["core", "full"]


class Offer(NamedTuple):
    """A tool: its work (session and call come first), its title, its profile, whether it is about no one
    patient, and whether it needs the permission to count patients.

    The signature of the work, less what the host knows, is the tool's schema; its docstring the description.
    """

    work: Callable[..., Awaitable[Answer]]
    title: str
    profile: Profile = "full"
    unbound_only: bool = False
    cohorts: bool = False


CATALOGUE: tuple[Offer, ...] = (
    Offer(find_patient, "Find a patient", "core", unbound_only=True),
    Offer(chart_overview, "Chart overview", "core"),
    Offer(list_records, "List records of a kind", "core"),
    Offer(observations, "Measurements and results", "core"),
    Offer(search_notes, "Search the notes", "core"),
    Offer(query_chart, "Ask the chart in SQL"),
    Offer(lookup_code, "Codes and drug classes"),
    Offer(fhir_search, "FHIR search"),
    Offer(fhir_read, "FHIR read", "core"),
    Offer(count_patients, "Count patients", unbound_only=True, cohorts=True),
)
