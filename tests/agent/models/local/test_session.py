"""Whole questions with the tiny 4-bit model: it plans (noise), calls tools on the sample charts, and ends."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from agent.app import open_navigator
from agent.audit_access import journal_path
from agent.config import load
from agent.models.local.generation import Chooser, Figures
from agent.models.local.grammar import Grammars
from agent.models.local.model import LocalModel
from agent.models.reply import read_step
from mcp_servers.audit.chain import trail
from tests.agent.models.local import tiny
from tests.agent.models.local.test_grammar import noise

pytestmark = [pytest.mark.local, pytest.mark.anyio]


@pytest.mark.parametrize("thinking", [0, 20])
async def test_questions_end_with_tools_called_and_a_complete_trail(data_dir: Path, thinking: int) -> None:
    # The time stands in the prompt: another time, other noise.
    given = {"data_dir": data_dir, "max_hops": 4, "max_tokens": 10**6, "now": "2026-01-02T10:00:00Z"}
    settings, _ = load(given, {})
    took: list[list[Figures]] = []

    def note(figures: Figures) -> None:
        took[-1].append(figures)

    model = LocalModel(
        tiny.loaded(4, 32_768),
        thinking_tokens=thinking,
        max_tokens=8000,
        seconds=300,
        kept=10**9,
        on_generated=note,
        chooser=Chooser(1.0, seed=1),
    )
    answers = []
    async with open_navigator(settings) as navigator:
        noisy = replace(navigator, model=model)
        for patient in ("hard-amara-okafor", "lee-watson", "hard-amara-okafor"):
            took.append([])
            answers.append(await noisy.ask("What was the last HbA1c?", patient=patient))

    assert all(answer.answer and answer.model == model.identity for answer in answers)
    assert sum(len(answer.tool_calls) for answer in answers) > 2
    for answer, steps in zip(answers, took, strict=True):
        assert 0 < answer.tokens.prompt <= sum(figures.prompt for figures in steps)
        assert all(figures.cached > 0 for figures in steps[1:])
        with trail.reading(journal_path(settings)):
            kinds = Counter(one.kind for one in trail.records(journal_path(settings), answer.audit.session))
        assert kinds["intent"] == kinds["completion"] > len(steps)
    instructions = took[0][0].prompt * 0.9
    assert [steps[0].cached > instructions for steps in took] == [False, True, True]


@pytest.mark.parametrize("patient", ["lee-watson", None])
@pytest.mark.parametrize("tools", ["core", "full"])
async def test_the_schema_of_every_tool_on_offer_is_a_grammar(
    data_dir: Path, patient: str | None, tools: str
) -> None:
    settings, _ = load({"data_dir": data_dir, "tools": tools, "cohorts": True}, {})
    grammars = Grammars(tiny.loaded(4, 32_768))
    async with open_navigator(settings) as navigator, navigator.conversation(patient=patient) as conversation:
        schema = conversation.toolbox.schema
        called: set[str] = set()
        for seed in range(60):
            written = grammars.text(noise(grammars.step(schema, 0), seed)).decode()
            called |= {action.tool for action in read_step(written, schema, truncated=False).actions}
    assert called == {"answer", *(offer.name for offer in conversation.toolbox.offers)}
