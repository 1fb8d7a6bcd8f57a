"""Any OpenAI-compatible chat-completions endpoint as a model that takes steps.

Used with Ollama, LM Studio, llama.cpp's server, llama-cpp-python, vLLM, Lemonade, MLX servers and
`transformers serve`. They differ in how they take a schema, so the endpoint is probed once, and every reply
is validated regardless: a server may accept a schema and ignore it.
"""

import json
import re
from pathlib import PurePath
from typing import Any

import httpx

from agent.errors import CannotAnswer, ModelFailed, ModelUnavailable
from agent.messages import Image, Message, ModelIdentity, OnText, Turn, Usage, silent
from agent.models.answer_text import AnswerText
from agent.models.chat_completions import ChatCompletions
from agent.models.constraint import Constraint, json_object, json_schema, tool_call, unconstrained
from agent.models.conversation import ChatTurn, alternate, corrected
from agent.models.reply import NoStep, read_step, without_thinking
from agent.models.served_name import QUANTISATION

_PROBE = {
    "type": "object",
    "properties": {"probe": {"const": "k7"}},
    "required": ["probe"],
    "additionalProperties": False,
}
_REFUSES_THE_FORM = (
    400,
    422,
    500,
    501,
)  # llama-cpp-python answers 500 to a response format that it does not know
# OpenAI's own API and Azure's: their reasoning models take no `max_tokens`, and only the usual temperature.
_VENDOR = re.compile(r"https://(api\.openai\.com|[^/]+\.azure\.com)(:\d+)?/")


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
        self._endpoint = ChatCompletions(http, base_url.rstrip("/"), api_key, timeout)
        self._model = model
        self._served = model
        self._max_tokens = max_tokens
        self._constraint = constraint
        # llama-cpp-python tells no tokens while it streams; limits hold only where they are told, so such a
        # server streams one reply, and no other.
        self._counts = True

    @property
    def identity(self) -> ModelIdentity:
        """The model as the server names it; what its name does not tell stays empty."""
        name, _, revision = self._served.partition("@")
        if name.endswith(".gguf"):  # llama.cpp serves a model under the path of its file
            name = PurePath(name).name
        quantisation = QUANTISATION.search(name)
        return ModelIdentity(
            name=name, revision=revision, quantisation=quantisation[1] if quantisation else ""
        )

    async def next_step(
        self, messages: list[Message], schema: dict[str, Any], images: list[Image], on_text: OnText = silent
    ) -> Turn:
        """The next step, valid against `schema`; a reply that is none is corrected once.

        Raises ModelFailed where two replies in a row were no step, and what `ChatCompletions` raises.
        """
        if not self._model:
            self._model = self._served = await self._only_model()
        self._endpoint.model = self._model
        if self._constraint is None:
            self._constraint = await self._probe()
        turns = alternate(messages, images)
        if self._constraint is unconstrained:
            turns = _with_schema(turns, schema)
        try:
            return await self._step(turns, schema, Usage(), on_text)
        except NoStep as first:
            mended, spent = corrected(turns, first.reply, first.correction), first.spent
        try:
            return await self._step(mended, schema, spent, silent)
        except NoStep as second:
            raise ModelFailed(
                f"The model {self.identity.name!r} gave no valid step, twice: {second}. "
                "Try a larger model, or a server that constrains its output to a JSON schema."
            ) from None

    async def _step(
        self, turns: list[ChatTurn], schema: dict[str, Any], before: Usage, on_text: OnText
    ) -> Turn:
        """One reply as a step; NoStep carries the reply and what has been spent so far."""
        body = self._body(turns, self._constraint(schema) if self._constraint else {}, self._max_tokens)
        if on_text is silent or not self._counts:
            reply = await self._endpoint.complete(body)
        else:
            answer = AnswerText()

            def on_piece(piece: str) -> None:
                if text := answer.read(piece.encode(errors="replace")):
                    on_text(text)

            reply = await self._endpoint.stream(body, on_piece)
            self._counts = reply.usage != Usage()
        self._served = reply.served or self._served
        spent = before.plus(reply.usage)
        try:
            return Turn(step=read_step(reply.text, schema, reply.truncated), usage=spent)
        except NoStep as no_step:
            no_step.reply, no_step.spent = reply.text, spent
            raise

    async def _probe(self) -> Constraint:
        """Which form of schema the server enforces: a word that no one would say shows whether it does.

        What fails is asked without a schema too: a server that is out of order must not pass for one that
        enforces none. Raises what that request raises.
        """
        ask = [{"role": "user", "content": "Say hello."}]
        for constraint in (json_schema, json_object, tool_call):
            response = await self._endpoint.post(self._body(ask, constraint(_PROBE), 64))
            if response.status_code in _REFUSES_THE_FORM:
                continue
            document = await self._endpoint.checked(response)
            try:
                if json.loads(without_thinking(self._endpoint.read(document).text)) == {"probe": "k7"}:
                    return constraint
            except (ValueError, RecursionError, NoStep, CannotAnswer, ModelUnavailable):
                continue
        await self._endpoint.checked(await self._endpoint.post(self._body(ask, {}, 64)))
        return unconstrained

    def _body(self, turns: list[ChatTurn], constraint: dict[str, Any], max_tokens: int) -> dict[str, Any]:
        if _VENDOR.match(f"{self._endpoint.base}/"):
            limits: dict[str, Any] = {"max_completion_tokens": max_tokens}
        else:
            limits = {"temperature": 0, "max_tokens": max_tokens}
        return {"model": self._model, "messages": turns} | limits | constraint

    async def _only_model(self) -> str:
        offered = await self._endpoint.models()
        if len(offered) == 1:
            return offered[0]
        known = f"it offers: {', '.join(offered)}" if offered else "the server lists none"
        raise ModelUnavailable(f"Which model at {self._endpoint.base}? Name one; {known}.")


def _with_schema(turns: list[ChatTurn], schema: dict[str, Any]) -> list[ChatTurn]:
    """The turns with the schema in words in the last one, for a server that does not enforce it."""
    asked = f"Reply with one JSON object that fits this JSON Schema, and nothing else:\n{json.dumps(schema)}"
    *before, last = turns
    content = last["content"]
    if isinstance(content, str):
        return [*before, last | {"content": f"{content}\n\n{asked}"}]
    return [*before, last | {"content": [*content, {"type": "text", "text": asked}]}]
