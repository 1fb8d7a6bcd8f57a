"""Servers that cut, repeat, disorder or forget their answers are found out, and it is said."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest
from starlette.requests import Request
from starlette.responses import Response

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.charts import Search
from mcp_servers.fhir.errors import FhirToolError, InvalidRequest, ServerFailed
from mcp_servers.fhir.reading.gathering import gather
from mcp_servers.fhir.reading.snapshot import Snapshot
from tests.mcp_servers.fhir.scripted import (
    BASE,
    Resource,
    ScriptedFhir,
    a_call,
    bundle,
    capability_statement,
    fhir,
    http_to,
    observation,
    outcome,
)
from tests.mcp_servers.fhir.searching import sent
from tests.mcp_servers.fhir.sessions import data, session, text

PATIENT: Resource = {"resourceType": "Patient", "id": "A"}


class Read(NamedTuple):
    """What came of reading a patient's observations: ids, notes, and whether that is said to be all."""

    ids: list[str]
    notes: list[str]
    whole: bool


async def by_gathering(app: ScriptedFhir, *parameters: tuple[str, str]) -> Read:
    async with http_to(app) as http:
        lock = PatientLock("Patient/A", BASE)
        found = await gather(FhirClient(http), [Search("Observation", parameters)], lock, a_call())
    return Read([resource["id"] for resource in found.resources], found.notes, found.complete)


async def by_fhir_search(app: ScriptedFhir, *parameters: tuple[str, str]) -> Read:
    asked = {
        "resource_type": "Observation",
        "parameters": [{"name": name, "value": value} for name, value in parameters],
        "limit": 100,
    }
    app.resources.append(PATIENT)
    async with session(app, "A", base=BASE) as client:
        result = await client.call_tool("fhir_search", asked)
    if result.is_error:
        raise (ServerFailed if "[server_failed]" in text(result) else InvalidRequest)(text(result))
    found = data(result)
    rows = [row["ref"].removeprefix("Observation/") for row in found["rows"]]
    return Read(rows, found["notes"], not found["truncated"])


async def by_snapshot(app: ScriptedFhir) -> Read:
    found: list[str] = []

    async def receive(records: list[Resource], _: dict[str, Resource]) -> None:
        found.extend(record["id"] for record in records)

    async with http_to(app) as http:
        lock = PatientLock("Patient/A", BASE)
        changes = await Snapshot(["Observation"]).refresh(FhirClient(http), lock, a_call(), receive)
    return Read(list(dict.fromkeys(found)), changes.notes, changes.complete)


Way = Callable[..., Awaitable[Read]]
both_ways = pytest.mark.parametrize("read", [by_gathering, by_fhir_search])
every_way = pytest.mark.parametrize("read", [by_gathering, by_fhir_search, by_snapshot])


def changed(answer: Response, **elements: Any) -> Response:
    """An answer with other elements in its Bundle; None takes one out."""
    body = json.loads(bytes(answer.body)) | elements
    return fhir({name: value for name, value in body.items() if value is not None})


def serving(*pages: Callable[[Request], Response]) -> ScriptedFhir:
    """A server that answers with these pages in turn; `page` in the address counts them."""
    return ScriptedFhir(
        script={"Observation": lambda request: pages[int(request.query_params.get("page", "0"))](request)}
    )


def page(*ids: str, following: int | None = None, **elements: Any) -> Callable[[Request], Response]:
    """A page with these observations, leading to another one."""
    link = None if following is None else f"{BASE}/Observation?page={following}"
    found = [observation(one, "A") for one in ids]
    return lambda request: changed(bundle(request, found, following=link), **elements)


@every_way
@pytest.mark.anyio
async def test_a_server_that_sends_shorter_pages_than_asked_for_is_read_to_the_end(read: Way) -> None:
    app = serving(page("1", following=1, total=3), page("2", following=2, total=3), page("3", total=3))
    assert await read(app) == Read(["1", "2", "3"], [], True)


@every_way
@pytest.mark.anyio
async def test_a_server_that_cuts_its_answer_and_leads_no_further_is_found_out_by_its_count(
    read: Way,
) -> None:
    app = serving(page("1", "2", total=5))
    said = "The server counts 5 Observation records, and sent 2: others are missing."
    assert await read(app) == Read(["1", "2"], [said], False)


@every_way
@pytest.mark.anyio
async def test_a_server_that_counts_nothing_is_believed_when_its_last_page_is_not_full(read: Way) -> None:
    app = serving(page("1", following=1, total=None), page("2", total=None))
    assert await read(app) == Read(["1", "2"], [], True)


@every_way
@pytest.mark.anyio
async def test_a_full_page_without_count_and_next_link_may_not_be_all(read: Way) -> None:
    def full(request: Request) -> Response:
        asked = int(request.query_params["_count"])
        return page(*map(str, range(asked)), total=None)(request)

    found = await read(serving(full))
    assert not found.whole
    (note,) = found.notes
    assert note.endswith("and does not say whether others match.")


@every_way
@pytest.mark.anyio
async def test_a_count_that_changes_between_pages_is_said(read: Way) -> None:
    app = serving(page("1", following=1, total=2), page("2", "3", total=3))
    found = await read(app)
    assert found.ids == ["1", "2", "3"]
    (note,) = found.notes
    assert note.startswith("The chart changed while it was read: the server counted 2")


@every_way
@pytest.mark.anyio
async def test_a_record_that_comes_twice_is_counted_once_and_said(read: Way) -> None:
    app = serving(page("1", "2", following=1, total=3), page("2", "3", total=3))
    said = "The server sent 1 Observation records twice; each is counted once."
    assert await read(app) == Read(["1", "2", "3"], [said], True)


@every_way
@pytest.mark.anyio
async def test_a_record_that_slips_between_two_pages_is_missed(read: Way) -> None:
    app = serving(page("1", "2", following=1, total=4), page("2", "3", total=4))
    found = await read(app)
    assert not found.whole
    assert found.notes[-1] == "The server counts 4 Observation records, and sent 3: others are missing."


@every_way
@pytest.mark.anyio
async def test_withheld_records_are_not_taken_for_missing_ones(read: Way) -> None:
    def shared(request: Request) -> Response:
        of_both = observation("2", "A", subject=[{"reference": "Patient/A"}, {"reference": "Patient/B"}])
        return bundle(request, [observation("1", "A"), of_both])

    said = "1 records that are about other patients too are withheld."
    assert await read(serving(shared)) == Read(["1"], [said], True)


@every_way
@pytest.mark.anyio
async def test_pages_in_a_circle_are_an_error(read: Way) -> None:
    app = serving(page("1", following=1), page("2", following=1))
    with pytest.raises(ServerFailed, match="do not end"):
        await read(app)
    assert [request for request in sent(app) if "page" in request] == ["Observation?page=1"]


@every_way
@pytest.mark.anyio
async def test_a_search_that_expires_is_begun_again_once(read: Way) -> None:
    turns = iter([outcome(410, "processing", "expired"), None])

    def second(request: Request) -> Response:
        return next(turns) or page("2", total=2)(request)

    app = serving(page("1", following=1, total=2), second)
    assert await read(app) == Read(["1", "2"], [], True)


@every_way
@pytest.mark.anyio
async def test_a_search_that_keeps_expiring_is_the_servers_failure(read: Way) -> None:
    app = serving(page("1", following=1), lambda _: outcome(410, "processing", "expired"))
    with pytest.raises(FhirToolError, match="forgets a search") as caught:
        await read(app)
    assert isinstance(caught.value, ServerFailed)


def dated(*days: str, kept: bool = True) -> ScriptedFhir:
    """A server that answers with observations of these days, whatever order is asked for."""

    def answer(request: Request) -> Response:
        found = [observation(str(n), "A", effectiveDateTime=day) for n, day in enumerate(days)]
        own = None if kept else str(request.url.remove_query_params("_sort"))
        return bundle(request, found, own=own)

    return ScriptedFhir(script={"Observation": answer})


@pytest.mark.parametrize(
    ("sort", "days", "kept", "unsorted"),
    [
        ("-date", ("2020-05-01", "2021-05-01"), True, True),
        ("-date", ("2021-05-01", "2020-05-01"), True, False),
        ("date", ("2021-05-01", "2020-05-01"), True, True),
        ("date,-code", ("2020-05-01", "2021-05-01"), True, False),
        ("-date", ("2021-05-01", "2020-05-01"), False, True),
        ("-date", ("2021-05-01T01:00:00+05:00", "2021-05-02T00:00:00-08:00"), True, False),
        ("-date", ("2021", "2021-05-01", "soon"), True, False),
        ("code", ("2021-05-01", "2020-05-01"), True, False),
    ],
)
@both_ways
@pytest.mark.anyio
async def test_a_server_that_does_not_sort_is_found_out_by_the_dates_of_its_records(
    read: Way, sort: str, days: tuple[str, ...], kept: bool, unsorted: bool
) -> None:
    found = await read(dated(*days, kept=kept), ("_sort", sort))
    assert [note.partition(":")[0] for note in found.notes] == (
        [f"The FHIR server did not sort by {sort}"] if unsorted else []
    )


@pytest.mark.anyio
async def test_the_order_of_last_updates_is_read_from_the_meta_of_records() -> None:
    def answer(request: Request) -> Response:
        days = ("2020-05-01T00:00:00Z", "2021-05-01T00:00:00Z")
        return bundle(
            request, [observation(str(n), "A", meta={"lastUpdated": day}) for n, day in enumerate(days)]
        )

    app = ScriptedFhir(script={"Observation": answer})
    assert (await by_gathering(app, ("_sort", "-_lastUpdated"))).notes
    assert not (await by_gathering(app, ("_sort", "_lastUpdated"))).notes


@pytest.mark.anyio
async def test_records_that_sort_alike_keep_their_places_between_pages_where_the_server_sorts_by_id() -> None:
    listing = capability_statement()
    for resource in listing["rest"][0]["resource"]:
        resource["searchParam"].append({"name": "_id", "type": "token"})
    app = dated("2021-05-01", "2020-05-01")
    app.script["metadata"] = lambda _: fhir(listing)
    await by_fhir_search(app, ("_sort", "-date"))
    assert app.seen[-1].query_params["_sort"] == "-date,_id"
    other = dated("2021-05-01", "2020-05-01")
    await by_fhir_search(other, ("_sort", "-date"))
    assert other.seen[-1].query_params["_sort"] == "-date"
