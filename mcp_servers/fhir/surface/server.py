"""The MCP server over the chart tools: schemas out, tools, resources, prompts and completions on offer."""

import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import cache
from importlib.metadata import version
from typing import Annotated, Any, get_args

from mcp.server import MCPServer
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    CallToolResult,
    Completion,
    CompletionArgument,
    GetPromptResult,
    InputRequiredResult,
    Resource,
    ResourceTemplate,
    ToolAnnotations,
)
from pydantic import AnyUrl, BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.references import checked_patient
from mcp_servers.fhir.charts.dates import AN_ISO_DATE
from mcp_servers.fhir.charts.kinds import kind_instead
from mcp_servers.fhir.envelope import ResultEnvelope
from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.recording import Recorder
from mcp_servers.fhir.rendering import Count, by_bytes
from mcp_servers.fhir.surface import resources
from mcp_servers.fhir.surface.completions import complete
from mcp_servers.fhir.surface.prompts import instructions, prompts
from mcp_servers.fhir.surface.recorded import UNKNOWN_TOOL, Asked, recorded, refused
from mcp_servers.fhir.surface.schemas import brief
from mcp_servers.fhir.tools import CATALOGUE, Answer, ChartSession, Kept, Offer, Profile

_READ_ONLY = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
_RESULT = brief(ResultEnvelope.model_json_schema(mode="serialization"), taken=False)
# What a server offers stays the same while it runs; what a chart says may change at any moment.
_LISTS_KEEP_MS = 300_000


def build_server(
    client: FhirClient,
    recorder: Recorder,
    *,
    patient: str | None,
    now: datetime | None,
    tools: Profile = "full",
    cohorts: bool = False,
    smallest_count: int = 0,
    count: Count = by_bytes,
    name: str = "ehr-navigator-fhir",
    kept: Kept | None = None,
) -> MCPServer:
    """The chart tools over the FHIR server of `client`, each call recorded.

    With a `patient` (`Patient/id` or the id) the session is bound to that chart; without one, the tools take
    a patient, and find_patient is offered. `now` (with its offset) is the chart's present, by default the
    time of each call; `tools` the profile. With `cohorts`, an unbound session may count patients; counts from
    1 to below `smallest_count` are not shown. `count` is that of the tokenizer of the model that reads;
    without one, four bytes are a token. `kept` is what servers of one client share of the charts that they
    read. Raises InvalidRequest when `patient` is no id.
    """
    bound = None if patient is None else checked_patient(patient)
    session = ChartSession(client, "", smallest_count, count, kept=Kept() if kept is None else kept)

    def present() -> ChartSession:
        at = now or datetime.now().astimezone()
        return replace(session, now=at.isoformat(timespec="seconds"))

    return _Server(
        name,
        present,
        recorder,
        bound,
        [
            _tool(offer, bound=bound is not None)
            for offer in CATALOGUE
            if tools in (offer.profile, "full")
            and (bound is None or not offer.unbound_only)
            and (cohorts or not offer.cohorts)
        ],
    )


class _Server(MCPServer):
    """An MCPServer that answers unusable calls as the tools answer other errors: recorded, kind first.

    A resource read is the tool call that it stands for.
    """

    def __init__(
        self,
        name: str,
        present: Callable[[], ChartSession],
        recorder: Recorder,
        bound: str | None,
        tools: list[Tool],
    ) -> None:
        fresh = CacheHint(ttl_ms=0, scope="private")
        kept = CacheHint(ttl_ms=_LISTS_KEEP_MS, scope="private")
        super().__init__(
            name,
            title="EHR Navigator: chart tools",
            instructions=instructions(bound),
            version=version("ehr-navigator"),
            tools=tools,
            log_level="WARNING",
            cache_hints={
                method: fresh if method == "resources/read" else kept for method in get_args(CacheableMethod)
            },
            subscriptions=False,
        )
        self._present = present
        self._recorder = recorder
        self._bound = bound
        self._arguments: dict[str, list[str]] = {
            tool.name: [*tool.parameters["properties"]] for tool in tools
        }
        for prompt in prompts(bound):
            self.add_prompt(prompt)
        self.completion()(_completion)  # type: ignore[no-untyped-call]

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context | None = None
    ) -> CallToolResult:
        if name not in self._arguments:
            why = f"There is no such tool; there are {', '.join(self._arguments)}."
            # Its name may be any text, and a tool's name is recorded in plain.
            return await self._refused(UNKNOWN_TOOL, {**arguments, "tool": name}, context, why)
        known = self._arguments[name]
        unknown = sorted(arguments.keys() - set(known))
        if unknown:
            there = ", ".join(known) or "none"
            why = f"{name} has no argument {', '.join(unknown)[:200]}; it has {there}."
            return await self._refused(name, arguments, context, why)
        given = {key: value for key, value in arguments.items() if value is not None}
        try:
            result = await super().call_tool(name, given, context)
        except ToolError as error:
            if not isinstance(error.__cause__, ValidationError):
                raise
            wrong = [_told(".".join(map(str, e["loc"])), e) for e in error.__cause__.errors()]
            why = f"{name} cannot use these arguments: {'; '.join(wrong)[:600]}."
            return await self._refused(name, arguments, context, why)
        assert isinstance(result, CallToolResult)
        return result

    async def run_recorded(
        self, work: Callable[..., Awaitable[Answer]], arguments: dict[str, Any], context: Context
    ) -> CallToolResult:
        """The result of a tool's `work` for this server's patient, or the one whom `arguments` name."""
        plain = {key: _plain(value) for key, value in arguments.items()}
        asked = Asked(work.__name__, plain, self._bound or _patient_of(arguments), context)
        given = arguments if self._bound is None else {"patient": self._bound, **arguments}
        return await recorded(self._recorder, asked, lambda call: work(self._present(), call, **given))

    async def _refused(
        self, name: str, arguments: dict[str, Any], context: Context | None, why: str
    ) -> CallToolResult:
        about = self._bound or _patient_of(arguments)
        return await refused(self._recorder, Asked(name, arguments, about, context), why)

    async def list_resources(self) -> list[Resource]:
        return resources.listed(bound=self._bound is not None)

    async def list_resource_templates(self) -> list[ResourceTemplate]:
        return resources.templates(bound=self._bound is not None)

    async def read_resource(
        self, uri: AnyUrl | str, context: Context | None = None
    ) -> Iterable[ReadResourceContents]:
        try:
            name, arguments = resources.call_behind(str(uri), bound=self._bound is not None)
        except InvalidRequest as error:
            refusal = await self._refused("resources/read", {"uri": str(uri)}, context, str(error))
            return resources.contents(refusal)
        return resources.contents(await self.call_tool(name, arguments, context))

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context | None = None
    ) -> GetPromptResult | InputRequiredResult:
        given = {key: value for key, value in (arguments or {}).items() if str(value).strip()}
        try:
            return await super().get_prompt(name, given, context)
        except ValueError as error:
            raise MCPError(INVALID_PARAMS, str(error)) from None


def _told(argument: str, error: ErrorDetails) -> str:
    """What is wrong with an argument: of a date what it must be, of a kind where such records are."""
    if argument in ("since", "until", "at"):
        return f"{argument}: must be {AN_ISO_DATE}"
    instead = kind_instead(str(error["input"])) if argument == "kind" else None
    return f"{argument}: {f'{instead}; ' if instead else ''}{error['msg']}"


async def _completion(ref: object, argument: CompletionArgument, context: object) -> Completion:
    return complete(argument.name, argument.value)


@cache
def _tool(offer: Offer, *, bound: bool) -> Tool:
    """An offer as an MCP tool of any server: its work's signature, less what the host knows, is the schema.

    Made once: every question has a server of its own, and the SDK takes some 5 ms to describe a tool.
    """
    work = offer.work
    signature = inspect.signature(work)
    hidden = {"session", "call", "patient"} if bound else {"session", "call"}

    async def run(ctx: Context, **arguments: Any) -> CallToolResult:
        server = ctx.mcp_server
        assert isinstance(server, _Server)
        return await server.run_recorded(work, arguments, ctx)

    parameters = [p for p in signature.parameters.values() if p.name not in hidden]
    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Context)
    run.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[context, *(p.replace(kind=p.KEYWORD_ONLY) for p in parameters)],
        return_annotation=Annotated[CallToolResult, ResultEnvelope],
    )
    tool = Tool.from_function(
        run,
        name=work.__name__,
        title=offer.title,
        description=" ".join((work.__doc__ or "").split()),
        annotations=_READ_ONLY,
    )
    tool.parameters = {**brief(tool.parameters, taken=True), "additionalProperties": False}
    tool.fn_metadata.output_schema = _RESULT
    return tool


def _patient_of(arguments: dict[str, Any]) -> str | None:
    try:
        return checked_patient(arguments["patient"])
    except (KeyError, AttributeError, InvalidRequest):
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.model_dump() if isinstance(value, BaseModel) else value
