"""What answers about measurements share: their calls, one for each that is named, and their words."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from agent.errors import CannotAnswer
from agent.models.offline.anchors import told_window
from agent.models.offline.chart import Found, Row, observations
from agent.models.offline.concepts import Concept
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.reading import Reading
from agent.models.offline.wording import (
    REFERENCE,
    Draft,
    cite,
    flags,
    inline,
    many,
    name,
    noted,
    refs_of,
    value,
    when,
)

# What may stand beside any question about a measurement, and adds nothing to it.
ASIDE = cues("what is whether past result done taken and ran labs came_back opened")
# The most rows that one call brings.
MOST = 200
# An answer lists so many values; how many more there are, it says.
LISTED = 20
_LONGEST_LIST = 2400
_LATER = re.compile(r"\d+ dated after now")
_COARSE = "dated too coarsely to tell whether it lies inside"


def over_time(
    name: str,
    answer: Callable[[Asked], Draft],
    *needs: str,
    may: str = "",
    also: Callable[[Reading], bool] = lambda _: True,
    **more: Any,
) -> Intent:
    """An intent about one or more measurements in a window of time, in a unit; `more` as Intent has it."""
    return Intent(
        name,
        answer,
        may=ASIDE | cues(may) | cues("where"),
        needs=tuple(map(cues, needs)),
        **{"about": "measurement", "window": True, "several": True, "unit": True, **more},
        also=lambda reading: also(reading) and not _asks_for_a_place(reading),
    )


def _asks_for_a_place(reading: Reading) -> bool:
    """ "Where was her A1c drawn?"; "where is her A1c at?" asks for its value."""
    done = reading.cues & {"done", "taken"} and "average" not in reading.cues
    return "where" in reading.cues and bool(done)


Sentence = Callable[[Asked, Concept, Found], str]


class Period(NamedTuple):
    """The time asked for: as tool arguments, as the end of a sentence, and the event that it is told by."""

    arguments: dict[str, str]
    said: str
    event: str


def period(asked: Asked) -> Period:
    """The window of time, with what an event and a number of last visits make of it.

    Raises StillWanted until the event is found, and CannotAnswer where the chart does not tell it.
    """
    window = told_window(asked)
    if asked.reading.anchor is None:
        return Period(window.arguments, f" {window.said}" if window.said else "", "")
    bounds = (("since", window.since), ("until", window.until))
    dates = " and ".join(f"{word} {bound}" for word, bound in bounds if bound)
    return Period(window.arguments, f" {dates}", f" That is {window.said}.")


def called(asked: Asked, concept: Concept, mode: str, **more: Any) -> Found:
    """The result of one call for a measurement, in the window and the unit asked for.

    `more` takes the place of the window's own bounds.
    """
    return called_each(asked, [concept], mode, **more)[0]


def called_each(asked: Asked, concepts: Sequence[Concept], mode: str, **more: Any) -> list[Found]:
    """The results of one such call for each measurement, asked for together."""
    given = {**period(asked).arguments, **more}
    if asked.reading.unit:
        given.setdefault("unit", asked.reading.unit)
    told = {argument: said for argument, said in given.items() if said is not None}
    return asked.chart.fetch_all([observations(concept.name, mode, **told) for concept in concepts])


def each(asked: Asked, mode: str, sentence: Sentence, **more: Any) -> Draft:
    """One answer over all the measurements named, each fetched in the same step."""
    concepts = asked.reading.concepts("measurement")
    return told_of(asked, sentence, concepts, called_each(asked, concepts, mode, **more))


def summed_up(asked: Asked) -> tuple[list[Concept], list[Found]]:
    """Each measurement named and its statistics, of so many last results as are asked for.

    Raises CannotAnswer where no window of time holds just these.
    """
    concepts = asked.reading.concepts("measurement")
    n = asked.reading.n
    if n is None:
        return concepts, called_each(asked, concepts, "statistics")
    return concepts, [_of_the_last(asked, concept, n) for concept in concepts]


def _of_the_last(asked: Asked, concept: Concept, n: int) -> Found:
    newest = called(asked, concept, "series", limit=n)
    if not newest.rows:
        return newest
    since = str(newest.rows[-1].get("date", ""))[:10]
    found = called(asked, concept, "statistics", since=since or None)
    if len(newest.rows) < n or any(row["n"] != n for row in found.rows):
        counts = " and ".join(many(row["n"], "result") for row in found.rows) or "none"
        raise CannotAnswer(
            f"The last {n} {concept.name} results cannot be told apart by date from others, or do not all"
            f" have an exact number ({counts} with one since {since}); ask with a window of time."
        )
    # A mean of few is cited by all of them.
    refs = list(refs_of(newest.rows))
    return replace(found, rows=[{**row, "of": refs} for row in found.rows])


def told_of(asked: Asked, sentence: Sentence, concepts: Sequence[Concept], found: Sequence[Found]) -> Draft:
    """What each measurement's result says, or that there is none, with the notes that matter."""
    texts = []
    for concept, one in zip(concepts, found, strict=True):
        said = sentence(asked, concept, one) if one.rows else none(asked, concept, one)
        texts.append(said + noted(one.notes))
    rows = [row for one in found for row in one.rows]
    event = period(asked).event
    text = " ".join(texts) + event
    refs = tuple(dict.fromkeys(REFERENCE.findall(text))) or refs_of(rows)
    return Draft(text, refs, "answered" if rows else "not_in_chart")


def none(asked: Asked, concept: Concept, found: Found) -> str:
    """Nothing recorded; or recorded, but left out as the notes say (such as a value with a comparator)."""
    why = "none" if found.finding == "nothing_recorded" else "unusable"
    if why == "none" and any(_LATER.match(note) for note in found.notes):
        why = "none_yet"
    return asked.wording.say(
        "measurement", why, asked=concept.name, window=period(asked).said, now=asked.now.isoformat()
    )


def said_window(asked: Asked, found: Found) -> str:
    """The window asked for, and that results dated too coarsely to tell are among those found."""
    if any(_COARSE in note for note in found.notes):
        return asked.wording.phrase("measurement", "coarse", window=period(asked).said)
    return period(asked).said


def once(rows: list[Row]) -> list[Row]:
    """Rows that say the same (one result recorded twice) as one row of several records."""
    same: dict[str, Row] = {}
    for row in rows:
        key = repr(sorted((field, said) for field, said in row.items() if field != "ref"))
        held = same.setdefault(key, {**row, "refs": []})
        held["refs"] = [*held["refs"], *refs_of([row])]
    return list(same.values())


def amount(row: Row) -> str:
    """A value with its unit, and what was recorded where it was converted."""
    recorded = f" (recorded as {inline(row['recorded'])})" if "recorded" in row else ""
    return f"{value(row)}{recorded}"


def item(row: Row, aside: str = "") -> str:
    """A result as part of a sentence: name, value, date, an aside, flags and citation."""
    said = f", {aside}" if aside else ""
    return f"{name(row)} {amount(row)}{when(row)}{said}{flags(row)} {cite(refs_of([row]))}"


def items(rows: Sequence[Row], total: int) -> str:
    """The newest results as the end of a sentence, and whether there are older ones.

    A name that they all have is not repeated.
    """
    shown = list(rows[:LISTED])
    plain = len({name(row) for row in shown}) == 1 and len(shown) > 1
    said = [
        item(row).removeprefix(f"{name(row)} ") if plain and at else item(row) for at, row in enumerate(shown)
    ]
    older = " (older ones are not shown)" if total > len(shown) else ""
    return f"newest first{older}: {'; '.join(said)}"


def asks_whether_done(reading: Reading) -> bool:
    """ "Was it checked this year?": a yes or no about a window of time."""
    timed = reading.window or reading.visits or reading.anchor
    got = {"past", "taking"} <= reading.cues and not any("drug" in one.concepts for one in reading.mentions)
    asks = "whether" in reading.cues or {"past", "done"} <= reading.cues or got
    return (
        bool(timed) and asks and not reading.cues & cues("what list when recent history latest count often")
    )


def is_before(reading: Reading) -> bool:
    """Before an event or a date, of the last one there: no list of all."""
    before = reading.anchor is not None and reading.anchor.side == "before"
    early = (
        reading.window is not None
        and reading.window.since is None
        and reading.window.said.startswith("before")
    )
    return (before or early) and not reading.n and not reading.cues & cues("list recent history")


def asks_its_age(reading: Reading) -> bool:
    """ "Is the last one more than 6 months old?": a yes or no about a time before that."""
    asks = bool(reading.cues & {"is", "ago"}) or (
        "latest" in reading.cues and bool(reading.cues & cues("past whether"))
    )
    return asks and is_before(reading) and not reading.cues & cues("what when")
