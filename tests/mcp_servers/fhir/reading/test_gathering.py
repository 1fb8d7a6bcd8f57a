"""Whole-chart reads: all pages of all searches, or a note that says what is missing."""

import anyio
import anyio.lowlevel
import pytest
from starlette.requests import Request
from starlette.responses import Response

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.charts import Search
from mcp_servers.fhir.errors import ServerFailed
from mcp_servers.fhir.reading.gathering import MAX_RESOURCES, Gathered, at_once, gather
from tests.mcp_servers.fhir.scripted import (
    BASE,
    ScriptedFhir,
    a_call,
    bundle,
    http_to,
    observation,
    outcome,
)


async def gathered(app: ScriptedFhir, *searches: Search) -> Gathered:
    async with http_to(app) as http:
        return await gather(FhirClient(http), searches, PatientLock("Patient/A", BASE), a_call())


def paged(pages: int, size: int) -> ScriptedFhir:
    """A server with this many pages of observations."""

    def answer(request: Request) -> Response:
        page = int(request.query_params.get("page", "0"))
        following = f"{BASE}/Observation?page={page + 1}" if page + 1 < pages else None
        return bundle(request, [observation(f"{page}-{n}", "A") for n in range(size)], following=following)

    return ScriptedFhir(script={"Observation": answer})


@pytest.mark.anyio
async def test_every_page_is_read() -> None:
    found = await gathered(paged(pages=3, size=2), Search("Observation"))
    assert [r["id"] for r in found.resources] == ["0-0", "0-1", "1-0", "1-1", "2-0", "2-1"]
    assert found.complete


@pytest.mark.anyio
async def test_a_chart_beyond_the_bound_is_cut_and_the_cut_is_noted() -> None:
    found = await gathered(paged(pages=MAX_RESOURCES // 1000 + 1, size=1000), Search("Observation"))
    assert len(found.resources) == MAX_RESOURCES
    assert not found.complete
    assert found.notes == [f"Only the first {MAX_RESOURCES} Observation records were read; others may match."]


@pytest.mark.anyio
async def test_a_record_that_two_searches_find_is_there_once() -> None:
    app = ScriptedFhir([observation("1", "A"), observation("2", "A")])
    found = await gathered(
        app, Search("Observation", (("code", "1"),)), Search("Observation", (("category", "lab"),))
    )
    assert [r["id"] for r in found.resources] == ["1", "2"]


@pytest.mark.anyio
async def test_a_type_that_the_server_does_not_hold_is_noted() -> None:
    found = await gathered(ScriptedFhir(), Search("Goal"), Search("Observation"))
    assert found.notes == ["This server holds no Goal."]
    assert found.by_type == {"Goal": [], "Observation": []}


@pytest.mark.anyio
async def test_an_include_that_the_server_does_not_have_is_left_out_of_the_search() -> None:
    app = ScriptedFhir()
    await gathered(app, Search("Observation", (), ("Observation:colour", "Observation:performer")))
    assert app.seen[-1].query_params.getlist("_include") == ["Observation:performer"]


@pytest.mark.anyio
async def test_one_failed_search_fails_the_whole() -> None:
    app = ScriptedFhir(script={"Device": lambda _: outcome(500, "exception", "broken")})
    with pytest.raises(ServerFailed):
        await gathered(app, *(Search("Observation") for _ in range(6)), Search("Device"))


@pytest.mark.parametrize("error", [ServerFailed("no"), LookupError("no")])
@pytest.mark.anyio
async def test_the_first_error_of_several_jobs_comes_bare_and_the_others_are_given_up(
    error: Exception,
) -> None:
    given_up = anyio.Event()

    async def endless() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            given_up.set()

    async def failing() -> None:
        await anyio.lowlevel.checkpoint()
        raise error

    with pytest.raises(type(error)) as raised:
        await at_once([endless, failing])
    assert raised.value is error
    assert given_up.is_set()
