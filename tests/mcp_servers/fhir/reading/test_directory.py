"""The patient directory: how a free text is read into searches."""

import pytest
from starlette.requests import Request
from starlette.responses import Response

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.reading.directory import find
from tests.mcp_servers.fhir.scripted import ScriptedFhir, a_call, bundle, http_to


async def searches(text: str) -> list[list[tuple[str, str]]]:
    """The searches that `text` leads to on a server that finds nobody, without paging parameters."""
    app = ScriptedFhir(script={"Patient": lambda request: bundle(request, [])})
    async with http_to(app) as http:
        await find(FhirClient(http), text, a_call(), limit=10)
    return [
        [(n, v) for n, v in request.query_params.multi_items() if n not in ("_count", "_total")]
        for request in app.seen[1:]
    ]


@pytest.mark.anyio
async def test_every_word_of_a_name_must_fit() -> None:
    assert await searches("Smith, John") == [[("name", "Smith"), ("name", "John")]]


@pytest.mark.parametrize("text", ["John 1950-07-02", "1950-07-02 john", "patient John born 1950-07-02"])
@pytest.mark.anyio
async def test_a_birth_date_narrows_the_name_wherever_it_stands(text: str) -> None:
    (search,) = await searches(text)
    assert [(n, v.casefold()) for n, v in search] == [("name", "john"), ("birthdate", "1950-07-02")]


@pytest.mark.parametrize(
    ("text", "search"),
    [
        ("July 2 1950", [("birthdate", "1950-07-02")]),
        ("born 2nd of July, 1950", [("birthdate", "1950-07-02")]),
        ("Roe, Sept. 12, 1950", [("name", "Roe"), ("birthdate", "1950-09-12")]),
        ("May Roe May 1950", [("name", "May"), ("name", "Roe"), ("birthdate", "1950-05")]),
        ("April 1950-07-02", [("name", "April"), ("birthdate", "1950-07-02")]),
        ("June March", [("name", "June"), ("name", "March")]),
    ],
)
@pytest.mark.anyio
async def test_a_birth_date_with_the_months_name_is_read(text: str, search: list[tuple[str, str]]) -> None:
    assert (await searches(text))[0] == search


@pytest.mark.anyio
async def test_a_partial_birth_date_is_enough() -> None:
    assert (await searches("1950-07"))[0] == [("birthdate", "1950-07")]


@pytest.mark.anyio
async def test_a_lone_number_is_tried_as_name_then_identifier_then_id() -> None:
    assert await searches("MRN 12345") == [[("name", "12345")], [("identifier", "12345")], [("_id", "12345")]]


@pytest.mark.anyio
async def test_a_name_with_a_number_beside_it_is_tried_as_name_and_identifier() -> None:
    assert (await searches("Roe 12345"))[-1] == [("name", "Roe"), ("identifier", "12345")]


@pytest.mark.anyio
async def test_a_reference_is_found_by_its_id() -> None:
    assert (await searches("Patient/abc"))[-1] == [("_id", "abc")]


@pytest.mark.anyio
async def test_separators_of_fhir_searches_are_text_in_a_name() -> None:
    assert await searches("O$Brien|x") == [
        [("name", r"O\$Brien\|x")],
        [("identifier", r"O\$Brien\|x")],
        [("_id", r"O\$Brien\|x")],
    ]


@pytest.mark.anyio
async def test_the_first_reading_that_finds_somebody_ends_the_search() -> None:
    def by_identifier(request: Request) -> Response:
        found = [{"resourceType": "Patient", "id": "A"}] if "identifier" in request.query_params else []
        return bundle(request, found)

    app = ScriptedFhir(script={"Patient": by_identifier})
    async with http_to(app) as http:
        page = await find(FhirClient(http), "77", a_call(), limit=10)
    assert [patient["id"] for patient in page.matches] == ["A"]
    assert len(app.seen) == 3


@pytest.mark.parametrize("text", ["", "  , ", "patient", "Smith 02/07/1950", "2.7.1950"])
@pytest.mark.anyio
async def test_a_text_that_cannot_be_read_says_how_to_write_it(text: str) -> None:
    with pytest.raises(InvalidRequest, match="YYYY-MM-DD"):
        await searches(text)
