"""What is taken for granted of a checkpoint, looked up as it is loaded.

What would be wrong without an error elsewhere is refused here: a vision tower that was quantised with the
rest, weights that are not there, ids of control tokens that are others than the tokenizer's, images of
another size, another template. Each message names the file to look at.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.errors import ModelUnavailable

WHOLE = ("vision_tower", "multi_modal_projector", "lm_head")
"""What is never quantised."""
_QUANTISED = ("Linear4bit", "Linear8bitLt")
_THINKING = ("<unused94>", "<unused95>")
_IMAGE = "<image_soft_token>"
_ASKED = [("user", "A"), ("assistant", "B"), ("user", "C")]
_TURNS = (
    "<bos><start_of_turn>user\nA<end_of_turn>\n<start_of_turn>model\nB<end_of_turn>\n"
    "<start_of_turn>user\nC<end_of_turn>\n<start_of_turn>model\n"
)


@dataclass(frozen=True)
class Ids:
    """Control tokens as the tokenizer has them; what a text-only model lacks is -2, thinking None."""

    bos: int
    start_of_turn: int
    end_of_turn: int
    image_open: int
    image: int
    image_close: int
    thinking_open: int | None
    thinking_close: int | None
    control: frozenset[int]


def control_ids(tokenizer: Any, config: dict[str, Any], path: Path) -> Ids:
    """The ids of control tokens, looked up and held against config.json. Raises ModelUnavailable."""

    def of(token: str) -> int | None:
        found = tokenizer.convert_tokens_to_ids(token)
        return None if found is None or found == tokenizer.unk_token_id else int(found)

    def needed(token: str) -> int:
        if (found := of(token)) is None:
            raise ModelUnavailable(f"{path / 'tokenizer.json'} has no {token}: this is no Gemma 3 tokenizer.")
        return found

    sees = bool(config.get("vision_config"))
    image = {
        "boi_token_index": "<start_of_image>",
        "image_token_index": _IMAGE,
        "eoi_token_index": "<end_of_image>",
    }
    images = {key: needed(token) if sees else -2 for key, token in image.items()}
    for key, found in images.items():
        if sees and config.get(key, found) != found:
            raise ModelUnavailable(
                f"{path / 'config.json'} gives {key} {config[key]}, and {path / 'tokenizer.json'} {found}:"
                " they are of two revisions (MedGemma v1.0.1 mended an image token); fetch the model again."
            )
    rows = config.get("text_config", config).get("vocab_size", 262_208)
    # Text-only checkpoints have no row for the image token, the last one, though their tokenizer has it.
    spare = 0 if sees or of(_IMAGE) != len(tokenizer) - 1 else 1
    if len(tokenizer) - spare > rows:
        raise ModelUnavailable(
            f"{path / 'tokenizer.json'} has {len(tokenizer)} tokens, and {path / 'config.json'} {rows} rows:"
            " they do not belong together."
        )
    thinking = [of(token) for token in _THINKING]
    opening, closing = thinking if None not in thinking else (None, None)
    bos, start, end = needed("<bos>"), needed("<start_of_turn>"), needed("<end_of_turn>")
    every = {bos, start, end, of("<eos>"), of("<pad>"), of(_IMAGE), opening, closing, *images.values()}
    return Ids(
        bos=bos,
        start_of_turn=start,
        end_of_turn=end,
        image_open=images["boi_token_index"],
        image=images["image_token_index"],
        image_close=images["eoi_token_index"],
        thinking_open=opening,
        thinking_close=closing,
        control=frozenset(found for found in every if found is not None),
    )


def check_complete(missing: Iterable[str], path: Path) -> None:
    """Raise ModelUnavailable where weights lack, for which transformers takes random ones."""
    # The tower's pooling head is never used by Gemma 3, and left out of its checkpoints.
    lacking = sorted(name for name in missing if ".head." not in name)
    if lacking:
        raise ModelUnavailable(
            f"{path} lacks {len(lacking)} of the weights that its config.json names, such as {lacking[0]}:"
            " its *.safetensors are of another model, or not whole; fetch the model again."
        )


def check_quantised(model: Any, path: Path) -> None:
    """Raise ModelUnavailable unless just the language model's matrices are quantised.

    What was offloaded to main memory is not either: transformers quantises nothing there.
    """
    devices = getattr(model, "hf_device_map", {})
    beside = [name for name, device in devices.items() if device == "cpu" and len(devices) > 1]
    for name, module in model.named_modules():
        kind = type(module).__name__
        if kind not in ("Linear", *_QUANTISED):
            continue
        whole = any(part in name for part in WHOLE)
        if any(name == part or name.startswith(f"{part}.") for part in beside) and kind == "Linear":
            continue
        if whole == (kind in _QUANTISED):
            raise ModelUnavailable(
                f"{name} is {'' if whole else 'not '}quantised, and should {'not ' if whole else ''}be. If"
                f" {path / 'config.json'} has a quantization_config, take the unquantised checkpoint; else"
                " transformers or bitsandbytes name modules in another way: install those of constraints.txt."
            )


def check_images(processor: Any, config: dict[str, Any], path: Path) -> None:
    """Raise ModelUnavailable where images would be cut to another size than the model sees."""
    side, tokens = config["vision_config"]["image_size"], config.get("mm_tokens_per_image", 256)
    images = processor.image_processor
    size = images.size.get("height"), images.size.get("width")
    of_images = path / "preprocessor_config.json"  # older checkpoints keep the two apart
    of_both = path / "processor_config.json"
    where = of_images if of_images.is_file() else of_both
    if size != (side, side):
        raise ModelUnavailable(
            f"{where} gives images of {size[0]} x {size[1]} pixels, and config.json {side} x {side}: fetch"
            " the model again."
        )
    if processor.image_seq_length != tokens:
        raise ModelUnavailable(
            f"{of_both} gives {processor.image_seq_length} tokens an image, and config.json {tokens}: fetch"
            " the model again."
        )
    if getattr(images, "do_pan_and_scan", None):
        raise ModelUnavailable(
            f"{where} switches pan-and-scan on, for which there is no room: set it to false."
        )


def check_template(owner: Any, path: Path) -> None:
    """Raise ModelUnavailable where the chat template does not write the turns that are written here.

    `owner` is the processor or the tokenizer, whichever has the template.
    """
    where = path / (
        "chat_template.jinja" if (path / "chat_template.jinja").is_file() else "tokenizer_config.json"
    )
    asked = [{"role": role, "content": text} for role, text in _ASKED]
    try:
        told = owner.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    except Exception as error:  # a template is a program, and fails as it likes
        told = str(error)
    if told != _TURNS:
        raise ModelUnavailable(
            f"The chat template in {where} is missing or not Gemma's: this checkpoint is no instruction-tuned"
            f" Gemma 3 (take one whose name ends in -it). It gave {told[:200]!r}, not {_TURNS!r}."
        )
