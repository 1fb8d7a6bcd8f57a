"""The server's own terminology: asked where it is offered, and not twice for what it lacks."""

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.terminology import ServerTerminology, mapped
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

    def translate(request: Request) -> Response:
        if request.query_params["code"] != "ZB1":
            return fhir(
                {"resourceType": "Parameters", "parameter": [{"name": "result", "valueBoolean": False}]}
            )
        return fhir(
            {
                "resourceType": "Parameters",
                "parameter": [
                    {"name": "result", "valueBoolean": True},
                    match("equivalent", {"system": SCT, "code": "34000006", "display": "Crohn's disease"}),
                    match("wider", {"system": SCT, "code": "24526004"}),
                    match("wider", {"system": SCT, "code": "34000006"}),
                    match("disjoint", {"system": SCT, "code": "64766004"}),
                    match("unmatched", {"system": SCT}),
                    match("equivalent", "no concept at all"),
                    {"name": "match", "part": "none"},
                    *(match("inexact", {"system": "urn:many", "code": f"{n}"}) for n in range(100)),
                ],
            }
        )

    script = {
        "ConceptMap/$translate": translate,
        "metadata": lambda _: fhir(statement),
        "ValueSet/$expand": expand,
        "CodeSystem/$lookup": lookup,
    }
    return ScriptedFhir(script=script)


def match(equivalence: str, concept: Any) -> dict[str, Any]:
    """A match of `$translate`, as HAPI 8.8 gives it."""
    parts = [
        {"name": "equivalence", "valueCode": equivalence},
        {"name": "concept", "valueCoding": concept},
        {"name": "source", "valueUri": "http://example.org/map"},
    ]
    return {"name": "match", "part": parts}


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
    assert found == again == ([{"system": SCT, "code": "34000006", "name": "Crohn's disease"}], None)
    assert (first, len(asked(app))) == (5, 6)


@pytest.mark.anyio
async def test_a_text_that_the_server_refuses_is_said_and_the_next_one_is_asked() -> None:
    app = offering(("ValueSet", "expand"))
    expand = app.script["ValueSet/$expand"]

    def costly(request: Request) -> Response:
        if len(request.query_params["filter"]) < 4:
            return outcome(422, "too-costly", "The expansion is too long")
        answer: Response = expand(request)
        return answer

    app.script["ValueSet/$expand"] = costly
    async with http_to(app) as http:
        client, known = FhirClient(http), ServerTerminology()
        found, refused = await known.named(client, "cro", a_call())
        assert (found, "too long" in str(refused)) == ([], True)
        assert len((await known.named(client, "crohn", a_call()))[0]) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Jane Roe MRN 4711 born 1950-02-03",
        "mrn 4711",
        "Roe 3/2/50",
        "roe 3.2.1950",
        "jane@example.org",
        "a b c d e f g",
        "x" * 81,
        "44054006",
    ],
)
@pytest.mark.anyio
async def test_a_text_that_can_be_no_term_is_not_sent(text: str) -> None:
    app = offering(("ValueSet", "expand"))
    async with http_to(app) as http:
        with pytest.raises(InvalidRequest, match="terms"):
            await ServerTerminology().named(FhirClient(http), text, a_call())
    assert asked(app) == []


@pytest.mark.parametrize(
    "text", ["Crohn's disease", "vitamin B12 deficiency", "HLA-B27", "CA 19-9", "CA 125"]
)
@pytest.mark.anyio
async def test_a_term_is_sent(text: str) -> None:
    app = offering(("ValueSet", "expand"))
    async with http_to(app) as http:
        await ServerTerminology().named(FhirClient(http), text, a_call())
    assert [r.query_params["filter"] for r in app.seen if "$" in r.url.path] == [text] * 5


@pytest.mark.parametrize(
    ("system", "code"), [("Patient", "B"), ("mrn", "4711"), ("urn:x", "Jane Roe"), ("urn:x", "x" * 65)]
)
@pytest.mark.anyio
async def test_what_is_no_code_of_a_code_system_is_not_sent(system: str, code: str) -> None:
    app = offering(("CodeSystem", "lookup"), ("ConceptMap", "translate"))
    async with http_to(app) as http:
        for asking in (ServerTerminology().coded, mapped):
            with pytest.raises(InvalidRequest, match="address"):
                await asking(FhirClient(http), system, code, a_call())
    assert asked(app) == []


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
        assert await ServerTerminology().named(FhirClient(http), "crohn", a_call()) == ([], None)
        assert await ServerTerminology().named(FhirClient(http), "Roe 1950-02-03", a_call()) == ([], None)
        assert await ServerTerminology().coded(FhirClient(http), SCT, "34000006", a_call()) is None
    assert asked(app) == []


@pytest.mark.anyio
async def test_a_code_has_what_the_servers_concept_maps_have_for_it_and_not_what_they_rule_out() -> None:
    app = offering(("ConceptMap", "translate"))
    async with http_to(app) as http:
        found = await mapped(FhirClient(http), "urn:local", "ZB1", a_call())
        assert await mapped(FhirClient(http), "urn:local", "ZB2", a_call()) == []
    assert found[:2] == [
        {"system": SCT, "code": "34000006", "equivalence": "equivalent", "name": "Crohn's disease"},
        {"system": SCT, "code": "24526004", "equivalence": "wider"},
    ]
    assert {one["system"] for one in found[2:]} == {"urn:many"}
    assert len(found) == 10


@pytest.mark.anyio
async def test_concept_maps_are_asked_with_a_code_alone_and_only_where_they_are_offered() -> None:
    app = offering(("ConceptMap", "translate"))
    async with http_to(app) as http:
        await mapped(FhirClient(http), "urn:local", "ZB1", a_call())
    (request,) = [one for one in app.seen if "$" in one.url.path]
    assert dict(request.query_params) == {"system": "urn:local", "code": "ZB1"}
    without = offering(("ConceptMap", "closure"))
    async with http_to(without) as http:
        assert await mapped(FhirClient(http), "urn:local", "ZB1", a_call()) == []
    assert asked(without) == []
