"""Questions about the person, what stands for the person, events, and summaries."""

from collections.abc import Callable, Iterator
from datetime import date

from evals.everyday import clinical, visits
from evals.everyday.clinical import of_the_chart
from evals.everyday.measurements import many
from evals.everyday.scenes import Intent, Names, Scene, concepts, dates, drawn, person, pick
from evals.gold import care, events, measurements, medications, people, problems, summaries
from evals.gold.chart import Chart, whole_day
from evals.gold.expected import Expected, both
from evals.gold.records import ref

ENDED = {"completed", "revoked", "cancelled", "inactive", "rejected", "entered-in-error", "suspended"}


def past_days(chart: Chart, names: Names) -> Iterator[Scene]:
    """A `{date}` and a `{year}` of the patient's life."""
    born = whole_day(chart.patient.get("birthDate"))
    if born is None:
        return
    for age in (4, 11, 18, 30, 47, 60):
        day = date(born.year + age, 1 + drawn(chart.ref, age) % 12, 1 + drawn(age, chart.ref) % 28)
        if day < chart.today:
            yield {**person(chart), "chart": chart, "day": day, **dates(day)}


def relatives(chart: Chart, names: Names) -> Iterator[Scene]:
    """Each `{problem}` that runs in families."""
    for key in (
        "type_2_diabetes",
        "hypertension",
        "stroke",
        "prostate_cancer",
        "breast_cancer",
        "hyperlipidemia",
    ):
        if key in names["problems"]:
            concept = concepts()["problems"][key]
            name = pick(names["problems"][key], chart.ref, key)
            yield {**person(chart), "chart": chart, "key": key, "problem": name, **concept}


def things(chart: Chart, names: Names) -> Iterator[Scene]:
    """Each event of the chart with one day: as `{event}` (a noun) and `{happened}` (a clause)."""
    for scene in clinical.known_drugs(chart, names):
        found = medications.taken(chart, scene["words"])
        day = medications.first_day(found) if found else None
        if found and day:
            record = next(ref(one) for one in found if str(medications.begun(one))[:10] == day)
            drug = scene["drug"]
            yield _event(
                chart, day, record, event=f"the start of {drug}", happened=f"{drug} was started", kind="drug"
            )
    for scene in clinical.known_problems(chart, names):
        since = problems.since(scene["found"]) if len(scene["found"].records) == 1 else None
        if since and len(scene["found"].records[0].get("onsetDateTime", "")) >= 10:
            name, onset = scene["problem"], str(scene["found"].records[0]["onsetDateTime"])[:10]
            record = ref(scene["found"].records[0])
            yield _event(
                chart,
                onset,
                record,
                event=f"the diagnosis of {name}",
                happened=f"{name} was diagnosed",
                kind="problem",
            )
    for scene in visits.procedures(chart, names):
        if len(scene["done"]) == 1:
            name, day = scene["procedure"], str(care.dated(scene["done"][0]))
            record = ref(scene["done"][0])
            yield _event(
                chart, day, record, event=f"the {name}", happened=f"the {name} was done", kind="procedure"
            )
    stays = care.visits(chart, "IMP")
    if stays:
        day, record = str(care.dated(stays[-1])), ref(stays[-1])
        she = person(chart)["she"]
        yield _event(
            chart,
            day,
            record,
            event="the last admission",
            happened=f"{she} was last admitted",
            kind="admission",
        )


def _event(chart: Chart, day: str, record: str, *, event: str, happened: str, kind: str) -> Scene:
    return {
        **person(chart),
        "chart": chart,
        "on": date.fromisoformat(day),
        "record": record,
        "event": event,
        "happened": happened,
        "what": kind,
    }


def measured_events(*kinds: str) -> Callable[[Chart, Names], Iterator[Scene]]:
    """Each event of some kinds, with each measurement."""

    def scenes(chart: Chart, names: Names) -> Iterator[Scene]:
        happened = [scene for scene in things(chart, names) if not kinds or scene["what"] in kinds]
        if not happened:
            return
        for scene in many(2)(chart, names):
            for event in happened:
                yield {**scene, **event}

    return scenes


def joined(chart: Chart, names: Names) -> Iterator[Scene]:
    """A `{drug}` and a measurement, for two questions in a sentence."""
    for drug, scene in zip(clinical.known_drugs(chart, names), many(2)(chart, names), strict=False):
        yield {**drug, **scene}


def known_at(chart: Chart, names: Names) -> Iterator[Scene]:
    """Each problem with one onset, to ask how old the patient was."""
    return (scene for scene in things(chart, names) if scene["what"] == "problem")


def _two(scene: Scene) -> Expected | None:
    first = measurements.latest(scene["results"])
    second = medications.now_on(scene["chart"], scene["words"])
    return both(first, second if second and second.status == "answered" else None)


def _standing(kind: str, active: set[str]) -> Intent:
    ended = ENDED | {"inactive", "completed"}
    return Intent(of_the_chart, lambda s: people.standing(s["chart"], kind, active, ended))


def _changed(scene: Scene) -> Expected | None:
    held = care.visits(scene["chart"])
    return (
        summaries.since_visit(scene["chart"], date.fromisoformat(str(care.dated(held[-1])))) if held else None
    )


def _window(scene: Scene) -> Expected | None:
    return summaries.of_window(scene["chart"], date(scene["year"], 1, 1), date(scene["year"], 12, 31))


INTENTS = {
    "birth_date": Intent(of_the_chart, lambda s: people.birth_date(s["chart"])),
    "sex": Intent(of_the_chart, lambda s: people.sex(s["chart"])),
    "age_now": Intent(of_the_chart, lambda s: people.age(s["chart"], s["chart"].today)),
    "age_on": Intent(past_days, lambda s: people.age(s["chart"], s["day"])),
    "age_at_event": Intent(known_at, lambda s: people.age(s["chart"], s["on"])),
    "language": Intent(of_the_chart, lambda s: people.language(s["chart"])),
    "family_history": Intent(of_the_chart, lambda s: people.family(s["chart"])),
    "in_family": Intent(relatives, lambda s: people.in_family(s["chart"], set(s["codes"]), s["like"])),
    "smoking": Intent(of_the_chart, lambda s: people.habit(s["chart"], "72166-2")),
    "alcohol": Intent(of_the_chart, lambda s: people.habit(s["chart"], "11331-6")),
    "coverage": Intent(of_the_chart, lambda s: people.cover(s["chart"])),
    "devices": _standing("Device", {"active"}),
    "care_team": _standing("CareTeam", {"active"}),
    "care_plans": _standing("CarePlan", {"active"}),
    "goals": _standing("Goal", {"active"}),
    "value_at_event": Intent(measured_events(), lambda s: events.at(s["results"], s["on"])),
    "value_before_event": Intent(
        measured_events(), lambda s: events.before(s["results"], s["on"], s["record"])
    ),
    "value_after_event": Intent(
        measured_events(), lambda s: events.after(s["results"], s["on"], s["record"])
    ),
    "values_since_event": Intent(
        measured_events("drug", "procedure", "admission"),
        lambda s: events.since(s["results"], s["on"], s["record"]),
    ),
    "value_and_drug": Intent(joined, _two),
    "summary": Intent(of_the_chart, lambda s: summaries.of_chart(s["chart"])),
    "summary_of_problem": Intent(clinical.known_problems, lambda s: summaries.of_problem(s["found"])),
    "summary_of_window": Intent(clinical.in_years, _window),
    "changed_since_visit": Intent(of_the_chart, _changed),
}
