"""The OpenAI-compatible model against llama.cpp's real server: plumbing, not quality.

`python tests/agent/models/llama_server.py pytest -m llama` starts the server.
"""

import json
import os
from collections.abc import AsyncIterator

import httpx
import pytest
from jsonschema import Draft202012Validator

from agent.egress import check_endpoint, local_client
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

BASE = os.environ.get("EHR_NAVIGATOR_TEST_OPENAI", "")
pytestmark = [
    pytest.mark.llama,
    pytest.mark.skipif(
        not BASE, reason="EHR_NAVIGATOR_TEST_OPENAI is not set to the base URL of a running server"
    ),
]
TURNS = 3


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    check_endpoint(BASE, [])
    async with local_client(timeout=120) as client:
        yield client


def model_at(http: httpx.AsyncClient, name: str = "", max_tokens: int = 900) -> OpenAICompatible:
    return OpenAICompatible(http, BASE, name, api_key=None, max_tokens=max_tokens, timeout=120)


@pytest.mark.anyio
async def test_every_turn_of_a_conversation_is_a_valid_step(http: httpx.AsyncClient) -> None:
    model = model_at(http)
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
    http: httpx.AsyncClient,
) -> None:
    long = {
        "type": "object",
        "properties": {"text": {"type": "string", "minLength": 100, "maxLength": 4000}},
        "required": ["text"],
        "additionalProperties": False,
    }
    with pytest.raises(ModelFailed, match=r"cut off at the token limit|repeated itself"):
        await model_at(http, max_tokens=9).next_step([QuestionMessage(text="Tell me all.")], long, [])


@pytest.mark.anyio
async def test_a_conversation_longer_than_the_context_fails_and_says_so(http: httpx.AsyncClient) -> None:
    with pytest.raises(ModelFailed, match="longer than the model server"):
        await model_at(http).next_step([QuestionMessage(text="HbA1c 7.9 % " * 3000)], STEP_SCHEMA, [])
