"""What a search brings: pages, each checked, never followed elsewhere nor without end; and counts."""

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from mcp_servers.fhir.access.client import MAX_PAGES, FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.errors import InvalidRequest, ServerFailed
from tests.mcp_servers.fhir.scripted import (
    BASE,
    ScriptedFhir,
    a_call,
    bundle,
    fhir,
    http_to,
    observation,
    outcome,
)
from tests.mcp_servers.fhir.searching import A, ids, search, sent


@pytest.mark.anyio
async def test_another_patients_record_on_the_second_page_is_found_out() -> None:
    def paged(request: Request) -> Response:
        if "page" in request.query_params:
            return bundle(request, [observation("2", "B")])
        return bundle(request, [observation("1", "A")], following=f"{BASE}/Observation?page=2")

    with pytest.raises(ServerFailed, match="ignored the filter"):
        await search(ScriptedFhir(script={"Observation": paged}))


@pytest.mark.anyio
async def test_pages_are_followed_at_the_base_and_at_the_search_itself() -> None:
    def first(request: Request) -> Response:
        return bundle(request, [observation("1", "A")], following=f"{BASE}?_getpages=u&_getpagesoffset=1")

    def second(request: Request) -> Response:
        return bundle(request, [observation("2", "A")], following=f"{BASE}/Observation?page=3")

    def by_page(request: Request) -> Response:
        return bundle(request, [observation("3", "A")]) if "page" in request.query_params else first(request)

    app = ScriptedFhir(script={"Observation": by_page, "/fhir": second})
    assert ids(await search(app)) == ["1", "2", "3"]


@pytest.mark.parametrize(
    "link",
    [
        "http://scripted.evil.example/fhir?_getpages=1",
        "http://scripted:8080/fhir?_getpages=1",
        "https://scripted/fhir?_getpages=1",
        "http://user@scripted/fhir?_getpages=1",
        "http://scripted/fhirx?_getpages=1",
        "http://scripted/fhir/../admin?_getpages=1",
        "http://scripted/fhir/Patient?page=2",
        "http://scripted/fhir/Observation/1?page=2",
        "http://scripted/fhir%2f?_getpages=1",
        "//elsewhere.example/fhir?_getpages=1",
        "http://[",
        "http://xn--/fhir?_getpages=1",
    ],
)
@pytest.mark.anyio
async def test_a_next_link_that_leads_elsewhere_is_not_followed(link: str) -> None:
    app = ScriptedFhir(script={"Observation": lambda request: bundle(request, [], following=link)})
    with pytest.raises(ServerFailed, match="next link"):
        await search(app)
    assert len(sent(app)) == 1


@pytest.mark.anyio
async def test_a_page_that_follows_itself_is_found_out() -> None:
    def looping(request: Request) -> Response:
        return bundle(request, [observation("1", "A")], following=f"{BASE}/Observation?page=2")

    app = ScriptedFhir(script={"Observation": looping})
    with pytest.raises(ServerFailed, match="do not end"):
        await search(app)
    assert len(sent(app)) == 2


@pytest.mark.anyio
async def test_pages_that_never_end_are_given_up() -> None:
    def endless(request: Request) -> Response:
        page = int(request.query_params.get("page", "0")) + 1
        return bundle(request, [], following=f"{BASE}/Observation?page={page}")

    app = ScriptedFhir(script={"Observation": endless})
    with pytest.raises(ServerFailed, match="do not end"):
        await search(app)
    assert len(sent(app)) == MAX_PAGES


@pytest.mark.anyio
async def test_an_expired_search_says_to_run_it_again() -> None:
    def expired(request: Request) -> Response:
        if "page" in request.query_params:
            return outcome(410, "processing", "HAPI-0417: Search ID u does not exist and may have expired")
        return bundle(request, [], following=f"{BASE}/Observation?page=2")

    with pytest.raises(InvalidRequest, match="run it again"):
        await search(ScriptedFhir(script={"Observation": expired}))


@pytest.mark.parametrize(("said", "count"), [({"total": 7}, 7), ({}, None), ({"total": -1}, None)])
@pytest.mark.anyio
async def test_a_count_is_one_request_and_unknown_when_the_server_gives_none(
    said: dict[str, Any], count: int | None
) -> None:
    def count_only(request: Request) -> Response:
        own = {"relation": "self", "url": str(request.url)}
        return fhir({"resourceType": "Bundle", "type": "searchset", "link": [own], **said})

    app = ScriptedFhir(script={"Observation": count_only})
    async with http_to(app) as http:
        lock = PatientLock(A, BASE)
        assert await FhirClient(http).count("Observation", [("code", "1")], lock, a_call()) == count
    assert sent(app) == ["Observation?patient=A&code=1&_summary=count"]


@pytest.mark.anyio
async def test_a_count_whose_filter_was_dropped_is_not_used() -> None:
    app = ScriptedFhir(script={"Observation": lambda request: bundle(request, [], own=f"{BASE}/Observation")})
    async with http_to(app) as http:
        with pytest.raises(ServerFailed, match="did not apply"):
            await FhirClient(http).count("Observation", [], PatientLock(A, BASE), a_call())


@pytest.mark.anyio
async def test_no_total_is_asked_for_where_none_is_needed() -> None:
    app = ScriptedFhir()
    async with http_to(app) as http:
        lock = PatientLock(A, BASE)
        await FhirClient(http).search("Observation", [], lock, a_call(), count=1, total=False)
    assert sent(app) == ["Observation?patient=A&_count=1"]
