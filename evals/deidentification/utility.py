"""Do answers stay the same when the model is told a de-identified chart?

The offline planner takes the hosted model's place: it reads rows, dates and names as they were sent, and its
answer comes home as a hosted one would. It says the same of the same chart each time, so each difference
is made by de-identification. What a language model would lose besides, this does not show.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from agent.app import Navigator, open_navigator
from agent.config import load
from agent.escalation import Hosted
from agent.messages import Answer
from agent.models.offline import OfflinePlanner
from evals.questions import Question

NOWHERE = "http://127.0.0.1:9/v1"


async def compare(questions: Iterable[Question], now: str) -> list[tuple[Question, Answer, Answer]]:
    """Each question with its answer from the chart as it is, and from the de-identified one."""
    compared = []
    with tempfile.TemporaryDirectory() as folder:
        flags = {"data_dir": str(Path(folder)), "now": now, "fhir": "", "model": "offline"}
        settings, _ = load(
            {**flags, "escalation": "deidentified", "hosted_model": "openai:stand-in", "hosted_url": NOWHERE}
        )
        async with open_navigator(settings) as navigator:
            for one in questions:
                plain = await navigator.ask(one.text, patient=one.patient)
                compared.append((one, plain, await _stripped(navigator, one)))
    return compared


async def _stripped(navigator: Navigator, one: Question) -> Answer:
    async with navigator.conversation(patient=one.patient) as conversation:
        assert isinstance(conversation.hosted, Hosted)
        conversation.hosted.model = OfflinePlanner()
        return await conversation.ask(one.text, hosted=True)


def differs(plain: Answer, stripped: Answer) -> str:
    """What of two answers differs; empty where nothing does."""
    if any(entry.target != "escalation" for entry in stripped.route):
        return f"it came home: {stripped.route[-1].reason}"
    if plain.status != stripped.status:
        return f"status {plain.status} against {stripped.status}"
    if plain.answer != stripped.answer:
        return f"{plain.answer}\n    against\n    {stripped.answer}"
    if {one.ref for one in plain.citations} != {one.ref for one in stripped.citations}:
        return "other records are cited"
    return ""


def report(compared: list[tuple[Question, Answer, Answer]], *, show: bool) -> tuple[str, int]:
    """How many answers are the same, and those that are not; how many these are."""
    faults = [(one, why) for one, plain, stripped in compared if (why := differs(plain, stripped))]
    lines = [f"{one.patient}: {one.text}\n    {why}" for one, why in faults] if show else []
    same = len(compared) - len(faults)
    lines.append(f"{same} of {len(compared)} answers are the same from the de-identified chart")
    return "\n".join(lines), len(faults)
