"""One FHIR request over HTTP: the headers, the retries, and the errors that can come of it."""

import json
import math
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import quote

import anyio
import anyio.to_thread
import httpx

from mcp_servers.fhir.access.credentials import CredentialsRefused
from mcp_servers.fhir.errors import FhirToolError, InvalidRequest, NotFound, NotPermitted, ServerFailed
from mcp_servers.fhir.recording import Call

Resource = dict[str, Any]

ATTEMPTS = 3
MEBIBYTE = 1024 * 1024
# JSON of this many values takes some 300 MB in Python, and FHIR of 32 MiB has not half as many.
MAX_VALUES = 3_000_000
# From this size on, reading JSON would keep other calls waiting (10 ms a megabyte).
_LARGE = 512 * 1024
_CALLS_KEPT = 256


class Limits(NamedTuple):
    """What an answer may take, and all answers to one tool call: bytes unpacked, and seconds.

    `wait_s` is all the waiting between tries that one request may cost.
    """

    body_bytes: int = 32 * MEBIBYTE
    request_s: float = 30.0
    wait_s: float = 10.0
    call_bytes: int = 512 * MEBIBYTE
    call_s: float = 120.0


@dataclass
class _Spent:
    """What one tool call has cost so far."""

    since: float
    bytes: int = 0


_HEADERS = {
    "Accept": "application/fhir+json",
    "Accept-Encoding": "gzip",
    "Cache-Control": "no-cache",
}
_SAID = "OperationOutcome"  # what a server says about a search, among what it found
# All that a header may hold; what it may not is percent-encoded, and so is the sign of that itself.
_IN_HEADER = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
# Other encodings, or several on top of each other, can grow a small chunk to more than memory holds.
_ENCODINGS = frozenset({"", "identity", "gzip"})
_MARKUP = re.compile(r"<[^>]*>|&[a-z]+;")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_STACK = re.compile(r"(\s+at [\w.$<>]+\(|Traceback|\b[\w.]+(Exception|Error): ).*", re.DOTALL)


class Transport:
    """GET requests against one FHIR server, over an `httpx.AsyncClient` that someone else closes."""

    def __init__(
        self, http: httpx.AsyncClient, *, sleep: Callable[[float], Awaitable[None]], limits: Limits
    ) -> None:
        self._http = http
        self._sleep = sleep
        self._limits = limits
        self._spent: OrderedDict[str, _Spent] = OrderedDict()

    @cached_property
    def base(self) -> str:
        """The server's base address, without a slash at its end, and without the credentials in it."""
        return str(self._http.base_url.copy_with(userinfo=b"")).rstrip("/")

    def begin(self, call: Call) -> None:
        """Start the time of a call that may have to wait before its first request."""
        self._of(call)

    def bytes_read(self, call: Call) -> int:
        """How much one tool call has read so far, unpacked."""
        return self._of(call).bytes

    async def get(self, url: httpx.URL, call: Call, *, quoting: bool = True) -> Resource:
        """The resource at `url`, as parsed JSON.

        429 and 503 are tried again, as long as the server's Retry-After leaves room for it. Raises
        InvalidRequest (400 and its kin), NotPermitted, NotFound, ServerFailed; they repeat the server's
        words when `quoting`.
        """
        waited = 0.0
        for attempt in range(1, ATTEMPTS + 1):
            response, body, resource = await self._send(url, call)
            if response.status_code not in (429, 503):
                break
            wait = _retry_after(response, default=0.5 * 2**attempt)
            if attempt == ATTEMPTS or waited + wait > self._limits.wait_s:
                raise ServerFailed(
                    f"The FHIR server is too busy (HTTP {response.status_code}) and asks to wait"
                    f" {wait:.0f} s; try again later."
                )
            waited += wait
            await self._sleep(wait)
        if resource is None:
            raise _error(response.status_code, body if quoting and len(body) < _LARGE else b"")
        return resource

    async def _send(self, url: httpx.URL, call: Call) -> tuple[httpx.Response, bytearray, Resource | None]:
        """The answer, its body, and the resource in it when it is a success."""
        spent, limits = self._of(call), self._limits
        left = spent.since + limits.call_s - anyio.current_time()
        if left <= 0:
            raise self._too_long()
        started = time.perf_counter()
        status: int | None = None
        ended: float | None = None
        resource: Resource | None = None
        try:
            with anyio.fail_after(min(limits.request_s, left)):
                headers = {**_HEADERS, "X-Request-ID": call.id, **_from(call.user)}
                async with self._http.stream("GET", url, headers=headers, follow_redirects=False) as response:
                    status = response.status_code
                    if response.headers.get("Content-Encoding", "").strip().lower() not in _ENCODINGS:
                        raise ServerFailed(
                            "The FHIR server's answer is encoded in a way that was not asked for."
                        )
                    body = bytearray()
                    async for chunk in response.aiter_bytes():
                        body += chunk
                        spent.bytes += len(chunk)
                        if len(body) > limits.body_bytes:
                            raise ServerFailed(
                                "The FHIR server's answer does not end (over"
                                f" {limits.body_bytes // MEBIBYTE} MiB); narrow the request."
                            )
                        if spent.bytes > limits.call_bytes:
                            raise ServerFailed(
                                f"This took over {limits.call_bytes // MEBIBYTE} MiB of answers from the FHIR"
                                " server, and was given up; ask for less."
                            )
            ended = time.perf_counter()
            if response.is_success:
                large = len(body) >= _LARGE
                resource = await anyio.to_thread.run_sync(_resource, body) if large else _resource(body)
            return response, body, resource
        except (TimeoutError, httpx.TimeoutException):
            if anyio.current_time() - spent.since >= limits.call_s:
                raise self._too_long() from None
            raise ServerFailed(
                f"The FHIR server at {self.base} did not answer in time; try again, or ask for less."
            ) from None
        except CredentialsRefused as refused:
            raise NotPermitted(f"There are no credentials for the FHIR server: {refused}") from None
        except httpx.HTTPError as error:
            raise ServerFailed(
                f"The FHIR server at {self.base} cannot be reached ({type(error).__name__});"
                " check that it runs and that the address is right."
            ) from None
        finally:
            ms = ((ended or time.perf_counter()) - started) * 1000
            call.request("GET", str(url), status, ms, _entries(resource))

    def _too_long(self) -> ServerFailed:
        return ServerFailed(
            f"This took the FHIR server over {self._limits.call_s:.0f} s in all, and was given up;"
            " ask for less, or try again later."
        )

    def _of(self, call: Call) -> _Spent:
        """What `call` has cost; its time runs from now if it is new. The calls of long ago are forgotten."""
        spent = self._spent.setdefault(call.id, _Spent(anyio.current_time()))
        self._spent.move_to_end(call.id)
        if len(self._spent) > _CALLS_KEPT:
            self._spent.popitem(last=False)
        return spent


def _from(user: str) -> dict[str, str]:
    """The header that names the person.

    RFC 9110 (10.1.2) wants a mailbox there. A hospital's user names mostly are none: they go as they are,
    as the EMR's audit (`fhir_fixtures/hapi`, BalpAudit) takes the person from this header word for word.
    """
    named = quote(user.strip(), safe=_IN_HEADER, errors="replace")
    return {"From": named} if named else {}


def _entries(resource: Resource | None) -> int | None:
    """How many records a Bundle holds; what the server says about the search itself is none."""
    if resource is None or resource["resourceType"] != "Bundle":
        return None
    found = resource.get("entry")
    listed = found if isinstance(found, list) else []
    held = [entry.get("resource") for entry in listed if isinstance(entry, dict)]
    return len([one for one in held if isinstance(one, dict) and one.get("resourceType") != _SAID])


def outcome_text(resource: Resource) -> str:
    """An OperationOutcome in a line: severity, code and shortened diagnostics of its first issues.

    Markup and stack traces are left out: what a server writes there is not fit to be passed on.
    """
    issues = resource.get("issue")
    lines = []
    for issue in issues[:3] if isinstance(issues, list) else []:
        if isinstance(issue, dict):
            details = issue.get("details")
            said = issue.get("diagnostics") or (details.get("text") if isinstance(details, dict) else None)
            text = _STACK.sub("", _MARKUP.sub(" ", str(said or "")))
            text = "".join(character if character.isprintable() else " " for character in text)
            line = f"{issue.get('severity', 'error')}/{issue.get('code', 'unknown')} {' '.join(text.split())}"
            lines.append(line[:300].strip())
    return "; ".join(lines)


def _resource(body: bytes | bytearray) -> Resource:
    """The resource in `body`. Raises ServerFailed."""
    if len(body) > MAX_VALUES and sum(map(body.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise ServerFailed(f"The FHIR server's answer has over {MAX_VALUES} values; narrow the request.")
    try:
        resource = json.loads(body.decode("utf-8-sig"), parse_float=_finite, parse_constant=_finite)
        if _SURROGATE.search(body):  # half a character cannot be sent or stored; the rest of the text can
            resource = json.loads(json.dumps(resource, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError):
        kind = "HTML" if body.lstrip()[:1] == b"<" else "something"
        raise ServerFailed(
            f"The server answered with {kind} that is not FHIR JSON;"
            " check that the address is the FHIR base (it often ends in /fhir)."
        ) from None
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise ServerFailed("The server answered with JSON that is not a FHIR resource; check the address.")
    return resource


def _finite(number: str) -> float:
    if not math.isfinite(value := float(number)):
        raise ValueError(number)
    return value


def _error(status: int, body: bytes | bytearray) -> FhirToolError:
    """The error that HTTP `status` stands for, with what the server's OperationOutcome says of it."""
    try:
        resource = _resource(body)
    except ServerFailed:
        resource = {}
    said = outcome_text(resource) if resource.get("resourceType") == "OperationOutcome" else ""
    because = f" The server says: {said}" if said else ""
    if status in (401, 403):
        return NotPermitted(
            f"The FHIR server refuses this (HTTP {status}); it needs other credentials or rights.{because}"
        )
    if status == 404:
        return NotFound(f"The FHIR server has no such record (HTTP 404).{because}")
    if status == 410:
        return NotFound(f"This is gone from the FHIR server (HTTP 410): deleted, or expired.{because}")
    if 400 <= status < 500:
        return InvalidRequest(f"The FHIR server does not accept this request (HTTP {status}).{because}")
    if 300 <= status < 400:
        return ServerFailed(
            f"The server sends us to another address (HTTP {status}), which is not followed;"
            " use the FHIR base it points to."
        )
    return ServerFailed(f"The FHIR server failed (HTTP {status}); try again later.{because}")


def _retry_after(response: httpx.Response, *, default: float) -> float:
    """Seconds to wait, from Retry-After as seconds or as an HTTP date; `default` when it says neither."""
    value = response.headers.get("Retry-After", "")
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return default
