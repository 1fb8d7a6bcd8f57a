"""Anthropic's Messages API as a model that takes steps: each is the input of a tool that it must call."""

import json
from typing import Any

import httpx

from agent.errors import CannotAnswer, ContextExceeded, ModelFailed, ModelUnavailable
from agent.messages import Image, Message, ModelIdentity, OnText, Turn, Usage, silent
from agent.models.conversation import ChatTurn, alternate
from agent.models.reply import NoStep, read_step

VERSION = "2023-06-01"
_STEP = "step"
_DESCRIPTION = "Take the next step: call one to four chart tools, or answer."


class Anthropic:
    """A model behind `base_url` (such as `https://api.anthropic.com`).

    `timeout` is in seconds per reply, `max_tokens` the most that one reply may take.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        base_url: str,
        model: str,
        *,
        api_key: str,
        max_tokens: int,
        timeout: float,
    ) -> None:
        self._http = http
        self._url = f"{base_url.rstrip('/').removesuffix('/v1')}/v1/messages"
        self._model = self._served = model
        self._headers = {"x-api-key": api_key, "anthropic-version": VERSION}
        self._max_tokens = max_tokens
        self._timeout = timeout

    @property
    def identity(self) -> ModelIdentity:
        """The model as the vendor names it."""
        return ModelIdentity(name=self._served)

    async def next_step(
        self, messages: list[Message], schema: dict[str, Any], images: list[Image], on_text: OnText = silent
    ) -> Turn:
        """The next step, valid against `schema`. It is not streamed: the tool's input comes whole.

        Raises CannotAnswer where the model declines, ContextExceeded, ModelUnavailable and ModelFailed.
        """
        body = {
            "model": self._model,
            "max_tokens": self._max_tokens,
            "messages": [_turn(turn) for turn in alternate(messages, images)],
            "tools": [{"name": _STEP, "description": _DESCRIPTION, "input_schema": schema}],
            "tool_choice": {"type": "tool", "name": _STEP},
        }
        document = self._checked(await self._post(body))
        try:
            usage, stopped = _usage(document["usage"]), document["stop_reason"]
            taken = next((part["input"] for part in document["content"] if part["type"] == "tool_use"), None)
            self._served = str(document["model"])[:300]
        except (KeyError, TypeError, ValueError):
            raise ModelFailed(f"{self._url} answers with JSON that is no message of this API.") from None
        if stopped == "refusal":
            raise CannotAnswer(f"The model {self._model} declines to answer this.")
        try:
            step = read_step(json.dumps(taken), schema, truncated=stopped == "max_tokens")
        except NoStep as misfit:
            raise ModelFailed(f"The model {self._model} gave no valid step: {misfit}.") from None
        return Turn(step=step, usage=usage)

    async def _post(self, body: dict[str, Any]) -> httpx.Response:
        try:
            return await self._http.post(
                self._url,
                json=body,
                headers=self._headers,
                timeout=httpx.Timeout(self._timeout, connect=min(10.0, self._timeout)),
                follow_redirects=False,
            )
        except httpx.HTTPError as error:
            raise ModelUnavailable(
                f"The hosted model at {self._url} cannot be reached ({type(error).__name__})."
            ) from None

    def _checked(self, response: httpx.Response) -> Any:
        """The response's JSON. Its words are never repeated: they may quote the prompt."""
        status = response.status_code
        said = response.text[:4000].lower() if status >= 400 else ""
        if status in (401, 403):
            raise ModelUnavailable(f"{self._url} refuses the API key (HTTP {status}); set hosted_key.")
        if status == 413 or (status == 400 and ("too long" in said or "context" in said)):
            raise ContextExceeded(f"The conversation is longer than {self._model} takes.")
        if status == 404:
            raise ModelUnavailable(f"{self._url} knows no model {self._model}; see hosted_model.")
        if status in (429, 529):
            wait = response.headers.get("retry-after", "")
            later = f" in {wait} s" if wait.isdigit() else " in a while"
            raise ModelUnavailable(f"{self._url} is busy (HTTP {status}); ask again{later}.")
        if status >= 300:
            raise ModelUnavailable(f"{self._url} failed (HTTP {status}).")
        try:
            return response.json()
        except (ValueError, RecursionError):
            raise ModelFailed(f"{self._url} answers with what is no JSON.") from None


def _turn(turn: ChatTurn) -> ChatTurn:
    """A turn in this API's words, which has another form for images."""
    content = turn["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return {"role": turn["role"], "content": [_part(part) for part in parts]}


def _part(part: ChatTurn) -> ChatTurn:
    if part["type"] == "text":
        return part
    kind, _, data = part["image_url"]["url"].removeprefix("data:").partition(";base64,")
    return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}}


def _usage(told: dict[str, Any]) -> Usage:
    cached = int(told.get("cache_read_input_tokens") or 0)
    made = int(told.get("cache_creation_input_tokens") or 0)
    prompt = int(told["input_tokens"]) + cached + made
    return Usage(prompt=prompt, completion=int(told["output_tokens"]), cached=cached)
