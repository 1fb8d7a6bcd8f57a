"""Everyday questions with their right answers: each sentence of a set, over charts in turn."""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from evals.everyday import clinical, measurements, person, visits
from evals.everyday.scenes import Intent, Scene, drawn
from evals.gold.chart import Chart
from evals.gold.expected import Expected

SETS = ("development", "sealed")
INTENTS: dict[str, Intent] = {**measurements.INTENTS, **clinical.INTENTS, **visits.INTENTS, **person.INTENTS}
NOTHING_THERE = 0.4  # the share of an intent's questions to which the chart has nothing, at most
TO_ASK = 9  # questions of an intent, at least, where the charts have as many scenes


@dataclass(frozen=True)
class Everyday:
    """One question: which intent it is of, whom it is about, its sentence, and what is right."""

    id: str
    intent: str
    patient: str
    text: str
    expected: Expected


def wordings(which: str) -> dict[str, Any]:
    """The sentences of a set by intent, and the names that it calls things by (`names`)."""
    return tomllib.loads((files("evals") / f"{which}_wordings.toml").read_text(encoding="utf-8"))


def questions(charts: Iterable[Chart], which: str) -> list[Everyday]:
    """The questions of a set: of each intent every sentence, over as many charts as can be."""
    said = wordings(which)
    held = list(charts)
    return [question for intent in said["intents"] for question in _of_intent(held, intent, said, which)]


def _of_intent(charts: list[Chart], intent: str, said: dict[str, Any], which: str) -> Iterator[Everyday]:
    sentences = said["intents"][intent]
    asked = max(TO_ASK, len(sentences))
    number = without = 0
    for chart, scene, expected in fair(charts, intent, said, which):
        if expected.status != "answered":
            without += 1
            if without > asked * NOTHING_THERE:
                continue
        text = sentences[number % len(sentences)].format(**scene)
        number += 1
        yield Everyday(f"{intent}-{number}", intent, chart.ref, text, expected)
        if number == asked:
            return


def fair(
    charts: list[Chart], intent: str, said: dict[str, Any], which: str
) -> Iterator[tuple[Chart, Scene, Expected]]:
    """Scenes of an intent that have one right answer, a chart after another, in an order of the set."""
    kind = INTENTS[intent]
    waiting = {
        chart.ref: (chart, _shuffled(chart, kind, said, intent, which))
        for chart in sorted(charts, key=lambda chart: drawn(which, intent, chart.ref))
    }
    while waiting:
        for name, (chart, scenes) in list(waiting.items()):
            for scene in scenes:
                expected = kind.answer(scene)
                if expected is not None:
                    yield chart, scene, expected
                    break
            else:
                del waiting[name]


def _shuffled(chart: Chart, kind: Intent, said: dict[str, Any], intent: str, which: str) -> Iterator[Scene]:
    scenes = list(kind.scenes(chart, said["names"]))
    yield from sorted(scenes, key=lambda scene: drawn(which, intent, chart.ref, _slots(scene)))


def _slots(scene: Scene) -> dict[str, str]:
    return {key: str(value) for key, value in scene.items() if isinstance(value, str | int)}
