"""Questions about stays that began soon after the one before."""

from pathlib import Path

import pytest

from tests.agent.models.offline.intents.asking import check_said, opened

LUCIA, RENAE, AMARA = "hard-lucia-fernandes", "renae-homenick", "hard-amara-okafor"
ANSWERED, ABSENT = "answered", "not_in_chart"


@pytest.mark.anyio
async def test_a_readmission_is_a_stay_within_the_stated_days_of_the_end_of_the_one_before(
    data_dir: Path,
) -> None:
    async with opened(data_dir) as navigator:
        for patient, question, status, said, unsaid in (
            (RENAE, "was she readmitted within 30 days?", ANSWERED, ["2024-05-02, 13 days"], ["1241"]),
            (RENAE, "Any 7-day readmissions in 2024?", ANSWERED, ["2024-04-18, 7 days"], ["13 days"]),
            (LUCIA, "has she been readmitted?", ANSWERED, ["2024-02-27, 242 days after that"], []),
            (LUCIA, "30-day readmissions?", ANSWERED, ["No inpatient stay began within 30 days"], []),
            (AMARA, "readmitted within 30 days of discharge?", ABSENT, ["No inpatient stays"], []),
        ):
            check_said(await navigator.ask(question, patient=patient), status, said, unsaid)
