"""A request to the store and its reply, apart from HTTP."""

import json
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

from fhir_fixtures.store.database import Stored
from fhir_fixtures.store.errors import BadRequest


@dataclass(frozen=True)
class Request:
    """One request: `path` is relative to `base`, header names are in lower case, `body` is parsed JSON."""

    base: str
    method: str
    path: tuple[str, ...]
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True)
class Reply:
    """One answer: the status, the resource (None: no body) and headers.

    `entries` are those of a Bundle as JSON, as they are stored: they are not read to be written again.
    """

    status: int
    resource: dict[str, Any] | None
    headers: dict[str, str] = field(default_factory=dict)
    entries: str = ""

    @property
    def text(self) -> str:
        """The resource as JSON, with its entries."""
        written = json.dumps(self.resource, separators=(",", ":"))
        return f'{written[:-1]},"entry":[{self.entries}]}}' if self.entries else written

    @property
    def status_line(self) -> str:
        """The status as a Bundle's response shows it, such as `201 Created`."""
        return f"{self.status} {HTTPStatus(self.status).phrase}"


def entry_request(bundle_request: Request, entry: Any) -> Request:
    """The request of one entry of a batch or transaction. Raises BadRequest."""
    asked = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(asked, dict) or not all(isinstance(asked.get(key), str) for key in ("method", "url")):
        raise BadRequest("Bundle entry has no request.method and request.url")
    address, _, query = asked["url"].removeprefix(bundle_request.base).partition("?")
    headers = {"if-none-exist": asked.get("ifNoneExist"), "if-match": asked.get("ifMatch")}
    return Request(
        base=bundle_request.base,
        method=asked["method"],
        path=tuple(unquote(part) for part in address.split("/") if part),
        query=parse_qsl(query, keep_blank_values=True),
        headers={name: value for name, value in headers.items() if isinstance(value, str)},
        body=entry.get("resource"),
    )


def version_headers(stored: Stored) -> dict[str, str]:
    """The headers that say which version of a resource this is."""
    return {"ETag": f'W/"{stored.version}"', "Last-Modified": formatdate(stored.updated / 1000, usegmt=True)}


def location(base: str, stored: Stored) -> str:
    """The address of one version of a resource."""
    return f"{base}/{stored.type}/{stored.id}/_history/{stored.version}"
