"""The MCP server over the chart tools: schemas out, the audit trail around each call, errors as results."""

import hashlib
import inspect
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

import httpx
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, ValidationError

from mcp_servers.audit.errors import AuditError
from mcp_servers.fhir.charts import UnusableDate
from mcp_servers.fhir.client import FhirClient
from mcp_servers.fhir.envelope import ResultEnvelope
from mcp_servers.fhir.errors import (
    AuditUnavailable,
    FhirToolError,
    InvalidRequest,
    NotPermitted,
    PatientLocked,
    ServerFailed,
)
from mcp_servers.fhir.recording import Call, Recorder
from mcp_servers.fhir.references import checked_patient
from mcp_servers.fhir.tools import CATALOGUE, Answer, ChartSession, Offer

META_KEY = "ehr-navigator/step"

_log = logging.getLogger(__name__)
_MAX_META = 2000
_MAX_REFUSED = 4000
_READ_ONLY = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)


def build_server(
    http: httpx.AsyncClient,
    recorder: Recorder,
    *,
    patient: str | None,
    now: datetime,
    name: str = "ehr-navigator-fhir",
) -> MCPServer:
    """The chart tools over the FHIR server that `http` has as its base URL, each call recorded.

    With a `patient` (`Patient/id` or the id) the session is bound to that chart; without one, the tools take
    a patient, and find_patient is offered. `now` (with its offset) is the chart's present. `http` stays the
    caller's to close. Raises InvalidRequest when `patient` is no id.
    """
    bound = None if patient is None else checked_patient(patient)
    session = ChartSession(FhirClient(http), now.isoformat())
    offers = [offer for offer in CATALOGUE if bound is None or not offer.unbound_only]
    return _Server(name, recorder, bound, [_tool(offer, session, recorder, bound) for offer in offers])


class _Server(MCPServer):
    """An MCPServer that answers unusable calls as the tools answer other errors: recorded, kind first."""

    def __init__(self, name: str, recorder: Recorder, bound: str | None, tools: list[Tool]) -> None:
        super().__init__(name, tools=tools, log_level="WARNING")
        self._recorder = recorder
        self._bound = bound

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context | None = None
    ) -> CallToolResult:
        known = {tool.name: tool.input_schema["properties"] for tool in await self.list_tools()}
        if name not in known:
            why = f"There is no such tool; there are {', '.join(known)}."
            return self._refused(name, arguments, context, why)
        unknown = sorted(arguments.keys() - known[name].keys())
        if unknown:
            there = ", ".join(known[name]) or "none"
            why = f"{name} has no argument {', '.join(unknown)[:200]}; it has {there}."
            return self._refused(name, arguments, context, why)
        try:
            result = await super().call_tool(name, arguments, context)
        except ToolError as error:
            if not isinstance(error.__cause__, ValidationError):
                raise
            wrong = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.__cause__.errors()]
            why = f"{name} cannot use these arguments: {'; '.join(wrong)[:600]}."
            return self._refused(name, arguments, context, why)
        assert isinstance(result, CallToolResult)
        return result

    def _refused(
        self, name: str, arguments: dict[str, Any], context: Context | None, why: str
    ) -> CallToolResult:
        """The answer to a call that no tool takes, once it is on the trail: it may have been an attempt."""
        asked = json.dumps(arguments)
        kept = arguments if len(asked) <= _MAX_REFUSED else {"cut": asked[:_MAX_REFUSED]}
        about = self._bound or _patient_of(arguments)
        try:
            call = self._recorder.begin(name[:64], kept, about, _claims(context))
            return _complete(call, None, InvalidRequest(why))
        except AuditError as error:
            return _failure(AuditUnavailable(f"{error} Without it no chart is read."))


def _tool(offer: Offer, session: ChartSession, recorder: Recorder, bound: str | None) -> Tool:
    """An offer as an MCP tool: its work's signature, less what the host knows, is the schema."""
    work = offer.work
    name = work.__name__
    signature = inspect.signature(work)
    hidden = {"session", "call"} if bound is None else {"session", "call", "patient"}

    async def run(ctx: Context, **arguments: Any) -> CallToolResult:
        recorded = {key: _plain(value) for key, value in arguments.items()}
        about = bound or _patient_of(arguments)
        try:
            call = recorder.begin(name, recorded, about, _claims(ctx))
        except AuditError as error:
            return _failure(AuditUnavailable(f"{error} Without it no chart is read."))
        given = arguments if bound is None else {"patient": bound, **arguments}
        return await _recorded(call, lambda: work(session, call, **given))

    parameters = [p for p in signature.parameters.values() if p.name not in hidden]
    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Context)
    shown = signature.replace(
        parameters=[context, *(p.replace(kind=p.KEYWORD_ONLY) for p in parameters)],
        return_annotation=Annotated[CallToolResult, ResultEnvelope],
    )
    run.__name__ = name
    run.__signature__ = shown  # type: ignore[attr-defined]
    description = " ".join((work.__doc__ or "").split())
    tool = Tool.from_function(
        run, name=name, title=offer.title, description=description, annotations=_READ_ONLY
    )
    tool.parameters["additionalProperties"] = False
    return tool


async def _recorded(call: Call, work: Callable[[], Awaitable[Answer]]) -> CallToolResult:
    """The result of `work`, once the trail holds its completion; a cancelled call is completed too."""
    answer: Answer | None = None
    error: FhirToolError | None = None
    try:
        answer = await work()
    except FhirToolError as failed:
        error = failed
    except UnusableDate as unusable:
        error = InvalidRequest(str(unusable))
    except Exception as unexpected:
        # The text of an unexpected error may quote the chart: only its type is logged.
        _log.error("unexpected %s in call %s", type(unexpected).__name__, call.id)
        error = ServerFailed("The tool failed on this server's answer; ask in another way, or try fhir_read.")
    except BaseException:
        _complete(call, None, None)
        raise
    try:
        return _complete(call, answer, error)
    except AuditError as unrecorded:
        return _failure(AuditUnavailable(f"{unrecorded} The result is withheld, as it cannot be recorded."))


def _complete(call: Call, answer: Answer | None, error: FhirToolError | None) -> CallToolResult:
    """Complete `call` in the trail, and make the result. Neither answer nor error means cancelled."""
    if answer is None:
        refused = isinstance(error, InvalidRequest | NotPermitted | PatientLocked)
        call.complete(
            "refused" if refused else "failed",
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
    call.complete(
        "ok",
        rows=len(data["rows"]),
        refs=list(dict.fromkeys(refs)),
        patients=answer.patients,
        result_sha256=digest,
        error=None,
    )
    return CallToolResult(content=[TextContent(type="text", text=answer.text)], structured_content=data)


def _failure(error: FhirToolError) -> CallToolResult:
    text = f"[{error.kind}] {error}"
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)


def _claims(ctx: Context | None) -> dict[str, Any] | None:
    """What the client says of the step that this call belongs to; claimed, not checked."""
    claims = None if ctx is None else (ctx.request_context.meta or {}).get(META_KEY)
    if not isinstance(claims, dict) or len(json.dumps(claims)) > _MAX_META:
        return None
    return claims


def _patient_of(arguments: dict[str, Any]) -> str | None:
    try:
        return checked_patient(arguments["patient"])
    except (KeyError, AttributeError, InvalidRequest):
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.model_dump() if isinstance(value, BaseModel) else value
