"""The embedded store answers what HAPI answered, but for the listed differences."""

import re

import httpx
import pytest

from tests.contract.differences import complaint
from tests.contract.exchange import Case, ask, play
from tests.contract.recording import recorded
from tests.contract.writes import SCENARIOS

pytestmark = pytest.mark.anyio


def about(case: Case) -> str:
    """The resource type that a request is about; empty for the whole server."""
    found = re.match(r"[A-Z]\w+", case.url)
    return found[0] if found else ""


@pytest.mark.parametrize("resource_type", sorted({about(case) for case, _ in recorded().reads}))
async def test_the_embedded_store_answers_as_hapi_did(
    embedded: httpx.AsyncClient, resource_type: str
) -> None:
    complaints = {
        case.name: complaint(case.name, await ask(embedded, case), answer)
        for case, answer in recorded().reads
        if about(case) == resource_type
    }
    assert complaints == {name: {} for name in complaints}


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_the_embedded_store_keeps_records_as_hapi_did(
    embedded: httpx.AsyncClient, scenario: str
) -> None:
    answers = await play(embedded, SCENARIOS[scenario])
    expected = recorded().writes[scenario]
    complaints = {
        name: complaint(f"{scenario}: {name}", answer, expected[name]) for name, answer in answers.items()
    }
    assert complaints == {name: {} for name in answers}
