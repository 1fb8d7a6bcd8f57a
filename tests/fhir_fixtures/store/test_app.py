"""The HTTP side: what the server says of itself, and the headers of every answer."""

import re

import httpx
import pytest

pytestmark = pytest.mark.anyio


async def test_the_server_says_what_it_can_do_and_that_it_is_a_stand_in(reader: httpx.AsyncClient) -> None:
    response = await reader.get("metadata")
    statement = response.json()
    assert response.headers["Content-Type"].startswith("application/fhir+json")
    assert statement["fhirVersion"] == "4.0.1"
    assert "stand-in" in statement["software"]["name"]
    assert statement["implementation"]["url"] == "http://embedded/fhir"
    observation = next(r for r in statement["rest"][0]["resource"] if r["type"] == "Observation")
    assert {"name": "date", "type": "date"} in observation["searchParam"]
    assert "Observation:subject" in observation["searchInclude"]


async def test_every_parameter_that_the_server_names_can_be_searched(reader: httpx.AsyncClient) -> None:
    statement = (await reader.get("metadata")).json()
    patient = next(r for r in statement["rest"][0]["resource"] if r["type"] == "Patient")
    for parameter in patient["searchParam"]:
        value = {"date": "2020", "number": "1", "quantity": "1"}.get(parameter["type"], "x")
        response = await reader.get("Patient", params={parameter["name"]: value})
        assert response.status_code == 200, parameter["name"]


async def test_a_binary_is_read_as_its_content_unless_fhir_is_asked_for(writer: httpx.AsyncClient) -> None:
    binary = {"resourceType": "Binary", "id": "it", "contentType": "text/plain", "data": "aGVsbG8="}
    assert (await writer.put("Binary/it", json=binary)).json()["data"] == "aGVsbG8="
    content = await writer.get("Binary/it")
    assert (content.text, content.headers["Content-Type"].partition(";")[0]) == ("hello", "text/plain")
    as_fhir = await writer.get("Binary/it", headers={"Accept": "application/fhir+json"})
    assert as_fhir.json()["data"] == "aGVsbG8="
    await writer.put("Binary/it", json=binary | {"data": "x"})
    assert (await writer.get("Binary/it")).json()["data"] == "x"


@pytest.mark.parametrize("url", ["Patient/ana", "Patient/absent", "Patient?bogus=1", "metadata"])
async def test_the_request_id_is_echoed_and_an_unfit_one_replaced(
    reader: httpx.AsyncClient, url: str
) -> None:
    echoed = await reader.get(url, headers={"X-Request-ID": "abc-123"})
    assert echoed.headers["X-Request-ID"] == "abc-123"
    for unfit in ("a b", "x" * 200, ""):
        replaced = await reader.get(url, headers={"X-Request-ID": unfit})
        assert re.fullmatch(r"[A-Za-z0-9]{16}", replaced.headers["X-Request-ID"])
