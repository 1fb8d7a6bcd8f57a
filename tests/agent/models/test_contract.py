"""What holds of every model behind a server, however it takes a schema and whichever protocol it speaks.

Each speaks with a stand-in, which says that it is one.
"""

import json
from collections.abc import Callable
from typing import Any, cast

import httpx
import pytest

from agent.errors import CannotAnswer, ContextExceeded, ModelFailed, ModelUnavailable
from agent.messages import Image, Message, Model, QuestionMessage, SystemMessage
from agent.models.anthropic import Anthropic
from agent.models.constraint import Constraint, json_object, json_schema, tool_call, unconstrained
from agent.models.openai import OpenAICompatible
from tests.agent.models.step_schema import STEP_SCHEMA

STEP = {"thought": "look", "actions": [{"tool": "chart_overview", "arguments": {}}]}
MESSAGES: list[Message] = [
    SystemMessage(text="You read charts.", now="2026-11-22"),
    QuestionMessage(text="What was the last HbA1c?"),
]
Answers = Callable[[httpx.Request], httpx.Response]


class Speaking:
    """One way to speak with a server: the model that does, and replies in its protocol."""

    def __init__(self, constraint: Constraint | None) -> None:
        self.constraint = constraint

    def model(self, answers: Answers) -> Model:
        http = httpx.AsyncClient(transport=httpx.MockTransport(answers))
        base = "http://127.0.0.1:9/v1"
        if self.constraint is None:
            return Anthropic(http, base, "frontier-1", api_key="sesame", max_tokens=512, timeout=5)
        return OpenAICompatible(
            http, base, "frontier-1", api_key="sesame", max_tokens=512, timeout=5, constraint=self.constraint
        )

    def said(self, step: Any, served: str = "frontier-1") -> httpx.Response:
        text = step if isinstance(step, str) else json.dumps(step)
        if self.constraint is None:
            content: dict[str, Any] = {"type": "tool_use", "name": "step", "input": step}
            if isinstance(step, str):
                content = {"type": "text", "text": step}
            usage = {"input_tokens": 60, "cache_read_input_tokens": 40, "output_tokens": 7}
            return httpx.Response(
                200, json={"model": served, "content": [content], "stop_reason": "tool_use", "usage": usage}
            )
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if self.constraint is tool_call:
            message = {"tool_calls": [{"function": {"name": "step", "arguments": text}}]}
        told = {"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 40}}
        return httpx.Response(200, json={"model": served, "choices": [{"message": message}], "usage": told})

    def declined(self) -> httpx.Response:
        if self.constraint is None:
            usage = {"input_tokens": 60, "output_tokens": 1}
            return httpx.Response(
                200, json={"model": "frontier-1", "content": [], "stop_reason": "refusal", "usage": usage}
            )
        return httpx.Response(200, json={"choices": [{"message": {"refusal": "No, Jane Doe."}}]})


@pytest.fixture(
    params=[json_schema, json_object, tool_call, unconstrained, None],
    ids=["json_schema", "json_object", "tool_call", "unconstrained", "messages"],
)
def speaking(request: pytest.FixtureRequest) -> Speaking:
    return Speaking(cast(Constraint | None, request.param))


@pytest.mark.anyio
async def test_a_step_comes_with_its_tokens_and_the_model_as_served(speaking: Speaking) -> None:
    model = speaking.model(lambda _: speaking.said(STEP, "frontier-1-20260901"))
    turn = await model.next_step(MESSAGES, STEP_SCHEMA, [])
    assert turn.step.model_dump(mode="json") == STEP
    assert (turn.usage.prompt, turn.usage.completion, turn.usage.cached) == (100, 7, 40)
    assert model.identity.name == "frontier-1-20260901"


@pytest.mark.anyio
async def test_turns_alternate_a_picture_goes_along_and_the_key_only_in_a_header(speaking: Speaking) -> None:
    asked: list[httpx.Request] = []

    def answers(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return speaking.said(STEP)

    picture = Image(media_type="image/png", data=b"\x89PNG")
    await speaking.model(answers).next_step(MESSAGES, STEP_SCHEMA, [picture])
    [request] = asked
    body = request.content.decode()
    assert [turn["role"] for turn in json.loads(body)["messages"]] == ["user"]
    assert "iVBORw==" in body
    assert "sesame" not in body + str(request.url)
    assert any("sesame" in value for value in request.headers.values())


@pytest.mark.anyio
async def test_a_reply_that_is_no_step_is_corrected_once_and_paid_for(speaking: Speaking) -> None:
    replies = [speaking.said({"thought": ""}), speaking.said(STEP)]
    turn = await speaking.model(lambda _: replies.pop(0)).next_step(MESSAGES, STEP_SCHEMA, [])
    assert (turn.step.thought, turn.usage.prompt) == ("look", 200)


@pytest.mark.anyio
async def test_two_replies_that_are_no_step_fail_and_are_not_repeated(speaking: Speaking) -> None:
    with pytest.raises(ModelFailed, match="no valid step, twice") as failed:
        await speaking.model(lambda _: speaking.said("Jane Doe has 7.9 %.")).next_step(
            MESSAGES, STEP_SCHEMA, []
        )
    assert type(failed.value) is ModelFailed
    assert "Jane" not in str(failed.value)


@pytest.mark.anyio
async def test_a_model_that_declines_cannot_answer(speaking: Speaking) -> None:
    with pytest.raises(CannotAnswer, match="declines") as failed:
        await speaking.model(lambda _: speaking.declined()).next_step(MESSAGES, STEP_SCHEMA, [])
    assert "Jane" not in str(failed.value)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (400, "prompt is too long: 210000 tokens > 200000 maximum", ContextExceeded),
        (400, "the context of this request names a model that is not known", ModelUnavailable),
        (401, "", ModelUnavailable),
        (404, "", ModelUnavailable),
        (429, "", ModelUnavailable),
        (500, "failed to create context: out of memory", ModelUnavailable),
        (503, "", ModelUnavailable),
        (302, "", ModelUnavailable),
    ],
)
async def test_what_is_wrong_with_a_server_is_an_outage_and_its_words_are_not_repeated(
    speaking: Speaking, status: int, words: str, kind: type[Exception]
) -> None:
    """An outage sends no question elsewhere (agent.router): only a conversation that is too long may go."""
    failing = httpx.Response(status, json={"error": {"message": f"{words} Jane Doe sesame"}})
    with pytest.raises(ModelFailed) as failed:
        await speaking.model(lambda _: failing).next_step(MESSAGES, STEP_SCHEMA, [])
    assert type(failed.value) is kind
    assert "Jane" not in str(failed.value)
    assert "sesame" not in str(failed.value)


@pytest.mark.anyio
async def test_another_models_reply_is_refused(speaking: Speaking) -> None:
    with pytest.raises(ModelUnavailable, match="replied"):
        await speaking.model(lambda _: speaking.said(STEP, "frontier-1-mini")).next_step(
            MESSAGES, STEP_SCHEMA, []
        )


@pytest.mark.anyio
async def test_a_busy_server_is_asked_once_more_when_it_says_when(speaking: Speaking) -> None:
    replies = [httpx.Response(429, headers={"retry-after": "0"}), speaking.said(STEP)]
    turn = await speaking.model(lambda _: replies.pop(0)).next_step(MESSAGES, STEP_SCHEMA, [])
    assert turn.step.thought == "look"


@pytest.mark.anyio
@pytest.mark.parametrize("body", [b"<html>Jane Doe</html>", b"[", b"null", b"{}", b"[" * 100_000])
async def test_garbage_is_an_outage(speaking: Speaking, body: bytes) -> None:
    with pytest.raises(ModelUnavailable) as failed:
        await speaking.model(lambda _: httpx.Response(200, content=body)).next_step(MESSAGES, STEP_SCHEMA, [])
    assert "Jane" not in str(failed.value)
