"""What held at a time of the past: the records in force on its first day, or begun within it."""

from collections.abc import Callable
from dataclasses import dataclass

from agent.models.offline.chart import Row, records
from agent.models.offline.intents.durations import first_day, last_day
from agent.models.offline.intents.intent import Asked
from agent.models.offline.wording import REFERENCE, many, name


@dataclass(frozen=True)
class Held:
    """Records that held at that time, newest first; those of which the chart does not tell (`uncertain` says
    why); the notes of the result, and whether all could be read."""

    sure: list[Row]
    unsure: list[Row]
    notes: tuple[str, ...]
    complete: bool


def in_force(asked: Asked, kind: str, window: dict[str, str], counts: Callable[[Row], bool]) -> Held:
    """The records of a kind that held at some moment of a window (`since`, `until`: ISO dates).

    Of the records begun within it only those for which `counts` says so were ever in force. R4 keeps one
    status, the present one: what is stopped now and bears no end may or may not have held then.
    """
    today = asked.now.isoformat()
    until = min(last_day(window.get("until", today)), today)
    calls = []
    if "since" in window:
        calls.append(records(kind, at=min(first_day(window["since"]), today)))
    if window.get("since") != until:
        calls.append(records(kind, **{**window, "until": until}))
    found = asked.chart.fetch_all(calls)
    rows: dict[str, Row] = {}
    for call, one in zip(calls, found, strict=True):
        rows |= {row["ref"]: row for row in one.rows if "at" in call.arguments or counts(row)}
    newest = sorted(rows.values(), key=lambda row: str(row.get("date", "")), reverse=True)
    return Held(
        [row for row in newest if "uncertain" not in row],
        [row for row in newest if "uncertain" in row],
        found[0].notes,
        all(one.complete for one in found),
    )


def told_then(
    asked: Asked, sure: list[Row], unsure: list[Row], item: Callable[[Row], str], noun: str = ""
) -> str:
    """What held, and what may have: the newest record of each name, counted where a noun is given."""
    said = []
    if sure:
        items = asked.wording.listed(sure, item, each=True)
        names = len({name(row).casefold() for row in sure})
        shown = len(REFERENCE.findall(items)) == names
        head = f"{many(names, noun)} by name" if noun and shown else "Recorded as so"
        said.append(f"{head}{asked.said_window}: {items}.")
    if unsure:
        items = asked.wording.listed(unsure, lambda row: f"{_why(row)}, {item(row)}", each=True)
        said.append(f"Not certain{asked.said_window}: {items}.")
    if any(row.get("status") not in ("active", None) for row in sure):
        said.append("Each status is that of now.")
    return " ".join(said)


def _why(row: Row) -> str:
    return str(row["uncertain"]).replace(";", ",")
