"""A stand-in for an OpenAI-compatible server, which says what it is told to, and a client of it."""

import json
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agent.messages import Message, QuestionMessage, Step, SystemMessage
from agent.models.openai import OpenAICompatible
from tests.agent.models.step_schema import STEP_SCHEMA

BASE = "http://127.0.0.1:9/v1"
STEP = {"thought": "look", "actions": [{"tool": "chart_overview", "arguments": {}}]}
GOOD = json.dumps(STEP)
ANSWER = {
    "thought": "",
    "actions": [
        {"tool": "answer", "arguments": {"text": "HbA1c was 6.1 %.", "citations": [], "status": "answered"}}
    ],
}
MESSAGES: list[Message] = [
    SystemMessage(text="You read charts.", now="2026-11-22"),
    QuestionMessage(text="What was the last HbA1c?"),
]


class ScriptedServer:
    """A stand-in for a model server: it replies with the given texts or responses, and keeps what it got.

    `enforces` is the form of schema that it obeys; a probe in another form gets prose, or an error status
    when `refuses` is set. Told to say hello, with no schema, it does.
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
        if body["messages"][-1]["content"] == "Say hello.":
            self.probes.append("none")
            return completion("Hello!")
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


def streamed(text: str, broken: bool, served: str = "scripted-server") -> Response:
    """The text in pieces of five characters; `broken`: the connection ends before the end is told."""
    pieces = [text[at : at + 5] for at in range(0, len(text), 5)]
    events: list[Any] = [{"model": served, "choices": [{"delta": {"content": piece}}]} for piece in pieces]
    if not broken:
        usage = {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}
        events += [{"choices": [{"delta": {}, "finish_reason": "stop"}]}, {"choices": [], "usage": usage}]
    lines = [f"data: {json.dumps(event, ensure_ascii=False)}\n\n" for event in events]
    end = "" if broken else "data: [DONE]\n\n"
    return Response("".join([": keep-alive\n\n", *lines, end]), media_type="text/event-stream")


def model_of(
    server: ScriptedServer, name: str = "scripted-server", key: str | None = None
) -> OpenAICompatible:
    http = httpx.AsyncClient(transport=httpx.ASGITransport(server.app()))
    return OpenAICompatible(http, BASE + "/", name, api_key=key, max_tokens=512, timeout=5)


async def step_of(server: ScriptedServer) -> Step:
    return (await model_of(server).next_step(MESSAGES, STEP_SCHEMA, [])).step
