"""Questions about visits and hospital stays."""

from pathlib import Path

import pytest

from tests.agent.models.offline.intents.asking import check_said, opened

AMARA, LUCIA, RENAE, JOHN = "hard-amara-okafor", "hard-lucia-fernandes", "renae-homenick", "john-wilson"
ADAN = "adan-almaraz"
ANSWERED, ABSENT = "answered", "not_in_chart"


@pytest.mark.anyio
async def test_a_visit_is_told_with_its_class_reason_place_and_practitioner(data_dir: Path) -> None:
    async with opened(data_dir) as navigator:
        for patient, question, status, said, unsaid in (
            (RENAE, "first visit", ANSWERED, ["1945-11-01"], ["2026"]),
            (RENAE, "why was she admitted?", ANSWERED, ["2024-05-02", "reason: cabg_history"], []),
            (RENAE, "where was the last visit?", ANSWERED, ["at MANHAN INTERNAL MEDICINE PC"], []),
            (RENAE, "last checkup", ANSWERED, ["General examination", "2026-03-19"], []),
            (RENAE, "visits in 2024", ANSWERED, ["8 visits in 2024"], []),
            (JOHN, "who saw him last?", ANSWERED, ["with Orlando Field"], []),
            (JOHN, "When was he last in hospital?", ANSWERED, ["Last inpatient", "2026-07-02"], []),
            (AMARA, "has she been in the hospital in 2024?", ABSENT, ["No inpatient visits"], []),
            (JOHN, "last ER visit", ANSWERED, ["2026-07-02", "Worsening dyspnea"], []),
            (JOHN, "ER visits", ANSWERED, ["1 emergency visit"], []),
            (AMARA, "last telephone visit", ABSENT, ["No virtual visits"], []),
            (AMARA, "visits this month", ABSENT, ["No visits"], ["cancelled"]),
            (RENAE, "When was she seen in 2024?", ANSWERED, ["8 visits in 2024"], []),
            (RENAE, "What brought her in on the last admission?", ANSWERED, ["reason: cabg_history"], []),
            (JOHN, "when he was last seen in the ER", ANSWERED, ["Last emergency visit", "2026-07-02"], []),
            (JOHN, "why was his previous visit?", ANSWERED, ["Last visit"], []),
            (RENAE, "List every visit she made from 2024 on, please", ANSWERED, ["since 2024"], []),
            (
                RENAE,
                "What was the cause of her last hospitalization?",
                ANSWERED,
                ["reason: cabg_history"],
                [],
            ),
            (RENAE, "all encounters in calendar year 2024", ANSWERED, ["8 visits in 2024"], []),
            (JOHN, "most recent inpatient admit date", ANSWERED, ["Last inpatient", "2026-07-02"], []),
        ):
            check_said(await navigator.ask(question, patient=patient), status, said, unsaid)


@pytest.mark.anyio
async def test_a_stay_is_as_long_as_the_chart_says_from_its_first_day_to_its_last(data_dir: Path) -> None:
    async with opened(data_dir) as navigator:
        for patient, question, status, said, unsaid in (
            (JOHN, "length of stay", ANSWERED, ["7 days: the last", "2026-07-02 to 2026-07-09"], []),
            (JOHN, "how many days was he in hospital in 2026?", ANSWERED, ["7 days in 1 inpatient"], []),
            (LUCIA, "how long was she in hospital?", ANSWERED, ["No end", "begun 2024-02-27"], ["days"]),
            (LUCIA, "longest stay in the hospital", ANSWERED, ["29 days", "2023-06-01 to 2023-06-30"], []),
            (RENAE, "longest hospital stay", ANSWERED, ["11 days", "2020-11-05 to 2020-11-16"], []),
            (RENAE, "how many days in hospital in 2024?", ANSWERED, ["2 days in 3 inpatient stays"], []),
            (AMARA, "how long was she in hospital?", ABSENT, ["No inpatient stays"], []),
            (ADAN, "how many inpatient days?", ANSWERED, ["in 1 inpatient stay"], []),
            (JOHN, "length of last admission", ANSWERED, ["7 days: the last"], []),
            (ADAN, "LOS on his last inpatient stay", ANSWERED, ["1 day: the last inpatient stay"], []),
            (JOHN, "how long we kept him on the last admission", ANSWERED, ["7 days: the last"], []),
        ):
            check_said(await navigator.ask(question, patient=patient), status, said, unsaid)
