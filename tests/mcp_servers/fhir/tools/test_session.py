"""What the calls of one session have in common, and what they do not."""

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.errors import FhirToolError, NotFound, NotPermitted
from mcp_servers.fhir.tools.session import ChartSession
from tests.mcp_servers.fhir.notes.charts import document
from tests.mcp_servers.fhir.scripted import ScriptedFhir, a_call, bundle, http_to, observation, outcome
from tests.mcp_servers.fhir.searching import sent
from tests.mcp_servers.fhir.sessions import data, session, text

PATIENT = {"resourceType": "Patient", "id": "A"}


@pytest.mark.parametrize(("status", "error"), [(403, NotPermitted), (410, NotFound)])
@pytest.mark.anyio
async def test_a_patient_is_looked_up_once_a_minute(status: int, error: type[FhirToolError]) -> None:
    app = ScriptedFhir([PATIENT])
    at = 0.0
    async with http_to(app) as http:
        tools = ChartSession(FhirClient(http), "2026-11-01T00:00:00+00:00", clock=lambda: at)
        await tools.lock("A", a_call())
        at = 59.0
        await tools.lock("A", a_call())
        assert sent(app) == ["Patient/A?"]
        app.script["Patient/A"] = lambda _: outcome(status, "x", "not any more")
        at = 61.0
        with pytest.raises(error):
            await tools.lock("A", a_call())


@pytest.mark.anyio
async def test_what_an_order_referred_to_is_shut_once_the_order_is_another_patients() -> None:
    def order(patient: str) -> dict[str, object]:
        subject = {"reference": f"Patient/{patient}"}
        medication = {"reference": "Medication/m"}
        return {
            "resourceType": "MedicationRequest",
            "id": "o",
            "subject": subject,
            "medicationReference": medication,
        }

    app = ScriptedFhir([PATIENT, {"resourceType": "Medication", "id": "m"}, order("A")])
    async with session(app) as client:
        asked = {"patient": "A", "reference": "Medication/m"}
        assert data(await client.call_tool("fhir_read", asked))["finding"] == "recorded"
        app.resources[-1] = order("B")
        assert text(await client.call_tool("fhir_read", asked)).startswith("[patient_locked] ")


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("fhir_search", {"resource_type": "Observation"}),
        ("list_records", {"kind": "medications"}),
        ("observations", {"name": "heart rate", "mode": "series"}),
        ("query_chart", {"sql": "SELECT ref FROM observation"}),
        ("search_notes", {"text": "cough"}),
    ],
)
@pytest.mark.anyio
async def test_what_is_wrong_with_the_reading_is_told_with_every_page(
    tool: str, arguments: dict[str, Any]
) -> None:
    def records(patient: str) -> list[dict[str, Any]]:
        order = {"resourceType": "MedicationRequest", "status": "active", "intent": "order"}
        about = {"subject": {"reference": f"Patient/{patient}"}}
        return [
            one
            for n in "123"
            for one in (
                observation(f"{patient}{n}", patient, valueInteger=int(n)),
                {**order, **about, "id": f"{patient}{n}", "medicationCodeableConcept": {"text": n}},
                {**document(f"{patient}{n}", f"Cough {n}."), **about},
            )
        ]

    mine, foreign = records("A"), records("B")[:3]

    def sending(kind: str) -> Any:
        sent = [one for one in [*mine, *foreign] if one["resourceType"] == kind]

        def answer(request: Request) -> Response:
            return bundle(request, sent)

        return answer

    kinds = ("Observation", "MedicationRequest", "DocumentReference")
    app = ScriptedFhir([PATIENT], {kind: sending(kind) for kind in kinds})
    async with session(app, "A") as client:
        first = data(await client.call_tool(tool, {**arguments, "limit": 1}))
        following = data(await client.call_tool(tool, {**arguments, "limit": 1, "cursor": first["cursor"]}))
    for page in (first, following):
        assert page["returned"] == 1
        assert any(note.startswith("1 records of others") for note in page["notes"]), page["notes"]
