"""Questions about problems, medications and allergies."""

from collections.abc import Callable, Iterator
from typing import Any

from evals.everyday.scenes import Intent, Names, Scene, concepts, drawn, person, pick
from evals.gold import care, medications, problems
from evals.gold.chart import Chart, names_of
from evals.gold.expected import Expected

ABSENT = 2  # of the things that a chart does not have, so many are asked about


def of_the_chart(chart: Chart, names: Names) -> Iterator[Scene]:
    """The chart as a whole."""
    yield {**person(chart), "chart": chart}


def in_years(chart: Chart, names: Names) -> Iterator[Scene]:
    """The chart in each `{year}` of the last ten."""
    for year in range(chart.today.year - 9, chart.today.year + 1):
        yield {**person(chart), "chart": chart, "year": year}


def known_problems(chart: Chart, names: Names) -> Iterator[Scene]:
    """Each `{problem}` of the chart that has an everyday name or its own."""
    for key, concept in concepts()["problems"].items():
        found = problems.problem(chart, set(concept["codes"]), concept["like"])
        if found and found.records and key in names["problems"]:
            own = [] if "," in found.name else [found.name.lower()]
            name = pick([*names["problems"][key], *own], chart.ref, key)
            yield {**person(chart), "chart": chart, "key": key, "problem": name, "found": found}


def any_problem(chart: Chart, names: Names) -> Iterator[Scene]:
    """The problems of the chart, and a few that it lacks."""
    yield from known_problems(chart, names)
    texts = " ".join(name.lower() for item in chart.of("Condition") for name in names_of(item["code"]))
    lacking = [
        key
        for key, concept in concepts()["problems"].items()
        if concept["like"] not in texts and key in names["problems"]
    ]
    for key in sorted(lacking, key=lambda key: drawn(chart.ref, key, "lacks"))[:ABSENT]:
        found = problems.Problem("", ())
        name = pick(names["problems"][key], chart.ref, key)
        if problems.conditions(chart) is not None:
            yield {**person(chart), "chart": chart, "key": key, "problem": name, "found": found}


def known_drugs(chart: Chart, names: Names) -> Iterator[Scene]:
    """Each `{drug}` of the chart, by its generic name or a brand."""
    for key, words in concepts()["drugs"].items():
        if key in names["drugs"] and medications.of_drug(chart, words):
            yield _drug(chart, names, key, words)


def any_drug(chart: Chart, names: Names) -> Iterator[Scene]:
    """The drugs of the chart, and a few that it lacks."""
    yield from known_drugs(chart, names)
    lacking = [
        (key, words)
        for key, words in concepts()["drugs"].items()
        if key in names["drugs"] and not medications.of_drug(chart, words)
    ]
    for key, words in sorted(lacking, key=lambda one: drawn(chart.ref, one[0], "lacks"))[:ABSENT]:
        yield _drug(chart, names, key, words)


def _drug(chart: Chart, names: Names, key: str, words: list[str]) -> Scene:
    name = pick(names["drugs"][key], chart.ref, key)
    return {**person(chart), "chart": chart, "key": key, "drug": name, "words": tuple(words)}


def classes(chart: Chart, names: Names) -> Iterator[Scene]:
    """Each `{drug_class}`, where no drug is a doubtful member."""
    for key, concept in concepts()["classes"].items():
        if key in names["classes"] and not medications.of_drug(chart, concept.get("doubtful", ())):
            name = pick(names["classes"][key], chart.ref, key)
            words = tuple(concept["members"])
            yield {**person(chart), "chart": chart, "key": key, "drug_class": name, "words": words}


def substances(chart: Chart, names: Names) -> Iterator[Scene]:
    """Each `{substance}` that people are asked about."""
    for key, word in concepts()["substances"].items():
        if key in names["substances"]:
            name = pick(names["substances"][key], chart.ref, key)
            yield {**person(chart), "chart": chart, "key": key, "substance": name, "word": word}


def reactions(chart: Chart, names: Names) -> Iterator[Scene]:
    """Each allergy that has a reaction, by its `{substance}`."""
    held = care.substances(chart)
    for item in held:
        name = names_of(item.get("code"))[0].lower() if names_of(item.get("code")) else ""
        if name and sum(name in " ".join(names_of(one.get("code"))).lower() for one in held) == 1:
            yield {**person(chart), "chart": chart, "key": name, "substance": name, "item": item}


def _on(scene: Scene, how: Callable[[Chart, Any], Expected | None]) -> Expected | None:
    return how(scene["chart"], scene["words"])


INTENTS = {
    "active_problems": Intent(of_the_chart, lambda s: problems.active(s["chart"])),
    "past_problems": Intent(of_the_chart, lambda s: problems.past(s["chart"])),
    "has_problem": Intent(any_problem, lambda s: problems.has_now(s["found"])),
    "ever_had": Intent(any_problem, lambda s: problems.ever(s["found"])),
    "since_when": Intent(known_problems, lambda s: problems.since(s["found"])),
    "problem_resolved": Intent(known_problems, lambda s: problems.resolved(s["found"])),
    "problem_history": Intent(known_problems, lambda s: problems.history(s["found"])),
    "current_medications": Intent(of_the_chart, lambda s: medications.current(s["chart"])),
    "on_drug": Intent(any_drug, lambda s: _on(s, medications.now_on)),
    "on_class": Intent(classes, lambda s: _on(s, medications.now_on)),
    "was_on_drug": Intent(any_drug, lambda s: _on(s, medications.ever_on)),
    "drug_started": Intent(known_drugs, lambda s: _on(s, medications.started)),
    "drug_stopped": Intent(known_drugs, lambda s: _on(s, medications.stopped)),
    "drug_dose": Intent(known_drugs, lambda s: _on(s, medications.dose)),
    "drug_reason": Intent(known_drugs, lambda s: _on(s, medications.reason)),
    "drug_prescriber": Intent(known_drugs, lambda s: _on(s, medications.prescriber)),
    "prescribed_in_window": Intent(in_years, lambda s: medications.prescribed_in(s["chart"], s["year"])),
    "allergies": Intent(of_the_chart, lambda s: care.allergies(s["chart"])),
    "allergic_to": Intent(substances, lambda s: care.allergic_to(s["chart"], s["word"])),
    "allergy_reaction": Intent(reactions, lambda s: care.reaction(s["item"])),
}
