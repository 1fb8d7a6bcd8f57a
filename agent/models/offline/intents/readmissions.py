"""Questions about readmissions: stays that began within a stated time of the end of the one before."""

from datetime import timedelta

from agent.models.offline.chart import Row
from agent.models.offline.intents.due import INTERVALS, length
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.queries import query, within
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, cite, many, refs_of, when

_DAYS = (7, 14, 28, 30, 60, 90, 180, 365)
_AGAIN = (
    "readmission", "readmitted", "readmit", "re admission", "re admitted", "rehospitalization",
    "rehospitalisation", "rehospitalized", "rehospitalised", "admitted again", "admitted back",
    "hospitalized again", "hospitalised again", "readmitted to hospital", "readmitted to the hospital",
    "bounce back", "bounced back",
)  # fmt: skip
CUES = {
    "readmission": _AGAIN,
    **{
        f"readmission_{n}": tuple(
            f"{n} {day} {again}"
            for day in ("day", "d")
            for again in ("readmission", "re admission", "readmit")
        )
        for n in _DAYS
    },
}
_WITHIN = frozenset(f"readmission_{n}" for n in _DAYS)
# Longer than any life.
_EVER = 99_999


def _readmissions(asked: Asked) -> Draft:
    """Each such stay with the days since the one before; without any, how many stays there are."""
    days = _stated(asked)
    windowed = "" if asked.reading.anchor else within(asked)
    again = query("readmissions", 20, days=str(_EVER if days is None else days), within=windowed)
    found, every = asked.chart.fetch_all([again, query("stays", 1, within="")])
    stays = every.rows[0] if every.rows and every.rows[0].get("n") else None
    if stays is None:
        return Draft("No inpatient stays are recorded in this chart.", (), "not_in_chart")
    limit = "" if days is None else f" within {days} days"
    in_time = "" if asked.reading.anchor else asked.said_window
    if not found.rows:
        refs = refs_of([stays])
        text = f"No inpatient stay{in_time} began{limit} after the recorded end of the one before it."
        return Draft(f"{text} Recorded: {many(stays['n'], 'inpatient stay')} {cite(refs)}.", refs)
    items = "; ".join(map(_item, found.rows))
    text = f"Inpatient stays{in_time} that began{limit} after the recorded end of the one before: {items}."
    return Draft(text, refs_of(found.rows))


def _item(row: Row) -> str:
    called = row.get("name", "inpatient stay")
    return f"{called}{when(row)}, {many(row['days_between'], 'day')} after that {cite(refs_of([row]))}"


def _stated(asked: Asked) -> int | None:
    """The days that the question states; None where it states none."""
    anchor = asked.reading.anchor
    if anchor and anchor.within:
        return (asked.now + anchor.within - asked.now).days
    for cue in asked.reading.cues & _WITHIN:
        return int(cue.removeprefix("readmission_"))
    for cue in asked.reading.cues & INTERVALS.keys():
        gap: timedelta = asked.now + length(cue) - asked.now
        return gap.days
    return None


def _asks_of_them(reading: Reading) -> bool:
    """With at most one stated time, that counts from a discharge."""
    anchor = reading.anchor
    stated = reading.cues & (INTERVALS.keys() | _WITHIN)
    told = anchor is None or (anchor.event == "discharge" and anchor.within is not None)
    return (
        told
        and len(stated) + (anchor is not None) <= 1
        and not (anchor and reading.window and _bounded(reading))
    )


def _bounded(reading: Reading) -> bool:
    return reading.window is not None and bool(reading.window.since or reading.window.until)


INTENTS = (
    Intent(
        "readmissions",
        _readmissions,
        may=cues("what is whether past list count when latest in_hospital taking often") | INTERVALS.keys(),
        needs=(frozenset({"readmission"}) | _WITHIN,),
        window=True,
        anchored=True,
        also=_asks_of_them,
    ),
)
