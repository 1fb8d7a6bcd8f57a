"""One FHIR request: headers, retries, and what bad servers get."""

import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from mcp_servers.fhir.access.transport import Limits, Transport
from mcp_servers.fhir.errors import FhirToolError, InvalidRequest, NotFound, NotPermitted, ServerFailed
from tests.mcp_servers.fhir.scripted import BASE, ScriptedFhir, a_call, fhir, http_to, outcome

URL = httpx.URL(f"{BASE}/Observation/1?code=a%7Cb")


class Waits:
    """A sleep that only notes how long it was asked for."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)


def server(*answers: Response) -> ScriptedFhir:
    """A server that gives these answers in turn."""
    waiting = iter(answers)
    return ScriptedFhir(script={"Observation/1": lambda _: next(waiting)})


async def get(app: Any, waits: Waits | None = None) -> dict[str, Any]:
    async with http_to(app) as http:
        return await Transport(http, sleep=waits or Waits(), limits=Limits()).get(URL, a_call())


async def error_of(app: Any, waits: Waits | None = None) -> FhirToolError:
    with pytest.raises(FhirToolError) as caught:
        await get(app, waits)
    return caught.value


@pytest.mark.anyio
async def test_every_request_carries_the_calls_id_and_asks_for_fresh_fhir_json() -> None:
    app = server(fhir({"resourceType": "Observation", "id": "1"}))
    await get(app)
    headers = app.seen[0].headers
    assert headers["x-request-id"] == "call-x"
    assert headers["accept"] == "application/fhir+json"
    assert headers["cache-control"] == "no-cache"
    assert headers["from"] == "dr.grey"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("user", "named"),
    [
        ("grey@clinic.example", "grey@clinic.example"),
        (r"CLINIC\grey", r"CLINIC\grey"),
        (" Dr. Grey ", "Dr. Grey"),
        ("Gr\u00e4y", "Gr%C3%A4y"),
        ("100%", "100%25"),
        ("grey\r\nX-Request-ID: other", "grey%0D%0AX-Request-ID: other"),
        ("\ud800", "?"),
        ("", None),
    ],
)
async def test_the_person_is_named_as_a_header_can_hold_it(user: str, named: str | None) -> None:
    app = server(fhir({"resourceType": "Observation", "id": "1"}))
    call = a_call()
    call.user = user
    async with http_to(app) as http:
        await Transport(http, sleep=Waits(), limits=Limits()).get(URL, call)
    headers = app.seen[0].headers
    assert headers.get("from") == named
    assert headers["x-request-id"] == "call-x"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "entries"),
    [
        (fhir({"resourceType": "Observation", "id": "1"}), None),
        (fhir({"resourceType": "Bundle"}), 0),
        (fhir({"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "OperationOutcome"}}]}), 0),
        (fhir({"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient"}}]}), 1),
        (fhir({"resourceType": "Bundle", "entry": ["?", {}]}), 0),
        (fhir({"resourceType": "Bundle", "entry": 7}), 0),
    ],
)
async def test_a_request_is_noted_with_how_many_records_came(answer: Response, entries: int | None) -> None:
    call = a_call()
    async with http_to(server(answer)) as http:
        await Transport(http, sleep=Waits(), limits=Limits()).get(URL, call)
    assert call.entries == [entries]


@pytest.mark.anyio
async def test_a_request_whose_answer_is_refused_is_noted_once() -> None:
    call = a_call()
    async with http_to(server(PlainTextResponse("no FHIR"))) as http:
        with pytest.raises(ServerFailed):
            await Transport(http, sleep=Waits(), limits=Limits()).get(URL, call)
    assert (call.requests, call.entries) == ([("GET", str(URL), 200)], [None])


@pytest.mark.anyio
async def test_every_request_is_noted_with_its_address_and_status_retries_too() -> None:
    app = server(outcome(503, "transient", "starting"), fhir({"resourceType": "Observation", "id": "1"}))
    call = a_call()
    async with http_to(app) as http:
        await Transport(http, sleep=Waits(), limits=Limits()).get(URL, call)
    assert call.requests == [("GET", str(URL), 503), ("GET", str(URL), 200)]


@pytest.mark.anyio
async def test_a_busy_server_is_asked_again_after_the_time_that_it_names() -> None:
    waits = Waits()
    busy = Response(status_code=429, headers={"Retry-After": "3"})
    assert (await get(server(busy, busy, fhir({"resourceType": "Observation"})), waits))["resourceType"]
    assert waits.asked == [3.0, 3.0]


@pytest.mark.anyio
async def test_a_server_that_stays_busy_is_given_up_after_three_tries() -> None:
    waits = Waits()
    busy = Response(status_code=503)
    error = await error_of(server(busy, busy, busy), waits)
    assert isinstance(error, ServerFailed)
    assert "too busy" in str(error)
    assert len(waits.asked) == 2
    assert sum(waits.asked) <= Limits().wait_s


@pytest.mark.parametrize("retry_after", ["3600", "Wed, 21 Oct 2099 07:28:00 GMT"])
@pytest.mark.anyio
async def test_a_server_that_asks_for_a_long_wait_is_not_waited_for(retry_after: str) -> None:
    waits = Waits()
    error = await error_of(server(Response(status_code=429, headers={"Retry-After": retry_after})), waits)
    assert isinstance(error, ServerFailed)
    assert waits.asked == []


@pytest.mark.parametrize("retry_after", ["soon", "-5", "", "Wed, 21 Oct 2015 07:28:00 GMT"])
@pytest.mark.anyio
async def test_an_unusable_retry_after_leaves_the_usual_short_wait(retry_after: str) -> None:
    waits = Waits()
    busy = Response(status_code=429, headers={"Retry-After": retry_after})
    await get(server(busy, fhir({"resourceType": "Observation"})), waits)
    assert len(waits.asked) == 1
    assert waits.asked[0] <= 1.0


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, InvalidRequest),
        (401, NotPermitted),
        (403, NotPermitted),
        (404, NotFound),
        (410, NotFound),
        (422, InvalidRequest),
        (500, ServerFailed),
        (502, ServerFailed),
    ],
)
@pytest.mark.anyio
async def test_each_status_has_its_kind_of_error_with_the_servers_reason(
    status: int, expected: type[FhirToolError]
) -> None:
    error = await error_of(server(outcome(status, "processing", "HAPI-0524: not this way")))
    assert type(error) is expected
    assert "error/processing HAPI-0524: not this way" in str(error)


@pytest.mark.anyio
async def test_html_in_place_of_fhir_is_never_passed_on() -> None:
    error = await error_of(server(HTMLResponse("<html><b>Jane Roe</b></html>")))
    assert isinstance(error, ServerFailed)
    assert "HTML" in str(error)
    assert "Jane" not in str(error)
    failed = await error_of(server(HTMLResponse("<html>Jane Roe</html>", status_code=500)))
    assert "Jane" not in str(failed)


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "1", '{"a": NaN}', '{"resourceType": 3}', '{"resourceType": "Basic", "x": 1e999}']
)
@pytest.mark.anyio
async def test_a_resource_that_does_not_parse_is_the_servers_failure(body: str) -> None:
    assert isinstance(await error_of(server(PlainTextResponse(body))), ServerFailed)


@pytest.mark.anyio
async def test_a_servers_stack_trace_and_markup_are_left_out() -> None:
    said = (
        "Failed <b>badly</b>\n\tat ca.uhn.fhir.Server.run(Server.java:12)\n\tat java.lang.Thread.run(T.java)"
    )
    error = await error_of(server(outcome(500, "exception", said)))
    assert "Failed badly" in str(error)
    assert "java" not in str(error)


@pytest.mark.anyio
async def test_a_redirect_is_not_followed() -> None:
    app = server(RedirectResponse("http://elsewhere.example/fhir/Observation/1"))
    assert "another address" in str(await error_of(app))
    assert len(app.seen) == 1


@pytest.mark.anyio
async def test_an_answer_without_end_is_cut_off() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 1024 * 1024

    class Endless(httpx.AsyncBaseTransport):
        """A scripted server whose body never ends (an ASGI transport would collect all of it first)."""

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, content=endless())

    async with httpx.AsyncClient(transport=Endless(), base_url=BASE) as http:
        with pytest.raises(ServerFailed, match="does not end"):
            await Transport(http, sleep=Waits(), limits=Limits()).get(URL, a_call())


@pytest.mark.anyio
async def test_a_server_that_is_not_there_is_named_and_the_request_noted_without_a_status() -> None:
    call = a_call()
    async with httpx.AsyncClient(base_url="http://127.0.0.1:1/fhir") as http:
        with pytest.raises(ServerFailed, match=r"127\.0\.0\.1:1/fhir cannot be reached"):
            await Transport(http, sleep=Waits(), limits=Limits()).get(
                httpx.URL("http://127.0.0.1:1/fhir/metadata"), call
            )
    assert call.requests == [("GET", "http://127.0.0.1:1/fhir/metadata", None)]


@pytest.mark.anyio
async def test_a_slow_server_is_a_failure_that_says_so() -> None:
    class Slow(httpx.AsyncBaseTransport):
        """A scripted server that httpx gives up on."""

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise httpx.ReadTimeout("slow", request=request)

    async with httpx.AsyncClient(transport=Slow(), base_url=BASE) as http:
        with pytest.raises(ServerFailed, match="did not answer in time"):
            await Transport(http, sleep=Waits(), limits=Limits()).get(URL, a_call())


@pytest.mark.anyio
@pytest.mark.parametrize("encoding", ["gzip, gzip", "zstd", "deflate", "br"])
async def test_an_encoding_that_was_not_asked_for_is_not_unpacked(encoding: str) -> None:
    packed = Response(b"\x00", headers={"Content-Encoding": encoding})
    app = server(packed)
    assert "encoded in a way" in str(await error_of(app))
    assert app.seen[0].headers["accept-encoding"] == "gzip"


@pytest.mark.anyio
async def test_a_packed_answer_that_grows_beyond_bounds_is_cut_off() -> None:
    packed = gzip.compress(b" " * (Limits().body_bytes + 1))
    error = await error_of(server(Response(packed, headers={"Content-Encoding": "gzip"})))
    assert "does not end" in str(error)


@pytest.mark.anyio
async def test_half_a_character_is_replaced_and_the_record_stays_readable() -> None:
    body = rb'{"resourceType": "Basic", "id": "\ud83d\ude00 a \ud800 b"}'
    assert (await get(server(Response(body))))["id"] == "\U0001f600 a ? b"


@pytest.mark.anyio
async def test_a_servers_words_cannot_steer_a_terminal() -> None:
    error = await error_of(server(outcome(400, "invalid", "no\x1b[2J such\u202e code")))
    assert str(error).isprintable()
