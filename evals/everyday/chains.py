"""Follow-up chains: questions about one chart in one session, each turn with its right answer."""

import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from itertools import pairwise
from typing import Any

from agent.messages import Answer
from evals.everyday import clinical, measurements, visits
from evals.everyday.questions import INTENTS, wordings
from evals.everyday.scenes import Names, Scene, drawn, person
from evals.gold import care
from evals.gold import measurements as gold
from evals.gold.chart import Chart
from evals.gold.expected import Expected
from evals.judging import judge

CHARTS = 2  # of each chain, over as many charts


@dataclass(frozen=True)
class Chain:
    """One chain: whom it is about, its turns, and what is right in each."""

    id: str
    patient: str
    texts: list[str]
    expected: list[Expected]


def two_years(chart: Chart, names: Names) -> Iterator[Scene]:
    """A measurement with results in a `{year}` and the one before (`{earlier}`), and another."""
    for scene in measurements.pairs(chart, names):
        for year in sorted({result.day.year for result in scene["results"]}, reverse=True):
            window, before = (
                gold.within(scene["results"], date(one, 1, 1), date(one, 12, 31)) for one in (year, year - 1)
            )
            if window and before:
                yield {**scene, "year": year, "earlier": year - 1, "window": window, "earlier_window": before}
                break


def two_vaccines(chart: Chart, names: Names) -> Iterator[Scene]:
    """A `{vaccine}` and an `{other}` that were both given."""
    found = sorted(visits.done(visits.vaccines)(chart, names), key=lambda one: drawn(chart.ref, one["key"]))
    for one, other in zip(found[::2], found[1::2], strict=False):
        not_done = one["not_done"] | other["not_done"]
        yield {**one, "not_done": not_done, "other": other["vaccine"], "other_done": other["done"]}


def two_drugs(chart: Chart, names: Names) -> Iterator[Scene]:
    """A `{drug}` and an `{other}`."""
    found = sorted(clinical.known_drugs(chart, names), key=lambda one: drawn(chart.ref, one["key"]))
    for one, other in pairwise(found):
        yield {**one, "other": other["drug"], "other_words": other["words"]}


def stays(chart: Chart, names: Names) -> Iterator[Scene]:
    """The admissions, and the emergency visits."""
    for scene in visits.by_class("IMP")(chart, names):
        yield {**scene, "emergencies": care.visits(chart, "EMER") or []}


def emergencies(chart: Chart, names: Names) -> Iterator[Scene]:
    """The emergency visits, at least two."""
    return (scene for scene in visits.by_class("EMER")(chart, names) if len(scene["visits"]) > 1)


def whole(chart: Chart, names: Names) -> Iterator[Scene]:
    """The chart as a whole."""
    yield {**person(chart), "chart": chart}


SCENES: dict[str, Callable[[Chart, Names], Iterator[Scene]]] = {
    "two_years": two_years,
    "pair": measurements.pairs,
    "convertible": measurements.convertible,
    "two_vaccines": two_vaccines,
    "two_drugs": two_drugs,
    "problem": clinical.known_problems,
    "stays": stays,
    "emergencies": emergencies,
    "whole": whole,
}
TURNS: dict[str, Callable[[Scene], Expected | None]] = {
    **{name: intent.answer for name, intent in INTENTS.items()},
    "is_outside": lambda s: gold.is_outside(s["results"]),
    "one_before": lambda s: gold.second_newest(s["results"]),
    "visit_before": lambda s: care.last_visit(s["visits"][:-1]),
}


def chains(charts: Iterable[Chart], which: str) -> list[Chain]:
    """The chains of a set, each over charts in which every turn has one right answer."""
    text = (files("evals") / f"{which}_chains.toml").read_text(encoding="utf-8")
    held, names = list(charts), wordings(which)["names"]
    return [
        chain
        for number, told in enumerate(tomllib.loads(text)["chains"], 1)
        for chain in _over_charts(held, f"{which}-{number}", told, names)
    ]


def _over_charts(charts: list[Chart], name: str, told: dict[str, Any], names: Names) -> Iterator[Chain]:
    found = 0
    for chart in sorted(charts, key=lambda chart: drawn(name, chart.ref)):
        scenes = list(SCENES[told["scene"]](chart, names))
        for scene in sorted(scenes, key=lambda one: drawn(name, chart.ref, one.get("key", ""))):
            expected = [_right(scene, turn) for turn in told["turns"]]
            fair = [one for one in expected if one is not None and one.status == "answered"]
            if len(fair) == len(expected):
                found += 1
                texts = [turn["ask"].format(**scene) for turn in told["turns"]]
                yield Chain(f"{name}-{found}", chart.ref, texts, fair)
                break
        if found == CHARTS:
            return


def _right(scene: Scene, turn: dict[str, Any]) -> Expected | None:
    """The right answer of a turn; `of` names what takes the place of what was first asked about."""
    replaced = {new: scene[old] for new, old in turn.get("of", {}).items() if old in scene}
    return TURNS[turn["intent"]]({**scene, **replaced})


def report(asked: Sequence[Chain], given: Sequence[Sequence[Answer]], *, show: bool) -> tuple[str, float]:
    """How many chains were right throughout, wrong, or broken off by a refusal; and the share right."""
    counts = {"right": 0, "wrong": 0, "refused": 0}
    turns, right_turns, lines = 0, 0, []
    for chain, answers in zip(asked, given, strict=True):
        judged = [judge(answer, one) for answer, one in zip(answers, chain.expected, strict=True)]
        outcomes = [one.outcome for one in judged]
        turns += len(outcomes)
        right_turns += outcomes.count("right")
        counts[next((one for one in ("wrong", "refused") if one in outcomes), "right")] += 1
        for text, answer, one in zip(chain.texts, answers, judged, strict=True):
            if show and set(outcomes) != {"right"}:
                said = " / ".join(answer.answer.splitlines())[:200]
                lines.append(f"{one.outcome.upper():<8}{chain.id}  {chain.patient}  {text}")
                lines.append(
                    f"        {one.fault or 'as expected' if one.outcome != 'refused' else ''}  {said}"
                )
    share = 100 * counts["right"] / len(asked)
    told = ", ".join(f"{many} {outcome}" for outcome, many in counts.items())
    lines.append(f"{len(asked)} chains: {told}; right throughout {share:.1f} %")
    lines.append(f"{turns} turns: {right_turns} right, {100 * right_turns / turns:.1f} %")
    return "\n".join(lines), share
