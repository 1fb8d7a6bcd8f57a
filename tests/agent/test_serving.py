"""A server that runs for months hands over its AuditEvents while it runs."""

import asyncio
from pathlib import Path

import pytest

from agent.app import open_navigator
from agent.config import Settings
from agent.messages import Action
from agent.serving import delivering
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
