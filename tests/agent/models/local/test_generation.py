"""Reading in parts, from a cache or at once comes to the same; writing keeps to its bounds."""

import itertools
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import ContextExceeded, ModelFailed
from agent.models.local import keeping
from agent.models.local.generation import (
    Bounds,
    Chooser,
    Figures,
    Reader,
    Stopped,
    goes_in_circles,
    is_out_of_memory,
    write,
)
from agent.models.local.grammar import Grammars
from agent.models.local.keeping import Conversation, Kept
from agent.models.local.model import pixels
from agent.models.reply import read_step
from tests.agent.models.local import tiny
from tests.agent.models.step_schema import STEP_SCHEMA

pytestmark = pytest.mark.local

CLOSE = 2e-4
"""Logits of some tens, in float32: what the order of sums changes, and no more."""
AMPLE = Bounds(tokens=5000, seconds=600, context=8192)


def text(tokens: int) -> list[int]:
    return [20 + (7 * n * n + n) % 900 for n in range(tokens)]


def image() -> list[int]:
    ids = tiny.loaded(32).ids
    return [ids.image_open, *[ids.image] * tiny.IMAGE_TOKENS, ids.image_close]


def conversation(ids: Sequence[int], pictures: int = 0) -> Conversation:
    loaded = tiny.loaded(32)
    seen = pixels(loaded, [tiny.picture(n) for n in range(pictures)]) if pictures else []
    return Conversation(ids=list(ids), pixels=seen, cache=keeping.empty(loaded.model.config))


def reader(chunk: int = 10_000) -> Reader:
    return Reader(tiny.loaded(32).model, tiny.loaded(32).ids.image, chunk)


def at_once(ids: Sequence[int], pictures: int = 0) -> Any:
    """The logits after the last id, read by the model itself in one pass without a cache."""
    loaded = tiny.loaded(32)
    given: dict[str, Any] = {"input_ids": torch.tensor([list(ids)])}
    if pictures:
        given["pixel_values"] = torch.stack(conversation(ids, pictures).pixels)
        given["token_type_ids"] = (given["input_ids"] == loaded.ids.image).long()
    with torch.inference_mode():
        return loaded.model(**given, use_cache=False).logits[0, -1]


def nobody() -> None:
    """Nobody stops the reading."""


@settings(max_examples=20)
@given(st.integers(1, 5 * tiny.WINDOW), st.integers(1, 2 * tiny.WINDOW))
def test_a_text_read_in_chunks_is_the_text_read_at_once(tokens: int, chunk: int) -> None:
    told = conversation(text(tokens))
    assert torch.allclose(reader(chunk).read(told, nobody), at_once(told.ids), atol=CLOSE)
    assert told.cached == tokens


@settings(max_examples=20)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=3), st.integers(1, 70), st.data())
def test_images_read_in_chunks_over_hops_are_the_images_read_at_once(
    gaps: list[int], chunk: int, data: st.DataObject
) -> None:
    ids = list(itertools.chain.from_iterable([*text(gap), *image()] for gap in gaps)) + text(60)
    told = conversation(ids, len(gaps))
    soft = tiny.loaded(32).ids.image
    stops = [n for n in range(1, len(ids)) if not ids[n - 1] == ids[n] == soft]
    for stop in sorted(data.draw(st.lists(st.sampled_from(stops), max_size=3))):
        reader(chunk).read(told, nobody, stop)
    assert torch.allclose(reader(chunk).read(told, nobody), at_once(ids, len(gaps)), atol=CLOSE)


def test_an_image_at_the_beginning_still_counts_far_past_the_window() -> None:
    ids = [*text(3), *image(), *text(4 * tiny.WINDOW)]
    seen, other = conversation(ids, 1), conversation(ids, 1)
    other.pixels = pixels(tiny.loaded(32), [tiny.picture(9)])
    assert not torch.allclose(reader(50).read(seen, nobody), reader(50).read(other, nobody), atol=CLOSE)


def test_no_chunk_splits_an_image_and_none_is_longer_than_need_be() -> None:
    ids, read = [*text(5), *image(), *text(3)], list[int]()
    for chunk in range(1, len(ids) + 1):
        told, lengths = conversation(ids, 1), list[int]()
        reader(chunk).read(told, lambda told=told, lengths=lengths: lengths.append(told.cached))  # type: ignore[misc]
        soft = tiny.loaded(32).ids.image
        assert not [at for at in lengths if at and ids[at] == ids[at - 1] == soft]
        read.append(max(np.diff([*lengths, len(ids)])))
    assert all(longest <= max(chunk, tiny.IMAGE_TOKENS) for chunk, longest in enumerate(read, 1))


@pytest.fixture(scope="module")
def grammars() -> Grammars:
    return Grammars(tiny.loaded(32))


class Counting:
    """The model, counting its forward passes; `on_pass` is called before each."""

    def __init__(self, on_pass: Any = lambda _: None, model: Any = None) -> None:
        self._model = model or tiny.loaded(32).model
        self._on_pass = on_pass
        self.device, self.dtype, self.passes = self._model.device, self._model.dtype, 0

    def __call__(self, **given: Any) -> Any:
        self._on_pass(self.passes)
        self.passes += 1
        return self._model(**given)


def written(
    told: Conversation, grammars: Grammars, *, model: Any = None, thinking: int = 0, **given: Any
) -> tuple[Figures, str]:
    """What the model writes after a conversation."""
    json: list[int] = []
    figures = write(
        replace(reader(), model=model or tiny.loaded(32).model),
        told,
        given.pop("writing", None) or grammars.step(STEP_SCHEMA, thinking),
        **{
            "chooser": Chooser(1.0, 3),
            "bounds": AMPLE,
            "stop": threading.Event(),
            "kept": Kept(10**9),
            "on_json": json.extend,
            "closing": tiny.loaded(32).ids.thinking_close if thinking else None,
            **given,
        },
    )
    return figures, grammars.text(json).decode()


def test_hops_from_the_cache_write_what_a_full_reading_writes_far_past_the_window(grammars: Grammars) -> None:
    """Greedy within the grammar; the cache and the full reading agree token by token over five hops."""
    told = conversation([*text(9), *image(), *text(20)], 1)
    for hop in range(5):
        anew = conversation(told.ids, 1)
        first, step = written(told, grammars, chooser=Chooser(), writing=short(grammars, hop))
        again, same = written(anew, grammars, chooser=Chooser(), writing=short(grammars, hop))
        assert (told.ids, step) == (anew.ids, same)
        assert again.cached == 0
        assert first.cached > again.prompt - tiny.WINDOW if hop else first.cached == 0
        told.ids += text(30 + hop)
    assert len(told.ids) > 5 * tiny.WINDOW
    assert torch.allclose(reader().read(told, nobody), at_once(told.ids, 1), atol=CLOSE)


def short(grammars: Grammars, seed: int) -> Any:
    """A grammar that holds a greedy random model to a short step."""
    return grammars.step(
        {
            "type": "object",
            "properties": {
                "thought": {"type": "string", "minLength": 10 + seed, "maxLength": 40},
                "kind": {"enum": ["problems", "medications", "allergies"]},
            },
            "required": ["thought", "kind"],
            "additionalProperties": False,
        },
        0,
    )


def test_tokens_that_must_follow_cost_no_pass_each(grammars: Grammars) -> None:
    model, told = Counting(), conversation(text(30))
    figures, step = written(told, grammars, model=model)
    assert figures.forced > 5
    assert model.passes == figures.written - figures.forced
    assert step.startswith('{"thought":"')
    assert figures.prompt + figures.written == len(told.ids)


def test_the_last_tokens_are_read_with_what_comes_next(grammars: Grammars) -> None:
    told = conversation(text(30))
    figures, _ = written(told, grammars)
    left = len(told.ids) - told.cached
    assert left > 0
    told.ids += text(5)
    lengths: list[int] = []
    reader().read(told, lambda: lengths.append(len(told.ids) - told.cached))
    assert lengths == [left + 5]
    assert figures.cached == 0


def test_what_is_shared_is_read_first_and_kept_for_the_next_session(grammars: Grammars) -> None:
    kept, model = Kept(10**9), Counting()
    first = replace(conversation(text(200)), shared=150)
    figures, step = written(first, grammars, model=model, kept=kept)
    second = replace(conversation(text(200)), shared=150, cache=kept.beginning(text(150)))
    again, same = written(second, grammars, model=model, kept=kept)
    assert (figures.cached, again.cached) == (0, 150)
    assert step == same


def test_thinking_is_counted_and_kept_out_of_the_step(grammars: Grammars) -> None:
    told = conversation(text(30))
    figures, step = written(told, grammars, thinking=12)
    closing = tiny.loaded(32).ids.thinking_close
    assert told.ids[30 + figures.thinking - 1] == closing
    assert step.startswith('{"thought":"')
    assert "thought\n" not in step


def test_a_conversation_never_grows_beyond_its_context(grammars: Grammars) -> None:
    with pytest.raises(ContextExceeded, match=r"reads 40 \(local_context\)"):
        written(conversation(text(30)), grammars, bounds=replace(AMPLE, context=40))


@pytest.mark.parametrize(("thinking", "where"), [(0, "within its step"), (200, "within its thinking")])
def test_a_step_that_takes_too_many_tokens_is_stopped(grammars: Grammars, thinking: int, where: str) -> None:
    told = conversation(text(30))
    with pytest.raises(ModelFailed, match=f"more than 20 tokens, {where}"):
        written(told, grammars, thinking=thinking, bounds=replace(AMPLE, tokens=20))
    assert len(told.ids) < 30 + 20 + 20


def test_a_step_that_takes_too_long_is_stopped_before_the_next_chunk(grammars: Grammars) -> None:
    model = Counting()
    with pytest.raises(ModelFailed, match="longer than 0 s"):
        written(conversation(text(30)), grammars, model=model, bounds=replace(AMPLE, seconds=0))
    assert model.passes == 0


@pytest.mark.parametrize("at", [0, 1, 7])
def test_stopped_it_computes_no_further_token(grammars: Grammars, at: int) -> None:
    stop = threading.Event()
    model = Counting(lambda passes: stop.set() if passes == at else None)
    with pytest.raises(Stopped):
        written(conversation(text(30)), grammars, model=model, stop=stop)
    assert model.passes == at + 1


def test_stopped_while_it_reads_a_long_text_it_reads_no_further_chunk() -> None:
    told, chunks = conversation(text(100)), list[int]()

    def third() -> None:
        chunks.append(told.cached)
        if len(chunks) == 3:
            raise Stopped

    with pytest.raises(Stopped):
        reader(10).read(told, third)
    assert told.cached == 20


class Stubborn(Chooser):
    """Always says the first thing that it may."""

    def choose(self, logits: Any, allowed: Any) -> int:
        return int(np.flatnonzero(allowed)[0])


@pytest.mark.parametrize("thinking", [0, 1000])
def test_a_model_that_repeats_itself_is_stopped(grammars: Grammars, thinking: int) -> None:
    with pytest.raises(ModelFailed, match=r"repeated itself; it was stopped after \d{2,3} tokens"):
        written(conversation(text(30)), grammars, chooser=Stubborn(), thinking=thinking)


def test_a_thought_that_goes_in_circles_is_ended_and_the_step_written(grammars: Grammars) -> None:
    closing = tiny.loaded(32).ids.thinking_close

    class Brooding(Stubborn):
        def choose(self, logits: Any, allowed: Any) -> int:
            brooding = allowed[closing] and allowed.sum() > 1
            return super().choose(logits, allowed) if brooding else Chooser.choose(self, logits, allowed)

    figures, step = written(conversation(text(30)), grammars, chooser=Brooding(1.0), thinking=1000)
    assert 64 <= figures.thinking < 80
    assert read_step(step, STEP_SCHEMA, truncated=False)


@given(
    st.lists(st.integers(0, 9), max_size=80),
    st.lists(st.integers(0, 9), min_size=1, max_size=40),
    st.integers(8, 70),
)
def test_a_passage_eight_times_over_is_a_circle(before: list[int], passage: list[int], rounds: int) -> None:
    enough = -(-64 // len(passage))
    assert goes_in_circles(before + passage * max(rounds, enough))


@given(st.lists(st.integers(), unique=True, min_size=10, max_size=60), st.integers(1, 7))
def test_a_table_of_a_few_like_rows_is_no_circle(row: list[int], rows: int) -> None:
    assert not goes_in_circles(row * rows)


def test_logits_that_are_no_numbers_are_told_with_the_likely_cause() -> None:
    logits = torch.full((4,), float("nan"))
    with pytest.raises(ModelFailed, match="float16"):
        Chooser().choose(logits, np.array([True, True, False, True]))


def test_the_likeliest_of_those_allowed_is_taken() -> None:
    logits, allowed = torch.tensor([9.0, 3.0, 5.0, 4.0]), np.array([False, True, False, True])
    assert Chooser().choose(logits, allowed) == 3
    assert {Chooser(5.0, seed).choose(logits, allowed) for seed in range(50)} == {1, 3}


def test_memory_that_is_used_up_is_told_from_other_failures() -> None:
    with pytest.raises(RuntimeError) as found:
        torch.empty(1 << 50)
    assert is_out_of_memory(found.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    assert not is_out_of_memory(RuntimeError("shapes do not match"))


def test_figures_tell_the_rate_of_writing(grammars: Grammars) -> None:
    figures, _ = written(conversation(text(30)), grammars)
    assert figures.tokens_per_second == pytest.approx((figures.written - 1) / figures.writing)
    assert replace(figures, writing=0.0).tokens_per_second == 0
    assert 0 < figures.masks < figures.first_token + figures.writing
