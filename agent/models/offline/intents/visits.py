"""Questions about visits: the last, the first, the list, how many, of a class; why, where, with whom."""

import re
from collections.abc import Callable

from agent.models.offline.chart import Found, Row, records
from agent.models.offline.intents.durations import ago
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

CUES = {
    "visit": (
        "was here", "were here", "been here", "came here", "come here", "visits to the doctor",
        "doctor s visit", "doctor appointment", "clinic appointment", "office appointment", "come in",
        "came in", "been in", "been seen", "seen in clinic", "seen here", "hospital visit", "visited",
        "saw the doctor", "saw a doctor", "see the doctor", "visit history", "encounter history",
        "hospital encounter", "medical visit", "trip", "trips to", "trip to", "presentation",
        "presentation to", "come through", "came through", "come into", "came into", "present to",
        "presented to", "presents to", "turn up at", "turned up at", "turned up in", "show up at",
        "showed up at", "showed up in", "been to", "attendance", "attendance at", "attended", "attend",
        "stop by", "visit she made", "visit he made", "visit they made", "trip she made", "trip he made",
        "trip they made", "see us", "to see us", "saw us", "visit us", "visited us", "come for",
        "came for", "she come", "he come", "they come", "she came", "he came",
        "contact with the hospital or clinic", "contact with the hospital", "contact with the clinic",
        "hospital contact", "clinic contact", "contact with us", "hospital or clinic visit",
        "medical contact", "contact with health care", "healthcare contact", "health care contact",
        "seen anyone", "seen anybody", "seen by anyone", "seen by anybody", "saw anyone", "face to face",
        "ended up in", "ended up at", "end up in", "end up at", "wound up in", "landed in", "utilization",
        "utilisation", "come by", "came by", "dropped in", "went to the doctor", "gone to the doctor",
    ),
    "checkup": (
        "check up", "checkup", "annual physical", "physical exam", "physical", "annual exam",
        "wellness visit", "well visit", "well child visit", "well child check", "annual wellness visit",
        "annual checkup", "annual check up", "routine visit", "yearly physical", "yearly checkup",
        "general examination",
    ),
    "reason": (
        "reason for the", "reason of the", "presenting complaint", "chief complaint", "admitted for",
        "seen for", "admitting diagnosis", "admitting dx", "admission diagnosis", "admission dx",
        "presenting problem", "presenting concern", "main complaint", "admitting reason",
        "admitting complaint", "primary complaint", "reason behind the",
        *(f"reason behind {whose}" for whose in ("her", "his", "their", "this", "that")),
    ),
    "why": (
        "cause of", "the cause of", "cause for", "motive of", "motive for", "motive", "grounds for",
        "brought", "brings", "bring", "what made her come", "what made him come", "put her in",
        "put him in", "landed her in", "landed him in", "sent her to", "sent him to", "why exactly",
        "led to", "led up to", "prompted", "prompting", "precipitated", "necessitated", "occasioned",
        "triggered", "trigger for", "the trigger for", "accounted for", "and what for", "and for what",
    ),
    "where": (
        "where", "which hospital", "what hospital", "which clinic", "what clinic", "which location",
        "what location", "at which hospital", "at which clinic", "which facility", "what facility",
        "location of", "which department", "which ward",
    ),
    "seen_by": (
        "who saw", "who did he see last", "who did she see last", "who saw him last", "who saw her last",
        "who has she seen", "who has he seen", "who treated", "who was the doctor at",
        "who was the provider at", "which doctor saw", "attending", "attending at", "who was she seen by",
        "who was he seen by", "seen by whom", "who with",
    ),
}  # fmt: skip

# A class named by a noun ("ER visits") asks for the visits; "hospitalized" alone asks for the present.
_NOUN = re.compile(r"\b(?:visits|admissions|encounters|calls|stays|hospitali[sz]ations|consultations)\b")
_OF_ONE = cues("why reason about where by_whom seen_by")
# Not visits that took place.
_NOT_HELD = ("planned", "cancelled", "arrived", "triaged")
# What charts call the visits that everyday words name otherwise.
_CHECKUP = ("check-up", "checkup", "general examination", "well child", "wellness", "annual", "physical")
_BY_PHONE = ("telephone", "phone", "video", "virtual", "telemedicine")


def item(row: Row) -> str:
    """The visit with its class, its end, a status other than finished, and the reason."""
    said = []
    if row.get("class") and row["class"] != row.get("name"):
        said.append(str(row["class"]))
    if "end" in row and day(row["end"]) != day(row.get("date", "")):
        said.append(f"until {day(row['end'])}")
    if row.get("status") not in (None, "finished"):
        said.append(str(row["status"]))
    said.append(reason(row))
    return f"{name(row)}{when(row)} ({'; '.join(said)}) {cite(refs_of([row]))}"


def _described(asked: Asked, row: Row) -> str:
    """The visit, and first of all where it was or with whom, where that was asked for."""
    told = []
    if "where" in asked.reading.cues:
        told.append(f"at {row['location']}" if "location" in row else "no location recorded")
    if asked.reading.cues & {"by_whom", "seen_by"}:
        told.append(f"with {row['practitioner']}" if "practitioner" in row else "no practitioner recorded")
    if not told:
        return item(row)
    return f"{name(row)}{when(row)}: {', '.join(told)} {cite(refs_of([row]))}"


def visits(asked: Asked, *, last: bool = False) -> tuple[list[Row], str, Found]:
    """The visits of the class asked for, held or not; what one is called; what was read: all, or the newest
    few with the `last` one among them."""
    is_wanted, noun = _kind(asked)
    every = records("encounters", **asked.window_to_now)
    if last and noun == "visit":  # one of a class may be long ago
        found = asked.chart.newest(every, lambda row: took_place(asked, row))
    else:
        found = asked.chart.fetch(every)
    return [row for row in found.rows if is_wanted(row)], noun, found


def _kind(asked: Asked) -> tuple[Callable[[Row], bool], str]:
    """Which visits are asked for, and what one of them is called."""
    wanted = [concept.name for concept, _ in asked.named("visit")]
    anchor = asked.reading.anchor
    if "in_hospital" in asked.reading.cues or (anchor and anchor.event == "admission"):
        wanted.append("IMP")
    if "checkup" in asked.reading.cues:
        return lambda row: _called(row, _CHECKUP), "check-up"
    if not wanted:
        return lambda _: True, "visit"
    classes = {word.lower() for word in asked.lexicon.visit_classes[wanted[0]]}
    by_phone = wanted[0] == "VR"

    def of_class(row: Row) -> bool:
        return str(row.get("class", "")).lower() in classes or (by_phone and _called(row, _BY_PHONE))

    return of_class, f"{asked.lexicon.visit_names[wanted[0]]} visit"


def _called(row: Row, names: tuple[str, ...]) -> bool:
    said = f"{row.get('name', '')} {row.get('type', '')}".lower()
    return any(one in said for one in names)


def took_place(asked: Asked, row: Row) -> bool:
    """Whether a visit was held by now."""
    return row.get("status") not in _NOT_HELD and not is_later(row, asked.now)


def _one(asked: Asked) -> Draft:
    """The last visit, or the first or nth in time."""
    nth = asked.reading.nth or (1 if "first" in asked.reading.cues else None)
    every, noun, found = visits(asked, last=nth is None)
    rows = [row for row in every if took_place(asked, row)]
    if not rows:
        return _none(asked, noun, every, found)
    if nth is None:
        told = _described(asked, rows[0])
        if "elapsed" in asked.reading.cues:
            told = f"{ago(rows[0].get('date'), asked.now)}{told}"
        text = asked.wording.say("visit", "last", what=noun, window=asked.said_window, item=told)
        return Draft(text + noted(found.notes, later=False), refs_of(rows[:1]))
    dated = [row for row in reversed(rows) if "date" in row]
    if not found.complete:
        return Draft(f"Not every {noun} could be read, so number {nth} cannot be told.", (), "needs_review")
    if len(dated) < nth:
        text = f"There is no {noun} number {nth}{asked.said_window}; the last is {item(rows[0])}."
        return Draft(text, refs_of(rows[:1]), "not_in_chart")
    which = f"First {noun}" if nth == 1 else f"{noun.capitalize()} number {nth} in time"
    return Draft(
        f"{which}{asked.said_window}: {_described(asked, dated[nth - 1])}.", refs_of([dated[nth - 1]])
    )


def _all(asked: Asked) -> Draft:
    every, noun, found = visits(asked)
    rows = [row for row in every if took_place(asked, row)]
    if not rows:
        return _none(asked, noun, every, found)
    if len(rows) > CITED and len(rows) != found.total and "checkup" not in asked.reading.cues:
        # Too many to cite each: a search for the class alone must come to the same number.
        same = asked.chart.fetch(records("encounters", text=str(rows[0]["class"]), **asked.window_to_now))
        if same.complete and {row["ref"] for row in same.rows} == {row["ref"] for row in rows}:
            n = many(len(rows), noun)
            text = asked.wording.say("visit", "counted", n=n, window=asked.said_window, item=item(rows[0]))
            return Draft(text + noted(found.notes), refs_of(rows))
    return counted(asked, found, rows, noun, lambda row: _described(asked, row))


def _none(asked: Asked, noun: str, not_held: list[Row], found: Found) -> Draft:
    if not_held:
        items = asked.wording.listed(not_held, item)
        text = asked.wording.say("visit", "not_held", what=noun, window=asked.said_window, items=items)
        return Draft(text, refs_of(not_held))
    text = asked.wording.say("list", "none", what=plural(noun), window=asked.said_window_to_now)
    return Draft(text + noted(found.notes), (), "not_in_chart" if found.complete else "needs_review")


def is_about_visits(reading: Reading) -> bool:
    """A word for a visit, or a class of visit; "er" and "ed" alone (which is more than a room) are not."""
    alone = {mention.said for mention in reading.mentions} & {"er", "ed"}
    other = reading.cues & cues("elapsed visit latest first when count list recent why where by_whom seen_by")
    told = reading.anchor is not None and reading.anchor.event in ("visit", "admission")
    seen = told and bool(reading.cues & _OF_ONE)
    named = bool(reading.mentions) and bool(other or not alone)
    about = bool(reading.cues & {"visit", "checkup", "seen_by", "in_hospital"}) or seen or named
    return about and not looks_ahead(reading)


def _asks_of_one(reading: Reading) -> bool:
    """The last, the first, the nth; or when, why, where or with whom, which is the last one's."""
    asked = (
        reading.cues & cues("latest first elapsed about previous")
        or reading.nth is not None
        or (reading.cues & cues("why where by_whom seen_by") and not _in_a_time(reading))
        or (reading.anchor is not None and "reason" in reading.cues)
    )
    dates = reading.window is not None or "list" in reading.cues  # "when in 2026" asks for each
    return is_about_visits(reading) and bool(asked or ("when" in reading.cues and not dates))


def _in_a_time(reading: Reading) -> bool:
    """A year, say, of which each visit is told; an event has one."""
    return reading.window is not None and reading.anchor is None


def _asks_of_all(reading: Reading) -> bool:
    """ "Is he hospitalized?" asks for the present, which a list of visits does not tell."""
    past = (
        reading.cues & cues("whether past visit checkup count often list recent history total")
        or reading.window
    )
    noun = reading.plain and any(_NOUN.search(mention.said) for mention in reading.mentions)
    return is_about_visits(reading) and bool(past or noun) and not _asks_of_one(reading)


_ASIDE = cues("what is whether past reason visit checkup in_hospital and done")
INTENTS = (
    Intent(
        "last_visit",
        _one,
        may=_ASIDE | cues("latest when first why where by_whom seen_by elapsed about taking previous"),
        about="visit",
        bare=True,
        window=True,
        anchored=True,
        nth=True,
        also=_asks_of_one,
    ),
    Intent(
        "visits",
        _all,
        may=_ASIDE | cues("count often list recent history when total happened why where by_whom seen_by"),
        about="visit",
        bare=True,
        window=True,
        anchored=True,
        also=_asks_of_all,
    ),
)
