"""Questions about measurements: one value, statistics, the course, thresholds, time since."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

from evals.everyday.scenes import Intent, Names, Scene, concepts, dates, drawn, person, pick
from evals.gold import measurements as gold
from evals.gold.chart import Chart, names_of
from evals.gold.expected import Expected, both
from evals.gold.measurements import Result
from evals.gold.records import codes


def held(chart: Chart, names: Names) -> Iterator[Scene]:
    """Each measurement of the chart that is plain: its `{name}`, everyday or the chart's own."""
    for key, concept in concepts()["measurements"].items():
        loinc = frozenset(concept["codes"])
        if key not in names["measurements"] or confusable(chart, key, concept):
            continue
        found = gold.results(chart, loinc)
        if not found:
            continue
        own = names_of(chart.named[found[-1].ref]["code"])[:1]
        name = pick([*names["measurements"][key], *own], chart.ref, key)
        yield {**person(chart), "name": name, "key": key, "results": found, "today": chart.today}


def confusable(chart: Chart, key: str, concept: dict[str, Any]) -> bool:
    """Whether other measurements of the chart go by the same word."""
    word = concept.get("like", key.replace("_", " "))
    known = {*concept["codes"], *concept.get("apart", ())}
    return any(word in called and not coded & known for coded, called in _measured(chart))


@cache
def _measured(chart: Chart) -> frozenset[tuple[frozenset[str], str]]:
    """The codes of each measurement of the chart, with what it is called."""
    return frozenset(
        (frozenset(codes(item["code"])), "; ".join(names_of(item["code"])).lower())
        for item in chart.of("Observation")
    )


def missing(chart: Chart, names: Names) -> Iterator[Scene]:
    """Measurements that nothing in the chart is called like."""
    reports = (name.lower() for item in chart.of("DiagnosticReport") for name in names_of(item.get("code")))
    said = "; ".join([*(called for _, called in _measured(chart)), *reports])
    for key, concept in concepts()["measurements"].items():
        word = concept.get("like", key.replace("_", " "))
        coded = any(coded & set(concept["codes"]) for coded, _ in _measured(chart))
        if key in names["measurements"] and not coded and word not in said:
            name = pick(names["measurements"][key], chart.ref, key)
            yield {**person(chart), "name": name, "key": key, "results": [], "today": chart.today}


def asked_latest(chart: Chart, names: Names) -> Iterator[Scene]:
    """Measurements of the chart, and one that it lacks."""
    yield from held(chart, names)
    lacking = sorted(missing(chart, names), key=lambda scene: drawn(chart.ref, scene["key"]))
    yield from lacking[:1]


def many(at_least: int) -> Callable[[Chart, Names], Iterator[Scene]]:
    """Measurements with as many results."""

    def scenes(chart: Chart, names: Names) -> Iterator[Scene]:
        return (scene for scene in held(chart, names) if len(scene["results"]) >= at_least)

    return scenes


def in_a_year(at_least: int) -> Callable[[Chart, Names], Iterator[Scene]]:
    """Measurements with as many results in a `{year}`, and others besides."""

    def scenes(chart: Chart, names: Names) -> Iterator[Scene]:
        for scene in held(chart, names):
            by_year = sorted({result.day.year for result in scene["results"]})
            for year in by_year[-4:]:
                window = gold.within(scene["results"], date(year, 1, 1), date(year, 12, 31))
                if at_least <= len(window) < len(scene["results"]):
                    yield {**scene, "year": year, "window": window}

    return scenes


def since_a_year(chart: Chart, names: Names) -> Iterator[Scene]:
    """Measurements with at least three results since a `{year}`, and others before."""
    for scene in held(chart, names):
        for year in sorted({result.day.year for result in scene["results"]})[-5:-1]:
            window = gold.within(scene["results"], date(year, 1, 1), None)
            if 3 <= len(window) < len(scene["results"]):
                yield {**scene, "year": year, "window": window}


def on_a_day(chart: Chart, names: Names) -> Iterator[Scene]:
    """Measurements with a result on a `{date}` that is neither the first nor the last."""
    for scene in many(3)(chart, names):
        inner = [
            result.day
            for result in scene["results"]
            if scene["results"][0].day < result.day < scene["results"][-1].day
        ]
        if inner:
            day = pick(inner, chart.ref, scene["key"], "on")
            yield {**scene, "day": day, **dates(day)}


def between_days(chart: Chart, names: Names) -> Iterator[Scene]:
    """Measurements with a `{date}` between two results, a good while from the nearer one."""
    for scene in many(2)(chart, names):
        gaps = [
            (left.day, right.day)
            for left, right in pairwise(scene["results"])
            if (right.day - left.day).days >= 30
        ]
        if gaps:
            left, right = pick(gaps, chart.ref, scene["key"], "between")
            day = left + timedelta(days=(right - left).days * 3 // 10)
            yield {**scene, "day": day, **dates(day)}


def two_days(chart: Chart, names: Names) -> Iterator[Scene]:
    """Measurements with results on a `{start}` and an `{end}`, one each."""
    for scene in many(2)(chart, names):
        found: list[Result] = scene["results"]
        days = sorted({result.day for result in found})
        alone = [day for day in days if sum(result.day == day for result in found) == 1]
        if len(alone) < 2:
            continue
        start = pick(alone[:-1], chart.ref, scene["key"], "start")
        end = pick([day for day in alone if day > start], chart.ref, scene["key"], "end")
        window = gold.within(found, start, end)
        yield {**scene, "window": window, **dates(start, "start"), **dates(end, "end")}


def with_threshold(chart: Chart, names: Names) -> Iterator[Scene]:
    """Measurements of which some values are above a `{limit}` and some below, none at it."""
    for scene in many(4)(chart, names):
        values = sorted({result.value for result in scene["results"]})
        if len(values) < 3:
            continue
        low, high = pick(list(pairwise(values)), chart.ref, scene["key"], "limit")
        limit = next(
            (round(low + (high - low) / 2, places) for places in (0, 1, 2) if _parts(low, high, places)), None
        )
        if limit is not None:
            yield {**scene, "threshold": limit, "limit": f"{limit:g}"}


def _parts(low: float, high: float, places: int) -> bool:
    return low < round(low + (high - low) / 2, places) < high


def due(chart: Chart, names: Names) -> Iterator[Scene]:
    """Measurements that are due every `{months}` months."""
    for scene in held(chart, names):
        months = pick([3, 6, 12], chart.ref, scene["key"], "due")
        yield {**scene, "months": months}


def convertible(chart: Chart, names: Names) -> Iterator[Scene]:
    """Measurements whose values people ask for in another `{unit}`."""
    for scene in held(chart, names):
        way = concepts()["conversions"].get(scene["key"])
        if way and scene["results"][-1].unit == way["from"]:
            yield {**scene, "unit": way["unit"], "way": way}


def pairs(chart: Chart, names: Names) -> Iterator[Scene]:
    """Two measurements, `{name}` and `{other}`, each with several results."""
    found = sorted(many(3)(chart, names), key=lambda scene: drawn(chart.ref, scene["key"], "pair"))
    for one, other in zip(found[::2], found[1::2], strict=False):
        yield {**one, "other": other["name"], "other_results": other["results"], "other_key": other["key"]}


def _converted(scene: Scene) -> Expected | None:
    way = scene["way"]
    return gold.converted(scene["results"], way["factor"], way.get("offset", 0), tuple(way["units"]))


INTENTS = {
    "latest": Intent(asked_latest, lambda s: gold.latest(s["results"])),
    "first": Intent(many(2), lambda s: gold.first(s["results"])),
    "highest": Intent(many(3), lambda s: gold.extreme(s["results"], max)),
    "lowest": Intent(many(3), lambda s: gold.extreme(s["results"], min)),
    "highest_in_window": Intent(in_a_year(2), lambda s: gold.extreme(s["window"], max)),
    "average": Intent(many(3), lambda s: gold.average(s["results"])),
    "average_in_window": Intent(in_a_year(3), lambda s: gold.average(s["window"])),
    "median_in_window": Intent(since_a_year, lambda s: gold.median(s["window"])),
    "value_on": Intent(on_a_day, lambda s: gold.on(s["results"], s["day"])),
    "value_near": Intent(between_days, lambda s: gold.near(s["results"], s["day"])),
    "value_before": Intent(between_days, lambda s: gold.before(s["results"], s["day"])),
    "value_after": Intent(between_days, lambda s: gold.after(s["results"], s["day"])),
    "change_overall": Intent(many(2), lambda s: gold.change(s["results"])),
    "change_between": Intent(two_days, lambda s: gold.change(s["window"])),
    "series": Intent(in_a_year(2), lambda s: gold.series(s["window"])),
    "trend": Intent(many(4), lambda s: gold.trend(s["results"])),
    "count_results": Intent(many(1), lambda s: gold.count(s["results"])),
    "count_results_in_window": Intent(in_a_year(1), lambda s: gold.count(s["window"])),
    "count_above": Intent(
        with_threshold, lambda s: gold.counted(s["results"], lambda value: value > s["threshold"])
    ),
    "count_below": Intent(
        with_threshold, lambda s: gold.counted(s["results"], lambda value: value < s["threshold"])
    ),
    "last_abnormal": Intent(many(2), lambda s: gold.last_outside(s["results"])),
    "out_of_range": Intent(many(2), lambda s: gold.all_outside(s["results"])),
    "time_since": Intent(held, lambda s: gold.since_last(s["results"], s["today"])),
    "overdue": Intent(due, lambda s: gold.overdue(s["results"], s["today"], s["months"])),
    "in_another_unit": Intent(convertible, _converted),
    "two_questions": Intent(
        pairs, lambda s: both(gold.latest(s["results"]), gold.latest(s["other_results"]))
    ),
}
