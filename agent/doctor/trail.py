"""The audit trail: its key, its files, whether it holds, and what of it waits to be delivered."""

import os
import stat
from pathlib import Path

from agent.audit_access import KEY_FILE, audit_explained, audit_ring, journal_path
from agent.config import Settings
from agent.doctor.findings import Found, State

VERIFIED_BYTES = 50 * 2**20  # some 15,000 records, a second
LATE = 3600.0  # seconds that an AuditEvent may wait


def journal(settings: Settings) -> list[Found]:
    """What there is to say of the journal; where none was begun, whether its key can be used.

    Reading it may leave SQLite's own companions beside it (-wal, -shm), as every reader of it does.

    Raises AuditUnavailable for a journal or a key that cannot be used.
    """
    path = journal_path(settings)
    if settings.data_dir.exists() and not settings.data_dir.is_dir():
        return [Found("audit trail", "bad", f"{settings.data_dir} is no folder", "set data_dir to one")]
    found = [*_mode(settings.data_dir, 0o700), *_retention(settings)]
    if not path.exists():
        with audit_explained():
            if settings.audit_key.get_secret_value() or _key_file(settings).exists():
                audit_ring(settings)
        return [Found("audit trail", "ok", "begins with the first question"), *found]
    for file in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
        found += _mode(file, 0o600)
    if not all(os.access(one, os.W_OK) for one in (path, path.parent)):
        fix = "mount it writable, or give it to this account; without a record no question is answered"
        found.append(Found("files", "bad", f"{path} cannot be written", fix))
    return [_proof(settings, path), *found, *_delivery(settings, path)]


def _proof(settings: Settings, path: Path) -> Found:
    from mcp_servers.audit.chain import trail
    from mcp_servers.audit.chain.verify import verify

    with audit_explained():
        trail.check_version(path)
        ring = audit_ring(settings)
    if path.stat().st_size > VERIFIED_BYTES:
        said = "its key is at hand; too long to be proven here"
        return Found("audit trail", "ok", said, "`ehr-navigator audit verify` proves it")
    checked = verify(path, [key.public for key in ring], ring)
    if wrong := checked.finding:
        fix = "keep the files as they are, and run `ehr-navigator audit verify`"
        return Found("audit trail", "bad", wrong.why, fix)
    return Found("audit trail", "ok", f"{checked.records} records: chain, signatures and key hold")


def _key_file(settings: Settings) -> Path:
    return settings.audit_key_file or settings.data_dir / KEY_FILE


def _retention(settings: Settings) -> list[Found]:
    days = settings.audit_retention_days
    to = "to files" if settings.audit_events == "files" else "to the FHIR server"
    return [Found("retention", "ok", f"what was said can be read for {days} days; AuditEvents go {to}")]


def _delivery(settings: Settings, path: Path) -> list[Found]:
    from mcp_servers.audit.delivery.outbox import depths

    with audit_explained():
        waiting = depths(path)
    found = []
    for one in waiting:
        waits = f"{one.pending} wait, the oldest for {one.oldest_s / 3600:.1f} h; {one.refused} refused"
        late = one.refused or one.oldest_s > LATE
        full = one.pending >= settings.audit_max_pending
        fix = "`ehr-navigator audit list --undelivered` says why" if late or full else ""
        if full:
            waits += f"; {settings.audit_max_pending} may wait, and no question is answered until fewer do"
        state: State = "bad" if full else "warn" if late else "ok"
        found.append(Found("delivery", state, f"{one.destination}: {waits}", fix))
    return found or [Found("delivery", "ok", "no AuditEvent waits, and none was refused")]


def _mode(path: Path, wanted: int) -> list[Found]:
    if not path.exists():
        return []
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & ~wanted & 0o077:
        fix = f"chmod {wanted:o} {path}"
        return [Found("files", "bad", f"{path} is open to other accounts (mode {mode:o})", fix)]
    return []
