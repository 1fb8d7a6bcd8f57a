"""Our end of the process that holds a patient's tables: start it, ask it, interrupt it, end it."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import anyio

Message = dict[str, Any]

# How long an interrupted request may still take before its process is ended: long, since its memory is
# bounded and a busy computer is slow to interrupt, while a process that ends takes its tables with it.
GRACE_S = 10.0
_ROOT = Path(__file__).parents[3]
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")


class Ended(Exception):
    """The process ended in the middle of a request, of which its memory is the likely reason."""


class TablesProcess:
    """A worker (see worker.py) that ends with this object. Requests wait for each other."""

    def __init__(self, *, grace_s: float = GRACE_S) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "mcp_servers.fhir.tables.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # it could quote the chart
            env={**bare_environment(), "PYTHONPATH": str(_ROOT)},
            text=True,
            encoding="utf-8",
        )
        self._grace_s = grace_s
        self._turn = anyio.Lock()
        self._writing = threading.Lock()
        self.end = weakref.finalize(self, _end, self._process)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    async def ask(self, request: Message, payload: Any = None, *, seconds: float = 60.0) -> Message:
        """The answer to a request. After `seconds`, or when cancelled, it is interrupted.

        A process that does not heed that within its grace is ended. Raises Ended.
        """
        answered = anyio.Event()

        async def watch() -> None:
            try:
                with anyio.move_on_after(seconds):
                    await answered.wait()
            finally:
                if not answered.is_set():
                    with anyio.CancelScope(shield=True):
                        await anyio.to_thread.run_sync(self._write, "interrupt\n")
                        with anyio.move_on_after(self._grace_s):
                            await answered.wait()
                        if not answered.is_set():
                            self._process.kill()

        async with self._turn, anyio.create_task_group() as group:
            group.start_soon(watch)
            try:
                reply = await anyio.to_thread.run_sync(self._exchange, request, payload)
            finally:
                answered.set()
        if reply is None:
            raise Ended
        return reply

    def _exchange(self, request: Message, payload: Any) -> Message | None:
        lines = [json.dumps(request)] if payload is None else [json.dumps(request), json.dumps(payload)]
        self._write("".join(f"{line}\n" for line in lines))
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        if answer.endswith("\n"):
            reply: Message = json.loads(answer)
            return reply
        self._process.wait()  # it closed its output, so it is ending: `alive` shall say so from now on
        return None

    def _write(self, text: str) -> None:
        assert self._process.stdin is not None
        with self._writing, contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(text)
            self._process.stdin.flush()


def bare_environment() -> dict[str, str]:
    """What Python needs to start: the rest of our environment, tokens and all, is no business of a worker."""
    return {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}


def _end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
