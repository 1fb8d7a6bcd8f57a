"""Questions about a value at a moment: on or near a day, at an event, before it, at an age."""

from agent.models.offline.anchors import Event, missing, moment
from agent.models.offline.chart import Found, Row
from agent.models.offline.concepts import Concept
from agent.models.offline.intents.durations import lasted
from agent.models.offline.intents.intent import Asked, spoken
from agent.models.offline.intents.measured import (
    MOST,
    asks_its_age,
    called,
    called_each,
    each,
    is_before,
    item,
    items,
    once,
    over_time,
    period,
)
from agent.models.offline.reading import Reading
from agent.models.offline.spans import first_day
from agent.models.offline.wording import REFERENCE, Draft, day, many, noted, refs_of

_NEAR = 30  # days


def _at(asked: Asked) -> Draft:
    """The last value at or before the moment and the first after it."""
    event = _moment(asked)
    if event is None:
        return missing(asked)
    if event.until or event.near is None:
        return _within(asked, event)
    concepts = asked.reading.concepts("measurement")
    found = called_each(asked, concepts, "latest", since=None, until=None, near=event.near)
    texts = [_around(concept, one, event) for concept, one in zip(concepts, found, strict=True)]
    return _drafted(texts, found, event)


def _moment(asked: Asked) -> Event | None:
    """The event that the time is told by, or the one day that it is."""
    window = asked.reading.window
    if window and window.since and asked.reading.anchor is None:
        return Event(None, window.since, "that day")
    return moment(asked)


def _drafted(texts: list[str], found: list[Found], event: Event) -> Draft:
    rows = [row for one in found for row in one.rows]
    text = " ".join(texts)
    refs = dict.fromkeys([*([event.ref] if event.ref else []), *refs_of(rows), *REFERENCE.findall(text)])
    told = any(ref != event.ref for ref in refs)
    return Draft(text, tuple(refs), "answered" if told else "not_in_chart")


def _around(concept: Concept, found: Found, event: Event) -> str:
    notes = noted(note for note in found.notes if not note.startswith("`days`"))
    if not found.rows:
        return f"No {concept.name} result is recorded {_time(event, 'near')}.{notes}"
    rows = once(found.rows)
    values = "; ".join(item(row, _apart(row, event)) for row in rows)
    name = f"{concept.name[:1].upper()}{concept.name[1:]}"
    if event.ref is None:
        begins = any(row["days"] <= 0 for row in rows)
        date = day(event.date)
        return f"{name} {f'nearest to {date}' if begins else f'from {date} on'}: {values}.{notes}"
    return f"{name} {_time(event, 'around')}: {values}.{notes}"


def _time(event: Event, side: str) -> str:
    """`at the first order of ... on 2019-05-03`, `around 2019-05-03`."""
    said = event.said.strip().removeprefix("on ").replace("the last recorded ", "the ", 1)
    return f"{side} {said}".replace("at in ", "in ")


def _apart(row: Row, event: Event) -> str:
    """On which side of the moment a value lies, and how far off where that is long."""
    days = row["days"]
    side = "that very day" if not days else "after it" if days > 0 else "before it"
    earlier, later = sorted((event.date, row["date"]), key=day)
    if abs(days) > _NEAR and (long := lasted(earlier, later)):
        side = f"{long} {side}"
    return f"{side}, the nearer one" if days and row.get("nearest") else side


def _within(asked: Asked, event: Event) -> Draft:
    """Of a time that is no day (an age, a month): all that was measured in it."""
    concepts = asked.reading.concepts("measurement")
    until = event.until or event.date
    found = called_each(asked, concepts, "series", since=event.date[:10], until=until, limit=MOST)
    texts = []
    for concept, one in zip(concepts, found, strict=True):
        if one.rows:
            n = many(one.total, "result")
            texts.append(
                f"{concept.name} {_time(event, 'at')}: {n}, {items(one.rows, one.total)}.{noted(one.notes)}"
            )
        else:
            texts.append(
                f"No {concept.name} result is recorded {_time(event, 'at')}.{_nearest(asked, concept, event)}"
            )
    return _drafted([text[:1].upper() + text[1:] for text in texts], found, event)


def _nearest(asked: Asked, concept: Concept, event: Event) -> str:
    """The values nearest to the first day of a time in which there is none."""
    begins = first_day(event.date).isoformat()
    found = called(asked, concept, "latest", since=None, until=None, near=begins)
    values = "; ".join(item(row) for row in once(found.rows))
    return f" The nearest to {begins}: {values}." if values else noted(found.notes)


def _before(asked: Asked) -> Draft:
    """The last value before it."""

    def said(asked: Asked, concept: Concept, found: Found) -> str:
        return " ".join(f"Last {concept.name}{period(asked).said}: {item(row)}." for row in found.rows)

    return each(asked, "latest", said)


def _is_moment(reading: Reading) -> bool:
    """At an event, before and after it, or nearest to a day."""
    anchor, window = reading.anchor, reading.window
    if anchor is None:
        return "nearest" in reading.cues and window is not None and window.since == window.until
    return not anchor.bounds or (anchor.side == "after" and "before" in reading.cues)


CUES = {
    # Of the results before a time the last one; of a result alone it would be its status.
    "final": spoken("final, the final, final one"),
    "nearest": spoken(
        "closest to, nearest to, nearest, closest, on or near, on or around, on or about, at or near, "
        "close to, closest in time to, nearest in time to, closest in date to, nearest in date to, "
        "nearest in time, closest in time, nearest the date of, as close as possible to, as near as "
        "possible to, as close to, as near to, nearest one to, closest one to, closest we have to, "
        "closest you have to, nearest we have to, nearest available to, closest available to, whichever "
        "is closest to, whichever is nearest to, either side, on either side, either side of it, before "
        "or after, either before or after, either way, in either direction, give or take, thereabouts, "
        "or thereabouts, or so, or close to it, or near it, right on or near, in the vicinity of, "
        "somewhere around, sometime around, temporally nearest to, temporally closest to, nearest in "
        "time with, most proximate to, proximate to, in closest proximity to, lies closest to, lies "
        "nearest to, lying closest to, lies closest in time to, lies nearest in time to, is closest in "
        "time to"
    ),
}
INTENTS = (
    over_time(
        "value_at", _at, may="latest when active nearest before and how", anchored=True, also=_is_moment
    ),
    over_time(
        "value_before",
        _before,
        may="latest final how baseline",
        also=lambda reading: is_before(reading) and not asks_its_age(reading),
    ),
)
