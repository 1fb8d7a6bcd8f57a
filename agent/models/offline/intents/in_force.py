"""What held at a time of the past: the records in force on its first day, or begun within it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from agent.models.offline.anchors import told_window
from agent.models.offline.chart import Row, records
from agent.models.offline.intents.intent import Asked
from agent.models.offline.reading import Reading
from agent.models.offline.spans import first_day, last_day
from agent.models.offline.windows import Window
from agent.models.offline.wording import REFERENCE, Draft, many, name, refs_of


@dataclass(frozen=True)
class Held:
    """Records that held at a time, newest first; those of which the chart does not tell (`uncertain` says
    why); how to say the time (as the end of a sentence); and whether all records could be read."""

    sure: list[Row]
    unsure: list[Row]
    said: str
    complete: bool


def in_force(asked: Asked, kind: str, counts: Callable[[Row], bool], **about: str) -> Held:
    """The records of a kind (`about` narrows the calls) that held at some moment of the time asked about.

    Of the records begun within it only those for which `counts` says so were ever in force. R4 keeps one
    status, the present one: what is stopped now and bears no end may or may not have held then. Raises
    CannotAnswer where the chart does not tell the event that was named.
    """
    window, today = _window(asked), asked.now.isoformat()
    until = min(last_day(window.until or today).isoformat(), today)
    since = min(first_day(window.since).isoformat(), today) if window.since else None
    calls = [records(kind, at=since, **about)] if since else []
    if since != until:
        calls.append(records(kind, **{**window.arguments, "until": until}, **about))
    found = asked.chart.fetch_all(calls)
    rows: dict[str, Row] = {}
    for call, one in zip(calls, found, strict=True):
        rows |= {row["ref"]: row for row in one.rows if "at" in call.arguments or counts(row)}
    newest = sorted(rows.values(), key=lambda row: str(row.get("date", "")), reverse=True)
    return Held(
        [row for row in newest if "uncertain" not in row],
        [row for row in newest if "uncertain" in row],
        f" {window.said}",
        all(one.complete for one in found),
    )


def _window(asked: Asked) -> Window:
    """The time as a window; before an event stands for the day before it."""
    window, anchor = told_window(asked), asked.reading.anchor
    if anchor and anchor.side == "before" and window.until and not window.since:
        return replace(window, since=window.until)
    return window


def is_timed(reading: Reading) -> bool:
    """Whether a question tells a time: a window, an event, or a number of last visits."""
    return reading.window is not None or reading.anchor is not None or reading.visits is not None


def all_then(
    asked: Asked,
    kind: str,
    counts: Callable[[Row], bool],
    item: Callable[[Row], str],
    *,
    noun: str,
    what: str,
) -> Draft:
    """Everything of a kind that held at the time asked about; `noun` and `what` (plural) say what it is."""
    held = in_force(asked, kind, counts)
    if not held.complete:
        text = asked.wording.say("list", "incomplete", asked="that time", n=len(held.sure))
        return Draft(text, (), "needs_review")
    if not held.sure and not held.unsure:
        return Draft(asked.wording.say("list", "none", what=what, window=held.said), (), "not_in_chart")
    return told_then(asked, held, item, noun)


def told_then(asked: Asked, held: Held, item: Callable[[Row], str], noun: str = "") -> Draft:
    """What held, and what may have: the newest record of each name, counted where a noun is given."""
    said = []
    if held.sure:
        items = asked.wording.listed(held.sure, item, each=True)
        names = len({name(row).casefold() for row in held.sure})
        shown = len(REFERENCE.findall(items)) == names
        head = f"{many(names, noun)} by name" if noun and shown else "Recorded as so"
        said.append(f"{head}: {items}.")
    if held.unsure:
        items = asked.wording.listed(held.unsure, lambda row: f"{_why(row)}, {item(row)}", each=True)
        said.append(f"Not certain: {items}.")
    if any(row.get("status") not in ("active", None) for row in held.sure):
        said.append("Each status is that of now.")
    said.append(f"Time:{held.said}.")
    return Draft(" ".join(said), refs_of(held.sure[:15] + held.unsure[:5]))


def _why(row: Row) -> str:
    return str(row["uncertain"]).replace(";", ",")
