"""Questions to the planner over the sample charts, one step at a time, and what the answer must hold."""

from agent.grounding import check
from agent.models.offline import OfflinePlanner
from tests.agent.models.offline.sample_charts import NOW, ask

PLANNER = OfflinePlanner()
# Patient, question, status, what the answer says, what it must not say.
Case = tuple[str, str, str, list[str], list[str]]


def named(part: object) -> str:
    """A case's name among the tests: its patient and its question."""
    return part if isinstance(part, str) else ""


async def check_told(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str], *, now: str = NOW
) -> None:
    """The answer has this status, holds these words and not those, and nothing that no row carries."""
    answer, results = await ask(PLANNER, f"Patient/{patient}", question, now=now)
    text = answer["text"].casefold()
    assert answer["status"] == status, answer["text"]
    assert [part for part in said if part.casefold() not in text] == [], answer["text"]
    assert [part for part in unsaid if part.casefold() in text] == [], answer["text"]
    report = check(answer["text"], answer["citations"], results, question, now)
    assert report.grounding.unsupported == (), answer["text"]
