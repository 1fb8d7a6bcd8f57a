"""FHIR interactions told apart, whoever wrote them down; and why an EMR may have no AuditEvent of one."""

import re
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

_REFERENCE = re.compile(r"(?:^|/)([A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64})(?:/_history/[^/]+)?$")
_TYPE = re.compile(r"[A-Z][A-Za-z]+")


class Interaction(NamedTuple):
    """One interaction: its kind (`read`, `search`, ...), the `Type/id` or type, and a search's parameters.

    Parameters are decoded and sorted: servers write them down in an order of their own.
    """

    kind: str
    target: str
    parameters: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """Without the parameters, which may hold what is known of a patient."""
        return f"{self.kind} {self.target}".strip()


def of_request(method: str, url: str, base: str) -> Interaction:
    """What a request to the server at `base` asks for."""
    path = _path(url, base)
    parts = path.split("/")
    if method != "GET" and parts[-1] != "_search":
        return Interaction("batch" if not path else method.lower(), path)
    if path == "metadata":
        return Interaction("metadata", "")
    if parts[-1].startswith("$"):
        return Interaction("operation", parts[-1])
    if "_history" in parts:
        *before, version = parts
        history = version == "_history"
        return Interaction("history" if history else "vread", "/".join(before if history else before[:-1]))
    if len(parts) == 2 and parts[-1] != "_search":
        return Interaction("read", path)
    return _search(path, url)


def of_event(codes: list[str], url: str | None, reference: str | None, base: str) -> Interaction | None:
    """What an AuditEvent is about, by the codes of its subtype and its query or what was read.

    None where it does not say. `base` is the server's address as its clients know it: the server may write
    down another, behind a proxy.
    """
    if url is not None and any(code.startswith("search") for code in codes):
        inside = url.startswith(base)
        path = _path(url, base) if inside else urlsplit(url).path.strip("/").removesuffix("/_search")
        last = path.rpartition("/")[2]
        return _search(path if inside else last if _TYPE.fullmatch(last) else "", url)
    if codes and (target := reference_of(reference)):
        return Interaction(codes[0], target)
    return None


def reference_of(reference: str | None) -> str | None:
    """`Type/id` of a reference, relative or absolute, with a version or without."""
    found = _REFERENCE.search(reference or "")
    return found and found[1]


def reason_unseen(asked: Interaction, request: dict[str, Any]) -> str | None:
    """Why the EMR may have no AuditEvent of a request that we noted; None where there is no reason.

    These are the gaps of HAPI's own audit (8.8.0), and what no server can audit: a request without an answer
    may not have reached it.
    """
    status, parameters = request["status"], dict(asked.parameters)
    if status is None:
        return "no answer"
    if not 200 <= status < 300:
        return "error"
    if asked.kind in ("metadata", "history", "batch"):
        return asked.kind
    if asked.kind == "operation":
        return asked.target if asked.target == "$everything" else "operation"
    if parameters.get("_summary") == "count" or parameters.get("_count") == "0":
        return "count"
    return "empty search" if request.get("entries") == 0 else None


def _path(url: str, base: str) -> str:
    path = url.removeprefix(base.rstrip("/")).partition("?")[0].strip("/")
    return unquote(path)


def _search(path: str, url: str) -> Interaction:
    parameters = parse_qsl(url.partition("?")[2], keep_blank_values=True)
    return Interaction("search", path.removesuffix("_search").rstrip("/"), tuple(sorted(parameters)))
