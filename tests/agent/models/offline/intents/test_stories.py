"""One problem with what is given for it: nothing is said to be none of a list that was not read whole."""

import pytest

from agent.messages import Action, ToolResult
from agent.models.offline import OfflinePlanner
from tests.agent.models.offline.intents.test_drug_records import FILLING, PATIENT, order
from tests.agent.models.offline.sample_charts import NOW, ask_of, call_on

ASTHMA = {
    "resourceType": "Condition",
    "id": "asthma",
    "clinicalStatus": {"coding": [{"code": "active"}]},
    "code": {"text": "Asthma"},
    "subject": {"reference": PATIENT},
    "onsetDateTime": "1990-01-01",
}
GIVEN = order(5000, "Albuterol inhaler", "1998-01-01", reasonCode=[{"text": "Asthma"}])


def _bring(action: Action) -> ToolResult:
    if action.tool == "list_records":
        return call_on([ASTHMA, *FILLING, GIVEN], {}, PATIENT, action, NOW)
    data = {"finding": "nothing_recorded", "rows": [], "total": 0, "truncated": False, "notes": []}
    return ToolResult(tool=action.tool, arguments=action.arguments, text="", data=data)


@pytest.mark.anyio
async def test_no_medication_is_denied_for_a_problem_where_not_all_were_read() -> None:
    answer, _ = await ask_of(_bring, OfflinePlanner(), PATIENT, "tell me about her asthma")
    assert "No medication record" not in answer["text"]
    assert (answer["status"], "could be read" in answer["text"]) == ("needs_review", True)
