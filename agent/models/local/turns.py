"""One GPU for all sessions: their steps take turns, first come, first served.

A session waits for its own step before it asks for the next, so several go on side by side, a step each.
Waiting sessions are not batched into one forward pass. Their caches differ in length: a batch would have to
be padded to the longest, copied together and apart again at every step, and in the sliding layers each row
would stand at another place of its window, which transformers' dynamic cache cannot tell apart. For many
users there is vLLM, whose cache comes in pages (agent/models/openai.py speaks with it).
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class Turns:
    """A thread of its own for what computes, and the queue before it. It serves any event loop."""

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="local-model")

    async def take(self, work: Callable[[threading.Event], Result]) -> Result:
        """What `work` returns, once its turn has come.

        It gets an event that is set when nobody waits for it any more: it should then end at once. Work that
        is cancelled before its turn is never begun.
        """
        stop = threading.Event()
        try:
            return await asyncio.wrap_future(self._worker.submit(work, stop))
        finally:
            stop.set()
