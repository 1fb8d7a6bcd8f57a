"""AuditEvents as lines of JSON in files, for a log collector, where the FHIR store takes none.

Files are only appended to, and their names sort by the time at which they were begun: a collector may take
any but the last away. A line is on disk before its event counts as delivered; after a crash it may be there
twice, with the same id.
"""

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.locks import held, open_lock
from mcp_servers.audit.delivery.outbox import DeliveryReport, note, pending, report
from mcp_servers.audit.recorder import TO_FILES

MAX_FILE = 64 * 1024 * 1024
"""Bytes after which the next file is begun."""

BATCH = 500
LOCK_SECONDS = 5.0


def write_out(
    journal: Journal, folder: Path, *, max_file: int = MAX_FILE, clock: Callable[[], float] = time.time
) -> DeliveryReport:
    """Append the events that wait for files to the newest file in `folder`, which is made for its user alone.

    What cannot be written (a full disk, a read-only folder) stays pending, with the reason. Raises
    JournalUnavailable.
    """
    delivered, problem = 0, None
    waiting = pending(journal.path, TO_FILES)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = open_lock(folder / ".lock")
        try:
            with held(lock, LOCK_SECONDS):
                while batch := [*islice(waiting, BATCH)]:
                    events = (journal.event(entry.id) for entry in batch)
                    lines = "".join(
                        f"{json.dumps(event, separators=(',', ':'))}\n"
                        for event in events
                        if event is not None  # erased, as another process delivered it meanwhile
                    )
                    _append(_newest(folder, max_file, clock()), lines.encode())
                    note(journal, batch, "delivered", "", clock())
                    delivered += len(batch)
        finally:
            os.close(lock)
    except OSError as error:  # also of a lock that another process keeps (TimeoutError)
        problem = f"{folder} cannot be written ({error.strerror or type(error).__name__})"
        if first := next(pending(journal.path, TO_FILES), None):
            note(journal, [first], "pending", problem, clock())
    return report(journal, TO_FILES, delivered, problem)


def _newest(folder: Path, max_file: int, now: float) -> Path:
    """The file to append to: the last, or a new one where that is full.

    The last is gone on with while the clock is behind it, or the new one's name would not be the last.
    """
    begun = folder / f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%S%fZ}.ndjson"
    last = max(folder.glob("*.ndjson"), default=None)
    if last is not None and (last.stat().st_size < max_file or begun <= last):
        return last
    return begun


def _append(path: Path, lines: bytes) -> None:
    """Append whole lines durably, after ending one that a crash left torn. Raises OSError."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(size - 1)
            if file.read(1) != b"\n":
                lines = b"\n" + lines
        rest = memoryview(lines)
        try:
            while rest:  # what an almost full disk takes may be less
                rest = rest[file.write(rest) or 0 :]
        except OSError:
            file.truncate(size)
            raise
        os.fsync(file.fileno())
    if not size:  # a new file is there only once its folder says so
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
