"""Any OpenAI-compatible chat-completions endpoint as a model that takes steps.

Used with Ollama, LM Studio, llama.cpp's server, llama-cpp-python, vLLM, Lemonade and MLX servers. They
differ in how they take a schema, so the endpoint is probed once, and every reply is validated regardless:
a server may accept a schema and ignore it.
"""

import json
import re
from pathlib import PurePath
from typing import Any

import httpx

from agent.errors import ModelFailed
from agent.messages import Image, Message, ModelIdentity, OnText, Turn, Usage, silent
from agent.models.constraint import Constraint, json_object, json_schema, unconstrained
from agent.models.conversation import ChatTurn, alternate, defuse
from agent.models.reply import NoStep, read_step, without_thinking

_QUANTISATION = re.compile(
    r"(?<![A-Za-z0-9])(I?Q\d(?:_[A-Z0-9]+)*|BF16|F16|F32|FP8|FP4|NF4|MXFP4|AWQ|GPTQ|INT[48]|[48]-?BIT)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_PROBE = {
    "type": "object",
    "properties": {"probe": {"const": "k7"}},
    "required": ["probe"],
    "additionalProperties": False,
}
_KEPT_OF_A_BAD_REPLY = 500  # characters
_LONGEST_NAME = 300  # characters; llama.cpp serves a model under a path
_CORRECTION = (
    "Your last reply was not a valid step: {why}. Reply with one JSON object, one step, and nothing else."
)


class OpenAICompatible:
    """A model behind `base_url` (such as `http://127.0.0.1:11434/v1`).

    `http` must not follow redirects (agent.egress.endpoints.local_client). `model` may be empty when the
    server serves exactly one. `timeout` is in seconds per reply, `max_tokens` the most that one may take.
    `constraint` is how the endpoint takes a schema; without it, it is asked once.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        base_url: str,
        model: str,
        *,
        api_key: str | None,
        max_tokens: int,
        timeout: float,
        constraint: Constraint | None = None,
    ) -> None:
        self._http = http
        self._base = base_url.rstrip("/")
        self._model = model
        self._served = model
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._max_tokens = max_tokens
        self._timeout = timeout
        self._constraint = constraint

    @property
    def identity(self) -> ModelIdentity:
        """The model as the server names it; what its name does not tell stays empty."""
        name, _, revision = self._served.partition("@")
        if name.endswith(".gguf"):  # llama.cpp serves a model under the path of its file
            name = PurePath(name).name
        quantisation = _QUANTISATION.search(name)
        return ModelIdentity(
            name=name, revision=revision, quantisation=quantisation[1] if quantisation else ""
        )

    async def next_step(
        self, messages: list[Message], schema: dict[str, Any], images: list[Image], on_text: OnText = silent
    ) -> Turn:
        """The next step, valid against `schema`; a reply that is none is corrected once.

        Raises ModelFailed: the endpoint cannot be used, or two replies in a row were no step.
        """
        if not self._model:
            self._model = self._served = await self._only_model()
        if self._constraint is None:
            self._constraint = await self._probe()
        turns = alternate(messages, images)
        if self._constraint is unconstrained:
            turns = _with_schema(turns, schema)
        try:
            return await self._step(turns, schema, Usage())
        except NoStep as first:
            corrected = [
                *turns,
                {"role": "assistant", "content": defuse(first.reply[:_KEPT_OF_A_BAD_REPLY]) or "(nothing)"},
                {"role": "user", "content": defuse(_CORRECTION.format(why=first.correction))},
            ]
            spent = first.spent
        try:
            return await self._step(corrected, schema, spent)
        except NoStep as second:
            raise ModelFailed(
                f"The model {self.identity.name!r} gave no valid step, twice: {second}. "
                "Try a larger model, or a server that constrains its output to a JSON schema."
            ) from None

    async def _step(self, turns: list[ChatTurn], schema: dict[str, Any], before: Usage) -> Turn:
        """One reply as a step; NoStep carries the reply and what has been spent so far."""
        constraint = self._constraint(schema) if self._constraint else {}
        reply, truncated, spent = self._read(
            await self._checked(await self._post(turns, constraint, self._max_tokens))
        )
        spent = Usage(prompt=before.prompt + spent.prompt, completion=before.completion + spent.completion)
        try:
            return Turn(step=read_step(reply, schema, truncated), usage=spent)
        except NoStep as no_step:
            no_step.reply, no_step.spent = reply, spent
            raise

    async def _probe(self) -> Constraint:
        """Which form of schema the server enforces: a word that no one would say shows whether it does."""
        ask = [{"role": "user", "content": "Say hello."}]
        for constraint in (json_schema, json_object):
            response = await self._post(ask, constraint(_PROBE), 64)
            # llama-cpp-python answers 500, not 400, to a response format that it does not know.
            if response.status_code in (400, 422, 500, 501):
                continue
            reply, _, _ = self._read(await self._checked(response))
            try:
                if json.loads(without_thinking(reply)) == {"probe": "k7"}:
                    return constraint
            except (ValueError, RecursionError, NoStep):
                continue
        return unconstrained

    async def _post(
        self, turns: list[ChatTurn], constraint: dict[str, Any], max_tokens: int
    ) -> httpx.Response:
        body = {"model": self._model, "messages": turns, "temperature": 0, "max_tokens": max_tokens}
        return await self._request("POST", "/chat/completions", body | constraint)

    async def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        try:
            return await self._http.request(
                method,
                self._base + path,
                json=body,
                headers=self._headers,
                timeout=httpx.Timeout(self._timeout, connect=min(5.0, self._timeout)),
                follow_redirects=False,
            )
        except httpx.ConnectError:
            raise ModelFailed(
                f"No model server answers at {self._base}; start it, or correct the endpoint's address."
            ) from None
        except httpx.TimeoutException:
            raise ModelFailed(
                f"The model server at {self._base} took longer than {self._timeout:g} s; it may still be "
                "loading the model. Try again, or allow more time."
            ) from None
        except httpx.HTTPError as error:
            raise ModelFailed(
                f"The connection to the model server at {self._base} broke ({type(error).__name__}); it may "
                "have crashed or run out of memory: see its log."
            ) from None

    async def _checked(self, response: httpx.Response) -> Any:
        """The response's JSON. Raises ModelFailed with what to do; its text is never repeated, since a
        server may quote the prompt, and with it the chart, in an error."""
        status = response.status_code
        if 300 <= status < 400:
            raise ModelFailed(
                f"The model server at {self._base} redirects elsewhere, which is not followed; set the "
                "endpoint to its final address."
            )
        if status in (401, 403):
            raise ModelFailed(
                f"The model server at {self._base} refuses the API key (HTTP {status}); set the right one."
            )
        body = response.text[:4000].lower() if status >= 400 else ""
        if status in (400, 413) and ("context" in body or "too long" in body):
            raise ModelFailed(
                f"The conversation is longer than the model server at {self._base} takes; give the model a "
                "larger context, or ask a narrower question."
            )
        if status == 404 or (status == 400 and "model" in body and "not " in body):
            raise ModelFailed(await self._unknown_model(status))
        if status == 429:
            raise ModelFailed(f"The model server at {self._base} is busy (HTTP 429); try again in a while.")
        if status >= 500:
            raise ModelFailed(
                f"The model server at {self._base} failed (HTTP {status}); see its log, and restart it."
            )
        if status >= 400:
            raise ModelFailed(
                f"The model server at {self._base} refused the request (HTTP {status}); see its log."
            )
        return self._json(response)

    def _json(self, response: httpx.Response) -> Any:
        try:
            return response.json()
        except (ValueError, RecursionError):
            kind = response.headers.get("content-type", "no content type")
            raise ModelFailed(
                f"{self._base} answers with {kind}, not JSON: it is no OpenAI-compatible endpoint, whose "
                "address usually ends in /v1."
            ) from None

    def _read(self, document: Any) -> tuple[str, bool, Usage]:
        """The text of a completion, whether it was cut off, and its tokens."""
        try:
            choice = document["choices"][0]
            reply = choice["message"]["content"] or ""
            truncated = choice.get("finish_reason") == "length"
            spent = document.get("usage") or {}
            usage = Usage(
                prompt=spent.get("prompt_tokens") or 0, completion=spent.get("completion_tokens") or 0
            )
            served = document.get("model")
        except (KeyError, IndexError, TypeError, AttributeError, ValueError):
            served = reply = None
        if not isinstance(reply, str):
            raise ModelFailed(
                f"{self._base} answers with JSON that is no chat completion; its address usually ends in /v1."
            )
        if isinstance(served, str) and served:
            # It goes into the audit trail, which leaves out what is too long to be a claim.
            self._served = "".join(filter(str.isprintable, served))[:_LONGEST_NAME]
        return reply, truncated, usage

    async def _models(self) -> list[str]:
        """The ids of the models that the server offers; none when it does not say."""
        response = await self._request("GET", "/models")
        try:
            return [str(model["id"]) for model in response.json()["data"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            return []

    async def _unknown_model(self, status: int) -> str:
        offered = await self._models()
        if not offered:
            return (
                f"There is no chat-completions endpoint at {self._base} (HTTP {status}); its address usually "
                "ends in /v1."
            )
        return f"The server at {self._base} has no model {self._model!r}; it offers: {', '.join(offered)}."

    async def _only_model(self) -> str:
        offered = await self._models()
        if len(offered) == 1:
            return offered[0]
        known = f"it offers: {', '.join(offered)}" if offered else "the server lists none"
        raise ModelFailed(f"Which model at {self._base}? Name one; {known}.")


def _with_schema(turns: list[ChatTurn], schema: dict[str, Any]) -> list[ChatTurn]:
    """The turns with the schema in words in the last one, for a server that does not enforce it."""
    asked = f"Reply with one JSON object that fits this JSON Schema, and nothing else:\n{json.dumps(schema)}"
    *before, last = turns
    content = last["content"]
    if isinstance(content, str):
        return [*before, last | {"content": f"{content}\n\n{asked}"}]
    return [*before, last | {"content": [*content, {"type": "text", "text": asked}]}]
