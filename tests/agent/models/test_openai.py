"""The OpenAI-compatible model against a scripted server, which says that it is one."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from agent.errors import CannotAnswer, ContextExceeded, ModelFailed, ModelUnavailable
from agent.messages import Image, Message, QuestionMessage, Usage
from agent.models.chat_completions import ChatCompletions
from agent.models.constraint import grammar_schema, json_schema
from agent.models.openai import OpenAICompatible
from tests.agent.models.scripted_server import (
    BASE,
    GOOD,
    MESSAGES,
    STEP,
    ScriptedServer,
    completion,
    model_of,
    step_of,
)
from tests.agent.models.step_schema import STEP_SCHEMA


@pytest.mark.anyio
async def test_a_step_comes_back_with_its_usage_and_the_model_as_served() -> None:
    server = ScriptedServer([GOOD])
    model = model_of(server, key="sesame")
    assert model.identity.name == "scripted-server"
    turn = await model.next_step(MESSAGES, STEP_SCHEMA, [])
    assert turn.step.model_dump(mode="json") == STEP
    assert turn.usage == Usage(prompt=100, completion=7, cost=0.0)
    assert (model.identity.name, model.identity.quantisation) == ("scripted-server:Q4_K_M", "Q4_K_M")
    [asked] = server.asked
    assert asked["temperature"] == 0
    assert asked["max_tokens"] == 512
    assert asked["authorization"] == "Bearer sesame"
    assert [turn["role"] for turn in asked["messages"]] == ["user"]


@pytest.mark.parametrize(
    ("served", "name", "revision", "quantisation"),
    [
        ("google/medgemma-27b-it", "google/medgemma-27b-it", "", ""),
        ("google/medgemma-27b-it@4f1c", "google/medgemma-27b-it", "4f1c", ""),
        ("medgemma:27b-it-q4_K_M", "medgemma:27b-it-q4_K_M", "", "q4_K_M"),
        ("models/somewhere/MedGemma-27B-it.Q8_0.gguf", "MedGemma-27B-it.Q8_0.gguf", "", "Q8_0"),
        ("mlx-community/medgemma-27b-it-4bit", "mlx-community/medgemma-27b-it-4bit", "", "4bit"),
    ],
)
def test_identity_tells_what_the_name_tells_and_invents_nothing(
    served: str, name: str, revision: str, quantisation: str
) -> None:
    identity = model_of(ScriptedServer([]), served).identity
    assert (identity.name, identity.revision, identity.quantisation) == (name, revision, quantisation)


@pytest.mark.anyio
@pytest.mark.parametrize("refuses", [0, 400, 422, 500])
async def test_the_form_of_the_schema_is_probed_once(refuses: int) -> None:
    server = ScriptedServer([GOOD, GOOD], enforces="json_object", refuses=refuses)
    model = model_of(server)
    for _ in range(2):
        await model.next_step(MESSAGES, STEP_SCHEMA, [])
    assert server.probes == ["json_schema", "json_object"]
    assert [asked["response_format"] for asked in server.asked] == [
        {"type": "json_object", "schema": grammar_schema(STEP_SCHEMA)}
    ] * 2


@pytest.mark.anyio
async def test_json_schema_is_sent_in_its_wrapper() -> None:
    server = ScriptedServer([GOOD])
    await step_of(server)
    wrapper = {"name": "step", "schema": grammar_schema(STEP_SCHEMA)}
    assert server.asked[0]["response_format"] == {"type": "json_schema", "json_schema": wrapper}


@pytest.mark.anyio
async def test_a_server_that_enforces_no_schema_is_shown_it_in_words() -> None:
    server = ScriptedServer([GOOD], enforces="nothing")
    await step_of(server)
    assert server.probes == ["json_schema", "json_object", "tool", "none"]
    assert "response_format" not in server.asked[0]
    assert json.dumps(STEP_SCHEMA) in server.asked[0]["messages"][-1]["content"]


@pytest.mark.anyio
async def test_a_bad_reply_is_corrected_once_and_both_are_paid_for() -> None:
    server = ScriptedServer(["It was 7.9 %.", GOOD])
    turn = await model_of(server).next_step(MESSAGES, STEP_SCHEMA, [])
    assert turn.step.model_dump(mode="json") == STEP
    assert turn.usage == Usage(prompt=200, completion=14)
    retried = server.asked[1]["messages"]
    assert [message["role"] for message in retried] == ["user", "assistant", "user"]
    assert retried[1]["content"] == "It was 7.9 %."
    assert "not one JSON object" in retried[2]["content"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("replies", "finish", "said"),
    [
        (["prose", "more prose"], "stop", "it was not one JSON object"),
        (["", ""], "stop", "it was empty"),
        (['{"thought": ""}', '{"thought": ""}'], "stop", "required at the object"),
        ([GOOD[:20], GOOD[:20]], "length", "cut off at the token limit"),
        (["{" + "\n" * 90, "{" + "\n" * 90], "length", "repeated itself"),
        ([completion(None), "<think>hm"], "stop", "its thinking never ended"),
    ],
)
async def test_two_bad_replies_fail_with_the_reason(
    replies: list[str | Response], finish: str, said: str
) -> None:
    server = ScriptedServer(replies)
    server.finish = finish
    with pytest.raises(ModelFailed, match=f"gave no valid step, twice: .*{said}"):
        await step_of(server)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("response", "said"),
    [
        (lambda: JSONResponse({"error": "Jane Doe"}, 401), "refuses the API key"),
        (lambda: JSONResponse({"error": "Jane Doe"}, 403), "refuses the API key"),
        (lambda: JSONResponse({"error": "Jane Doe"}, 404), "has no model 'scripted-server'; it offers: a, b"),
        (lambda: JSONResponse({"error": "model Jane Doe not found"}, 400), "it offers: a, b"),
        (lambda: JSONResponse({"error": "context length exceeded, Jane Doe"}, 400), "longer than"),
        (lambda: JSONResponse({"error": "Jane Doe"}, 400), "refused the request"),
        (lambda: JSONResponse({"error": "Jane Doe"}, 429), "is busy"),
        (lambda: JSONResponse({"error": "Jane Doe"}, 500), "failed (HTTP 500); see its log"),
        (
            lambda: JSONResponse({"error": "failed to create llama_context: Jane Doe"}, 500),
            "failed (HTTP 500)",
        ),
        (lambda: JSONResponse({"error": "Jane Doe"}, 503), "is not ready (HTTP 503)"),
        (lambda: RedirectResponse("https://elsewhere.example/v1"), "redirects elsewhere"),
        (lambda: HTMLResponse("<html>Jane Doe</html>"), "answers with text/html; charset=utf-8, not JSON"),
        (lambda: JSONResponse({"choices": []}), "no chat completion"),
        (lambda: JSONResponse(["Jane Doe"]), "no chat completion"),
        (lambda: JSONResponse({"choices": [{"message": {"content": {"a": 1}}}]}), "no chat completion"),
    ],
)
async def test_an_endpoint_that_fails_says_what_to_do_and_repeats_nothing(
    response: Callable[[], Response], said: str
) -> None:
    server = ScriptedServer([response()])
    server.models = ["a", "b"]
    with pytest.raises(ModelFailed) as failed:
        await step_of(server)
    assert said in str(failed.value)
    assert "Jane" not in str(failed.value)


@pytest.mark.anyio
async def test_a_model_need_not_be_named_when_there_is_one() -> None:
    server = ScriptedServer([GOOD])
    await model_of(server, "").next_step(MESSAGES, STEP_SCHEMA, [])
    assert server.asked[0]["model"] == "scripted-server"


@pytest.mark.anyio
async def test_a_model_must_be_named_when_there_are_several() -> None:
    server = ScriptedServer([GOOD])
    server.models = ["a", "b"]
    with pytest.raises(ModelFailed, match="Name one; it offers: a, b"):
        await model_of(server, "").next_step(MESSAGES, STEP_SCHEMA, [])


@pytest.mark.anyio
async def test_an_endpoint_without_chat_completions_says_how_addresses_end() -> None:
    http = httpx.AsyncClient(transport=httpx.ASGITransport(Starlette()))
    model = OpenAICompatible(http, BASE, "m", api_key=None, max_tokens=9, timeout=5)
    with pytest.raises(ModelFailed, match="usually ends in /v1"):
        await model.next_step(MESSAGES, STEP_SCHEMA, [])


@pytest.mark.anyio
async def test_a_server_that_is_down_or_too_slow_or_breaks_off_fails_with_advice() -> None:
    errors = {
        "start it": httpx.ConnectError("refused"),
        "took longer than 5 s": httpx.ReadTimeout("slow"),
        "see its log": httpx.RemoteProtocolError("gone"),
    }
    for said, error in errors.items():

        def fail(request: httpx.Request, error: httpx.HTTPError = error) -> httpx.Response:
            raise error

        async with httpx.AsyncClient(transport=httpx.MockTransport(fail)) as http:
            model = OpenAICompatible(http, BASE, "m", api_key=None, max_tokens=9, timeout=5)
            with pytest.raises(ModelFailed, match=said):
                await model.next_step(MESSAGES, STEP_SCHEMA, [])


@pytest.mark.anyio
async def test_an_answer_that_never_stops_nesting_is_no_completion() -> None:
    with pytest.raises(ModelFailed, match="not JSON"):
        await step_of(ScriptedServer([Response(b"[" * 100_000)]))


@pytest.mark.anyio
async def test_a_probe_that_never_stops_nesting_shows_that_no_schema_is_enforced() -> None:
    def nest(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        text = "[" * 100_000 if "response_format" in asked else GOOD
        return httpx.Response(200, json={"choices": [{"message": {"content": text}}]})

    async with httpx.AsyncClient(transport=httpx.MockTransport(nest)) as http:
        model = OpenAICompatible(http, BASE, "m", api_key=None, max_tokens=100, timeout=5)
        turn = await model.next_step(MESSAGES, STEP_SCHEMA, [])
    assert turn.step.thought == "look"


@pytest.mark.anyio
async def test_a_name_without_end_is_told_in_part_and_without_what_a_terminal_obeys() -> None:
    reply = {"model": "\x1b[2Jscripted-server" + "x" * 100_000, "choices": [{"message": {"content": GOOD}}]}
    with pytest.raises(ModelUnavailable, match="was asked for the model") as failed:
        await step_of(ScriptedServer([JSONResponse(reply)]))
    assert len(str(failed.value)) < 500
    assert str(failed.value).isprintable()


@pytest.mark.anyio
async def test_where_no_form_of_schema_is_enforced_but_tools_are_a_tool_takes_the_step() -> None:
    server = ScriptedServer([GOOD], enforces="tool", refuses=400)
    assert (await step_of(server)).model_dump(mode="json") == STEP
    [asked] = server.asked
    assert asked["tools"][0]["function"]["name"] == asked["tool_choice"]["function"]["name"] == "step"
    assert server.probes == ["json_schema", "json_object", "tool"]


@pytest.mark.anyio
async def test_a_busy_server_is_asked_once_more_when_it_says() -> None:
    busy = JSONResponse({}, 429, headers={"Retry-After": "0"})
    assert (await step_of(ScriptedServer([busy, GOOD]))).model_dump(mode="json") == STEP
    with pytest.raises(ModelUnavailable, match="busy"):
        await step_of(ScriptedServer([busy, busy]))
    for wait in ("600", "-1", "1e1", "9" * 5000, "²", "Wed, 21 Oct 2026 07:28:00 GMT"):
        with pytest.raises(ModelUnavailable, match="busy"):
            await step_of(ScriptedServer([JSONResponse({}, 429, headers={"Retry-After": wait})]))


@pytest.mark.anyio
async def test_a_server_that_leaves_out_a_part_of_a_long_conversation_is_found_out() -> None:
    usage = {"prompt_tokens": 2048, "completion_tokens": 7}
    reply = {"model": "scripted-server", "choices": [{"message": {"content": GOOD}}], "usage": usage}
    long: list[Message] = [*MESSAGES, QuestionMessage(text="Once more. " * 3000)]
    with pytest.raises(ContextExceeded, match="longer than the model server"):
        await model_of(ScriptedServer([JSONResponse(reply)])).next_step(long, STEP_SCHEMA, [])


@pytest.mark.anyio
async def test_a_picture_is_no_text_that_was_left_out() -> None:
    """A picture of 300 kB is some 300 tokens, and 400,000 characters of base64."""
    server = ScriptedServer([GOOD])
    picture = Image(media_type="image/png", data=bytes(300_000))
    turn = await model_of(server).next_step(MESSAGES, STEP_SCHEMA, [picture])
    assert turn.step.thought == "look"
    assert server.asked[0]["messages"][0]["content"][-1]["type"] == "image_url"


@pytest.mark.anyio
async def test_arguments_that_come_as_an_object_are_read() -> None:
    call = {"function": {"name": "step", "arguments": STEP}}
    reply = JSONResponse({"choices": [{"message": {"role": "assistant", "tool_calls": [call]}}]})
    assert (await step_of(ScriptedServer([reply], enforces="tool"))).thought == "look"


@pytest.mark.anyio
async def test_a_server_out_of_order_does_not_pass_for_one_that_enforces_nothing() -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(500))) as http:
        model = OpenAICompatible(http, BASE, "m", api_key=None, max_tokens=9, timeout=5)
        with pytest.raises(ModelUnavailable, match="HTTP 500"):
            await model.next_step(MESSAGES, STEP_SCHEMA, [])


@pytest.mark.anyio
async def test_a_model_that_declines_says_so() -> None:
    reply = {"choices": [{"message": {"content": None, "refusal": "I will not speak of Jane Doe."}}]}
    with pytest.raises(CannotAnswer, match="declines") as declined:
        await step_of(ScriptedServer([JSONResponse(reply)]))
    assert "Jane" not in str(declined.value)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("base", "own"),
    [
        ("https://api.openai.com/v1", True),
        ("https://clinic.openai.azure.com/openai/v1", True),
        ("https://openai.example/v1", False),
        ("http://127.0.0.1:9/v1", False),
    ],
)
async def test_openais_own_api_gets_the_limits_that_its_models_take(base: str, own: bool) -> None:
    asked = dict[str, Any]()

    def answer(request: httpx.Request) -> httpx.Response:
        asked.update(json.loads(request.content))
        return httpx.Response(200, json={"choices": [{"message": {"content": GOOD}}]})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        model = OpenAICompatible(
            http, base, "m", api_key="k", max_tokens=512, timeout=5, constraint=json_schema
        )
        await model.next_step(MESSAGES, STEP_SCHEMA, [])
    assert asked.get("max_completion_tokens" if own else "max_tokens") == 512
    assert ("temperature" in asked, "max_tokens" in asked) == (not own, not own)


def test_a_key_is_in_no_representation() -> None:
    assert "sesame" not in repr(ChatCompletions(httpx.AsyncClient(), BASE, "sesame", 5))
