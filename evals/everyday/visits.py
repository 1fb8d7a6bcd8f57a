"""Questions about vaccines, procedures, visits, orders, documents, what notes say, and imaging."""

from collections.abc import Callable, Iterator
from datetime import date

from evals.everyday.clinical import of_the_chart
from evals.everyday.measurements import confusable
from evals.everyday.scenes import Intent, Names, Scene, concepts, person, pick
from evals.gold import care, documents
from evals.gold.chart import Chart, names_of
from evals.gold.expected import Expected

ORDINALS = {1: "second", 2: "third"}


def vaccines(chart: Chart, names: Names) -> Iterator[Scene]:
    """Each `{vaccine}`, with the doses that were given."""
    for key, concept in concepts()["vaccines"].items():
        done = care.given(chart, set(concept["codes"]), concept["like"])
        if key in names["vaccines"] and done is not None:
            texts = " ".join(
                n.lower() for item in chart.of("Immunization") for n in names_of(item["vaccineCode"])
            )
            name = pick(names["vaccines"][key], chart.ref, key)
            mentioned = concept["like"] in texts
            not_done = care.not_given(chart, set(concept["codes"]))
            told = {"done": done, "not_done": not_done, "mentioned": mentioned}
            yield {**person(chart), "key": key, "vaccine": name, **told}


def procedures(chart: Chart, names: Names) -> Iterator[Scene]:
    """Each `{procedure}`, with the times that it was done."""
    for key, concept in concepts()["procedures"].items():
        done = care.procedures(chart, set(concept["codes"]), concept["like"])
        if key in names["procedures"] and done is not None:
            name = pick(names["procedures"][key], chart.ref, key)
            yield {**person(chart), "key": key, "procedure": name, "done": done, "mentioned": bool(done)}


def nth_procedures(chart: Chart, names: Names) -> Iterator[Scene]:
    """Procedures that were done several times, and which of these (`{nth}`)."""
    for scene in procedures(chart, names):
        for number, word in ORDINALS.items():
            if len(scene["done"]) > number and len({care.dated(one) for one in scene["done"]}) == len(
                scene["done"]
            ):
                yield {**scene, "number": number, "nth": word}


def done(scenes: Callable[[Chart, Names], Iterator[Scene]]) -> Callable[[Chart, Names], Iterator[Scene]]:
    """Those that were done at least once."""
    return lambda chart, names: (scene for scene in scenes(chart, names) if scene["done"])


def visits_in_years(chart: Chart, names: Names) -> Iterator[Scene]:
    """The visits of each `{year}` that has some."""
    held = care.visits(chart)
    for year in sorted({date.fromisoformat(str(care.dated(one))).year for one in held or []})[-8:]:
        found = care.visits_in(held or [], date(year, 1, 1), date(year, 12, 31))
        if found:
            yield {**person(chart), "year": year, "visits": found}


def emergencies_since(chart: Chart, names: Names) -> Iterator[Scene]:
    """The emergency visits since a `{year}`."""
    held = care.visits(chart, "EMER")
    for year in (2010, 2018, 2022, 2024, 2025):
        found = care.visits_in(held or [], date(year, 1, 1), None)
        if found:
            yield {**person(chart), "year": year, "visits": found}


def by_class(*classes: str) -> Callable[[Chart, Names], Iterator[Scene]]:
    """The visits of some classes, where the chart has any."""

    def scenes(chart: Chart, names: Names) -> Iterator[Scene]:
        found = care.visits(chart, *classes)
        if found:
            yield {**person(chart), "visits": found}

    return scenes


def ordered(chart: Chart, names: Names) -> Iterator[Scene]:
    """Each `{name}` of a test that can have been ordered."""
    for key, concept in concepts()["measurements"].items():
        if key in names["measurements"] and not confusable(chart, key, concept):
            name = pick(names["measurements"][key], chart.ref, key)
            loinc = frozenset(concept["codes"])
            yield {**person(chart), "chart": chart, "key": key, "name": name, "codes": loinc}


def linked_reports(chart: Chart, names: Names) -> Iterator[Scene]:
    """Each type of report, where the chart's reports say which results are theirs."""
    if all(item.get("result") or item.get("imagingStudy") for item in chart.of("DiagnosticReport")):
        yield from typed("reports")(chart, names)


def typed(kind: str) -> Callable[[Chart, Names], Iterator[Scene]]:
    """Each type of document or report (`{document}`)."""

    def scenes(chart: Chart, names: Names) -> Iterator[Scene]:
        for key, like in concepts()[kind].items():
            if key in names[kind]:
                name = pick(names[kind][key], chart.ref, key)
                yield {**person(chart), "chart": chart, "key": key, "document": name, "like": like}

    return scenes


def mentioned(chart: Chart, names: Names) -> Iterator[Scene]:
    """Each `{word}` that notes are searched for."""
    for word in names["mentions"]["words"]:
        yield {**person(chart), "chart": chart, "word": word}


def imaging(chart: Chart, names: Names) -> Iterator[Scene]:
    """Each modality (`{imaging}`), with its studies."""
    for key, concept in concepts()["imaging"].items():
        found = documents.studies(chart, set(concept["codes"]))
        if key in names["imaging"] and found is not None and chart.of("ImagingStudy"):
            name = pick(names["imaging"][key], chart.ref, key)
            yield {**person(chart), "chart": chart, "key": key, "imaging": name, "studies": found}


def imaging_of_a_site(chart: Chart, names: Names) -> Iterator[Scene]:
    """Each modality of a `{site}`, where there is a study of it."""
    for scene in imaging(chart, names):
        for site, like in concepts()["sites"].items():
            found = documents.studies(chart, set(concepts()["imaging"][scene["key"]]["codes"]), like)
            if found and site in names["sites"]:
                yield {**scene, "site": pick(names["sites"][site], chart.ref, site), "studies": found}


def _newest(scene: Scene, *kinds: str) -> Expected | None:
    likes = scene["like"] if isinstance(scene["like"], list) else [scene["like"]]
    return documents.newest_of(scene["chart"], kinds, tuple(likes))


INTENTS = {
    "vaccine_last": Intent(done(vaccines), lambda s: care.nth(s["done"], -1)),
    "vaccine_list": Intent(done(vaccines), lambda s: care.all_of(s["done"], s["not_done"])),
    "vaccine_count": Intent(done(vaccines), lambda s: care.counted(s["done"])),
    "had_vaccine": Intent(vaccines, lambda s: care.whether(s["done"], s["mentioned"])),
    "procedure_last": Intent(done(procedures), lambda s: care.nth(s["done"], -1)),
    "procedure_nth": Intent(nth_procedures, lambda s: care.nth(s["done"], s["number"])),
    "procedure_list": Intent(done(procedures), lambda s: care.all_of(s["done"])),
    "had_procedure": Intent(procedures, lambda s: care.whether(s["done"], s["mentioned"])),
    "visits_in_window": Intent(visits_in_years, lambda s: care.counted(s["visits"])),
    "last_visit": Intent(by_class(), lambda s: care.last_visit(s["visits"])),
    "last_emergency": Intent(by_class("EMER"), lambda s: care.last_visit(s["visits"])),
    "last_admission": Intent(by_class("IMP"), lambda s: care.last_visit(s["visits"])),
    "emergencies_since": Intent(emergencies_since, lambda s: care.counted(s["visits"])),
    "length_of_stay": Intent(by_class("IMP"), lambda s: care.stay(s["visits"])),
    "admission_reason": Intent(by_class("IMP"), lambda s: care.why(s["visits"])),
    "visit_reason": Intent(by_class(), lambda s: care.why(s["visits"])),
    "open_orders": Intent(of_the_chart, lambda s: documents.open_orders(s["chart"])),
    "order_result": Intent(ordered, lambda s: documents.results_of(s["chart"], s["codes"])),
    "last_document": Intent(typed("documents"), lambda s: _newest(s, "DocumentReference", "Composition")),
    "last_report": Intent(linked_reports, lambda s: _newest(s, "DiagnosticReport")),
    "report_conclusion": Intent(typed("reports"), lambda s: documents.conclusion(s["chart"], s["like"])),
    "notes_say": Intent(mentioned, lambda s: documents.mentioning(s["chart"], s["word"])),
    "imaging_last": Intent(imaging, lambda s: documents.last_study(s["chart"], s["studies"])),
    "imaging_of_site": Intent(imaging_of_a_site, lambda s: documents.last_study(s["chart"], s["studies"])),
    "imaging_count": Intent(imaging, lambda s: documents.count_studies(s["studies"])),
}
