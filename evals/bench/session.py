"""`python -m evals bench session`: how long it is from a question to its checked answer, and where."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import httpx

from agent.app import Conversation, Navigator
from agent.audit_access import JOURNAL
from agent.config import load
from agent.grounding import check
from agent.messages import (
    Answer,
    Image,
    Message,
    Model,
    ModelIdentity,
    OnText,
    ResultsMessage,
    StepMessage,
    Turn,
    silent,
)
from agent.models.offline import OfflinePlanner
from evals.bench.calling import NOW, TimedJournal
from evals.bench.speed import percentile
from evals.everyday.questions import fair, wordings
from evals.gold.chart import charts
from fhir_fixtures.generate.scaled import ScaledCharts, patient_id
from fhir_fixtures.store import create_app, open_store
from mcp_servers.audit.chain.keys import Key
from mcp_servers.fhir.access.client import FhirClient

SIZE = 10_000
QUESTIONS = 3  # of each intent, asked in one session
P50, P95, START = 30.0, 100.0, 150.0  # milliseconds that are not to be passed
PARTS = ("planner", "fhir", "trail", "tools", "grounding", "rest")
STARTS = 7
# What every command of the app imports stands first: the second time is the planner's own.
START_UP = """
import time
started = time.perf_counter()
import agent.messages
own = time.perf_counter()
from agent.models.offline import OfflinePlanner
planner = OfflinePlanner()
ready = time.perf_counter()
from datetime import date
planner.read(["Last potassium?"], date.today())
read = time.perf_counter()
print((ready - started) * 1000, (ready - own) * 1000, (read - ready) * 1000)
"""


class TimedModel:
    """A model that adds up the milliseconds of its steps."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.ms = 0.0

    @property
    def identity(self) -> ModelIdentity:
        """The model's own."""
        return self._model.identity

    async def next_step(
        self, messages: list[Message], schema: dict[str, Any], images: list[Image], on_text: OnText = silent
    ) -> Turn:
        """The model's step."""
        started = time.perf_counter()
        try:
            return await self._model.next_step(messages, schema, images, on_text)
        finally:
            self.ms += (time.perf_counter() - started) * 1000


class TimedTransport(httpx.AsyncBaseTransport):
    """A transport that adds up the milliseconds until its answers begin."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport
        self.ms = 0.0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The transport's answer."""
        started = time.perf_counter()
        try:
            return await self._transport.handle_async_request(request)
        finally:
            self.ms += (time.perf_counter() - started) * 1000


@dataclass
class Clocks:
    """The parts of the house that are timed, and the navigator that they stand in."""

    navigator: Navigator
    model: TimedModel
    transport: TimedTransport
    journal: TimedJournal

    def reset(self) -> None:
        """Begin to count anew."""
        self.model.ms = self.transport.ms = self.journal.ms = 0.0


@dataclass(frozen=True)
class Timed:
    """One question: whether it was the first of its session, the milliseconds in all and by part."""

    first: bool
    ms: float
    parts: dict[str, float] = field(default_factory=dict)


async def measure() -> AsyncIterator[str]:
    """The report line by line, each limit with PASS or FAIL."""
    yield f"Sessions about a chart of {SIZE:,} resources, one process, the embedded store. Milliseconds."
    taken: defaultdict[str, list[Timed]] = defaultdict(list)
    refused: defaultdict[str, int] = defaultdict(int)
    # Another process makes the questions: the 10,000 records that it reads would be looked through at every
    # garbage collection of this one (0.1 s).
    with ProcessPoolExecutor(1) as apart:
        asked = apart.submit(_questions).result()
    with tempfile.TemporaryDirectory() as folder:
        async with _timed(Path(folder)) as clocks:
            for intent, texts in asked:
                async with clocks.navigator.conversation(patient=patient_id(SIZE)) as conversation:
                    for number, text in enumerate(texts):
                        answer, timed = await _ask(conversation, clocks, text, first=number == 0)
                        if answer.status == "refused":
                            refused[intent] += 1
                        else:
                            taken[intent].append(timed)
        async with (
            _timed(Path(folder)) as clocks,
            clocks.navigator.conversation(patient=patient_id(SIZE)) as conversation,
        ):
            _, cold = await _ask(conversation, clocks, "Last potassium?", first=True)
    for line in report(taken, refused):
        yield line
    yield f"first question about a chart of which nothing was read: {cold.ms:.1f} ms"
    everything, own, first = (statistics.median(one) for one in zip(*_start_ups(), strict=True))
    yield _verdict("start-up of the planner in a fresh process, median", own, START)
    yield f"      with pydantic and what else any command imports: {everything:.1f} ms"
    yield f"      then reading its first question, and the dictionary with it: {first:.1f} ms"


@asynccontextmanager
async def _timed(folder: Path) -> AsyncIterator[Clocks]:
    settings, _ = load({"model": "offline", "now": NOW.isoformat(), "data_dir": str(folder)})
    with closing(open_store(folder / "store.db", ScaledCharts((SIZE,)))) as store:
        # A chart is not written as it is asked about: what was written in the last half minute is read anew.
        store.connection.execute("UPDATE resource SET updated = updated - 3600000")
        transport = TimedTransport(httpx.ASGITransport(create_app(store)))
        async with httpx.AsyncClient(transport=transport, base_url="http://embedded/fhir") as http:
            with closing(TimedJournal(folder / JOURNAL, [Key(b"b" * 32)])) as journal:
                model = TimedModel(OfflinePlanner())
                opened = Navigator(settings, http, FhirClient(http), journal, model, lambda _: None)
                yield Clocks(opened, model, transport, journal)


def _questions() -> list[tuple[str, list[str]]]:
    """Of each intent some development questions about the chart."""
    chart = next(charts(ScaledCharts((SIZE,)).resources(), NOW))
    said = wordings("development")
    found: list[tuple[str, list[str]]] = []
    for intent, sentences in said["intents"].items():
        scenes = islice(fair([chart], intent, said, "bench"), QUESTIONS)
        texts = [sentence.format(**scene) for sentence, (_, scene, _) in zip(sentences, scenes, strict=False)]
        if texts:
            found.append((intent, texts))
    return found


async def _ask(conversation: Conversation, clocks: Clocks, text: str, *, first: bool) -> tuple[Answer, Timed]:
    clocks.reset()
    started = time.perf_counter()
    answer = await conversation.ask(text)
    ms = (time.perf_counter() - started) * 1000
    called = sum(call.ms for call in answer.tool_calls)
    parts = {
        "planner": clocks.model.ms,
        "fhir": clocks.transport.ms,
        "trail": clocks.journal.ms,
        "tools": max(called - clocks.transport.ms - clocks.journal.ms, 0.0),
        "grounding": _grounding(conversation, text),
    }
    parts["rest"] = max(ms - sum(parts.values()), 0.0)
    return answer, Timed(first, ms, parts)


def _grounding(conversation: Conversation, question: str) -> float:
    """What the check of the last answer takes, done once more by itself, with every result read anew."""
    messages = conversation.session.messages
    evidence = [one for message in messages if isinstance(message, ResultsMessage) for one in message.results]
    last = next((one for one in reversed(messages) if isinstance(one, StepMessage)), None)
    if last is None or last.step.actions[0].tool != "answer":
        return 0.0
    said = last.step.actions[0].arguments
    started = time.perf_counter()
    check(said["text"], said["citations"], evidence, question, conversation.session.now.isoformat())
    return (time.perf_counter() - started) * 1000


def report(taken: dict[str, list[Timed]], refused: dict[str, int]) -> Iterator[str]:
    """A line an intent, slowest last, then all of them and the limits."""
    head = "".join(f"{part:>10}" for part in PARTS)
    yield f"{'intent':<28}{'asked':>6}{'refused':>9}{'p50':>8}{'p95':>8}{head}"
    for intent, found in sorted(taken.items(), key=lambda one: statistics.median(t.ms for t in one[1])):
        yield _line(intent, found, refused.get(intent, 0))
    everything = [timed for found in taken.values() for timed in found]
    yield _line("first of a session", [timed for timed in everything if timed.first], 0)
    yield _line("later in a session", [timed for timed in everything if not timed.first], 0)
    yield _line("all", everything, sum(refused.values()))
    yield _verdict("p50", percentile([timed.ms for timed in everything], 50), P50)
    yield _verdict("p95", percentile([timed.ms for timed in everything], 95), P95)


def _line(name: str, found: Sequence[Timed], refused: int) -> str:
    if not found:
        return f"{name:<28}{0:>6}{refused:>9}"
    means = "".join(f"{statistics.fmean(one.parts[part] for one in found):>10.1f}" for part in PARTS)
    times = [one.ms for one in found]
    cells = f"{percentile(times, 50):>8.1f}{percentile(times, 95):>8.1f}"
    return f"{name:<28}{len(found):>6}{refused:>9}{cells}{means}"


def _verdict(what: str, found: float, limit: float) -> str:
    return f"{'PASS' if found <= limit else 'FAIL'}  {what}: {found:.1f} ms (at most {limit:g})"


def _start_ups() -> Iterator[tuple[float, ...]]:
    """Milliseconds of each start with its modules compiled, as an installed program's are: all, its own, and
    then the reading of a first question."""
    with tempfile.TemporaryDirectory() as compiled:
        command = [sys.executable, "-X", f"pycache_prefix={compiled}", "-c", START_UP]
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        for start in range(STARTS + 1):
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
            if start:  # the first one compiles them
                yield tuple(map(float, done.stdout.split()))
