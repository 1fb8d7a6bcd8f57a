"""Weights into memory: quantised where that is right, and nothing taken for granted that can be looked up.

What is wrong without an error elsewhere is refused here: a vision tower that was quantised with the rest, ids
of control tokens that are others than the tokenizer's, images of another size, another family's template.
"""

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from agent.errors import ModelUnavailable
from agent.messages import ModelIdentity
from agent.models.local import fit
from agent.models.local.checkpoints import Checkpoint
from agent.models.local.fit import GIB, Bits

_QUANTISATION = {4: "nf4", 8: "int8", 16: "bf16"}
# Names are matched at the start or as a suffix: "vision_tower" alone would leave the tower quantised, and a
# list replaces the defaults, of which the head is one.
_WHOLE = ["model.vision_tower", "model.multi_modal_projector", "lm_head"]
_THINKING = ("<unused94>", "<unused95>")


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


@dataclass(frozen=True)
class Loaded:
    """A model ready to read: `context` is the most tokens that it is given."""

    model: Any
    processor: Any
    tokenizer: Any
    identity: ModelIdentity
    ids: Ids
    context: int


@dataclass(frozen=True)
class Blind:
    """In place of the processor of a model that sees nothing."""

    image_seq_length: int = 0


def load(checkpoint: Checkpoint, bits: Bits, context: int, *, offload: bool = False) -> Loaded:
    """The model, on the GPU if there is one. `offload`: what does not fit lies in main memory.

    Raises ModelUnavailable where it does not fit, or is not what it should be; the message names the file.
    """
    os.environ.setdefault(
        "HF_HUB_OFFLINE", "1"
    )  # read when the hub's library is imported: nothing is fetched
    config = checkpoint.config
    _check_room(config, bits, context, offload=offload)
    from safetensors import SafetensorError
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText, AutoTokenizer
    from transformers.utils import logging as progress

    progress.disable_progress_bar()
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it recommends kernels, from the internet
    path = str(checkpoint.path)
    sees = "vision_config" in config
    try:
        shape = AutoConfig.from_pretrained(path, local_files_only=True)
        model = (
            (AutoModelForImageTextToText if sees else AutoModelForCausalLM)
            .from_pretrained(
                path,
                config=shape,
                dtype=torch.bfloat16,  # float16 gives empty output or no numbers (transformers #36822)
                quantization_config=None
                if "quantization_config" in config
                else _quantised(bits, offload=offload),
                device_map="auto" if offload else {"": 0 if torch.cuda.is_available() else "cpu"},
                local_files_only=True,
            )
            .eval()
        )
        processor: Any = _processor(path) if sees else Blind()
        tokenizer = (
            processor.tokenizer if sees else AutoTokenizer.from_pretrained(path, local_files_only=True)
        )
    except torch.OutOfMemoryError:
        raise ModelUnavailable(_no_room(config, bits, context)) from None
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        said = str(error).strip().partition("\n")[0][:300]
        raise ModelUnavailable(f"{checkpoint.path} cannot be loaded ({said}): fetch it again.") from error
    _check_quantised(model, bits)
    ids = control_ids(tokenizer, config, checkpoint.path)
    if sees:
        _check_images(processor, config, checkpoint.path)
    _check_template(processor if sees else tokenizer, checkpoint.path)
    identity = ModelIdentity(
        name=checkpoint.name,
        revision=checkpoint.revision,
        quantisation=_QUANTISATION[bits],
        digest=checkpoint.digest,
    )
    return Loaded(model, processor, tokenizer, identity, ids, context)


def free_bytes() -> tuple[int, str]:
    """Memory that is free for a model, and where: of the first GPU, or of this machine."""
    if torch.cuda.is_available():
        return int(torch.cuda.mem_get_info(0)[0]), torch.cuda.get_device_name(0)
    free = Path("/proc/meminfo")
    if free.exists():
        lines = dict(line.split(":") for line in free.read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024, "main memory; no GPU is at hand"
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), "main memory; no GPU is at hand"


def peak_bytes() -> int:
    """The most memory that was taken at once since the process began: of the GPU, or of the process."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def control_ids(tokenizer: Any, config: dict[str, Any], path: Path) -> Ids:
    """The ids of control tokens, looked up and held against config.json. Raises ModelUnavailable."""

    def of(token: str) -> int | None:
        found = tokenizer.convert_tokens_to_ids(token)
        return None if found is None or found == tokenizer.unk_token_id else int(found)

    def needed(token: str) -> int:
        if (found := of(token)) is None:
            raise ModelUnavailable(f"{path / 'tokenizer.json'} has no {token}: this is no Gemma 3 tokenizer.")
        return found

    sees = "vision_config" in config
    image = {
        "boi_token_index": "<start_of_image>",
        "image_token_index": "<image_soft_token>",
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
    if len(tokenizer) > rows:
        raise ModelUnavailable(
            f"{path / 'tokenizer.json'} has {len(tokenizer)} tokens, and {path / 'config.json'} {rows} rows:"
            " they do not belong together."
        )
    thinking = [of(token) for token in _THINKING]
    opening, closing = thinking if None not in thinking else (None, None)
    bos, start, end = needed("<bos>"), needed("<start_of_turn>"), needed("<end_of_turn>")
    every = {bos, start, end, of("<eos>"), of("<pad>"), opening, closing, *images.values()}
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


def _processor(path: str) -> Any:
    from transformers import AutoProcessor

    return AutoProcessor.from_pretrained(path, local_files_only=True)


def _quantised(bits: Bits, *, offload: bool) -> Any:
    from transformers import BitsAndBytesConfig

    if bits == 16:
        return None
    if bits == 8:
        return BitsAndBytesConfig(
            load_in_8bit=True,
            llm_int8_skip_modules=_WHOLE,
            llm_int8_enable_fp32_cpu_offload=offload,
        )
    return BitsAndBytesConfig(  # the defaults (fp4, float32) are wrong for this
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
        llm_int8_skip_modules=_WHOLE,
        llm_int8_enable_fp32_cpu_offload=offload,
    )


def _check_room(config: dict[str, Any], bits: Bits, context: int, *, offload: bool) -> None:
    try:
        needed = fit.need(config, bits, context)
    except ValueError as error:
        raise ModelUnavailable(f"{error}; MedGemma and other Gemma 3 checkpoints can be used.") from None
    free, _ = free_bytes()
    if needed.total > free and not offload:
        raise ModelUnavailable(_no_room(config, bits, context))


def _no_room(config: dict[str, Any], bits: Bits, context: int) -> str:
    free, where = free_bytes()
    ways = fit.advice(config, bits, context, free, offload=False)
    return (
        f"The model takes {fit.need(config, bits, context)}, and {free / GIB:.1f} GiB are free ({where}):"
        f" {'; or '.join(ways)}."
    )


def _check_quantised(model: Any, bits: Bits) -> None:
    """Raise ModelUnavailable unless just the language model's matrices are quantised."""
    if bits == 16:
        return
    for name, module in model.named_modules():
        small = type(module).__name__ in ("Linear4bit", "Linear8bitLt")
        spared = any(part in name for part in ("vision_tower", "multi_modal_projector", "lm_head"))
        if small == spared and (small or type(module).__name__ == "Linear"):
            raise ModelUnavailable(
                f"{name} is {'' if small else 'not '}quantised, as it should {'not ' if small else ''}be:"
                " this version of transformers or bitsandbytes names modules in another way; install the one"
                " in constraints.txt."
            )


def _check_images(processor: Any, config: dict[str, Any], path: Path) -> None:
    """Raise ModelUnavailable where images would be cut to another size than the model sees."""
    wanted = config["vision_config"]["image_size"], config.get("mm_tokens_per_image", 256)
    images = processor.image_processor
    found = images.size.get("height"), processor.image_seq_length
    where = path / "preprocessor_config.json"
    if found != wanted:
        raise ModelUnavailable(
            f"{where} gives images of {found[0]} pixels and {found[1]} tokens, and config.json {wanted[0]}"
            f" and {wanted[1]}: fetch the model again."
        )
    if getattr(images, "do_pan_and_scan", None):
        raise ModelUnavailable(
            f"{where} switches pan-and-scan on, for which there is no room: set it to false."
        )


def _check_template(owner: Any, path: Path) -> None:
    """Raise ModelUnavailable where the chat template is not Gemma's, whose turns are written here."""
    template = str(owner.chat_template or "")
    if "<start_of_turn>" not in template or "<end_of_turn>" not in template:
        raise ModelUnavailable(
            f"{path / 'chat_template.jinja'} is missing or not Gemma's: this checkpoint is no"
            " instruction-tuned Gemma 3 (take one whose name ends in -it)."
        )
