"""Questions about procedures."""

from pathlib import Path

import pytest

from tests.agent.models.offline.intents.asking import check_said, opened

LUCIA, RENAE, LEE, GEORGE = "hard-lucia-fernandes", "renae-homenick", "lee-watson", "george-davis"
ANSWERED, ABSENT = "answered", "not_in_chart"


@pytest.mark.anyio
async def test_a_procedure_is_told_with_what_its_record_says_of_when_and_why(data_dir: Path) -> None:
    async with opened(data_dir) as navigator:
        for patient, question, status, said, unsaid in (
            (LUCIA, "procedures", ANSWERED, ["2 procedures", "as a child, in Porto", "Not done: Cardio"], []),
            (LUCIA, "first procedure", ANSWERED, ["First: Total", "2010-11", "Without a date: App"], []),
            (LUCIA, "has she had a cardioversion?", ANSWERED, ["status not-done", "sinus rhythm"], ["Yes"]),
            (LEE, "why did he have the angioplasty?", ANSWERED, ["reason:", "myocardial infarction"], []),
            (LEE, "when was his last echocardiogram?", ANSWERED, ["2026-01-20"], []),
            (LEE, "who did the angioplasty?", ANSWERED, ["done by"], []),
            (GEORGE, "surgical history", ANSWERED, ["4 procedures", "do not say which"], []),
            (RENAE, "has she had a colonoscopy?", ABSENT, ["No colonoscopy", "(620 checked)"], ["Yes"]),
            (RENAE, "blood transfusion?", ANSWERED, ["2024-04-18"], []),
            (
                RENAE,
                "date of the third medication reconciliation",
                ANSWERED,
                ["3rd in time", "1946-07-18"],
                [],
            ),
            (
                RENAE,
                "find her latest topical fluoride and tell me when it was",
                ANSWERED,
                ["Last", "fluoride"],
                [],
            ),
            (RENAE, "On what day did the third med rec happen?", ANSWERED, ["3rd in time", "1946-07-18"], []),
            (RENAE, "When did she have a med rec for the third time?", ANSWERED, ["1946-07-18"], []),
            (
                RENAE,
                "What are all the dates when she had a throat culture?",
                ANSWERED,
                ["matching"],
                ["Last"],
            ),
            (RENAE, "throat cx: each time", ANSWERED, ["matching procedures"], ["Last"]),
            (RENAE, "every throat culture with its date", ANSWERED, ["matching procedures"], ["Last"]),
            (
                RENAE,
                "how many times has she had a throat culture?",
                ANSWERED,
                ["matching procedures"],
                ["Last"],
            ),
        ):
            check_said(await navigator.ask(question, patient=patient), status, said, unsaid)
