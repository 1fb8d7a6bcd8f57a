"""What is killed: a process with several sessions at once, and one thread that delivers their events.

It writes down what it was told (`told`), one line a promise, as soon as the journal's call returned.
"""

import asyncio
import os
import random
import signal
import sys
import threading
import traceback
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.keys import Key
from mcp_servers.audit.delivery.to_fhir import deliver
from mcp_servers.audit.identity import Identity
from mcp_servers.audit.recorder import Context, Recorder, close_abandoned
from tests.crash.shelf import BASE, Shelf

RING = [Key(letter * 32) for letter in (b"a", b"b", b"c")]
SESSIONS = 3
JOURNAL, SHELF = "audit.sqlite", "shelf.sqlite"
ROTATES = 0.1  # of the processes, once they have begun
LOCK_SECONDS = 60.0  # a machine may be busy

Promise = Literal["started", "begun", "completed", "closed", "failed"]


class Told:
    """What this process was told, in a file that outlives it: `promise what` a line."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def __call__(self, promise: Promise, what: object = "") -> None:
        os.write(self._handle, f"{promise} {what}\n".encode())


def work(folder: Path, name: str, seed: int, dies_after: int | None) -> None:
    """Record and deliver until it is killed, or has run `dies_after` lines of the trail's own code."""
    told, chance = Told(folder / f"{name}.told"), random.Random(seed)
    if dies_after is not None:
        _die_after(dies_after)
    try:
        journal = Journal(folder / JOURNAL, RING, lock_seconds=LOCK_SECONDS)
        told("started", close_abandoned(journal))
        if chance.random() < ROTATES:
            journal.rotate(chance.choice(RING))
    except Exception:
        told("failed", repr(traceback.format_exc()))
        return
    jobs = [(_converse, f"{name}-{number}") for number in range(SESSIONS)] + [(_deliver, str(folder / SHELF))]
    for number, (job, what) in enumerate(jobs):
        threading.Thread(
            target=_told_of_failure, args=(job, told, journal, what, random.Random(seed + number))
        ).start()


def _told_of_failure(job: Any, told: Told, *arguments: Any) -> None:
    try:
        job(told, *arguments)
    except Exception:
        told("failed", repr(traceback.format_exc()))


def _converse(told: Told, journal: Journal, session: str, chance: random.Random) -> None:
    """A session: questions, each with steps of a model (deferred) and calls of tools."""
    recorder = Recorder(journal, Context(session, Identity("dr.grey"), BASE))
    while True:
        question = recorder.act("question", patient="Patient/p1", said={"question": "Last HbA1c?"})
        told("begun", question.id)
        for step in range(chance.randint(1, 3)):
            thought = recorder.act("model_step", facts={"step": step}, durable=False)
            thought.complete("ok", durable=False)
            call = recorder.begin("observations", {"name": "HbA1c"}, "Patient/p1", {"step": step})
            for act in (thought, call):  # what was deferred is on disk with the write after it
                told("begun", act.id)
            told("completed", thought.id)
            call.request("GET", f"{BASE}/Observation?patient=p1", 200, 12.3)
            if chance.random() < 0.8:
                call.complete("ok", rows=1, refs=["Observation/o1"], patients=["Patient/p1"])
            else:
                call.complete("failed", error="[server_failed] down")
            told("completed", call.id)
        question.complete("ok", said={"answer": "7.1 %"})
        told("completed", question.id)


def _deliver(told: Told, journal: Journal, shelf: str, chance: random.Random) -> None:
    async def delivering() -> None:
        async with Shelf(Path(shelf), chance).client() as http:
            while True:
                await deliver(journal, http, limit=chance.randint(1, 20))

    asyncio.run(delivering())


def _die_after(lines: int) -> None:
    """Kill this process in the middle of the trail's own code, at any of its lines."""
    left = lines

    def at_line(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal left
        if event == "line":
            left -= 1
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return at_line

    def at_call(frame: FrameType, event: str, argument: Any) -> Any:
        return at_line if "/mcp_servers/audit/" in frame.f_code.co_filename else None

    threading.settrace(at_call)
    sys.settrace(at_call)
