"""The embedded store with the hand-made charts, and sessions of the tools on it."""

import json
import lzma
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from fhir_fixtures import charts
from fhir_fixtures.store import create_app, open_store

NOW = datetime(2026, 11, 1, tzinfo=UTC)


class HandmadeCharts:
    """The sample set with the hard cases."""

    def resources(self) -> list[dict[str, Any]]:
        entry = next(entry for entry in charts.manifest()["sets"] if entry["name"] == "handmade")
        with lzma.open(charts.HERE / entry["file"], "rt", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def digest(self) -> str:
        return charts.digest()


@pytest.fixture(scope="session")
def handmade() -> list[dict[str, Any]]:
    """Every resource of the hand-made charts."""
    return HandmadeCharts().resources()


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starlette]:
    """The embedded store over HTTP, with the hand-made charts."""
    store = open_store(tmp_path_factory.mktemp("store") / "store.db", HandmadeCharts())
    yield create_app(store)
    store.close()


@pytest.fixture(scope="session", params=["embedded", pytest.param("hapi_base", marks=pytest.mark.hapi)])
def each_store(request: pytest.FixtureRequest) -> Starlette | str:
    """Each store in turn that holds the hand-made charts, as `session` and `http_to` take it."""
    store: Starlette | str = request.getfixturevalue(request.param)
    return store


@pytest.fixture(scope="session")
def samples(sample_charts: Path) -> Iterator[Starlette]:
    """The embedded store over HTTP, with all sample charts."""
    store = open_store(sample_charts)
    yield create_app(store)
    store.close()
