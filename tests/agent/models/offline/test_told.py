"""Questions about the records that the last answer told, over the sample charts."""

import pytest

from agent.errors import CannotAnswer
from agent.grounding import check
from agent.models.offline import OfflinePlanner
from tests.agent.models.offline.sample_charts import NOW, ask

PLANNER = OfflinePlanner()
AMARA, LUCIA, HENRIK = "hard-amara-okafor", "hard-lucia-fernandes", "hard-henrik-olsen"

CASES = [
    # patient, questions, what the answer to the last one says, and what it must not say
    (AMARA, ["last A1c", "is that high?"], ["7.1 % on 2026-09-14: interpretation High, reference"], []),
    (AMARA, ["last A1c", "was that normal"], ["7.1 %", "interpretation High"], ["yes", "no,"]),
    (AMARA, ["last A1c", "what's the reference range?"], ["4-6 %"], []),
    (AMARA, ["last LDL", "is it high?"], ["101 mg/dL", "no interpretation and no reference range"], []),
    (AMARA, ["highest A1c", "is that high?"], ["8.2 % on 2024-05-06"], []),
    (AMARA, ["last A1c and LDL", "are they normal?", "is that high?"], ["7.1 %", "101 mg/dL"], []),
    (AMARA, ["last A1c", "when was that?"], ["2026-09-14"], []),
    (AMARA, ["highest A1c", "and when was it?"], ["8.2 %", "2024-05-06"], []),
    (AMARA, ["last visit", "why?"], ["reason: Diabetes follow-up"], []),
    (AMARA, ["last visit", "what was it for?"], ["reason: Diabetes follow-up"], []),
    (AMARA, ["current medications", "why?"], ["Diabetes mellitus", "no reason recorded"], []),
    (AMARA, ["current medications", "how much?"], ["1000 mg by mouth twice a day", "81 mg once a day"], []),
    (AMARA, ["any allergies?", "since when?"], ["Penicillin", "1999-11-02"], []),
    (AMARA, ["active problems", "since when?"], ["Gout: onset 2021-02-11", "arterial: onset 2015"], []),
    (AMARA, ["does she have diabetes?", "since when?"], ["2012-06-01"], []),
    (AMARA, ["how many A1c results?", "show me"], ["7.1 %", "7.4 %", "62 mmol/mol", "8.2 %"], []),
    (AMARA, ["average A1c", "show them all"], ["7.1 %", "7.4 %", "62 mmol/mol", "8.2 %"], []),
    (AMARA, ["how many visits?", "list them"], ["ambulatory on 2026-09-14"], []),
    (AMARA, ["how many active problems?", "which ones?"], ["Gout", "Eczema"], []),
    (AMARA, ["last visit", "and the one before that?"], ["None is recorded before ambulatory on"], []),
    (AMARA, ["last flu shot", "who gave it?"], ["the record names no one"], []),
    (AMARA, ["last A1c", "is that high?", "and the one before that?"], ["7.4 % on 2025-11-04"], ["7.1"]),
    (AMARA, ["last A1c", "and the one before?", "is that high?"], ["7.4 % on 2025-11-04"], ["7.1"]),
    (AMARA, ["last A1c", "why?", "and the one before?"], ["7.4 %"], []),
    (AMARA, ["highest A1c", "how long ago was that?"], ["ago", "2024-05-06"], []),
    (AMARA, ["last visit", "how long was it?"], ["ambulatory", "2026-09-14"], []),
    (AMARA, ["last visit", "what was the diagnosis?"], ["reason: Diabetes follow-up"], []),
    (AMARA, ["last A1c", "and the one before?", "any since then?"], ["after GLYCO HB on 2025"], ["8.2"]),
    (AMARA, ["when was metformin started?", "how many visits since then?"], ["2026-09-14"], []),
    (AMARA, ["last visit", "and her A1c at that time?"], ["7.1 %"], []),
    (AMARA, ["last visit", "what did she come in with?"], ["reason: Diabetes follow-up"], []),
    (AMARA, ["last visit", "when was the one before?"], ["None is recorded before ambulatory"], []),
    (AMARA, ["last visit", "and her A1c before that?"], ["7.4 %"], ["7.1 %"]),
    (AMARA, ["why was her last visit?", "and the time before?"], ["None is recorded before ambulatory"], []),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("patient", "questions", "said", "unsaid"), CASES, ids=lambda part: part if isinstance(part, str) else ""
)
async def test_what_the_last_answer_told_is_asked_about(
    patient: str, questions: list[str], said: list[str], unsaid: list[str]
) -> None:
    answer, results = await ask(PLANNER, f"Patient/{patient}", *questions)
    text = answer["text"].casefold()
    assert answer["status"] == "answered"
    assert [part for part in said if part.casefold() not in text] == [], answer["text"]
    assert [part for part in unsaid if part.casefold() in text] == [], answer["text"]
    report = check(answer["text"], answer["citations"], results, questions[-1], NOW, earlier=questions[:-1])
    assert report.grounding.unsupported == ()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("questions", "needs"),
    [
        (["last A1c", "why?"], "a medication, a procedure, a visit or an order"),
        (["any allergies?", "is that high?"], "the last answer told no result"),
        (["active problems", "when was that?"], "name the one you mean"),
        (["last A1c", "since when?"], "a medication, a problem or an allergy"),
        (["last visit", "how much?"], "a medication or a result"),
        (["active problems", "any visits since then?"], "needs one date"),
        (["active problems", "how long ago was that?"], "name the one you mean"),
        (["last potassium", "who ordered it?"], "the last answer told none"),
    ],
)
async def test_what_the_records_told_cannot_answer_is_refused_with_what_it_would_need(
    questions: list[str], needs: str
) -> None:
    with pytest.raises(CannotAnswer, match=needs):
        await ask(PLANNER, f"Patient/{AMARA}", *questions)
