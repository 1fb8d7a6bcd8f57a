"""The chart in short: who the patient is, problems, medications, allergies, the last visits."""

from collections.abc import Callable

from agent.messages import Action
from agent.models.offline.chart import Row
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.listing import newest_of_each
from agent.models.offline.wording import Draft, cite, inline, name, reason, refs_of, when

CUES = {
    "summary": (
        "summary", "summarize", "summarise", "summary of", "overview", "overview of", "snapshot", "synopsis",
        "rundown", "recap", "brief me", "brief me on", "chart summary", "patient summary", "give a summary",
        "a quick summary", "short summary", "quick overview", "sum up", "summaries", "chart review",
        "review of", "big picture", "bring me up to speed", "catch me up", "highlights", "gist", "nutshell",
    ),
}  # fmt: skip

_SHOWN = 8
_NONE = {"allergy": "Allergies: no record, which is not the same as no allergies."}


def _summary(asked: Asked) -> Draft:
    found = asked.chart.fetch(Action(tool="chart_overview", arguments={}))
    sections: dict[str, list[Row]] = {}
    for row in found.rows:
        sections.setdefault(str(row.get("section")), []).append(row)
    patient = sections["patient"][0]
    lines, refs = [_person(patient)], [str(patient["ref"])]
    for section, label, item in _SECTIONS:
        rows = sections.get(section, [])
        if section == "encounter":
            rows = [row for row in rows if row.get("status") not in ("planned", "cancelled")][:1]
        shown = newest_of_each(rows)
        if shown:
            more = "; and others" if len(shown) > _SHOWN else ""
            lines.append(f"{label}: {'; '.join(map(item, shown[:_SHOWN]))}{more}.")
            refs += refs_of(shown[:_SHOWN])
        else:
            lines.append(_NONE.get(section, f"{label}: none recorded."))
    return Draft("\n".join(lines), tuple(refs[:40]))


def _person(row: Row) -> str:
    age = f", {row['age']} years old" if "age" in row else ""
    died = row.get("deceased")
    dead = "" if not died else ", recorded as deceased" if died is True else f", deceased on {str(died)[:10]}"
    sex = f", sex {row.get('sex', 'not recorded')}"
    return f"{row.get('name', 'No name recorded')}{age}{sex}{dead} {cite([row['ref']])}."


def _problem(row: Row) -> str:
    sure = row.get("verification")
    aside = f" ({sure})" if sure not in (None, "confirmed") else ""
    return f"{name(row)}{aside} {cite(refs_of([row]))}"


def _medication(row: Row) -> str:
    dose = f", {inline(row['dose'])}" if "dose" in row else ""
    return f"{name(row)}{dose} {cite(refs_of([row]))}"


def _allergy(row: Row) -> str:
    reaction = f" (reaction: {inline(row['reaction'])})" if "reaction" in row else ""
    return f"{name(row)}{reaction} {cite(refs_of([row]))}"


def _visit(row: Row) -> str:
    return f"{name(row)}{when(row)} ({reason(row)}) {cite(refs_of([row]))}"


_SECTIONS: tuple[tuple[str, str, Callable[[Row], str]], ...] = (
    ("problem", "Active problems", _problem),
    ("medication", "Current medications", _medication),
    ("allergy", "Allergies", _allergy),
    ("encounter", "Last visit", _visit),
)

INTENTS = (
    Intent("chart_summary", _summary, may=cues("what whether is who history list"), needs=(cues("summary"),)),
)
