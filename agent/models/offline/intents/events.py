"""Questions about immunizations and procedures: the list, the last, how many, and whether one was done."""

from agent.models.offline.chart import Found, Row, records
from agent.models.offline.concepts import Kind, stems_of_record
from agent.models.offline.intents.intent import Asked, Intent, cues, looks_ahead
from agent.models.offline.intents.listing import counted, recorded_as_none
from agent.models.offline.reading import Reading
from agent.models.offline.wording import (
    Draft,
    cite,
    day,
    inline,
    is_later,
    name,
    noted,
    plural,
    refs_of,
    when,
)

_NOT_DONE = ("not-done", "preparation", "in-progress", "on-hold", "stopped", "unknown")


def _item(row: Row) -> str:
    said = []
    if "date" not in row and "performed" in row:
        said.append(str(row["performed"]))
    if "end" in row and day(row["end"]) != day(row.get("date", "")):
        said.append(f"until {day(row['end'])}")
    if row.get("status") != "completed":
        said.append(f"status {row.get('status', 'unknown')}")
    if "status_reason" in row:
        said.append(f"because {inline(row['status_reason'])}")
    aside = f" ({', '.join(said)})" if said else ""
    dated = when(row) if "date" in row or "performed" not in row else ""
    return f"{name(row)}{dated}{aside} {cite(refs_of([row]))}"


def _answer(asked: Asked, kind: str, slot: Kind) -> Draft:
    found = asked.chart.fetch(records(kind, **asked.window_to_now))
    named = asked.named(slot)
    rows = found.rows
    if named:
        rows = [row for row in rows if named[0][0].in_any_order(stems_of_record(row.get("name")))]
    done = [row for row in rows if row.get("status") not in _NOT_DONE and not is_later(row, asked.now)]
    if not done:
        return _none(asked, kind, rows, found)
    # Records may call it otherwise (Hep B): the answer shows their names, not the question's.
    one = f"{'matching ' if named else ''}{kind.removesuffix('s')}"
    if asked.reading.cues & {"latest", "when"}:
        text = asked.wording.say("visit", "last", what=one, window=asked.said_window, item=_item(done[0]))
        return Draft(text + noted(found.notes, later=False), refs_of(done[:1]))
    return counted(asked, found, done, one, _item, each=True)


def _none(asked: Asked, kind: str, not_done: list[Row], found: Found) -> Draft:
    said = [mention.said for mention in asked.reading.mentions]
    told = " ".join([*said, kind.removesuffix("s")])
    if not_done:
        items = asked.wording.listed(not_done, _item)
        text = asked.wording.say("list", "not_done", what=told, items=items)
        return Draft(text, refs_of(not_done))
    if not found.complete:
        text = asked.wording.say("list", "incomplete", asked=told, n=len(found.rows))
        return Draft(text, (), "needs_review")
    if found.finding == "recorded_as_none":
        return recorded_as_none(asked, found)
    text = asked.wording.say("list", "none", what=plural(told), window=asked.said_window_to_now)
    return Draft(text + noted(found.notes), (), "not_in_chart")


def _immunizations(asked: Asked) -> Draft:
    return _answer(asked, "immunizations", "vaccine")


def _procedures(asked: Asked) -> Draft:
    return _answer(asked, "procedures", "procedure")


def _about_vaccines(reading: Reading) -> bool:
    """A word for vaccines, or a name that only a vaccine has; "is he immunized?" asks for a judgement."""
    only = bool(reading.mentions) and all(set(one.concepts) == {"vaccine"} for one in reading.mentions)
    judged = not reading.mentions and "is" in reading.cues and not reading.cues & cues("what whether count")
    return ("immunization" in reading.cues or only) and not judged and not looks_ahead(reading)


def _about_procedures(reading: Reading) -> bool:
    """A word for procedures, or the name of one with a word that asks for records of it."""
    asked = reading.cues & cues("whether past latest when count often list done history")
    named = bool(reading.mentions) and bool(asked or reading.plain or reading.follow)
    return ("procedure" in reading.cues or named) and not looks_ahead(reading)


_ASIDE = cues("what is whether past done latest when count often list recent history taken and")
INTENTS = (
    Intent(
        "immunizations",
        _immunizations,
        may=_ASIDE | {"immunization"},
        about="vaccine",
        bare=True,
        window=True,
        also=_about_vaccines,
    ),
    Intent(
        "procedures",
        _procedures,
        may=_ASIDE | {"procedure"},
        about="procedure",
        bare=True,
        window=True,
        also=_about_procedures,
    ),
)
