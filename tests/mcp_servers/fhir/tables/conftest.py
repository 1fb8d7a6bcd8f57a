"""The process with a patient's tables, empty."""

from collections.abc import Iterator

import pytest

from mcp_servers.fhir.tables.process import TablesProcess

NOW = "2026-11-01T10:00:00+00:00"


@pytest.fixture(scope="module")
def started() -> Iterator[list[TablesProcess]]:
    """The processes that tests of a module started, the last of which `tables` gives."""
    processes = [TablesProcess(NOW)]
    yield processes
    for process in processes:
        process.end()


@pytest.fixture
def tables(started: list[TablesProcess]) -> TablesProcess:
    """A process whose tables are empty, for tests that leave them so or fill them for themselves.

    It is shared by the tests of a module, as long as it lives.
    """
    if not started[-1].alive:
        started.append(TablesProcess(NOW))
    return started[-1]
