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


def fault(db: sqlite3.Connection) -> str | None:
    """Why this is no journal of this version; None where it is."""
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        return "it is a database, but no audit journal"
    if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
        return "it was written by another version of this program"
    return None
