"""Which processes still write to a journal: an intent of one that ended will never be completed by it.

Each open journal holds the lock of a file of its own, which ends with the process.
"""

import os
import uuid
from contextlib import suppress
from pathlib import Path

from mcp_servers.audit.chain.locks import open_lock, take

SUFFIX = ".writers"


class Writer:
    """The mark of one open journal. Made, closed and asked for the dead under the journal's lock."""

    def __init__(self, journal: Path) -> None:
        self.id = str(uuid.uuid4())
        self._folder = journal.with_name(journal.name + SUFFIX)
        self._folder.mkdir(exist_ok=True, mode=0o700)
        self._handle = open_lock(self._folder / self.id)
        take(self._handle)

    def marked(self) -> set[str]:
        """The writers that left no word of their end."""
        return {file.name for file in self._folder.iterdir()}

    def is_dead(self, writer: str) -> bool:
        """Whether that writer has ended; its file is then removed."""
        handle = open_lock(self._folder / writer)
        try:
            ended = take(handle)
            if ended:
                self._remove(writer)
        finally:
            os.close(handle)
        return ended

    def close(self) -> None:
        """Leave: what this journal left open will be closed by the next."""
        self._remove(self.id)
        os.close(self._handle)

    def _remove(self, writer: str) -> None:
        with suppress(OSError):
            (self._folder / writer).unlink()
