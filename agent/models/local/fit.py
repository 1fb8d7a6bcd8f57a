"""What a Gemma 3 takes of memory, by arithmetic from its configuration's shapes, before it is loaded."""

from collections.abc import Iterator, Mapping
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
# What a config.json leaves out has these values (transformers' Gemma3TextConfig).
_DEFAULTS = {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "vocab_size": 262_208}


@dataclass(frozen=True)
class Need:
    """Bytes that a model takes: `weights` at their bits, `unquantised` weights (embeddings, vision), `cache`
    of keys and values for the whole context, and `activations`, an estimate."""

    weights: int
    unquantised: int
    cache: int
    activations: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.unquantised + self.cache + self.activations

    def __str__(self) -> str:
        return (
            f"{self.total / GIB:.1f} GiB ({self.weights / GIB:.1f} weights, {self.unquantised / GIB:.1f}"
            f" embeddings and vision, {self.cache / GIB:.1f} context, {self.activations / GIB:.1f} at work)"
        )


def need(config: Mapping[str, Any], bits: Bits, context: int) -> Need:
    """What a model of this `config.json` takes with `bits` a weight and `context` tokens.

    Raises ValueError where the configuration is of no Gemma 3.
    """
    text = _text(config)
    vision = config.get("vision_config")
    return Need(
        weights=round(_linear(text) * _BYTES[bits]),
        unquantised=_HALF * (text["vocab_size"] * text["hidden_size"] + (_seeing(vision) if vision else 0)),
        cache=cache_bytes(config, context),
        activations=round(_CHUNK * _HALF * (10 * text["hidden_size"] + 4 * text["intermediate_size"]))
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


def advice(config: Mapping[str, Any], bits: Bits, context: int, free: int, *, offload: bool) -> list[str]:
    """What to do where `free` bytes are too few; empty where they are enough."""
    if offload or need(config, bits, context).total <= free:
        return []
    return [
        *_ways(config, bits, context, free),
        "set local_offload: parts lie in main memory, and it is slow",
    ]


def _ways(config: Mapping[str, Any], bits: Bits, context: int, free: int) -> Iterator[str]:
    for fewer in (8, 4):
        if fewer < bits and need(config, fewer, context).total <= free:
            yield f"set local_bits to {fewer}"
            break
    for shorter in (65_536, 32_768, 16_384, 8_192):
        if shorter < context and need(config, bits, shorter).total <= free:
            yield f"set local_context to {shorter}"
            break
    if _text(config)["hidden_size"] > 2560:
        yield "take a 4B variant (google/medgemma-1.5-4b-it)"


def _text(config: Mapping[str, Any]) -> Mapping[str, Any]:
    text = config.get("text_config", config)
    wanted = ("hidden_size", "intermediate_size", "num_hidden_layers")
    if not str(config.get("model_type", "")).startswith("gemma3") or any(name not in text for name in wanted):
        raise ValueError("config.json is of no Gemma 3 model")
    return {**_DEFAULTS, **text}


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
