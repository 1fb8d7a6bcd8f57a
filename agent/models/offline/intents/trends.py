"""Questions about the course of a measurement: its change, its trend, whether it goes up or down."""

from dataclasses import replace
from datetime import date
from typing import Any

from agent.models.offline.chart import Found, Row
from agent.models.offline.concepts import Concept
from agent.models.offline.intents.intent import Asked, cues, spoken
from agent.models.offline.intents.measured import over_time, period, summed_up, told_of
from agent.models.offline.reading import Mention, Reading
from agent.models.offline.wording import Draft, cite, day, many, name, unit, when

# With fewer results a line says nothing that the two values do not say.
_FEWEST = 3
# No direction is told where the line moves less than this part of the way from the lowest to the highest.
_CLEAR = 0.5
_YEAR_DAYS = 365.25
_NO_JUDGE = "Whether that is better or worse is not told by the chart."


def _answer(asked: Asked) -> Draft:
    def said(asked: Asked, _: Concept, found: Found) -> str:
        return " ".join(_course(asked, row) for row in found.rows)

    if "previous" in asked.reading.cues:
        asked = replace(asked, reading=replace(asked.reading, n=2))
    draft = told_of(asked, said, *summed_up(asked))
    if "better" in asked.reading.cues and draft.status == "answered":
        return replace(draft, text=f"{draft.text} {_NO_JUDGE}")
    return draft


def _course(asked: Asked, row: Row) -> str:
    """From the first to the last value, with the change; where it is asked for, the trend."""
    told = name(row)
    if row["n"] == 1 or "change" not in row:
        only = "only 1 result" if row["n"] == 1 else f"{many(row['n'], 'result')} without dates to order them"
        return f"{told}: {only}{period(asked).said}, {_value(row, 'last')}; no change can be told."
    course = (
        f"{told} {_verb(row['change'])} from {_value(row, 'first')} to {_value(row, 'last')}"
        f" (change {row['change']:+g}{unit(row)}, of {many(row['n'], 'result')}{period(asked).said})."
    )
    return f"{course}{_trend(row)}" if _asks_for_a_trend(asked.reading) else course


def _value(row: Row, which: str) -> str:
    place = {"first": 0, "last": 1}[which]
    dated = f"{which}_date"
    on = when({"date": row[dated]}) if dated in row else ""
    return f"{row[which]}{unit(row)}{on} {cite(row['refs'][place : place + 1])}"


def _verb(change: float) -> str:
    return "rose" if change > 0 else "fell" if change < 0 else "is unchanged"


def _trend(row: Row) -> str:
    slope: dict[str, Any] | None = row.get("slope")
    if slope is None or row["n"] < _FEWEST:
        return f" {many(row['n'], 'result')} are too few to tell a trend."
    fitted = f"least squares over {many(slope['n'], 'result')} {cite(row['refs'][:2])}"
    line = f"slope {slope['value']:+g}{unit(row)} a year by {fitted}"
    if not _is_clear(row, slope["value"]):
        return (
            f" No clear direction: {line}; the line moves less than half of the way from the lowest"
            f" ({row['min']}{unit(row)}) to the highest ({row['max']}{unit(row)})."
        )
    return f" Trend: {'rising' if slope['value'] > 0 else 'falling'}, {line}."


def _is_clear(row: Row, slope: float) -> bool:
    """Whether the line moves far enough, between the first and the last value, beside how they scatter."""
    first, last = (_day_of(row.get(f"{which}_date")) for which in ("first", "last"))
    if first is None or last is None or row["max"] == row["min"]:
        return False
    moved = abs(slope) * (last - first).days / _YEAR_DAYS
    return bool(moved >= _CLEAR * (row["max"] - row["min"]))


def _day_of(iso: object) -> date | None:
    """A recorded date; of a month or a year the middle, as the tool takes it."""
    written = day(iso or "")
    whole = {4: f"{written}-07-02", 7: f"{written}-15"}.get(len(written), written)
    try:
        return date.fromisoformat(whole)
    except ValueError:
        return None


_WEIGHTS = {"in_kilos": "kg", "in_pounds": "[lb_av]"}


def _weight(asked: Asked) -> Draft:
    """ "How much has she lost?": of nothing else that is measured is that said without its name."""
    unit = next((_WEIGHTS[cue] for cue in _WEIGHTS if cue in asked.reading.cues), asked.reading.unit)
    asked = replace(asked, reading=replace(asked.reading, unit=unit))
    if asked.reading.mentions:
        return _answer(asked)
    weight = Mention("weight", asked.lexicon.concepts[("weight",)])
    return _answer(replace(asked, reading=replace(asked.reading, mentions=(weight,))))


_TREND = cues("trend course direction better")


def _asks_for_a_trend(reading: Reading) -> bool:
    return bool(reading.cues & _TREND)


def _compares_two(reading: Reading) -> bool:
    """Two measurements beside each other, and not one at two times."""
    return "change" not in reading.cues and len(reading.mentions) > 1


def _between_now_and_then(reading: Reading) -> bool:
    """ "Her weight now and in 2020": two times, of which one alone is read as a window."""
    return "active" in reading.cues and (reading.window is not None or reading.anchor is not None)


# "Since the first one": of all results, which a change is told of anyway.
_SINCE_THE_FIRST = tuple(
    f"{lead} {whose} {first}{one}"
    for lead in ("since", "from")
    for whose in ("the", "her", "his", "their")
    for first in ("first", "very first", "earliest", "oldest", "initial", "baseline")
    for one in ("", " one", " value", " reading", " result", " measurement", " ever", " recorded")
)
CUES = {
    "in_kilos": spoken("how many kilos, how many kg, how many kilograms, how much kg"),
    "in_pounds": spoken("how many pounds, how many lbs, how many lb"),
    # Adds nothing where one of the others is said; "how has it been" asks for the course by itself.
    "how": spoken(
        "how, how is, how are, how was, how were, how did, how does, how do, by how much, in what way, "
        "how far has, how far did, how far, how big is, how big was, how big a, how big of a, how large "
        "is, how large was, how large a, how great is, how great a"
    ),
    "course": spoken("how has, how have, how had"),
    "trend": spoken(
        "trend, trend of, trend in, trend for, trending, trended, trendline, over time, across time, "
        "over the months, through time, through the years, trajectory, trajectory of, course of, the "
        "course of, time course, evolution, evolution of, evolved, evolving, progression, progression "
        "of, progressed, progressing, direction, direction of, which direction, which way, in which "
        "direction, in what direction, what direction, heading, headed, tendency, going, moving, moved, "
        "slope, slope of, rate of change, rate of change of, rate of change in, rate of rise, rate of "
        "decline, how fast, how quickly, with time, over the course of time, in the course of time, "
        "temporal course, temporal course of, temporal evolution, temporal evolution of, dynamics of, "
        "kinetics of, kinetics, dynamics, curve of, time trend of"
    ),
    "direction": spoken(
        "fall, fall in, down, up, up or down, down or up, going up, going down, going up or down, gone "
        "up, gone down, gone up or down, went up, went down, go up, go down, go up or down, coming up, "
        "coming down, come down, came down, come up, creeping up, trending up, trending down, trending "
        "up or down, trending upward, trending downward, upward, downward, on the rise, on the decline, "
        "rising, rising or falling, falling, falling or rising, rise, rise in, risen, rose, fallen, "
        "fell, increase, increase in, increasing, increasing or decreasing, increased, increased or "
        "decreased, decrease, decrease in, decreasing, decreased, climbing, climbed, climb, dropping, "
        "dropped, drop, drop in, declining, decline in, higher or lower, lower or higher, or flat, or "
        "steady, or stable, or staying flat, or holding steady, or staying the same, or the same, or "
        "about the same, or unchanged, or level, or staying put, or neither, or holding, or not "
        "changing, flat, flatlining, plateaued, plateauing, holding steady, levelling off, leveling off, "
        "levelled off, leveled off, creeping down, edging up, edging down, drifting, drifting up, "
        "drifting down, heading up, heading down, heading up or down, trended up, trended down, coming "
        "up or down, coming down or up, climbing or falling, climb or fall, sliding, slipping, or "
        "staying about the same, or stay about the same, or staying stable, or staying level, or about "
        "level, or no change, or no different, or holding its own, stay the same, goes up, goes down, "
        "goes up or down, developing, is developing"
    ),
    "better": spoken(
        "better or worse, worse or better, getting better, getting worse, getting better or worse, "
        "improving, improving or worsening, improved, improvement in, worsening, worsened, gotten "
        "better, gotten worse, deteriorating, deteriorated"
    ),
    "change": spoken(
        "change, change in, how much of a change, changed, changing, changed by, net change, net change "
        "in, overall change, overall change in, total change, total change in, difference, difference "
        "in, differ, differed, delta, vary, varied, fluctuated, net, shift, shifted, shift in, shifting, "
        "move, move by, moved by, swing, swing in, swung, net difference, net shift, net movement, "
        "movement in, overall difference, overall shift, net gain or loss in"
    ),
    "compare": _SINCE_THE_FIRST
    + spoken(
        "first to last, first to latest, first to most recent, first versus last, first vs last, first "
        "vs latest, first versus latest, from day one, since day one, since the beginning, since the "
        "start, from the beginning, from the start, since we started, since we started measuring, since "
        "we first measured it, since it was first measured, from when we first measured it, since it was "
        "first checked, since records began, baseline to now, first to now, compare, difference between, "
        "compared, comparison, comparison of, versus, vs, compared to, compared with, against, compare "
        "to, compare with, between the first and the last, between first and last, between the first and "
        "last, then and now, then vs now, then versus now, now vs then, now versus then, start to now, "
        "starting and, starting vs, comparing, comparing the, comparing her, comparing his, in "
        "comparison to, in comparison with, as compared to, as compared with"
    ),
    "lost": spoken(
        "lost, lose, losing, gained, gain, gaining, lost or gained, gained or lost, lost weight, gained "
        "weight, weight change, change in weight, put on weight, shed, dropped weight"
    ),
}
INTENTS = (
    over_time(
        "trend",
        _answer,
        "trend course direction better",
        may="how change active recent latest first compare and baseline",
        n=True,
        also=lambda reading: "lost" not in reading.cues,
    ),
    over_time(
        "change",
        _answer,
        "change compare",
        may="how active compare and first latest previous baseline",
        n=True,
        also=lambda reading: (
            not reading.cues & (_TREND | {"lost"})
            and not _compares_two(reading)
            and not _between_now_and_then(reading)
        ),
    ),
    over_time("first_and_last", _answer, "first", "latest", may="and"),
    over_time(
        "weight_change",
        _weight,
        "lost",
        may="how change course count active and first latest in_kilos in_pounds",
        bare=True,
        several=False,
        also=lambda reading: (
            all(one.name == "body weight" for one in reading.concepts("measurement"))
            and not reading.cues & {"trend", "direction", "better"}
        ),
    ),
)
