"""The OpenAI-compatible model while it writes, against a scripted server, which says that it is one."""

import json

import pytest
from starlette.responses import JSONResponse, Response

from agent.errors import ContextExceeded, ModelFailed, ModelUnavailable
from agent.messages import Usage
from tests.agent.models.scripted_server import (
    ANSWER,
    GOOD,
    MESSAGES,
    ScriptedServer,
    completion,
    model_of,
    streamed,
)
from tests.agent.models.step_schema import STEP_SCHEMA


@pytest.mark.anyio
async def test_who_listens_hears_the_answer_while_it_is_written() -> None:
    server, heard = ScriptedServer([json.dumps(ANSWER)]), list[str]()
    turn = await model_of(server).next_step(MESSAGES, STEP_SCHEMA, [], heard.append)
    assert len(heard) > 2
    assert "".join(heard) == turn.step.actions[0].arguments["text"] == "HbA1c was 6.1 %."
    assert turn.usage == Usage(prompt=9, completion=3, cached=4)


@pytest.mark.anyio
async def test_a_stream_that_breaks_off_is_no_reply() -> None:
    server = ScriptedServer([json.dumps(ANSWER)])
    server.broken = True
    with pytest.raises(ModelUnavailable, match="broke off in the middle"):
        await model_of(server).next_step(MESSAGES, STEP_SCHEMA, [], print)


@pytest.mark.anyio
@pytest.mark.parametrize("events", ["data: {]\n\n", "data: 3\n\n", 'data: {"choices": [{"delta": 4}]}\n\n'])
async def test_a_stream_of_garbage_is_told_as_that(events: str) -> None:
    server = ScriptedServer([Response(events, media_type="text/event-stream")])
    with pytest.raises(ModelUnavailable, match="streams what is no chat completion"):
        await model_of(server).next_step(MESSAGES, STEP_SCHEMA, [], print)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "reply",
    [
        JSONResponse({"model": "llama-3.3-70b", "choices": [{"message": {"content": "It was 7.9 %."}}]}),
        streamed(GOOD, broken=False, served="llama-3.3-70b"),
    ],
)
async def test_another_model_than_the_one_asked_for_is_refused_before_a_word_of_it_is_heard(
    reply: Response,
) -> None:
    heard = list[str]()
    with pytest.raises(ModelUnavailable, match=r"'llama-3\.3-70b' replied: name the one that it serves"):
        await model_of(ScriptedServer([reply])).next_step(MESSAGES, STEP_SCHEMA, [], heard.append)
    assert heard == []


@pytest.mark.anyio
async def test_line_ends_that_only_unicode_knows_do_not_break_a_stream() -> None:
    text = "one\u2028two\u0085three\x0b"
    said = {
        **ANSWER,
        "actions": [{"tool": "answer", "arguments": {"text": text, "citations": [], "status": "answered"}}],
    }
    heard = list[str]()
    server = ScriptedServer([json.dumps(said, ensure_ascii=False)])
    turn = await model_of(server).next_step(MESSAGES, STEP_SCHEMA, [], heard.append)
    assert "".join(heard) == turn.step.actions[0].arguments["text"] == text


@pytest.mark.anyio
async def test_a_streamed_reply_that_is_no_step_is_corrected_too() -> None:
    server = ScriptedServer([json.dumps(ANSWER).replace("6.1 %", "6.1 \\%"), GOOD])
    heard = list[str]()
    turn = await model_of(server).next_step(MESSAGES, STEP_SCHEMA, [], heard.append)
    assert turn.step.thought == "look"
    assert "".join(heard) == "HbA1c was 6.1 "


@pytest.mark.anyio
async def test_a_busy_server_is_asked_once_more_for_a_stream_too() -> None:
    busy, heard = JSONResponse({}, 503, headers={"Retry-After": "0"}), list[str]()
    await model_of(ScriptedServer([busy, json.dumps(ANSWER)])).next_step(
        MESSAGES, STEP_SCHEMA, [], heard.append
    )
    assert "".join(heard) == "HbA1c was 6.1 %."


@pytest.mark.anyio
async def test_a_server_that_does_not_stream_is_heard_at_the_end() -> None:
    heard = list[str]()
    server = ScriptedServer([completion(json.dumps(ANSWER))])
    await model_of(server).next_step(MESSAGES, STEP_SCHEMA, [], heard.append)
    assert heard == ["HbA1c was 6.1 %."]


@pytest.mark.anyio
async def test_a_server_that_counts_no_tokens_while_it_streams_streams_no_more() -> None:
    """Else the limits on tokens would not hold: llama-cpp-python 0.3.36 leaves `stream_options` unread."""
    uncounted = [{"choices": [{"delta": {"content": GOOD}, "finish_reason": "stop"}]}]
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in uncounted)
    server = ScriptedServer([Response(body, media_type="text/event-stream"), GOOD])
    model = model_of(server)
    assert (await model.next_step(MESSAGES, STEP_SCHEMA, [], print)).usage == Usage()
    assert (await model.next_step(MESSAGES, STEP_SCHEMA, [], print)).usage.prompt == 100
    assert [asked.get("stream", False) for asked in server.asked] == [True, False]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("the request exceeds the available context size. Jane Doe", ContextExceeded),
        ("CUDA error, Jane Doe", ModelUnavailable),
    ],
)
async def test_an_error_in_a_stream_is_told_without_its_words(error: str, kind: type[Exception]) -> None:
    server = ScriptedServer([Response(f'data: {{"error": {{"message": "{error}"}}}}\n\n')])
    with pytest.raises(ModelFailed) as failed:
        await model_of(server).next_step(MESSAGES, STEP_SCHEMA, [], print)
    assert type(failed.value) is kind
    assert "Jane" not in str(failed.value)


@pytest.mark.anyio
async def test_what_the_listener_raises_is_not_laid_at_the_servers_door() -> None:
    def closed(_: str) -> None:
        raise ValueError("I/O operation on closed file")

    with pytest.raises(ValueError, match="closed file"):
        await model_of(ScriptedServer([json.dumps(ANSWER)])).next_step(MESSAGES, STEP_SCHEMA, [], closed)


@pytest.mark.anyio
async def test_the_arguments_of_a_streamed_tool_call_are_the_step_and_its_other_words_are_not() -> None:
    text = json.dumps(ANSWER)
    calls = [
        {"index": 0, "id": "c", "function": {"name": "step", "arguments": ""}},
        {"index": 0, "function": {"arguments": text[:70]}},
        {"index": 1, "function": {"name": "step", "arguments": "{}"}},
        {"index": 0, "function": {"arguments": text[70:]}},
    ]
    deltas = [{"content": "Well: "}, *({"tool_calls": [call]} for call in calls)]
    events = [{"choices": [{"delta": delta}]} for delta in deltas]
    body = "".join(f"data: {json.dumps(event)}\r\n\r\n" for event in events) + "data: [DONE]"
    server, heard = ScriptedServer([Response(body)], enforces="tool"), list[str]()
    turn = await model_of(server).next_step(MESSAGES, STEP_SCHEMA, [], heard.append)
    assert "".join(heard) == turn.step.actions[0].arguments["text"]
