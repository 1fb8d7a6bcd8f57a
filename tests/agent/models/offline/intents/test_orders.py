"""Questions about orders."""

from pathlib import Path

import pytest

from tests.agent.models.offline.intents.asking import check_said, opened

AMARA, JOHN, RENAE = "hard-amara-okafor", "john-wilson", "renae-homenick"
TAMMY, MARIA = "tammy-parker", "maria-jackson"
ANSWERED, ABSENT = "answered", "not_in_chart"


@pytest.mark.anyio
async def test_orders_are_told_with_their_standing_and_the_results_that_refer_to_them(data_dir: Path) -> None:
    async with opened(data_dir) as navigator:
        for patient, question, status, said, unsaid in (
            (AMARA, "orders", ANSWERED, ["4 orders", "not to be performed", "status revoked"], ["mistaken"]),
            (AMARA, "pending orders", ANSWERED, ["1 open order", "A1c"], ["fundoscopy"]),
            (AMARA, "which orders are still active?", ANSWERED, ["1 open order", "A1c"], ["fundoscopy"]),
            (AMARA, "cancelled orders", ANSWERED, ["1 revoked order", "fundoscopy"], ["A1c"]),
            (AMARA, "was the A1c that was ordered done?", ANSWERED, ["status active", "No report"], []),
            (AMARA, "who ordered the A1c?", ANSWERED, ["ordered by Dr. Maja Lindqvist"], []),
            (
                JOHN,
                "any results for the CBC order?",
                ANSWERED,
                ["2026-07-01", "12321", "dr-860ce1a821f3"],
                [],
            ),
            (JOHN, "pending orders", ANSWERED, ["Chest_CT", "the chart holds for it: CT Chest"], []),
            (JOHN, "was a TSH ordered?", ABSENT, ["No order of tsh", "87 checked"], []),
            (RENAE, "orders", ABSENT, ["No order is recorded"], []),
            (TAMMY, "result of the last serum sodium order", ANSWERED, ["Last Na order", "139.0 mmol/L"], []),
            (MARIA, "We ordered a total protein, what did it show?", ANSWERED, ["Last TP order", "g/dL"], []),
            (MARIA, "Did the creat we ordered come back?", ANSWERED, ["Last Creatinine", "mg/dL"], []),
            (AMARA, "What's been ordered that's still open?", ANSWERED, ["1 open order", "A1c"], []),
            (AMARA, "which orders haven't been completed yet", ANSWERED, ["1 open order"], ["fundoscopy"]),
            (MARIA, "result from the serum protein that was ordered", ANSWERED, ["Last TP order"], []),
            (AMARA, "What is pending?", ANSWERED, ["1 open order"], []),
        ):
            check_said(await navigator.ask(question, patient=patient), status, said, unsaid)
