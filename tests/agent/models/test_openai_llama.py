"""The OpenAI-compatible model against llama.cpp's real server: plumbing, not quality."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from agent.cli import main
from agent.egress.endpoints import check_endpoint, local_client
from agent.errors import ModelFailed
from agent.messages import (
    Message,
    NoticeMessage,
    QuestionMessage,
    ResultsMessage,
    StepMessage,
    SystemMessage,
    ToolResult,
)
from agent.models.conversation import alternate
from agent.models.openai import OpenAICompatible
from tests.agent.models.step_schema import STEP_SCHEMA

pytestmark = pytest.mark.llama
TURNS = 3


Served = Callable[[int], OpenAICompatible]


@pytest.fixture
async def served(openai_base: str) -> AsyncIterator[Served]:
    """The server's model, by its limit of tokens a step."""
    check_endpoint(openai_base, [])
    async with local_client(timeout=120) as http:
        yield lambda limit: OpenAICompatible(
            http, openai_base, "", api_key=None, max_tokens=limit, timeout=120
        )


@pytest.mark.anyio
async def test_every_turn_of_a_conversation_is_a_valid_step(served: Served) -> None:
    model = served(900)
    messages: list[Message] = [
        SystemMessage(text="You answer questions about one patient's chart with tools.", now="2026-11-22"),
        QuestionMessage(text="What was the last HbA1c?"),
    ]
    for _ in range(TURNS):
        turn = await model.next_step(messages, STEP_SCHEMA, [])
        document = json.loads(turn.step.model_dump_json())
        assert list(Draft202012Validator(STEP_SCHEMA).iter_errors(document)) == []
        assert turn.usage.prompt > 0
        assert turn.usage.completion > 0
        results = tuple(
            ToolResult(
                tool=action.tool, arguments=action.arguments, text="Observation/1 HbA1c 7.9 % 2024-02-01"
            )
            for action in turn.step.actions
        )
        messages += [
            StepMessage(step=turn.step),
            ResultsMessage(results=results),
            NoticeMessage(text="Go on."),
        ]
    roles = [turn["role"] for turn in alternate(messages, [])]
    assert roles == ["user", "assistant"] * TURNS + ["user"]
    assert model.identity.name
    assert "/" not in model.identity.name


@pytest.mark.anyio
async def test_a_long_string_does_not_crash_the_server_and_is_cut_off_at_the_token_limit(
    served: Served,
) -> None:
    long = {
        "type": "object",
        "properties": {"text": {"type": "string", "minLength": 100, "maxLength": 4000}},
        "required": ["text"],
        "additionalProperties": False,
    }
    with pytest.raises(ModelFailed, match=r"cut off at the token limit|repeated itself"):
        await served(9).next_step([QuestionMessage(text="Tell me all.")], long, [])


@pytest.mark.anyio
async def test_a_conversation_longer_than_the_context_fails_and_says_so(served: Served) -> None:
    with pytest.raises(ModelFailed, match="longer than the model server"):
        await served(900).next_step([QuestionMessage(text="HbA1c 7.9 % " * 3000)], STEP_SCHEMA, [])


def test_a_whole_question_is_valid_steps_as_far_as_it_gets_in_five_minutes(
    openai_base: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The model is far too small to be right, or quick; each of its steps fits the schema of all tools."""
    for name, value in {"DATA_DIR": str(data_dir), "MAX_HOPS": "1", "MAX_SECONDS": "300"}.items():
        monkeypatch.setenv(f"EHR_NAVIGATOR_{name}", value)
    main(["ask", "What was the last HbA1c?", "--patient", "hard-amara-okafor", "--tools", "core", "--json",
          "--model", "openai", "--openai-url", openai_base])  # fmt: skip
    given = json.loads(capsys.readouterr().out)
    assert given["model"]["name"].startswith("smollm2")
    assert given["tokens"]["completion"] > 0
    assert "no valid step" not in given["answer"]
    assert "does not fit" not in given["answer"]


@pytest.mark.anyio
async def test_it_counts_no_tokens_while_it_streams_so_it_streams_one_reply(served: Served) -> None:
    model = served(400)
    asked: list[Message] = [QuestionMessage(text="What was the last HbA1c?")]
    first = await model.next_step(asked, STEP_SCHEMA, [], lambda _: None)
    second = await model.next_step(asked, STEP_SCHEMA, [], lambda _: None)
    assert first.usage.prompt == 0
    assert second.usage.prompt > 0
