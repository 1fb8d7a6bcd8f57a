"""Fixtures that every test may use."""

import fcntl
import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

from fhir_fixtures.store import open_store

TEST_ALL = "EHR_NAVIGATOR_TEST_ALL"
# What `make test` may skip; every other test is marked `plain`.
NOT_PLAIN = ("hapi", "llama", "local", "large")

# Nothing is timed by a test: machines are busy. The same tests draw the same examples, so that a change is
# refused for what it did; `pytest --hypothesis-profile=wider` draws others.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("wider", deadline=None, max_examples=1000)
settings.load_profile("same")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what `make test` runs, so that a run after it can leave it out (`-m "not plain"`)."""
    if not any(map(item.get_closest_marker, NOT_PLAIN)):
        item.add_marker("plain")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is large, but where everything was promised."""
    if item.get_closest_marker("large") and not os.environ.get(TEST_ALL):
        pytest.skip("takes long (`make test-all` runs it)")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a plain test that is skipped: it would run nowhere."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.get_closest_marker("plain"):
        report.outcome = "failed"
        report.longrepr = f"skipped, though it is marked none of {', '.join(NOT_PLAIN)}: {report.longrepr}"
    return report


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def absent(what: str) -> NoReturn:
    """Skip for want of `what`; where everything was promised (`make test-all`), fail instead."""
    if os.environ.get(TEST_ALL):
        pytest.fail(f"{what}, though {TEST_ALL} is set: nothing may be skipped")
    pytest.skip(f"{what} (`make test-all` provides it)")


@pytest.fixture(scope="session")
def hapi_base() -> str:
    """The base URL of a real HAPI server that holds the sample charts."""
    return os.environ.get("EHR_NAVIGATOR_TEST_FHIR") or absent("no real HAPI at $EHR_NAVIGATOR_TEST_FHIR")


@pytest.fixture
def hapi_turn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One test at a time, among all workers: for those that create patients in HAPI or count them there."""
    with (tmp_path_factory.getbasetemp().parent / "hapi-turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def openai_base() -> str:
    """The base URL of a real OpenAI-compatible server with a small model."""
    return os.environ.get("EHR_NAVIGATOR_TEST_OPENAI") or absent("no server at $EHR_NAVIGATOR_TEST_OPENAI")


@pytest.fixture(scope="session")
def sample_charts(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """A copy of the embedded store with the sample charts; tests may add records of their own.

    Indexing takes seconds: it is done once for all workers, and kept for later runs.
    """
    assert pytestconfig.cache is not None
    kept: Path = pytestconfig.cache.mkdir("charts")
    with (kept / "turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        fresh = not (kept / "charts.sqlite").exists()
        with closing(open_store(kept / "charts.sqlite")) as store:
            if fresh:  # what was written in the last half minute is read anew: tests count what is read
                store.connection.execute("UPDATE resource SET updated = updated - 3600000")
        return Path(shutil.copy(kept / "charts.sqlite", tmp_path_factory.mktemp("embedded")))


@pytest.fixture
def data_dir(sample_charts: Path, tmp_path: Path) -> Path:
    """A data folder as a user has it after the first run, with a journal of its own."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    (folder / "charts.sqlite").symlink_to(sample_charts)
    return folder
