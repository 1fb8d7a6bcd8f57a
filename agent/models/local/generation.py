"""Reading a prompt and writing a step, token by token, within its grammar and its bounds."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from agent.errors import ContextExceeded, ModelFailed
from agent.models.local.grammar import Writing
from agent.models.local.keeping import Conversation, Kept

CHUNK = 2048
"""Tokens that a GPU reads at once. More would take memory (activations of 27B: about 0.4 MB a token), less
would take time: 4-bit weights are unpacked once a chunk."""
SMALL_CHUNK = 256
"""Where memory ran out, and on a processor, which would not hear of a cancellation for minutes."""
_LONGEST_PERIOD = 48  # tokens
_ROUNDS = 8
_SHORTEST_LOOP = 64  # tokens
_SLOW = "Allow more (max_seconds), fewer thinking tokens, or a smaller model."


class Stopped(Exception):
    """Nobody waits for the step any more."""


@dataclass(frozen=True)
class Bounds:
    """What one step may take: tokens written, thinking among them; seconds, reading included; and `context`,
    the tokens of the whole conversation."""

    tokens: int
    seconds: float
    context: int


@dataclass(frozen=True)
class Figures:
    """What a step took. `cached` of the `prompt` tokens needed no reading; among those `written` are the
    `thinking` and the `forced` ones, which needed no forward pass each.

    Times are in seconds: until the `first_token`, `writing` all after it, and of both `masks`, the grammar's
    work (some of it while a GPU computes). `waiting` for the step's turn comes before.
    """

    prompt: int
    cached: int
    written: int
    thinking: int
    forced: int
    first_token: float
    writing: float
    masks: float
    waiting: float = 0.0

    @property
    def tokens_per_second(self) -> float:
        """The rate at which tokens came after the first."""
        return (self.written - 1) / self.writing if self.writing else 0.0


@dataclass
class Reader:
    """The model's forward pass over a conversation.

    `image` is the id that stands where an image's embeddings go.
    """

    model: Any
    image: int
    chunk: int = CHUNK

    def read(self, conversation: Conversation, check: Callable[[], None], upto: int | None = None) -> Any:
        """Read the ids that are not in the cache, all or up to a number; the logits (rows) after the last.

        In chunks, which never split an image: its tokens attend to each other in both directions. `check` is
        called before each, and ends the reading by raising.
        """
        ids, cache, logits = conversation.ids, conversation.cache, None
        upto = len(ids) if upto is None else upto
        while (start := conversation.cached) < upto:
            check()
            end = self._end(ids, start, min(start + self.chunk, upto))
            given = {"input_ids": self._tensor(ids[start:end])}
            if self.image in ids[start:end]:
                given |= self._seen(conversation, start, end)
            with torch.inference_mode():
                out = self.model(**given, past_key_values=cache, use_cache=True, logits_to_keep=1)
                logits = out.logits[0, -1].float()
        return logits

    def _end(self, ids: list[int], start: int, end: int) -> int:
        """Where a chunk ends: at its bound, or before an image that it would split, or after that image."""
        if end == len(ids) or ids[end] != self.image or ids[end - 1] != self.image:
            return end
        first = end
        while first > start and ids[first - 1] == self.image:
            first -= 1
        if first > start:
            return first
        while end < len(ids) and ids[end] == self.image:
            end += 1
        return end

    def _seen(self, conversation: Conversation, start: int, end: int) -> dict[str, Any]:
        """The pixels of a chunk's images, and which tokens are images: of all so far, or they are masked."""
        ids = conversation.ids
        first, last = (sum(self._begins(ids, at) for at in range(upto)) for upto in (start, end))
        pixels = torch.stack(conversation.pixels[first - conversation.seen : last - conversation.seen])
        return {
            "pixel_values": pixels.to(self.model.device, self.model.dtype),
            "token_type_ids": self._tensor([int(token == self.image) for token in ids[:end]]),
        }

    def _begins(self, ids: list[int], at: int) -> bool:
        return ids[at] == self.image and ids[at - 1] != self.image

    def _tensor(self, ids: list[int]) -> Any:
        return torch.tensor([ids], device=self.model.device)


@dataclass
class Chooser:
    """Picks a token of those allowed: the likeliest, or at a temperature one by its probability."""

    temperature: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        self._random = torch.Generator().manual_seed(self.seed)

    def choose(self, logits: Any, allowed: Any) -> int:
        """A token id. Raises ModelFailed where the logits are not numbers."""
        scores = logits.masked_fill(~torch.from_numpy(allowed).to(logits.device), float("-inf"))
        best, token = scores.max(-1)
        if not best.isfinite():
            raise ModelFailed(
                "The model computes what are no numbers. Gemma 3 does so in float16: load it in bfloat16;"
                " else its weights are damaged: see `ehr-navigator models list`."
            )
        if self.temperature:
            chances = (scores / self.temperature).softmax(-1).cpu()
            token = torch.multinomial(chances, 1, generator=self._random)
        return int(token)


def write(
    reader: Reader,
    conversation: Conversation,
    writing: Writing,
    *,
    chooser: Chooser,
    bounds: Bounds,
    stop: threading.Event,
    kept: Kept,
    on_json: Callable[[list[int]], object],
    closing: int | None = None,
) -> Figures:
    """Let the model write what the grammar holds, after the ids of the conversation, and add it to them.

    What the conversation shares with others is read first, and `kept`. `closing` ends the thinking, if there
    is any; `on_json` gets the tokens after it as they come. Raises Stopped once `stop` is set, and
    ContextExceeded or ModelFailed where a bound is reached or the model goes in circles: ids and cache then
    end in mid-step.
    """
    began = time.monotonic()
    prompt, cached = len(conversation.ids), conversation.cached
    forced = thinking = 0
    first_token = masks = 0.0

    def written() -> int:
        return len(conversation.ids) - prompt

    def thinks() -> bool:
        return closing is not None and not thinking

    def circles() -> bool:
        return goes_in_circles(conversation.ids[prompt:])

    def check() -> None:
        if stop.is_set():
            raise Stopped
        within = "within its thinking" if thinks() else "within its step"
        if time.monotonic() - began > bounds.seconds:
            raise ModelFailed(f"The model took longer than {bounds.seconds:g} s, {within}. {_SLOW}")
        if len(conversation.ids) > bounds.context:
            raise ContextExceeded(too_long(len(conversation.ids), bounds.context))
        if written() > bounds.tokens:
            raise ModelFailed(f"The model wrote more than {bounds.tokens} tokens, {within}; it was stopped.")
        if not thinks() and circles():
            raise ModelFailed(f"The model repeated itself; it was stopped after {written()} tokens.")

    def take(tokens: list[int]) -> None:
        nonlocal thinking
        conversation.ids.extend(tokens)
        if thinks():
            if closing not in tokens:
                return
            tokens = tokens[tokens.index(closing) + 1 :]
            thinking = written() - len(tokens)
        on_json(tokens)

    tokens = writing.forced()
    forced += len(tokens)
    take(tokens)
    if cached < conversation.shared:
        reader.read(conversation, check, conversation.shared)
        kept.keep_beginning(conversation)
    while not writing.ended:
        logits = reader.read(conversation, check)
        moment = time.monotonic()
        allowed = writing.allowed()
        masks += time.monotonic() - moment
        # A thought that goes in circles is ended, as it would be at its bound: the step may still be good.
        token = closing if closing and thinks() and circles() else chooser.choose(logits, allowed)
        first_token = first_token or time.monotonic() - began
        moment = time.monotonic()
        follow = writing.write(token)
        masks += time.monotonic() - moment
        forced += len(follow)
        take([token, *follow])
    return Figures(
        prompt=prompt,
        cached=cached,
        written=written(),
        thinking=thinking,
        forced=forced,
        first_token=first_token,
        writing=time.monotonic() - began - first_token,
        masks=masks,
    )


def goes_in_circles(written: Sequence[int]) -> bool:
    """Whether the last tokens are one passage, over and over."""
    for period in range(1, _LONGEST_PERIOD + 1):
        length = max(_SHORTEST_LOOP, _ROUNDS * period)
        if len(written) < length:
            return False
        if written[-1] == written[-1 - period]:
            tail = written[-length:]
            if tail[period:] == tail[:-period]:
                return True
    return False


def too_long(tokens: int, context: int) -> str:
    """What is said of a conversation that does not fit."""
    return (
        f"The conversation takes {tokens} tokens, and the model here reads {context} (local_context). Ask a"
        " narrower question, begin a new conversation, or allow more where memory does."
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory is used up, on a GPU or a CPU."""
    said = str(error)
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and ("allocate memory" in said or "ALLOC_FAILED" in said)
    )
