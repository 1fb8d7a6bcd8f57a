"""MCP servers for clients of others, over charts or the audit trail: on stdin and stdout, or over HTTP."""

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.app import Navigator, open_navigator
from agent.audit_access import audit_explained, audit_ring, deliver_events, erase_due, journal_path
from agent.config import PREFIX, Settings
from agent.errors import AuditUnavailable, UsageError
from agent.questions import patient_reference

if TYPE_CHECKING:
    from mcp.server import MCPServer

DELIVER_EVERY_SECONDS = 30


@dataclass(frozen=True)
class Served:
    """A server to offer: what it is called, how it is made, and the setting that holds its bearer token."""

    name: str  # with its verb
    make: "Callable[[Navigator], MCPServer]"
    token_setting: str


def charts(patient: str | None) -> Served:
    """The chart tools, locked to `patient` if one is named."""

    def make(navigator: Navigator) -> "MCPServer":
        session = navigator.new_session()
        session.patient = patient and patient_reference(patient)
        return navigator.server(session, navigator.settings.now)

    return Served("The chart tools are", make, "mcp_token")


def audit_trail() -> Served:
    """The audit trail, for a privacy officer."""

    def make(navigator: Navigator) -> "MCPServer":
        from mcp_servers.audit.surface.server import build_audit_server

        officer = replace(navigator, settings=navigator.settings.for_oversight)
        recorder = officer.recorder(officer.new_session())
        with audit_explained():
            ring = audit_ring(navigator.settings)
        return build_audit_server(journal_path(navigator.settings), ring, recorder)

    return Served("The audit trail is", make, "audit_mcp_token")


async def serve_stdio(settings: Settings, served: Served) -> None:
    """A server on stdin and stdout, for any MCP client, until it hangs up."""
    async with open_navigator(settings) as navigator, delivering(navigator):
        await served.make(navigator).run_stdio_async()


async def serve_http(
    settings: Settings,
    served: Served,
    address: tuple[str, int],
    path_prefix: str,
    ready: Callable[[str], object],
) -> None:
    """A server over streamable HTTP until SIGINT or SIGTERM; `ready` is told where.

    Raises UsageError for an address that cannot be listened on, and for one that other machines reach when
    no token is set.
    """
    import uvicorn

    from mcp_servers.fhir.surface.connections import BoundedConnection, backlog
    from mcp_servers.fhir.surface.http import http_app, is_loopback

    host, port = address
    token: str = getattr(settings, served.token_setting).get_secret_value()
    if not token and not is_loopback(host):
        raise UsageError(
            f"Other machines reach {host}: set a bearer token for them in"
            f" {PREFIX}{served.token_setting.upper()}, or listen on 127.0.0.1."
        )
    # Else the SDK logs through rich, which needs a free file to do so: where none is, that ends the process.
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        listener = socket.create_server(
            address, family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=backlog()
        )
    except OSError as error:
        raise UsageError(f"Cannot listen on {host} port {port}: {error.strerror or error}.") from None
    # asyncio does so only where a socket names its protocol; answers then wait 40 ms for acknowledgements.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    shown = f"[{host}]" if ":" in host else host
    hosts = (shown, *settings.mcp_hosts)
    with listener:
        async with open_navigator(settings) as navigator, delivering(navigator):
            app = http_app(
                served.make(navigator),
                path_prefix=path_prefix,
                hosts=hosts,
                token=token,
            )
            server = uvicorn.Server(
                uvicorn.Config(
                    app,
                    http=BoundedConnection,
                    ws="none",
                    backlog=backlog(),
                    log_level="warning",
                    access_log=False,
                    timeout_graceful_shutdown=5,
                )
            )
            # uvicorn would raise the signal again once it is done, before the trail is delivered and closed.
            server.capture_signals = nullcontext  # type: ignore[assignment, method-assign]
            for signum in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(signum, setattr, server, "should_exit", True)
            url = f"http://{shown}:{listener.getsockname()[1]}{path_prefix}/mcp"
            names = f" (as {', '.join(hosts)}; EHR_NAVIGATOR_MCP_HOSTS adds names)"
            ready(f"{served.name} at {url}{'' if is_loopback(host) else names}")
            await server.serve(sockets=[listener])


@asynccontextmanager
async def delivering(navigator: Navigator, every: float = DELIVER_EVERY_SECONDS) -> AsyncIterator[None]:
    """Hand over the AuditEvents that wait, and erase what is due, as a server may run for months."""

    async def now_and_then() -> None:
        while True:
            await asyncio.sleep(every)
            with suppress(AuditUnavailable):  # calls are refused meanwhile; a full disk may have room later
                await deliver_events(navigator.settings, navigator.journal, navigator.http)
                erase_due(navigator.settings, navigator.journal)

    task = asyncio.create_task(now_and_then())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
