"""What a step of a local model costs: memory, reading, writing, the grammar, what is kept between steps.

The weights are random, at the shapes of a real model: what they say is noise, what they take is not. The
tokenizer is one like Gemma's, filled up to its size. Figures of one run belong to one machine; the goals are
ratios within the run (issue 7).
"""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.app import Conversation, open_navigator
from agent.config import load
from agent.messages import Message, NoticeMessage, QuestionMessage, ResultsMessage, ToolResult, Turn
from fhir_fixtures.charts import patients

SHAPES: dict[str, dict[str, Any]] = {
    # A model that a CPU computes in seconds, with the layers' pattern and the vocabulary of the real ones.
    "small": {
        "hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 12, "num_attention_heads": 4,
        "num_key_value_heads": 2, "head_dim": 64,
    },
    "4b": {
        "hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34, "num_attention_heads": 8,
        "num_key_value_heads": 4, "head_dim": 256,
    },
    "27b": {
        "hidden_size": 5376, "intermediate_size": 21504, "num_hidden_layers": 62, "num_attention_heads": 32,
        "num_key_value_heads": 16, "head_dim": 128,
    },
}  # fmt: skip
ROWS = 262_208
TOKENS = 262_145
WINDOW = 1024
HOPS = 5
SESSIONS = 3
MASKS, HOP, BOUND = 0.10, 1.2, 0.60
"""The goals: at most this share of a step's time for the grammar, at most this ratio of hop 5 to hop 1 for
equal new tokens, at least this share of what memory's bandwidth allows."""
_RESULT = "Observation/{n} | Potassium | 2025-{n:02d}-11T08:20+02:00 | 4.{n} mmol/L | range: 3.5-5.1 mmol/L\n"


def measure(shape: str) -> Iterator[str]:
    """The report line by line, each goal with PASS or FAIL."""
    import torch
    from transformers.utils import logging

    from agent.models.local.fit import GIB, need
    from agent.models.local.loading import free_bytes, peak_bytes

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    _, where = free_bytes()
    yield f"A Gemma 3 with random weights at the shape {shape}, NF4, {ROWS:,} rows of logits; {where}."
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        loaded, config = random_model(shape, device, Path(folder))
        yield f"tokenizer and weights made, quantised: {time.perf_counter() - started:.1f} s"
        steps = asyncio.run(_steps(loaded))
    weights = sum(one.numel() * one.element_size() for one in loaded.model.parameters())
    yield f"weights in memory: {weights / GIB:.2f} GiB; reckoned before (fit.py): {need(config, 4, 32_768)}"
    yield f"memory at its peak: {peak_bytes() / GIB:.2f} GiB"
    yield from report(steps, _bandwidth(device), _read_a_token(loaded.model), on_gpu=device == "cuda")


@dataclass(frozen=True)
class Step:
    """One step: of which session, which hop, and its figures (agent.models.local.generation.Figures)."""

    session: int
    hop: int
    figures: Any

    @property
    def new(self) -> int:
        """Tokens that had to be read."""
        return int(self.figures.prompt - self.figures.cached)


def report(steps: list[Step], bandwidth: float, bytes_a_token: int, *, on_gpu: bool) -> Iterator[str]:
    """What the steps of all sessions came to. `bandwidth` is in bytes a second."""
    heads = ("new tokens", "first token", "a new token", "written", "tokens/s", "grammar")
    yield f"{'':<20}" + "".join(f"{head:>13}" for head in heads)
    for one in steps:
        figures = one.figures
        cells = (
            f"{one.new}",
            f"{figures.first_token:.2f} s",
            f"{1000 * figures.first_token / one.new:.2f} ms",
            f"{figures.written}",
            f"{figures.tokens_per_second:.1f}",
            f"{figures.masks / (figures.first_token + figures.writing):.1%}",
        )
        yield f"session {one.session}, hop {one.hop:<5}" + "".join(f"{cell:>13}" for cell in cells)
    every = [one.figures for one in steps]
    masks = sum(one.masks for one in every) / sum(one.first_token + one.writing for one in every)
    yield _verdict(
        f"the grammar's share of a step's time, at most {MASKS:.0%}", masks, masks <= MASKS, "{:.1%}"
    )
    a_token = [
        statistics.median(one.figures.first_token / one.new for one in steps if one.hop == hop)
        for hop in (1, HOPS)
    ]
    ratio = a_token[1] / a_token[0]
    yield _verdict(f"hop {HOPS} over hop 1, a new token, at most {HOP}", ratio, ratio <= HOP, "{:.2f}")
    first, second = (next(one for one in steps if (one.session, one.hop) == (n, 0)) for n in (1, 2))
    shared = second.figures.cached
    yield _verdict(
        f"of {first.new} tokens of the instructions and question, read again in session 2",
        second.new,
        shared > 0,
        "{}",
    )
    forced = sum(one.forced for one in every) / sum(one.written for one in every)
    yield f"      tokens that needed no forward pass: {forced:.1%}"
    rate = statistics.median(one.tokens_per_second for one in every)
    bound = bandwidth / bytes_a_token
    share = rate / bound
    said = f"tokens a second over what bandwidth allows ({rate:.1f} of {bound:.1f}), at least {BOUND:.0%}"
    yield (
        _verdict(said, share, share >= BOUND, "{:.1%}")
        if on_gpu
        else f"      {said}: {share:.1%}, a goal for GPUs"
    )


def _verdict(what: str, value: float, good: bool, form: str) -> str:
    return f"{'PASS' if good else 'FAIL'}  {what}: {form.format(value)}"


async def _steps(loaded: Any) -> list[Step]:
    """Sessions of six steps each."""
    from agent.models.local.generation import Chooser, Figures
    from agent.models.local.model import LocalModel

    figures: list[Figures] = []
    model = LocalModel(
        loaded, thinking_tokens=0, max_tokens=2_048, seconds=600, kept=8 * 2**30,
        on_generated=figures.append, chooser=Chooser(temperature=1.0, seed=7),
    )  # fmt: skip
    steps: list[Step] = []
    async with _sample() as conversation:
        for session in range(1, SESSIONS + 1):
            begun = conversation.session.messages[0]
            messages: list[Message] = [
                begun.model_copy(),
                QuestionMessage(text="What was the last potassium?"),
            ]
            for hop in range(HOPS + 1):
                turn = await model.next_step(messages, conversation.toolbox.schema, [])
                steps.append(Step(session, hop, figures[-1]))
                messages = [*messages, *_after(turn)]
    return steps


def _after(turn: Turn) -> list[Message]:
    """What the loop would say next: the step, and always as many words of a result."""
    from agent.messages import StepMessage

    text = "".join(_RESULT.format(n=number % 9 + 1) for number in range(24))
    result = ToolResult(tool="observations", arguments={"name": "potassium"}, text=text)
    return [StepMessage(step=turn.step), ResultsMessage(results=(result,)), NoticeMessage(text="Go on.")]


@asynccontextmanager
async def _sample() -> AsyncIterator[Conversation]:
    with tempfile.TemporaryDirectory() as folder:
        settings, _ = load({"data_dir": folder, "model": "offline", "now": "2026-11-01"})
        async with (
            open_navigator(settings) as navigator,
            navigator.conversation(patient=str(patients()[0].id)) as conversation,
        ):
            yield conversation


def random_model(shape: str, device: str, folder: Path) -> tuple[Any, dict[str, Any]]:
    """A model of that shape with random weights in NF4, ready to read, and its configuration.

    Each matrix is quantised as soon as it is made: a 27B model is never whole in sixteen bits.
    """
    import torch
    from accelerate import init_empty_weights
    from bitsandbytes.nn import Linear4bit, Params4bit
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration
    from transformers.integrations.bitsandbytes import replace_with_bnb_linear

    from agent.messages import ModelIdentity
    from agent.models.local.assumptions import control_ids
    from agent.models.local.loading import Loaded, _quantised
    from tests.agent.models.local import tiny

    tokenizer = _filled(tiny.trained_tokenizer())
    config = Gemma3Config(
        text_config={
            **SHAPES[shape], "vocab_size": ROWS, "sliding_window": WINDOW, "max_position_embeddings": 131_072,
            "layer_types": [_layer(n) for n in range(SHAPES[shape]["num_hidden_layers"])],
        },
        vision_config={"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1,
                       "num_attention_heads": 2, "image_size": tiny.IMAGE_SIDE, "patch_size": 8},
        mm_tokens_per_image=tiny.IMAGE_TOKENS,
    )  # fmt: skip
    quantisation = _quantised({}, 4, offload=False)
    with init_empty_weights():
        model = Gemma3ForConditionalGeneration(config).to(torch.bfloat16)
        model = replace_with_bnb_linear(
            model, modules_to_not_convert=quantisation.llm_int8_skip_modules, quantization_config=quantisation
        )
    torch.manual_seed(7)
    for module in model.modules():
        if isinstance(module, Linear4bit):
            made = _random(module.weight, device)
            module.weight = Params4bit(
                made, requires_grad=False, quant_type="nf4", compress_statistics=True
            ).to(device)
            continue
        for name, weight in list(module.named_parameters(recurse=False)):
            setattr(module, name, torch.nn.Parameter(_random(weight, device), requires_grad=False))
        for name, buffer in list(module.named_buffers(recurse=False)):
            if buffer.is_meta:
                setattr(module, name, torch.zeros(buffer.shape, dtype=buffer.dtype, device=device))
    model.tie_weights()
    told = {"model_type": "gemma3", **json.loads(config.to_json_string())}
    ids = control_ids(tokenizer, {"vocab_size": ROWS}, folder)
    identity = ModelIdentity(name=f"random {shape}", quantisation="nf4")
    return Loaded(model.eval(), tiny.processor(tokenizer), tokenizer, identity, ids, 32_768), told


def _layer(number: int) -> str:
    return "full_attention" if number % 6 == 5 else "sliding_attention"


def _random(like: Any, device: str) -> Any:
    import torch

    return torch.randn(like.shape, dtype=torch.bfloat16, device=device) * 0.02


def _filled(tokenizer: Any) -> Any:
    """The tokenizer with words of noise up to Gemma's number of tokens."""
    from tokenizers import Tokenizer

    told = json.loads(tokenizer.backend_tokenizer.to_str())
    vocabulary = told["model"]["vocab"]
    number = 0
    taken = set(vocabulary.values()) | {one["id"] for one in told["added_tokens"]}
    following = max(taken) + 1
    while following < TOKENS:
        vocabulary.setdefault(f"▁w{number:x}", following)
        number += 1
        following = max(following, vocabulary[f"▁w{number - 1:x}"] + 1)
    tokenizer._tokenizer = Tokenizer.from_str(json.dumps(told))
    return tokenizer


def _read_a_token(model: Any) -> int:
    """Bytes of weights that must be read to write a token: all but the embeddings and the vision tower."""
    seen: dict[int, int] = {}
    for name, weight in model.named_parameters():
        if "vision_tower" not in name and "multi_modal" not in name and "embed_tokens" not in name:
            seen[weight.data_ptr()] = weight.numel() * weight.element_size()
    head = model.get_output_embeddings().weight
    seen[head.data_ptr()] = head.numel() * head.element_size()
    return sum(seen.values())


def _bandwidth(device: str) -> float:
    """Bytes a second that this device reads: a sum over a gibibyte, the best of seven."""
    import torch

    held = torch.ones(2**28, dtype=torch.float32, device=device)
    taken = []
    for _ in range(7):
        started = time.perf_counter()
        held.sum().item()
        taken.append(time.perf_counter() - started)
    return float(held.numel() * 4 / min(taken))
