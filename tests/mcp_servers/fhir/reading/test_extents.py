"""What kinds of records a chart holds: how many, from when to when."""

from typing import Any

import pytest

from tests.mcp_servers.fhir.scripted import BASE, Resource, ScriptedFhir, observation
from tests.mcp_servers.fhir.sessions import data, session

WRONG = "entered-in-error"


def of_patient(kind: str, identity: str, **elements: Any) -> Resource:
    return {"resourceType": kind, "id": identity, "subject": {"reference": "Patient/A"}, **elements}


@pytest.mark.anyio
async def test_a_record_entered_in_error_is_in_no_count_and_dates_no_kind() -> None:
    records = [
        observation("1", "A", effectiveDateTime="2020"),
        observation("2", "A", effectiveDateTime="2024", status=WRONG),
        of_patient("MedicationRequest", "1", status="active", authoredOn="2020"),
        of_patient("MedicationRequest", "2", status=WRONG, authoredOn="2024"),
        of_patient("DocumentReference", "1", status="current", date="2020"),
        of_patient("DocumentReference", "2", status=WRONG, date="2024"),
    ]
    app = ScriptedFhir([{"resourceType": "Patient", "id": "A"}, *records])
    async with session(app, "A", base=BASE) as client:
        rows = data(await client.call_tool("chart_overview", {}))["rows"]
    held = {row["kind"]: (row["count"], row["last_date"]) for row in rows if row["section"] == "records"}
    assert held == dict.fromkeys(("Observation", "MedicationRequest", "DocumentReference"), (1, "2020"))
