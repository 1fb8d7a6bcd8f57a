"""Reads documents within bounds: whatever is not plain text in a process that can be ended."""

import json
import sys
from base64 import b64encode
from subprocess import DEVNULL
from types import TracebackType
from typing import Self

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from mcp_servers.fhir.notes import extraction
from mcp_servers.fhir.notes.extraction import MAX_BYTES, Extracted, Unreadable, charset_of, extract, kind_of
from mcp_servers.fhir.tables.process import bare_environment

SECONDS = 10.0
# Bytes or characters that are read in less time than a thread takes to begin (0.3 ms).
SHORT = 10_000
_MAX_ANSWER = 16 * 1024 * 1024


class Reader:
    """Reads one document after another; its process starts with the first that needs it.

    A document that takes longer than `seconds`, or more memory than extraction.MAX_MEMORY_BYTES, ends the
    process and counts as unreadable; the next one gets a new process.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._process: Process | None = None
        self._answers: BufferedByteReceiveStream | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end()

    async def read(self, data: bytes, media_type: str) -> Extracted:
        """The text of a document. Raises Unreadable."""
        if len(data) > MAX_BYTES:
            raise Unreadable(f"larger than {MAX_BYTES // 1024**2} MB")
        kind, charset = kind_of(media_type, data), charset_of(media_type)
        if kind == "plain":
            if len(data) <= SHORT:
                return extract(kind, charset, data)
            return await anyio.to_thread.run_sync(extract, kind, charset, data)
        job = await anyio.to_thread.run_sync(lambda: json.dumps([kind, charset, b64encode(data).decode()]))
        try:
            answer = json.loads(await self._answer(job.encode() + b"\n"))
        except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError):
            await self._end()
            raise Unreadable(f"it takes over {self._seconds:g} s or too much memory to read") from None
        except BaseException:
            if self._process is not None and self._process.returncode is None:
                self._process.kill()
            await self._end()
            raise
        if isinstance(answer, str):
            raise Unreadable(answer)
        text, headings, notes = answer
        return Extracted(text, [(start, end) for start, end in headings], notes)

    async def _answer(self, job: bytes) -> bytes:
        if self._process is None:
            command = [sys.executable, "-I", "-m", extraction.__name__, str(self._seconds)]
            self._process = await anyio.open_process(command, stderr=DEVNULL, env=bare_environment())
            assert self._process.stdout is not None
            self._answers = BufferedByteReceiveStream(self._process.stdout)
        assert self._process.stdin is not None
        assert self._answers is not None
        await self._process.stdin.send(job)
        return await self._answers.receive_until(b"\n", _MAX_ANSWER)

    async def _end(self) -> None:
        """Wait for the process, which ends with its input if it did not end itself or was not ended."""
        if self._process is not None:
            process, self._process = self._process, None
            with anyio.CancelScope(shield=True):
                await process.aclose()
