"""Weights into memory, with a tiny stand-in that has the real one's classes and files."""

import asyncio
import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from agent.errors import ModelUnavailable
from agent.models.local import loading
from agent.models.local.assumptions import check_quantised
from agent.models.local.checkpoints import Checkpoint
from agent.models.local.fit import GIB, PUBLISHED, Bits, need
from agent.models.local.generation import Chooser
from agent.models.local.model import LocalModel
from tests.agent.models.local import tiny
from tests.agent.models.step_schema import STEP_SCHEMA

pytestmark = pytest.mark.local
PLANNER = PUBLISHED["google/medgemma-27b-it"]


def here(path: Path) -> Checkpoint:
    return Checkpoint("tiny", "r1", path, {}, "d1")


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A copy of the checkpoint, to be damaged."""
    return Path(shutil.copytree(tiny.checkpoint(), tmp_path / "tiny"))


def change(path: Path, **values: Any) -> None:
    told = json.loads(path.read_text())
    path.write_text(json.dumps(told | values))


@pytest.mark.parametrize(("bits", "named", "kind"), [(4, "nf4", "Linear4bit"), (8, "int8", "Linear8bitLt")])
def test_only_the_language_models_matrices_are_quantised(bits: Bits, named: str, kind: str) -> None:
    loaded = loading.load(here(tiny.checkpoint()), bits, 2048)
    kinds = {name: type(module).__name__ for name, module in loaded.model.named_modules()}
    assert loaded.identity.model_dump() == {
        "name": "tiny", "revision": "r1", "quantisation": named, "digest": "d1",
    }  # fmt: skip
    assert kinds["model.language_model.layers.0.mlp.up_proj"] == kind
    seeing = {kind for name, kind in kinds.items() if "vision_tower" in name and "proj" in name}
    assert not {kind for kind in seeing | {kinds["lm_head"]} if "bit" in kind}


def test_nf4_is_doubly_quantised_and_computes_in_bfloat16() -> None:
    layer = loading.load(here(tiny.checkpoint()), 4, 2048).model.model.language_model.layers[0].mlp.up_proj
    assert (layer.weight.quant_state.quant_type, layer.weight.quant_state.nested) == ("nf4", True)
    assert layer.compute_dtype == torch.bfloat16


def test_unquantised_it_is_bfloat16_and_never_float16() -> None:
    loaded = loading.load(here(tiny.checkpoint()), 16, 2048)
    assert {weight.dtype for weight in loaded.model.parameters()} == {torch.bfloat16}


def test_saved_in_nf4_and_loaded_again_it_says_the_same(tmp_path: Path) -> None:
    first = loading.load(here(tiny.checkpoint()), 4, 2048)
    first.model.save_pretrained(tmp_path)
    first.processor.save_pretrained(tmp_path)
    again = loading.load(here(tmp_path), 4, 2048)
    ids = torch.tensor([[first.ids.bos, 300, 301, 302]])
    assert torch.equal(first.model(input_ids=ids).logits, again.model(input_ids=ids).logits)


def test_ids_are_those_of_the_tokenizer_and_none_may_be_spelled_by_a_text() -> None:
    loaded = loading.load(here(tiny.checkpoint()), 16, 2048)
    of, ids = loaded.tokenizer.convert_tokens_to_ids, loaded.ids
    assert (ids.start_of_turn, ids.end_of_turn) == (of("<start_of_turn>"), of("<end_of_turn>"))
    assert (ids.thinking_open, ids.thinking_close) == (of("<unused94>"), of("<unused95>"))
    marks = [*tiny.MARKS, *tiny.THINKING, tiny.IMAGE]
    assert {of(mark) for mark in marks if mark != "<unk>"} == ids.control


def test_a_model_without_thinking_marks_is_known_to_have_none() -> None:
    ids = loading.load(here(tiny.checkpoint(thinking=False)), 16, 2048).ids
    assert (ids.thinking_open, ids.thinking_close) == (None, None)


def test_what_does_not_fit_is_refused_before_it_is_loaded_with_what_would_fit(damaged: Path) -> None:
    config = json.loads((damaged / "config.json").read_text())
    config["text_config"] |= {"num_hidden_layers": 4000, "hidden_size": 8192, "intermediate_size": 30_000}
    (damaged / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelUnavailable, match=r"The model takes .* GiB .* are free .*set local_offload"):
        loading.load(here(damaged), 16, 131_072)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Has torch tell of a GPU with so many bytes free. It is none: what it would compute is not tested."""

    def of(free: int) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free, 80 * GIB))
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "a card")

    return of


def test_what_fits_on_the_gpu_lies_there_whole_though_offloading_is_allowed(
    gpu: Callable[[int], None],
) -> None:
    gpu(24 * GIB)
    for offload in (True, False):
        assert loading.placed(PLANNER, need(PLANNER, 4, 32_768), 32_768, offload=offload) == {
            "device_map": {"": 0}
        }


def test_what_does_not_fit_on_the_gpu_is_refused_unless_offloading_is_allowed(
    gpu: Callable[[int], None],
) -> None:
    gpu(21 * GIB)
    needed = need(PLANNER, 4, 32_768)
    with pytest.raises(ModelUnavailable, match=r"21\.0 GiB are free \(a card\): set local_context to 16384"):
        loading.placed(PLANNER, needed, 32_768, offload=False)
    where = loading.placed(PLANNER, needed, 32_768, offload=True)
    assert where["device_map"] == "auto"
    assert where["max_memory"][0] + needed.cache + needed.activations == 21 * GIB


def test_a_gpu_without_room_for_the_context_is_refused_though_offloading_is_allowed(
    gpu: Callable[[int], None],
) -> None:
    gpu(4 * GIB)
    with pytest.raises(ModelUnavailable, match=r"4\.0 GiB are free"):
        loading.placed(PLANNER, need(PLANNER, 4, 32_768), 32_768, offload=True)


def test_free_memory_is_told_with_where_it_is() -> None:
    free, where = loading.free_bytes()
    assert free > GIB / 4
    assert where


def test_a_model_of_another_family_is_none_that_can_be_used(damaged: Path) -> None:
    change(damaged / "config.json", model_type="llama")
    with pytest.raises(ModelUnavailable, match="no Gemma 3"):
        loading.load(here(damaged), 4, 2048)


def test_image_tokens_of_another_revision_are_refused_and_the_files_named(damaged: Path) -> None:
    change(damaged / "config.json", eoi_token_index=3)
    with pytest.raises(ModelUnavailable, match=r"config\.json gives eoi_token_index 3.*tokenizer\.json"):
        loading.load(here(damaged), 16, 2048)


def test_images_of_another_size_are_refused_and_the_file_named(damaged: Path) -> None:
    config = json.loads((damaged / "processor_config.json").read_text())
    config["image_seq_length"] = 9
    (damaged / "processor_config.json").write_text(json.dumps(config))
    with pytest.raises(ModelUnavailable, match=r"processor_config\.json gives 9 tokens an image"):
        loading.load(here(damaged), 16, 2048)
    config["image_seq_length"] = tiny.IMAGE_TOKENS
    config["image_processor"]["size"] = {"height": 448, "width": 448}
    (damaged / "processor_config.json").write_text(json.dumps(config))
    with pytest.raises(ModelUnavailable, match=r"processor_config\.json gives images of 448 x 448 pixels"):
        loading.load(here(damaged), 16, 2048)


@pytest.mark.parametrize(
    "template", ["{{ messages }}", "{{ no", "", tiny.TEMPLATE.replace("<end_of_turn>\n", "<end_of_turn>")]
)
def test_a_template_that_writes_other_turns_is_refused_and_the_file_named(
    damaged: Path, template: str
) -> None:
    (damaged / "chat_template.jinja").write_text(template)
    with pytest.raises(ModelUnavailable, match=r"chat_template\.jinja is missing or not Gemma's"):
        loading.load(here(damaged), 16, 2048)


def test_half_a_checkpoint_is_refused_with_its_folder(damaged: Path) -> None:
    weights = next(damaged.glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        loading.load(here(damaged), 16, 2048)


def test_weights_that_lack_are_refused_and_not_made_up(damaged: Path) -> None:
    weights = load_file(damaged / "model.safetensors")
    lacking = next(name for name in weights if "layers.3.mlp.up_proj" in name)
    del weights[lacking]
    save_file(weights, damaged / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelUnavailable, match=r"lacks 1 of the weights .*layers\.3\.mlp\.up_proj"):
        loading.load(here(damaged), 16, 2048)


def test_a_pickle_is_never_opened(damaged: Path) -> None:
    weights = damaged / "model.safetensors"
    torch.save(load_file(weights), damaged / "pytorch_model.bin")
    weights.unlink()
    with pytest.raises(ModelUnavailable, match="safetensors"):
        loading.load(here(damaged), 16, 2048)


def test_quantised_on_disk_it_is_called_what_it_is_whatever_is_wanted(tmp_path: Path) -> None:
    first = loading.load(here(tiny.checkpoint()), 4, 2048)
    first.model.save_pretrained(tmp_path)
    first.processor.save_pretrained(tmp_path)
    assert loading.load(here(tmp_path), 16, 2048).identity.quantisation == "nf4"
    config = json.loads((tmp_path / "config.json").read_text())
    config["quantization_config"]["bnb_4bit_compute_dtype"] = "float16"
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelUnavailable, match=r"config\.json .*take the unquantised checkpoint"):
        loading.load(here(tmp_path), 4, 2048)


def test_a_context_longer_than_the_model_reads_is_cut_to_what_it_reads() -> None:
    assert loading.load(here(tiny.checkpoint()), 4, 65_536).context == 32_768


def test_to_allow_offloading_changes_nothing_where_all_fits() -> None:
    loaded = loading.load(here(tiny.checkpoint()), 4, 2048, offload=True)
    layer = loaded.model.model.language_model.layers[0].mlp.up_proj
    assert type(layer).__name__ == "Linear4bit"


def test_a_tower_that_was_quantised_is_found_and_so_is_a_layer_that_was_not() -> None:
    def model(tower: str, layer: str, **devices: str) -> Any:
        made = torch.nn.ModuleDict({"vision_tower": kind(tower), "layers": kind(layer)})
        made.hf_device_map = devices
        return made

    def kind(name: str) -> Any:
        return type(name, (torch.nn.Module,), {})()

    check_quantised(model("Linear", "Linear4bit"), Path("m"))
    with pytest.raises(ModelUnavailable, match=r"vision_tower is quantised, and should not be.*config\.json"):
        check_quantised(model("Linear4bit", "Linear4bit"), Path("m"))
    with pytest.raises(ModelUnavailable, match="layers is not quantised"):
        check_quantised(model("Linear", "Linear"), Path("m"))
    check_quantised(model("Linear", "Linear", layers="cpu", vision_tower="0"), Path("m"))


def test_a_text_only_model_without_a_row_for_the_image_token_plans_too(tmp_path: Path) -> None:
    tiny.make_text_only(tmp_path)
    loaded = loading.load(here(tmp_path), 4, 2048)
    assert type(loaded.model).__name__ == "Gemma3ForCausalLM"
    assert loaded.model.config.vocab_size == len(loaded.tokenizer) - 1
    assert (loaded.ids.image, loaded.processor) == (-2, loading.Blind())
    kinds = {type(module).__name__ for name, module in loaded.model.named_modules() if "_proj" in name}
    assert (kinds, type(loaded.model.lm_head).__name__) == ({"Linear4bit"}, "Linear")
    noise = Chooser(temperature=1.0)  # a random model goes in circles without
    planner = LocalModel(loaded, thinking_tokens=8, max_tokens=900, seconds=60, kept=GIB, chooser=noise)
    step = asyncio.run(planner.next_step([tiny.SYSTEM, tiny.QUESTION], STEP_SCHEMA, [])).step
    assert step.actions


def test_nothing_is_asked_of_the_internet(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: asked.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given: asked.append(given))
    loading.load(here(tiny.checkpoint()), 16, 2048)
    assert asked == []
