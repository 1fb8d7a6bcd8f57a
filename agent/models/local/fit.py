"""What a Gemma 3 takes of memory, by arithmetic from its configuration's shapes, before it is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Bits = Literal[4, 8, 16]

GIB = 2**30
# NF4 with double quantisation: half a byte a weight, one byte a block of 64, four bytes 256 blocks.
_BYTES: Mapping[Bits, float] = {4: 1 / 2 + 1 / 64 + 4 / (64 * 256), 8: 1.0, 16: 2.0}
_HALF = 2  # bytes of a bfloat16
_CHUNK = 2048  # tokens read at once (generation.CHUNK)
_ROOM = 1 * GIB  # the driver's own, matrices unpacked for their product, what is torn between blocks
_VISION_ROOM = GIB // 2  # of one image at a time
_CONTEXTS = (65_536, 32_768, 16_384, 8_192)
# What a config.json leaves out has these values (transformers' Gemma3TextConfig).
_DEFAULTS = {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "vocab_size": 262_208}
_VISION = {
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_hidden_layers": 27,
    "image_size": 896,
    "patch_size": 14,
}
_4B: Mapping[str, Any] = {
    "model_type": "gemma3",
    "text_config": {
        "hidden_size": 2560,
        "intermediate_size": 10240,
        "num_hidden_layers": 34,
        "sliding_window": 1024,
    },
    "vision_config": _VISION,
}
_27B_TEXT: Mapping[str, Any] = {
    "model_type": "gemma3_text",
    "hidden_size": 5376,
    "intermediate_size": 21504,
    "num_hidden_layers": 62,
    "num_attention_heads": 32,
    "num_key_value_heads": 16,
    "head_dim": 128,
    "sliding_window": 1024,
}
PUBLISHED: Mapping[str, Mapping[str, Any]] = {
    "google/medgemma-27b-it": {
        "model_type": "gemma3",
        "text_config": _27B_TEXT,
        "vision_config": _VISION,
    },
    "google/medgemma-27b-text-it": _27B_TEXT,
    "google/medgemma-1.5-4b-it": _4B,
    "google/medgemma-4b-it": _4B,
}
"""The shapes in MedGemma's own configurations: what is not here yet can be fitted too."""
QUANTISATION: Mapping[Bits, str] = {4: "nf4", 8: "int8", 16: "bf16"}


@dataclass(frozen=True)
class Need:
    """Bytes that a model takes: `weights` at their `bits`, `unquantised` weights (embeddings, vision), the
    `cache` of keys and values for the whole context, and `activations`, an estimate."""

    bits: Bits
    weights: int
    unquantised: int
    cache: int
    activations: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.unquantised + self.cache + self.activations

    def beside(self, free: int) -> int:
        """Bytes of main memory for the weights that a GPU with `free` bytes cannot hold: none are quantised
        there (transformers keeps what it offloads whole)."""
        return round(max(0, self.total - free) / _BYTES[self.bits] * _BYTES[16])

    def __str__(self) -> str:
        return (
            f"{self.total / GIB:.1f} GiB ({self.weights / GIB:.1f} weights, {self.unquantised / GIB:.1f}"
            f" embeddings and vision, {self.cache / GIB:.1f} context, {self.activations / GIB:.1f} at work)"
        )


def need(config: Mapping[str, Any], bits: Bits, context: int) -> Need:
    """What a model of this `config.json` takes with `bits` a weight and `context` tokens.

    Raises ValueError where the configuration is of no Gemma 3.
    """
    try:
        return _need(config, bits, context)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"config.json is of no Gemma 3 model ({error})") from None


def bits_of(config: Mapping[str, Any], wanted: Bits) -> Bits:
    """The bits that its weights will have: `wanted`, unless they lie on disk quantised.

    Raises ValueError where they are quantised in a way that is not used here: float16 gives empty output
    (transformers #36822), and other methods than bitsandbytes are not at hand.
    """
    told = config.get("quantization_config")
    if not told:
        return wanted
    if told.get("load_in_8bit"):
        return 8
    if told.get("bnb_4bit_quant_type") == "nf4" and told.get("bnb_4bit_compute_dtype") == "bfloat16":
        return 4
    method = told.get("quant_method", "unknown")
    raise ValueError(
        f"config.json tells of weights quantised in another way ({method}) than NF4 with bfloat16 or 8 bits:"
        " take the unquantised checkpoint, which is quantised as it is loaded"
    )


def longest(config: Mapping[str, Any]) -> int:
    """The tokens that the model can read at most."""
    return int(_text(config).get("max_position_embeddings") or 131_072)


def _need(config: Mapping[str, Any], bits: Bits, context: int) -> Need:
    text = _text(config)
    vision = config.get("vision_config")
    return Need(
        bits=bits,
        weights=round(_linear(text) * _BYTES[bits]),
        unquantised=_HALF * (text["vocab_size"] * text["hidden_size"] + (_seeing(vision) if vision else 0)),
        cache=cache_bytes(config, context),
        activations=_CHUNK * _HALF * (10 * text["hidden_size"] + 4 * text["intermediate_size"])
        + context * _a_token_at_work(text)
        + _ROOM
        + (_VISION_ROOM if vision else 0),
    )


def cache_bytes(config: Mapping[str, Any], tokens: int) -> int:
    """Bytes of the keys and values of so many tokens: sliding layers keep their window less one."""
    text = _text(config)
    layers = text["num_hidden_layers"]
    kinds = text.get("layer_types")
    pattern = text.get("sliding_window_pattern") or text.get("_sliding_window_pattern") or 6
    whole = kinds.count("full_attention") if kinds else layers // pattern
    a_token = 2 * text["num_key_value_heads"] * text["head_dim"] * _HALF
    window = min(tokens, (text.get("sliding_window") or tokens + 1) - 1)
    return int(a_token * (whole * tokens + (layers - whole) * window))


def advice(config: Mapping[str, Any], bits: Bits, context: int, free: int) -> list[str]:
    """What to do where `free` bytes are too few; empty where they are enough.

    Each way is enough alone, but for the last: offloading wants main memory (Need.beside), and is slow.
    """

    def fits(fewer: Bits, shorter: int) -> bool:
        return need(config, fewer, shorter).total <= free

    if fits(bits, context):
        return []
    lower: list[Bits] = [b for b in (8, 4) if b < bits and not config.get("quantization_config")]
    shorter = [tokens for tokens in _CONTEXTS if tokens < context]
    ways = [f"set local_bits to {b}" for b in lower if fits(b, context)][:1]
    ways += [f"set local_context to {tokens}" for tokens in shorter if fits(bits, tokens)][:1]
    if not ways:
        both = [(b, tokens) for b in lower for tokens in shorter if fits(b, tokens)][:1]
        ways = [f"set local_bits to {b} and local_context to {tokens}" for b, tokens in both]
    if _text(config)["hidden_size"] > _4B["text_config"]["hidden_size"] and need(_4B, 4, 8_192).total <= free:
        ways.append("take a 4B variant (google/medgemma-1.5-4b-it)")
    return [*ways, "set local_offload: parts lie in main memory, and it is slow"]


def _text(config: Mapping[str, Any]) -> Mapping[str, Any]:
    text = config.get("text_config", config)
    wanted = ("hidden_size", "intermediate_size", "num_hidden_layers")
    # A name that only begins so is of another family: gemma3n has other layers.
    if config.get("model_type") not in ("gemma3", "gemma3_text") or any(name not in text for name in wanted):
        raise ValueError("config.json is of no Gemma 3 model")
    return {**_DEFAULTS, **text}


def _a_token_at_work(text: Mapping[str, Any]) -> int:
    """Bytes a token of context while a chunk is read: a whole layer's keys and values, repeated for each head
    (transformers' sdpa does so under a mask), and the mask, as booleans and as numbers."""
    return int(2 * text["num_attention_heads"] * text["head_dim"] * _HALF + _CHUNK * (1 + _HALF))


def _linear(text: Mapping[str, Any]) -> int:
    """Weights of the language model's matrices, which are quantised."""
    hidden, head = text["hidden_size"], text["head_dim"]
    attention = hidden * head * (2 * text["num_attention_heads"] + 2 * text["num_key_value_heads"])
    return int(text["num_hidden_layers"] * (attention + 3 * hidden * text["intermediate_size"]))


def _seeing(vision: Mapping[str, Any]) -> int:
    """Weights of the vision tower, which are not."""
    hidden, patch = vision["hidden_size"], vision["patch_size"]
    layer = 4 * hidden**2 + 2 * hidden * vision["intermediate_size"]
    patches = (vision["image_size"] // patch) ** 2
    return int(vision["num_hidden_layers"] * layer + hidden * (3 * patch**2 + patches))
