"""What the store refuses: with which status, and an OperationOutcome that says why."""

import httpx
import pytest

from fhir_fixtures.store import Store

pytestmark = pytest.mark.anyio

_REFUSED = {
    "GET Nonsense": (404, "Unknown resource type 'Nonsense'"),
    "GET Nonsense/1": (404, "Unknown resource type 'Nonsense'"),
    "GET Patient/absent": (404, "Patient/absent is not known"),
    "GET Patient/ana/_history/9": (404, "Version 9"),
    "GET Patient/absent/_history": (404, "Patient/absent is not known"),
    "GET Patient/absent/$everything": (404, "Patient/absent is not known"),
    "GET Patient/ana/$everything?start=2020": (400, "start"),
    "GET Patient/ana/Observation": (400, "not supported"),
    "GET Patient/ana?bogus=1": (400, "bogus"),
    "GET Patient/not%20an%20id": (404, "Invalid resource id"),
    "GET Patient?bogus=1": (400, 'Unknown search parameter "bogus" for resource type "Patient"'),
    "GET Patient?_text=x": (400, "_text"),
    "GET Patient?_filter=x": (400, "_filter"),
    "GET Patient?_sort=bogus": (400, 'Unknown sort parameter "bogus"'),
    "GET Patient?_count=many": (400, "_count"),
    "GET Patient?_summary=most": (400, "_summary"),
    "GET Patient?birthdate=yesterday": (400, 'Invalid date/time format: "yesterday"'),
    "GET Patient?birthdate=2020-13": (400, "Invalid date/time format"),
    "GET Patient?birthdate:bogus=2020": (400, ":bogus"),
    "GET Observation?date=2019,2020": (400, "Multiple date values"),
    "GET Observation?value-quantity=much": (400, "Invalid number"),
    "GET Observation?value-quantity=sa5": (400, 'Prefix "sa"'),
    "GET Observation?code:in=http://vs": (400, ":in"),
    "GET Observation?subject:bogus=x": (400, ":bogus"),
    "GET Observation?subject:identifier=x": (400, ":identifier"),
    "GET Observation?subject:missing=perhaps": (400, ":missing"),
    "GET Observation?subject.bogus=x": (400, "Invalid parameter chain"),
    "GET Observation?code.name=x": (400, "cannot be chained"),
    "GET Observation?subject:Nonsense.name=x": (400, 'Unknown resource type "Nonsense"'),
    "GET Observation?code-value-quantity=4548-4": (400, "composite"),
    "GET Patient?_has:Observation:bogus:code=1": (400, "_has"),
    "GET Patient?_has:Observation=1": (400, "_has"),
    "GET Patient?_include=Patient:bogus": (400, "_include"),
    "GET Patient?_include=organization": (400, "_include"),
    "GET ?_getpages=unknown": (410, "may have expired"),
    "GET ": (400, "base of a FHIR server"),
    "GET $bogus": (400, "$bogus"),
    "GET Patient/$bogus": (400, "$bogus"),
    "GET Patient/ana/$bogus": (400, "$bogus"),
    "PUT Patient/not_an_id": (400, "Invalid resource id"),
    "PATCH Patient/ana": (400, "PATCH"),
    "DELETE Patient": (400, "A condition needs"),
    "GET Patient?_format=xml": (406, "xml"),
}


@pytest.mark.parametrize(("asked", "answer"), _REFUSED.items(), ids=_REFUSED)
async def test_a_request_that_cannot_be_answered_is_refused_with_its_reason(
    reader: httpx.AsyncClient, asked: str, answer: tuple[int, str]
) -> None:
    method, _, url = asked.partition(" ")
    response = await reader.request(method, url)
    assert (response.status_code, response.json()["resourceType"]) == (answer[0], "OperationOutcome")
    assert answer[1] in response.json()["issue"][0]["diagnostics"]


async def test_an_unknown_parameter_is_answered_with_the_valid_ones(reader: httpx.AsyncClient) -> None:
    diagnostics = (await reader.get("Patient?bogus=1")).json()["issue"][0]["diagnostics"]
    assert "Valid search parameters for this search are: [_id, _lastUpdated," in diagnostics
    assert ", birthdate, " in diagnostics


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (b"{", 400, "Failed to parse"),
        (b"\xff", 400, "UTF-8"),
        (b'{"resourceType":"Basic","x":NaN}', 400, "NaN"),
        (b"[" * 100_000, 400, "Failed to parse"),
        (b"", 400, "no resourceType"),
        (b"[]", 400, "no resourceType"),
        (b'{"resourceType":"Patient"}', 400, 'expected "Basic" but found "Patient"'),
        (b'{"resourceType":"Basic","id":1}', 400, "id must be a string"),
        (b'{"resourceType":"Basic","x":1e999}', 400, "1e999"),
        (b'{"resourceType":"Basic","code":{"text":"\\ud800"}}', 400, "surrogate"),
        (b'{"resourceType":"Basic","subject":{"reference":"Patient/no"}}', 400, "Patient/no not found"),
    ],
)
async def test_a_body_that_is_no_such_resource_is_refused(
    writer: httpx.AsyncClient, content: bytes, status: int, reason: str
) -> None:
    headers = {"Content-Type": "application/fhir+json"}
    response = await writer.post("Basic", content=content, headers=headers)
    assert response.status_code == status
    assert reason in response.json()["issue"][0]["diagnostics"]
    assert (await writer.get("Basic?_summary=count")).json()["total"] == 0


async def test_xml_is_refused(writer: httpx.AsyncClient) -> None:
    response = await writer.post("Basic", content=b"<a/>", headers={"Content-Type": "application/fhir+xml"})
    assert response.status_code == 400
    response = await writer.get("Patient/ana", headers={"Accept": "application/fhir+xml"})
    assert response.status_code == 406


async def test_a_database_that_fails_is_an_error_of_the_server(
    store: Store, writer: httpx.AsyncClient
) -> None:
    store.connection.execute("DROP TABLE token_index")
    response = await writer.get("Patient?gender=male")
    assert response.status_code == 500
    assert response.json()["issue"][0]["severity"] == "fatal"
