"""What a model takes of memory, held against the published shapes of MedGemma 27B and 4B."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.models.local.fit import GIB, Bits, advice, bits_of, cache_bytes, longest, need

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
    assert advice(MEDGEMMA_27B, 4, 32_768, 24 * GIB) == []
    assert advice(MEDGEMMA_27B, 4, 131_072, 32 * GIB) == []


@pytest.mark.parametrize(
    ("bits", "context", "free", "first"),
    [
        (16, 32_768, 24 * GIB, "set local_bits to 4"),
        (16, 32_768, 48 * GIB, "set local_bits to 8"),
        (4, 131_072, 24 * GIB, "set local_context to 32768"),
        (16, 131_072, 20 * GIB, "set local_bits to 4 and local_context to 16384"),
        (4, 32_768, 12 * GIB, "take a 4B variant (google/medgemma-1.5-4b-it)"),
    ],
)
def test_the_advice_is_something_that_then_fits(bits: Bits, context: int, free: int, first: str) -> None:
    told = advice(MEDGEMMA_27B, bits, context, free)
    assert told[0] == first
    assert told[-1].startswith("set local_offload")


@given(
    bits=st.sampled_from([4, 8, 16]), context=st.integers(2_048, 131_072), free=st.integers(6 * GIB, 90 * GIB)
)
def test_every_setting_that_is_advised_fits(bits: Bits, context: int, free: int) -> None:
    for way in advice(MEDGEMMA_27B, bits, context, free):
        said: dict[str, Any] = dict(re.findall(r"(local_bits|local_context) to (\d+)", way))
        if said:
            with_it = int(said.get("local_bits", bits)), int(said.get("local_context", context))
            assert need(MEDGEMMA_27B, *with_it).total <= free  # type: ignore[arg-type]


def test_a_4b_variant_is_advised_only_where_it_fits() -> None:
    assert len(advice(MEDGEMMA_27B, 4, 32_768, 3 * GIB)) == 1


def test_weights_beside_the_gpu_are_whole_in_main_memory() -> None:
    needed = need(MEDGEMMA_27B, 4, 32_768)
    assert needed.beside(24 * GIB) == 0
    assert needed.beside(12 * GIB) / (needed.total - 12 * GIB) == pytest.approx(3.9, abs=0.05)


def test_a_4b_variant_fits_an_8_gib_card() -> None:
    assert need(MEDGEMMA_4B, 4, 32_768).total < 8 * GIB
    assert "take a 4B" not in str(advice(MEDGEMMA_4B, 16, 32_768, 6 * GIB))


@given(tokens=st.integers(1, 200_000))
def test_the_cache_only_grows_and_sliding_layers_stop_at_their_window(tokens: int) -> None:
    a_token = 2 * 16 * 128 * 2
    assert cache_bytes(MEDGEMMA_27B, tokens) == a_token * (10 * tokens + 52 * min(tokens, 1023))


def test_layers_are_counted_by_their_kinds_where_the_configuration_names_them() -> None:
    text = MEDGEMMA_27B["text_config"] | {"layer_types": ["full_attention"] * 62}
    whole = {**MEDGEMMA_27B, "text_config": text}
    assert cache_bytes(whole, 32_768) / GIB == pytest.approx(15.5, abs=0.05)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"model_type": "llama", "hidden_size": 1},
        {"model_type": "gemma3"},
        MEDGEMMA_4B | {"model_type": "gemma3n"},
        MEDGEMMA_4B | {"vision_config": {"hidden_size": 8}},
        MEDGEMMA_4B | {"text_config": MEDGEMMA_4B["text_config"] | {"intermediate_size": [1, 2]}},
    ],
)
def test_what_is_no_gemma_3_is_said_to_be_none(config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no Gemma 3"):
        need(config, 4, 8_192)


def test_the_bits_are_those_wanted_unless_the_weights_lie_there_quantised() -> None:
    nf4 = {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": "bfloat16"}
    assert bits_of(MEDGEMMA_4B, 16) == 16
    assert bits_of(MEDGEMMA_4B | {"quantization_config": nf4}, 16) == 4
    assert bits_of(MEDGEMMA_4B | {"quantization_config": {"load_in_8bit": True}}, 4) == 8
    float16 = nf4 | {"bnb_4bit_compute_dtype": "float16"}
    for other in (float16, nf4 | {"bnb_4bit_quant_type": "fp4"}, {"quant_method": "gptq", "bits": 4}):
        with pytest.raises(ValueError, match="take the unquantised checkpoint"):
            bits_of(MEDGEMMA_4B | {"quantization_config": other}, 4)


def test_a_model_reads_what_its_configuration_says_and_128k_where_it_does_not() -> None:
    assert longest(MEDGEMMA_27B) == 131_072
    short = MEDGEMMA_4B["text_config"] | {"max_position_embeddings": 32_768}
    assert longest(MEDGEMMA_4B | {"text_config": short}) == 32_768
