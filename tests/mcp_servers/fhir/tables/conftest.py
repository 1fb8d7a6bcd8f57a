"""The process with a patient's tables, empty."""

from collections.abc import Iterator

import pytest

from mcp_servers.fhir.tables.process import TablesProcess


@pytest.fixture(scope="module")
def tables() -> Iterator[TablesProcess]:
    """A process whose tables are empty, for tests that leave them so or fill them for themselves."""
    process = TablesProcess("2026-11-01T10:00:00+00:00")
    yield process
    process.end()
