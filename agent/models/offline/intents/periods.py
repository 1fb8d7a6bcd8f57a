"""What happened in a time, or since the last visit: visits, problems, procedures, drugs, flagged results."""

from collections.abc import Callable
from dataclasses import replace

from agent.models.offline.chart import Found, Row, records
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.listing import newest_of_each
from agent.models.offline.intents.queries import query, within
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, cite, is_later, many, name, plural, refs_of, value, when

CUES = {
    "happened": (
        "happened", "happen", "took place", "what went on", "what took place", "events", "what occurred",
        "what is new", "anything new", "anything happen", "what has happened", "what has been done",
        "what was done", "what all happened", "new records", "course", "interval history",
    ),
}  # fmt: skip

_SHOWN = 5
# A kind of record, what one is called in a count, and the statuses that are none of it.
_KINDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("encounters", "visit", ("planned", "cancelled", "arrived", "triaged")),
    ("problems", "problem with onset or recording", ()),
    ("procedures", "procedure", ("not-done",)),
    ("immunizations", "immunization", ("not-done",)),
    ("medications", "medication record", ("draft",)),
)


def _period(asked: Asked) -> Draft:
    """A line a kind: how many records, the newest of each name; then the results flagged in their records."""
    if asked.reading.anchor:  # "since the last visit" asks for what that visit itself did not bring
        after = replace(asked.reading, anchor=replace(asked.reading.anchor, inclusive=False))
        asked = replace(asked, reading=after)
    window = asked.window_to_now
    lines: list[str] = []
    refs: list[str] = []
    every = asked.chart.fetch_all([records(kind, **window) for kind, _, _ in _KINDS])
    for (_, noun, none_of_it), found in zip(_KINDS, every, strict=True):
        by_now = [row for row in found.rows if not is_later(row, asked.now)]
        rows = [row for row in by_now if _counts(row, none_of_it)]
        others = newest_of_each([row for row in by_now if row not in rows])[:_SHOWN]
        if rows:
            lines.append(_counted(rows, found, noun, _item))
            refs += refs_of(newest_of_each(rows)[:_SHOWN])
        else:
            plain, _, rest = noun.partition(" with")
            lines.append(f"No {plural(plain)}{' with' + rest if rest else ''}.")
        if others:
            lines[-1] += f" Recorded otherwise: {'; '.join(map(_otherwise, others))}."
            refs += refs_of(others)
    flagged = asked.chart.fetch(query("flagged", 20, within=within(asked)))
    if flagged.rows:
        shown = flagged.rows[:_SHOWN]
        more = "; and others" if len(flagged.rows) > _SHOWN else ""
        lines.append(
            f"Results flagged as abnormal, the newest of each: {'; '.join(map(_result, shown))}{more}."
        )
        refs += [str(row["refs"][0]) for row in shown if row.get("refs")]
    else:
        lines.append("No results flagged as abnormal in their record.")
    if not refs:
        kinds = "visits, problems, procedures, immunizations, medications or flagged results"
        text = f"No {kinds} are recorded{asked.said_window}."
        return Draft(text, (), "not_in_chart")
    text = "\n".join([f"Recorded{asked.said_window}:", *(f"- {line}" for line in lines)])
    return Draft(text, tuple(dict.fromkeys(refs))[:40])


def _counts(row: Row, none_of_it: tuple[str, ...]) -> bool:
    return row.get("status") not in none_of_it and row.get("verification") != "refuted"


def _counted(rows: list[Row], found: Found, noun: str, item: Callable[[Row], str]) -> str:
    shown = newest_of_each(rows)
    more = "; and others" if len(shown) > _SHOWN else ""
    items = "; ".join(map(item, shown[:_SHOWN])) + more
    plain, _, rest = noun.partition(" with")
    told = f"{many(len(rows), plain)}{' with' + rest if rest else ''}"
    if not found.complete or len(rows) != found.total:
        told = noun[:1].upper() + noun[1:]  # the count stands in no result
    return f"{told}: {items}."


def _item(row: Row) -> str:
    return f"{name(row)}{when(row)} {cite(refs_of([row]))}"


def _otherwise(row: Row) -> str:
    standing = "refuted" if row.get("verification") == "refuted" else row.get("status", "unknown")
    return f"{name(row)}{when(row)} (status {standing}) {cite(refs_of([row]))}"


def _result(row: Row) -> str:
    told = f"{name(row)} {value(row)}{when(row)} ({row['interpretation']})"
    return f"{told} {cite(row.get('refs', [])[:1])}"


def _of_a_time(reading: Reading) -> bool:
    """A window or an event that makes one; of the whole chart there is a summary of its own."""
    asked = reading.cues & cues("summary happened happens change") or reading.cues == cues("what new")
    return bool(asked) and (reading.window is not None or reading.anchor is not None)


INTENTS = (
    Intent(
        "period_summary",
        _period,
        may=cues("summary happened happens change what whether is new past list visit"),
        window=True,
        anchored=True,
        also=_of_a_time,
    ),
)
