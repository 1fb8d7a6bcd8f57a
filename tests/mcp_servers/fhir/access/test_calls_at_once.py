"""Several calls at once over one client: what one waits for another, and what it does not."""

import json
import threading
from collections.abc import Callable, Coroutine

import anyio
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.access.references import checked
from mcp_servers.fhir.access.transport import Limits
from mcp_servers.fhir.errors import ServerFailed
from tests.mcp_servers.fhir.scripted import (
    BASE,
    Resource,
    ScriptedCall,
    ScriptedFhir,
    bundle,
    capability_statement,
    http_to,
    observation,
)
from tests.mcp_servers.fhir.searching import A

Answer = Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]

METADATA = json.dumps(capability_statement()).encode()


def call(number: int) -> ScriptedCall:
    return ScriptedCall(f"call-{number}", "test", {}, None, None)


def client_of(
    answer: Callable[[httpx.Request], Coroutine[None, None, httpx.Response]], limits: Limits
) -> FhirClient:
    return FhirClient(httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url=BASE), limits=limits)


@pytest.mark.anyio
async def test_calls_that_waited_for_the_servers_metadata_share_a_failure_and_the_next_asks_anew() -> None:
    asked = 0
    failed = 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        await anyio.wait_all_tasks_blocked()
        return httpx.Response(500) if asked == 1 else httpx.Response(200, content=METADATA)

    client = client_of(answer, Limits())

    async def ask(number: int) -> None:
        nonlocal failed
        with pytest.raises(ServerFailed, match="HTTP 500"):
            await client.capability(call(number))
        failed += 1

    async with anyio.create_task_group() as calls:
        for number in range(5):
            calls.start_soon(ask, number)
    assert (asked, failed) == (1, 5)
    assert "Observation" in (await client.capability(call(5))).parameters


@pytest.mark.anyio
async def test_a_call_asks_for_the_metadata_itself_when_the_one_it_waited_for_is_cancelled() -> None:
    asked = 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        if asked == 1:
            await anyio.sleep_forever()
        return httpx.Response(200, content=METADATA)

    client = client_of(answer, Limits())
    async with anyio.create_task_group() as waiting:
        with anyio.CancelScope() as first:
            async with anyio.create_task_group() as calls:
                calls.start_soon(client.capability, call(0))
                await anyio.wait_all_tasks_blocked()
                waiting.start_soon(client.capability, call(1))
                await anyio.wait_all_tasks_blocked()
                first.cancel()
    assert asked == 2


@pytest.mark.anyio
async def test_what_a_call_waits_for_the_metadata_of_another_counts_in_its_own_time() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/metadata"):
            await anyio.sleep(0.3)
            return httpx.Response(200, content=METADATA)
        await anyio.sleep_forever()
        raise AssertionError

    client = client_of(answer, Limits(request_s=0.9, call_s=1.0))
    async with anyio.create_task_group() as calls:
        calls.start_soon(client.capability, call(0))
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(ServerFailed, match="in all"):  # 0.7 s are left to it: less than for a request
            await client.search("Observation", [], PatientLock(A, BASE), call(1), count=1)


class Watched(PatientLock):
    """A lock that notes in which threads it makes records fit to show."""

    def __init__(self, referrers: dict[str, str]) -> None:
        super().__init__(A, BASE, referrers)
        self.threads: list[threading.Thread] = []

    def admit(self, resource: Resource) -> int:
        self.threads.append(threading.current_thread())
        return super().admit(resource)


@pytest.mark.anyio
async def test_answers_are_judged_beside_the_event_loop() -> None:
    own = observation("1", "A")
    seen = observation("2", "A", performer=[{"reference": "Practitioner/p"}])
    following = f"{BASE}/Observation?patient=A&page=2"

    def pages(request: Request) -> Response:
        return bundle(request, [own], following=None if "page" in request.query_params else following)

    app = ScriptedFhir([own, seen, {"resourceType": "Practitioner", "id": "p"}], {"Observation": pages})
    lock = Watched({"Practitioner/p": "Observation/2"})
    async with http_to(app) as http:
        client = FhirClient(http)
        await client.read(checked("Observation/1"), lock, call(0))
        page = await client.search("Observation", [], lock, call(0), count=1)
        assert page.next is not None
        await client.next_page(page.next, lock, call(0))
        await client.read(checked("Practitioner/p"), lock, call(0))
    assert len(lock.threads) == 5
    assert threading.main_thread() not in lock.threads
