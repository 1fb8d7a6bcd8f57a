"""Questions about one figure of many results: the first, highest, lowest, average or median."""

from collections.abc import Sequence

from agent.errors import CannotAnswer
from agent.models.offline.chart import Found, Row
from agent.models.offline.concepts import Concept
from agent.models.offline.intents.intent import Asked, spoken
from agent.models.offline.intents.measured import (
    MOST,
    called,
    each,
    item,
    over_time,
    period,
    summed_up,
    told_of,
)
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, cite, day, many, name, refs_of, unit, when

_FIGURES = ("first", "highest", "lowest", "average", "median")
# Which field holds a figure, which its date, and which of a row's first four references are its records.
_FIELDS: dict[str, tuple[str, str, slice]] = {
    "first": ("first", "first_date", slice(0, 1)),
    "highest": ("max", "max_date", slice(3, 4)),
    "lowest": ("min", "min_date", slice(2, 3)),
    "average": ("mean", "", slice(0, 2)),
    "median": ("median", "", slice(0, 2)),
}


def _answer(asked: Asked) -> Draft:
    both = {"lowest", "highest"} if "spread" in asked.reading.cues else set()
    first = {"first"} if "next_after" in asked.reading.cues else set()
    wanted = [figure for figure in _FIGURES if figure in asked.reading.cues | both | first]

    def said(asked: Asked, concept: Concept, found: Found) -> str:
        return " ".join(_figure(asked, concept, figure, row) for row in found.rows for figure in wanted)

    concepts, found = summed_up(asked)
    if wanted == ["first"] and not any(one.rows for one in found):
        return _oldest(asked)
    return told_of(asked, said, concepts, found)


def _oldest(asked: Asked) -> Draft:
    """The first of results that are no numbers (a smoking status)."""

    def said(asked: Asked, concept: Concept, found: Found) -> str:
        if len(found.rows) < found.total:
            raise CannotAnswer(f"There are {found.total} {concept.name} results: too many to tell the first.")
        n = many(found.total, "result")
        return f"First {concept.name}{period(asked).said}, of {n}: {item(found.rows[-1])}."

    return each(asked, "series", said, limit=MOST)


def _figure(asked: Asked, concept: Concept, figure: str, row: Row) -> str:
    field, dated, which = _FIELDS[figure]
    rests_on = row["refs"][:4][which] if dated else row.get("of", row["refs"][:4][which])
    return asked.wording.say(
        "measurement",
        figure,
        name=name(row),
        value=f"{row[field]}{unit(row)}{_whole(asked, concept, row, rests_on, row.get(dated))}",
        when=when({"date": row[dated]}) if dated in row else "",
        n=many(row["n"], "result") + (", the newest," if asked.reading.n else ""),
        window=period(asked).said,
        first_date=day(row.get("first_date", "?")),
        last_date=day(row.get("last_date", "?")),
        cite=cite(rests_on),
    )


def _whole(asked: Asked, concept: Concept, row: Row, refs: Sequence[str], date: str | None) -> str:
    """The reading that one part of a blood pressure was taken in: `, of 169.4/101.1 mmHg`."""
    if concept.name != "blood pressure" or date is None:
        return ""
    on = day(date)
    found = called(asked, concept, "series", since=on, until=on, limit=MOST)
    pair = next(
        (one for one in found.rows if set(refs) & set(refs_of([one])) and "/" in str(one.get("value"))), None
    )
    return f" (of {pair['value']}{unit(pair)})" if pair else ""


def _is_after(reading: Reading) -> bool:
    """After a day or an event, with no end: the next value is the first of that time."""
    if reading.anchor is not None:
        return reading.anchor.side == "after"
    return reading.window is not None and reading.window.since is not None and reading.window.until is None


CUES = {
    "median": spoken("median, middle value"),
    "spread": spoken(
        "highest and lowest, lowest and highest, high and low, low and high, highs and lows, min "
        "and max, max and min, minimum and maximum, maximum and minimum, smallest and largest, "
        "range of values, range of, extremes, extremes of, min max, what range, in what range"
    ),
    "highest": spoken(
        "how high has, how high did, how high was, how high were, how high have, highest ever, "
        "all time high, record high, peaked, peaked at, high point, high point of, top, maximal, "
        "biggest, highest recorded, heaviest, peak value, max value"
    ),
    "lowest": spoken(
        "how low has, how low did, how low was, how low were, how low have, lowest ever, all time "
        "low, record low, low point, low point of, bottomed out, minimal, lowest recorded, "
        "lightest, min value"
    ),
    "average": spoken(
        "averaged, averaging, averages, mean value, mean of, average of, averaged out, arithmetic "
        "mean, average value, average out, the mean"
    ),
    "first": spoken(
        "earliest recorded, first ever, first recorded, baseline, the very first, originally, at first"
    ),
    "next_after": spoken("was the next, what was the next, the very next"),
    # Words that only say that a value was had.
    "ran": spoken(
        "set of, get to, reach, reached, hit, been running, running, looking like, come out as, "
        "reported, reported as"
    ),
}
INTENTS = (
    over_time(
        "statistics",
        _answer,
        "first highest lowest average median spread next_after",
        may="when latest taking",
        n=True,
        also=lambda reading: (
            ("latest" not in reading.cues or (bool(reading.n) and "first" not in reading.cues))
            and ("next_after" not in reading.cues or _is_after(reading))
        ),
    ),
)
