"""What the commands besides asking and serving do: the sample charts, the audit trail."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from agent.app import audit_explained, audit_ring, journal_path
from agent.config import Settings
from agent.errors import Failed, UsageError
from agent.fhir_access import open_embedded, open_fhir

if TYPE_CHECKING:
    from mcp_servers.audit.stored import DeliveryVerification
    from mcp_servers.audit.verify import Finding

T = TypeVar("T")


def sample_patients() -> list[dict[str, Any]]:
    """The patients of the sample charts."""
    from fhir_fixtures.charts import patients

    return [patient._asdict() for patient in patients()]


def serve_fixtures(settings: Settings, port: int) -> None:
    """The embedded store on loopback, until Ctrl-C."""
    import uvicorn

    with open_embedded(settings) as store:
        uvicorn.run(store, host="127.0.0.1", port=port, log_level="info")


async def load_fixtures(settings: Settings, progress: Callable[[int, int], None]) -> str:
    """Load the sample charts into the FHIR server that is set; one line about what was done."""
    from fhir_fixtures.loader import LoadError, load

    async with open_fhir(settings) as http:
        try:
            report = await load(http, progress)
        except LoadError as error:
            raise Failed(str(error)) from None
    return f"{report.resources} records loaded in {report.seconds:.0f} s, {report.created} of them new."


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
