"""Questions about measurements: latest, the one before, first, highest, lowest, average, series, how many."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from agent.models.offline.chart import Found, Row, observations
from agent.models.offline.concepts import Concept
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.reading import Reading
from agent.models.offline.wording import (
    REFERENCE,
    Draft,
    cite,
    day,
    flags,
    many,
    name,
    noted,
    refs_of,
    unit,
    value,
    when,
)

# What may stand beside any question about a measurement, and adds nothing to it.
_ASIDE = cues("what is whether past result done taken and")
# A count may rest on hundreds of records: its text cites these, its citations list more.
CITED_OF_A_COUNT = 2
_LATER = re.compile(r"\d+ dated after now")
_COARSE = "dated too coarsely to tell whether it lies inside"
_STATISTICS = ("first", "highest", "lowest", "average")


def _each(asked: Asked, mode: str, sentence: Callable[[Asked, Concept, Found], str], **more: Any) -> Draft:
    """One answer over all the measurements named, each fetched in the same step."""
    concepts = asked.reading.concepts("measurement")
    calls = [observations(concept.name, mode, **asked.window, **more) for concept in concepts]
    found = asked.chart.fetch_all(calls)
    texts = []
    for concept, one in zip(concepts, found, strict=True):
        said = sentence(asked, concept, one) if one.rows else _none(asked, concept, one)
        texts.append(said + noted(one.notes))
    rows = [row for one in found for row in one.rows]
    return Draft(" ".join(texts), refs_of(rows), "answered" if rows else "not_in_chart")


def _none(asked: Asked, concept: Concept, found: Found) -> str:
    """Nothing recorded; or recorded, but left out as the notes say (such as a value with a comparator)."""
    why = "none" if found.finding == "nothing_recorded" else "unusable"
    if why == "none" and any(_LATER.match(note) for note in found.notes):
        why = "none_yet"
    return asked.wording.say(
        "measurement", why, asked=concept.name, window=asked.said_window, now=asked.now.isoformat()
    )


def _window(asked: Asked, found: Found) -> str:
    """The window asked for, and that results dated too coarsely to tell are among those found."""
    if any(_COARSE in note for note in found.notes):
        return asked.wording.phrase("measurement", "coarse", window=asked.said_window)
    return asked.said_window


def _once(rows: list[Row]) -> list[Row]:
    """Rows that say the same (one result recorded twice) as one row of several records."""
    same: dict[str, Row] = {}
    for row in rows:
        key = repr(sorted((field, said) for field, said in row.items() if field != "ref"))
        held = same.setdefault(key, {**row, "refs": []})
        held["refs"] = [*held["refs"], *refs_of([row])]
    return list(same.values())


def _result(asked: Asked, sentence: str, row: Row) -> str:
    parts = {"name": name(row), "value": value(row), "when": when(row), "flags": flags(row)}
    return asked.wording.say("measurement", sentence, cite=cite(refs_of([row])), **parts)


def _latest(asked: Asked) -> Draft:
    def said(asked: Asked, _: Concept, found: Found) -> str:
        return " ".join(_result(asked, "latest", row) for row in _once(found.rows))

    return _each(asked, "latest", said)


def _series(asked: Asked) -> Draft:
    shown = min(asked.reading.n or 200, 200)

    def said(asked: Asked, concept: Concept, found: Found) -> str:
        def item(row: Row) -> str:
            return _result(asked, "item", row)

        limited = asked.reading.n is not None or not found.complete
        n = len(found.rows) if limited else found.total
        items = asked.wording.listed(found.rows, item)
        return asked.wording.say(
            "measurement",
            "series",
            n=many(n, "result"),
            asked=concept.name,
            window=_window(asked, found),
            items=items,
        )

    return _each(asked, "series", said, limit=shown)


def _previous(asked: Asked) -> Draft:
    """The result `back` places before the latest; results without a value or of another unit count too."""
    back = max(asked.reading.back, 1)

    def said(asked: Asked, concept: Concept, found: Found) -> str:
        if len(found.rows) > back:
            return _result(asked, "previous", found.rows[back])
        last = found.rows[-1]
        return asked.wording.say(
            "measurement",
            "no_previous",
            asked=concept.name,
            window=asked.said_window,
            when=when(last),
            cite=cite(refs_of([last])),
        )

    draft = _each(asked, "series", said, limit=back + 1)
    return replace(draft, citations=tuple(REFERENCE.findall(draft.text)))


def _statistics(asked: Asked) -> Draft:
    wanted = [statistic for statistic in _STATISTICS if statistic in asked.reading.cues]

    def said(asked: Asked, _: Concept, found: Found) -> str:
        return " ".join(_statistic(asked, one, row) for row in found.rows for one in wanted)

    return _each(asked, "statistics", said)


def _statistic(asked: Asked, statistic: str, row: Row) -> str:
    first, last, least, most = row["refs"][:4]
    fields = {
        "first": ("first", "first_date", [first]),
        "highest": ("max", "max_date", [most]),
        "lowest": ("min", "min_date", [least]),
        "average": ("mean", "", [first, last]),
    }
    amount, date, rests_on = fields[statistic]
    return asked.wording.say(
        "measurement",
        statistic,
        name=name(row),
        value=f"{row[amount]}{unit(row)}",
        when=when({"date": row[date]}) if date in row else "",
        n=many(row["n"], "result"),
        window=asked.said_window,
        first_date=day(row.get("first_date", "?")),
        last_date=day(row.get("last_date", "?")),
        cite=cite(rests_on),
    )


def _count(asked: Asked) -> Draft:
    def said(asked: Asked, concept: Concept, found: Found) -> str:
        rows = [_counted(asked, row, _window(asked, found)) for row in found.rows]
        if len(rows) > 1:
            n = sum(row["n"] for row in found.rows)
            window = _window(asked, found)
            rows.insert(0, asked.wording.say("measurement", "in_all", n=n, asked=concept.name, window=window))
        return " ".join(rows)

    return _each(asked, "count", said)


def _counted(asked: Asked, row: Row, window: str) -> str:
    """One code's results; of the records counted, the newest are cited in the text."""
    first, last = day(row.get("first_date", "?")), day(row.get("last_date", "?"))
    return asked.wording.say(
        "measurement",
        "count",
        n=many(row["n"], "result"),
        name=name(row),
        window=window,
        dates=asked.wording.phrase(
            "measurement", "on" if first == last else "between", first=first, last=last
        ),
        cite=cite(refs_of([row])[:CITED_OF_A_COUNT]),
    )


def _asks_for_many(reading: Reading) -> bool:
    """More than one result: a list, a number of them, or a window without "the latest"."""
    several = reading.cues & {"list", "recent", "history"} or reading.n is not None
    return bool(several) or (reading.window is not None and "latest" not in reading.cues)


INTENTS = (
    Intent(
        "latest_result",
        _latest,
        may=_ASIDE | {"latest", "active", "when"},
        about="measurement",
        window=True,
        several=True,
        also=lambda reading: not _asks_for_many(reading) and not reading.back,
    ),
    Intent(
        "series",
        _series,
        may=_ASIDE | {"list", "recent", "history", "latest", "when"},
        about="measurement",
        window=True,
        several=True,
        n=True,
        also=lambda reading: _asks_for_many(reading) and ("latest" not in reading.cues or bool(reading.n)),
    ),
    Intent(
        "previous_result",
        _previous,
        may=_ASIDE | {"latest", "when", "that", "previous"},
        about="measurement",
        window=True,
        also=lambda reading: bool(reading.cues & {"previous"}) or reading.back > 0,
    ),
    Intent(
        "statistics",
        _statistics,
        may=_ASIDE | {"when"},
        needs=(frozenset(_STATISTICS),),
        about="measurement",
        window=True,
        several=True,
    ),
    Intent(
        "count_results",
        _count,
        may=_ASIDE,
        needs=(cues("count often"),),
        about="measurement",
        window=True,
        several=True,
    ),
)
