"""find_patient: namesakes, nobody, and patients whom the text has no room for."""

import pytest
from starlette.applications import Starlette

from tests.mcp_servers.fhir.scripted import ScriptedFhir, bundle
from tests.mcp_servers.fhir.sessions import data, session, text


@pytest.mark.anyio
async def test_two_patients_of_one_name_are_both_listed(embedded: Starlette) -> None:
    async with session(embedded) as client:
        found = data(await client.call_tool("find_patient", {"text": "john smith"}))
    assert [row["birth_date"] for row in found["rows"]] == ["1950-07-02", "1987-11-23"]
    assert any("tell them apart" in note for note in found["notes"])


@pytest.mark.anyio
async def test_more_patients_than_asked_for_are_announced(each_store: Starlette | str) -> None:
    async with session(each_store) as client:
        found = data(await client.call_tool("find_patient", {"text": "john smith", "limit": 1}))
    assert (found["returned"], found["total"], found["truncated"]) == (1, 2, True)
    assert found["notes"][-1] == "More patients match: add a birth date or an identifier."


@pytest.mark.anyio
async def test_nobody_of_that_name_is_nothing_recorded(embedded: Starlette) -> None:
    async with session(embedded) as client:
        found = data(await client.call_tool("find_patient", {"text": "Nobody Atall"}))
    assert (found["finding"], found["rows"]) == ("nothing_recorded", [])
    assert "looked up by how they begin" in found["notes"][0]


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
