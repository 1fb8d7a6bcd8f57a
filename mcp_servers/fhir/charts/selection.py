"""Which of the values found are asked for: above or below a number, or nearest to an event."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from mcp_servers.fhir.charts.dates import DAY, Span, newest_first
from mcp_servers.fhir.charts.dates import span as span_of
from mcp_servers.fhir.charts.elements import Row, listed, plain
from mcp_servers.fhir.charts.errors import UnusableUnit


class _HasRow(Protocol):
    @property
    def row(self) -> Row: ...

    @property
    def key(self) -> str: ...

    @property
    def unit(self) -> str: ...


M = TypeVar("M", bound=_HasRow)


class Limits(NamedTuple):
    """Strictly above one number, strictly below another, or between them; in words with the unit."""

    above: float | None
    below: float | None

    def told(self, unit: str) -> str:
        limits = zip(self._fields, self, strict=True)
        said = " and ".join(f"{word} {plain(limit)}" for word, limit in limits if limit is not None)
        return f"{said} {unit}".rstrip()

    def hold(self, row: Row) -> bool | None:
        """Whether a value lies inside; None where a comparator (`< 5`) leaves it open."""
        value, comparator = row["value"], str(row.get("comparator", ""))
        held: list[bool | None] = []
        if self.above is not None:
            held.append(_beyond(value - self.above, comparator, "<"))
        if self.below is not None:
            held.append(_beyond(self.below - value, comparator, ">"))
        return False if False in held else None if None in held else True


def _beyond(distance: float, comparator: str, away: str) -> bool | None:
    """Whether a value `distance` past a limit is past it; with the comparator `away` it may lie before it."""
    if not comparator:
        return distance > 0
    if comparator.startswith(away):
        return None if distance > 0 else False
    return True if distance > 0 or (distance == 0 and comparator in "<>") else None


def within(
    found: Sequence[M], limits: Limits, unit: str | None, notes: list[str]
) -> tuple[list[M], Counter[str]]:
    """The numbers inside the limits, and how many were compared by key.

    Without `unit` they must all be recorded in one. Raises UnusableUnit.
    """
    numeric = [one for one in found if isinstance(one.row.get("value"), int | float)]
    if unit is None:
        units = sorted({one.row.get("unit", "no unit") for one in numeric if one.unit or len(numeric) == 1})
        if len({one.unit for one in numeric}) > 1:
            raise UnusableUnit(
                f"The values are recorded in {listed(units)}: say with `unit` which one the number is in"
            )
        usable = numeric
    else:
        usable = [one for one in numeric if one.row.get("unit") == unit]
    if len(usable) < len(found):
        reasons = listed(sorted({str(one.row["absent"]) for one in found if "absent" in one.row}))
        said = f"without a number in {unit}" if unit else "without a number"
        why = f" ({reasons})" if reasons else ""
        notes.append(f"{len(found) - len(usable)} {said}{why} not compared.")
    verdicts = [(one, limits.hold(one.row)) for one in usable]
    open_ = [one.row["ref"] for one, verdict in verdicts if verdict is None]
    if open_:
        notes.append(f"{len(open_)} with a comparator may or may not be; left out: {listed(open_)}.")
    kept = [one for one, verdict in verdicts if verdict]
    outside = [one for one, verdict in verdicts if verdict is False]
    said = limits.told(unit or (usable[0].row.get("unit", "") if usable else ""))
    of = Counter(one.key for one in usable)
    if not kept:
        others = f"{len(outside)} {'other ' if open_ else ''}values"
        notes += [f"None of {others} is {said}{_furthest(outside, limits)}."] if outside else []
    elif len(of) > 1:
        held = Counter(one.key for one in kept)
        names = {key: usual_name([one.row for one in usable if one.key == key]) or key for key in of}
        each = "; ".join(f"{names[key]} {held[key]} of {n}" for key, n in of.items())
        notes.append(f"Values {said}: {each}.")
    else:
        notes.append(f"{len(kept)} of {len(usable)} values are {said}.")
    return kept, of


def usual_name(rows: Sequence[Row]) -> str | None:
    """What most of the rows are called."""
    names = Counter(row["name"] for row in rows if "name" in row)
    return max(names, key=lambda name: names[name], default=None)


def _furthest(usable: Sequence[_HasRow], limits: Limits) -> str:
    """The value that comes closest to the limit, where there is one limit."""
    if limits.above is not None and limits.below is not None:
        return ""
    word, row = _extreme((one.row for one in usable), highest=limits.above is not None)
    return f"; the {word} is {_told(row)}"


def _extreme(rows: Iterable[Row], *, highest: bool) -> tuple[str, Row]:
    pick, word = (max, "highest") if highest else (min, "lowest")
    return word, pick(rows, key=lambda row: float(row["value"]))


def _told(row: Row, unit: str = "") -> str:
    dated = f" of {row['date']}" if "date" in row else ""
    return f"{row.get('comparator', '')}{plain(row['value'])}{unit and f' {unit}'}{dated} ({row['ref']})"


def extremes(beyond: Sequence[_HasRow]) -> list[str]:
    """Of values with a comparator the highest that are above a number, and the lowest below one, in words."""
    groups: dict[tuple[str, str, bool], list[Row]] = {}
    for one in beyond:
        groups.setdefault((one.key, one.unit, one.row["comparator"].startswith(">")), []).append(one.row)
    said = []
    for (*_, above), rows in groups.items():
        word, row = _extreme(rows, highest=above)
        said.append(f"{word} {_told(row, row.get('unit', ''))}")
    return sorted(said)


def nearest(found: Sequence[M], at: Span, notes: list[str]) -> list[Row]:
    """The last value at or before a moment and the first after it, the nearer one marked `nearest`.

    Several where they share that moment. `days` is how far from the moment, negative before it; a value of
    the same day stands at 0, and of several the last is given, the others are counted in a note. What is
    dated to the month or year, or not at all, is named in a note.
    """
    dated: list[tuple[float, M]] = []
    coarse: list[str] = []
    for one in found:
        if "value" not in one.row:
            continue
        days = _days(span_of(one.row.get("date")), at)
        if days is None:
            coarse.append(one.row["ref"])
        else:
            dated.append((days, one))
    if coarse:
        notes.append(f"{len(coarse)} not dated to the day left out: {listed(coarse)}.")
    return _around([(days, one.row) for days, one in dated], notes)


def _around(dated: list[tuple[float, Row]], notes: list[str]) -> list[Row]:
    # Moments too: a day asked for tells no two values of one day apart.
    placed = [(days, newest_first(row["date"])[1], row) for days, row in dated]
    before = max(((days, -age) for days, age, _ in placed if days <= 0), default=None)
    after = min(((days, -age) for days, age, _ in placed if days > 0), default=None)
    sides = [side for side in (before, after) if side]
    least = min((abs(days) for days, _ in sides), default=0)
    if others := sum(days == 0 and (days, -age) not in sides for days, age, _ in placed):
        notes.append(f"Others of that very day: {others}; ask with since and until.")
    return [
        {
            **row,
            "days": _shown(days),
            **({"nearest": True} if abs(days) == least else {}),
        }
        for days, age, row in sorted(placed, key=lambda one: one[0])
        if (days, -age) in sides
    ]


def _shown(days: float) -> float:
    """Whole days as such; parts of a day where it is less than one."""
    if days.is_integer() or abs(days) >= 10:
        return round(days)
    return round(days, 1 if abs(days) >= 1 else 2)


def _days(date: Span | None, at: Span) -> float | None:
    """How many days after a moment a date lies; None where it is no day. Two times of day are told apart."""
    if date is None or date.end - date.start > DAY:
        return None
    if date.partial or at.partial:
        return float((date.start.date() - at.start.date()).days)
    if date.offset is None or at.offset is None:
        return (date.start - at.start) / DAY
    return (date.instant - at.instant) / DAY
