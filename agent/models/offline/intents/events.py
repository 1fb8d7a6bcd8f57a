"""Questions about immunizations and procedures: the list, the last, how many, and whether one was done."""

from agent.models.offline.chart import Found, Row, records
from agent.models.offline.concepts import Concept, Kind, stems_of_record
from agent.models.offline.intents.intent import Asked, Intent, cues, looks_ahead
from agent.models.offline.reading import Reading
from agent.models.offline.wording import CITED, Draft, cite, day, name, noted, refs_of, when

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
        said.append(f"because {row['status_reason']}")
    aside = f" ({', '.join(said)})" if said else ""
    return f"{name(row)}{when(row)}{aside} {cite(refs_of([row]))}"


def _done(asked: Asked, kind: str, concept: Concept | None) -> tuple[list[Row], list[Row], Found]:
    """The records of the kind (of the thing asked about) that say it was done, those that do not; all."""
    window = asked.window
    if "latest" in asked.reading.cues or "when" in asked.reading.cues:
        window.setdefault("until", asked.now.isoformat())
    found = asked.chart.fetch(records(kind, **window))
    rows = found.rows
    if concept is not None:
        rows = [row for row in rows if concept.in_any_order(stems_of_record(row.get("name")))]
    done = [row for row in rows if row.get("status") not in _NOT_DONE]
    return done, [row for row in rows if row.get("status") in _NOT_DONE], found


def _answer(asked: Asked, kind: str, slot: Kind) -> Draft:
    concept = asked.concept(slot)
    done, not_done, found = _done(asked, kind, concept)
    one = kind.removesuffix("s")
    what = f"{concept.name} {one} records" if concept else f"{one} records"
    if not done:
        return _none(asked, what, not_done, found)
    if asked.reading.cues & {"latest", "when"}:
        text = asked.wording.say(
            "visit",
            "last",
            what=what.removesuffix(" records"),
            window=asked.said_window,
            item=_item(done[0]),
        )
        return Draft(text + noted(found.notes), refs_of(done[:1]))
    items = asked.wording.listed(done, _item, len(done))
    if len(done) == found.total and found.complete:
        text = asked.wording.say(
            "list", "items", n=len(done), what=what, window=asked.said_window, items=items
        )
    elif len(done) <= CITED and found.complete:
        text = asked.wording.say(
            "visit",
            "items",
            n=len(done),
            what=what,
            window=asked.said_window,
            cite=cite(refs_of(done)),
            items=items,
        )
    else:
        text = asked.wording.say("visit", "many", what=what, window=asked.said_window, item=_item(done[0]))
        return Draft(text + noted(found.notes), refs_of(done[:1]), "needs_review")
    return Draft(text + noted(found.notes), refs_of(done))


def _none(asked: Asked, what: str, not_done: list[Row], found: Found) -> Draft:
    if not_done:
        items = asked.wording.listed(not_done, _item, len(not_done))
        return Draft(asked.wording.say("list", "not_done", what=what, items=items), refs_of(not_done))
    if not found.complete:
        text = asked.wording.say("list", "incomplete", asked=what, n=len(found.rows))
        return Draft(text, (), "needs_review")
    text = asked.wording.say("list", "none", what=what, window=asked.said_window)
    return Draft(text + noted(found.notes), (), "not_in_chart")


def _immunizations(asked: Asked) -> Draft:
    return _answer(asked, "immunizations", "vaccine")


def _procedures(asked: Asked) -> Draft:
    return _answer(asked, "procedures", "procedure")


def _about_vaccines(reading: Reading) -> bool:
    """A word for vaccines, or a name that only a vaccine has; "is he immunized?" asks for a judgement."""
    only = bool(reading.mentions) and all(set(one.concepts) == {"vaccine"} for one in reading.mentions)
    judged = not reading.mentions and "is" in reading.cues and not reading.cues & {"what", "whether"}
    return ("immunization" in reading.cues or only) and not judged and not looks_ahead(reading)


def _about_procedures(reading: Reading) -> bool:
    """A word for procedures, or the name of one with a word that asks for records of it."""
    asked = reading.cues & cues("whether past latest when count list done history")
    named = bool(reading.mentions) and bool(asked or reading.plain or reading.follow)
    return ("procedure" in reading.cues or named) and not looks_ahead(reading)


_ASIDE = cues("what is whether past done latest when count list recent history taken and")
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
