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

from agent.errors import ModelFailed
from agent.messages import Image, Message, ModelIdentity, OnText, Turn, Usage, silent
from agent.models.answer_text import AnswerText
from agent.models.chat_completions import ChatCompletions, Reply
from agent.models.constraint import Constraint, json_object, json_schema, tool_call, unconstrained
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
_REFUSES_THE_FORM = (
    400,
    422,
    500,
    501,
)  # llama-cpp-python answers 500 to a response format that it does not know
_KEPT_OF_A_BAD_REPLY = 500  # characters
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
        self._endpoint = ChatCompletions(http, base_url.rstrip("/"), api_key, timeout)
        self._model = model
        self._served = model
        self._max_tokens = max_tokens
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

        Raises ModelUnavailable, ContextExceeded, and ModelFailed: two replies in a row were no step, or
        another model than the one that was named replied.
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
            corrected = [
                *turns,
                {"role": "assistant", "content": defuse(first.reply[:_KEPT_OF_A_BAD_REPLY]) or "(nothing)"},
                {"role": "user", "content": defuse(_CORRECTION.format(why=first.correction))},
            ]
            spent = first.spent
        try:
            return await self._step(corrected, schema, spent, silent)
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
        if on_text is silent:
            reply = await self._endpoint.complete(body)
        else:
            answer = AnswerText()

            def on_piece(piece: str) -> None:
                if text := answer.read(piece.encode(errors="replace")):
                    on_text(text)

            reply = await self._endpoint.stream(body, on_piece)
        self._check_model(reply)
        spent = before.plus(reply.usage)
        try:
            return Turn(step=read_step(reply.text, schema, reply.truncated), usage=spent)
        except NoStep as no_step:
            no_step.reply, no_step.spent = reply.text, spent
            raise

    async def _probe(self) -> Constraint:
        """Which form of schema the server enforces: a word that no one would say shows whether it does."""
        ask = [{"role": "user", "content": "Say hello."}]
        for constraint in (json_schema, json_object, tool_call):
            response = await self._endpoint.post(self._body(ask, constraint(_PROBE), 64))
            if response.status_code in _REFUSES_THE_FORM:
                continue
            reply = self._endpoint.read(await self._endpoint.checked(response))
            try:
                if json.loads(without_thinking(reply.text)) == {"probe": "k7"}:
                    return constraint
            except (ValueError, RecursionError, NoStep):
                continue
        return unconstrained

    def _body(self, turns: list[ChatTurn], constraint: dict[str, Any], max_tokens: int) -> dict[str, Any]:
        plain = {"model": self._model, "messages": turns, "temperature": 0, "max_tokens": max_tokens}
        return plain | constraint

    def _check_model(self, reply: Reply) -> None:
        """Raise ModelFailed where another model than the one asked for replied: it has other faults.

        Servers add a tag, a snapshot's date, a path or `.gguf`: one of the two names must hold the other.
        """
        if not reply.served:
            return
        asked, served = _bare(self._model), _bare(reply.served)
        if asked not in served and served not in asked:
            raise ModelFailed(
                f"{self._endpoint.base} was asked for the model {self._model!r}, and {reply.served!r}"
                " replied: name the one that it serves."
            )
        self._served = reply.served

    async def _only_model(self) -> str:
        offered = await self._endpoint.models()
        if len(offered) == 1:
            return offered[0]
        known = f"it offers: {', '.join(offered)}" if offered else "the server lists none"
        raise ModelFailed(f"Which model at {self._endpoint.base}? Name one; {known}.")


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", PurePath(name.lower()).name.removesuffix(".gguf"))


def _with_schema(turns: list[ChatTurn], schema: dict[str, Any]) -> list[ChatTurn]:
    """The turns with the schema in words in the last one, for a server that does not enforce it."""
    asked = f"Reply with one JSON object that fits this JSON Schema, and nothing else:\n{json.dumps(schema)}"
    *before, last = turns
    content = last["content"]
    if isinstance(content, str):
        return [*before, last | {"content": f"{content}\n\n{asked}"}]
    return [*before, last | {"content": [*content, {"type": "text", "text": asked}]}]
