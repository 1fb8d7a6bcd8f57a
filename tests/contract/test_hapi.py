"""A real HAPI still answers as recorded."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.contract.exchange import ask, play
from tests.contract.recording import recorded
from tests.contract.writes import SCENARIOS

pytestmark = [pytest.mark.anyio, pytest.mark.hapi]


@pytest.fixture
async def hapi(hapi_base: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the real HAPI."""
    async with httpx.AsyncClient(base_url=hapi_base, timeout=120, trust_env=False) as http:
        yield http


async def test_the_recording_is_of_this_version(hapi: httpx.AsyncClient) -> None:
    assert (await hapi.get("metadata")).json()["software"]["version"] == recorded().hapi


@pytest.mark.usefixtures("hapi_turn")
async def test_the_server_answers_every_read_as_recorded(hapi: httpx.AsyncClient) -> None:
    otherwise = {}
    for case, answer in recorded().reads:
        live = await ask(hapi, case)
        if live != answer:
            otherwise[case.name] = (live, answer)
    assert otherwise == {}


@pytest.mark.usefixtures("hapi_turn")
@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_the_server_keeps_records_as_recorded(hapi: httpx.AsyncClient, scenario: str) -> None:
    assert await play(hapi, SCENARIOS[scenario]) == recorded().writes[scenario]
