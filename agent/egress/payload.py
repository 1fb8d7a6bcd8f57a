"""A payload that was sent to a hosted model, as a person can read it."""

import json
from collections.abc import Iterator
from typing import Any

MOST = 160  # characters of what is no text of the conversation, such as a schema or an image


def told(payload: object) -> Iterator[str]:
    """The texts of its turns, whole and as they were written, and the gist of all else.

    Understood are chat completions and Messages; what is neither comes as it is.
    """
    try:
        sent = json.loads(payload) if isinstance(payload, str) else payload
    except ValueError:
        sent = None
    if not isinstance(sent, dict):
        yield str(payload)
        return
    for name, value in sent.items():
        if name == "system":
            yield from _turn(name, value)
        elif name == "messages" and isinstance(value, list):
            for turn in value:
                known = isinstance(turn, dict) and {"role", "content"} <= turn.keys()
                yield from _turn(str(turn["role"]), turn["content"]) if known else [_gist(turn)]
        else:
            yield f"{name}: {_gist(value)}"


def _turn(role: str, content: Any) -> Iterator[str]:
    yield f"[{role}]"
    for part in content if isinstance(content, list) else [content]:
        text = part.get("text") if isinstance(part, dict) else part
        yield text if isinstance(text, str) else _gist(part)


def _gist(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST else f"{text[:MOST]}... ({len(text):,} characters; --json has all)"
