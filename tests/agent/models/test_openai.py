"""The OpenAI-compatible model against a scripted server, which says that it is one."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from agent.errors import ContextExceeded, ModelFailed, ModelUnavailable
from agent.messages import Message, QuestionMessage, Step, SystemMessage, Usage
from agent.models.constraint import grammar_schema
from agent.models.openai import OpenAICompatible
from tests.agent.models.step_schema import STEP_SCHEMA

BASE = "http://127.0.0.1:9/v1"
STEP = {"thought": "look", "actions": [{"tool": "chart_overview", "arguments": {}}]}
GOOD = json.dumps(STEP)
MESSAGES: list[Message] = [
    SystemMessage(text="You read charts.", now="2026-11-22"),
    QuestionMessage(text="What was the last HbA1c?"),
]


class ScriptedServer:
    """A stand-in for a model server: it replies with the given texts or responses, and keeps what it got.

    `enforces` is the form of schema that it obeys; a probe in another form gets prose, or an error status
    when `refuses` is set.
    """

    def __init__(
        self, replies: list[str | Response], enforces: str = "json_schema", refuses: int = 0
    ) -> None:
        self.replies = replies
        self.enforces = enforces
        self.refuses = refuses
        self.models = ["scripted-server"]
        self.finish = "stop"
        self.broken = False
        self.served = "scripted-server:Q4_K_M"
        self.asked: list[dict[str, Any]] = []
        self.probes: list[str] = []

    async def complete(self, request: Request) -> Response:
        body = await request.json()
        form = body.get("response_format") or {"type": "tool", "tools": body.get("tools")}
        if "probe" in json.dumps(form):
            self.probes.append(form["type"])
            if form["type"] != self.enforces:
                return JSONResponse({}, self.refuses) if self.refuses else completion("Hello!")
            return self.said('{"probe": "k7"}')
        self.asked.append({**body, "authorization": request.headers.get("authorization")})
        reply = self.replies.pop(0)
        if isinstance(reply, Response):
            return reply
        return streamed(reply, self.broken) if body.get("stream") else self.said(reply)

    def said(self, text: str) -> Response:
        return called(text) if self.enforces == "tool" else completion(text, self.finish)

    async def list_models(self, request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": name} for name in self.models]})

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/chat/completions", self.complete, methods=["POST"]),
                Route("/v1/models", self.list_models),
            ]
        )


def completion(text: str | None, finish: str = "stop") -> JSONResponse:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    usage = {"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 107}
    return JSONResponse({"model": "scripted-server:Q4_K_M", "choices": [choice], "usage": usage})


def called(arguments: str) -> JSONResponse:
    call = {"id": "c", "type": "function", "function": {"name": "step", "arguments": arguments}}
    choice = {"index": 0, "message": {"role": "assistant", "content": None, "tool_calls": [call]}}
    return JSONResponse({"model": "scripted-server", "choices": [choice], "usage": None})


def streamed(text: str, broken: bool) -> Response:
    """The text in pieces of five characters; `broken`: the connection ends before the end is told."""
    pieces = [text[at : at + 5] for at in range(0, len(text), 5)]
    events: list[Any] = [
        {"model": "scripted-server", "choices": [{"delta": {"content": piece}}]} for piece in pieces
    ]
    if not broken:
        usage = {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}
        events += [{"choices": [{"delta": {}, "finish_reason": "stop"}]}, {"choices": [], "usage": usage}]
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    return Response("".join([": keep-alive\n\n", *lines, "data: [DONE]\n\n"]), media_type="text/event-stream")


def model_of(
    server: ScriptedServer, name: str = "scripted-server", key: str | None = None
) -> OpenAICompatible:
    http = httpx.AsyncClient(transport=httpx.ASGITransport(server.app()))
    return OpenAICompatible(http, BASE + "/", name, api_key=key, max_tokens=512, timeout=5)


async def step_of(server: ScriptedServer) -> Step:
    return (await model_of(server).next_step(MESSAGES, STEP_SCHEMA, [])).step


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
    wrapper = {"name": "step", "schema": grammar_schema(STEP_SCHEMA), "strict": True}
    assert server.asked[0]["response_format"] == {"type": "json_schema", "json_schema": wrapper}


@pytest.mark.anyio
async def test_a_server_that_enforces_no_schema_is_shown_it_in_words() -> None:
    server = ScriptedServer([GOOD], enforces="nothing")
    await step_of(server)
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
        (lambda: JSONResponse({"error": "Jane Doe"}, 503), "failed (HTTP 503)"),
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
async def test_a_model_cannot_hide_from_the_trail_behind_a_name_without_end() -> None:
    reply = {"model": "\x1b[2Jscripted-server" + "x" * 100_000, "choices": [{"message": {"content": GOOD}}]}
    server = ScriptedServer([JSONResponse(reply)])
    model = model_of(server)
    await model.next_step(MESSAGES, STEP_SCHEMA, [])
    assert model.identity.name.startswith("[2Jscripted-serverxx")
    assert len(model.identity.name) == 300


@pytest.mark.anyio
async def test_where_no_form_of_schema_is_enforced_but_tools_are_a_tool_takes_the_step() -> None:
    server = ScriptedServer([GOOD], enforces="tool", refuses=400)
    assert (await step_of(server)).model_dump(mode="json") == STEP
    [asked] = server.asked
    assert asked["tools"][0]["function"]["name"] == asked["tool_choice"]["function"]["name"] == "step"
    assert server.probes == ["json_schema", "json_object", "tool"]


ANSWER = {
    "thought": "",
    "actions": [
        {"tool": "answer", "arguments": {"text": "HbA1c was 6.1 %.", "citations": [], "status": "answered"}}
    ],
}


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
    with pytest.raises(ModelFailed, match="streams what is no chat completion"):
        await model_of(server).next_step(MESSAGES, STEP_SCHEMA, [], print)


@pytest.mark.anyio
async def test_a_busy_server_is_asked_once_more_when_it_says() -> None:
    busy = JSONResponse({}, 429, headers={"Retry-After": "0"})
    assert (await step_of(ScriptedServer([busy, GOOD]))).model_dump(mode="json") == STEP
    with pytest.raises(ModelUnavailable, match="busy"):
        await step_of(ScriptedServer([busy, busy]))
    with pytest.raises(ModelUnavailable, match="busy"):
        await step_of(ScriptedServer([JSONResponse({}, 429, headers={"Retry-After": "600"})]))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("asked", "served", "same"),
    [
        ("medgemma", "medgemma:latest", True),
        ("gpt-6-luna", "gpt-6-luna-2026-09-01", True),
        ("medgemma-27b-it", "/models/medgemma-27b-it.gguf", True),
        ("google/medgemma-27b-it", "medgemma-27b-it", True),
        ("medgemma-27b-it", "llama-3.3-70b", False),
        ("medgemma-27b-it", "medgemma-4b-it", False),
    ],
)
async def test_another_model_than_the_one_asked_for_is_refused(asked: str, served: str, same: bool) -> None:
    reply = {"model": served, "choices": [{"message": {"content": GOOD}}]}
    model = model_of(ScriptedServer([JSONResponse(reply)]), asked)
    if same:
        await model.next_step(MESSAGES, STEP_SCHEMA, [])
        assert served.endswith(model.identity.name)
    else:
        with pytest.raises(ModelFailed, match="was asked for the model"):
            await model.next_step(MESSAGES, STEP_SCHEMA, [])


@pytest.mark.anyio
async def test_a_server_that_leaves_out_a_part_of_a_long_conversation_is_found_out() -> None:
    usage = {"prompt_tokens": 2048, "completion_tokens": 7}
    reply = {"model": "scripted-server", "choices": [{"message": {"content": GOOD}}], "usage": usage}
    long: list[Message] = [*MESSAGES, QuestionMessage(text="Once more. " * 3000)]
    with pytest.raises(ContextExceeded, match="longer than the model server"):
        await model_of(ScriptedServer([JSONResponse(reply)])).next_step(long, STEP_SCHEMA, [])
