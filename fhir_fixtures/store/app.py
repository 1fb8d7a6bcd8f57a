"""The store over HTTP: a Starlette app with the FHIR API under `/fhir`."""

import base64
import json
import math
import re
import secrets
import string
from typing import Any
from urllib.parse import parse_qsl

from starlette import requests, responses
from starlette.applications import Starlette
from starlette.routing import Route

from fhir_fixtures.store.database import Store
from fhir_fixtures.store.errors import BadRequest, StoreError, Unsupported
from fhir_fixtures.store.exchange import Reply, Request
from fhir_fixtures.store.interactions import answer

FHIR_JSON = "application/fhir+json;charset=utf-8"

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_REQUEST_ID = re.compile(r"^[A-Za-z0-9_-]{1,100}$")
_JSON_TYPES = ("application/fhir+json", "application/json", "json", "application/json+fhir")


def create_app(store: Store) -> Starlette:
    """The app that serves `store` under `/fhir`. It does not close the store."""

    async def handle(http: requests.Request) -> responses.Response:
        request_id = http.headers.get("x-request-id", "")
        if not _REQUEST_ID.match(request_id):
            request_id = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(16))
        try:
            request = _read(http, await http.body())
        except StoreError as error:
            reply = Reply(error.status, error.outcome())
        else:
            reply = answer(store, request)
            if _wants_content(http, request, reply):
                return _content(reply, request_id)
        return _respond(reply, request_id)

    return Starlette(
        routes=[
            Route("/fhir", handle, methods=_METHODS),
            Route("/fhir/{path:path}", handle, methods=_METHODS),
        ]
    )


def _read(http: requests.Request, body: bytes) -> Request:
    """The request as the store takes it. Raises BadRequest, Unsupported."""
    query = http.query_params.multi_items()
    content_type = http.headers.get("content-type", "").partition(";")[0].strip()
    parsed: Any = None
    if content_type == "application/x-www-form-urlencoded":
        query += parse_qsl(_text(body), keep_blank_values=True)
    elif body and http.method in ("POST", "PUT"):
        if content_type and content_type not in _JSON_TYPES:
            raise BadRequest(f"Content-Type {content_type} is not supported, only FHIR JSON is")
        parsed = _json(_text(body))
    wanted = next((value for name, value in query if name == "_format"), http.headers.get("accept", "*/*"))
    if "json" not in wanted and "*/*" not in wanted and "application/*" not in wanted:
        raise Unsupported(f"{wanted} is not supported, only FHIR JSON is", 406)
    return Request(
        base=f"{http.url.scheme}://{http.url.netloc}/fhir",
        method=http.method,
        path=tuple(part for part in http.path_params.get("path", "").split("/") if part),
        query=query,
        headers=dict(http.headers),
        body=parsed,
    )


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise BadRequest("The body is not UTF-8") from error


def _json(text: str) -> Any:
    """The parsed body; what JSON does not allow, such as NaN, and what no float can hold is refused."""

    def refuse(number: str) -> float:
        raise ValueError(f"{number} cannot be kept")

    def finite(number: str) -> float:
        value = float(number)
        return refuse(number) if math.isinf(value) else value

    try:
        return json.loads(text, parse_constant=refuse, parse_float=finite)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"Failed to parse the body as JSON: {error}") from error


def _wants_content(http: requests.Request, request: Request, reply: Reply) -> bool:
    """Whether what was asked for is the content of a Binary, not the resource that holds it."""
    if request.method != "GET" or not reply.resource or reply.resource["resourceType"] != "Binary":
        return False
    return "json" not in http.headers.get("accept", "") and "_format" not in dict(request.query)


def _content(reply: Reply, request_id: str) -> responses.Response:
    """The bytes of a Binary; the resource itself when it holds none that can be read."""
    binary = reply.resource or {}
    try:
        content = base64.b64decode(binary["data"])
        media_type = str(binary["contentType"])
    except (KeyError, TypeError, ValueError):
        return _respond(reply, request_id)
    headers = {**reply.headers, "X-Request-ID": request_id}
    return responses.Response(content, reply.status, headers, media_type)


def _respond(reply: Reply, request_id: str) -> responses.Response:
    content = b"" if reply.resource is None else reply.text.encode()
    headers = {**reply.headers, "X-Request-ID": request_id}
    if content:
        headers["Content-Type"] = FHIR_JSON
    return responses.Response(content, reply.status, headers)
