"""Who did something and why, of records that hold references without a name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_fixtures.store import Store, create_app, open_store
from tests.mcp_servers.fhir.scripted import Resource
from tests.mcp_servers.fhir.sessions import data, session

SUBJECT = {"reference": "Patient/a"}
BY = {"reference": "Practitioner/p"}
GIVEN = {"status": "completed", "performer": [{"actor": BY}]}
ORDERED = {"status": "active", "intent": "order", "subject": SUBJECT, "requester": BY}
WHY = {"reasonReference": [{"reference": "Condition/c"}]}
DRUG = {"medicationCodeableConcept": {"text": "metformin"}, "subject": SUBJECT}
CHART: list[Resource] = [
    {"resourceType": "Patient", "id": "a", "birthDate": "1960-01-01"},
    {"resourceType": "Practitioner", "id": "p", "name": [{"family": "House", "given": ["Ada"]}]},
    {
        "resourceType": "Condition",
        "id": "c",
        "subject": SUBJECT,
        "code": {"text": "Diabetes"},
        "recorder": BY,
    },
    {"resourceType": "MedicationRequest", "id": "r", **ORDERED, **DRUG, **WHY},
    {"resourceType": "MedicationDispense", "id": "d", **GIVEN, **DRUG},
    {"resourceType": "MedicationStatement", "id": "s", "status": "active", **DRUG, "informationSource": BY},
    {
        "resourceType": "MedicationAdministration",
        "id": "g",
        **GIVEN,
        **DRUG,
        "effectiveDateTime": "2026-01-02",
    },
    {
        "resourceType": "Immunization",
        "id": "i",
        "patient": SUBJECT,
        **GIVEN,
        "vaccineCode": {"text": "flu"},
        "occurrenceDateTime": "2026-01-02",
    },
    {"resourceType": "Procedure", "id": "x", "subject": SUBJECT, **GIVEN, "code": {"text": "biopsy"}},
    {"resourceType": "ServiceRequest", "id": "o", **ORDERED, **WHY, "code": {"text": "CT"}},
]


class Chart:
    """The chart as samples of the embedded store."""

    def resources(self) -> list[Resource]:
        return CHART

    def digest(self) -> str:
        return "names apart"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "store.db", Chart())
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("kind", "ref", "told"),
    [
        ("problems", "Condition/c", {"recorder": "Practitioner/p"}),  # R4 has no parameter for it
        ("medications", "MedicationRequest/r", {"requester": "Ada House", "reason": "Diabetes"}),
        ("medications", "MedicationDispense/d", {"performer": "Ada House"}),
        ("medications", "MedicationAdministration/g", {"performer": "Ada House"}),
        ("medications", "MedicationStatement/s", {"informant": "Ada House"}),
        ("immunizations", "Immunization/i", {"performer": "Ada House"}),
        ("procedures", "Procedure/x", {"performer": "Ada House"}),
        ("orders", "ServiceRequest/o", {"author": "Ada House", "reason": "Diabetes"}),
    ],
)
@pytest.mark.anyio
async def test_people_and_reasons_are_named(store: Store, kind: str, ref: str, told: dict[str, str]) -> None:
    async with session(create_app(store), "a") as client:
        rows = data(await client.call_tool("list_records", {"kind": kind, "status": "all"}))["rows"]
    row = next(row for row in rows if row["ref"] == ref)
    assert told.items() <= row.items()
