"""One tool call, from intent to result: on the trail before and after, errors as results."""

import hashlib
import json
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import anyio
from anyio import to_thread
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, TextContent

from mcp_servers.audit.chain.errors import AuditError
from mcp_servers.fhir.charts import UnusableArgument
from mcp_servers.fhir.errors import (
    AuditUnavailable,
    FhirToolError,
    InvalidRequest,
    NotPermitted,
    PatientLocked,
    ServerFailed,
)
from mcp_servers.fhir.recording import Call, Outcome, Recorder
from mcp_servers.fhir.tools import Answer

META_KEY = "ehr-navigator/step"

_log = logging.getLogger(__name__)
TRACE_KEY = "traceparent"  # where MCP clients put W3C's trace context
UNKNOWN_TOOL = "unknown"  # what a call is recorded as that names no tool of ours
_MAX_META = 2000
_TRACE_LENGTH = 55
_MAX_REFUSED = 4000


class Asked(NamedTuple):
    """A call as a client makes it; `patient` (`Patient/id`) is whom it is about, when that can be told."""

    tool: str
    arguments: dict[str, Any]
    patient: str | None
    context: Context | None

    def begin(self, recorder: Recorder) -> Call:
        """The call with its intent on the trail. Raises AuditError."""
        return recorder.begin(self.tool, self.arguments, self.patient, _claims(self.context))


async def recorded(
    recorder: Recorder, asked: Asked, work: Callable[[Call], Awaitable[Answer]]
) -> CallToolResult:
    """The result of `work`: the intent is on the trail before it begins, the completion before it returns.

    A client that wants to know of progress is told of each FHIR request answered.
    """
    try:
        call = await to_thread.run_sync(asked.begin, recorder)  # a thread, as it waits for the disk
    except AuditError as error:
        return _unrecorded(error)
    context = asked.context
    if context is None or (context.request_context.meta or {}).get("progress_token") is None:
        return await _completed(call, lambda: work(call))
    told, heard = anyio.create_memory_object_stream[int](math.inf)

    async def report() -> None:
        async for answered in heard:
            await context.report_progress(answered, None, f"{answered} FHIR requests answered")

    with told, heard:
        async with anyio.create_task_group() as group:
            group.start_soon(report)
            result = await _completed(call, lambda: work(_Counted(call, told.send_nowait)))
            group.cancel_scope.cancel()
    return result


async def refused(recorder: Recorder, asked: Asked, why: str) -> CallToolResult:
    """The answer to a call that no tool takes, once it is on the trail: it may have been an attempt."""
    text = json.dumps(asked.arguments)
    kept = asked.arguments if len(text) <= _MAX_REFUSED else {"cut": text[:_MAX_REFUSED]}
    short = asked._replace(arguments=kept)

    def written() -> CallToolResult:
        return _complete(short.begin(recorder), None, InvalidRequest(why))

    try:
        return await to_thread.run_sync(written)
    except AuditError as error:
        return _unrecorded(error)


class _Counted:
    """A call that also tells how many of its FHIR requests have been answered."""

    def __init__(self, call: Call, tell: Callable[[int], object]) -> None:
        self.id, self.user = call.id, call.user
        self._call = call
        self._tell = tell
        self._answered = 0

    def request(
        self, method: str, url: str, status: int | None, ms: float, entries: int | None = None
    ) -> None:
        self._call.request(method, url, status, ms, entries)
        self._answered += 1
        self._tell(self._answered)

    def withheld(self, count: int) -> None:
        self._call.withheld(count)

    def complete(self, outcome: Outcome, **facts: Any) -> object:
        return self._call.complete(outcome, **facts)


async def _completed(call: Call, work: Callable[[], Awaitable[Answer]]) -> CallToolResult:
    """The result of `work`, once the trail holds its completion; a cancelled call is completed too."""
    answer: Answer | None = None
    error: FhirToolError | None = None
    try:
        answer = await work()
    except FhirToolError as failed:
        error = failed
    except UnusableArgument as unusable:
        error = InvalidRequest(str(unusable))
    except Exception as unexpected:
        error = _unforeseen(call, unexpected)
    except anyio.get_cancelled_exc_class():
        with anyio.CancelScope(shield=True), suppress(AuditError):  # the intent then stands alone
            await to_thread.run_sync(_complete, call, None, None)
        raise
    try:
        with anyio.CancelScope(shield=True):
            result = await to_thread.run_sync(_written, call, answer, error)
    except AuditError as unrecorded:
        return _failure(AuditUnavailable(f"{unrecorded} The result is withheld, as it cannot be recorded."))
    return result


def _written(call: Call, answer: Answer | None, error: FhirToolError | None) -> CallToolResult:
    """As `_complete`; a result that cannot be written down fails, and the trail says so."""
    try:
        return _complete(call, answer, error)
    except AuditError:
        raise
    except Exception as unexpected:
        return _complete(call, None, _unforeseen(call, unexpected))


def _unforeseen(call: Call, unexpected: Exception) -> ServerFailed:
    # The text of an unexpected error may quote the chart: only its type is logged.
    _log.error("unexpected %s in call %s", type(unexpected).__name__, call.id)
    return ServerFailed("The tool failed on this server's answer; ask in another way, or try fhir_read.")


def _complete(call: Call, answer: Answer | None, error: FhirToolError | None) -> CallToolResult:
    """Complete `call` in the trail, and make the result. Neither answer nor error means cancelled."""
    if answer is None:
        declined = isinstance(error, InvalidRequest | NotPermitted | PatientLocked)
        call.complete(
            "refused" if declined else "failed",
            rows=0,
            refs=[],
            patients=[],
            result_sha256="",
            error=error.kind if error is not None else "cancelled",
        )
        return _failure(error or ServerFailed("The call was cancelled."))
    data = answer.envelope.model_dump(mode="json")
    digest = hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    refs = [ref for row in data["rows"] for ref in [row.get("ref"), *row.get("refs", [])] if ref]
    result = CallToolResult(content=[TextContent(type="text", text=answer.text)], structured_content=data)
    call.complete(
        "ok",
        rows=len(data["rows"]),
        refs=list(dict.fromkeys(refs)),
        patients=answer.patients,
        result_sha256=digest,
        error=None,
    )
    return result


def _unrecorded(error: AuditError) -> CallToolResult:
    return _failure(AuditUnavailable(f"{error} Without it no chart is read."))


def _failure(error: FhirToolError) -> CallToolResult:
    text = f"[{error.kind}] {error}"
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)


def _claims(context: Context | None) -> dict[str, Any] | None:
    """What the client says of the step that this call belongs to; claimed, not checked."""
    meta: Mapping[str, Any] = {} if context is None else context.request_context.meta or {}
    claims, trace = meta.get(META_KEY), meta.get(TRACE_KEY)
    if not isinstance(claims, dict) or len(json.dumps(claims)) > _MAX_META:
        claims = None
    if isinstance(trace, str) and len(trace) == _TRACE_LENGTH:
        claims = {TRACE_KEY: trace, **(claims or {})}
    return claims
