"""One figure of many results: the first, highest, lowest, average or median."""

import pytest

from agent.errors import CannotAnswer
from tests.agent.models.offline.intents.told import Case, check_told, named

AMARA, RENAE, NOBODY = "hard-amara-okafor", "renae-homenick", "hard-unknown-trauma"
ANSWERED, ABSENT = "answered", "not_in_chart"
CASES: list[Case] = [
    (RENAE, "highest A1c", ANSWERED, ["Highest", "7.5 % on 2008-05-22, of 19 results"], []),
    (RENAE, "how low has her LDL been since 2020?", ANSWERED, ["Lowest", "78.8 mg/dL on 2020-01-16"], []),
    (RENAE, "median A1c since 2010", ANSWERED, ["Median", "6.0 %, of 18 results from 2010-06-17"], []),
    (RENAE, "what was the next A1c after 2024-03-07", ANSWERED, ["First", "on 2024-04-10"], []),
    (RENAE, "average LDL in 2024", ANSWERED,
     ["141.275 mg/dL, of 4 results from 2024-03-07 to 2024-04-19"], []),
    (RENAE, "range of her LDL in 2024", ANSWERED, ["Highest", "168.3 mg/dL", "Lowest", "116.5 mg/dL"], []),
    (RENAE, "average of the last 3 LDLs", ANSWERED,
     ["123.2 mg/dL, of 3 results, the newest, from 2024-04-19"], []),
    (RENAE, "highest blood pressure since 2020", ANSWERED,
     ["168.8 mmHg (of 168.8/108.4 mmHg) on 2023-01-12", "109.8 mmHg (of 161/109.8 mmHg) on 2026-03-19"], []),
    (RENAE, "average bp since 2025", ANSWERED, ["Systolic", "154.95 mmHg", "Diastolic", "105.5 mmHg"], []),
    (RENAE, "first smoking status since 2025", ANSWERED, ["Never smoked tobacco on 2025-03-06"], ["exact"]),
    (AMARA, "median glucose", ANSWERED, ["136.5 mg/dL", "8.1 mmol/L"], []),
    (NOBODY, "highest potassium", ABSENT, ["No potassium result is recorded"], []),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("patient", "question", "status", "said", "unsaid"), CASES, ids=named)
async def test_a_figure_is_told_with_its_date_and_number_of_results(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str]
) -> None:
    await check_told(patient, question, status, said, unsaid)


@pytest.mark.anyio
async def test_an_average_of_the_last_few_is_refused_where_their_dates_do_not_tell_them_apart() -> None:
    # Every weight stands twice in this chart, at the same moment.
    with pytest.raises(CannotAnswer, match="cannot be told apart"):
        await check_told(RENAE, "average of the last 3 weights", ANSWERED, [], [])
