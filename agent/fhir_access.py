"""Ways to a FHIR server: the one that is set, with its credentials, or the embedded store."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from agent.config import Settings
from agent.errors import Failed, UsageError
from mcp_servers.audit.identity import PROGRAM

# The command line's quick commands must not pay for HTTP and the store.
if TYPE_CHECKING:
    import httpx
    from starlette.applications import Starlette

CHARTS = "charts.sqlite"
EMBEDDED = "http://embedded/fhir"


@asynccontextmanager
async def open_fhir(settings: Settings) -> "AsyncIterator[httpx.AsyncClient]":
    """An HTTP client whose base is the FHIR server: the one that is set, or the embedded store.

    Every request by it, for a chart or for the trail, names this program: so the EMR's own trail tells it.
    Raises UsageError for credentials that cannot be used.
    """
    import httpx

    async with AsyncExitStack() as stack:
        if settings.fhir:
            tokens = await stack.enter_async_context(_client(settings, None))
            client = _client(settings, _credentials(settings, tokens))
        else:
            store = stack.enter_context(open_embedded(settings))
            transport = httpx.ASGITransport(store, raise_app_exceptions=False)  # as over HTTP: a 500
            client = httpx.AsyncClient(transport=transport, base_url=EMBEDDED)
        client.headers["User-Agent"] = f"{PROGRAM}/{version(PROGRAM)}"
        yield await stack.enter_async_context(client)


async def scopes_shown(settings: Settings) -> str:
    """Which SMART scopes are asked for and which the server grants, in a line.

    Raises UsageError without SMART, and Failed when no token is granted.
    """
    from mcp_servers.fhir.access.credentials import CredentialsRefused, SmartBackend

    async with open_fhir(settings) as http:
        auth = http.auth
        if not isinstance(auth, SmartBackend):
            raise UsageError("fhir_client_id needs fhir: the server at which this client is known.")
        try:
            granted = await auth.granted()
        except CredentialsRefused as refused:
            raise Failed(str(refused)) from None
    return f"scopes asked for: {auth.scopes}; granted: {granted.scopes}"


def charts_missing(settings: Settings) -> bool:
    """Whether the embedded store must first be made, which takes some seconds."""
    return not settings.fhir and not (settings.data_dir / CHARTS).exists()


@contextmanager
def open_embedded(settings: Settings) -> "Iterator[Starlette]":
    """The embedded FHIR store with the sample charts, as an ASGI application."""
    import sqlite3

    from fhir_fixtures.store import create_app, open_store

    path = settings.folder / CHARTS
    try:
        store = open_store(path)
    except sqlite3.Error as error:
        raise Failed(
            f"The embedded store {path} cannot be used ({error}). It needs about 120 MB of disk; if there "
            "is room, remove the file: it is made anew."
        ) from None
    try:
        yield create_app(store)
    finally:
        store.close()


def _client(settings: Settings, auth: "httpx.Auth | None") -> "httpx.AsyncClient":
    """A client of the FHIR server that is set."""
    import ssl

    import httpx

    return httpx.AsyncClient(
        base_url=settings.fhir.rstrip("/"),
        auth=auth,
        timeout=httpx.Timeout(30, connect=5),
        limits=httpx.Limits(max_connections=20, keepalive_expiry=30),
        verify=ssl.create_default_context(),  # the system's authorities: a clinic has its own
        trust_env=False,  # a proxy from the environment would see every chart
    )


def _credentials(settings: Settings, tokens: "httpx.AsyncClient") -> "httpx.Auth | None":
    """The credentials that are set, if any; `tokens` is the client that asks for access tokens.

    Raises UsageError for several kinds at once, and for a key that cannot be read.
    """
    import httpx

    from mcp_servers.fhir.access.credentials import Header, SmartBackend, read_key

    token = settings.fhir_token.get_secret_value()
    kinds = [name for name in ("fhir_token", "fhir_user", "fhir_client_id") if getattr(settings, name)]
    if len(kinds) > 1:
        raise UsageError(f"Set one kind of credentials for the FHIR server, not {' and '.join(kinds)}.")
    if token:
        bearer = settings.fhir_header.lower() == "authorization"
        return Header(settings.fhir_header, f"Bearer {token}" if bearer else token)
    if settings.fhir_user:
        return httpx.BasicAuth(settings.fhir_user, settings.fhir_password.get_secret_value())
    if not settings.fhir_client_id:
        return None
    if settings.fhir_key_file is None:
        raise UsageError("fhir_client_id needs fhir_key_file: the private key that signs for this client.")
    try:
        key = read_key(settings.fhir_key_file.read_text(encoding="utf-8"), settings.fhir_key_id)
    except OSError as error:
        raise UsageError(f"fhir_key_file cannot be read ({error.strerror}).") from None
    except ValueError as error:
        raise UsageError(f"fhir_key_file cannot be used: {error}.") from None
    return SmartBackend(tokens, settings.fhir, settings.fhir_client_id, key, settings.fhir_scopes)
