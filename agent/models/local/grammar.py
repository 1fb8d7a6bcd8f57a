"""What a model may write in one step, as a grammar over its tokens: bounded thinking, then a step of JSON.

llguidance turns it into a mask of the logits at each token. Whitespace is fixed, since a model that may write
spaces can write them for ever (xgrammar #412, vLLM #40080), and the order of properties is the schema's.
"""

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from llguidance import LLMatcher, LLTokenizer
from llguidance.hf import from_tokenizer

from agent.errors import ModelFailed

if TYPE_CHECKING:
    from agent.models.local.loading import Loaded

THOUGHT = "thought\n"
"""What MedGemma writes after the token that opens its thinking."""
_LARGEST = {"minimum": -1_000_000_000, "maximum": 1_000_000_000}
_FINEST = 0.0001
_COMPACT = {"whitespace_flexible": False, "item_separator": ",", "key_separator": ":"}


class Grammars:
    """Grammars for one model. To build it takes seconds at 262,144 tokens: build it once."""

    def __init__(self, loaded: "Loaded") -> None:
        # The logits have more rows than the tokenizer has tokens, and a mask has a bit for each row. Those of
        # a text-only model have one less: its tokenizer has the image token too, which no grammar writes.
        self.rows: int = loaded.model.config.get_text_config().vocab_size
        ids = loaded.ids
        self.tokens: LLTokenizer = from_tokenizer(
            loaded.tokenizer, n_vocab=max(self.rows, len(loaded.tokenizer)), eos_token=[ids.end_of_turn]
        )
        self._thinking = None if ids.thinking_open is None else (ids.thinking_open, ids.thinking_close)

    def step(self, schema: dict[str, Any], thinking_tokens: int) -> "Writing":
        """A fresh grammar of one step. 0 thinking tokens, or a model without thinking marks: JSON alone.

        Raises ModelFailed where the schema has a keyword that no grammar can hold.
        """
        body = json.dumps({**_bounded(schema), "x-guidance": _COMPACT})
        if thinking_tokens and self._thinking:
            opening, closing = self._thinking
            lark = (
                "%llguidance {}\nstart: thought step\n"
                f"thought: <[{opening}]> {json.dumps(THOUGHT)} body <[{closing}]>\n"
                f"body[max_tokens={thinking_tokens}]: /(.|\\n)*/\nstep: %json {body}\n"
            )
        else:
            lark = f"%llguidance {{}}\nstart: %json {body}\n"
        return Writing(LLMatcher(self.tokens, lark), self.rows, self.tokens.vocab_size)

    def text(self, tokens: list[int]) -> bytes:
        """The bytes that tokens stand for, exactly: a token may be a part of a character."""
        told: bytes = self.tokens.decode_bytes(tokens)
        return told


class Writing:
    """Where one reply stands in its grammar."""

    def __init__(self, matcher: LLMatcher, rows: int, tokens: int) -> None:
        self._matcher = matcher
        self._rows = rows
        self._bits: np.ndarray[Any, np.dtype[np.int32]] = np.zeros((tokens + 31) // 32, dtype=np.int32)
        self._check()

    @property
    def ended(self) -> bool:
        """Whether nothing more can be written."""
        stopped: bool = self._matcher.is_stopped()
        return stopped

    def allowed(self) -> "np.ndarray[Any, np.dtype[np.bool_]]":
        """Which tokens may come next: a boolean for each row of the logits."""
        self._matcher.unsafe_compute_mask_ptr(self._bits.ctypes.data, self._bits.nbytes)
        self._check()
        return np.unpackbits(self._bits.view(np.uint8), bitorder="little", count=self._rows).view(np.bool_)

    def write(self, token: int) -> list[int]:
        """Write a token. Returns those that must follow it, now written too."""
        self._matcher.consume_token(token)
        return self.forced()

    def forced(self) -> list[int]:
        """Write the tokens that must come next, none or several, and return them."""
        tokens: list[int] = self._matcher.compute_ff_tokens()
        self._matcher.consume_tokens(tokens)
        self._check()
        return tokens

    def _check(self) -> None:
        if self._matcher.is_error():  # llguidance never raises
            why = self._matcher.get_error().strip().splitlines()[0]
            raise ModelFailed(
                f"The grammar of the step schema cannot be used: {why}. See which tool's input schema has it;"
                " `--tools core` offers fewer."
            )


def _bounded(schema: Any) -> Any:
    """The schema with numbers of an end: digits can go on for ever as spaces can."""
    if isinstance(schema, list):
        return [_bounded(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    bounded = {key: _bounded(value) for key, value in schema.items()}
    kind = schema.get("type")
    if kind in ("number", "integer"):
        bounded = {**_LARGEST, **({"multipleOf": _FINEST} if kind == "number" else {}), **bounded}
    return bounded
