"""What the audit commands do to the journal: verify it, rotate its key, erase what was said."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from agent.audit_access import (
    KEY_FILE,
    audit_explained,
    audit_ring,
    deliver_events,
    journal_path,
    open_journal,
)
from agent.config import Settings
from agent.errors import AuditKeyUnusable, Failed, UsageError
from agent.fhir_access import open_fhir

if TYPE_CHECKING:
    from mcp_servers.audit.chain.keys import Ring
    from mcp_servers.audit.chain.verify import Finding, UnknownOutcome
    from mcp_servers.audit.delivery.outbox import DeliveryReport
    from mcp_servers.audit.delivery.stored import DeliveryVerification

LEAST_KEPT = 6  # months: EU AI Act, articles 19 and 26(6)


def existing_journal(settings: Settings) -> Path:
    """Where the journal lies. Raises UsageError when there is none yet."""
    path = journal_path(settings)
    # A head without its journal is a journal that was removed: that is for `verify` to find.
    if not (path.exists() or path.with_name(f"{path.name}.head").exists()):
        raise UsageError(f"There is no audit journal yet at {path}; it begins with the first question.")
    return path


def rotate_key(settings: Settings) -> str:
    """Sign the journal with a new key from now on, which the present one vouches for; what was done.

    The new key is the newest at hand, where the journal is not signed with that yet (it was put into the
    setting, or a rotation broke off), else one that is made here. Raises UsageError where that would have to
    be kept in the setting.
    """
    from keyring.errors import KeyringError

    from mcp_servers.audit.chain.keys import add_to_file, add_to_keyring, new_secret, ring_of

    existing_journal(settings)
    journal = open_journal(settings)
    try:
        with audit_explained():
            key = audit_ring(settings)[-1]
            if key.public == journal.public:
                secret = new_secret()
                (key,) = ring_of(secret, "this program")
                # Kept before it is used: a journal signed with a key that nobody has is lost.
                if settings.audit_key.get_secret_value():
                    raise UsageError(
                        "The audit key comes from the setting audit_key: put the new one (32 random bytes in"
                        " base64url) there after the present one, with a space between, and run this again."
                    )
                if settings.audit_key_store == "keyring":
                    add_to_keyring(secret)
                else:
                    add_to_file(settings.audit_key_file or settings.data_dir / KEY_FILE, secret)
            journal.rotate(key, settings.user)
    except (OSError, KeyringError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise Failed(f"The new key cannot be kept ({why}); nothing was changed.") from None
    finally:
        journal.close()
    return f"The journal is signed with {key.public} from now on; keep the keys before it too."


def erase(settings: Settings, before: str, *, undelivered: bool) -> str:
    """Destroy what was said in the months before `before` (`2026-11`); what was done.

    Months with AuditEvents that still wait are left and named, but if `undelivered`.

    Raises UsageError for months that are to be kept.
    """
    from mcp_servers.audit.chain import content, trail

    latest = months_ago(datetime.now(UTC), LEAST_KEPT)
    if before > latest:
        raise UsageError(
            f"What was said is kept for {LEAST_KEPT} months at least: give {latest} or an earlier month."
        )
    existing_journal(settings)
    journal = open_journal(settings)
    try:
        with audit_explained():
            months = journal.erase(before, settings.user, undelivered=undelivered)
            with trail.reading(journal.path) as db:
                left = content.kept(db, before)
    finally:
        journal.close()
    done = (
        f"Erased what was said in {', '.join(months)}." if months else f"Nothing was erased before {before}."
    )
    if left:
        done += (
            f" Left is what was said in {', '.join(left)}: AuditEvents of that time still wait for their FHIR"
            " server (`ehr-navigator audit list --undelivered` says why); --undelivered erases them too."
        )
    return done


def deliver(settings: Settings, *, refused: bool) -> tuple[bool, str]:
    """Whether all AuditEvents for where the settings say are there, once what waited was sent; with a report.

    `refused`: what was refused before is sent again.
    """
    from mcp_servers.audit.delivery.outbox import retry
    from mcp_servers.audit.recorder import TO_FILES

    existing_journal(settings)
    journal = open_journal(settings)

    async def delivered() -> "tuple[DeliveryReport, str]":
        async with open_fhir(settings) as http:
            where = TO_FILES if settings.audit_events == "files" else str(http.base_url).rstrip("/")
            retry(journal, where, refused=refused)
            return await deliver_events(settings, journal, http, within=None), where

    try:
        with audit_explained():
            found, where = asyncio.run(delivered())
    finally:
        journal.close()
    left = f"{found.pending} wait, {found.refused} are refused."
    report = f"{where}: {found.delivered} AuditEvents arrived now; {left}"
    return not (found.pending or found.refused), " ".join(filter(None, (report, found.problem)))


def months_ago(now: datetime, months: int) -> str:
    """The month (`2026-11`) that was so many months before."""
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    return f"{year:04d}-{month + 1:02d}"


def verify_audit(settings: Settings, *, delivered: bool, public_key: str | None) -> tuple[bool, str]:
    """Whether the journal is whole and, if asked, each AuditEvent in the FHIR store; with a report.

    It must be signed with `public_key` (hex) where one is given, else with the key at hand.
    """
    from mcp_servers.audit.chain.verify import verify

    path = existing_journal(settings)
    publics, ring, missing = _keys(settings, public_key)
    found = verify(path, publics, ring)
    report = [
        f"{path}",
        f"  {found.records:,} records of {found.sessions:,} sessions, with {found.calls:,} tool calls",
        f"  {found.checkpointed:,} of them under a signed checkpoint, the last one signed itself",
        f"  {_pairs(found.unknown)}",
        f"  signed with {found.public or 'no key'}",
    ]
    if found.clock_went_back:
        report.append(f"  the clock went back {found.clock_went_back} times; the order of records is certain")
    if found.intact and found.head_behind:
        report.append(
            f"  the head file is {found.head_behind} records behind: a crash, or an older one was put back;"
            " the journal itself is signed to its end"
        )
    if not ring:
        report.append("  not checked, for want of the secret key: whether what was said can be opened")
    report += [
        f"Not completed: {call.what} {call.id} of session {call.session}, begun {call.at}"
        for call in found.unknown
    ]
    report.append(told(found.finding) if found.finding else "The chain is whole and unaltered.")
    sound = found.intact and not missing
    if missing:
        report.append(
            f"NOT VERIFIED whose it is: {missing} Whoever could write the files may have made a journal anew"
            " with a key of their own: give the journal's public key (--public-key), or bring the key back."
        )
    if sound and delivered:
        delivery = asyncio.run(_verify_delivery(settings, path))
        sound = delivery.complete
        report += map(told, (*delivery.missing, *delivery.altered, *delivery.beyond))
        report += [delivery.problem] if delivery.problem else []
        report.append(f"{delivery.checked} AuditEvents compared with the FHIR store.")
        if delivery.elsewhere:
            report.append(f"{delivery.elsewhere} more belong to other FHIR servers; name one with --fhir.")
    return sound, "\n".join(report)


def verify_export(settings: Settings, file: Path, public_key: str | None) -> tuple[bool, str]:
    """Whether an export is as it was made; with a report. Needs no journal, where `public_key` is given."""
    from mcp_servers.audit.asking.export import check

    publics, _, missing = _keys(settings, public_key)
    if missing:
        raise UsageError(f"{missing} Give the journal's public key with --public-key.")
    try:
        with file.open("rb") as lines:
            found = check(lines, publics)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
    if found.fault:
        return False, f"ALTERED: line {found.line} of {file}: {found.fault}."
    return True, (
        f"{found.records} records in {file}, each as it stood in the journal: under the export's checkpoint,"
        " and signed line by line. Nothing was changed, left out or added since."
    )


def _keys(settings: Settings, public_key: str | None) -> "tuple[list[str], Ring, str]":
    """The public keys that count, the keys that are at hand, and why there are none."""
    if public_key:
        return [public_key], [], ""
    try:
        with audit_explained():
            ring = audit_ring(settings)
            return [key.public for key in ring], ring, ""
    except AuditKeyUnusable as error:
        return [], [], str(error)


def _pairs(unknown: "Collection[UnknownOutcome]") -> str:
    if not unknown:
        return "every act that was begun is completed"
    return f"{len(unknown)} acts are begun and not completed; all others are"


async def _verify_delivery(settings: Settings, path: Path) -> "DeliveryVerification":
    from mcp_servers.audit.delivery.stored import verify_delivery

    with audit_explained():
        async with open_fhir(settings) as http:
            return await verify_delivery(path, audit_ring(settings), http)


def told(finding: "Finding") -> str:
    """A finding in one line: of which sort it is, which record or event, and why."""
    record = f"record {finding.seq} ({finding.id})" if finding.id else f"record {finding.seq}"
    event = f"event {finding.id}" if finding.id else "the journal"
    where = record if finding.seq else event
    return f"{finding.what.upper()}: {where}: {finding.why}"
