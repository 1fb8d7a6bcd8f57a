"""Questions about when a measurement was last done: how long ago, and whether within a stated time.

Whether one is due is told only by a time that the question states; what should be done, never.
"""

from dataclasses import replace
from datetime import date

from agent.models.offline.chart import Found
from agent.models.offline.concepts import Concept
from agent.models.offline.intents.durations import lasted
from agent.models.offline.intents.intent import Asked, spoken
from agent.models.offline.intents.measured import (
    MOST,
    asks_its_age,
    asks_whether_done,
    called,
    each,
    item,
    items,
    over_time,
    period,
    said_window,
)
from agent.models.offline.wording import REFERENCE, Draft, day, many, noted


def _elapsed(asked: Asked) -> Draft:
    """How long ago the last one was."""

    def said(asked: Asked, concept: Concept, found: Found) -> str:
        row = found.rows[0]
        written = day(row.get("date", ""))
        long = lasted(written, asked.now.isoformat())
        if long is None:
            return f"Last {concept.name}: {item(row)}; how long ago that was cannot be told."
        if len(written) == len("2019-05-03"):
            long = many((asked.now - date.fromisoformat(written)).days, "day")
        return f"Last {concept.name}: {long} ago, {item(row)}. That is as of today, {asked.now}."

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


def _older(asked: Asked) -> Draft:
    """Whether the latest one of all is from the time before that."""
    texts = []
    for concept in asked.reading.concepts("measurement"):
        latest = called(asked, concept, "latest", since=None, until=None)
        if not latest.rows:
            texts.append(f"No {concept.name} result is recorded in this chart.{noted(latest.notes)}")
            continue
        before = called(asked, concept, "latest")
        newest = latest.rows[0]
        older = any(row["ref"] == newest["ref"] for row in before.rows)
        texts.append(
            f"{'Yes' if older else 'No'}; the latest {concept.name}: {item(newest)}.{noted(latest.notes)}"
        )
    text = " ".join(texts) + period(asked).event
    refs = tuple(dict.fromkeys(REFERENCE.findall(text)))
    return Draft(text, refs, "answered" if refs else "not_in_chart")


# "How old is the last A1c", and "how long has she gone without an A1c".
_OLD_OR_WITHOUT = (
    *(
        f"how old{verb} {whose} {last}"
        for verb in ("", " is", " was")
        for whose in ("the", "her", "his", "their", "this", "our")
        for last in ("last", "latest", "most recent", "newest", "current")
    ),
    *(
        f"{long} {gone} without{having}"
        for long in ("how long", "how many days", "how many weeks", "how many months", "how much time")
        for who in ("she", "he", "they", "patient", "the patient", "we", "pt")
        for has in ("has", "have")
        for having in ("", " having", " getting")
        for gone in (f"{has} {who} gone", f"{who} {has} gone", f"{has} {who} been", f"{who} {has} been")
    ),
)
CUES = {
    # What is left of "has it been more than a year since her last A1c" without its time.
    "ago": spoken(
        "has it been her, has it been his, has it been the, has it been a, has it been an, has it been "
        "since, has it been her last, has it been his last, has it been the last, has it been last, has "
        "it been the latest, is it her last, is it his last, is it the last"
    ),
    "latest": spoken(
        "did we last check, did they last check, did you last check, did anyone last check, did anybody "
        "last check, we last checked, they last checked, was last checked, last checked, last measured, "
        "last drawn, last tested, did she last have, did he last have, did she last get, did he last "
        "get, did we last measure, did we last do, did we last get, did we last draw, did they last do, "
        "did they last measure, last had, last got, was last determined, last determined, was last "
        "assessed, last assessed, was last controlled, last controlled, last performed, last obtained, "
        "last collected, last recorded"
    ),
    "elapsed": _OLD_OR_WITHOUT
    + spoken(
        "how long since, how long has it been since, how long is it since, how many days ago, how many "
        "weeks ago, how many months ago, how many years ago, how many days since, how many weeks since, "
        "how many months since, how many years since, how many days has it been since, how many weeks "
        "has it been since, how many months has it been since, how many years has it been since, days "
        "since last, days since her last, days since his last, days since the last, time since, time "
        "elapsed since, how much time since, how much time has passed since, how much time has elapsed "
        "since, elapsed since, number of days since, number of months since, interval since, how stale "
        "is, how far back was, how far back is, how recent is, how recent was, how current is, interval "
        "from last, interval from the last, interval from her last, interval from his last, interval "
        "since last, interval since the last, time from last, time from the last, time interval since, "
        "gap since, gap since last, gap since the last, days elapsed since, how many days have passed "
        "since, how many weeks have passed since, how many months have passed since, how many days have "
        "gone by since, how long has it been, how long it has been since, "
        "how long it has been, how long it been, how long it been since, how long "
        "ago since, duration since, months since last, months since the last, weeks since last, weeks "
        "since the last, years since last, years since the last, how overdue, how much time has gone by "
        "since, how much time has gone since, how long has passed since, how long has gone by since, how "
        "many months has it gone since, how many days have gone since, how many months has she gone "
        "without"
    ),
}
INTENTS = (
    over_time("time_since", _elapsed, "elapsed", may="latest when that", window=False),
    over_time("is_older", _older, may="latest is done ago due that", also=asks_its_age),
    over_time("done_within", _done, may="latest that taking", also=asks_whether_done),
)
