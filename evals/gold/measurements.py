"""Right answers about one measurement: its values, its statistics, its course."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

from evals.gold.chart import Chart, moment, whole_day
from evals.gold.expected import (
    NOTHING,
    SHOWN,
    Claim,
    Day,
    Expected,
    Interval,
    Number,
    Overdue,
    Way,
    Words,
    listed,
)
from evals.gold.records import NO_VALUE, Resource, codes, ref

FAIR = {"final", "amended", "corrected"}
OUTSIDE = {"H", "L", "HH", "LL", "A", "AA", "HU", "LU", "HX", "LX"}
INSIDE = {"N"}
# What may be written for a unit as it is recorded.
UNITS = {
    "mm[Hg]": ("mm[hg]", "mmhg", "mm hg"),
    "Cel": ("cel", "°c", "c", "celsius"),
    "[degF]": ("[degf]", "°f", "f", "fahrenheit", "degf"),
    "/min": ("/min", "per minute", "bpm", "beats/min", "breaths/min"),
    "%": ("%", "percent"),
    "kg": ("kg", "kilogram"),
    "[lb_av]": ("[lb_av]", "lb", "lbs", "pound"),
    "[in_i]": ("[in_i]", "in", "inch"),
    "/uL": ("/ul", "/µl"),
    "10*3/uL": ("10*3/ul", "x10*3/ul", "10^3/ul", "×10³/µl", "k/ul"),
}
NO_UNIT = {"1", "[pH]", "pH", "{INR}"}


@dataclass(frozen=True)
class Result:
    """One numeric result. `outside`: beyond its own reference range, where the record tells."""

    ref: str
    at: datetime
    day: date
    value: float
    unit: str
    outside: bool | None

    @property
    def said(self) -> Number:
        """The value as an answer must give it; one with many places may be rounded."""
        return Number(self.value, units_of(self.unit), computed=len(str(self.value).partition(".")[2]) > 3)

    @property
    def dated(self) -> Day:
        """Its day."""
        return Day(self.day.isoformat())


def units_of(unit: str) -> tuple[str, ...]:
    """The ways to write a unit; none where a value is commonly said without it."""
    if unit in NO_UNIT or unit.startswith("{"):
        return ()
    return UNITS.get(unit, (unit.lower(),)) if unit else ()


@cache
def results(chart: Chart, loinc: frozenset[str]) -> list[Result] | None:
    """The results with one of the codes, oldest first; None where the chart is not plain about them.

    Not plain: several codes or units, texts, comparators, components, partial dates, results that are not
    final or lie in the future, two values of one moment.
    """
    found = [
        item
        for item in chart.of("Observation")
        if codes(item["code"]) & loinc and item.get("status") not in NO_VALUE and _has_value(item)
    ]
    plain = [result for item in found if (result := _result(item)) is not None]
    if len(plain) < len(found) or any(item["status"] not in FAIR for item in found):
        return None
    if len({result.unit for result in plain}) > 1 or any(result.at > chart.now for result in plain):
        return None
    if len({frozenset(codes(item["code"]) & loinc) for item in found}) > 1:
        return None
    values: dict[datetime, float] = {}
    for result in plain:
        if values.setdefault(result.at, result.value) != result.value:
            return None
    return sorted(plain, key=lambda result: (result.at, result.ref))


def _has_value(item: Resource) -> bool:
    return "component" in item or any(key.startswith("value") for key in item)


def _result(item: Resource) -> Result | None:
    recorded = item.get("effectiveDateTime")
    at, day = moment(recorded), whole_day(recorded)
    quantity = item.get("valueQuantity", {})
    value = item.get("valueInteger", quantity.get("value"))
    if at is None or day is None or value is None or "comparator" in quantity or "component" in item:
        return None
    unit = quantity.get("code") or quantity.get("unit") or ""
    return Result(ref(item), at, day, float(value), str(unit), _outside(item, float(value)))


def _outside(item: Resource, value: float) -> bool | None:
    """Beyond its range, by interpretation and reference range; None where they are silent or differ."""
    told = set().union(*(codes(one) for one in item.get("interpretation", [])))
    said = {True} if told & OUTSIDE else {False} if told & INSIDE else set()
    ranges = item.get("referenceRange", [])
    if len(ranges) == 1 and ("low" in ranges[0] or "high" in ranges[0]):
        low = ranges[0].get("low", {}).get("value", float("-inf"))
        high = ranges[0].get("high", {}).get("value", float("inf"))
        said = {*said, not low <= value <= high}
    return said.pop() if len(said) == 1 else None


def one_of(found: Sequence[Result], *, dated: bool = True) -> Expected | None:
    """The answer that is one value: results that tie in moment and value are each as good."""
    if not found or len({result.value for result in found}) > 1:
        return None
    says: tuple[Claim, ...] = (found[0].said, found[0].dated) if dated else (found[0].said,)
    return Expected(says, frozenset(result.ref for result in found))


def latest(found: list[Result]) -> Expected | None:
    """The newest value, with its day."""
    return one_of([result for result in found if result.at == found[-1].at]) if found else NOTHING


def second_newest(found: list[Result]) -> Expected | None:
    """The value before the newest; not where several were recorded at one moment."""
    moments = [result.at for result in found]
    return one_of(found[-2:-1]) if len(set(moments[-3:])) == len(moments[-3:]) > 1 else None


def first(found: list[Result]) -> Expected | None:
    """The oldest value, with its day."""
    return one_of([result for result in found if result.at == found[0].at])


def extreme(found: list[Result], pick: Callable[[Iterable[float]], float]) -> Expected | None:
    """The highest or lowest value (`max`, `min`), with its day where it was reached on one day alone."""
    best = [result for result in found if result.value == pick(one.value for one in found)]
    return one_of(best, dated=len({result.day for result in best}) == 1)


def on(found: list[Result], day: date) -> Expected | None:
    """The value of a day that has one."""
    return one_of([result for result in found if result.day == day], dated=False)


def before(found: list[Result], day: date) -> Expected | None:
    """The last value of the days before."""
    earlier = [result for result in found if result.day < day]
    return one_of([result for result in earlier if result.at == earlier[-1].at]) if earlier else None


def after(found: list[Result], day: date) -> Expected | None:
    """The first value of the days after."""
    later = [result for result in found if result.day > day]
    return one_of([result for result in later if result.at == later[0].at]) if later else None


def near(found: list[Result], day: date) -> Expected | None:
    """The value of the day that lies clearly nearest, where the day itself has none."""
    distances = sorted({abs((result.day - day).days) for result in found})
    if not distances or distances[0] == 0 or (len(distances) > 1 and distances[1] < distances[0] + 7):
        return None
    near_by = [result for result in found if abs((result.day - day).days) == distances[0]]
    answer = one_of(near_by)
    if answer is None or len({result.day for result in near_by}) > 1:
        return None
    return Expected(answer.says, answer.refs, also=frozenset(result.ref for result in found))


def within(found: list[Result], since: date | None, until: date | None) -> list[Result]:
    """The results of a window, its two ends included."""
    return [
        result
        for result in found
        if (since is None or result.day >= since) and (until is None or result.day <= until)
    ]


def computed(found: list[Result], how: Callable[[list[float]], float]) -> Expected | None:
    """A mean or a median; any of the results may be cited for it."""
    if len(found) < 3:
        return None
    value = how([result.value for result in found])
    said = Number(value, units_of(found[0].unit), computed=True)
    return Expected((said,), frozenset(result.ref for result in found))


def average(found: list[Result]) -> Expected | None:
    """The mean."""
    return computed(found, statistics.fmean)


def median(found: list[Result]) -> Expected | None:
    """The median."""
    return computed(found, statistics.median)


def change(found: list[Result]) -> Expected | None:
    """From the first to the last, with direction; not where either moment is doubtful or all is flat."""
    if len(found) < 2 or found[0].day == found[-1].day:
        return None
    begun, ended = first(found), latest(found)
    difference = found[-1].value - found[0].value
    if begun is None or ended is None or difference == 0:
        return None
    said = Number(difference, computed=True)
    return Expected(
        (said, Way("up" if difference > 0 else "down")),
        begun.refs | ended.refs,
        also=frozenset(result.ref for result in found),
    )


def trend(found: list[Result]) -> Expected | None:
    """Where the least-squares line leads; only where it is steep, and first and last tell the same."""
    if len(found) < 4 or (found[-1].day - found[0].day).days < 60:
        return None
    days = [(result.at - found[0].at).total_seconds() / 86400 for result in found]
    slope = statistics.linear_regression(days, [result.value for result in found]).slope
    ends = found[-1].value - found[0].value
    mean = abs(statistics.fmean(result.value for result in found))
    if slope * ends <= 0 or abs(slope) * days[-1] < 0.1 * mean or abs(ends) < 0.05 * mean:
        return None
    if statistics.correlation(days, [result.value for result in found]) ** 2 < 0.3:
        return None
    return Expected((Way("up" if slope > 0 else "down"),), frozenset(result.ref for result in found))


def series(found: list[Result]) -> Expected | None:
    """Each value of a window."""
    if not 2 <= len(found) <= SHOWN:
        return None
    return listed((result.ref for result in found), *dict.fromkeys(result.said for result in found))


def count(found: list[Result]) -> Expected:
    """How many."""
    if not found:
        return NOTHING
    return Expected((Number(len(found)),), frozenset(result.ref for result in found))


def counted(found: list[Result], fits: Callable[[float], bool]) -> Expected:
    """How many are above or below a threshold; none is an answer too."""
    fitting = [result for result in found if fits(result.value)]
    if not fitting:
        said = Words(("0", "none", "no ", "never"))
        return Expected((said,), frozenset(one.ref for one in found), "answered|not_in_chart", need=0)
    return Expected((Number(len(fitting)),), frozenset(result.ref for result in fitting), also=None)


def last_outside(found: list[Result]) -> Expected | None:
    """The newest value beyond its reference range."""
    if any(result.outside is None for result in found):
        return None
    beyond = [result for result in found if result.outside]
    return one_of([result for result in beyond if result.at == beyond[-1].at]) if beyond else None


def all_outside(found: list[Result]) -> Expected | None:
    """Every value beyond its reference range, and how many; citing others is less precise, not wrong."""
    if any(result.outside is None for result in found):
        return None
    beyond = [result for result in found if result.outside]
    if not 2 <= len(beyond) <= SHOWN:
        return None
    says = dict.fromkeys([Number(len(beyond)), *(result.said for result in beyond)])
    return Expected(tuple(says), frozenset(result.ref for result in beyond), need=len(beyond))


def is_outside(found: list[Result]) -> Expected | None:
    """Whether the newest value is beyond its reference range: an answer names it so, or gives the range."""
    newest = [result for result in found if result.at == found[-1].at]
    if newest[0].outside is None:
        return None
    said = ("high", "low", "abnormal", "above", "below", "outside", "out of")
    fine = ("normal", "within", "in range", "not high", "not low")
    return Expected(
        (Words(said if newest[0].outside else fine),), frozenset(result.ref for result in newest), also=None
    )


def since_last(found: list[Result], today: date) -> Expected | None:
    """How long ago the newest was."""
    if not found or (today - found[-1].day).days < 2:
        return None
    newest = frozenset(result.ref for result in found if result.day == found[-1].day)
    return Expected((Interval(found[-1].day, today),), newest)


def overdue(found: list[Result], today: date, months: int) -> Expected | None:
    """Whether the next one should have been; only where it is clear by two weeks."""
    if not found:
        return None
    due = found[-1].day + timedelta(days=months * 30.44)
    if abs((due - today).days) < 20:
        return None
    newest = frozenset(result.ref for result in found if result.day == found[-1].day)
    return Expected((Overdue(due < today),), newest)


def converted(found: list[Result], factor: float, offset: float, units: tuple[str, ...]) -> Expected | None:
    """The newest value in another unit."""
    if not found:
        return None
    newest = [result for result in found if result.at == found[-1].at]
    said = Number(found[-1].value * factor + offset, units, computed=True)
    return Expected((said, found[-1].dated), frozenset(result.ref for result in newest))
