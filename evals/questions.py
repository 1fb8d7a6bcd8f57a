"""Questions over every sample chart, with gold from `evals.gold`: deterministic, wordings taken in turn."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from itertools import count
from typing import Any

from evals.gold import records as gold
from evals.gold.records import Gold, Resource

MEASUREMENTS_PER_CHART = 4
OUT_OF_REACH = "out_of_reach"


@dataclass(frozen=True)
class Question:
    """One question: which intent it tests, whom it is about, and what a right answer holds."""

    id: str
    intent: str
    patient: str
    text: str
    gold: Gold


def data(name: str) -> Any:
    """One of the JSON files beside this module."""
    return json.loads((files("evals") / f"{name}.json").read_text(encoding="utf-8"))


def charts(resources: Iterable[Resource]) -> dict[str, list[Resource]]:
    """Each patient's own resources, the Patient first, by `Patient/id`."""
    held: dict[str, list[Resource]] = {}
    rest = []
    for resource in resources:
        if resource["resourceType"] == "Patient":
            held[gold.ref(resource)] = [resource]
        else:
            rest.append(resource)
    for resource in rest:
        about = resource.get("subject") or resource.get("patient") or {}
        if about.get("reference") in held:
            held[about["reference"]].append(resource)
    return dict(sorted(held.items()))


def build(resources: Iterable[Resource], now: datetime) -> list[Question]:
    """Every question that is fair to ask of these charts."""
    everything = list(resources)
    named = {gold.ref(resource): resource for resource in everything}
    wordings: dict[str, list[str]] = data("wordings")
    turns: defaultdict[str, Iterator[int]] = defaultdict(count)
    asked: list[Question] = []

    def ask(intent: str, patient: str, answer: Gold | None, **slots: object) -> None:
        if answer is not None:
            wording = wordings[intent][next(turns[intent]) % len(wordings[intent])]
            number = len(asked) + 1
            asked.append(Question(f"{intent}-{number}", intent, patient, wording.format(**slots), answer))

    for patient, chart in charts(everything).items():
        _ask_measurements(ask, patient, chart, now)
        visits = gold.visits(chart)
        ask("count_encounters", patient, gold.count(chart, visits, None))
        if years := sorted({moment.year for item in visits if (moment := gold.when(item))}):
            ask("count_encounters_in_year", patient, gold.count(chart, visits, years[-1]), year=years[-1])
        ask("last_visit", patient, gold.last_visit(chart, now))
        ask("count_immunizations", patient, gold.immunizations(chart))
        ask("problems", patient, gold.problems(chart))
        ask("medications", patient, gold.listed(gold.current_medications(chart)))
        for drug in ("metformin", "lisinopril", "warfarin", "acetaminophen"):
            answer = gold.on_drug(chart, drug, named)
            if answer.refs or drug == "warfarin":
                ask("on_drug", patient, answer, drug=drug)
        ask("allergies", patient, gold.allergies(chart))
        ask("birth_date", patient, gold.demographic(chart[0], "birthDate"))
        ask("age", patient, gold.age(chart[0], now))
        ask("sex", patient, gold.demographic(chart[0], "gender"))
    return asked


def _ask_measurements(ask: Any, patient: str, chart: list[Resource], now: datetime) -> None:
    names: dict[str, list[str]] = data("measurements")
    held = {name: found for name, loinc in names.items() if (found := gold.measured(chart, loinc))}
    for name in list(held)[:: max(1, len(held) // MEASUREMENTS_PER_CHART)]:
        ask("latest", patient, gold.latest(chart, names[name], now), name=name)
    absent = next((name for name in names if name not in held), None)
    if absent:
        ask("latest", patient, gold.latest(chart, names[absent], now), name=absent)
    for name in list(held)[1:2]:
        ask("count_results", patient, gold.count(chart, held[name], None), name=name)
        if years := sorted({moment.year for item in held[name] if (moment := gold.when(item))}):
            answer = gold.count(chart, held[name], years[-1])
            ask("count_results_in_year", patient, answer, name=name, year=years[-1])


def out_of_reach(patients: list[str]) -> list[Question]:
    """Questions that a planner without a language model must refuse, each over another chart."""
    refused = Gold(status="refused")
    return [
        Question(f"{OUT_OF_REACH}-{number}", OUT_OF_REACH, patients[number % len(patients)], text, refused)
        for number, text in enumerate(data(OUT_OF_REACH), 1)
    ]
