"""Whatever the weights say, what is written is a step, and it ends."""

import functools
import json
import random
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ModelFailed
from agent.models.local.grammar import Grammars, Writing
from agent.models.reply import read_step
from agent.steps import ToolOffer, step_schema
from tests.agent.models.local import tiny
from tests.agent.models.step_schema import STEP_SCHEMA

pytestmark = pytest.mark.local


@functools.cache
def grammars() -> Grammars:
    return Grammars(tiny.loaded())


def noise(writing: Writing, seed: int, most: int = 10_000) -> list[int]:
    """Tokens as a model writes them that knows nothing: each that is allowed is as likely."""
    chance = random.Random(seed)
    tokens = writing.forced()
    while not writing.ended and len(tokens) < most:
        token = int(chance.choice(np.flatnonzero(writing.allowed())))
        tokens += [token, *writing.write(token)]
    assert writing.ended
    return tokens


def offered(**properties: Any) -> dict[str, Any]:
    """The schema of steps with one tool that takes these arguments."""
    taken = {"type": "object", "properties": properties, "required": list(properties)}
    return step_schema([ToolOffer("look", "Look.", taken)])


@given(st.integers(0, 2**32))
def test_noise_is_a_step_without_spaces_between(seed: int) -> None:
    written = grammars().text(noise(grammars().step(STEP_SCHEMA, 0), seed)).decode()
    assert read_step(written, STEP_SCHEMA, truncated=False)
    assert written.startswith('{"thought":"')
    assert not re.search(r"\s", re.sub(r'"(\\.|[^"\\])*"', "", written))


@given(st.integers(0, 2**32), st.sampled_from([1, 2, 7, 40]))
def test_thinking_is_bounded_and_comes_before_the_step(seed: int, most: int) -> None:
    ids = tiny.loaded().ids
    tokens = noise(grammars().step(STEP_SCHEMA, most), seed)
    end = tokens.index(ids.thinking_close)
    thought = tokens[1:end]
    opening = grammars().tokens.tokenize_str("thought\n")
    assert tokens[0] == ids.thinking_open
    assert grammars().text(thought).startswith(b"thought\n")
    assert len(thought) <= len(opening) + most
    assert not ids.control & set(thought)
    assert read_step(grammars().text(tokens[end + 1 :]).decode(), STEP_SCHEMA, truncated=False)


@pytest.mark.parametrize("thinking", [0, 30])
def test_a_model_without_thinking_marks_writes_the_step_alone(thinking: int) -> None:
    plain = Grammars(tiny.loaded(thinking=False))
    written = plain.text(noise(plain.step(STEP_SCHEMA, thinking), 5)).decode()
    assert read_step(written, STEP_SCHEMA, truncated=False)


def test_the_mask_has_a_place_for_each_row_of_the_logits_and_allows_no_row_without_a_token() -> None:
    tokens = len(tiny.loaded().tokenizer)
    writing = grammars().step(STEP_SCHEMA, 0)
    writing.forced()
    allowed = writing.allowed()
    assert tokens < tiny.VOCABULARY == len(allowed)
    assert allowed[:tokens].any()
    assert not allowed[tokens:].any()


@given(st.integers(0, 2**32))
def test_numbers_end(seed: int) -> None:
    schema = offered(above={"type": "number"}, count={"type": "integer"})
    tokens = noise(grammars().step(schema, 0), seed)
    written = grammars().text(tokens).decode()
    for action in read_step(written, schema, truncated=False).actions:
        if action.tool == "look":
            assert all(len(json.dumps(number)) <= 15 for number in action.arguments.values())


def test_bounds_that_a_number_has_are_kept() -> None:
    schema = offered(limit={"type": "integer", "minimum": 7, "maximum": 9})
    for seed in range(40):
        for action in json.loads(grammars().text(noise(grammars().step(schema, 0), seed)))["actions"]:
            assert action["tool"] == "answer" or action["arguments"]["limit"] in {7, 8, 9}


def test_what_must_follow_is_written_without_being_asked_for() -> None:
    asked = grammars().step(offered(kind={"enum": ["problems"]}), 0)
    forced = asked.forced()
    assert grammars().text(forced).startswith(b'{"thought')
    answered = json.dumps({"thought": "", "actions": [{"tool": "look", "arguments": {"kind": "problems"}}]})
    choices = 0
    left = answered.replace(": ", ":").replace(", ", ",").encode().removeprefix(grammars().text(forced))
    while left:
        token = grammars().tokens.tokenize_bytes(left)[0]
        written = grammars().text([token, *asked.write(token)])
        assert left.startswith(written)
        left = left.removeprefix(written)
        choices += 1
    assert asked.ended
    assert choices < len(grammars().tokens.tokenize_str(answered)) / 2


def test_a_schema_that_no_grammar_can_hold_is_told_with_what_to_do() -> None:
    schema = offered(code={"type": "string", "pattern": "(?=a)b", "maxLength": 5})
    with pytest.raises(ModelFailed, match=r"grammar of the step schema.*`--tools core`"):
        grammars().step(schema, 0)


def test_a_token_that_the_grammar_forbids_is_an_error_at_once() -> None:
    writing = grammars().step(STEP_SCHEMA, 0)
    with pytest.raises(ModelFailed, match="grammar of the step schema"):
        writing.write(tiny.loaded().ids.end_of_turn)
