"""Questions to the planner over the sample charts, from the words to the checked answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from agent.app import Navigator, open_navigator
from agent.config import load
from agent.messages import Answer
from fhir_fixtures import charts as samples


@asynccontextmanager
async def opened(data_dir: Path) -> AsyncIterator[Navigator]:
    """The navigator over the embedded store, on the day that the sample charts end at."""
    settings, _ = load({"data_dir": data_dir, "now": samples.as_of()}, {})
    async with open_navigator(settings) as navigator:
        yield navigator


async def asked(data_dir: Path, patient: str, *questions: str) -> Answer:
    """The answer to the last question of a conversation."""
    async with opened(data_dir) as navigator, navigator.conversation(patient=patient) as conversation:
        for question in questions:
            answer = await conversation.ask(question)
    return answer


def check_said(answer: Answer, status: str, said: list[str], unsaid: list[str]) -> None:
    """An answer of this status, that holds these words and not those, and that its evidence carries."""
    text = answer.answer.casefold()
    assert answer.status == status, answer.answer
    assert [part for part in said if part.casefold() not in text] == [], answer.answer
    assert [part for part in unsaid if part.casefold() in text] == [], answer.answer
    assert answer.grounding is None or answer.grounding.unsupported == (), answer.answer
