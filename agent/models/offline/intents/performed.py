"""What was done to the patient, or was not: rows of procedures and immunizations, told as answers."""

import re
from dataclasses import replace
from typing import Literal

from agent.models.offline.chart import Found, Row, records
from agent.models.offline.concepts import Kind
from agent.models.offline.intents.due import INTERVALS, by_interval
from agent.models.offline.intents.durations import ago
from agent.models.offline.intents.intent import Asked
from agent.models.offline.intents.listing import counted, recorded_as_none
from agent.models.offline.wording import (
    Draft,
    cite,
    day,
    inline,
    is_later,
    name,
    noted,
    plural,
    reason,
    refs_of,
    when,
)

Performed = Literal["immunizations", "procedures"]
_WHETHER, _LISTED = {"whether", "past", "is"}, {"count", "list", "often", "history", "what", "given"}
_NOT_DONE = ("not-done", "preparation", "in-progress", "on-hold", "stopped", "unknown")
# Of several doses or times each date is asked for, and not the last alone.
_EACH = {"list", "given", "doses", "times_had"}
# Rows that hold the words asked for in other texts than the name (a reason) come last; a note counts them.
_ASIDE = re.compile(r"(\d+) records?, listed last, with ")
_SAYS_KIND = re.compile(r"\b(?:shot|vaccine|vaccination|jab|booster|procedure|surgery|operation)$")
_CHECKED = re.compile(r"None of the records of this kind \((\d+)\)")


def item(row: Row) -> str:
    """Name and date; what is uncommon about it: how long, a status other than completed and why."""
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


def named(asked: Asked, kind: str, slot: Kind, **window: str) -> Found:
    """The records of what the question names, or all of the kind where it names nothing.

    They are found by the tools' own dictionary and codes; where that finds none by the words used, by the
    usual name of the same thing.
    """
    wanted = asked.named(slot)
    if not wanted:
        return asked.chart.fetch(records(kind, **window))
    concept, said = wanted[0]
    found = by_name(asked.chart.fetch(records(kind, text=said, **window)))
    if found.rows or concept.name == said:
        return found
    return by_name(asked.chart.fetch(records(kind, text=concept.name, **window)))


def by_name(found: Found) -> Found:
    """What a search by words found by its name, without what holds the words in other texts."""
    aside = sum(int(match[1]) for note in found.notes if (match := _ASIDE.match(note)))
    notes = tuple(note for note in found.notes if not _ASIDE.match(note))
    rows = found.rows[: len(found.rows) - aside]
    return replace(found, rows=rows, total=found.total - aside, notes=notes)


def answer(asked: Asked, kind: Performed, slot: Kind) -> Draft:
    """What was asked of these records: the last, the first, the nth, whether, why, by whom, or all."""
    found = named(asked, kind, slot, **asked.window_to_now)
    done = [row for row in found.rows if row.get("status") not in _NOT_DONE and not is_later(row, asked.now)]
    other = [row for row in found.rows if row not in done]
    cues, one = asked.reading.cues, kind.removesuffix("s")
    if "refused" in cues:
        return _refused(asked, [row for row in other if row.get("status") == "not-done"], found, one)
    if not done:
        return _none(asked, one, other, found)
    nth = asked.reading.nth or (1 if "first" in cues else None)
    if nth:
        return _nth(asked, done, nth, found, one)
    if cues & {"why", "reason", "by_whom"}:
        return _about(asked, done[0])
    # Records may call it otherwise (Hep B): the answer shows their names, not the question's.
    noun = f"{'matching ' if asked.reading.mentions else ''}{one}"
    if "due" in cues:
        (interval,) = cues & INTERVALS.keys()
        return Draft(by_interval(done[0], asked.now, interval, item), refs_of(done[:1]))
    if "elapsed" in cues:
        text = f"Last {noun}{asked.said_window}: {ago(done[0].get('date'), asked.now)}{item(done[0])}."
        return Draft(text, refs_of(done[:1]))
    which = "what" in cues and "is" not in cues  # "which doses were given, and when?"
    if "latest" in cues or ("when" in cues and not which and not cues & _EACH):
        text = asked.wording.say("visit", "last", what=noun, window=asked.said_window, item=item(done[0]))
        return Draft(text + noted(found.notes, later=False), refs_of(done[:1]))
    if asked.reading.mentions and cues & _WHETHER and not cues & (_LISTED | _EACH):
        return _yes(asked, done, other, found)
    draft = counted(asked, found, done, noun, item, each="when" not in cues)  # each date is asked for
    return _with_refusals(asked, draft, other)


def _nth(asked: Asked, done: list[Row], nth: int, found: Found, one: str) -> Draft:
    """The nth in time of those with a date, and which have none: nobody knows where they belong."""
    dated = [row for row in reversed(done) if "date" in row]
    undated = [row for row in done if "date" not in row]
    if not found.complete:
        return Draft(f"Not every {one} could be read, so number {nth} cannot be told.", (), "needs_review")
    if len(dated) < nth:
        text = f"There is no number {nth} with a date: {asked.wording.listed(done, item)}."
        return Draft(text, refs_of(done), "not_in_chart")
    which = "First" if nth == 1 else f"{_ordinal(nth)} in time"
    text = f"{which}: {item(dated[nth - 1])}."
    if undated:
        text += f" Without a date: {asked.wording.listed(undated, item)}."
    return Draft(text, refs_of([dated[nth - 1], *undated[:10]]))


def _ordinal(number: int) -> str:
    """`2nd`, `11th`, `22nd`."""
    return f"{number}{'th' if number // 10 == 1 else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _about(asked: Asked, row: Row) -> Draft:
    if asked.reading.cues & {"why", "reason"}:
        told = reason(row)
    else:
        told = f"done by {row['performer']}" if "performer" in row else "no performer recorded"
    return Draft(
        f"{item(row).removesuffix(cite(refs_of([row])))}: {told} {cite(refs_of([row]))}.", refs_of([row])
    )


def _yes(asked: Asked, done: list[Row], other: list[Row], found: Found) -> Draft:
    text = f"Yes: {asked.wording.listed(done, item, each=True)}."
    return _with_refusals(asked, Draft(text + noted(found.notes), refs_of(done[:10])), other)


def _with_refusals(asked: Asked, draft: Draft, other: list[Row]) -> Draft:
    """The answer, and which of what was asked for is recorded as not done: neither done nor unmentioned."""
    refused = [row for row in other if row.get("status") == "not-done" and not is_later(row, asked.now)]
    if not refused or "given" in asked.reading.cues:  # administrations alone were asked for
        return draft
    text = f"{draft.text} Not done: {asked.wording.listed(refused, item)}."
    return replace(draft, text=text, citations=(*draft.citations, *refs_of(refused[:10])))


def _refused(asked: Asked, rows: list[Row], found: Found, one: str) -> Draft:
    if rows:
        items = asked.wording.listed(rows, item)
        return Draft(f"Recorded as not done: {items}.", refs_of(rows[:10]))
    text = f"No {_told(asked, one)} is recorded as not done or refused{asked.said_window_to_now}."
    return Draft(text, (), "not_in_chart" if found.complete else "needs_review")


def _told(asked: Asked, one: str) -> str:
    """What was asked about: `tetanus immunization`, `flu shot`, `immunization`."""
    said = " ".join(mention.said for mention in asked.reading.mentions)
    return said if _SAYS_KIND.search(said) else f"{said} {one}".strip()


def _none(asked: Asked, one: str, not_done: list[Row], found: Found) -> Draft:
    told = _told(asked, one)
    if not_done:
        items = asked.wording.listed(not_done, item)
        text = asked.wording.say("list", "not_done", what=told, items=items)
        return Draft(text, refs_of(not_done[:10]))
    if not found.complete:
        text = asked.wording.say("list", "incomplete", asked=told, n=len(found.rows))
        return Draft(text, (), "needs_review")
    if found.finding == "recorded_as_none":
        return recorded_as_none(asked, found)
    text = asked.wording.say("list", "none", what=plural(told), window=asked.said_window_to_now)
    checked = next((match[1] for note in found.notes if (match := _CHECKED.match(note))), None)
    if checked:
        text = f"{text.removesuffix('.')} ({checked} checked)."
    notes = (note for note in found.notes if not _CHECKED.match(note))
    return Draft(text + noted(notes), (), "not_in_chart")
