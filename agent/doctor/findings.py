"""What a check of the installation found, and how a check is kept from hanging."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from agent.config import Settings

State = Literal["ok", "warn", "bad", "none"]
GIB = 2**30


@dataclass(frozen=True)
class Found:
    """What a check found; `fix` is what to do where it is not well. `none`: not there, and not needed."""

    check: str
    state: State
    said: str
    fix: str = ""


async def in_thread(check: Callable[[Settings], list[Found]], settings: Settings) -> list[Found]:
    """Run a check that blocks in a thread that nobody waits for at the end: asyncio's own threads are waited
    for, and a dead network folder or a hung driver would hold the program up for ever.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[list[Found]] = loop.create_future()

    def settle(found: list[Found] | None, error: Exception | None) -> None:
        if done.done():
            return
        if error:
            done.set_exception(error)
        else:
            done.set_result(found or [])

    def run() -> None:
        found, failed = None, None
        try:
            found = check(settings)
        except Exception as error:
            failed = error
        with suppress(RuntimeError):  # too late: the loop is closed
            loop.call_soon_threadsafe(settle, found, failed)

    threading.Thread(target=run, daemon=True).start()
    return await done


def local_models(settings: Settings) -> list[str]:
    """The local models that the settings name (`local`, `local:NAME`)."""
    named = f"{settings.model},{settings.text_model},{settings.image_model}".split(",")
    return [spec.strip() for spec in named if spec.strip().partition(":")[0] == "local"]
