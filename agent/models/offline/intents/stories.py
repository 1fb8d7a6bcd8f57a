"""One problem through the chart: its records, what is given for it by the records' own reasons, its notes."""

from agent.messages import Action
from agent.models.offline.chart import Row, records
from agent.models.offline.concepts import stems_of_record
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.listing import newest_of_each
from agent.models.offline.reading import Reading
from agent.models.offline.wording import CITED, Draft, cite, day, inline, name, refs_of, when

CUES = {
    "about": (
        "about", "tell me about", "tell me more about", "tell me everything about", "what do we know about",
        "what do you know about", "everything about", "story of", "full picture of", "know about",
        "all about", "background on",
    ),
}  # fmt: skip

_SHOWN = 5


def _story(asked: Asked) -> Draft:
    concept, said = asked.named("problem")[0]
    problems, medications, notes = asked.chart.fetch_all(
        [
            records("problems"),
            records("medications"),
            Action(tool="search_notes", arguments={"text": f'"{said}"', "limit": 3}),
        ]
    )
    mine = [
        row
        for row in problems.rows
        if concept.in_order(stems_of_record(row.get("name"))) and row.get("verification") != "refuted"
    ]
    if not mine:
        return Draft(f"No problem record matches “{said}” ({problems.total} checked).", (), "not_in_chart")
    refs = list(refs_of(mine[:1]))
    lines = [f"{_problem(mine[0])}."]
    dated = sorted((row for row in mine if "date" in row), key=lambda row: str(row["date"]))
    if len(mine) > 1 and dated and dated[0] is not mine[0]:
        every = refs_of(mine)[:CITED]
        lines.append(f"Earliest of its records: {_problem(dated[0])}.")
        refs += [dated[0]["ref"], *every]
    given = [
        row
        for row in medications.rows
        if "reason" in row and concept.in_order(stems_of_record(row["reason"]))
    ]
    by_name = newest_of_each(given)
    if by_name:
        items = "; ".join(_medication(row) for row in by_name[:_SHOWN])
        more = "; and others" if len(by_name) > _SHOWN else ""
        lines.append(f"Medications recorded as given for it: {items}{more}.")
        refs += refs_of(by_name[:_SHOWN])
    else:
        lines.append("No medication record names it as its reason.")
    if notes.rows:
        items = "; ".join(
            f"{row.get('type', 'note')}{when(row)} {cite(refs_of([row]))}" for row in notes.rows
        )
        lines.append(f"Notes that mention it, the best matches: {items}.")
        refs += refs_of(notes.rows)
    else:
        lines.append("No note mentions it by that name.")
    return Draft("\n".join(lines), tuple(dict.fromkeys(refs))[:40])


def _problem(row: Row) -> str:
    said = [str(row.get("status", "status unknown"))]
    if "onset" in row:
        said.append(f"onset {day(row['onset'])}")
    if "abated" in row:
        said.append(f"ended {day(row['abated'])}")
    if row.get("verification") not in (None, "confirmed"):
        said.append(str(row["verification"]))
    return f"{name(row)} ({', '.join(said)}) {cite(refs_of([row]))}"


def _medication(row: Row) -> str:
    aside = f"{row.get('status', 'unknown')}, reason: {inline(row['reason'])}"
    return f"{name(row)}{when(row)} ({aside}) {cite(refs_of([row]))}"


def _of_a_problem(reading: Reading) -> bool:
    return len(reading.mentions) == 1 and bool(reading.cues & {"about", "summary"})


INTENTS = (
    Intent(
        "problem_story",
        _story,
        may=cues("about summary what whether history problem and"),
        about="problem",
        also=_of_a_problem,
    ),
)
