"""Questions about results outside their range: is it normal, the last abnormal one, all of them.

Nothing is judged here: a result is what its record flags it as, or what the tool computes from the one
normal range that the record has; where it has neither, that is said.
"""

import re
from collections.abc import Sequence
from typing import Literal

from agent.errors import CannotAnswer
from agent.models.offline.chart import Found, Row
from agent.models.offline.concepts import Concept
from agent.models.offline.intents.intent import Asked, Intent, cues, spoken
from agent.models.offline.intents.measured import (
    ASIDE,
    MOST,
    amount,
    each,
    item,
    items,
    over_time,
    period,
)
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, cite, many, name, refs_of, when

Side = Literal["high", "low", "abnormal", "normal"]
SIDES: tuple[Side, ...] = ("high", "low", "normal")
_HIGH = frozenset({"high", "h", "hh", "hu", "elevated", "above"})
_LOW = frozenset({"low", "l", "ll", "lu", "decreased", "below"})
_OTHER = frozenset({"abnormal", "a", "aa", "critical", "panic"})
_NOT = frozenset({"not", "no", "non", "normal"})


def side_of(asked: Asked) -> Side:
    said = asked.reading.cues & {"high", "low", "normal"}
    return next((side for side in SIDES if said == {side}), "abnormal")


def is_on(row: Row, side: Side) -> bool | None:
    """Whether the record says that a result lies on that side; None where it says nothing of it."""
    if "interpretation" not in row:
        return None
    said = set(re.findall(r"[a-z]+", str(row["interpretation"]).lower()))
    if said & _NOT and not said & (_HIGH | _LOW):
        return side == "normal" and said <= {"normal", "computed", "from", "the", "range"}
    wanted = {"high": _HIGH, "low": _LOW, "abnormal": _HIGH | _LOW | _OTHER, "normal": {"n"}}[side]
    return bool(said & wanted)


def _judged(asked: Asked) -> Draft:
    """The latest result, as it is flagged or as its range has it."""

    def said(asked: Asked, _: Concept, found: Found) -> str:
        return " ".join(map(_standing, found.rows))

    return each(asked, "latest", said)


def _standing(row: Row) -> str:
    told = f"{name(row)} {amount(row)}{when(row)}"
    status = f", status {row['status']}" if row.get("status") not in (None, "final") else ""
    has = "reference range {range}" if "range" in row else "no reference range recorded"
    if "interpretation" in row:
        flagged = f"interpretation {row['interpretation']}"
        return f"{told}: {flagged}, {has.format(**row)}{status} {cite(refs_of([row]))}."
    if "range" in row:
        return f"{told}: not flagged, {has.format(**row)}{status} {cite(refs_of([row]))}."
    return (
        f"{told}: no interpretation and no reference range are recorded, so the chart does not say{status}"
        f" {cite(refs_of([row]))}."
    )


def _last(asked: Asked) -> Draft:
    """The newest result on the side asked for."""
    side = side_of(asked)

    def said(asked: Asked, concept: Concept, found: Found) -> str:
        outside = [row for row in found.rows if is_on(row, side)]
        if outside:
            return f"Last {side} {concept.name}{period(asked).said}: {item(outside[0])}."
        return _none_outside(asked, concept, found, side)

    return each(asked, "series", said, limit=MOST)


def _all(asked: Asked) -> Draft:
    """The results on the side asked for, of the measurements named."""
    side = side_of(asked)

    def said(asked: Asked, concept: Concept, found: Found) -> str:
        outside = [row for row in found.rows if is_on(row, side)]
        if not outside:
            return _none_outside(asked, concept, found, side)
        _whole(concept, found)
        silent = _silent(found.rows)
        return (
            f"{many(len(outside), f'{side} {concept.name} result')}, of {many(found.total, 'result')}"
            f"{period(asked).said}{silent}, {items(outside, len(outside))}."
        )

    return each(asked, "series", said, limit=MOST)


def _none_outside(asked: Asked, concept: Concept, found: Found, side: Side) -> str:
    _whole(concept, found)
    newest, time = found.rows[0], period(asked).said
    if all("interpretation" not in row for row in found.rows):
        return (
            f"The chart does not say: of {many(found.total, f'{concept.name} result')}{time} none"
            f" has an interpretation or one normal range; the latest: {item(newest)}."
        )
    if found.total == 1:
        return f"The only {concept.name} result{time} is not recorded as {side}: {item(newest)}."
    return (
        f"None of {found.total} {concept.name} results{time} is recorded as {side}"
        f"{_silent(found.rows)}; the latest: {item(newest)}."
    )


def _whole(concept: Concept, found: Found) -> None:
    """Raises CannotAnswer where not all results are at hand."""
    if len(found.rows) < found.total:
        n = f"{found.total} {concept.name} results"
        raise CannotAnswer(f"There are {n}, too many to look through; name a window of time.")


def _silent(rows: Sequence[Row]) -> str:
    n = sum("interpretation" not in row for row in rows)
    return f" ({n} without an interpretation or one normal range)" if n else ""


def _range(asked: Asked) -> Draft:
    """The reference range that the latest result has."""

    def said(asked: Asked, concept: Concept, found: Found) -> str:
        return " ".join(
            f"Reference range of {name(row)}{when(row)}: {row['range']} {cite(refs_of([row]))}."
            if "range" in row
            else f"The latest {concept.name} result has no reference range: {item(row)}."
            for row in found.rows
        )

    return each(asked, "latest", said)


def _asks_whether(reading: Reading) -> bool:
    """ "Is it high?", of the latest one; "potassium normal?" asks so by itself."""
    asks = (
        "is" in reading.cues
        or "normal" in reading.cues
        or ("past" in reading.cues and "latest" in reading.cues)
    )
    any_of_them = {"is", "whether", "result"} <= reading.cues  # "are there any results out of range?"
    listed = any_of_them or reading.cues & cues("when what list ever")
    return asks and not listed and reading.window is None


def _asks_for_the_last(reading: Reading) -> bool:
    """ "Last high potassium", "when was it last normal?"."""
    sought = "when" in reading.cues or ("latest" in reading.cues and "normal" not in reading.cues)
    return sought and not _asks_whether(reading)


CUES = {
    "normal": spoken(
        "normal, in range, within range, in the normal range, within the normal range, in normal range, "
        "within normal range, within normal limits, wnl, in the reference range, within the reference "
        "range, within reference range, in reference range, normal or abnormal, normal or high, normal "
        "or low, high or low, high or normal, low or normal, high low or normal, abnormal or normal, in "
        "or out of range, in or out of the normal range, in or out of the reference range, within or "
        "outside the normal range, inside or outside the normal range, inside or outside the range, in "
        "or out of normal range, within or out of range, inside the normal range, inside the reference "
        "range, inside normal limits, inside range, fall within the normal range, fall within normal "
        "range, fall within the reference range, fall within normal limits, fall within the normal "
        "limits, fall within range, fall within its range, fall within the range, fall inside the normal "
        "range, fall inside normal range, fall inside the reference range, fall inside normal limits, "
        "fall inside the normal limits, fall inside range, fall inside its range, fall inside the range, "
        "falls within the normal range, falls within normal range, falls within the reference range, "
        "falls within normal limits, falls within the normal limits, falls within range, falls within "
        "its range, falls within the range, falls inside the normal range, falls inside normal range, "
        "falls inside the reference range, falls inside normal limits, falls inside the normal limits, "
        "falls inside range, falls inside its range, falls inside the range, lie within the normal "
        "range, lie within normal range, lie within the reference range, lie within normal limits, lie "
        "within the normal limits, lie within range, lie within its range, lie within the range, lie "
        "inside the normal range, lie inside normal range, lie inside the reference range, lie inside "
        "normal limits, lie inside the normal limits, lie inside range, lie inside its range, lie inside "
        "the range, lies within the normal range, lies within normal range, lies within the reference "
        "range, lies within normal limits, lies within the normal limits, lies within range, lies within "
        "its range, lies within the range, lies inside the normal range, lies inside normal range, lies "
        "inside the reference range, lies inside normal limits, lies inside the normal limits, lies "
        "inside range, lies inside its range, lies inside the range, sit within the normal range, sit "
        "within normal range, sit within the reference range, sit within normal limits, sit within the "
        "normal limits, sit within range, sit within its range, sit within the range, sit inside the "
        "normal range, sit inside normal range, sit inside the reference range, sit inside normal "
        "limits, sit inside the normal limits, sit inside range, sit inside its range, sit inside the "
        "range, sits within the normal range, sits within normal range, sits within the reference range, "
        "sits within normal limits, sits within the normal limits, sits within range, sits within its "
        "range, sits within the range, sits inside the normal range, sits inside normal range, sits "
        "inside the reference range, sits inside normal limits, sits inside the normal limits, sits "
        "inside range, sits inside its range, sits inside the range"
    ),
    "abnormal": spoken(
        "outside of normal, outside normal, outside reference, outside of reference, fell outside "
        "reference, out of normal, abnormal, abnormally, out of range, out of "
        "the range, out of normal range, outside range, "
        "outside the range, outside the normal range, outside normal limits, outside the reference "
        "range, outside of range, outside of the normal range, out of the normal range, out of reference "
        "range, flagged, flagged as abnormal, flagged abnormal, flag, not normal, abnormality in, "
        "abnormality, flagged high or low, flagged as high or low, flagged low or high, flagged either "
        "high or low, too high or too low, too low or too high, too high or low, outside the normal "
        "limits, outside the limits, outside of normal limits, outside its range, outside of its range, "
        "out of its range, out of whack, out of bounds, beyond the normal range, beyond the reference "
        "range, outside reference range, outside the ref range, out of the reference range, out of ref "
        "range, off range, not in range, not within range, not within the normal range, not in the "
        "normal range, not within normal limits, anything but normal, deranged, came back abnormal, come "
        "back abnormal, came back flagged, come back flagged, marked abnormal, marked as abnormal, "
        "tagged abnormal, read as abnormal, read abnormal, aberrant, anomalous, fall outside the normal "
        "range, fall outside normal range, fall outside the reference range, fall outside normal limits, "
        "fall outside the normal limits, fall outside range, fall outside its range, fall outside the "
        "range, fall outside of the normal range, fall outside of normal range, fall outside of the "
        "reference range, fall outside of normal limits, fall outside of the normal limits, fall outside "
        "of range, fall outside of its range, fall outside of the range, fall out of the normal range, "
        "fall out of normal range, fall out of the reference range, fall out of normal limits, fall out "
        "of the normal limits, fall out of range, fall out of its range, fall out of the range, falls "
        "outside the normal range, falls outside normal range, falls outside the reference range, falls "
        "outside normal limits, falls outside the normal limits, falls outside range, falls outside its "
        "range, falls outside the range, falls outside of the normal range, falls outside of normal "
        "range, falls outside of the reference range, falls outside of normal limits, falls outside of "
        "the normal limits, falls outside of range, falls outside of its range, falls outside of the "
        "range, falls out of the normal range, falls out of normal range, falls out of the reference "
        "range, falls out of normal limits, falls out of the normal limits, falls out of range, falls "
        "out of its range, falls out of the range, fell outside the normal range, fell outside normal "
        "range, fell outside the reference range, fell outside normal limits, fell outside the normal "
        "limits, fell outside range, fell outside its range, fell outside the range, fell outside of the "
        "normal range, fell outside of normal range, fell outside of the reference range, fell outside "
        "of normal limits, fell outside of the normal limits, fell outside of range, fell outside of its "
        "range, fell outside of the range, fell out of the normal range, fell out of normal range, fell "
        "out of the reference range, fell out of normal limits, fell out of the normal limits, fell out "
        "of range, fell out of its range, fell out of the range, lie outside the normal range, lie "
        "outside normal range, lie outside the reference range, lie outside normal limits, lie outside "
        "the normal limits, lie outside range, lie outside its range, lie outside the range, lie outside "
        "of the normal range, lie outside of normal range, lie outside of the reference range, lie "
        "outside of normal limits, lie outside of the normal limits, lie outside of range, lie outside "
        "of its range, lie outside of the range, lie out of the normal range, lie out of normal range, "
        "lie out of the reference range, lie out of normal limits, lie out of the normal limits, lie out "
        "of range, lie out of its range, lie out of the range, lies outside the normal range, lies "
        "outside normal range, lies outside the reference range, lies outside normal limits, lies "
        "outside the normal limits, lies outside range, lies outside its range, lies outside the range, "
        "lies outside of the normal range, lies outside of normal range, lies outside of the reference "
        "range, lies outside of normal limits, lies outside of the normal limits, lies outside of range, "
        "lies outside of its range, lies outside of the range, lies out of the normal range, lies out of "
        "normal range, lies out of the reference range, lies out of normal limits, lies out of the "
        "normal limits, lies out of range, lies out of its range, lies out of the range, lay outside the "
        "normal range, lay outside normal range, lay outside the reference range, lay outside normal "
        "limits, lay outside the normal limits, lay outside range, lay outside its range, lay outside "
        "the range, lay outside of the normal range, lay outside of normal range, lay outside of the "
        "reference range, lay outside of normal limits, lay outside of the normal limits, lay outside of "
        "range, lay outside of its range, lay outside of the range, lay out of the normal range, lay out "
        "of normal range, lay out of the reference range, lay out of normal limits, lay out of the "
        "normal limits, lay out of range, lay out of its range, lay out of the range, sit outside the "
        "normal range, sit outside normal range, sit outside the reference range, sit outside normal "
        "limits, sit outside the normal limits, sit outside range, sit outside its range, sit outside "
        "the range, sit outside of the normal range, sit outside of normal range, sit outside of the "
        "reference range, sit outside of normal limits, sit outside of the normal limits, sit outside of "
        "range, sit outside of its range, sit outside of the range, sit out of the normal range, sit out "
        "of normal range, sit out of the reference range, sit out of normal limits, sit out of the "
        "normal limits, sit out of range, sit out of its range, sit out of the range, sits outside the "
        "normal range, sits outside normal range, sits outside the reference range, sits outside normal "
        "limits, sits outside the normal limits, sits outside range, sits outside its range, sits "
        "outside the range, sits outside of the normal range, sits outside of normal range, sits outside "
        "of the reference range, sits outside of normal limits, sits outside of the normal limits, sits "
        "outside of range, sits outside of its range, sits outside of the range, sits out of the normal "
        "range, sits out of normal range, sits out of the reference range, sits out of normal limits, "
        "sits out of the normal limits, sits out of range, sits out of its range, sits out of the range, "
        "was outside the normal range, was outside normal range, was outside the reference range, was "
        "outside normal limits, was outside the normal limits, was outside range, was outside its range, "
        "was outside the range, was outside of the normal range, was outside of normal range, was "
        "outside of the reference range, was outside of normal limits, was outside of the normal limits, "
        "was outside of range, was outside of its range, was outside of the range, was out of the normal "
        "range, was out of normal range, was out of the reference range, was out of normal limits, was "
        "out of the normal limits, was out of range, was out of its range, was out of the range, were "
        "outside the normal range, were outside normal range, were outside the reference range, were "
        "outside normal limits, were outside the normal limits, were outside range, were outside its "
        "range, were outside the range, were outside of the normal range, were outside of normal range, "
        "were outside of the reference range, were outside of normal limits, were outside of the normal "
        "limits, were outside of range, were outside of its range, were outside of the range, were out "
        "of the normal range, were out of normal range, were out of the reference range, were out of "
        "normal limits, were out of the normal limits, were out of range, were out of its range, were "
        "out of the range, pathological, pathologic, patological, pathologically, outside the reference "
        "interval, outside of the reference interval, outside reference interval, outside its reference "
        "interval, out of the reference interval, out of reference interval, outside of the reference "
        "range, outside of reference range, outside its reference range, beyond the reference interval, "
        "not within the reference range, not in the reference range, beyond normal limits, exceeding the "
        "normal range"
    ),
    "high": spoken(
        "high, too high, elevated, elevation, elevation of, flagged high, flagged as high, raised, "
        "abnormally high"
    ),
    "low": spoken("low, too low, flagged low, flagged as low, abnormally low, depressed level"),
    "labs": spoken(
        "lab tests, laboratory, laboratory results, laboratory values, laboratory tests, laboratory test "
        "results, lab test results, blood work, bloodwork, blood tests, blood test results, bloods, "
        "findings on labs"
    ),
    "reference": spoken(
        "reference range, reference range of, reference range for, reference interval, reference "
        "interval for, ref range, ref range for, normal range, normal range of, normal range for, normal "
        "range recorded, reference limits"
    ),
}
INTENTS = (
    Intent(
        "is_normal",
        _judged,
        may=ASIDE | cues("latest active recent normal and"),
        needs=(cues("normal abnormal high low"),),
        about="measurement",
        several=True,
        unit=True,
        also=_asks_whether,
    ),
    over_time(
        "last_abnormal", _last, "normal abnormal high low", may="latest when is", also=_asks_for_the_last
    ),
    over_time(
        "abnormal_results",
        _all,
        "abnormal high low",
        "abnormal list whether past result recent history what labs count often done",
        may="is list recent history count often",
        also=lambda reading: not _asks_whether(reading) and not _asks_for_the_last(reading),
    ),
    Intent(
        "reference_range",
        _range,
        may=ASIDE | cues("latest list"),
        needs=(cues("reference"),),
        about="measurement",
        several=True,
        unit=True,
    ),
)
