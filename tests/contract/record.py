"""Remakes the recording from a real HAPI with the charts: `python -m tests.contract.record BASE`."""

import sys

import anyio
import httpx

from fhir_fixtures import charts
from tests.contract.charted import by_type
from tests.contract.exchange import FRESH, ask, play
from tests.contract.interactions import interactions
from tests.contract.recording import Recording, write
from tests.contract.searches import drawn_searches
from tests.contract.writes import SCENARIOS


async def record(base: str) -> Recording:
    """Every answer of the server at `base`. Raises SystemExit when it does not hold the charts."""
    async with httpx.AsyncClient(base_url=base, timeout=120, trust_env=False) as http:
        for resource_type, resources in by_type().items():
            page = (await http.get(f"{resource_type}?_summary=count", headers=FRESH)).json()
            if page.get("total") != len(resources):
                sys.exit(f"{base} holds {page.get('total')} {resource_type}, the charts {len(resources)}")
        software = (await http.get("metadata")).json()["software"]
        return Recording(
            hapi=software["version"],
            charts=charts.digest(),
            reads=[(case, await ask(http, case)) for case in [*drawn_searches(), *interactions()]],
            writes={name: await play(http, scenario) for name, scenario in SCENARIOS.items()},
        )


if __name__ == "__main__":
    write(anyio.run(record, sys.argv[1]))
