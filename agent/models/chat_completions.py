"""The chat-completions protocol over HTTP: one request, what it brought, and errors that say what to do.

The words of a server's error are never repeated: it may quote the prompt, and with it the chart.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from agent.errors import ContextExceeded, ModelFailed, ModelUnavailable
from agent.messages import Usage

_LONGEST_NAME = 300  # characters; llama.cpp serves a model under a path
_LONGEST_WAIT = 30.0  # seconds that a busy server may ask for
# A token of JSON and English has some three to five characters. A server that read fewer than one for
# so many left out a part of the conversation (Ollama does, without a word).
_MOST_CHARACTERS_A_TOKEN = 10
_SHORTEST_JUDGED = 8_000  # characters

# How the servers of clinics are known (`owned_by` of their models), and how each is given a longer context.
LONGER_CONTEXT = {
    "library": "Ollama: set OLLAMA_CONTEXT_LENGTH",
    "llamacpp": "llama.cpp: start it with a larger --ctx-size",
    "vllm": "vLLM: start it with a larger --max-model-len",
    "organization_owner": "LM Studio: load the model with a longer context",
    "lemonade": "Lemonade: start it with a larger --ctx-size",
}


@dataclass(frozen=True)
class Reply:
    """What a completion says, whether it was cut off, its tokens, and the model that the server names."""

    text: str
    truncated: bool
    usage: Usage
    served: str


@dataclass
class ChatCompletions:
    """An endpoint at `base` (without a slash at its end). `timeout` is in seconds per reply.

    `http` must not follow redirects (agent.egress.endpoints.local_client).
    """

    http: httpx.AsyncClient
    base: str
    api_key: str | None
    timeout: float
    model: str = ""
    owner: str = ""

    async def complete(self, body: dict[str, Any]) -> Reply:
        """The completion of a request. Raises ModelUnavailable, ContextExceeded and ModelFailed."""
        response = await self.post(body)
        reply = self.read(await self.checked(response))
        self._check_read_whole(body, reply)
        return reply

    async def stream(self, body: dict[str, Any], on_piece: Callable[[str], object]) -> Reply:
        """The same, with each piece of the text as it comes. Raises what `complete` raises."""
        body = body | {"stream": True, "stream_options": {"include_usage": True}}
        text, usage, served, ended = "", Usage(), "", ""
        try:
            async with self.http.stream(
                "POST", f"{self.base}/chat/completions", json=body, **self._sending()
            ) as came:
                if came.status_code != 200:
                    await came.aread()
                    await self.checked(came)
                async for event in _events(came):
                    piece, finish = _piece(event)
                    text, ended, served = text + piece, finish or ended, str(event.get("model") or served)
                    usage = _usage(event) or usage
                    if piece:
                        on_piece(piece)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ModelFailed(
                f"{self.base} streams what is no chat completion; ask it without streaming."
            ) from None
        if not ended:
            raise ModelUnavailable(f"The model server at {self.base} broke off in the middle of its reply.")
        reply = Reply(text, ended == "length", usage, _name(served))
        self._check_read_whole(body, reply)
        return reply

    async def post(self, body: dict[str, Any]) -> httpx.Response:
        """The response to a request, whatever its status; a busy server is asked once more, when it says."""
        response = await self._request("POST", "/chat/completions", body)
        wait = response.headers.get("retry-after", "")
        if (
            response.status_code in (429, 503)
            and wait.isdigit()
            and float(wait) <= min(_LONGEST_WAIT, self.timeout)
        ):
            await asyncio.sleep(float(wait))
            response = await self._request("POST", "/chat/completions", body)
        return response

    async def models(self) -> list[str]:
        """The ids of the models that the server offers; none when it does not say."""
        response = await self._request("GET", "/models")
        try:
            offered = response.json()["data"]
            self.owner = str(offered[0].get("owned_by") or "").lower() if offered else ""
            return [str(model["id"]) for model in offered]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return []

    async def checked(self, response: httpx.Response) -> Any:
        """The response's JSON. Raises what its status means."""
        status = response.status_code
        if 300 <= status < 400:
            raise ModelUnavailable(
                f"The model server at {self.base} redirects elsewhere, which is not followed; set the"
                " endpoint to its final address."
            )
        if status in (401, 403):
            raise ModelUnavailable(
                f"The model server at {self.base} refuses the API key (HTTP {status}); set the right one."
            )
        body = response.text[:4000].lower() if status >= 400 else ""
        if status in (400, 413, 500) and ("context" in body or "too long" in body):
            raise self._too_long()
        if status == 404 or (status == 400 and "model" in body and "not " in body):
            raise ModelUnavailable(await self._unknown_model(status))
        if status == 429:
            raise ModelUnavailable(
                f"The model server at {self.base} is busy (HTTP 429); try again in a while."
            )
        if status >= 500:
            raise ModelUnavailable(
                f"The model server at {self.base} failed (HTTP {status}); see its log, and restart it."
            )
        if status >= 400:
            raise ModelFailed(
                f"The model server at {self.base} refused the request (HTTP {status}); see its log."
            )
        try:
            return response.json()
        except (ValueError, RecursionError):
            kind = response.headers.get("content-type", "no content type")
            raise ModelFailed(
                f"{self.base} answers with {kind}, not JSON: it is no OpenAI-compatible endpoint, whose"
                " address usually ends in /v1."
            ) from None

    def read(self, document: Any) -> Reply:
        """A completion's text, or the arguments of the tool that it calls. Raises ModelFailed."""
        try:
            choice = document["choices"][0]
            message = choice["message"]
            calls = message.get("tool_calls") or []
            text = calls[0]["function"]["arguments"] if calls else message["content"] or ""
            served = document.get("model")
            usage = _usage(document) or Usage()
            truncated = choice.get("finish_reason") == "length"
        except (KeyError, IndexError, TypeError, AttributeError, ValueError):
            text = served = None
        if not isinstance(text, str):
            raise ModelFailed(
                f"{self.base} answers with JSON that is no chat completion; its address usually ends in /v1."
            )
        return Reply(text, truncated, usage, _name(served))

    def _check_read_whole(self, body: dict[str, Any], reply: Reply) -> None:
        """Raise ContextExceeded where the server read less than it was told."""
        told = len(json.dumps(body["messages"], ensure_ascii=False))
        if told > _SHORTEST_JUDGED and 0 < reply.usage.prompt < told / _MOST_CHARACTERS_A_TOKEN:
            raise self._too_long()

    def _too_long(self) -> ContextExceeded:
        how = LONGER_CONTEXT.get(self.owner, "give the model a larger context")
        return ContextExceeded(
            f"The conversation is longer than the model server at {self.base} takes; {how}, or ask a narrower"
            " question."
        )

    def _sending(self) -> dict[str, Any]:
        return {
            "headers": {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {},
            "timeout": httpx.Timeout(self.timeout, connect=min(5.0, self.timeout)),
            "follow_redirects": False,
        }

    async def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        try:
            return await self.http.request(method, self.base + path, json=body, **self._sending())
        except httpx.HTTPError as error:
            raise self._unreachable(error) from None

    def _unreachable(self, error: httpx.HTTPError) -> ModelUnavailable:
        if isinstance(error, httpx.ConnectError):
            why = f"No model server answers at {self.base}; start it, or correct the endpoint's address."
        elif isinstance(error, httpx.TimeoutException):
            why = (
                f"The model server at {self.base} took longer than {self.timeout:g} s; it may still be"
                " loading the model. Try again, or allow more time."
            )
        else:
            why = (
                f"The connection to the model server at {self.base} broke ({type(error).__name__}); it may"
                " have crashed or run out of memory: see its log."
            )
        return ModelUnavailable(why)

    async def _unknown_model(self, status: int) -> str:
        offered = await self.models()
        if not offered:
            return (
                f"There is no chat-completions endpoint at {self.base} (HTTP {status}); its address usually"
                " ends in /v1."
            )
        return f"The server at {self.base} has no model {self.model!r}; it offers: {', '.join(offered)}."


async def _events(response: httpx.Response) -> AsyncIterator[Any]:
    """The JSON of each server-sent event, up to the last."""
    async for line in response.aiter_lines():
        data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
        if data == "[DONE]":
            return
        if data:
            yield json.loads(data)


def _piece(event: Any) -> tuple[str, str]:
    """The text that an event adds, and why the reply ended, if it did."""
    if not event.get("choices"):
        return "", ""
    choice = event["choices"][0]
    delta = choice.get("delta") or {}
    calls = delta.get("tool_calls") or []
    text = calls[0]["function"].get("arguments") if calls else delta.get("content")
    return str(text or ""), str(choice.get("finish_reason") or "")


def _usage(document: Any) -> Usage | None:
    told = document.get("usage")
    if not told:
        return None
    details = told.get("prompt_tokens_details") or {}
    return Usage(
        prompt=told.get("prompt_tokens") or 0,
        completion=told.get("completion_tokens") or 0,
        cached=details.get("cached_tokens") or 0,
    )


def _name(served: object) -> str:
    """A model's name as it may go into the trail, which leaves out what is too long to be a claim."""
    return "".join(filter(str.isprintable, served))[:_LONGEST_NAME] if isinstance(served, str) else ""
