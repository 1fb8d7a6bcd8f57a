"""What the audit commands do: list, show and verify the trail, rotate its key, erase what was said."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from agent.app import KEY_FILE, audit_explained, audit_ring, journal_path, open_journal
from agent.config import Settings
from agent.errors import Failed, UsageError
from agent.fhir_access import open_fhir

if TYPE_CHECKING:
    from mcp_servers.audit.stored import DeliveryVerification
    from mcp_servers.audit.verify import Finding

T = TypeVar("T")

LEAST_KEPT = 6  # months: EU AI Act, articles 19 and 26(6)


def audited_sessions(settings: Settings) -> list[dict[str, Any]]:
    """What each session on record did, oldest first."""
    from mcp_servers.audit import trail

    return [asdict(summary) for summary in read_trail(settings, trail.sessions)]


def audit_records(settings: Settings, session: str) -> list[dict[str, Any]]:
    """Every record of one session. Raises UsageError when there is none."""
    from mcp_servers.audit import trail

    found = read_trail(settings, lambda path: list(trail.records(path, session)))
    if not found:
        raise UsageError(f"There is no session {session!r} on record; `ehr-navigator audit list` names them.")
    return [asdict(record) for record in found]


def read_trail(settings: Settings, read: Callable[[Path], T]) -> T:
    """What `read` finds in the journal. Raises UsageError when there is none yet, AuditUnavailable."""
    with audit_explained():
        return read(existing_journal(settings))


def existing_journal(settings: Settings) -> Path:
    """Where the journal lies. Raises UsageError when there is none yet."""
    path = journal_path(settings)
    # A head without its journal is a journal that was removed: that is for `verify` to find.
    if not (path.exists() or path.with_name(f"{path.name}.head").exists()):
        raise UsageError(f"There is no audit journal yet at {path}; it begins with the first question.")
    return path


def rotate_key(settings: Settings) -> str:
    """Sign the journal with a new key from now on, which the present one vouches for; what was done.

    Raises UsageError where the key comes from a setting that this program cannot write.
    """
    from mcp_servers.audit.keys import add_to_file, add_to_keyring, new_secret, ring_of

    if settings.audit_key.get_secret_value():
        raise UsageError(
            "The audit key comes from the setting audit_key: put the new one after the present one there"
            " yourself (`ehr-navigator audit rotate-key` writes to a file or the system's keyring)."
        )
    existing_journal(settings)
    journal = open_journal(settings)
    try:
        secret = new_secret()
        (key,) = ring_of(secret, "this program")
        with audit_explained():
            # Kept before it is used: a journal signed with a key that nobody has is lost.
            if settings.audit_key_store == "keyring":
                add_to_keyring(secret)
            else:
                add_to_file(settings.audit_key_file or settings.data_dir / KEY_FILE, secret)
            journal.rotate(key)
    except OSError as error:
        raise Failed(f"The new key cannot be kept ({error.strerror}); nothing was changed.") from None
    finally:
        journal.close()
    return f"The journal is signed with {key.public} from now on; keep the file of keys, old ones included."


def erase(settings: Settings, before: str) -> str:
    """Destroy what was said in the months before `before` (`2026-11`); what was done.

    Raises UsageError for months that are to be kept.
    """
    latest = months_ago(datetime.now(UTC), LEAST_KEPT)
    if before > latest:
        raise UsageError(
            f"What was said is kept for {LEAST_KEPT} months at least: give {latest} or an earlier month."
        )
    existing_journal(settings)
    journal = open_journal(settings)
    try:
        with audit_explained():
            months = journal.erase(before)
    finally:
        journal.close()
    return f"Erased what was said in {', '.join(months)}." if months else f"Nothing is left before {before}."


def months_ago(now: datetime, months: int) -> str:
    """The month (`2026-11`) that was so many months before."""
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    return f"{year:04d}-{month + 1:02d}"


def verify_audit(settings: Settings, *, delivered: bool) -> tuple[bool, str]:
    """Whether the journal is whole and, if asked, each AuditEvent in the FHIR store; with a report."""
    from mcp_servers.audit.verify import verify

    path = existing_journal(settings)
    with audit_explained():
        found = verify(path, [key.public for key in audit_ring(settings)])
    report = [f"{found.records} records of {found.calls} tool calls in {found.sessions} sessions in {path}"]
    report += [
        f"Not completed: {call.what} {call.id} of session {call.session}, begun {call.at}"
        for call in found.unknown
    ]
    report.append("The chain is whole and unaltered." if found.intact else told("ALTERED", found.finding))
    sound = found.intact
    if sound and delivered:
        delivery = asyncio.run(_verify_delivery(settings, path))
        sound = delivery.complete
        report += [told("MISSING", finding) for finding in delivery.missing]
        report += [told("ALTERED", finding) for finding in delivery.altered]
        report += [delivery.problem] if delivery.problem else []
        report.append(f"{delivery.checked} AuditEvents compared with the FHIR store.")
        if delivery.elsewhere:
            report.append(f"{delivery.elsewhere} more belong to other FHIR servers; name one with --fhir.")
    return sound, "\n".join(report)


async def _verify_delivery(settings: Settings, path: Path) -> "DeliveryVerification":
    from mcp_servers.audit.stored import verify_delivery

    async with open_fhir(settings) as http:
        return await verify_delivery(path, audit_ring(settings), http)


def told(what: str, finding: "Finding | None") -> str:
    """A finding in one line: which record, and why."""
    assert finding is not None
    where = f"record {finding.seq} ({finding.id})" if finding.seq else "the journal"
    return f"{what}: {where}: {finding.why}"
