"""The grounding check measured by itself: answers beside their evidence, half with one planted error."""

import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, NamedTuple

from agent.grounding import check
from agent.messages import ToolResult

NOW = "2026-11-22T10:00:00+01:00"
RIGHT = "right"


class Pair(NamedTuple):
    """An answer and the tool results that it rests on; `kind` is that of the planted error, or RIGHT.

    `base` is the right answer that the error was planted in (the text itself where it is right).
    """

    kind: str
    question: str
    results: tuple[ToolResult, ...]
    text: str
    base: str


SETS = ("development", "sealed")


def pairs(which: str) -> Iterator[Pair]:
    """Every pair of one of the SETS."""
    raw = (files("evals") / f"{which}_grounding.toml").read_text("utf-8")
    for case in tomllib.loads(raw)["case"]:
        results = tuple(map(_result, case["results"]))
        for text in case["right"]:
            yield Pair(RIGHT, case["question"], results, text, text)
        for planted in case["wrong"]:
            base, (was, becomes) = case["right"][planted["of"]], planted["change"]
            yield Pair(planted["kind"], case["question"], results, base.replace(was, becomes, 1), base)


def _result(raw: dict[str, Any]) -> ToolResult:
    rows = raw["rows"]
    truncated = raw.get("truncated", False)
    data = {
        "finding": raw.get("finding", "recorded"),
        "rows": rows,
        "total": raw.get("total", len(rows)),
        "returned": len(rows),
        "truncated": truncated,
        "cursor": "more" if truncated else None,
        "notes": [],
        "as_of": NOW,
    }
    return ToolResult(tool=raw["tool"], arguments=raw["arguments"], text="", data=data)


def flagged(pair: Pair) -> bool:
    """Whether the check marks any claim of the answer."""
    return bool(check(pair.text, [], pair.results, pair.question, NOW).grounding.unsupported)


def table(which: str, *, show: bool = False) -> tuple[str, int]:
    """Of one of the SETS by kind of error: how many were planted, recall, and precision over them and the
    answers they were planted in. With `show`, each missed error and each false alarm too. The exit code is 1
    below 0.95.
    """
    planted, caught, alarms = Counter[str](), Counter[str](), Counter[str]()
    found = [(pair, flagged(pair)) for pair in pairs(which)]
    wrongly = {pair.base for pair, marked in found if pair.kind == RIGHT and marked}
    for pair, marked in found:
        if pair.kind != RIGHT:
            planted[pair.kind] += 1
            caught[pair.kind] += marked
            alarms[pair.kind] += pair.base in wrongly
    lines = [
        f"missed, {pair.kind}: {pair.text}" for pair, marked in found if pair.kind != RIGHT and not marked
    ]
    lines += [f"false alarm: {text}" for text in sorted(wrongly)]
    lines = lines if show else []
    lines.append(f"{'kind of error':<22}{'planted':>9}{'recall':>9}{'precision':>11}")
    for kind, n in sorted(planted.items()):
        precision = caught[kind] / ((caught[kind] + alarms[kind]) or 1)
        lines.append(f"{kind:<22}{n:>9}{caught[kind] / n:>9.3f}{precision:>11.3f}")
    errors, right = sum(planted.values()), sum(pair.kind == RIGHT for pair, _ in found)
    recall = sum(caught.values()) / errors
    precision = sum(caught.values()) / (sum(caught.values()) + len(wrongly))
    lines.append(f"{'all':<22}{errors:>9}{recall:>9.3f}{precision:>11.3f}")
    lines.append(f"{right} right answers, {len(wrongly)} marked wrongly")
    return "\n".join(lines), int(min(recall, precision) < 0.95)
