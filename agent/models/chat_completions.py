"""The chat-completions protocol over HTTP: one request, what it brought, and errors that say what to do.

The words of a server's error are never repeated: it may quote the prompt, and with it the chart.
"""

import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from agent.errors import CannotAnswer, ContextExceeded, ModelUnavailable
from agent.messages import Usage
from agent.models.rate_limits import waited
from agent.models.served_name import same_model

_LONGEST_NAME = 300  # characters; llama.cpp serves a model under a path
# A token of JSON and English has some three to five characters. A server that read fewer than one for
# so many left out a part of the conversation (Ollama does, without a word).
_MOST_CHARACTERS_A_TOKEN = 10
_SHORTEST_JUDGED = 8_000  # characters
# How servers say that a conversation is too long. No looser: what fails here may be taken to a hosted model,
# and "failed to create context: out of memory" is an outage, for which nothing may leave.
_TOO_LONG = re.compile(
    r"context[ _](length|window|size)|(prompt|input|request)[^.]{0,40} too (long|large)"
    r"|too many tokens|when context the overflows"
)

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
    api_key: str | None = field(repr=False)
    timeout: float
    model: str = ""
    owner: str = ""

    async def complete(self, body: dict[str, Any]) -> Reply:
        """The completion of a request.

        Raises CannotAnswer where the model declines; ContextExceeded where the conversation is longer than
        the server takes, or than it read; and for whatever is wrong with the server, another model than
        `model` included, ModelUnavailable: it is no reason for a question to go elsewhere (agent.router).
        """
        return self._checked_reply(body, self.read(await self.checked(await self.post(body))))

    async def stream(self, body: dict[str, Any], on_piece: Callable[[str], object]) -> Reply:
        """The same, with each piece of the text as it comes. Raises what `complete` raises."""
        body = body | {"stream": True, "stream_options": {"include_usage": True}}
        again = True
        while True:
            try:
                async with self.http.stream(
                    "POST", f"{self.base}/chat/completions", json=body, **self._sending()
                ) as came:
                    if came.status_code == 200 and _is_stream(came):
                        return self._checked_reply(body, await self._streamed(came, on_piece))
                    await came.aread()
            except httpx.HTTPError as error:
                raise self._unreachable(error) from None
            if again and await waited(came, most=self.timeout):
                again = False
                continue
            reply = self._checked_reply(body, self.read(await self.checked(came)))
            on_piece(reply.text)  # a server that does not stream
            return reply

    async def _streamed(self, came: httpx.Response, on_piece: Callable[[str], object]) -> Reply:
        said, called, ended, served, usage = "", "", "", "", Usage()
        async for line in _lines(came):
            if line == b"[DONE]":
                ended = ended or "stop"
                break
            piece = self._read_piece(line)
            if piece.served != served:
                served = piece.served or served
                self._check_model(served)  # before a word of another model is heard
            said, called, ended = said + piece.said, called + piece.called, piece.ended or ended
            usage = piece.usage or usage
            if text := piece.called or piece.said:
                on_piece(text)
        if not ended:
            raise ModelUnavailable(f"The model server at {self.base} broke off in the middle of its reply.")
        return Reply(called or said, ended == "length", usage, served)

    def _read_piece(self, line: bytes) -> "_Piece":
        """What an event of a stream says. Raises what `complete` raises."""
        try:
            event = json.loads(line)
            failed, piece = event.get("error"), _piece(event)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ModelUnavailable(
                f"The model server at {self.base} streams what is no chat completion."
            ) from None
        if failed:
            if _TOO_LONG.search(json.dumps(failed)[:4000].lower()):
                raise self._too_long()
            raise ModelUnavailable(
                f"The model server at {self.base} failed in the middle of its reply; see its log."
            )
        if piece.declined:
            raise self._declined()
        return piece

    async def post(self, body: dict[str, Any]) -> httpx.Response:
        """The response to a request, whatever its status; a busy server is asked once more, when it says."""
        response = await self._request("POST", "/chat/completions", body)
        if await waited(response, most=self.timeout):
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
        too_long = _TOO_LONG.search(body) and (status < 500 or "exceed" in body)
        if status in (400, 413, 500) and too_long:
            raise self._too_long()
        if status == 404 or (status == 400 and "model" in body and "not " in body):
            raise ModelUnavailable(await self._unknown_model(status))
        if status == 429:
            raise ModelUnavailable(
                f"The model server at {self.base} is busy (HTTP 429); try again in a while."
            )
        if status == 503:
            raise ModelUnavailable(
                f"The model server at {self.base} is not ready (HTTP 503); it may still be loading the model."
            )
        if status >= 500:
            raise ModelUnavailable(
                f"The model server at {self.base} failed (HTTP {status}); see its log, and restart it."
            )
        if status >= 400:
            raise ModelUnavailable(
                f"The model server at {self.base} refused the request (HTTP {status}); see its log."
            )
        try:
            return response.json()
        except (ValueError, RecursionError):
            kind = response.headers.get("content-type", "no content type")
            raise ModelUnavailable(
                f"{self.base} answers with {kind}, not JSON: it is no OpenAI-compatible endpoint, whose"
                " address usually ends in /v1."
            ) from None

    def read(self, document: Any) -> Reply:
        """A completion's text, or the arguments of the tool that it calls.

        Raises ModelUnavailable, and CannotAnswer where the model declines.
        """
        try:
            choice = document["choices"][0]
            message = choice["message"]
            calls = message.get("tool_calls") or []
            text = _arguments(calls[0]) if calls else message.get("content") or ""
            declined, served = message.get("refusal"), document.get("model")
            usage = _usage(document) or Usage()
            truncated = choice.get("finish_reason") == "length"
        except (KeyError, IndexError, TypeError, AttributeError, ValueError):
            text = declined = served = None
        if declined:
            raise self._declined()
        if not isinstance(text, str):
            raise ModelUnavailable(
                f"{self.base} answers with JSON that is no chat completion; its address usually ends in /v1."
            )
        return Reply(text, truncated, usage, _name(served))

    def _checked_reply(self, body: dict[str, Any], reply: Reply) -> Reply:
        """The reply. Raises ModelUnavailable for another model's, ContextExceeded where not all was read."""
        self._check_model(reply.served)
        told = sum(map(_length, body["messages"]))
        if told > _SHORTEST_JUDGED and 0 < reply.usage.prompt < told / _MOST_CHARACTERS_A_TOKEN:
            raise self._too_long()
        return reply

    def _check_model(self, served: str) -> None:
        """Raise ModelUnavailable where another model than the one asked for replies: it has other faults."""
        if served and not same_model(self.model, served):
            raise ModelUnavailable(
                f"{self.base} was asked for the model {self.model!r}, and {served!r} replied: name the one"
                " that it serves."
            )

    def _declined(self) -> CannotAnswer:
        return CannotAnswer(f"The model {self.model} declines to answer this.")

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


@dataclass(frozen=True)
class _Piece:
    """What one event of a stream adds to the text and to a tool's arguments, and what else it says."""

    said: str
    called: str
    ended: str
    declined: bool
    served: str
    usage: Usage | None


def _piece(event: Any) -> _Piece:
    served, usage = _name(event.get("model")), _usage(event)
    if not event.get("choices"):
        return _Piece("", "", "", declined=False, served=served, usage=usage)
    choice = event["choices"][0]
    delta = choice.get("delta") or {}
    calls = [call for call in delta.get("tool_calls") or [] if not call.get("index")]  # the first, in parts
    return _Piece(
        said=str(delta.get("content") or ""),
        called="".join(map(_arguments, calls)),
        ended=str(choice.get("finish_reason") or ""),
        declined=bool(delta.get("refusal")),
        served=served,
        usage=usage,
    )


def _arguments(call: Any) -> str:
    """A call's arguments as JSON: the protocol has them as text, some servers as an object."""
    arguments = call["function"].get("arguments")
    return arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments else ""


def _is_stream(response: httpx.Response) -> bool:
    return "json" not in response.headers.get("content-type", "")


async def _lines(response: httpx.Response) -> AsyncIterator[bytes]:
    """The data of each server-sent event.

    Not by `aiter_lines`: that takes U+2028, U+0085 and others for line ends, which JSON may hold as they are.
    """
    rest = b""
    async for chunk in response.aiter_bytes():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line.startswith(b"data:") and (data := line[5:].strip()):
                yield data
    if rest.startswith(b"data:") and (data := rest[5:].strip()):
        yield data


def _length(turn: dict[str, Any]) -> int:
    """The characters of a turn's text; an image is read in tokens of another size."""
    content = turn["content"]
    return len(content) if isinstance(content, str) else sum(len(part.get("text", "")) for part in content)


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
