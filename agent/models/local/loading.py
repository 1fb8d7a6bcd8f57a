"""Weights into memory: quantised where that is right, on the GPU if there is one."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from agent.errors import ModelUnavailable
from agent.messages import ModelIdentity
from agent.models.local import fit
from agent.models.local.assumptions import (
    Ids,
    check_complete,
    check_images,
    check_quantised,
    check_template,
    control_ids,
)
from agent.models.local.checkpoints import Checkpoint
from agent.models.local.fit import GIB, Bits

# Names are matched at the start or as a suffix: "vision_tower" alone would leave the tower quantised, and a
# list replaces the defaults, of which the head is one.
_WHOLE = ["model.vision_tower", "model.multi_modal_projector", "lm_head"]
_log = logging.getLogger(__name__)


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
    """The model. `offload`: what does not fit on the GPU lies in main memory.

    A checkpoint that is quantised on disk keeps its bits, and one that reads less than `context` its length.

    Raises ModelUnavailable where it does not fit, or is not what it should be; the message names the file.
    """
    # Read when the hub's library is imported: nothing is fetched.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    config, path = checkpoint.config, checkpoint.path
    try:
        bits = fit.bits_of(config, bits)
        context = min(context, fit.longest(config))
        needed = fit.need(config, bits, context)
    except ValueError as error:
        raise ModelUnavailable(f"{path}: {error}. MedGemma and other Gemma 3 can be used.") from None
    where = placed(config, needed, context, offload=offload)
    sees = bool(config.get("vision_config"))
    try:
        model, told = _model(str(path), sees, where, _quantised(config, bits, offload="max_memory" in where))
        processor: Any = _processor(str(path)) if sees else Blind()
        tokenizer = processor.tokenizer if sees else _tokenizer(str(path))
    except torch.OutOfMemoryError:
        raise ModelUnavailable(_no_room(config, needed, context)) from None
    except ImportError as error:
        raise ModelUnavailable(
            f"Of the extra `local` something is missing ({error}): pip install 'ehr-navigator[local]'."
        ) from None
    except Exception as error:  # of a damaged file, each library raises what it likes
        said = str(error).strip().partition("\n")[0][:300]
        raise ModelUnavailable(f"{path} cannot be loaded ({said}): fetch it again.") from error
    check_complete(told["missing_keys"], path)
    if bits != 16:
        check_quantised(model, path)
    ids = control_ids(tokenizer, config, path)
    if sees:
        check_images(processor, config, path)
    check_template(processor if sees else tokenizer, path)
    identity = ModelIdentity(
        name=checkpoint.name,
        revision=checkpoint.revision,
        quantisation=fit.QUANTISATION[bits],
        digest=checkpoint.digest,
    )
    return Loaded(model, processor, tokenizer, identity, ids, context)


def free_bytes() -> tuple[int, str]:
    """Memory that is free for a model, and where: of the first GPU, or of this machine."""
    if torch.cuda.is_available():
        return int(torch.cuda.mem_get_info(0)[0]), torch.cuda.get_device_name(0)
    return _main_memory(), f"main memory; {_no_gpu()}"


def peak_bytes() -> int:
    """The most memory that was taken at once since the process began: of the GPU, or of the process."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def placed(config: Mapping[str, Any], needed: fit.Need, context: int, *, offload: bool) -> dict[str, Any]:
    """Where the weights go, in transformers' words. Raises ModelUnavailable where there is no room."""
    free, _ = free_bytes()
    gpu = torch.cuda.is_available()
    if needed.total <= free:
        if not gpu:
            _log.warning("%s: the model runs on the processor, which is slow.", _no_gpu())
        return {"device_map": {"": 0 if gpu else "cpu"}}
    at_work = needed.cache + needed.activations
    main = _main_memory()
    if not (gpu and offload) or at_work > free or needed.beside(free) > main:
        raise ModelUnavailable(_no_room(config, needed, context))
    # Without a bound the weights would fill the GPU, and the first question would find no room.
    return {"device_map": "auto", "max_memory": {0: free - at_work, "cpu": main}}


def _no_gpu() -> str:
    """Why there is none."""
    if torch.version.cuda is None:
        return "no GPU is used: this build of torch has no CUDA"
    if Path("/proc/driver/nvidia/version").exists():
        return f"no GPU is used: its driver is too old for CUDA {torch.version.cuda}, or it is hidden"
    return "no GPU is at hand"


def _main_memory() -> int:
    free = Path("/proc/meminfo")
    if free.exists():
        lines = dict(line.split(":") for line in free.read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _no_room(config: Mapping[str, Any], needed: fit.Need, context: int) -> str:
    free, where = free_bytes()
    ways = fit.advice(config, needed.bits, context, free) or ["end other programs on the device"]
    return f"The model takes {needed}, and {free / GIB:.1f} GiB are free ({where}): {'; or '.join(ways)}."


def _model(path: str, sees: bool, where: dict[str, Any], quantised: Any) -> tuple[Any, dict[str, Any]]:
    """The model, and what transformers tells of its loading."""
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText
    from transformers.utils import logging as progress

    progress.disable_progress_bar()
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it recommends kernels, from the internet
    kind = AutoModelForImageTextToText if sees else AutoModelForCausalLM
    model, told = kind.from_pretrained(
        path,
        config=AutoConfig.from_pretrained(path, local_files_only=True),
        dtype=torch.bfloat16,  # float16 gives empty output or no numbers (transformers #36822)
        quantization_config=quantised,
        local_files_only=True,
        use_safetensors=True,  # a pickle could run what it likes
        output_loading_info=True,
        **where,
    )
    return model.eval(), told


def _processor(path: str) -> Any:
    from transformers import AutoProcessor

    return AutoProcessor.from_pretrained(path, local_files_only=True)


def _tokenizer(path: str) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(path, local_files_only=True)


def _quantised(config: dict[str, Any], bits: Bits, *, offload: bool) -> Any:
    """How transformers shall quantise. With `offload` it leaves whole what is put in main memory."""
    from transformers import BitsAndBytesConfig

    if bits == 16 or config.get("quantization_config"):
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
