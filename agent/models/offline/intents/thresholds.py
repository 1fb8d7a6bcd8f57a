"""Questions about values above or below a number: how many, which, the first, the last, is the latest."""

import re
from typing import Any

from agent.models.offline.chart import Found, Row
from agent.models.offline.concepts import Concept
from agent.models.offline.intents.intent import Asked
from agent.models.offline.intents.measured import MOST, called, item, items, over_time, period
from agent.models.offline.reading import Limits, Reading
from agent.models.offline.wording import REFERENCE, Draft, cite, day, many, name, noted, unit, when

# Notes of how many values are above it, which the answer says itself.
_COUNTS = re.compile(r"^None of |^Values |values are ")


def _within(asked: Asked, concept: Concept, mode: str, **more: Any) -> Found:
    """The values inside the limits, in the unit of the limits where the question names one."""
    limits = asked.reading.limits or Limits()
    wanted = {"above": limits.above, "below": limits.below, "unit": asked.reading.unit or limits.unit}
    return called(asked, concept, mode, **wanted, **more)


def _said(asked: Asked) -> str:
    said = asked.reading.limits.said if asked.reading.limits else ""
    both = re.fullmatch(r"from (\S+) to (.+)", said)
    said = f"at least {both[1]} and at most {both[2]}" if both else said
    return said.replace("mm[Hg]", "mmHg").replace("[lb_av]", "lb")


def _notes(found: Found) -> str:
    return noted(note for note in found.notes if not _COUNTS.search(note))


def _answer(asked: Asked) -> Draft:
    """The values inside the limits, as they were asked for, of each measurement named."""
    texts: list[str] = []
    answered = False
    for concept in asked.reading.concepts("measurement"):
        found = _within(asked, concept, "series", limit=MOST)
        answered = answered or bool(found.rows) or found.finding != "nothing_recorded"
        texts.append(_told(asked, concept, found))
    text = " ".join(texts) + period(asked).event
    return Draft(
        text, tuple(dict.fromkeys(REFERENCE.findall(text))), "answered" if answered else "not_in_chart"
    )


def _told(asked: Asked, concept: Concept, found: Found) -> str:
    said, time = _said(asked), period(asked).said
    what = f"{concept.name} result"
    if not found.rows:
        return _none(asked, concept, found)
    notes = _notes(found)
    wanted = asked.reading.cues
    if "latest" in wanted:
        return f"Last {what} {said}{time}: {item(found.rows[0])}.{notes}"
    if "first" in wanted and found.complete:
        return f"First {what} {said}{time}: {item(found.rows[-1])}.{notes}"
    answer = "Yes: " if _asks_whether(asked.reading) else ""
    return f"{answer}{many(found.total, what)} {said}{time}, {items(found.rows, found.total)}.{notes}"


def _none(asked: Asked, concept: Concept, found: Found) -> str:
    """That no value lies inside, with the one that comes nearest; or that there is none at all."""
    time = period(asked).said
    if found.finding == "nothing_recorded":
        return f"No {concept.name} result is recorded in this chart{time}.{noted(found.notes)}"
    all_of_them = called(asked, concept, "statistics", unit=asked.reading.unit or _unit(asked))
    nearest = "; ".join(_extreme(asked, row) for row in all_of_them.rows)
    notes = _notes(found)
    return f"No {concept.name} result is {_far(asked)}{time}. {nearest or 'None has an exact number'}.{notes}"


def _far(asked: Asked) -> str:
    limits = asked.reading.limits or Limits()
    return "in that range" if limits.above and limits.below else "that high" if limits.above else "that low"


def _unit(asked: Asked) -> str | None:
    return asked.reading.limits.unit if asked.reading.limits else None


def _extreme(asked: Asked, row: Row) -> str:
    high = asked.reading.limits is None or asked.reading.limits.above is not None
    field, at = ("max", 3) if high else ("min", 2)
    dated = when({"date": row[f"{field}_date"]}) if f"{field}_date" in row else ""
    return (
        f"The {'highest' if high else 'lowest'} {name(row)} of {many(row['n'], 'result')}:"
        f" {row[field]}{unit(row)}{dated} {cite(row['refs'][at : at + 1])}"
    )


def _is_latest(asked: Asked) -> Draft:
    """Whether the latest value lies inside the limits."""
    texts: list[str] = []
    for concept in asked.reading.concepts("measurement"):
        latest = called(asked, concept, "latest", unit=asked.reading.unit or _unit(asked))
        if not latest.rows:
            texts.append(f"No {concept.name} result is recorded in this chart{period(asked).said}.")
            continue
        on = day(latest.rows[0].get("date", ""))
        inside = _within(asked, concept, "series", since=on or None, until=on or None)
        held = {row["ref"] for row in inside.rows}
        texts += [_stands(row, row["ref"] in held, inside) for row in latest.rows]
        if not held:
            before = _within(asked, concept, "series", limit=1)
            texts += [f"Before that, {_said(asked)}: {item(row)}." for row in before.rows]
    text = " ".join(texts)
    refs = tuple(REFERENCE.findall(text))
    return Draft(text, refs, "answered" if refs else "not_in_chart")


def _stands(row: Row, holds: bool, inside: Found) -> str:
    """Yes or no; a value such as `>8` may leave it open."""
    if not holds and any("may or may not be" in note for note in inside.notes):
        return f"That cannot be told from the latest value: {item(row)}."
    return f"{'Yes' if holds else 'No'}; the latest result: {item(row)}."


def _count(asked: Asked) -> Draft:
    """How many values lie inside, of how many, and which."""
    texts: list[str] = []
    answered = False
    for concept in asked.reading.concepts("measurement"):
        counted = _within(asked, concept, "count")
        answered = answered or bool(counted.rows) or counted.finding != "nothing_recorded"
        if not counted.rows:
            texts.append(_none(asked, concept, counted))
            continue
        found = _within(asked, concept, "series", limit=MOST)
        n = " and ".join(
            f"{row['n']} of {many(row['of'], 'result')}"
            + (f" ({name(row)})" if len(counted.rows) > 1 else "")
            for row in counted.rows
        )
        texts.append(
            f"{n} of {concept.name} {_said(asked)}{period(asked).said}, {items(found.rows, found.total)}."
            f"{_notes(found)}"
        )
    text = " ".join(texts) + period(asked).event
    return Draft(
        text, tuple(dict.fromkeys(REFERENCE.findall(text))), "answered" if answered else "not_in_chart"
    )


def _asks_whether(reading: Reading) -> bool:
    return "whether" in reading.cues and not reading.cues & {"what", "list", "when"}


def _asks_about_the_latest(reading: Reading) -> bool:
    """ "Is it above 8?", "was the last one above 8?"; not "when was it last above 8?"."""
    now = "is" in reading.cues and "whether" not in reading.cues
    return (now or {"past", "latest"} <= reading.cues) and not reading.cues & {
        "when",
        "what",
        "list",
        "count",
    }


INTENTS = (
    over_time(
        "beyond",
        _answer,
        may="list recent history latest first when is",
        limits=True,
        also=lambda reading: reading.limits is not None and not _asks_about_the_latest(reading),
    ),
    over_time(
        "is_beyond",
        _is_latest,
        may="latest active is",
        limits=True,
        window=False,
        also=lambda reading: reading.limits is not None and _asks_about_the_latest(reading),
    ),
    over_time(
        "count_beyond",
        _count,
        "count often times_had",
        may="is total list",
        limits=True,
        also=lambda reading: reading.limits is not None,
    ),
)
