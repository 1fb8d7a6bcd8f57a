"""The navigator as callers open it, over the sample charts."""

from pathlib import Path

import pytest

from agent.app import open_navigator
from agent.config import load
from agent.errors import AuditUnavailable


@pytest.mark.anyio
async def test_a_journal_that_vanishes_during_a_run_ends_it_with_a_word_to_the_person(data_dir: Path) -> None:
    settings, _ = load({"data_dir": data_dir}, {})
    with pytest.raises(AuditUnavailable, match="journal"):
        async with open_navigator(settings) as navigator:
            await navigator.ask(
                "How old is she?",
                patient="hard-amara-okafor",
                on_patient=lambda _: (data_dir / "audit.sqlite").unlink(),
            )
