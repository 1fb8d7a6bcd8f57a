"""The chart tools over streamable HTTP: stateless, for named hosts, and behind a bearer token.

No session is kept between requests, so that any number of processes behind a balancer serve one client; what
a process keeps of the charts (tools/session.py) is shared by all its clients. Both protocol revisions are
served at once: a request says which it speaks.
"""

import hmac
from collections.abc import Iterable
from ipaddress import ip_address

from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def http_app(
    server: MCPServer, *, path_prefix: str = "", hosts: Iterable[str] = (), token: str | None = None
) -> Starlette:
    """`server` as an ASGI application at `path_prefix`/mcp.

    It answers to loopback's names and `hosts`, so that no web page can reach it under a name of its own (DNS
    rebinding): 421 for another Host, 403 for another Origin. With a `token`, 401 without it.
    """
    names = [*LOOPBACK, *hosts]
    app = server.streamable_http_app(
        streamable_http_path=f"{path_prefix}/mcp",
        stateless_http=True,
        transport_security=TransportSecuritySettings(
            allowed_hosts=[form for name in names for form in (name, f"{name}:*")],
            allowed_origins=[
                f"{scheme}://{form}"
                for scheme in ("http", "https")
                for name in names
                for form in (name, f"{name}:*")
            ],
        ),
    )
    app.add_middleware(_without_streams)
    if token:
        app.add_middleware(_with_token, token)
    return app


def _without_streams(app: ASGIApp) -> ASGIApp:
    """`app`, which is asked by POST alone: a stateless server has nothing to say on a stream that GET opens.

    MCP 2025-11-25 has such a GET answered with 405, 2026-07-28 knows none; the SDK keeps it open for good.
    """

    async def posted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] != "POST":
            return await Response(status_code=405, headers={"Allow": "POST"})(scope, receive, send)
        await app(scope, receive, send)
        return None

    return posted


def _with_token(app: ASGIApp, token: str) -> ASGIApp:
    """`app`, for requests that bear the token (RFC 6750), compared in a time that tells nothing of it."""
    expected = token.encode()

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scheme, _, given = Headers(scope=scope).get("Authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), expected):
                # RFC 6750, 3.1: a request without any credentials is told of no error.
                challenge = 'Bearer realm="ehr-navigator"' + (', error="invalid_token"' if given else "")
                refusal = JSONResponse(
                    {"error": "invalid_token", "error_description": "Give the server's bearer token."},
                    401,
                    # A stranger could go on asking without reading, and so keep the connection for good.
                    {"WWW-Authenticate": challenge, "Connection": "close"},
                )
                return await refusal(scope, receive, send)
        await app(scope, receive, send)
        return None

    return guarded
