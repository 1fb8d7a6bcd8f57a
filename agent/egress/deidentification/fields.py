"""Which fields of rows and elements of FHIR resources may leave, and how each is treated (fields.toml)."""

import tomllib
from importlib.resources import files
from typing import Any, Literal

Treatment = Literal["code", "said", "prose", "date", "person", "organisation", "number", "ref", "zip", "drop"]

_TABLE = tomllib.loads(files("agent.egress.deidentification").joinpath("fields.toml").read_text("utf-8"))


def _by_name(table: str) -> dict[str, Any]:
    return {name: treatment for treatment, names in _TABLE[table].items() for name in names.split()}


ROWS: dict[str, Treatment] = _by_name("rows")
NESTED: dict[str, Treatment] = _by_name("nested")
ELEMENTS: dict[str, Treatment] = _by_name("elements")
ADDRESS: dict[str, Treatment] = _by_name("address")
WHO: dict[str, frozenset[str]] = {kind: frozenset(names.split()) for kind, names in _TABLE["who"].items()}
ROWS_WITHIN = ("components", "slope", "last_abnormal")
PEOPLE = ("Patient", "RelatedPerson", "Person", "Practitioner", "PractitionerRole")
PLACES = ("Organization", "Location", "HealthcareService", "Endpoint")
