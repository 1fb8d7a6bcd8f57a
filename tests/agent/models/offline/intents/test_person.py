"""Questions about the person: age at another time, and particulars."""

from pathlib import Path

import pytest

from tests.agent.models.offline.intents.asking import check_said, opened

AMARA, LUCIA, JOHN = "hard-amara-okafor", "hard-lucia-fernandes", "john-wilson"
ANSWERED, ABSENT = "answered", "not_in_chart"


@pytest.mark.anyio
async def test_an_age_at_another_time_is_counted_to_that_day(data_dir: Path) -> None:
    async with opened(data_dir) as navigator:
        for patient, question, status, said, unsaid in (
            (
                AMARA,
                "how old was she when she was diagnosed with diabetes?",
                ANSWERED,
                ["44 years old"],
                ["58"],
            ),
            (AMARA, "how old was she in 2010?", ANSWERED, ["41 or 42 years old in 2010"], []),
            (AMARA, "how old was she on 2015-03-02?", ANSWERED, ["46 years old on 2015-03-02"], []),
            (AMARA, "age as of 2015-03-02?", ANSWERED, ["46 years old on 2015-03-02"], ["at on"]),
            (AMARA, "how old is she today?", ANSWERED, ["58 years old on 2026-11-01 ["], []),
            (AMARA, "how old was she at her last visit?", ANSWERED, ["58 years old", "2026-09-14"], []),
            (LUCIA, "how old was she in 2010?", "needs_review", ["cannot be told: born 1942"], []),
        ):
            check_said(await navigator.ask(question, patient=patient), status, said, unsaid)


@pytest.mark.anyio
async def test_particulars_are_told_as_the_patients_record_has_them(data_dir: Path) -> None:
    async with opened(data_dir) as navigator:
        unsaid: list[str]
        for patient, question, status, said, unsaid in (
            (JOHN, "what is his address?", ANSWERED, ["240 Commonwealth Ave, Springfield, MA"], []),
            (JOHN, "what language does he speak?", ANSWERED, ["English(US) (preferred)"], []),
            (JOHN, "does he speak Spanish, or what else?", ANSWERED, ["English(US) (preferred)"], []),
            (JOHN, "is the patient a man or a woman?", ANSWERED, ["male"], []),
            (JOHN, "race and ethnicity", ANSWERED, ["White; Not Hispanic or Latino"], []),
            (JOHN, "emergency contact", ANSWERED, ["Nancy Wilson, sibling, (508) 769-6485"], []),
            (JOHN, "is he married?", ANSWERED, ["Marital status: Married"], []),
            (AMARA, "address", ABSENT, ["Address not recorded"], []),
        ):
            check_said(await navigator.ask(question, patient=patient), status, said, unsaid)
