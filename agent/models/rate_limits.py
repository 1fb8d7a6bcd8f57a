"""What a server that is too busy asks for: to wait."""

import asyncio
import re

import httpx

_LONGEST_WAIT = 30.0  # seconds
_BUSY = (429, 503, 529)  # 529: Anthropic's "overloaded"


async def waited(response: httpx.Response, *, most: float) -> bool:
    """Whether the server is busy and said for how long, and that time is over now.

    It is not waited for longer than `most` seconds, nor where the header names a date.
    """
    said = response.headers.get("retry-after", "")
    if response.status_code not in _BUSY or not re.fullmatch(r"[0-9]{1,4}", said):
        return False
    if (seconds := float(said)) > min(_LONGEST_WAIT, most):
        return False
    await asyncio.sleep(seconds)
    return True
