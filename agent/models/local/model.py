"""Weights of our own as a model that takes steps: nothing of a session leaves this process.

One model serves all sessions of the process, a step at a time (turns.py). A step is written greedily within
the grammar of the step schema, so what comes back is always a step.
"""

import asyncio
import gc
import io
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from agent.errors import ContextExceeded, ModelFailed, ModelUnavailable
from agent.messages import (
    Image,
    Message,
    ModelIdentity,
    OnText,
    QuestionMessage,
    ResultsMessage,
    StepMessage,
    Turn,
    Usage,
    silent,
)
from agent.models.answer_text import AnswerText
from agent.models.local import keeping
from agent.models.local.generation import (
    CHUNK,
    SMALL_CHUNK,
    Bounds,
    Chooser,
    Figures,
    Reader,
    is_out_of_memory,
    too_long,
    write,
)
from agent.models.local.grammar import Grammars
from agent.models.local.keeping import Conversation, Kept
from agent.models.local.template import continuation, opening
from agent.models.local.turns import Turns
from agent.models.reply import NoStep, read_step

if TYPE_CHECKING:
    from agent.models.local.loading import Loaded

_ROOM = 128
"""Tokens that a short step takes, after its thinking: a conversation with less left is too long."""
_LEFT_OUT = "(left out for want of memory; call the tool again if you need it)"


class LocalModel:
    """The planner on this machine.

    At most `thinking_tokens` go before each step; 0, or a model that knows no thinking: none. `max_tokens`
    and `seconds` bound a step, `kept` the bytes of keys and values that wait for their session's next one.
    `on_generated` is told what each step took. The chooser is greedy, unless a test wants noise.
    """

    def __init__(
        self,
        loaded: "Loaded",
        *,
        thinking_tokens: int,
        max_tokens: int,
        seconds: float,
        kept: int,
        on_generated: Callable[[Figures], object] = lambda _: None,
        chooser: Chooser | None = None,
    ) -> None:
        self._loaded = loaded
        self._thinking = thinking_tokens if loaded.ids.thinking_open is not None else 0
        self._bounds = Bounds(max_tokens + self._thinking, seconds, loaded.context)
        self._kept = Kept(kept)
        self._on_generated = on_generated
        self._chooser = chooser or Chooser()
        self._grammars = Grammars(loaded)
        chunk = CHUNK if loaded.model.device.type == "cuda" else SMALL_CHUNK
        self._reader = Reader(loaded.model, loaded.ids.image, chunk)
        self._turns = Turns()

    @property
    def identity(self) -> ModelIdentity:
        identity: ModelIdentity = self._loaded.identity
        return identity

    async def next_step(
        self, messages: list[Message], schema: dict[str, Any], images: list[Image], on_text: OnText = silent
    ) -> Turn:
        """The next step, valid against `schema`; `images` came with the last question.

        Raises ContextExceeded, ModelFailed (a bound, a circle, memory) and ModelUnavailable (a broken GPU).
        Cancelled, it stops within a token.
        """
        loop = asyncio.get_running_loop()
        asked, told = time.monotonic(), list(messages)

        def work(stop: threading.Event) -> Turn:
            def tell(text: str) -> None:
                loop.call_soon_threadsafe(lambda: stop.is_set() or on_text(text))

            return self._step(_Asked(told, schema, images, tell, stop, time.monotonic() - asked))

        return await self._turns.take(work)

    def _step(self, asked: "_Asked") -> Turn:
        """The next step, in the thread that computes. What fails leaves the conversation as it was."""
        before = self._kept.of(asked.messages[0])
        try:
            turn, after = self._tried(before, asked)
        except BaseException:
            before.cache = None  # it was read into
            if before.told:
                self._kept.keep(before)
            raise
        self._kept.keep(after)
        return turn

    def _tried(self, before: Conversation, asked: "_Asked") -> tuple[Turn, Conversation]:
        """The step and the conversation after it.

        Out of memory, it is tried again with what was kept let go and smaller chunks, and then with a shorter
        conversation, once.
        """
        for less in (False, False, True):
            try:
                return self._written(self._draft(before, asked, less), asked)
            except torch.AcceleratorError as error:
                raise ModelUnavailable(
                    f"The GPU failed ({str(error).splitlines()[0]}): see the system's log, and start anew."
                ) from error
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            asked = replace(asked, tell=silent)  # what was told of an answer is not told twice
            # Only now that the error is gone, nothing holds the tensors of the attempt.
            before.cache = None
            self._kept.clear()
            self._reader = replace(self._reader, chunk=SMALL_CHUNK)
            gc.collect()
            torch.cuda.empty_cache()
        raise ModelFailed(
            "The model ran out of memory, and again with a shorter conversation. Lower local_context, end"
            " other programs on the device, or take a smaller model (see `ehr-navigator models list`)."
        )

    def _draft(self, before: Conversation, asked: "_Asked", less: bool) -> Conversation:
        """The conversation with what was said since, to be read: `before` goes on, or all is told anew."""
        messages = asked.messages
        last = max((n for n, one in enumerate(messages) if isinstance(one, QuestionMessage)), default=0)
        same = {
            n: given for n, given in before.images.items() if messages[n : n + 1] == before.told[n : n + 1]
        }
        images = {**same, last: asked.images}
        goes_on = before.goes_on(messages) and images == {**images, **before.images} and not less
        since = len(before.told) if goes_on else 0
        new = {n - since: given for n, given in images.items() if n >= since and given}
        if goes_on:
            ids = [*before.ids, *continuation(self._loaded, messages[since:], new)]
            draft = replace(before, ids=ids, images=images)
        else:
            told = _shortened(messages) if less else messages
            ids, shared = opening(self._loaded, told, new, thinking=self._thinking > 0)
            draft = Conversation(ids=ids, shared=shared, images=images)
        if len(ids) + self._thinking + _ROOM > self._bounds.context:
            raise ContextExceeded(too_long(len(ids), self._bounds.context))
        if draft.cache is None:
            since = 0
            draft.cache = self._kept.beginning(ids[: draft.shared])
        if draft.cache is None:
            draft.cache = keeping.empty(self._loaded.model.config)
        unread = [image for n, given in sorted(images.items()) if n >= since for image in given]
        draft.seen = sum(map(len, images.values())) - len(unread)
        draft.pixels = pixels(self._loaded, unread)
        return draft

    def _written(self, draft: Conversation, asked: "_Asked") -> tuple[Turn, Conversation]:
        """Let the model write the step."""
        written, answer = bytearray(), AnswerText()

        def on_json(tokens: list[int]) -> None:
            piece = self._grammars.text(tokens)
            written.extend(piece)
            if text := answer.read(piece):
                asked.tell(text)

        figures = write(
            self._reader,
            draft,
            self._grammars.step(asked.schema, self._thinking),
            chooser=self._chooser,
            bounds=self._bounds,
            stop=asked.stop,
            kept=self._kept,
            on_json=on_json,
            closing=self._loaded.ids.thinking_close if self._thinking else None,
        )
        self._on_generated(replace(figures, waiting=asked.waiting))
        try:
            step = read_step(written.decode(), asked.schema, truncated=False)
        except NoStep as misfit:
            raise ModelFailed(f"The model {self.identity.name} gave no valid step: {misfit}.") from None
        usage = Usage(prompt=figures.prompt, completion=figures.written, cached=figures.cached)
        told = [*asked.messages, StepMessage(step=step)]
        return Turn(step=step, usage=usage), replace(draft, told=told, pixels=[])


@dataclass(frozen=True)
class _Asked:
    """What `next_step` was asked, and by whom: `stop` is set when nobody waits for it any more."""

    messages: list[Message]
    schema: dict[str, Any]
    images: list[Image]
    tell: Callable[[str], object]
    stop: threading.Event
    waiting: float


def pixels(loaded: "Loaded", images: list[Image]) -> list[Any]:
    """A tensor (3, side, side) for each image. Raises ModelFailed where the model sees none."""
    from PIL import Image as Pillow

    if not images:
        return []
    if not loaded.processor.image_seq_length:
        raise ModelFailed(f"{loaded.identity.name} reads text alone: name a model for images (image_model).")
    opened = [Pillow.open(io.BytesIO(image.data)).convert("RGB") for image in images]
    return list(loaded.processor.image_processor(opened, return_tensors="pt")["pixel_values"])


def _shortened(messages: list[Message]) -> list[Message]:
    """The messages with the results before the last ones left out, and the model told so."""
    results = [n for n, message in enumerate(messages) if isinstance(message, ResultsMessage)]
    short = list(messages)
    for n in results[:-1]:
        message = messages[n]
        assert isinstance(message, ResultsMessage)
        left = tuple(result.model_copy(update={"text": _LEFT_OUT}) for result in message.results)
        short[n] = message.model_copy(update={"results": left})
    return short
