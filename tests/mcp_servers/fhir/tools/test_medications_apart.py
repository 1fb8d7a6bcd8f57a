"""Drugs that records name by reference alone, on servers that bring no Medication along with them."""

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.reading.cohorts import on_medication
from tests.mcp_servers.fhir.conftest import NOW
from tests.mcp_servers.fhir.scripted import (
    Resource,
    ScriptedFhir,
    a_call,
    bundle,
    capability_statement,
    fhir,
    http_to,
    outcome,
)
from tests.mcp_servers.fhir.sessions import data, session, text

PERSON: Resource = {"resourceType": "Patient", "id": "a", "birthDate": "1960-01-01"}
WARFARIN: Resource = {"resourceType": "Medication", "id": "w", "code": {"text": "Warfarin 5 mg tablet"}}


def order(identifier: str, medication: str) -> Resource:
    return {
        "resourceType": "MedicationRequest",
        "id": identifier,
        "status": "active",
        "intent": "order",
        "authoredOn": "2026-01-02",
        "subject": {"reference": "Patient/a"},
        "medicationReference": {"reference": medication},
    }


def ignoring(*others: Resource) -> ScriptedFhir:
    """A server that ignores `_include`."""
    return ScriptedFhir([PERSON, WARFARIN, order("1", "Medication/w/_history/1"), *others])


def refusing() -> ScriptedFhir:
    """A server that answers 400 to `_include`."""

    def orders(request: Request) -> Response:
        if "_include" in request.query_params:
            return outcome(400, "not-supported", "_include is not supported")
        return bundle(request, [order("1", "Medication/w")])

    return ScriptedFhir([PERSON, WARFARIN], {"MedicationRequest": orders})


def without_includes() -> ScriptedFhir:
    """A server that states by what it includes: not by the medication."""
    statement = capability_statement()
    for one in statement["rest"][0]["resource"]:
        one["searchInclude"] = [f"{one['type']}:subject"]
    app = ignoring()
    app.script["metadata"] = lambda _: fhir(statement)
    return app


SERVERS = [ignoring, refusing, without_includes]


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("list_records", {"kind": "medications", "text": "warfarin"}),
        ("lookup_code", {"text": "warfarin"}),
        ("query_chart", {"sql": "SELECT ref FROM medication_request WHERE code_text ILIKE '%warfarin%'"}),
    ],
)
@pytest.mark.anyio
async def test_a_drug_named_by_reference_alone_is_found(
    server: Any, tool: str, arguments: dict[str, Any]
) -> None:
    async with session(server(), "a") as client:
        result = await client.call_tool(tool, arguments)
    assert "MedicationRequest/1" in text(result)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.anyio
async def test_the_overview_names_a_drug_named_by_reference_alone(server: Any) -> None:
    async with session(server(), "a") as client:
        assert "Warfarin 5 mg" in text(await client.call_tool("chart_overview", {}))


@pytest.mark.anyio
async def test_patients_on_a_drug_named_by_reference_alone_are_counted() -> None:
    app, statement = ignoring(), capability_statement()
    statement["rest"][0]["resource"].append({"type": "MedicationStatement"})
    app.script["metadata"] = lambda _: fhir(statement)
    async with http_to(app) as http:
        part = await on_medication(FhirClient(http), "warfarin", a_call(), NOW.isoformat())
    assert part.ids == {"a"}


@pytest.mark.anyio
async def test_a_drug_that_cannot_be_read_is_told_of_by_its_reference() -> None:
    async with session(ignoring(order("2", "Medication/gone")), "a") as client:
        result = await client.call_tool("list_records", {"kind": "medications", "text": "metformin"})
    assert [note for note in data(result)["notes"] if "Medication/gone" in note and "may miss" in note]


@pytest.mark.anyio
async def test_each_drug_is_asked_for_once_and_by_ids() -> None:
    app = ignoring(order("2", "Medication/w"), order("3", "http://elsewhere/fhir/Medication/x"))
    async with session(app, "a") as client:
        await client.call_tool("list_records", {"kind": "medications", "text": "warfarin"})
    asked = [one.query_params for one in app.seen if one.url.path.endswith("/Medication")]
    assert [one["_id"] for one in asked] == ["w"]
