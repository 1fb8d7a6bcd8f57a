"""The embedded store answers what HAPI answered, but for the listed differences."""

import httpx
import pytest

from tests.contract.differences import complaint
from tests.contract.exchange import Answer, Case, ask, play
from tests.contract.recording import recorded
from tests.contract.writes import SCENARIOS

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("case", "answer"), recorded().reads, ids=[case.name for case, _ in recorded().reads]
)
async def test_the_embedded_store_answers_as_hapi_did(
    embedded: httpx.AsyncClient, case: Case, answer: Answer
) -> None:
    assert complaint(case.name, await ask(embedded, case), answer) == {}


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
