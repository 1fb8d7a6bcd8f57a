"""Questions about the course of a condition: since when, how long, ended when, by whom, how many times."""

from collections.abc import Callable

from agent.models.offline.chart import Found, Row, records
from agent.models.offline.concepts import Concept
from agent.models.offline.intents.durations import lasted
from agent.models.offline.intents.having import no_problem, one_problem
from agent.models.offline.intents.intent import Asked, Intent, cues, spoken
from agent.models.offline.intents.listing import counted, joined
from agent.models.offline.intents.problem_records import groups_of, item
from agent.models.offline.reading import Reading
from agent.models.offline.wording import CITED, Draft, cite, day, refs_of

CUES = {
    "when": spoken(
        "what year, which year, in what year, in which year, what month, which month, in what month"
    ),
    "onset": spoken("""onset, onset of, date of onset, date of onset of, onset date, onset date of,
        date of diagnosis, date of diagnosis of, diagnosis date, diagnosis date of, diagnosed date,
        date diagnosed, year of diagnosis, year of diagnosis of, year diagnosed, develop, developed,
        come down with, came down with, first appeared, first diagnosed, first diagnosed with,
        first diagnosis of, first had, appeared, onset year"""),
    "resolved": spoken("""resolved, resolve, resolution, over, resolution of, resolution date,
        resolution date of,
        date of resolution, date of resolution of, date resolved, gone away, went away, go away,
        cleared, cleared up, clear up, abated, abatement of, abatement date, in remission, remission,
        got over, get over, healed, no longer active, no longer has, not active anymore, inactive,
        closed"""),
    "times_had": spoken("""how many time has she had, how many time has he had,
        how many time did she have, how many time did he have, how many episode of,
        number of episode of, how many episode, how many bout of, how many case of, episode of,
        number of time she had, number of time he had"""),
}


def _each(answer: Callable[[Asked, dict[str, list[Row]]], Draft | None]) -> Callable[[Asked], Draft]:
    """An answer for each condition named, from its records by how they stand; where it gives none, how the
    condition stands."""

    def answered(asked: Asked) -> Draft:
        found = asked.chart.fetch(records("problems"))
        return joined([_of(asked, one, told, found) for one, told in asked.named("problem")])

    def _of(asked: Asked, concept: Concept, told: str, found: Found) -> Draft:
        groups = groups_of(asked, concept, found.rows)
        if not found.complete:
            return no_problem(asked, concept, told, found)
        return answer(asked, groups) or one_problem(asked, concept, told, found)

    return answered


def _since(asked: Asked, groups: dict[str, list[Row]]) -> Draft | None:
    """Onset of the record with the earliest; how long, where that was asked."""
    rows = groups.get("yes") or groups.get("unconfirmed") or groups.get("resolved")
    if not rows:
        return None
    rows = sorted(rows, key=lambda row: (not str(row.get("date", "")), str(row.get("date", ""))))[:CITED]
    if "how_long" in asked.reading.cues:
        return _length(asked, rows)
    if len(rows) == 1:
        return Draft(asked.wording.say("problem", "since", items=item(rows[0])), refs_of(rows))
    items, refs = item(rows[0]), refs_of(rows)
    return Draft(asked.wording.say("problem", "earliest", items=items, n=len(refs), cite=cite(refs)), refs)


def _length(asked: Asked, rows: list[Row]) -> Draft:
    """From the onset up to now, or to the recorded end; without an onset, only since when it is recorded."""
    row, today = rows[0], asked.now.isoformat()
    others = f" It is the earliest of {len(rows)} records {cite(refs_of(rows))}." if len(rows) > 1 else ""
    start = row.get("onset") or row.get("recorded", "")
    word = "onset" if "onset" in row else "recording; the onset is not recorded"
    ended = row.get("status") in ("resolved", "inactive", "remission") or "abated" in row
    length = lasted(start, row.get("abated", today))
    if length is None or (ended and "abated" not in row):
        why = "when it ended is not recorded" if ended else "its onset is no date"
        return Draft(f"How long cannot be worked out, {why}: {item(row)}.{others}", refs_of(rows))
    until = day(row["abated"]) if "abated" in row else f"now, {today}"
    text = f"For {length}, from {day(start)} ({word}) up to {until}: {item(row)}.{others}"
    return Draft(text, refs_of(rows))


def _ended(asked: Asked, groups: dict[str, list[Row]]) -> Draft | None:
    """When it ended; that it is recorded as active, or as over without a date."""
    active = [*groups.get("yes", []), *groups.get("unconfirmed", [])]
    over = groups.get("resolved", [])
    if not active and not over:
        return None
    said = []
    if active:
        said.append(f"Still recorded as active: {asked.wording.listed(active, item, each=True)}.")
    dated = [row for row in over if "abated" in row]
    open_ = [row for row in over if row not in dated]
    if dated:
        said.append(f"Ended: {asked.wording.listed(dated, item)}.")
    if open_:
        items = asked.wording.listed(open_, item, each=True)
        said.append(f"Not active; the date of the end is not recorded: {items}.")
    return Draft(" ".join(said), refs_of([*active[:7], *dated[:7], *open_[:6]]))


def _recorder(asked: Asked, groups: dict[str, list[Row]]) -> Draft | None:
    rows = [row for standing in ("yes", "unconfirmed", "resolved") for row in groups.get(standing, [])]
    named = [row for row in rows if "recorder" in row]
    if not rows:
        return None
    if not named:
        items = asked.wording.listed(rows[:3], item, each=True)
        return Draft(f"The record does not name who: {items}.", refs_of(rows[:3]))
    first = named[-1]
    return Draft(f"Recorded by {first['recorder']}: {item(first)}.", refs_of([first]))


def _times(asked: Asked) -> Draft:
    """How many records the chart has of it; a record need not be an episode, nor each have one."""
    found = asked.chart.fetch(records("problems"))
    concept, told = asked.named("problem")[0]
    groups = groups_of(asked, concept, found.rows)
    rows = [row for one in ("yes", "unconfirmed", "resolved") for row in groups.get(one, [])]
    if not rows:
        return one_problem(asked, concept, told, found)
    return counted(asked, found, rows, "problem record", item)


def _when(asked: Asked, groups: dict[str, list[Row]]) -> Draft | None:
    """When it was there: every record with its dates, or the newest."""
    rows = [row for one in ("yes", "unconfirmed", "resolved") for row in groups.get(one, [])]
    rows = sorted(rows, key=lambda row: str(row.get("date", "")), reverse=True)
    if not rows:
        return None
    rows = rows[:1] if "latest" in asked.reading.cues else rows
    items = asked.wording.listed(rows, item)
    return Draft(f"{items[:1].upper()}{items[1:]}.", refs_of(rows))


def _asks_since(reading: Reading) -> bool:
    if reading.cues & cues("onset since_when how_long"):
        return "latest" not in reading.cues or "how_long" in reading.cues
    return "when" in reading.cues and bool(reading.cues & cues("diagnosed started first problem taking"))


def _asks_dates(reading: Reading) -> bool:
    """All the dates of it; onset alone, and the end alone, are questions of their own."""
    if {"onset", "resolved"} <= reading.cues:
        return True
    whole = reading.cues & cues("past latest history trend")
    return "when" in reading.cues and bool(whole) and not reading.cues & cues("onset resolved")


_ASIDE = cues("is whether past problem diagnosed active and what history")

INTENTS = (
    Intent(
        "problem_since",
        _each(_since),
        may=_ASIDE | cues("when onset since_when how_long started first taking latest list"),
        about="problem",
        several=True,
        also=_asks_since,
    ),
    Intent(
        "problem_ended",
        _each(_ended),
        may=_ASIDE | cues("when what since_when"),
        needs=(cues("resolved stopped"),),
        about="problem",
        several=True,
    ),
    Intent(
        "problem_dates",
        _each(_when),
        may=cues("past whether latest and list history resolved trend"),
        needs=(cues("when onset"),),
        about="problem",
        several=True,
        also=_asks_dates,
    ),
    Intent(
        "problem_recorder",
        _each(_recorder),
        may=_ASIDE | cues("who onset"),
        needs=(cues("by_whom"),),
        about="problem",
    ),
    Intent(
        "problem_times",
        _times,
        may=cues("past whether diagnosed problem"),
        needs=(cues("times_had count often"),),
        about="problem",
    ),
)
