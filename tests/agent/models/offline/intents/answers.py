"""A question over a sample chart, and what its answer must say: every claim stands in the evidence."""

from agent.grounding import check
from agent.models.offline import OfflinePlanner
from tests.agent.models.offline.sample_charts import NOW, ask

PLANNER = OfflinePlanner()
AMARA, LUCIA, HENRIK = "hard-amara-okafor", "hard-lucia-fernandes", "hard-henrik-olsen"
MEI, NOOR, TOMAS = "hard-mei-tanaka", "hard-noor-haddad", "hard-tomas-novak"
ELDER, YOUNGER, NOBODY = "hard-john-smith-1950", "hard-john-smith-1987", "hard-unknown-trauma"
FOUND, ABSENT = "answered", "not_in_chart"


async def check_answer(patient: str, question: str, status: str, said: list[str], unsaid: list[str]) -> None:
    """Ask, and hold the answer to its status, to the words it must and must not say, and to its evidence."""
    answer, results = await ask(PLANNER, f"Patient/{patient}", question)
    text = answer["text"].casefold()
    assert answer["status"] == status, answer["text"]
    assert [part for part in said if part.casefold() not in text] == [], answer["text"]
    assert [part for part in unsaid if part.casefold() in text] == [], answer["text"]
    report = check(answer["text"], answer["citations"], results, question, NOW)
    assert report.grounding.unsupported == (), answer["text"]
