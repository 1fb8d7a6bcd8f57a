"""A server that runs for months hands over its AuditEvents while it runs, and erases what is due."""

import asyncio
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.app import open_navigator
from agent.audit_access import audit_ring, journal_path, recorder_of
from agent.config import Settings
from agent.messages import Action
from agent.serving import delivering
from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.delivery.outbox import undelivered


@pytest.mark.anyio
async def test_audit_events_are_delivered_while_the_server_runs(data_dir: Path) -> None:
    async with open_navigator(Settings.model_validate({"data_dir": data_dir})) as navigator:
        async with navigator.toolbox(navigator.new_session()) as toolbox:
            await toolbox.call(Action(tool="find_patient", arguments={"text": "Okafor"}), {})
        assert len([*undelivered(navigator.journal.path)]) == 1
        async with asyncio.timeout(10), delivering(navigator, every=0):
            while [*undelivered(navigator.journal.path)]:
                await asyncio.sleep(0)


@pytest.mark.anyio
async def test_what_is_due_is_erased_while_the_server_runs(data_dir: Path) -> None:
    settings = Settings.model_validate({"data_dir": data_dir})
    ago = datetime.now(UTC) - timedelta(days=settings.audit_retention_days + 40)
    async with open_navigator(settings) as navigator:
        with closing(Journal(journal_path(settings), audit_ring(settings), clock=lambda: ago)) as earlier:
            recorder_of(settings, earlier, "s1", "http://gone.example/fhir").begin("t", {}).complete("ok")
        async with asyncio.timeout(10), delivering(navigator, every=0):
            while not any(one.kind == "erasure" for one in trail.records(journal_path(settings))):
                await asyncio.sleep(0)
