"""Questions out of reach, which a planner without a language model must refuse."""

import tomllib
from collections.abc import Iterable
from importlib.resources import files

from evals.everyday.questions import Everyday
from evals.everyday.scenes import drawn
from evals.gold.chart import Chart
from evals.gold.expected import Expected

REFUSED = Expected(status="refused")


def beyond(charts: Iterable[Chart], which: str) -> list[Everyday]:
    """The questions of a set, by kind, each over a chart of those that hold something."""
    text = (files("evals") / f"{which}_beyond.toml").read_text(encoding="utf-8")
    held = [chart.ref for chart in charts if len(chart.records) > 10]
    return [
        Everyday(f"{kind}-{number}", kind, held[drawn(which, kind, number) % len(held)], question, REFUSED)
        for kind, questions in tomllib.loads(text)["kinds"].items()
        for number, question in enumerate(questions, 1)
    ]
