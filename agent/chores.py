"""What the commands about the sample charts do."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from agent.config import Settings
from agent.errors import Failed
from agent.fhir_access import open_embedded, open_fhir
from mcp_servers.audit.identity import PROGRAM


def sample_patients() -> list[dict[str, Any]]:
    """The patients of the sample charts."""
    from fhir_fixtures.charts import patients

    return [patient._asdict() for patient in patients()]


def serve_fixtures(settings: Settings, port: int) -> None:
    """The embedded store on loopback, until Ctrl-C."""
    import uvicorn

    with open_embedded(settings) as store:
        uvicorn.run(store, host="127.0.0.1", port=port, log_level="info")


async def load_fixtures(settings: Settings, progress: Callable[[int, int], None]) -> str:
    """Load the sample charts into the FHIR server that is set; one line about what was done."""
    from fhir_fixtures.loader import LoadError, load

    async with open_fhir(settings) as http:
        # Sample charts are loaded without a trail: the EMR's own must not take that for a clinician's work.
        http.headers["User-Agent"] = f"{PROGRAM}-fixtures/{version(PROGRAM)}"
        try:
            report = await load(http, progress)
        except LoadError as error:
            raise Failed(str(error)) from None
    return f"{report.resources} records loaded in {report.seconds:.0f} s, {report.created} of them new."
