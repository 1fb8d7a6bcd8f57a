"""The journal's tables, and the marks by which its file is known."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

SCHEMA = Path(__file__).with_name("schema.sql")
APPLICATION_ID = 0x45485241  # "EHRA": tells a journal from any other SQLite file
VERSION = 3


def statements() -> Iterator[str]:
    """The statements of the schema, one by one (`executescript` would commit each)."""
    pending = ""
    for line in SCHEMA.read_text(encoding="utf-8").splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending.strip()
            pending = ""


def create(db: sqlite3.Connection) -> None:
    """Make the tables, within a transaction."""
    for statement in statements():
        db.execute(statement)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {VERSION}")


def is_journal(db: sqlite3.Connection) -> bool:
    """Whether the file is marked as an audit journal, of any version."""
    return bool(db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID)


def other_version(db: sqlite3.Connection) -> str | None:
    """Which version of the program wrote this journal, as a sentence; None where it was this one."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version != VERSION:
        return f"another version of this program wrote it (its schema is {version}, this one's {VERSION})"
    return None
