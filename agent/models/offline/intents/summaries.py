"""The chart in short: who the patient is, problems, medications, allergies, the last visits."""

from collections.abc import Callable

from agent.messages import Action
from agent.models.offline.chart import Row
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.listing import newest_of_each
from agent.models.offline.wording import Draft, cite, inline, name, noted, reason, refs_of, when

CUES = {
    "summary": (
        "summary", "summarize", "summarise", "summary of", "overview", "overview of", "snapshot",
        "synopsis", "rundown", "recap", "brief me", "brief me on", "chart summary", "patient summary",
        "give a summary", "a quick summary", "short summary", "quick overview", "sum up", "summaries",
        "chart review", "review of", "big picture", "one liner", "1 liner", "brief", "short", "in general",
        "general overview", "synthesis", "in few words", "in some words", "case overview",
        "overview of the case", "summary of the case", "run down on", "rundown on",
        "run down of everything", "rundown of everything", "main things about", "main things",
        "main points about", "important things about", "sum her up", "sum him up",
        "important points about", "key things about", "most important things about", "in brief", "briefly",
        "in short", "in a few words", "in a nutshell", "in a few lines", "at a glance", "quick rundown",
        "short version", "elevator pitch", "thumbnail", "thumbnail sketch", "capsule summary",
        "bullet summary", "chart digest", "digest", "quick look", "main points", "key points", "key facts",
        "essentials", "the basics", "outline", "short overview", "brief overview", "brief summary",
        "concise summary", "general picture", "abstract", "what do i need to know about",
        "what do i need to know", "what should i know about", "case summary",
        "what do i need to know here", "what is the story with", "what is the story on",
        "what is the story", "the story on", "what is the deal with", "background of", "patient overview",
        "get me up to speed", "clinical summary", "medical summary", "summary sheet", "clinical overview",
        "quick picture", "sketch of", "bring us up to speed", "bring me up to date",
        "bring me up to date on", "up to speed on", "tldr", "orient me", "profile", "patient profile",
        *(f"{head} of {whose} care" for head in ("overview", "summary") for whose in ("her", "his", "the")),
        *(f"{head} of {whose} chart" for head in ("overview", "summary") for whose in ("her", "his", "the")),
        "bring me up to speed", "catch me up",
        *(
            f"{verb} {whom} {how} on"
            for verb, how in (("catch", "up"), ("bring", "up to speed"), ("get", "up to speed"))
            for whom in ("me", "us")
        ),
        "catch us up", "update me on", "highlights", "gist", "nutshell",
    ),
}  # fmt: skip

_SHOWN = 8
_NONE = {"allergy": "Allergies: no record, which is not the same as no allergies."}


def _summary(asked: Asked) -> Draft:
    wanted = ["patient", *(section for section, _, _ in _SECTIONS)]
    found = asked.chart.fetch(Action(tool="chart_overview", arguments={"sections": wanted}))
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
            none = _NONE.get(section, f"{label}: none recorded.")
            lines.append(none if found.complete else f"{label}: none that could be read.")
    if not found.complete:
        lines.append(f"Not all of it could be read.{noted(found.notes)}")
    return Draft("\n".join(lines), tuple(refs[:40]), "answered" if found.complete else "needs_review")


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
    Intent(
        "chart_summary",
        _summary,
        may=cues("what whether is who history list and about"),
        needs=(cues("summary"),),
    ),
)
