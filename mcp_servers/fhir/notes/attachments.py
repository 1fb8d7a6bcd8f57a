"""Where a record keeps its text: attachments, inline or in a Binary, and words of its own."""

import binascii
from base64 import b64decode
from collections.abc import Iterator
from html import escape
from typing import Any, NamedTuple

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.access.references import Reference, parse
from mcp_servers.fhir.charts.elements import concept_text, first, objects, string
from mcp_servers.fhir.notes.extraction import MAX_BYTES, Unreadable
from mcp_servers.fhir.recording import Call

Resource = dict[str, Any]

TYPES = ("DocumentReference", "DiagnosticReport", "Composition")
_DEEPEST = 10


class Document(NamedTuple):
    """The bytes of a document and their media type."""

    data: bytes
    media_type: str


def own_words(resource: Resource) -> list[Document]:
    """What a record itself says: a report's conclusion, a Composition's sections as an HTML page."""
    kind, conclusion = resource.get("resourceType"), resource.get("conclusion")
    if kind == "DiagnosticReport" and isinstance(conclusion, str) and conclusion.strip():
        return [Document(f"Conclusion:\n{conclusion}".encode(errors="replace"), "text/plain; charset=utf-8")]
    page = "\n".join(_sections(resource, 0)) if kind == "Composition" else ""
    return [Document(page.encode(errors="replace"), "text/html; charset=utf-8")] if page else []


def attachments(resource: Resource) -> list[Resource]:
    """The Attachments of a record, in their order."""
    if resource.get("resourceType") == "DocumentReference":
        return [first(content.get("attachment")) for content in objects(resource.get("content"))]
    return objects(resource.get("presentedForm"))


def binary(attachment: Resource) -> Reference | None:
    """The Binary on this server that holds the bytes of an attachment, as the patient lock brought it."""
    url = attachment.get("url")
    target = parse(url) if isinstance(url, str) and not attachment.get("data") else None
    # The lock has made references to this server relative: what still has a base leads elsewhere.
    return target if target is not None and not target.base and target.type == "Binary" else None


async def document(attachment: Resource, client: FhirClient, lock: PatientLock, call: Call) -> Document:
    """The bytes of an attachment, read through the patient lock where they lie in a Binary.

    Raises Unreadable when there are none to be had here, and what FhirClient.read raises.
    """
    media_type = str(attachment.get("contentType") or "")
    holder = attachment
    if not attachment.get("data"):
        target = binary(attachment)
        if target is None and isinstance(attachment.get("url"), str):
            raise Unreadable("kept elsewhere, not fetched")
        if target is None:
            raise Unreadable("its content is not in the record")
        holder = await client.read(target, lock, call)
    data = holder.get("data")
    if not isinstance(data, str):
        raise Unreadable("its content is not in the record")
    if len(data) * 3 // 4 > MAX_BYTES + 3:
        raise Unreadable(f"larger than {MAX_BYTES // 1024**2} MB")
    try:
        return Document(b64decode(data), media_type or str(holder.get("contentType") or ""))
    except (binascii.Error, ValueError):
        raise Unreadable("its content is broken (no base64)") from None


def _sections(holder: Resource, depth: int) -> Iterator[str]:
    """The sections of a Composition as parts of an HTML page, each under its title."""
    for section in objects(holder.get("section")) if depth < _DEEPEST else []:
        narrative = first(section.get("text")).get("div")
        within = list(_sections(section, depth + 1))
        if isinstance(narrative, str) or within:
            title = string(section.get("title")) or concept_text(section.get("code")) or ""
            yield f"<h2>{escape(title)}</h2>"
        if isinstance(narrative, str):
            yield narrative
        yield from within
