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
    is_before,
    item,
    over_time,
    period,
    summed_up,
    told_of,
)
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, cite, day, many, name, refs_of, unit, when

_FIGURES = ("first", "highest", "lowest", "average", "median")
_MEANT = {
    "spread": {"lowest", "highest"},
    "next_after": {"first"},
    "how_high": {"highest"},
    "how_low": {"lowest"},
    "baseline": {"first"},
}
# Which field holds a figure, which its date, and which of a row's first four references are its records.
_FIELDS: dict[str, tuple[str, str, slice]] = {
    "first": ("first", "first_date", slice(0, 1)),
    "highest": ("max", "max_date", slice(3, 4)),
    "lowest": ("min", "min_date", slice(2, 3)),
    "average": ("mean", "", slice(0, 2)),
    "median": ("median", "", slice(0, 2)),
}


def _answer(asked: Asked) -> Draft:
    asks = asked.reading.cues.union(*(meant for cue, meant in _MEANT.items() if cue in asked.reading.cues))
    wanted = [figure for figure in _FIGURES if figure in asks]

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
    # Before a time the last value is its baseline, and else the first of all.
    "baseline": spoken(
        "baseline, as baseline, as a baseline, as the baseline, for baseline, for a baseline, at "
        "baseline, the baseline, baseline value, baseline level"
    ),
    "median": spoken("median, middle value"),
    "spread": spoken(
        "highest and lowest, lowest and highest, high and low, low and high, highs and lows, min and "
        "max, max and min, minimum and maximum, maximum and minimum, smallest and largest, range of "
        "values, range of, extremes, extremes of, min max, what range, in what range"
    ),
    "highest": spoken(
        "highest ever, all time high, record high, peak at, peaked, peaked at, high point, high point "
        "of, top, maximal, biggest, highest recorded, heaviest, peak value, max value, top out, top out "
        "at, topped out, topped out at, max out, max out at, maxed out, maxed out at, high water mark, "
        "high water mark for, upper extreme, upper extreme of, worst case high, worst case high for, as "
        "high as it got, ran highest, run highest, at its highest, at her highest, at his highest, at "
        "its peak, all time peak, largest value, upper end, high end, at its maximum, at her maximum, at "
        "his maximum, at maximum, at the maximum, at its top, maximum ever"
    ),
    "lowest": spoken(
        "lowest ever, all time low, record low, low point, low point of, bottomed out, bottomed out at, "
        "bottom out, bottom out at, minimal, lowest recorded, lightest, min value, low water mark, low "
        "water mark for, lower extreme, lower extreme of, worst case low, worst case low for, as low as "
        "it got, ran lowest, run lowest, at its lowest, at her lowest, at his lowest, trough, at its "
        "minimum, at her minimum, at his minimum, at minimum, at the minimum, at its worst moment, "
        "minimum ever, at its bottom"
    ),
    # "How low has it dropped" is the lowest of all; "the biggest drop" is not.
    "how_high": spoken(
        "how high has, how high did, how high was, how high were, how high have, how high does, what "
        "high did, what high has, how high up did, how high up has"
    ),
    "how_low": spoken(
        "how low has, how low did, how low was, how low were, how low have, how low does, what low did, "
        "what low has, how low down did, how far down has, how far down did"
    ),
    "average": spoken(
        "averaged together, averaged over, averaged across, "
        "averaged, averaging, averages, mean value, mean of, average of, averaged out, arithmetic mean, "
        "average value, average out, typical average, average over all, mean over all, average "
        "across, mean across, average overall, mean overall, average for all, overall average, overall "
        "mean, averages out to, averaged out to, average out to, averages to"
    ),
    "first": spoken(
        "way back at the beginning, way back at the start, earliest recorded, first ever, first "
        "recorded, the very first, originally, at first, start out, "
        "start out at, started out, started out at, start off, start off at, started off at, start at, "
        "begin at, began at, begin with, to begin with, the one from the beginning, the one from the "
        "start, from the beginning of the record, from the start of the record, at the beginning of the "
        "record, at the start of the record, at the very beginning, at the very start, at the outset, in "
        "the beginning, starting value, initial value, inaugural, first one, the first one, furthest "
        "back, farthest back, back at the start, right back to the beginning, back to the beginning, "
        "right back at the beginning, going right back, going right back to the beginning, back at the "
        "beginning, from way back, way back when, first off"
    ),
    "next_after": spoken(
        "next, was the next, what was the next, the very next, very next, subsequent, following one, next one"
    ),
    # Words that only say that a value was had.
    "ran": spoken(
        "set of, get to, reach, reached, hit, been running, running, looking like, come out as, "
        "reported, reported as, sit, sitting, stand, standing, hover, hover around, hovering, hovering "
        "around, land, landed, come to, work out to, end up, clock in, read as, whichever, that day "
        "exactly, that exact day, on that exact day, exactly that day, on that exact date, that exact "
        "date, got up to, came, work out as, whatever, lies, lie, lay, present, was present, amount to, "
        "amounts to, amounted to"
    ),
}
INTENTS = (
    over_time(
        "statistics",
        _answer,
        "first highest lowest average median spread next_after how_high how_low baseline",
        may="when latest taking direction how",
        n=True,
        also=lambda reading: (
            ("direction" not in reading.cues or bool(reading.cues & {"how_high", "how_low"}))
            and ("latest" not in reading.cues or (bool(reading.n) and "first" not in reading.cues))
            and not ("baseline" in reading.cues and is_before(reading))
            and ("next_after" not in reading.cues or _is_after(reading))
        ),
    ),
)
