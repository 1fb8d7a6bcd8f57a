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
    return asks and not reading.cues & cues("when what list ever") and reading.window is None


def _asks_for_the_last(reading: Reading) -> bool:
    """ "Last high potassium", "when was it last normal?"."""
    sought = "when" in reading.cues or ("latest" in reading.cues and "normal" not in reading.cues)
    return sought and not _asks_whether(reading)


CUES = {
    "normal": spoken(
        "normal, in range, within range, in the normal range, within the normal range, in normal "
        "range, within normal range, within normal limits, wnl, in the reference range, within "
        "the reference range, within reference range, in reference range, normal or abnormal, "
        "normal or high, normal or low, high or low, high or normal, low or normal, high low or "
        "normal, abnormal or normal, in or out of range"
    ),
    "abnormal": spoken(
        "abnormal, abnormally, out of range, out of the range, out of normal range, outside "
        "range, outside the range, outside the normal range, outside normal limits, outside the "
        "reference range, outside of range, outside of the normal range, out of the normal range, "
        "out of reference range, flagged, flagged as abnormal, flagged abnormal, flag, not "
        "normal, abnormality in, abnormality"
    ),
    "high": spoken(
        "high, too high, elevated, elevation, elevation of, flagged high, flagged as high, "
        "raised, abnormally high"
    ),
    "low": spoken("low, too low, flagged low, flagged as low, abnormally low, depressed level"),
    "labs": spoken(
        "lab tests, laboratory, laboratory results, laboratory values, laboratory tests, "
        "laboratory test results, lab test results, blood work, bloodwork, blood tests, blood "
        "test results, bloods, findings on labs"
    ),
    "reference": spoken(
        "reference range, reference range of, reference range for, reference interval, reference "
        "interval for, ref range, ref range for, normal range, normal range of, normal range for, "
        "normal range recorded, reference limits"
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
        "list whether past result recent history what labs count often done",
        may="list recent history count often",
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
