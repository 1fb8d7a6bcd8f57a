"""Whole questions with the tiny 4-bit model: it plans (noise), calls tools on the sample charts, and ends."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from agent.app import open_navigator
from agent.audit_access import journal_path
from agent.config import load
from agent.models.local.generation import Chooser, Figures
from agent.models.local.model import LocalModel
from mcp_servers.audit.chain import trail
from tests.agent.models.local import tiny

pytestmark = [pytest.mark.local, pytest.mark.anyio]


@pytest.mark.parametrize("thinking", [0, 20])
async def test_questions_end_with_tools_called_and_a_complete_trail(data_dir: Path, thinking: int) -> None:
    settings, _ = load({"data_dir": data_dir, "max_hops": 4, "max_tokens": 10**6}, {})
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
