"""A tiny Gemma 3 with random weights, as a checkpoint folder: a stand-in with the real classes and files.

It has what the real one has, in small: five layers with a sliding window to one without, a vision tower, more
rows of logits than its tokenizer has tokens, byte tokens, turns and thinking marks. What it says is noise.
"""

import fcntl
import functools
import io
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.messages import (
    Image,
    Message,
    QuestionMessage,
    ResultsMessage,
    Step,
    StepMessage,
    SystemMessage,
    ToolResult,
)

SYSTEM = SystemMessage(
    text="You answer from the chart.\n\nTools:\n- list_records\n- observations\n\n"
    "Patient: Patient/1\nNow: 2026-01-02",
    patient="Patient/1",
    now="2026-01-02T10:00:00+00:00",
)
QUESTION = QuestionMessage(text="What was the last HbA1c?")
WINDOW = 48
"""Tokens that the sliding layers see."""
IMAGE_TOKENS = 4
IMAGE_SIDE = 32
"""Pixels of the square that the vision tower sees."""
VOCABULARY = 1536
"""Rows of the logits; the tokenizer has fewer tokens."""
MARKS = [
    "<pad>",
    "<eos>",
    "<bos>",
    "<unk>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<start_of_image>",
    "<end_of_image>",
]
THINKING = ["<unused94>", "<unused95>"]
PLAIN = ["\n", "\n\n", "\n\n\n", "▁▁", "▁▁▁", "<table>", "<td>"]
IMAGE = "<image_soft_token>"
TEMPLATE = """{{ bos_token }}
{%- set opening = "" -%}
{%- if messages[0].role == "system" -%}
{%- set opening = messages[0].content ~ "\n\n" -%}{%- set messages = messages[1:] -%}
{%- endif -%}
{%- for message in messages -%}
{%- if (message.role == "user") != (loop.index0 % 2 == 0) -%}
{{ raise_exception("roles must alternate") }}
{%- endif -%}
{{ "<start_of_turn>" ~ ("model" if message.role == "assistant" else message.role) ~ "\n" }}
{%- if loop.first -%}{{ opening }}{%- endif -%}
{%- if message.content is string -%}{{ message.content | trim }}
{%- else -%}{%- for part in message.content -%}
{%- if part.type == "image" -%}<start_of_image>{%- else -%}{{ part.text | trim }}{%- endif -%}
{%- endfor -%}{%- endif -%}
{{ "<end_of_turn>\n" }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ "<start_of_turn>model\n" }}{%- endif -%}
"""


def checkpoint(thinking: bool = True) -> Path:
    """The folder of the checkpoint, made once for all that run side by side."""
    folder = Path(tempfile.gettempdir()) / f"tiny-gemma-{'thinking' if thinking else 'plain'}-7"
    folder.mkdir(exist_ok=True)
    with (folder / "turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            make(folder, thinking)
            (folder / "made").touch()
    return folder


@functools.cache
def loaded(bits: Any = 4, context: int = 8192, *, thinking: bool = True) -> Any:
    """The tiny model as the product loads it; with 32 bits in float32, where sums hardly depend on order."""
    import torch

    from agent.models.local.checkpoints import Checkpoint
    from agent.models.local.loading import load

    torch.set_num_threads(1)  # it is too small for several, and the tests run side by side
    one = Checkpoint(name="tiny", revision="1", path=checkpoint(thinking), files={})
    ready = load(one, 16 if bits == 32 else bits, context)
    return replace(ready, model=ready.model.float()) if bits == 32 else ready


def picture(seed: int = 1) -> Image:
    """A PNG of noise."""
    import numpy
    from PIL import Image as Pillow

    pixels = numpy.random.default_rng(seed).integers(0, 256, (40, 50, 3), dtype=numpy.uint8)
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "PNG")
    return Image(media_type="image/png", data=file.getvalue())


def results(step: Step, rows: str = "Observation/1 HbA1c 6.1 % 2025-11-02") -> list[Message]:
    """What the loop adds to the conversation after a step."""
    brought = tuple(ToolResult(tool=one.tool, arguments=one.arguments, text=rows) for one in step.actions)
    return [StepMessage(step=step), ResultsMessage(results=brought)]


def make(folder: Path, thinking: bool = True, vocabulary: int = VOCABULARY, **shape: Any) -> None:
    """Write weights, configuration, tokenizer and processor into the folder."""
    import torch
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration, GenerationConfig

    tokenizer = trained_tokenizer(thinking)
    ids = tokenizer.convert_tokens_to_ids
    layers = ["sliding_attention"] * 5 + ["full_attention"]
    text = {
        "vocab_size": vocabulary,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": len(layers),
        "layer_types": layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "sliding_window": WINDOW,
        "max_position_embeddings": 32_768,
        "query_pre_attn_scalar": 16,
        "initializer_range": 0.1,
        **shape,
    }
    vision = {
        "hidden_size": 64,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": IMAGE_SIDE,
        "patch_size": 8,
    }
    config = Gemma3Config(
        text_config=text,
        vision_config=vision,
        mm_tokens_per_image=IMAGE_TOKENS,
        boi_token_index=ids("<start_of_image>"),
        eoi_token_index=ids("<end_of_image>"),
        image_token_index=ids(IMAGE),
        eos_token_id=[ids("<eos>"), ids("<end_of_turn>")],
        bos_token_id=ids("<bos>"),
        pad_token_id=ids("<pad>"),
    )
    torch.manual_seed(7)
    model = Gemma3ForConditionalGeneration(config).to(torch.bfloat16)
    torch.nn.init.normal_(model.model.multi_modal_projector.mm_input_projection_weight, std=0.5)
    model.generation_config = GenerationConfig(
        bos_token_id=ids("<bos>"),
        eos_token_id=[ids("<eos>"), ids("<end_of_turn>")],
        pad_token_id=ids("<pad>"),
    )
    model.save_pretrained(folder)
    processor(tokenizer).save_pretrained(folder)


def make_text_only(folder: Path) -> None:
    """Write a checkpoint that sees nothing: another class, and no row for the image token, the last one."""
    import torch
    from transformers import AutoConfig, Gemma3ForCausalLM

    tokenizer = trained_tokenizer()
    tokenizer.chat_template = TEMPLATE
    shape = AutoConfig.from_pretrained(checkpoint()).text_config
    shape.vocab_size = len(tokenizer) - 1
    torch.manual_seed(7)
    Gemma3ForCausalLM(shape).to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def processor(tokenizer: Any) -> Any:
    """Gemma's processor of text and images, for images of IMAGE_SIDE pixels."""
    from transformers import Gemma3ImageProcessor, Gemma3Processor

    images = Gemma3ImageProcessor(
        size={"height": IMAGE_SIDE, "width": IMAGE_SIDE}, image_seq_length=IMAGE_TOKENS
    )
    return Gemma3Processor(images, tokenizer, chat_template=TEMPLATE, image_seq_length=IMAGE_TOKENS)


def trained_tokenizer(thinking: bool = True) -> Any:
    """A tokenizer built like Gemma's (byte-pair encoding of the whole text, spaces as `▁`, byte tokens)."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, trainers
    from transformers import GemmaTokenizerFast

    prose = Path(__file__).parents[4] / "docs"
    texts = [*(path.read_text(encoding="utf-8") for path in sorted(prose.glob("a*.md"))), *_steps()]
    learner = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    learner.normalizer = normalizers.Replace(" ", "▁")
    trainer = trainers.BpeTrainer(
        vocab_size=1100,
        special_tokens=[*MARKS, "<mask>"],
        initial_alphabet=[chr(n) for n in range(32, 127)],
        max_token_length=12,
    )
    learner.train_from_iterator((line for text in texts for line in text.splitlines()), trainer)
    learned = json.loads(learner.to_str())["model"]
    vocabulary = learned["vocab"]
    for piece in [*PLAIN, "\t", *(f"<0x{byte:02X}>" for byte in range(256))]:
        vocabulary.setdefault(piece, len(vocabulary))
    merges = [tuple(pair) for pair in learned["merges"]]
    whole = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    whole.normalizer = normalizers.Replace(" ", "▁")
    whole.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    whole.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in MARKS])
    # In the real tokenizer these are added tokens too, and no special ones.
    plain = [*PLAIN, *(THINKING if thinking else [])]
    whole.add_tokens([AddedToken(piece, special=False, normalized=False) for piece in plain])
    whole.add_special_tokens([AddedToken(IMAGE, special=True, normalized=False)])  # the last one there too
    return GemmaTokenizerFast(
        tokenizer_object=whole,
        bos_token="<bos>",
        eos_token="<eos>",
        pad_token="<pad>",
        unk_token="<unk>",
        add_bos_token=True,
        extra_special_tokens={
            "image_token": IMAGE,
            "boi_token": "<start_of_image>",
            "eoi_token": "<end_of_image>",
        },
    )


def _steps() -> list[str]:
    """Steps such as the planner's, so that their pieces are tokens."""
    kinds = ["problems", "medications", "allergies", "encounters", "reports"]
    calls = [{"tool": "list_records", "arguments": {"kind": kind}} for kind in kinds] * 20
    answer = {"text": "Potassium was 4.1 mmol/L", "citations": ["Observation/12"], "status": "answered"}
    calls += [{"tool": "answer", "arguments": answer}] * 20
    return [json.dumps({"thought": "", "actions": [call]}, separators=(",", ":")) for call in calls]
