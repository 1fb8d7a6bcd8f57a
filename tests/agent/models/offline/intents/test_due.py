"""Whether a measurement is due by the interval that the question states, and by no other."""

import pytest

from agent.errors import CannotAnswer
from tests.agent.models.offline.intents.told import Case, check_told, named

RENAE, LUCIA, NOBODY = "renae-homenick", "hard-lucia-fernandes", "hard-unknown-trauma"
ANSWERED, ABSENT = "answered", "not_in_chart"
CASES: list[Case] = [
    (RENAE, "is the A1c overdue if due every 6 months?", ANSWERED,
     ["Yes, by the interval", "2026-03-19"], ["Not"]),
    (RENAE, "is her yearly A1c due?", ANSWERED, ["Not yet, by the interval", "2026-03-19"], ["Yes"]),
    (RENAE, "A1c every 6 months: is it due?", ANSWERED, ["Yes, by the interval", "2026-03-19"], ["Not"]),
    (RENAE, "Should be checked every 6 months: is her A1c overdue?", ANSWERED, ["Yes, by the interval"], []),
    (NOBODY, "is the potassium due if it is done every 3 months?", ABSENT, ["No potassium result"], ["Yes"]),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("patient", "question", "status", "said", "unsaid"), CASES, ids=named)
async def test_it_is_due_where_the_stated_interval_has_gone_by(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str]
) -> None:
    await check_told(patient, question, status, said, unsaid)


@pytest.mark.anyio
async def test_without_an_interval_nothing_is_said_to_be_due() -> None:
    with pytest.raises(CannotAnswer):
        await check_told(RENAE, "is she due for an A1c?", ANSWERED, [], [])
