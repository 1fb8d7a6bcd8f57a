"""The embedded store that the contract suite asks."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from fhir_fixtures.store import Store, create_app, open_store


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Store]:
    """A store with the sample charts, copied from one that later runs find again: indexing takes seconds."""
    assert pytestconfig.cache is not None
    indexed: Path = pytestconfig.cache.mkdir("contract") / "charts.sqlite"
    open_store(indexed).close()
    copy = shutil.copy(indexed, tmp_path_factory.mktemp("contract"))
    store = open_store(Path(copy))
    yield store
    store.close()


@pytest.fixture
async def embedded(store: Store) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the embedded store, in process."""
    transport = httpx.ASGITransport(create_app(store))
    async with httpx.AsyncClient(transport=transport, base_url="http://embedded/fhir") as http:
        yield http
