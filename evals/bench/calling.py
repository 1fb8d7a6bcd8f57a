"""Tool calls as a client makes them, with what they cost: time, tokens, and the FHIR requests behind them."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
from mcp import Client
from mcp.types import TextContent

from fhir_fixtures.charts import as_of
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.keys import Key
from mcp_servers.audit.chain.transaction import Transaction
from mcp_servers.audit.identity import Identity
from mcp_servers.audit.recorder import Context, Recorder
from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.rendering import by_bytes
from mcp_servers.fhir.surface.server import build_server

NOW = datetime.fromisoformat(f"{as_of()[:10]}T12:00:00+00:00")


@dataclass(frozen=True)
class Called:
    """One tool call: its result's text and rows, the FHIR requests it made, and the milliseconds it took.

    `trail_ms` of these were spent on putting its intent and its completion on disk.
    """

    text: str
    data: dict[str, Any] | None
    requests: list[httpx.Request]
    ms: float
    trail_ms: float

    @property
    def bytes(self) -> int:
        """The size of the text."""
        return len(self.text.encode())

    @property
    def tokens(self) -> int:
        """The tokens of the text, at four bytes each."""
        return by_bytes(self.text)


T = TypeVar("T")


class TimedJournal(Journal):
    """A journal that adds up the milliseconds of its writes."""

    ms = 0.0

    def write(self, work: Callable[[Transaction], T]) -> T:
        started = time.perf_counter()
        try:
            return super().write(work)
        finally:
            self.ms += (time.perf_counter() - started) * 1000


class Tools:
    """The chart tools over one connection. One call at a time, where its requests are to be told."""

    def __init__(self, client: Client, sent: list[httpx.Request], journal: TimedJournal) -> None:
        self.client = client
        self._sent = sent
        self._journal = journal

    async def call(self, tool: str, arguments: dict[str, Any]) -> Called:
        """Call `tool`. An error is a result too: its `data` is None."""
        self._sent.clear()
        self._journal.ms = 0.0
        started = time.perf_counter()
        result = await self.client.call_tool(tool, arguments)
        ms = (time.perf_counter() - started) * 1000
        text = "\n".join(block.text for block in result.content if isinstance(block, TextContent))
        rows = None if result.is_error else result.structured_content
        return Called(text, rows, [*self._sent], ms, self._journal.ms)


@asynccontextmanager
async def open_tools(http: httpx.AsyncClient, folder: Path) -> AsyncIterator[Tools]:
    """A fresh session of the chart tools for any patient, audited in a journal in `folder`."""
    sent: list[httpx.Request] = []

    async def note(request: httpx.Request) -> None:
        sent.append(request)

    journal = TimedJournal(folder / "audit.sqlite", [Key(b"b" * 32)])
    recorder = Recorder(
        journal, Context(session="bench", identity=Identity("bench"), fhir_base=str(http.base_url))
    )
    http.event_hooks["request"].append(note)
    try:
        async with Client(build_server(FhirClient(http), recorder, patient=None, now=NOW)) as client:
            yield Tools(client, sent, journal)
    finally:
        http.event_hooks["request"].remove(note)
        journal.close()


async def replayed(http: httpx.AsyncClient, requests: list[httpx.Request]) -> float:
    """Milliseconds that the same requests take by themselves, one after another on the same connection."""
    started = time.perf_counter()
    for request in requests:
        response = await http.get(request.url, headers=request.headers)
        response.raise_for_status()
    return (time.perf_counter() - started) * 1000
