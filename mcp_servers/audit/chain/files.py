"""A journal's files, and whether they are still the ones that were opened."""

from pathlib import Path

from mcp_servers.audit.chain.head import head_path


def lock_path(path: Path) -> Path:
    """The file that writers of the journal at `path` lock, one after the other."""
    return path.with_name(path.name + ".lock")


def companions(path: Path) -> tuple[Path, Path]:
    """The head, and the write-ahead log, which SQLite keeps beside the file that a link leads to."""
    real = path.resolve()
    return head_path(path), real.with_name(real.name + "-wal")


def identity(path: Path) -> tuple[int, int]:
    """What tells a file from another that takes its name. Raises OSError."""
    found = path.stat()
    return found.st_dev, found.st_ino
