"""The `handmade` set: a few patients who hold the hard cases. `fhir_fixtures/charts/README.md` lists them."""

from fhir_fixtures.generate.handmade import (
    fernandes,
    haddad,
    novak,
    okafor,
    olsen,
    plans,
    smith,
    staff,
    tanaka,
)
from fhir_fixtures.generate.references import Resource

GENERATOR = {"name": "by hand", "command": "python -m fhir_fixtures.generate handmade"}

CHARTS = (staff, okafor, plans, smith, fernandes, olsen, tanaka, haddad, novak)


def resources() -> list[Resource]:
    """All hand-made resources."""
    return [resource for chart in CHARTS for resource in chart.records()]
