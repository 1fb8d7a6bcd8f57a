"""The server's own terminology: asked where it is offered, and not twice for what it lacks."""

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.terminology import ServerTerminology
from tests.mcp_servers.fhir.scripted import ScriptedFhir, a_call, capability_statement, fhir, http_to, outcome

SCT = "http://snomed.info/sct"


def offering(*operations: tuple[str, str]) -> Any:
    """A server that says it has these operations, and knows one SNOMED CT concept."""
    statement = capability_statement()
    for kind, name in operations:
        statement["rest"][0]["resource"].append({"type": kind, "operation": [{"name": name}]})

    def expand(request: Request) -> Response:
        if "snomed" not in request.query_params["url"]:
            return outcome(404, "not-found", "Unknown ValueSet")
        contains = [{"system": SCT, "code": "34000006", "display": "Crohn's disease"}, {"code": 7}, "no"]
        return fhir({"resourceType": "ValueSet", "expansion": {"contains": contains}})

    def lookup(request: Request) -> Response:
        if request.query_params["code"] != "34000006":
            return outcome(404, "not-found", "Unable to find code")
        display = {"name": "display", "valueString": "Crohn's disease"}
        return fhir({"resourceType": "Parameters", "parameter": [display]})

    script = {
        "metadata": lambda _: fhir(statement),
        "ValueSet/$expand": expand,
        "CodeSystem/$lookup": lookup,
    }
    return ScriptedFhir(script=script)


def asked(app: ScriptedFhir) -> list[str]:
    return [request.url.path for request in app.seen if "$" in request.url.path]


@pytest.mark.anyio
async def test_a_word_is_looked_for_in_every_code_system_and_those_that_lack_are_asked_once() -> None:
    app = offering(("ValueSet", "expand"))
    async with http_to(app) as http:
        client, known = FhirClient(http), ServerTerminology()
        found = await known.named(client, "crohn", a_call())
        first = len(asked(app))
        again = await known.named(client, "crohn", a_call())
    assert found == again == [{"system": SCT, "code": "34000006", "name": "Crohn's disease"}]
    assert (first, len(asked(app))) == (5, 6)


@pytest.mark.anyio
async def test_a_code_is_called_what_the_server_calls_it() -> None:
    app = offering(("CodeSystem", "lookup"))
    async with http_to(app) as http:
        client, known = FhirClient(http), ServerTerminology()
        assert await known.coded(client, SCT, "34000006", a_call()) == "Crohn's disease"
        assert await known.coded(client, SCT, "1", a_call()) is None
        assert await known.coded(client, SCT, "34000006", a_call()) == "Crohn's disease"


@pytest.mark.anyio
async def test_a_server_that_offers_no_terminology_is_not_asked() -> None:
    app = offering()
    async with http_to(app) as http:
        assert await ServerTerminology().named(FhirClient(http), "crohn", a_call()) == []
        assert await ServerTerminology().coded(FhirClient(http), SCT, "34000006", a_call()) is None
    assert asked(app) == []
