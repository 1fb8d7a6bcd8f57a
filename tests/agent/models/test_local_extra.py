"""The `local` extra: what the local 4-bit model will stand on works on this machine, without a GPU."""

import importlib

import pytest

from tests.conftest import absent

pytestmark = [pytest.mark.local, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def test_a_layer_is_quantised_to_nf4_and_computes_close_to_the_original() -> None:
    try:
        torch = importlib.import_module("torch")
        quantised = importlib.import_module("bitsandbytes.nn")
    except ModuleNotFoundError:
        absent("the `local` extra is not installed")
    torch.manual_seed(7)
    original = torch.nn.Linear(256, 64, bias=False)
    layer = quantised.Linear4bit(256, 64, bias=False, compute_dtype=torch.bfloat16, quant_type="nf4")
    layer.load_state_dict(original.state_dict())
    layer = layer.to("cpu")
    given = torch.randn(8, 256)
    wanted, got = original(given), layer(given).float()
    assert layer.weight.quant_state.quant_type == "nf4"
    assert 0 < (wanted - got).abs().max() < 0.5 * wanted.abs().max()
