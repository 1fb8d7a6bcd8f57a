"""A session on weights of our own: each step from what is kept, whatever happens in between."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from agent.errors import ContextExceeded, ModelFailed, ModelUnavailable
from agent.messages import Image, Message, QuestionMessage, Step, SystemMessage, Turn
from agent.models.local.generation import Chooser, Figures
from agent.models.local.loading import Blind
from agent.models.local.model import LocalModel
from agent.models.local.template import opening
from agent.steps import validate
from tests.agent.models.local import tiny
from tests.agent.models.step_schema import STEP_SCHEMA

pytestmark = pytest.mark.local

NOISE = 1.0
"""The temperature at which a random model does not go in circles."""
SHORT = {
    "type": "object",
    "properties": {
        "thought": {"type": "string", "maxLength": 12},
        "actions": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "type": "object",
                "properties": {"tool": {"enum": ["chart_overview", "list_problems"]}},
                "required": ["tool"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["thought", "actions"],
    "additionalProperties": False,
}
"""Steps so short that a random model writes them greedily."""
ANSWERING = {
    "type": "object",
    "properties": {
        "thought": {"type": "string", "maxLength": 12},
        "actions": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "tool": {"const": "answer"},
                    "arguments": {
                        "type": "object",
                        "properties": {"text": {"type": "string", "minLength": 200, "maxLength": 300}},
                        "required": ["text"],
                        "additionalProperties": False,
                    },
                },
                "required": ["tool", "arguments"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["thought", "actions"],
    "additionalProperties": False,
}
"""Steps that are answers of some length."""


class Wrapped:
    """A model whose forward pass is told to `on_pass` (the pass's number, its input) first."""

    def __init__(self, on_pass: Callable[[int, Any], object], bits: int = 32) -> None:
        self._model = tiny.loaded(bits).model
        self._on_pass = on_pass
        self.config, self.device, self.dtype = self._model.config, self._model.device, self._model.dtype
        self.passes = 0

    def __call__(self, **given: Any) -> Any:
        self.passes += 1
        self._on_pass(self.passes, given)
        return self._model(**given)


def local(loaded: Any = None, **given: Any) -> tuple[LocalModel, list[Figures]]:
    """A model in float32, and what each of its steps took."""
    took: list[Figures] = []
    bounds = {"thinking_tokens": 0, "max_tokens": 4000, "seconds": 600, "kept": 10**9, **given}
    return LocalModel(loaded or tiny.loaded(32), on_generated=took.append, **bounds), took


def ask(
    model: LocalModel, messages: list[Message], schema: Any = SHORT, images: Any = (), **given: Any
) -> Turn:
    return asyncio.run(model.next_step(list(messages), schema, list(images), **given))


def talk(model: LocalModel, hops: int, images: Any = (), begun: list[Message] | None = None) -> list[Step]:
    """A question and so many steps, with rows that take it past the window."""
    messages: list[Message] = begun if begun is not None else [tiny.SYSTEM, tiny.QUESTION]
    steps = []
    for _ in range(hops):
        steps.append(ask(model, messages, images=images).step)
        rows = f"Observation/{len(messages)} HbA1c 6.{len(messages)} % 2025-11-02\n" * 3
        messages += tiny.results(steps[-1], rows)
    return steps


def as_written(step: Step) -> str:
    """A step of SHORT as the model writes it."""
    actions = [{"tool": action.tool} for action in step.actions]
    return json.dumps(
        {"thought": step.thought, "actions": actions}, separators=(",", ":"), ensure_ascii=False
    )


def system(patient: str) -> SystemMessage:
    text = tiny.SYSTEM.text.replace("Patient/1", patient)
    return tiny.SYSTEM.model_copy(update={"text": text, "patient": patient})


def test_each_step_reads_only_what_is_new_and_says_what_a_full_reading_says() -> None:
    (model, took), (forgetful, whole) = local(), local(kept=0)
    steps = talk(model, 5)
    assert steps == talk(forgetful, 5)
    assert [figures.cached for figures in whole] == [0] * 5
    assert [figures.prompt for figures in whole] == [figures.prompt for figures in took]
    for hop, figures in enumerate(took[1:], 1):
        before = took[hop - 1]
        assert before.prompt <= figures.cached < before.prompt + before.written
    assert took[-1].prompt > 4 * tiny.WINDOW


def test_it_reads_the_conversation_as_the_template_tells_it() -> None:
    read: list[int] = []
    on_pass = lambda _, given: read.extend(given["input_ids"][0].tolist())  # noqa: E731
    model, took = local(replace(tiny.loaded(32), model=Wrapped(on_pass)))
    messages: list[Message] = [tiny.SYSTEM, tiny.QUESTION]
    steps = talk(model, 2, begun=messages)
    expected, _ = opening(tiny.loaded(32), messages[:2], {}, thinking=False)
    assert read[: took[0].prompt] == expected
    told = tiny.loaded(32).tokenizer.decode(read[: took[1].prompt])
    assert told.count("<bos>") == 1
    assert told.count("<end_of_turn>") == told.count("<start_of_turn>") - 1 == 3
    assert f"model\n{as_written(steps[0])}<end_of_turn>\n<start_of_turn>user\nResult of" in told


def test_the_usage_tells_what_was_read_kept_and_written() -> None:
    model, took = local()
    messages: list[Message] = [tiny.SYSTEM, tiny.QUESTION]
    talk(model, 1, begun=messages)
    turn = ask(model, messages)
    assert turn.usage.prompt == took[1].prompt > turn.usage.cached == took[1].cached > 0
    assert turn.usage.completion == took[1].written
    assert turn.usage.cost == 0


def test_a_second_session_reads_the_instructions_from_the_first() -> None:
    model, took = local()
    talk(model, 2)
    one = talk(model, 1, begun=[system("Patient/22"), tiny.QUESTION])
    anew, fresh = local()
    assert talk(anew, 1, begun=[system("Patient/22"), tiny.QUESTION]) == one
    assert (took[2].cached > 0, fresh[0].cached) == (True, 0)


def test_an_image_in_turn_one_is_seen_in_later_turns_and_read_once() -> None:
    seen: list[int] = []
    loaded = replace(
        tiny.loaded(32), model=Wrapped(lambda n, given: seen.append(n) if "pixel_values" in given else 0)
    )
    model, _ = local(loaded)
    messages: list[Message] = [tiny.SYSTEM, tiny.QUESTION]
    steps = talk(model, 4, [tiny.picture(1)], messages)
    assert len(seen) == 1
    assert talk(local(kept=0)[0], 4, [tiny.picture(1)]) == steps
    messages.append(QuestionMessage(text="And in this one?"))
    both = ask(model, messages, images=[tiny.picture(2)])
    assert len(seen) == 2
    assert both.usage.cached > both.usage.prompt / 2


def test_another_image_is_another_conversation() -> None:
    model, took = local()
    messages: list[Message] = [tiny.SYSTEM, tiny.QUESTION]
    talk(model, 1, [tiny.picture(1)], messages)
    ask(model, messages, images=[tiny.picture(2)])
    assert took[1].cached <= took[0].prompt / 2  # the instructions alone


def test_the_same_words_of_another_session_are_another_conversation() -> None:
    model, _ = local()
    mine: list[Message] = [tiny.SYSTEM, tiny.QUESTION]
    talk(model, 1, [tiny.picture(1)], mine)
    yours: list[Message] = [tiny.SYSTEM.model_copy(), *mine[1:], QuestionMessage(text="Sure?")]
    anew, _ = local()
    assert ask(model, yours).step == ask(anew, yours).step


@pytest.mark.parametrize("kept", [0, 60_000, 150_000])
def test_what_had_to_go_for_want_of_memory_is_read_again_from_the_same_tokens(kept: int) -> None:
    """Two sessions in turn, the first with an image; each also alone, where nothing has to go."""
    tight, took = local(kept=kept)
    mine: list[Message] = [tiny.SYSTEM, tiny.QUESTION]
    yours: list[Message] = [system("Patient/2"), tiny.QUESTION]
    steps = []
    for _ in range(3):
        steps += talk(tight, 1, [tiny.picture(1)], mine)
        steps += talk(tight, 1, begun=yours)
    assert steps[::2] == talk(local()[0], 3, [tiny.picture(1)])
    assert steps[1::2] == talk(local()[0], 3, begun=yours[:2])
    assert any(figures.cached < figures.prompt / 2 for figures in took[2:])


def test_a_conversation_that_was_changed_is_told_anew() -> None:
    model, _ = local()
    messages: list[Message] = [tiny.SYSTEM, tiny.QUESTION]
    talk(model, 2, begun=messages)
    changed = [*messages[:3], *tiny.results(Step(actions=()), "other rows")[1:], tiny.QUESTION]
    anew, _ = local()
    assert ask(model, changed).step == ask(anew, changed).step


@pytest.mark.parametrize(("bits", "thinking"), [(4, 0), (4, 24), (8, 0), (16, 12)])
def test_quantised_it_takes_valid_steps_with_and_without_thinking(bits: int, thinking: int) -> None:
    model, took = local(tiny.loaded(bits), thinking_tokens=thinking, chooser=Chooser(NOISE, 11))
    messages: list[Message] = [tiny.SYSTEM, tiny.QUESTION]
    for _ in range(3):
        turn = ask(model, messages, STEP_SCHEMA, [tiny.picture()])
        validate(turn.step.model_copy(update={"actions": turn.step.actions[:1]}), STEP_SCHEMA)
        messages += tiny.results(turn.step)
    assert all((figures.thinking > 0) == (thinking > 0) for figures in took)
    assert took[2].cached > took[1].prompt


def test_a_model_without_thinking_marks_does_not_think() -> None:
    model, took = local(tiny.loaded(thinking=False), thinking_tokens=50, chooser=Chooser(NOISE, 1))
    ask(model, [tiny.SYSTEM, tiny.QUESTION], STEP_SCHEMA)
    unasked, _ = opening(tiny.loaded(thinking=False), [tiny.SYSTEM, tiny.QUESTION], {}, thinking=False)
    assert (took[0].thinking, took[0].prompt) == (0, len(unasked))


def test_an_answer_is_told_while_it_is_written() -> None:
    told: list[str] = []
    model, _ = local(chooser=Chooser(NOISE, 4), thinking_tokens=10)
    turn = ask(model, [tiny.SYSTEM, tiny.QUESTION], ANSWERING, on_text=told.append)
    assert "".join(told) == turn.step.actions[0].arguments["text"]
    assert len(told) > 10


def test_a_conversation_too_long_for_the_context_is_refused_before_it_is_read() -> None:
    wrapped = Wrapped(lambda *_: None)
    model, _ = local(replace(tiny.loaded(32), model=wrapped, context=250))
    long: list[Message] = [tiny.SYSTEM, QuestionMessage(text="word " * 400)]
    with pytest.raises(ContextExceeded, match="local_context"):
        ask(model, long)
    assert wrapped.passes == 0
    assert ask(model, [tiny.SYSTEM, tiny.QUESTION]).step


@pytest.mark.parametrize(("room", "enough"), [(128 + 20, True), (128 + 19, False)])
def test_a_conversation_needs_room_for_its_thinking_and_a_short_step(room: int, enough: bool) -> None:
    messages: list[Message] = [tiny.SYSTEM, tiny.QUESTION]
    prompt = len(opening(tiny.loaded(32), messages, {}, thinking=True)[0])
    wrapped = Wrapped(lambda *_: None)
    loaded = replace(tiny.loaded(32), model=wrapped, context=prompt + room)
    model, _ = local(loaded, thinking_tokens=20, chooser=Chooser(NOISE))
    if enough:
        assert ask(model, messages).step
    else:
        with pytest.raises(ContextExceeded):
            ask(model, messages)
    assert (wrapped.passes > 0) is enough


def test_after_a_step_that_failed_the_conversation_goes_on_from_the_step_before() -> None:
    failing: list[int] = []

    def on_pass(n: int, _: Any) -> None:
        if failing and n > failing[0] + 1:  # the second pass: the cache was read into
            raise ValueError("broken")

    wrapped = Wrapped(on_pass)
    (model, took), (anew, fresh) = local(replace(tiny.loaded(32), model=wrapped)), local()
    mine: list[Message] = [tiny.SYSTEM, tiny.QUESTION]
    whole: list[Message] = [tiny.SYSTEM, tiny.QUESTION]
    assert talk(model, 2, [tiny.picture()], mine) == talk(anew, 2, [tiny.picture()], whole)
    failing.append(wrapped.passes)
    with pytest.raises(ValueError, match="broken"):
        ask(model, mine, images=[tiny.picture()])
    failing.clear()
    again = QuestionMessage(text="Once more?")
    assert ask(model, [*mine, again]).step == ask(anew, [*whole, again]).step
    assert took[-1].prompt == fresh[-1].prompt  # the image of the first question is still there
    assert 0 < took[-1].cached < took[0].prompt  # and all but the instructions was read again


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(["step", "fails", "image"])), min_size=4, max_size=9
    ),
    st.sampled_from([0, 80_000, 200_000, 10**9]),
)
def test_whatever_happens_in_between_a_session_says_what_it_says_alone(
    events: list[tuple[int, str]], kept: int
) -> None:
    """Three sessions in any order, steps that break midway, images in any turn, little memory or much."""
    failing: list[int] = []

    def on_pass(n: int, _: Any) -> None:
        if failing and n > failing[0] + 1:
            raise ValueError("broken")

    wrapped = Wrapped(on_pass)
    (model, _), (alone, _) = local(replace(tiny.loaded(32), model=wrapped), kept=kept), local(kept=0)
    mine = [list[Message]([system(f"Patient/{n}"), tiny.QUESTION]) for n in range(3)]
    plain = [list[Message](messages[:]) for messages in mine]
    images: list[list[Image]] = [[], [], []]
    for number, (session, event) in enumerate(events):
        if event == "image":
            images[session] = [tiny.picture(number)]
            for told in (mine[session], plain[session]):
                told.append(QuestionMessage(text="And this one?"))
        if event == "fails":
            failing.append(wrapped.passes)
            with contextlib.suppress(ValueError):
                ask(model, mine[session], images=images[session])
            failing.clear()
            continue
        said = talk(model, 1, images[session], mine[session])
        assert said == talk(alone, 1, images[session], plain[session])


def test_cancelled_it_stops_within_a_token_says_no_more_and_the_next_session_goes_on() -> None:
    begun, go = threading.Event(), threading.Event()

    def on_pass(n: int, _: Any) -> None:
        if n == 30:
            begun.set()
            assert go.wait(10)

    wrapped = Wrapped(on_pass)
    model, took = local(replace(tiny.loaded(32), model=wrapped), chooser=Chooser(NOISE, 2))
    told: list[str] = []

    async def cancel() -> Turn:
        asked = model.next_step([tiny.SYSTEM, tiny.QUESTION], ANSWERING, [], told.append)
        task = asyncio.create_task(asked)
        await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        said = list(told)
        go.set()
        turn = await model.next_step([system("Patient/2"), tiny.QUESTION], SHORT, [])
        assert said == told != []
        return turn

    assert asyncio.run(cancel()).step
    assert len(took) == 1
    assert wrapped.passes == 30 + took[0].written - took[0].forced


def test_several_sessions_interleave_by_step() -> None:
    order: list[str] = []
    model, _ = local()

    async def session(name: str) -> None:
        messages: list[Message] = [system(f"Patient/{name}"), tiny.QUESTION]
        for _ in range(3):
            turn = await model.next_step(messages, SHORT, [])
            order.append(name)
            messages += tiny.results(turn.step)

    async def together() -> None:
        await asyncio.gather(*map(session, "abc"))

    asyncio.run(together())
    assert order == list("abc" * 3)


def test_out_of_memory_it_reads_less_once_and_goes_on_with_that() -> None:
    """The older results are left out, and the model is told so."""
    lengths: list[int] = []

    def on_pass(_: int, given: Any) -> None:
        length = given["past_key_values"].get_seq_length() + given["input_ids"].shape[1]
        lengths.append(length)
        if length > 460:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    model, took = local(replace(tiny.loaded(32), model=Wrapped(on_pass)))
    messages: list[Message] = [tiny.SYSTEM, tiny.QUESTION]
    talk(model, 4, begun=messages)
    assert max(lengths) > 460
    assert took[-1].prompt < 460
    assert len(took) == 4


def test_out_of_memory_it_first_lets_go_of_other_sessions_and_reads_smaller_chunks() -> None:
    """What was kept of others took the room: nothing is left out of this conversation."""
    full = threading.Event()

    def on_pass(_: int, given: Any) -> None:
        if full.is_set():
            full.clear()
            raise torch.OutOfMemoryError("CUDA out of memory.")

    model, took = local(replace(tiny.loaded(32), model=Wrapped(on_pass)))
    yours: list[Message] = [system("Patient/2"), tiny.QUESTION]
    mine: list[Message] = [tiny.SYSTEM, tiny.QUESTION]
    talk(model, 1, begun=yours)
    steps = talk(model, 3, [tiny.picture()], mine)
    full.set()
    steps += talk(model, 1, [tiny.picture()], mine)
    talk(model, 1, begun=yours)
    assert steps == talk(local()[0], 4, [tiny.picture()])
    instructions = took[1].cached
    assert [took[4].cached, took[5].cached] == [
        0,
        instructions,
    ]  # they would have gone on, and were let go of


def test_out_of_memory_in_mid_answer_it_does_not_tell_the_answer_twice() -> None:
    def on_pass(n: int, _: Any) -> None:
        if n == 40:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    told: list[str] = []
    model, _ = local(replace(tiny.loaded(32), model=Wrapped(on_pass)), chooser=Chooser(NOISE, 4))
    turn = ask(model, [tiny.SYSTEM, tiny.QUESTION], ANSWERING, on_text=told.append)
    assert 0 < len("".join(told)) < len(turn.step.actions[0].arguments["text"])


def test_out_of_memory_again_and_again_is_told_with_what_to_do() -> None:
    def on_pass(_: int, given: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    wrapped = Wrapped(on_pass)
    model, _ = local(replace(tiny.loaded(32), model=wrapped))
    with pytest.raises(ModelFailed, match=r"out of memory, .* Lower local_context"):
        ask(model, [tiny.SYSTEM, tiny.QUESTION])
    assert wrapped.passes == 3


def test_a_broken_gpu_is_told_as_unavailable() -> None:
    def on_pass(_: int, given: Any) -> None:
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered\nmore")

    model, _ = local(replace(tiny.loaded(32), model=Wrapped(on_pass)))
    with pytest.raises(ModelUnavailable, match=r"The GPU failed \(CUDA error: an illegal memory access was"):
        ask(model, [tiny.SYSTEM, tiny.QUESTION])


def test_a_model_that_reads_text_alone_refuses_an_image() -> None:
    blind = replace(tiny.loaded(32), processor=Blind())
    with pytest.raises(ModelFailed, match="tiny reads text alone: name a model for images"):
        ask(local(blind)[0], [tiny.SYSTEM, tiny.QUESTION], images=[tiny.picture()])


def test_its_identity_is_that_of_the_weights() -> None:
    model, _ = local(tiny.loaded(4))
    assert (model.identity.name, model.identity.quantisation) == ("tiny", "nf4")


def steps_of_noise(number: int, thinking: int, bits: int) -> None:
    """So many steps of noise: each parses, validates and ends, or this raises."""
    model, took = local(tiny.loaded(bits), thinking_tokens=thinking, chooser=Chooser(NOISE, thinking))
    for _ in range(number):
        turn = ask(model, [tiny.SYSTEM.model_copy(), tiny.QUESTION], STEP_SCHEMA)
        assert Draft202012Validator(STEP_SCHEMA).is_valid(turn.step.model_dump(mode="json"))
    assert len(took) == number
    assert all((figures.thinking > 0) == (thinking > 0) for figures in took)


@pytest.mark.parametrize("thinking", [0, 30])
def test_steps_of_noise_in_nf4_parse_validate_and_end(thinking: int) -> None:
    steps_of_noise(15, thinking, bits=4)


@pytest.mark.large
@pytest.mark.parametrize("thinking", [0, 30])
def test_a_thousand_of_a_thousand_steps_of_noise_parse_validate_and_end(thinking: int) -> None:
    """Five hundred with thinking and as many without, in float32, which a processor computes faster."""
    steps_of_noise(500, thinking, bits=32)
