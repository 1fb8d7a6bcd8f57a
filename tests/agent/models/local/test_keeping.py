"""What is kept of conversations fits its bound, and is what it was."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from agent.messages import Message, QuestionMessage
from agent.models.local import keeping
from agent.models.local.generation import Reader
from agent.models.local.keeping import MOST_CONVERSATIONS, Conversation, Kept
from tests.agent.models.local import tiny

pytestmark = pytest.mark.local


def question(text: str = "Why?") -> QuestionMessage:
    return QuestionMessage(text=text)


def read(tokens: int, shared: int = 0, first: Message | None = None) -> Conversation:
    """A conversation of that many tokens, read."""
    model = tiny.loaded(32).model
    ids = [7 + n % 400 for n in range(tokens)]
    told = [first or question()]
    conversation = Conversation(told=told, ids=ids, shared=shared, cache=keeping.empty(model.config))
    Reader(model, -2).read(conversation, lambda: None)
    return conversation


def test_sliding_layers_keep_their_window_alone() -> None:
    conversation = read(4 * tiny.WINDOW)
    keeping.trim(conversation.cache)
    lengths = [layer.keys.shape[-2] for layer in conversation.cache.layers]
    assert lengths == [tiny.WINDOW - 1] * 5 + [4 * tiny.WINDOW]
    token = 2 * 2 * 16 * 4  # bytes of a layer: keys and values, heads, width, of float32
    assert 0 <= keeping.nbytes(conversation.cache) - sum(lengths) * token <= 512 * token  # room to grow


def test_the_layers_that_keep_everything_are_not_copied_to_write_a_token() -> None:
    model, conversation = tiny.loaded(32).model, read(100)
    (whole,) = (layer for layer in conversation.cache.layers if not layer.is_sliding)
    where = whole.keys.data_ptr()
    for token in range(20):
        conversation.ids.append(token + 7)
        Reader(model, -2).read(conversation, lambda: None)
    assert whole.keys.shape[-2] == conversation.cached == 120
    assert whole.keys.data_ptr() == where


@given(st.lists(st.integers(1, 700), min_size=1, max_size=4))
def test_what_a_growing_layer_returns_is_all_that_it_was_given(lengths: list[int]) -> None:
    layer, told = keeping.Growing(), [torch.randn(1, 2, length, 4) for length in lengths]
    for states in told:
        keys, values = layer.update(states, -states)
    assert torch.equal(keys, torch.cat(told, dim=2))
    assert torch.equal(values, -keys)
    assert layer.get_seq_length() == sum(lengths)


def test_a_long_text_read_at_once_is_let_go_of_behind_the_window() -> None:
    conversation, kept = read(8 * tiny.WINDOW), Kept(10**9)
    before = keeping.nbytes(conversation.cache)
    kept.keep(conversation)
    behind = 5 * 7 * tiny.WINDOW * 2 * 2 * 16 * 4  # layers, tokens; keys and values, heads, width, bytes
    assert kept.size <= before - behind


def test_a_conversation_is_known_by_its_first_message_and_not_by_its_words() -> None:
    kept, mine, yours = Kept(10**9), question("Why?"), question("Why?")
    kept.keep(read(5, first=mine))
    assert kept.of(yours).ids == []
    assert len(kept.of(mine).ids) == 5
    assert kept.of(mine).ids == []  # it was taken out


def test_beyond_the_bound_the_oldest_caches_go_and_their_ids_stay() -> None:
    size = keeping.nbytes(read(20).cache)
    kept, firsts = Kept(2 * size), [question(str(n)) for n in range(3)]
    for first in firsts:
        kept.keep(read(20, first=first))
    assert kept.size == 2 * size
    found = [kept.of(first) for first in firsts]
    assert [one.cached for one in found] == [0, 20, 20]
    assert [len(one.ids) for one in found] == [20, 20, 20]


def test_a_beginning_outlasts_conversations_and_goes_when_it_is_too_large_itself() -> None:
    whole = read(20, shared=20)
    size = keeping.nbytes(whole.cache)
    kept = Kept(size)
    kept.keep_beginning(whole)
    kept.keep(read(20))
    assert kept.size == size
    assert kept.beginning(whole.ids) is not None
    small = Kept(size - 1)
    small.keep_beginning(whole)
    assert small.size == 0
    assert small.beginning(whole.ids) is None


def test_a_beginning_is_a_copy_for_each_session() -> None:
    model, whole = tiny.loaded(32).model, read(60, shared=60)
    kept = Kept(10**9)
    kept.keep_beginning(whole)
    logits = []
    for _ in range(2):
        mine = Conversation(ids=[*whole.ids, 50, 60, 70], cache=kept.beginning(whole.ids))
        logits.append(Reader(model, -2).read(mine, lambda: None))
        assert mine.cached == 63
    assert torch.equal(*logits)
    assert kept.beginning(whole.ids[:-1]) is None


def test_the_oldest_of_many_conversations_is_forgotten() -> None:
    kept, firsts = Kept(10**9), [question(str(n)) for n in range(MOST_CONVERSATIONS + 1)]
    for first in firsts:
        kept.keep(Conversation(told=[first], ids=[1]))
    assert kept.of(firsts[0]).ids == []
    assert kept.of(firsts[1]).ids == [1]


def test_cleared_it_holds_no_keys_and_values_but_the_ids() -> None:
    kept, first = Kept(10**9), question()
    kept.keep_beginning(read(20, shared=20))
    kept.keep(read(20, first=first))
    kept.clear()
    assert kept.size == 0
    assert len(kept.of(first).ids) == 20


@pytest.mark.parametrize("same", [True, False])
def test_a_conversation_goes_on_where_all_that_was_told_still_stands(same: bool) -> None:
    told: list[Any] = [question("a"), question("b")]
    conversation = Conversation(told=told)
    assert not conversation.goes_on(told)
    assert not Conversation().goes_on(told)
    assert conversation.goes_on([told[0], question("b" if same else "c"), question("d")]) is same
