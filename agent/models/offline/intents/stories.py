"""One problem through the chart: its records, what is given for it by the records' own reasons, its notes."""

from agent.messages import Action
from agent.models.offline.chart import Row, records
from agent.models.offline.concepts import stems_of_record
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.listing import newest_of_each
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, cite, day, inline, name, refs_of, when

CUES = {
    "about": (
        "about", "tell me about", "tell me more about", "tell me everything about", "what do we know about",
        "what do you know about", "everything about", "story of", "full picture of", "know about",
        "all about", "background on", "everything to do with", "everything related to",
        "everything concerning", "everything regarding", "related to", "story with",
        "the story with", "what the story with",
        "matters about", "what matters about", "what matters most about", "focused on", "focusing on",
        "focussed on", "centered on", "contains concerning", "summary concerning", "summary regarding",
        "where we are with", "where we stand with", "where things stand with", "where are we with",
        "including treatment", "including medication", "including the treatment", "including its treatment",
        "everything relevant to", "anything relevant to", "relevant to", "everything connected to",
        "everything connected with", "everything pertaining to", "everything that has to do with",
        "everything having to do with", "all there is on", "all there is to know about", "backstory",
        "backstory on", "backstory of", "back story", "back story on", "back story of",
        "take me through", "talk me through", "story", "low down on", "lowdown on", "condense",
        "what is the situation with", "the situation with", "situation with", "state of play with",
        "the state of play with", "how are things with", "how things are with", "down about", "say about",
        "describe", "describe to me", "describe for me", "where do we stand with",
        "where do we stand on", "where does she stand with", "where does he stand with",
        "where things stand on",
        "where are we on", "where are we at with", "let us hear about", "lets hear about", "hear about",
        "put together an overview of", "put together a summary of", "put together what we know about",
        "put together what we have on", "pull together what we know on", "pull together what we know about",
        "pull together what we have on", "pull together everything on", "what we know on", "what we have on",
        "what do we have on", "what do you have on", "what do we know on", "what has been happening with",
        "what has been going on with", "what is happening with", "what is going on with",
        "the whole picture of", "the whole picture on", "the full picture on", "full picture on",
        "the whole story of", "whole story of", "a paragraph on", "one paragraph on", "a few lines on",
        "a couple of lines on", "two lines on", "a line on", "write a summary of", "write me a summary of",
        "write a short summary of", "write me a short summary of",
        "everything we have on", "everything there is on", "everything in the chart on",
        "everything in the chart about", "everything on the chart about", "what the chart has on",
        "what the chart says about", "what does the chart tell us about", "what does the chart say on",
        "what does the chart have on", "make a synopsis", "make a summary", "make a short summary",
        "make me a summary",
    ),
}  # fmt: skip

_SHOWN = 5


def _story(asked: Asked) -> Draft:
    concept, said = asked.named("problem")[0]
    about = Action(tool="search_notes", arguments={"text": f'"{said}"', "limit": 3})
    problems, notes = asked.chart.fetch_all([records("problems"), about])
    medications = asked.chart.sayings(records("medications"))
    mine = [
        row
        for row in problems.rows
        if concept.in_order(stems_of_record(row.get("name"))) and row.get("verification") != "refuted"
    ]
    read = problems.complete and medications.complete
    if not mine and not problems.complete:
        return Draft(asked.wording.say("list", "incomplete", asked=said, n=0), (), "needs_review")
    if not mine:
        return Draft(f"No problem record matches “{said}” ({problems.total} checked).", (), "not_in_chart")
    refs = list(refs_of(mine[:1]))
    lines = [f"{_problem(mine[0])}."]
    if len(mine) > 1:
        more = "; and others" if len(mine) > _SHOWN + 1 else ""
        lines.append(f"Also recorded: {'; '.join(map(_problem, mine[1 : _SHOWN + 1]))}{more}.")
        refs += refs_of(mine[1 : _SHOWN + 1])
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
    elif medications.complete:
        lines.append("No reason of a medication record names it.")
    if not read:
        lines.append("Not every problem and medication record could be read.")
    if notes.rows:
        items = "; ".join(
            f"{row.get('type', 'note')}{when(row)} {cite(refs_of([row]))}" for row in notes.rows
        )
        lines.append(f"Notes that mention it, the best matches: {items}.")
        refs += refs_of(notes.rows)
    else:
        lines.append("No note mentions it by that name.")
    text, cited = "\n".join(lines), tuple(dict.fromkeys(refs))[:40]
    return Draft(text, cited, "answered" if read else "needs_review")


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
        may=cues("about summary what whether history problem and list is status_of medication diagnosed"),
        about="problem",
        also=_of_a_problem,
    ),
)
