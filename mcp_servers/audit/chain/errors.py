"""The errors of the audit trail, as a tree; `str()` says what to do and holds no patient data.

AuditError
├── JournalUnavailable   the journal cannot be opened, read or written: no tool call may happen
│   ├── KeyUnusable      its key is missing, malformed, or another's
│   └── OutboxFull       too many AuditEvents wait for a FHIR store that does not take them
└── AlreadyCompleted     a call was completed a second time: a mistake of the calling program
"""

import errno
import sqlite3
from pathlib import Path


class AuditError(Exception):
    """Base of the errors of the audit trail."""


class JournalUnavailable(AuditError):
    """The journal cannot be opened, read or written."""


class KeyUnusable(JournalUnavailable):
    """The key is missing, malformed, or not the one that it was written with."""


class OutboxFull(JournalUnavailable):
    """More AuditEvents wait for their FHIR store than may."""


class AlreadyCompleted(AuditError):
    """A call was completed a second time."""


_ASIDE = "keep it, run `ehr-navigator audit verify`, then move it and its companions aside to begin a new one"
_FULL = "the disk is full; free some space and try again"
_RIGHTS = "it may not be written; check the rights on the file and its folder"
_BY_SQLITE_CODE = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _RIGHTS,
    sqlite3.SQLITE_PERM: _RIGHTS,
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check that its folder exists and may be written",
    sqlite3.SQLITE_BUSY: "another process keeps it locked; wait for it or end it, and try again",
    sqlite3.SQLITE_CORRUPT: f"it is damaged; {_ASIDE}",
    sqlite3.SQLITE_NOTADB: f"it is damaged, or no journal; {_ASIDE}",
}
_BY_ERRNO = {
    errno.ENOSPC: _FULL,
    errno.EACCES: _RIGHTS,
    errno.EROFS: "it lies on a read-only file system; set another data folder",
}


def damaged(path: Path, what: str) -> JournalUnavailable:
    """The error for a journal that opens but is not what it was: `what` says in which way."""
    return JournalUnavailable(f"The audit journal {path} cannot be used: {what}; {_ASIDE}.")


def of_another_version(path: Path, which: str) -> JournalUnavailable:
    """The error for a journal of another version of this program: `which` names it."""
    return JournalUnavailable(
        f"The audit journal {path} cannot be used: {which}. Ask and verify it with that version; to begin a"
        f" new one, move it and its companions ({path.name}*) aside, and keep them with a copy of their key."
    )


def busy(path: Path) -> JournalUnavailable:
    """The error for a journal that another process does not let go."""
    return JournalUnavailable(
        f"The audit journal {path} cannot be used: {_BY_SQLITE_CODE[sqlite3.SQLITE_BUSY]}."
    )


def unavailable(path: Path, cause: sqlite3.Error | OSError) -> JournalUnavailable:
    """The error for a journal that SQLite or the file system refuses."""
    if isinstance(cause, OSError):
        remedy = _BY_ERRNO.get(cause.errno or 0, f"{cause.strerror}; check the file and its folder")
    else:
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # the extended code's low byte is its kind
        remedy = _BY_SQLITE_CODE.get(code, f"SQLite says: {cause}; check the file and its disk")
    return JournalUnavailable(f"The audit journal {path} cannot be used: {remedy}.")
