"""The AuditEvents of docs/audit-events.md; `python -m tests.docs.audit_event_shapes` writes them anew."""

import json
import re
from pathlib import Path
from typing import Any

from tests.mcp_servers.audit.shapes import MODEL, SHAPES, models_of

PAGE = Path(__file__).parents[2] / "docs/audit-events.md"
WIDTH = 118
HOST = "ward-3.clinic.example"

_BLOCK = re.compile(
    r"(?P<mark><!-- shape: (?P<shape>[^>]+) -->\n```json\n)(?P<shown>.*?)(?=```\n)", re.DOTALL
)


def shown(page: str) -> dict[str, str]:
    """The JSON of each shape on the page."""
    return {found["shape"]: found["shown"] for found in _BLOCK.finditer(page)}


def written(page: str) -> str:
    """The page with the JSON of each shape as the code makes it today."""
    return _BLOCK.sub(lambda found: found["mark"] + made(found["shape"]) + "\n", page)


def made(shape: str) -> str:
    """The JSON of a shape, as it would be on another machine."""
    if shape == "Device":
        return compact(models_of({"model": MODEL})[0])
    (event,) = SHAPES[shape]
    agents = [
        {**agent, "network": {**agent["network"], "address": HOST}}
        if agent.get("network", {}).get("type") == "1"
        else agent
        for agent in event["agent"]
    ]
    return compact({**event, "agent": agents})


def compact(element: Any, indent: int = 0, before: int = 0) -> str:
    """JSON in which what fits on a line stands on one; `before` are the characters already on it."""
    line = json.dumps(element)
    if len(line) + indent + before < WIDTH or not isinstance(element, dict | list) or not element:
        return line
    pairs = list(element.items()) if isinstance(element, dict) else [(None, one) for one in element]
    heads = ["" if name is None else f"{json.dumps(name)}: " for name, _ in pairs]
    opening, closing = "{}" if isinstance(element, dict) else "[]"
    if len(pairs) == 1:  # it opens on the same line
        return opening + heads[0] + compact(pairs[0][1], indent, before + len(heads[0]) + 1) + closing
    pad = " " * (indent + 2)
    inner = [
        pad + head + compact(one, indent + 2, len(head)) for head, (_, one) in zip(heads, pairs, strict=True)
    ]
    return opening + "\n" + ",\n".join(inner) + "\n" + " " * indent + closing


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
