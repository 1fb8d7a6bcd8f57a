"""What a model takes of memory, held against the published shapes of MedGemma 27B and 4B."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.models.local.fit import GIB, Bits, advice, cache_bytes, need

VISION = {
    "hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27,
    "image_size": 896, "patch_size": 14,
}  # fmt: skip
MEDGEMMA_27B: dict[str, Any] = {
    "model_type": "gemma3",
    "text_config": {
        "hidden_size": 5376, "intermediate_size": 21504, "num_hidden_layers": 62, "num_attention_heads": 32,
        "num_key_value_heads": 16, "head_dim": 128, "vocab_size": 262_208, "sliding_window": 1024,
    },
    "vision_config": VISION,
}  # fmt: skip
MEDGEMMA_4B: dict[str, Any] = {
    "model_type": "gemma3",
    "text_config": {
        "hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34, "sliding_window": 1024,
    },
    "vision_config": VISION,
}  # fmt: skip


@pytest.mark.parametrize(
    ("tokens", "cache", "with_nf4"), [(8_192, 1.0, 16.7), (32_768, 2.9, 18.6), (131_072, 10.4, 26.1)]
)
def test_27b_in_nf4_takes_what_its_shapes_say(tokens: int, cache: float, with_nf4: float) -> None:
    needed = need(MEDGEMMA_27B, 4, tokens)
    assert needed.cache / GIB == pytest.approx(cache, abs=0.05)
    assert needed.weights / GIB == pytest.approx(12.3, abs=0.05)
    assert needed.unquantised / GIB == pytest.approx(2.6 + 0.8, abs=0.05)
    assert (needed.total - needed.activations) / GIB == pytest.approx(with_nf4, abs=0.1)


def test_27b_in_bf16_takes_51_gib_and_fits_80() -> None:
    needed = need(MEDGEMMA_27B, 16, 131_072)
    assert (needed.weights + needed.unquantised) / GIB == pytest.approx(51.1, abs=0.1)
    assert needed.total < 80 * GIB


def test_24_gib_hold_27b_with_32k_and_32_gib_with_128k() -> None:
    assert advice(MEDGEMMA_27B, 4, 32_768, 24 * GIB, offload=False) == []
    assert advice(MEDGEMMA_27B, 4, 131_072, 32 * GIB, offload=False) == []


@pytest.mark.parametrize(
    ("bits", "context", "free", "first"),
    [
        (16, 32_768, 24 * GIB, "set local_bits to 4"),
        (16, 32_768, 48 * GIB, "set local_bits to 8"),
        (4, 131_072, 24 * GIB, "set local_context to 65536"),
        (4, 32_768, 12 * GIB, "take a 4B variant (google/medgemma-1.5-4b-it)"),
    ],
)
def test_the_advice_is_something_that_then_fits(bits: Bits, context: int, free: int, first: str) -> None:
    told = advice(MEDGEMMA_27B, bits, context, free, offload=False)
    assert told[0] == first
    assert told[-1].startswith("set local_offload")
    assert advice(MEDGEMMA_27B, bits, context, free, offload=True) == []


def test_a_4b_variant_fits_an_8_gib_card() -> None:
    assert need(MEDGEMMA_4B, 4, 32_768).total < 8 * GIB
    assert "take a 4B" not in str(advice(MEDGEMMA_4B, 16, 32_768, 4 * GIB, offload=False))


@given(tokens=st.integers(1, 200_000))
def test_the_cache_only_grows_and_sliding_layers_stop_at_their_window(tokens: int) -> None:
    a_token = 2 * 16 * 128 * 2
    assert cache_bytes(MEDGEMMA_27B, tokens) == a_token * (10 * tokens + 52 * min(tokens, 1023))


def test_layers_are_counted_by_their_kinds_where_the_configuration_names_them() -> None:
    text = MEDGEMMA_27B["text_config"] | {"layer_types": ["full_attention"] * 62}
    whole = {**MEDGEMMA_27B, "text_config": text}
    assert cache_bytes(whole, 32_768) / GIB == pytest.approx(15.5, abs=0.05)


@pytest.mark.parametrize("config", [{}, {"model_type": "llama", "hidden_size": 1}, {"model_type": "gemma3"}])
def test_what_is_no_gemma_3_is_said_to_be_none(config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no Gemma 3"):
        need(config, 4, 8_192)
