"""What happened in a time, or since the last visit: visits, problems, procedures, drugs, flagged results."""

from dataclasses import replace

from agent.models.offline.chart import Found, Row, records
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.listing import newest_of_each
from agent.models.offline.intents.queries import query, within
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, cite, day, is_later, many, name, plural, refs_of, value, when

CUES = {
    "happened": (
        "happened", "happen", "took place", "what went on", "what took place", "events", "what occurred",
        "what is new", "anything new", "anything happen", "what has happened", "what has been done",
        "what was done", "what all happened", "new records", "course", "interval history", "medical event",
        "clinical event", "health event", "take place", "taken place", "main events", "happenings",
        "interval change", "interval hx", "interval event", "interval note", "been added", "added",
        "added to the chart", "different", "what is different", "been happening", "gone on",
        "been going on", "transpired", "occurred", "occur", "update", "the update", "clinical course",
        "interim history", "interim events", "interim", "interval updates", "events that happened",
        "developments", "new developments", "new entries", "new information", "new info", "new data",
        "anything different", "anything changed", "new things", "been new", "new findings",
    ),
}  # fmt: skip

# How many of a kind are shown, fewer where they are too long for one answer.
_SHOWN = (5, 3, 2)
_LONGEST = 3800
# A kind of record, what one is called in a count, and the statuses that are none of it.
_KINDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("encounters", "visit", ("planned", "cancelled", "arrived", "triaged")),
    ("problems", "problem with onset or recording", ()),
    ("procedures", "procedure", ("not-done",)),
    ("immunizations", "immunization", ("not-done",)),
    ("medications", "medication record", ("draft", "cancelled", "not-done", "declined", "preparation")),
    ("allergies", "allergy record", ()),
    ("reports", "report", ("cancelled",)),
)


def _period(asked: Asked) -> Draft:
    """As many records of a kind as an answer holds."""
    drafts = (_told(asked, shown) for shown in _SHOWN)
    return next((draft for draft in drafts if len(draft.text) <= _LONGEST), _told(asked, 1))


def _told(asked: Asked, most: int) -> Draft:
    """A line a kind: how many records, the newest of each name; then the results, the flagged ones first."""
    if asked.reading.anchor:  # "since the last visit" asks for what that visit itself did not bring
        after = replace(asked.reading, anchor=replace(asked.reading.anchor, inclusive=False))
        asked = replace(asked, reading=after)
    window = asked.window_to_now
    lines: list[str] = []
    refs: list[str] = []
    # All problems first: the call without a window is answered by the first result that has its arguments.
    problems, *every = asked.chart.fetch_all(
        [records("problems"), *(records(kind, **window) for kind, _, _ in _KINDS)]
    )
    for (_, noun, none_of_it), found in zip(_KINDS, every, strict=True):
        by_now = [row for row in found.rows if not is_later(row, asked.now)]
        rows = [row for row in by_now if _counts(row, none_of_it) and not _reaches_into(row, window)]
        others = newest_of_each([row for row in by_now if row not in rows])[:most]
        if rows:
            lines.append(_counted(rows, found, noun, most))
            refs += refs_of(newest_of_each(rows)[:most])
        else:
            plain, _, rest = noun.partition(" with")
            lines.append(f"No {plural(plain)}{' with' + rest if rest else ''}.")
        if others:
            lines[-1] += f" Recorded otherwise: {'; '.join(_otherwise(row, window) for row in others)}."
            refs += refs_of(others)
    ended = [row for row in problems.rows if _ends_in(row, window)]
    if ended:
        lines.append(f"Problems that ended: {'; '.join(map(_ended, ended[:most]))}.")
        refs += refs_of(ended[:most])
    results = asked.chart.fetch(query("results", within=within(asked))).rows
    called = ((True, "Results flagged as abnormal"), (False, "Measured values not flagged as abnormal"))
    for flagged, told in called:
        rows = [row for row in results if row["flagged"] is flagged and row["n"]]
        if rows:
            more = "; and others" if len(rows) > most else ""
            lines.append(f"{told}, the newest of each: {'; '.join(map(_result, rows[:most]))}{more}.")
            refs += refs_of(rows[:most])
        else:
            lines.append(f"No {told[0].lower()}{told[1:]} in their record.")
    if not refs:
        # Of the visit itself, which is cited, there is one.
        kinds = f"no {'other ' if asked.reading.anchor else ''}visits, no problems, procedures, immunizations"
        values = "flagged results or measured values"
        text = f"Recorded{asked.said_window}: {kinds}, medications, allergy records, reports, {values}."
        return Draft(text, (), "not_in_chart")
    text = "\n".join([f"Recorded{asked.said_window}:", *(f"- {line}" for line in lines)])
    return Draft(text, tuple(dict.fromkeys(refs))[:40])


def _counts(row: Row, none_of_it: tuple[str, ...]) -> bool:
    return row.get("status") not in none_of_it and row.get("verification") != "refuted"


def _counted(rows: list[Row], found: Found, noun: str, most: int) -> str:
    shown = newest_of_each(rows)
    more = "; and others" if len(shown) > most else ""
    items = "; ".join(map(_item, shown[:most])) + more
    plain, _, rest = noun.partition(" with")
    told = f"{many(len(rows), plain)}{' with' + rest if rest else ''}"
    if not found.complete or len(rows) != found.total:
        told = noun[:1].upper() + noun[1:]  # the count stands in no result
    return f"{told}: {items}."


def _reaches_into(row: Row, window: dict[str, str]) -> bool:
    """Whether a record's time begins before the window, compared as far as both are written."""
    begun, since = day(row.get("date", "")), window.get("since", "")
    return bool(begun) and begun[: len(since)] < since[: len(begun)]


def _ends_in(row: Row, window: dict[str, str]) -> bool:
    """Whether a problem's recorded end lies in the window, compared as far as both are written."""
    end = str(row.get("abated", ""))[:10]
    since, until = window.get("since", ""), window["until"]
    return bool(end) and end[: len(since)] >= since[: len(end)] and end[: len(until)] <= until[: len(end)]


def _ended(row: Row) -> str:
    return f"{name(row)} (ended {day(row['abated'])}) {cite(refs_of([row]))}"


def _item(row: Row) -> str:
    barred = " (an order not to give it)" if row.get("do_not_perform") else ""
    return f"{name(row)}{when(row)}{barred} {cite(refs_of([row]))}"


def _otherwise(row: Row, window: dict[str, str]) -> str:
    standing = "refuted" if row.get("verification") == "refuted" else row.get("status", "unknown")
    told = f"status {standing}"
    if _reaches_into(row, window):
        end = f"until {day(row['end'])}" if "end" in row else "no end recorded"
        told = f"dated earlier, {end}; {told}"
    return f"{name(row)}{when(row)} ({told}) {cite(refs_of([row]))}"


def _result(row: Row) -> str:
    flag = f" ({row['interpretation']})" if row.get("interpretation") not in (None, "N") else ""
    told = f"{name(row)} {value(row)}{when(row)}{flag}"
    return f"{told} {cite(refs_of([row]))}"


def _of_a_time(reading: Reading) -> bool:
    """A window or an event that makes one; of the whole chart there is a summary of its own."""
    asked = reading.cues & cues("summary happened happens change status_of new")
    return bool(asked) and (reading.window is not None or reading.anchor is not None)


INTENTS = (
    Intent(
        "period_summary",
        _period,
        may=cues("summary happened happens change what whether is new past list visit status_of and about"),
        window=True,
        anchored=True,
        also=_of_a_time,
    ),
)
