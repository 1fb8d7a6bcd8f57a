"""Chart resources by URI: which tool call a resource stands for, and its result as resource contents."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.shared.uri_template import UriTemplate
from mcp.types import CallToolResult, Resource, ResourceTemplate, TextContent

from mcp_servers.fhir.errors import InvalidRequest

PLAIN = "text/plain"
FHIR = "application/fhir+json"

_NOT_THERE = ("[invalid_request]", "[not_found]", "[patient_locked]")


class ChartResource(NamedTuple):
    """A resource of one patient's chart: the tool that answers for it, and its arguments by the URI's values.

    `uri` is that of a server bound to a patient; an unbound one has the patient's id after the scheme.
    """

    uri: str
    name: str
    title: str
    mime_type: str
    tool: str
    arguments: Callable[[dict[str, str]], dict[str, Any]]

    def template(self, *, bound: bool) -> str:
        """The URI template on offer."""
        return self.uri if bound else self.uri.replace("://", "://{patient}/", 1)


RESOURCES: tuple[ChartResource, ...] = (
    ChartResource("chart://overview", "overview", "Chart overview", PLAIN, "chart_overview", lambda _: {}),
    ChartResource(
        "chart://records/{kind}",
        "records",
        "Current records of a kind",
        PLAIN,
        "list_records",
        lambda values: {"kind": values["kind"]},
    ),
    ChartResource(
        "chart://observations/{name}",
        "observations",
        "Values of a measurement, newest first",
        PLAIN,
        "observations",
        lambda values: {"name": values["name"], "mode": "series"},
    ),
    ChartResource(
        "fhir://{type}/{id}",
        "record",
        "One FHIR record",
        FHIR,
        "fhir_read",
        lambda values: {"reference": f"{values['type']}/{values['id']}"},
    ),
)


def listed(*, bound: bool) -> list[Resource]:
    """The resources that have one URI: those without a value to fill in."""
    return [
        Resource(uri=one.uri, name=one.name, title=one.title, mime_type=one.mime_type)
        for one in RESOURCES
        if "{" not in one.template(bound=bound)
    ]


def templates(*, bound: bool) -> list[ResourceTemplate]:
    """The resources whose URI has values to fill in."""
    return [
        ResourceTemplate(uri_template=template, name=one.name, title=one.title, mime_type=one.mime_type)
        for one in RESOURCES
        if "{" in (template := one.template(bound=bound))
    ]


def call_behind(uri: str, *, bound: bool) -> tuple[str, dict[str, Any]]:
    """The tool call that reading `uri` stands for. Raises InvalidRequest when there is no such URI."""
    for one in RESOURCES:
        found = UriTemplate.parse(one.template(bound=bound)).match(uri)
        if found is not None:
            values = {name: str(value) for name, value in found.items()}
            about = {} if bound else {"patient": values["patient"]}
            return one.tool, {**about, **one.arguments(values)}
    there = ", ".join(one.template(bound=bound) for one in RESOURCES)
    raise InvalidRequest(f"There is no such resource; there are {there}.")


def contents(result: CallToolResult) -> list[ReadResourceContents]:
    """A tool's result as the contents of the resource it stands for. Raises ResourceError for an error.

    A record is its FHIR JSON, with the tool's notes on what was left out as a text of its own.
    """
    (content,) = result.content
    assert isinstance(content, TextContent)
    if result.is_error:
        kind = ResourceNotFoundError if content.text.startswith(_NOT_THERE) else ResourceError
        raise kind(content.text)
    found: dict[str, Any] = result.structured_content or {}
    (row, *_) = found["rows"] or [{}]
    if "resource" not in row:
        return [ReadResourceContents(content.text, PLAIN)]
    notes = "\n".join(found["notes"])
    record = ReadResourceContents(json.dumps(row["resource"], ensure_ascii=False), FHIR)
    return [record, ReadResourceContents(notes, PLAIN)] if notes else [record]
