"""Ways to the audit journal: where it lies, its key, who writes to it, and where its AuditEvents go."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from agent.config import Settings
from agent.errors import AuditKeyUnusable, AuditUnavailable

# The command line's quick commands must not pay for the journal.
if TYPE_CHECKING:
    import httpx

    from mcp_servers.audit.chain.journal import Journal
    from mcp_servers.audit.chain.keys import Ring
    from mcp_servers.audit.delivery.outbox import DeliveryReport
    from mcp_servers.audit.identity import How, Identity
    from mcp_servers.audit.recorder import Recorder

JOURNAL = "audit.sqlite"
KEY_FILE = "audit.key"
EVENTS = "audit-events"
DELIVERY_SECONDS = 20  # a slow store must not hold up the person; the rest waits in the outbox


def journal_path(settings: Settings) -> Path:
    """Where the audit journal lies."""
    return settings.data_dir / JOURNAL


@contextmanager
def audit_explained() -> Iterator[None]:
    """What the journal raises inside becomes AuditUnavailable, which a person is told of."""
    from mcp_servers.audit.chain.errors import JournalUnavailable, KeyUnusable

    try:
        yield
    except KeyUnusable as error:
        raise AuditKeyUnusable(str(error)) from None
    except JournalUnavailable as error:
        raise AuditUnavailable(str(error)) from None


def open_journal(settings: Settings) -> "Journal":
    """The audit journal, open for writing, without what was kept for its time. Raises AuditUnavailable."""
    from mcp_servers.audit.chain import trail
    from mcp_servers.audit.chain.journal import Journal
    from mcp_servers.audit.recorder import close_abandoned

    with audit_explained():
        trail.check_version(journal_path(settings))
        journal = Journal(settings.folder / JOURNAL, audit_ring(settings, create=True))
        try:
            close_abandoned(journal)
            erase_due(settings, journal)
        except BaseException:
            journal.close()
            raise
        return journal


def erase_due(settings: Settings, journal: "Journal") -> None:
    """Erase what was kept for its time, whether its AuditEvents arrived or not. Raises AuditUnavailable."""
    with audit_explained():
        before = f"{date.today() - timedelta(days=settings.audit_retention_days):%Y-%m}"
        journal.erase(before, undelivered=True)


def identity(settings: Settings) -> "Identity":
    """Who acts at this terminal, or through this program, and what for."""
    from mcp_servers.audit.identity import Identity

    how: How = "setting" if settings.user_is_set else "system_account"
    return Identity(settings.user, settings.purpose, how)


def audit_ring(settings: Settings, *, create: bool = False) -> "Ring":
    """The keys of the audit journal, from where the settings say. Raises KeyUnusable (mcp_servers.audit).

    `create` makes one where a journal is about to begin; one that has begun is not written with another.
    """
    from mcp_servers.audit.chain.keys import ring_of, ring_of_file, ring_of_keyring

    create = create and not journal_path(settings).exists()
    if secret := settings.audit_key.get_secret_value():
        return ring_of(secret, "the setting audit_key")
    if settings.audit_key_store == "keyring":
        return ring_of_keyring(create=create)
    return ring_of_file(settings.audit_key_file or settings.data_dir / KEY_FILE, create=create)


def date_secret(settings: Settings) -> bytes:
    """The clinic's secret by which a patient's dates move where they leave de-identified: always the same."""
    with audit_explained():
        return audit_ring(settings)[0].dates


def recorder_of(
    settings: Settings, journal: "Journal", session: str, fhir_base: str, who: "Identity | None" = None
) -> "Recorder":
    """The recorder of a session at the FHIR server `fhir_base`; `who` acts, or whom the settings name."""
    from mcp_servers.audit.recorder import Context, Recorder

    return Recorder(
        journal,
        Context(
            session=session,
            identity=who or identity(settings),
            fhir_base=fhir_base,
            to_files=settings.audit_events == "files",
            max_pending=settings.audit_max_pending,
        ),
    )


async def deliver_events(
    settings: Settings,
    journal: "Journal",
    http: "httpx.AsyncClient",
    *,
    within: float | None = DELIVERY_SECONDS,
) -> "DeliveryReport":
    """Hand the AuditEvents that wait to the FHIR store (`within` seconds), or to files; what is left."""
    from mcp_servers.audit.delivery.outbox import report
    from mcp_servers.audit.delivery.to_fhir import deliver
    from mcp_servers.audit.delivery.to_files import write_out

    with audit_explained():
        if settings.audit_events == "files":
            folder = settings.audit_events_dir or settings.folder / EVENTS
            return await asyncio.to_thread(write_out, journal, folder)
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                return await deliver(journal, http)
        return report(journal, str(http.base_url).rstrip("/"), 0, None)
