"""What the commands besides asking do: serve the tools, the sample charts, the audit trail."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from agent.app import journal_path, open_embedded, open_fhir, open_navigator, patient_reference
from agent.config import Settings
from agent.errors import AuditUnavailable, Failed, UsageError

T = TypeVar("T")


async def serve_mcp(settings: Settings, patient: str | None) -> None:
    """The chart tools on stdin and stdout, for any MCP client, until it hangs up."""
    from mcp_servers.fhir.server import build_server

    async with open_navigator(settings) as navigator:
        session = navigator.new_session()
        session.patient = patient and patient_reference(patient)
        server = build_server(
            navigator.http, navigator.recorder(session), patient=session.patient, now=session.now
        )
        await server.run_stdio_async()


def sample_patients() -> list[dict[str, Any]]:
    """The patients of the sample charts."""
    from fhir_fixtures.charts import patients

    return [asdict(patient) for patient in patients()]


def serve_fixtures(settings: Settings, port: int) -> None:
    """The embedded store on loopback, until Ctrl-C."""
    import uvicorn

    with open_embedded(settings) as store:
        uvicorn.run(store, host="127.0.0.1", port=port, log_level="info")


async def load_fixtures(settings: Settings, progress: Callable[[int, int], None]) -> str:
    """Load the sample charts into the FHIR server that is set; one line about what was done."""
    from fhir_fixtures.loader import LoadFailed, load

    async with open_fhir(settings) as http:
        try:
            report = await load(http, progress)
        except LoadFailed as error:
            raise Failed(str(error)) from None
    return str(report)


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
    from mcp_servers.audit.errors import JournalUnavailable

    path = journal_path(settings)
    if not path.exists():
        raise UsageError(f"There is no audit journal yet at {path}; it begins with the first question.")
    try:
        return read(path)
    except JournalUnavailable as error:
        raise AuditUnavailable(str(error)) from None


def verify_audit(settings: Settings, *, delivered: bool) -> tuple[bool, str]:
    """Whether the journal is whole and, if asked, each AuditEvent in the FHIR store; with a report."""
    raise NotImplementedError
