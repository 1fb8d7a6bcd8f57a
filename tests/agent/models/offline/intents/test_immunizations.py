"""Questions about immunizations."""

from pathlib import Path

import pytest

from tests.agent.models.offline.intents.asking import check_said, opened

AMARA, RENAE, GEORGE, JOHN = "hard-amara-okafor", "renae-homenick", "george-davis", "john-wilson"
ANSWERED, ABSENT = "answered", "not_in_chart"


@pytest.mark.anyio
async def test_a_vaccine_is_answered_as_given_refused_or_not_recorded(data_dir: Path) -> None:
    async with opened(data_dir) as navigator:
        for patient, question, status, said, unsaid in (
            (AMARA, "has she had a flu shot?", ANSWERED, ["Yes:", "2025-10-15", "Not done:", "Declined"], []),
            (AMARA, "immunizations", ANSWERED, ["1 immunization", "Not done", "2026-10-20"], []),
            (AMARA, "why was the flu shot not given?", ANSWERED, ["Declined by the patient"], ["2025"]),
            (AMARA, "did she refuse any vaccines?", ANSWERED, ["not done", "2026-10-20"], ["2025-10"]),
            (AMARA, "has she had a tetanus shot?", ABSENT, ["No tetanus shots", "(2 checked)"], []),
            (RENAE, "did she decline the flu shot?", ABSENT, ["No flu shot is recorded as not"], []),
            (RENAE, "tetanus shots since 2010", ANSWERED, ["1 matching", "2017-05-04"], []),
            (RENAE, "any covid shots?", ABSENT, ["No covid shots", "(103 checked)"], []),
            (JOHN, "was the flu shot refused?", ANSWERED, ["2020-10-01"], ["2025"]),
        ):
            check_said(await navigator.ask(question, patient=patient), status, said, unsaid)


@pytest.mark.anyio
async def test_the_first_the_last_and_how_many_are_told_with_who_gave_it(data_dir: Path) -> None:
    async with opened(data_dir) as navigator:
        for patient, question, said, unsaid in (
            (RENAE, "when was her first flu shot?", ["First", "1946-05-16"], []),
            (RENAE, "last tetanus shot", ["2017-05-04"], ["1992"]),
            (RENAE, "how many flu shots has she had?", ["54 matching immunizations"], []),
            (RENAE, "how many times has she had a flu shot?", ["54 matching immunizations"], []),
            (
                RENAE,
                "list every tetanus shot with date",
                ["12 matching immunizations", "2017-05-04"],
                [],
            ),
            (RENAE, "when were the tetanus shot doses given?", ["12 matching", "2017-05-04"], ["Last"]),
            (RENAE, "what dates was the tetanus shot given?", ["12 matching", "2008-05-22"], ["Last"]),
            (RENAE, "When has she had the tetanus shot, all doses?", ["12 matching", "2008-05-22"], ["Yes"]),
            (RENAE, "total flu vaccine doses given to date", ["54 matching immunizations"], []),
            (AMARA, "every flu vaccine administration", ["1 matching", "2025-10-15"], ["Not done"]),
            (GEORGE, "first Tdap", ["2005-06-01"], ["2015"]),
            (GEORGE, "who gave the last flu shot?", ["done by Kim Wade", "2026-08-24"], []),
            (RENAE, "who gave the last flu shot?", ["no performer recorded"], []),
        ):
            check_said(await navigator.ask(question, patient=patient), ANSWERED, said, unsaid)


@pytest.mark.anyio
async def test_whether_one_is_due_is_told_by_a_stated_interval_alone(data_dir: Path) -> None:
    async with opened(data_dir) as navigator:
        for question, status, said in (
            ("is she due for a tetanus shot every 10 years?", ANSWERED, ["Not yet", "2017-05-04"]),
            ("is she due for a tetanus shot every 5 years?", ANSWERED, ["Yes, by the interval", "2017"]),
            ("is she due for a blood transfusion every 2 years?", ANSWERED, ["Yes", "2024-04-18"]),
            ("is she due for a tetanus shot?", "refused", []),
        ):
            check_said(await navigator.ask(question, patient=RENAE), status, said, [])
