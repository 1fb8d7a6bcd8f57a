"""The process with a patient's tables, empty."""

from collections.abc import Iterator

import pytest

from mcp_servers.fhir.tables.process import TablesProcess


@pytest.fixture(scope="module")
def started() -> Iterator[list[TablesProcess]]:
    """The processes that tests of a module started, the last of which `tables` gives."""
    processes = [TablesProcess()]
    yield processes
    for process in processes:
        process.end()


@pytest.fixture
def tables(started: list[TablesProcess]) -> TablesProcess:
    """A process whose tables are empty, for tests that leave them so or fill them for themselves.

    It is shared by the tests of a module, as long as it lives.
    """
    if not started[-1].alive:
        started.append(TablesProcess())
    return started[-1]
