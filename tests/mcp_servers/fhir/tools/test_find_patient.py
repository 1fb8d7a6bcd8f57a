"""find_patient: what its text says of patients that it has no room for."""

import pytest

from tests.mcp_servers.fhir.scripted import ScriptedFhir, bundle
from tests.mcp_servers.fhir.sessions import data, session, text


@pytest.mark.anyio
async def test_patients_for_whom_the_text_has_no_room_are_told() -> None:
    people = [
        {
            "resourceType": "Patient",
            "id": f"p{n}",
            "name": [{"family": "Roe", "given": [f"Jane{n}", *["Wilhelmina-Alexandra"] * 8]}],
        }
        for n in range(50)
    ]
    app = ScriptedFhir(script={"Patient": lambda request: bundle(request, people)})
    async with session(app) as client:
        result = await client.call_tool("find_patient", {"text": "roe", "limit": 50})
    shown = text(result).count("Patient/p")
    assert data(result)["returned"] == 50
    assert 0 < shown < 50
    assert f"- {50 - shown} more patients match: add a birth date" in text(result)
