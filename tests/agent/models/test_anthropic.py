"""Anthropic's Messages API against a scripted server, which says that it is one."""

import json
import math
from typing import Any

import httpx
import pytest

from agent.errors import CannotAnswer, ContextExceeded, ModelFailed, ModelUnavailable
from agent.messages import Image, Message, QuestionMessage, SystemMessage, Usage
from agent.models.anthropic import Anthropic
from tests.agent.models.step_schema import STEP_SCHEMA

STEP = {"thought": "look", "actions": [{"tool": "chart_overview", "arguments": {}}]}
SAID = {"type": "text", "text": "Well."}
MESSAGES: list[Message] = [
    SystemMessage(text="You read charts.", now="2026-11-22"),
    QuestionMessage(text="What was the last HbA1c?"),
]


def reply(step: Any = STEP, stopped: str = "tool_use") -> dict[str, Any]:
    usage = {
        "input_tokens": 10,
        "cache_read_input_tokens": 80,
        "cache_creation_input_tokens": 10,
        "output_tokens": 5,
    }
    content = [
        {"type": "text", "text": "Well."},
        {"type": "tool_use", "id": "t", "name": "step", "input": step},
    ]
    return {"model": "frontier-1-20260901", "content": content, "stop_reason": stopped, "usage": usage}


class Scripted:
    """A stand-in for the API: one response, then another if there is one, and what it was asked."""

    def __init__(self, body: Any, status: int = 200, then: Any = None, **headers: str) -> None:
        self.asked: list[httpx.Request] = []
        self._status, self._headers, self._body = status, headers, json.dumps(body).encode()
        self._then = then

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self._then is not None and len(self.asked) > 1:
            return httpx.Response(200, json=self._then)
        return httpx.Response(self._status, headers=self._headers, content=self._body)

    def model(self, base: str = "https://hosted.example") -> Anthropic:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        return Anthropic(http, base, "frontier-1", api_key="sesame", max_tokens=512, timeout=5)


@pytest.mark.anyio
@pytest.mark.parametrize("base", ["https://hosted.example", "https://hosted.example/v1/"])
async def test_a_step_is_the_input_of_the_one_tool_and_the_usage_counts_the_cache(base: str) -> None:
    server = Scripted(reply())
    model = server.model(base)
    turn = await model.next_step(MESSAGES, STEP_SCHEMA, [])
    assert turn.step.model_dump(mode="json") == STEP
    assert turn.usage == Usage(prompt=100, completion=5, cached=80)
    assert model.identity.name == "frontier-1-20260901"
    [request] = server.asked
    assert str(request.url) == "https://hosted.example/v1/messages"
    assert (request.headers["x-api-key"], request.headers["anthropic-version"]) == ("sesame", "2023-06-01")
    asked = json.loads(request.content)
    assert asked["tools"][0]["input_schema"] == STEP_SCHEMA
    assert asked["tool_choice"]["type"] == "auto"  # current models refuse a forced tool
    assert "`step`" in asked["system"]
    assert [turn["role"] for turn in asked["messages"]] == ["user"]


@pytest.mark.anyio
async def test_an_image_goes_in_this_apis_own_form() -> None:
    server = Scripted(reply())
    await server.model().next_step(MESSAGES, STEP_SCHEMA, [Image(media_type="image/png", data=b"png")])
    parts = json.loads(server.asked[0].content)["messages"][0]["content"]
    assert parts[-1] == {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": "cG5n"},
    }


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("server", "error", "says"),
    [
        (Scripted({}, 401), ModelUnavailable, "refuses the API key"),
        (Scripted({}, 404), ModelUnavailable, "knows no model frontier-1"),
        (Scripted({"error": "prompt is too long: Jane Doe"}, 400), ContextExceeded, "longer than"),
        (Scripted({}, 413), ContextExceeded, "longer than"),
        (Scripted({}, 429, **{"retry-after": "17"}), ModelUnavailable, "ask again in 17 s"),
        (Scripted({}, 529), ModelUnavailable, "busy"),
        (Scripted({"error": "Jane Doe"}, 500), ModelUnavailable, "failed"),
        (Scripted({"error": "Jane Doe"}, 400), ModelUnavailable, "refused the request"),
        (Scripted({}, 302, location="https://elsewhere.example"), ModelUnavailable, "failed"),
        (Scripted([]), ModelUnavailable, "no message of this API"),
        (Scripted({"content": 4}), ModelUnavailable, "no message of this API"),
        (Scripted({**reply(), "content": [4]}), ModelUnavailable, "no message of this API"),
        (
            Scripted({**reply(), "usage": {"input_tokens": math.inf, "output_tokens": 1}}),
            ModelUnavailable,
            "no message",
        ),
        (Scripted({**reply(), "model": "llama-3.3"}), ModelUnavailable, "another replied"),
        (Scripted({**reply(), "model": None}), ModelUnavailable, "another replied"),
        (Scripted(reply(stopped="model_context_window_exceeded")), ContextExceeded, "longer than"),
        (Scripted(reply(stopped="refusal")), CannotAnswer, "declines"),
        (Scripted(reply(stopped="max_tokens")), ModelFailed, "cut off"),
        (Scripted(reply({"thought": "", "actions": []})), ModelFailed, "did not fit the step schema"),
        (
            Scripted({**reply(), "content": [{"type": "text", "text": "Hello."}]}),
            ModelFailed,
            "no valid step, twice",
        ),
    ],
)
async def test_what_fails_says_what_to_do_and_repeats_nothing(
    server: Scripted, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says) as failed:
        await server.model().next_step(MESSAGES, STEP_SCHEMA, [])
    assert type(failed.value) is error
    assert "Jane" not in str(failed.value)
    assert "sesame" not in str(failed.value)


@pytest.mark.anyio
async def test_a_step_that_comes_as_text_is_read_and_thinking_is_not() -> None:
    content = [
        {"type": "thinking", "thinking": "{}", "signature": "s"},
        {"type": "text", "text": json.dumps(STEP)},
    ]
    turn = (
        await Scripted({**reply(stopped="end_turn"), "content": content})
        .model()
        .next_step(MESSAGES, STEP_SCHEMA, [])
    )
    assert turn.step.thought == "look"


@pytest.mark.anyio
async def test_a_bad_reply_is_corrected_once_and_both_are_paid_for() -> None:
    server = Scripted(reply({"thought": "", "actions": []}), then=reply())
    turn = await server.model().next_step(MESSAGES, STEP_SCHEMA, [])
    assert turn.usage == Usage(prompt=200, completion=10, cached=160)
    asked = json.loads(server.asked[1].content)["messages"]
    assert [turn["role"] for turn in asked] == ["user", "assistant", "user"]
    assert "was not a valid step" in asked[2]["content"][0]["text"]


@pytest.mark.anyio
@pytest.mark.parametrize("status", [429, 529])
async def test_a_busy_api_is_asked_once_more_when_it_says(status: int) -> None:
    server = Scripted({}, status, then=reply(), **{"retry-after": "0"})
    assert (await server.model().next_step(MESSAGES, STEP_SCHEMA, [])).step.thought == "look"
    assert len(server.asked) == 2


@pytest.mark.anyio
async def test_what_cannot_be_reached_is_unavailable() -> None:
    model = Anthropic(httpx.AsyncClient(), "http://127.0.0.1:9", "m", api_key="k", max_tokens=9, timeout=2)
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        await model.next_step(MESSAGES, STEP_SCHEMA, [])
