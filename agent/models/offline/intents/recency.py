"""Questions about when a measurement was last done: how long ago, and whether within a stated time.

Whether one is due is told only by a time that the question states; what should be done, never.
"""

from dataclasses import replace

from agent.models.offline.chart import Found
from agent.models.offline.concepts import Concept
from agent.models.offline.intents.durations import lasted
from agent.models.offline.intents.intent import Asked, spoken
from agent.models.offline.intents.measured import (
    MOST,
    asks_whether_done,
    called,
    each,
    item,
    items,
    over_time,
    said_window,
)
from agent.models.offline.wording import REFERENCE, Draft, many


def _elapsed(asked: Asked) -> Draft:
    """How long ago the last one was."""

    def said(asked: Asked, concept: Concept, found: Found) -> str:
        row = found.rows[0]
        long = lasted(row.get("date"), asked.now.isoformat())
        ago = f"{long} before {asked.now}" if long else "at a date that is not recorded"
        return f"Last {concept.name}: {ago}; {item(row)}."

    return each(asked, "latest", said)


def _done(asked: Asked) -> Draft:
    """Yes with the results of the window, or no with the last one outside it."""
    missing: list[str] = []

    def said(asked: Asked, concept: Concept, found: Found) -> str:
        n = many(found.total, f"{concept.name} result")
        return f"Yes: {n}{said_window(asked, found)}, {items(found.rows, found.total)}."

    draft = each(asked, "series", said, limit=MOST)
    if draft.status == "answered":
        return draft
    for concept in asked.reading.concepts("measurement"):
        last = called(asked, concept, "latest", since=None, until=None)
        if last.rows:
            missing.append(f" The last one outside that time: {item(last.rows[0])}.")
    text = draft.text + "".join(missing)
    return replace(draft, text=f"No: {text[:1].lower()}{text[1:]}", citations=tuple(REFERENCE.findall(text)))


CUES = {
    "elapsed": spoken(
        "how long since, how long has it been since, how long is it since, how many "
        "days ago, how many weeks ago, how many months ago, how many years ago, how "
        "many days since, how many weeks since, how many months since, how many years since, how many "
        "days has it been since, how many weeks has it been since, how many months has it been since, "
        "how many years has it been since, days since, weeks since, months since, years since, time "
        "since, time elapsed since, how much time since, how much time has passed since, how much "
        "time has elapsed since, elapsed since, number of days since, number of months since, "
        "interval since, how stale is, how far back was, how far back is, how recent is, "
        "how recent was, how current is"
    ),
}
INTENTS = (
    over_time("time_since", _elapsed, "elapsed", may="latest when that", window=False),
    over_time("done_within", _done, may="latest that", also=asks_whether_done),
)
