"""Questions about visits: the last one, the list, and how many, of every class or of one."""

from agent.models.offline.chart import Found, Row, records
from agent.models.offline.intents.intent import Asked, Intent, cues, looks_ahead
from agent.models.offline.intents.listing import counted
from agent.models.offline.reading import Reading
from agent.models.offline.wording import (
    CITED,
    Draft,
    cite,
    day,
    is_later,
    many,
    name,
    noted,
    plural,
    reason,
    refs_of,
    when,
)

# Not visits that took place.
_NOT_HELD = ("planned", "cancelled", "arrived", "triaged")


def _item(row: Row) -> str:
    said = []
    if row.get("class") and row["class"] != row.get("name"):
        said.append(str(row["class"]))
    if "end" in row and day(row["end"]) != day(row.get("date", "")):
        said.append(f"until {day(row['end'])}")
    if row.get("status") not in (None, "finished"):
        said.append(str(row["status"]))
    said.append(reason(row))
    return f"{name(row)}{when(row)} ({'; '.join(said)}) {cite(refs_of([row]))}"


def _visits(asked: Asked) -> tuple[list[Row], str, Found]:
    """The visits of the class asked for, held or not; what one is called; all that was read."""
    found = asked.chart.fetch(records("encounters", **asked.window_to_now))
    wanted = [concept for concept, _ in asked.named("visit")]
    if not wanted:
        return found.rows, "visit", found
    classes = {word.lower() for word in asked.lexicon.visit_classes[wanted[0].name]}
    of_class = [row for row in found.rows if str(row.get("class", "")).lower() in classes]
    return of_class, f"{asked.lexicon.visit_names[wanted[0].name]} visit", found


def _took_place_by_now(asked: Asked, row: Row) -> bool:
    return row.get("status") not in _NOT_HELD and not is_later(row, asked.now)


def _last(asked: Asked) -> Draft:
    every, noun, found = _visits(asked)
    rows = [row for row in every if _took_place_by_now(asked, row)]
    if not rows:
        return _none(asked, noun, every, found)
    text = asked.wording.say("visit", "last", what=noun, window=asked.said_window, item=_item(rows[0]))
    return Draft(text + noted(found.notes, later=False), refs_of(rows[:1]))


def _all(asked: Asked) -> Draft:
    every, noun, found = _visits(asked)
    rows = [row for row in every if _took_place_by_now(asked, row)]
    if not rows:
        return _none(asked, noun, every, found)
    if len(rows) > CITED and len(rows) != found.total:
        # Too many to cite each: a search for the class alone must come to the same number.
        same = asked.chart.fetch(records("encounters", text=str(rows[0]["class"]), **asked.window_to_now))
        if same.complete and {row["ref"] for row in same.rows} == {row["ref"] for row in rows}:
            n = many(len(rows), noun)
            text = asked.wording.say("visit", "counted", n=n, window=asked.said_window, item=_item(rows[0]))
            return Draft(text + noted(found.notes), refs_of(rows))
    return counted(asked, found, rows, noun, _item)


def _none(asked: Asked, noun: str, not_held: list[Row], found: Found) -> Draft:
    if not_held:
        items = asked.wording.listed(not_held, _item)
        text = asked.wording.say("visit", "not_held", what=noun, window=asked.said_window, items=items)
        return Draft(text, refs_of(not_held))
    text = asked.wording.say("list", "none", what=plural(noun), window=asked.said_window_to_now)
    return Draft(text + noted(found.notes), (), "not_in_chart" if found.complete else "needs_review")


def _is_about_visits(reading: Reading) -> bool:
    """A word for a visit, or a class of visit; "er" and "ed" alone (which is more than a room) are not."""
    alone = {mention.said for mention in reading.mentions} & {"er", "ed"}
    other = reading.cues & cues("visit latest when count list recent")
    about = "visit" in reading.cues or bool(reading.mentions and (other or not alone))
    return about and not looks_ahead(reading)


def _took_place(reading: Reading) -> bool:
    """ "Is he hospitalized?" asks for the present, which a list of visits does not tell."""
    past = reading.cues & cues("whether past visit count often list recent history") or reading.window
    return _is_about_visits(reading) and bool(past)


_ASIDE = cues("what is whether past reason visit and")
INTENTS = (
    Intent(
        "last_visit",
        _last,
        may=_ASIDE,
        needs=(cues("latest when"),),
        about="visit",
        bare=True,
        window=True,
        also=_is_about_visits,
    ),
    Intent(
        "visits",
        _all,
        may=_ASIDE | {"count", "often", "list", "recent", "history"},
        about="visit",
        bare=True,
        window=True,
        also=_took_place,
    ),
)
