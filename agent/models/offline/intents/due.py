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
_WAYS = (
    "every {n} {units}", "each {n} {units}", "once every {n} {units}", "q{n} {units}", "q {n} {units}",
    "at {n} {units}", "at {n} {unit} intervals", "{n} {unit} interval", "interval of {n} {units}",
    "{n} {unit} schedule", "{n} {unit} cycle", "{n} {unit} basis", "{n} {unit} rule", "{n} {unit} window",
    "{n} {unit} frequency", "{n} {unit} cadence", "{n} {unit} recall", "{n} {units} apart",
    "{n} {units} between", "interval is {n} {units}", "interval {n} {units}",
    "interval being {n} {units}", "{n} {unit}ly", "per {n} {units}", "within {n} {units}",
)  # fmt: skip
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


_SHORT = {"day": ("d",), "week": ("w", "wk"), "month": ("m", "mo"), "year": ("y", "yr")}


def _every(count: int, unit: str) -> str:
    """The ways to say an interval: "every 6 months", "q6mo", "on a 6-month schedule"."""
    said = [
        way.format(n=n, units=_UNITS[unit], unit=unit)
        for n in (str(count), *([_WORDS[count]] if count in _WORDS else []))
        for way in _WAYS
    ]
    short = [f"q{gap}{count}{joint}{one}" for one in _SHORT[unit] for gap in ("", " ") for joint in ("", " ")]
    other = ["every other " + unit] if count == 2 else []
    return ", ".join([*said, *short, *other])


INTERVALS = {
    f"every_{count}_{unit}": _every(count, unit) for unit, counts in _COUNTS.items() for count in counts
}


def length(cue: str) -> relativedelta:
    """The interval that a cue of `INTERVALS` is."""
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
    since = (now - length(cue)).isoformat()
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
        "due date been missed, due date been passed, due date passed, due date missed, due date, "
        "overdue by now, due by now, late by now, due, overdue, out of date, outdated, past due, "
        "is it due, is it overdue, should be checked, "
        "should be measured, should be done, overdue if, due if, overdue if due, overdue if it is due, "
        "overdue if done, overdue if "
        "it is done, due if done, due if it is done, overdue if checked, due if checked, overdue if it "
        "is checked, due if it is checked, overdue if we check it, due if we check it, overdue if they "
        "are done, overdue when done, due when done, overdue if measured, due if measured, past due or "
        "not, overdue or not, due or not, overdue yet, overdue now, due yet, due now, due again, due "
        "for, due for one, due for another, due for another one, due for a repeat, due for repeat, due "
        "for a new one, due for a new, due for her next, due for his next, overdue for, overdue for a, "
        "overdue for one, past due for, past due on, overdue on, late, late for, late for one, late on, "
        "running late, running late for, behind, behind on, behind with, behind schedule, behind "
        "schedule on, gone past due, become overdue, lapsed, missed, time for another, time for a "
        "repeat, time to repeat, late with, in delay, delayed, in arrears"
    ),
    # Words that go with the interval.
    "schedule": spoken(
        "if needed, if it is needed, if we need it, if one is needed, if they are needed, is needed, "
        "needed, monitoring, policy, policy says, our policy is, the policy is, policy is, "
        "supposed to be done, supposed to be checked, supposed to be measured, supposed to be repeated, "
        "supposed to be taken, supposed to be drawn, supposed to happen, supposed to get, supposed to "
        "have, supposed to get one, supposed to, meant to be done, meant to be checked, meant to be "
        "repeated, meant to happen, meant to, should happen, should get, should have, should be, should "
        "be repeated, needs to be done, needs to be checked, need to be done, need to be checked, if we "
        "check, if we check it, if we repeat, if we repeat it, if we do, if we do it, if we are "
        "checking, if it is checked, if it is repeated, if checked, if repeated, if it is, if they are, "
        "if the interval is, if the schedule is, if the rule is, going by, assuming, repeat, repeated, "
        "repeats, we repeat, we check, schedule, interval, protocol, the protocol is, our protocol is, "
        "rule, on the basis of, we like to check, we like to check it, like to check, we aim to check, "
        "we try to check, we usually check, we normally check, we want, we do, we do it, we want it, we "
        "want it done, should be having, should be getting, ought to be, ought to have, recall, "
        "recalled, if due, if we want it, should be controlled, be controlled, to be controlled, "
        "controlled, if we require it, if we require, we require it, recommended interval, recommended "
        "interval being, the recommended interval being, interval being, interval of control, control "
        "interval, recommended, late with it, if required, if it is required, should be monitored, "
        "should be assessed, should be determined, should be performed"
    ),
}
INTENTS = (
    over_time(
        "due_by",
        _answer,
        "due",
        may=f"latest that schedule {' '.join(INTERVALS)}",
        window=False,
        unit=False,
        also=has_one_interval,
    ),
)
