"""Summaries: of the chart, of a time, since the last visit, of a problem."""

from pathlib import Path

import pytest

from tests.agent.models.offline.intents.asking import check_said, opened

AMARA, JOHN, RENAE, LAILA = "hard-amara-okafor", "john-wilson", "renae-homenick", "laila-gorczany"
ELDER, YOUNGER = "hard-john-smith-1950", "hard-john-smith-1987"
ANSWERED, ABSENT = "answered", "not_in_chart"


@pytest.mark.anyio
async def test_a_chart_is_told_in_short_with_what_is_not_recorded(data_dir: Path) -> None:
    async with opened(data_dir) as navigator:
        for patient, question, said, unsaid in (
            (AMARA, "give me a summary", ["58 years old", "Gout", "metformin", "Penicillin"], ["glipizide"]),
            (AMARA, "chart overview", ["Last visit: ambulatory on 2026-09-14"], ["2026-12", "COPD"]),
            (ELDER, "summary", ["Allergies: No known allergy"], ["not the same as"]),
            (YOUNGER, "summary", ["no record, which is not the same as no allergies"], []),
        ):
            check_said(await navigator.ask(question, patient=patient), ANSWERED, said, unsaid)


@pytest.mark.anyio
async def test_a_time_is_told_by_kind_with_counts_and_flagged_results(data_dir: Path) -> None:
    async with opened(data_dir) as navigator:
        for patient, question, said, unsaid in (
            (AMARA, "summarize 2026", ["2 problems with onset", "No procedures", "7.1 %"], ["11.9", "2025-"]),
            (
                AMARA,
                "what changed since the last visit?",
                ["No visits.", "2026-10-20 (status not-done)", "(status cancelled)"],
                ["semaglutide"],
            ),
            (AMARA, "what's new since she was last seen?", ["No visits.", "2026-10-20"], ["semaglutide"]),
            (
                "hard-mei-tanaka",
                "What went on medically in 2026?",
                ["apixaban on 2026-07-04 (status canc"],
                [],
            ),
            ("hard-tomas-novak", "what's new since his last visit?", ["No visits.", "Heart rate 69.0"], []),
            (
                "markus-jacobi",
                "Has anything new been added since the last appointment?",
                ["Problems that ended: Viral sinusitis (ended 2025-09-29)"],
                [],
            ),
            (
                "hard-lucia-fernandes",
                "what happened since 2025?",
                ["No visits. Recorded otherwise", "on 2024-02-27 (dated earlier, no end recorded"],
                ["1 visit"],
            ),
            (
                JOHN,
                "what happened in july 2026?",
                ["4 visits", "3 procedures", "11 reports", "(status not-done)"],
                [],
            ),
        ):
            check_said(await navigator.ask(question, patient=patient), ANSWERED, said, unsaid)


@pytest.mark.anyio
async def test_a_full_year_is_told_in_as_many_records_as_an_answer_holds(data_dir: Path) -> None:
    async with opened(data_dir) as navigator:
        answer = await navigator.ask("what happened in 2023?", patient=RENAE)
        check_said(
            answer,
            ANSWERED,
            ["(dated earlier, until 2026-11-05", "10 procedures", "and others"],
            ["3 visits"],
        )


@pytest.mark.anyio
async def test_nothing_new_since_a_visit_is_said_without_denying_the_visit(data_dir: Path) -> None:
    async with opened(data_dir) as navigator:
        answer = await navigator.ask("what changed since the last visit?", patient=LAILA)
        check_said(answer, ABSENT, ["after the last recorded visit", "no other visits"], [])
        answer = await navigator.ask("Interval changes since the last visit?", patient=JOHN)
        check_said(answer, ABSENT, ["after the last recorded visit", "no other visits"], [])


@pytest.mark.anyio
async def test_a_problem_is_told_with_what_records_themselves_relate_to_it(data_dir: Path) -> None:
    async with opened(data_dir) as navigator:
        for patient, question, status, said, unsaid in (
            (
                AMARA,
                "tell me about her diabetes",
                ANSWERED,
                ["onset 2012-06-01", "metformin"],
                ["lisinopril"],
            ),
            (JOHN, "tell me about his COPD", ANSWERED, ["onset 2011-11-24", "reason: COPD", "note"], []),
            (AMARA, "tell me about her asthma", ABSENT, ["No problem record matches"], []),
        ):
            check_said(await navigator.ask(question, patient=patient), status, said, unsaid)
