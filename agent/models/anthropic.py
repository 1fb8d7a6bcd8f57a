"""Anthropic's Messages API as a model that takes steps: each is the input of a tool that it calls.

The tool is offered and asked for in words. To force it is refused by current models, for any request
(https://platform.claude.com/docs/en/models/sonnet-5-5/whats-new-sonnet-5-5#forced-tool-use-is-not-supported),
so a step that comes as text is read too, and every step is held against the schema.
"""

import json
from typing import Any

import httpx

from agent.errors import CannotAnswer, ContextExceeded, ModelFailed, ModelUnavailable
from agent.messages import Image, Message, ModelIdentity, OnText, Turn, Usage, silent
from agent.models.conversation import ChatTurn, alternate, corrected
from agent.models.rate_limits import waited
from agent.models.reply import NoStep, read_step
from agent.models.served_name import same_model

VERSION = "2023-06-01"
_STEP = "step"
_DESCRIPTION = "Take the next step: call one to four chart tools, or answer."
_INSTRUCTION = f"Reply with one call of the tool `{_STEP}`, and with nothing else. It is the only tool."


class Anthropic:
    """A model behind `base_url` (such as `https://api.anthropic.com`).

    `timeout` is in seconds per reply, `max_tokens` the most that one reply may take, its thinking included.
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
        """The next step, valid against `schema`; a reply that is none is corrected once. It is not streamed.

        Raises CannotAnswer where the model declines, ContextExceeded, ModelUnavailable, and ModelFailed where
        two replies in a row were no step.
        """
        turns = alternate(messages, images)
        try:
            return await self._step(turns, schema, Usage())
        except NoStep as first:
            mended, spent = corrected(turns, first.reply, first.correction), first.spent
        try:
            return await self._step(mended, schema, spent)
        except NoStep as second:
            raise ModelFailed(f"The model {self._model} gave no valid step, twice: {second}.") from None

    async def _step(self, turns: list[ChatTurn], schema: dict[str, Any], before: Usage) -> Turn:
        """One reply as a step; NoStep carries the reply and what has been spent so far."""
        body = {
            "model": self._model,
            "max_tokens": self._max_tokens,
            "system": _INSTRUCTION,
            "messages": [_turn(turn) for turn in turns],
            "tools": [{"name": _STEP, "description": _DESCRIPTION, "input_schema": schema}],
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        }
        document = self._checked(await self._post(body))
        try:
            spent, stopped = before.plus(_usage(document["usage"])), document["stop_reason"]
            said, served = _said(document["content"]), document["model"]
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ModelUnavailable(f"{self._url} answers with JSON that is no message of this API.") from None
        if not isinstance(served, str) or not same_model(self._model, served):
            raise ModelUnavailable(f"{self._url} was asked for the model {self._model}, and another replied.")
        self._served = served
        if stopped == "refusal":
            raise CannotAnswer(f"The model {self._model} declines to answer this.")
        if stopped == "model_context_window_exceeded":
            raise self._too_long()
        try:
            return Turn(step=read_step(said, schema, truncated=stopped == "max_tokens"), usage=spent)
        except NoStep as no_step:
            no_step.reply, no_step.spent = said, spent
            raise

    async def _post(self, body: dict[str, Any]) -> httpx.Response:
        """The response, whatever its status; a busy API is asked once more, when it says."""
        response = await self._request(body)
        return await self._request(body) if await waited(response, most=self._timeout) else response

    async def _request(self, body: dict[str, Any]) -> httpx.Response:
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
        if status == 413 or (status == 400 and ("too long" in said or "exceed context limit" in said)):
            raise self._too_long()
        if status == 404:
            raise ModelUnavailable(f"{self._url} knows no model {self._model}; see hosted_model.")
        if status in (429, 529):
            wait = response.headers.get("retry-after", "")
            later = f" in {wait} s" if wait.isdecimal() else " in a while"
            raise ModelUnavailable(f"{self._url} is busy (HTTP {status}); ask again{later}.")
        if 400 <= status < 500:
            raise ModelUnavailable(
                f"{self._url} refused the request (HTTP {status}); see whether {self._model} takes tools and"
                " images, and whether the account may use it."
            )
        if status >= 300:
            raise ModelUnavailable(f"{self._url} failed (HTTP {status}); try again later.")
        try:
            return response.json()
        except (ValueError, RecursionError):
            raise ModelUnavailable(f"{self._url} answers with what is no JSON.") from None

    def _too_long(self) -> ContextExceeded:
        return ContextExceeded(
            f"The conversation is longer than {self._model} takes; ask a narrower question."
        )


def _said(content: list[Any]) -> str:
    """The input of the tool as JSON, else the text."""
    for part in content:
        if part["type"] == "tool_use":
            return json.dumps(part["input"])
    return "".join(part["text"] for part in content if part["type"] == "text")


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
    cached = told.get("cache_read_input_tokens") or 0
    made = told.get("cache_creation_input_tokens") or 0
    return Usage(prompt=told["input_tokens"] + cached + made, completion=told["output_tokens"], cached=cached)
