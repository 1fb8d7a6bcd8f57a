"""The stores that these tests ask: one that all of them read, and a fresh one for each that writes."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from fhir_fixtures.store import Store, create_app, open_store
from tests.fhir_fixtures.store.records import RECORDS


@pytest.fixture(scope="session")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = open_store(tmp_path_factory.mktemp("shared") / "fhir.sqlite", RECORDS)
    yield store
    store.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path / "fhir.sqlite", RECORDS)
    yield store
    store.close()


def _client(store: Store) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(store)), base_url="http://embedded/fhir"
    )


@pytest.fixture
async def reader(shared_store: Store) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the store that no test writes to."""
    async with _client(shared_store) as client:
        yield client


@pytest.fixture
async def writer(store: Store) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a store of the test's own."""
    async with _client(store) as client:
        yield client
