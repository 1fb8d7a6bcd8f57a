"""The embedded store that the contract suite asks."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from fhir_fixtures.store import Store, create_app, open_store


@pytest.fixture(scope="session")
def store(sample_charts: Path) -> Iterator[Store]:
    """A store with the sample charts."""
    store = open_store(sample_charts)
    yield store
    store.close()


@pytest.fixture
async def embedded(store: Store) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the embedded store, in process."""
    transport = httpx.ASGITransport(create_app(store))
    async with httpx.AsyncClient(transport=transport, base_url="http://embedded/fhir") as http:
        yield http
