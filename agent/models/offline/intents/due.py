"""Questions whether a measurement is due by an interval that the question states: "due if every 6 months?".

The interval is the question's own; without one nothing is answered, for how often a test should be done is no
matter of the chart.
"""

from collections.abc import Callable
from datetime import date

from dateutil.relativedelta import relativedelta

from agent.models.offline.chart import Row
from agent.models.offline.intents.intent import Asked, spoken
from agent.models.offline.intents.measured import called, item, over_time
from agent.models.offline.reading import Reading
from agent.models.offline.wording import REFERENCE, Draft, day, noted

_WORDS = {1: "one", 2: "two", 3: "three", 4: "four", 6: "six", 12: "twelve"}
_UNITS = {"day": "days", "week": "weeks", "month": "months", "year": "years"}
_COUNTS = {
    "day": (30, 60, 90),
    "week": (1, 2, 4, 6, 8, 12),
    "month": (1, 2, 3, 4, 6, 9, 12, 18, 24),
    "year": (1, 2, 3, 5, 10),
}
_ADVERBS = {
    "every_1_year": "yearly, annual, annually, every year, each year, once a year, once per year",
    "every_6_month": "twice a year, twice yearly, semiannual, semiannually, every half a year",
    "every_3_month": "quarterly, every quarter, each quarter, four times a year",
    "every_1_month": "monthly, every month, each month, once a month",
    "every_1_week": "weekly, every week, each week, once a week",
}


def _every(count: int, unit: str) -> str:
    plain = f"every {count} {_UNITS[unit]}"
    words = f", every {_WORDS[count]} {_UNITS[unit]}" if count in _WORDS else ""
    other = ", every other " + unit if count == 2 else ""
    return plain + words + other


INTERVALS = {
    f"every_{count}_{unit}": _every(count, unit) for unit, counts in _COUNTS.items() for count in counts
}


def _length(cue: str) -> relativedelta:
    _, count, unit = cue.split("_")
    n = int(count)
    return {
        "day": relativedelta(days=n),
        "week": relativedelta(weeks=n),
        "month": relativedelta(months=n),
        "year": relativedelta(years=n),
    }[unit]


def _answer(asked: Asked) -> Draft:
    (cue,) = asked.reading.cues & INTERVALS.keys()
    texts = []
    for concept in asked.reading.concepts("measurement"):
        found = called(asked, concept, "latest")
        if found.rows:
            texts.append(by_interval(found.rows[0], asked.now, cue, item) + noted(found.notes))
        else:
            texts.append(f"No {concept.name} result is recorded in this chart.{noted(found.notes)}")
    text = " ".join(texts)
    refs = tuple(dict.fromkeys(REFERENCE.findall(text)))
    return Draft(text, refs, "answered" if refs else "not_in_chart")


def by_interval(row: Row, now: date, cue: str, item: Callable[[Row], str]) -> str:
    """Whether the interval has gone by since the last one; a coarse date is taken at its word."""
    since = (now - _length(cue)).isoformat()
    last = day(row.get("date", ""))
    if not last or (len(last) < len(since) and last == since[: len(last)]):
        return f"That cannot be told by the date of the last one: {item(row)}."
    if last < since[: len(last)]:
        return f"Yes, by the interval that you give; the last one: {item(row)}."
    return f"Not yet, by the interval that you give; the last one: {item(row)}."


def has_one_interval(reading: Reading) -> bool:
    """Whether the question states one interval."""
    return len(reading.cues & INTERVALS.keys()) == 1


CUES = {
    cue: spoken(f"{phrases}, {_ADVERBS[cue]}" if cue in _ADVERBS else phrases)
    for cue, phrases in INTERVALS.items()
}
CUES |= {
    "due": spoken(
        "due, overdue, past due, is it due, is it overdue, should be checked, should be measured,"
        " should be done, overdue if, due if, overdue if due, overdue if it is due, overdue if done,"
        " overdue if it is done, due if done, due if it is done, overdue if checked, due if checked,"
        " overdue if it is checked, due if it is checked, overdue if we check it, due if we check it,"
        " overdue if they are done, overdue when done, due when done, overdue if measured, due if measured"
    )
}
INTENTS = (
    over_time(
        "due_by",
        _answer,
        "due",
        may=f"latest that {' '.join(INTERVALS)}",
        window=False,
        unit=False,
        also=has_one_interval,
    ),
)
