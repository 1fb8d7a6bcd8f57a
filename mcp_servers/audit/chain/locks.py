"""Locks between processes (flock): the operating system lets go of them when their holder ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RETRY_SECONDS = 0.001


def open_lock(path: Path) -> int:
    """A file to lock, made for its user alone. Raises OSError."""
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def take(handle: int) -> bool:
    """Lock the file if nobody else holds it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def held(handle: int, seconds: float) -> Iterator[None]:
    """The lock, as soon as nobody else holds it. Raises TimeoutError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not take(handle):
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(RETRY_SECONDS)
    try:
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)
