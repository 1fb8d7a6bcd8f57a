"""The tools on offer, in the order in which a client sees them."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from mcp_servers.fhir.tools.observations import observations
from mcp_servers.fhir.tools.overview import chart_overview
from mcp_servers.fhir.tools.patients import find_patient
from mcp_servers.fhir.tools.records import list_records
from mcp_servers.fhir.tools.search import fhir_read, fhir_search
from mcp_servers.fhir.tools.session import Answer, ChartSession

__all__ = ["CATALOGUE", "Answer", "ChartSession", "Offer"]


class Offer(NamedTuple):
    """A tool: its work (session and call come first), its title, and whether it is about no one patient.

    The signature of the work, less what the host knows, is the tool's schema; its docstring the description.
    """

    work: Callable[..., Awaitable[Answer]]
    title: str
    unbound_only: bool = False


CATALOGUE: tuple[Offer, ...] = (
    Offer(find_patient, "Find a patient", unbound_only=True),
    Offer(chart_overview, "Chart overview"),
    Offer(list_records, "List records of a kind"),
    Offer(observations, "Measurements and results"),
    Offer(fhir_search, "FHIR search"),
    Offer(fhir_read, "FHIR read"),
)
