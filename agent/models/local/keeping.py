"""What is kept of a conversation between its steps, and of all conversations: attention's keys and values.

A step then costs what its new tokens cost, and the instructions and tools that every session begins with are
read once. Sliding layers keep no more than their window, so a cache cannot be turned back to an earlier
length: it fits what goes on from exactly where it ends.
"""

import copy
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from agent.messages import Image, Message

_SPARE = 512  # tokens
MOST_CONVERSATIONS = 64
"""Of these the ids are kept, though their keys and values may have to go; older ones are read anew."""


@dataclass
class Conversation:
    """One session as the model saw it: `ids` are all that it read and wrote, and `told` are their messages.

    `cache` holds the keys and values of all ids but the last few; None where they had to go. The first
    `shared` ids are those that other sessions begin with too. `images` are those that came with a message, by
    its number; of them `seen` were read, and `pixels` has the tensor (3, side, side) of each that was not.
    """

    told: list[Message] = field(default_factory=list)
    images: dict[int, list[Image]] = field(default_factory=dict)
    seen: int = 0
    pixels: list[Any] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    shared: int = 0
    cache: Any = None

    @property
    def cached(self) -> int:
        """How many of the ids need not be read again."""
        return 0 if self.cache is None else int(self.cache.get_seq_length())

    def goes_on(self, messages: Sequence[Message]) -> bool:
        """Whether the messages are this conversation, and something more."""
        return 0 < len(self.told) < len(messages) and list(messages[: len(self.told)]) == self.told


class Kept:
    """The conversations kept, the last used at the end, within `most` bytes of keys and values.

    A session is known by its first message, the very object: the same words may be said about another image.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._conversations: OrderedDict[int, Conversation] = OrderedDict()
        self._beginnings: OrderedDict[tuple[int, ...], Any] = OrderedDict()

    @property
    def size(self) -> int:
        """Bytes of all keys and values kept."""
        caches = [one.cache for one in self._conversations.values() if one.cache is not None]
        return sum(map(nbytes, [*caches, *self._beginnings.values()]))

    def of(self, first: Message) -> Conversation:
        """The conversation that begins with that message, taken out; an empty one where none is kept."""
        return self._conversations.pop(id(first), Conversation())

    def keep(self, conversation: Conversation) -> None:
        """Put a conversation (back), and let go of what was not used for longest."""
        if conversation.cache is not None:
            trim(conversation.cache)
        self._conversations[id(conversation.told[0])] = conversation
        while len(self._conversations) > MOST_CONVERSATIONS:
            self._conversations.popitem(last=False)
        self._within_bounds()

    def beginning(self, ids: Sequence[int]) -> Any:
        """A cache of exactly these ids, to go on with; None where none is kept."""
        if (key := tuple(ids)) not in self._beginnings:
            return None
        self._beginnings.move_to_end(key)
        return copy.deepcopy(self._beginnings[key])

    def keep_beginning(self, conversation: Conversation) -> None:
        """Keep a copy of the cache of a conversation that was read as far as what it shares with others."""
        trim(conversation.cache)
        self._beginnings[tuple(conversation.ids[: conversation.shared])] = copy.deepcopy(conversation.cache)
        self._within_bounds()

    def clear(self) -> None:
        """Let go of all keys and values; conversations keep their ids."""
        self._beginnings.clear()
        for conversation in self._conversations.values():
            conversation.cache = None

    def _within_bounds(self) -> None:
        """Let go of the oldest conversations' caches first: a beginning serves all sessions, and is short."""
        for conversation in self._conversations.values():
            if self.size <= self._most:
                return
            conversation.cache = None
        while self._beginnings and self.size > self._most:
            self._beginnings.popitem(last=False)


def empty(config: Any) -> Any:
    """A cache whose sliding layers keep their window alone: without the config it takes four times that."""
    cache = DynamicCache(config=config)
    cache.layers = [layer if layer.is_sliding else Growing() for layer in cache.layers]
    return cache


class Growing(DynamicLayer):  # type: ignore[misc]  # transformers is not typed here
    """A layer that keeps everything, with room for what comes next.

    transformers' own makes a new tensor for each token: at 32,768 tokens, 27B would copy 2.7 GB to write one.
    """

    keys: Any
    values: Any
    _room = 0

    def update(self, key_states: Any, value_states: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
        """Take keys and values (1, heads, tokens, width); returns all that there are."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        if end > self._room:
            self._room = end + _SPARE
            shape = (*key_states.shape[:-2], self._room, key_states.shape[-1])
            self._all_keys, self._all_values = key_states.new_empty(shape), value_states.new_empty(shape)
            if start:
                self._all_keys[:, :, :start], self._all_values[:, :, :start] = self.keys, self.values
        self._all_keys[:, :, start:end], self._all_values[:, :, start:end] = key_states, value_states
        self.keys, self.values = self._all_keys[:, :, :end], self._all_values[:, :, :end]
        return self.keys, self.values


def nbytes(cache: Any) -> int:
    """The memory that a cache holds, in bytes: a layer may be a view of more than it shows."""
    tensors = [
        tensor for layer in cache.layers if layer.is_initialized for tensor in (layer.keys, layer.values)
    ]
    return sum(tensor.untyped_storage().nbytes() for tensor in tensors)


def trim(cache: Any) -> None:
    """Let go of what lies behind the window of the sliding layers after a long text was read at once."""
    for layer in cache.layers:
        if layer.is_initialized and layer.is_sliding:
            layer.keys, layer.values = layer.keys.clone(), layer.values.clone()
