"""Fixtures of the audit trail's tests."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mcp_servers.audit.chain.journal import Journal

from .trails import RING


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal that is open."""
    with closing(Journal(tmp_path / "audit.sqlite", RING)) as opened:
        yield opened
