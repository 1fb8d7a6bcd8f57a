"""What the calls of one session have in common, and what they do not."""

import pytest

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.errors import FhirToolError, NotFound, NotPermitted
from mcp_servers.fhir.tools.session import ChartSession
from tests.mcp_servers.fhir.scripted import ScriptedFhir, a_call, http_to, outcome
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
