"""Figures that no row holds, worked out again: ages, intervals, differences, means, sums, shares."""

import re
from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import combinations, permutations

from agent.grounding.clauses import Clause, stems_in
from agent.grounding.evidence import Evidence
from agent.grounding.rows import Row
from agent.grounding.schedules import frequencies_in
from agent.grounding.written import Dated, Day, Number, Numbered, dates_in, numbers_in

_DAYS = {"d": 1.0, "wk": 7.0, "mo": 30.436875, "a": 365.2425}
_BY = re.compile(
    r"\b(?:differen\w*|chang\w*|by|rise|fall|drop|gain\w*|loss|lost|increas\w*|decreas\w*|points?|down|up"
    r"|lower|higher|more|less|between|apart|declin\w*|reduc\w*|above|below|over|under|short|beyond|outside"
    r"|percentage)\b",
    re.IGNORECASE,
)
_MEAN = re.compile(r"\b(?:mean|average|averag\w+)\b", re.IGNORECASE)
_MEDIAN = re.compile(r"\bmedian\b", re.IGNORECASE)
_SUM = re.compile(r"\b(?:total|sum|altogether|combined|in all)\b", re.IGNORECASE)
_RATE = re.compile(r"^\W*(?:\S+\s+)?(?:a|per|each|every)\s+(?:year|month|week|day)\b", re.IGNORECASE)
_LIMIT = re.compile(r"\b(?:limits?|range|reference|bounds?|threshold|target|goal|normal)\b", re.IGNORECASE)
_DAILY = re.compile(r"\W*(?:(?:once )?(?:a|per|each|every)\s|/\s?)?(?:day|daily)\b", re.IGNORECASE)
_AGED = re.compile(r"\b(?:aged?|age of|at)\s+$", re.IGNORECASE)
_OLD = re.compile(
    r"(?:\s+or\s+\d+)?[\s-]*years?[\s-]*old\b|[\s-]*(?:yo|y/o)\b|\s+(?:then|at the time|at that time)\b",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\s*(?:apart|(?:after|before|later|earlier|prior to)\b)", re.IGNORECASE)
_TENTH = 0.06
_MINUTES = {"min": 1, "h": 60}
_MONTHS = 12
_MANY = 60
_FEW = 8


def is_duration(claim: Numbered, text: str) -> bool:
    """Whether the number is of days, weeks, months or years."""
    return bool(claim.number.unit and claim.number.unit.key in {**_DAYS, **_MINUTES}) or bool(
        re.search(r"\b(?:aged?|age of)\s+(?:of\s+)?$", text[: claim.start], re.IGNORECASE)
    )


def is_mean(claim: Numbered, text: str, rows: Sequence[Row]) -> bool:
    """Whether the number is told as the mean of several rows, none of which is one of statistics."""
    valued = [row for row in rows if any(one.role == "value" for one in row.measured)]
    return (
        not any(one.role == "mean" for row in rows for one in row.facts.figures)
        and len(valued) > 1
        and len(valued) == len(rows)
        and bool(re.search(rf"{_MEAN.pattern}[^.;\d]*$", text[: claim.start], re.IGNORECASE))
    )


def derived(claim: Numbered, text: str, clause: Clause, evidence: Evidence) -> str:
    """How the number follows from the records that the answer rests on; empty where it does not."""
    rows = list(clause.rows)
    told = evidence.of(clause.told) if clause.told else rows
    if is_duration(claim, text) or _OLD.match(text[claim.end :]):
        # What a value was asked for ("nearest to 2026-06-01") may stand before the first of two citations.
        said = [*dates_in(text), *dates_in(clause.lead)]
        if _BETWEEN.match(text[claim.after or claim.end :]):
            cited = [row for row in evidence.of(clause.sentence) if row.date]
            if len({row.refs for row in cited}) == 1:  # the other one is but named
                cited += _named_in(text[claim.after or claim.end :], evidence)
            if len({row.refs for row in cited}) > 1:
                return _apart(claim, [*dates_in(clause.lead)], cited)
        return _interval(claim, text, said, [*rows, *told, *evidence.of(clause.sentence)], evidence)
    counted = [row for row in evidence.rows if not (row.refs or clause.cited)]
    if why := _share(claim.number, [*rows, *counted]) or _per_day(claim, clause.plain, rows):
        return why
    nearby = f"{text[max(0, claim.start - 60) : claim.start]} {text[claim.end : claim.end + 40]}"
    for among in (rows, told):
        values = list(_values(among, claim.number, limits=bool(_LIMIT.search(nearby))))
        if why := _worked_out(claim.number, nearby, values):
            return why
    return ""


def _share(number: Number, rows: Sequence[Row]) -> str:
    """The percentage that a row of a count comes to, or the counts of two rows."""
    counts = [one.number.value for row in rows for one in row.facts.figures if one.role == "count"]
    for part, whole in (
        permutations(dict.fromkeys(counts[:_FEW]), 2) if number.unit and number.unit.key == "%" else ()
    ):
        if part < whole and number.rounds(part / whole * 100):
            return f"{part} of {whole}"
    for row in rows if number.unit and number.unit.key == "%" else ():
        n, of = row.record.get("n"), row.record.get("of")
        if isinstance(n, int) and isinstance(of, int) and of:
            if any(number.rounds(Decimal(part) / of * 100) for part in (n, of - n)):
                return f"{n} of {of}"
    return ""


def _per_day(claim: Numbered, text: str, rows: Sequence[Row]) -> str:
    """The dose of a day: what is taken at a time by how often it is."""
    if not _DAILY.match(text[claim.after or claim.end :]):
        return ""
    for row in rows:
        dose = str(row.record.get("dose") or "")
        often = {times for _, times in frequencies_in(dose)}
        for one in numbers_in(dose):
            if len(often) == 1 and one.number.unit == claim.number.unit:
                if one.number.value * max(often) == claim.number.value:
                    return f"{one.number.value} taken {max(often)} times a day"
    return ""


def _values(rows: Sequence[Row], like: Number, *, limits: bool) -> Iterator[Decimal]:
    for row in rows:
        bounds = [one for one in row.facts.figures if limits and one.role == "range"]
        told = [one for one in row.facts.figures if one.role in ("text", "name")] if not row.measured else []
        for one in [*row.measured, *told, *bounds]:
            unit = one.number.unit
            fits = like.unit is None or unit is None or like.unit.key in (unit.key, "%")
            if fits and (one.role == "range" or not one.number.op) and one.role != "age":
                yield one.number.value


def _worked_out(number: Number, nearby: str, values: list[Decimal]) -> str:
    if not 2 <= len(values) <= _MANY:
        return ""
    mine = Number(abs(number.value))
    if _MEAN.search(nearby) and mine.rounds(sum(values, Decimal(0)) / len(values)):
        return f"the mean of {len(values)} values"
    if _MEDIAN.search(nearby) and mine.rounds(_median(values)):
        return f"the median of {len(values)} values"
    if _SUM.search(nearby) and mine.value == sum(values):
        return f"the sum of {len(values)} values"
    exact = number.places > 0 and number.unit is not None and len(values) <= _FEW
    if exact or _BY.search(nearby):
        for one, other in combinations(dict.fromkeys(values), 2):
            apart = abs(one - other)
            if mine.value == apart or ((mine.places or apart % 1) and mine.rounds(apart)):
                return f"{one} and {other} differ by it"
    if _BY.search(nearby):
        if number.unit and number.unit.key == "%":
            for one, other in permutations(dict.fromkeys(values), 2):
                if other and mine.rounds(abs(one - other) / abs(other) * 100):
                    return f"from {other} to {one}"
    return ""


def _median(values: list[Decimal]) -> Decimal:
    ranked = sorted(values)
    middle = len(ranked) // 2
    return ranked[middle] if len(ranked) % 2 else (ranked[middle - 1] + ranked[middle]) / 2


def _interval(
    claim: Numbered, text: str, told: Sequence[Dated], rows: Sequence[Row], evidence: Evidence
) -> str:
    """The two dates that are so far apart: `told`, of the clause's rows, of the patient's birth, and today.

    A day's length is told whole; of months and years, those completed, or the nearest number.
    """
    said = [day for dated in told for day in _dates([dated_iso(r) for r in dated.readings])]
    of_rows = list(_dates([str(value) for row in rows for value in row.record.values()]))
    births = list(
        _dates([str(row.record.get("birth_date") or row.record.get("birthDate")) for row in evidence.rows])
    )
    today = list(_dates([evidence.today]))
    unit = claim.number.unit.key if claim.number.unit else "a"
    if unit in _MINUTES:
        return _clocked(float(claim.number.value), _MINUTES[unit], rows)
    if _AGED.search(text[max(0, claim.start - 12) : claim.start]) or _OLD.match(text[claim.end :]):
        partial = [
            *(day for one in told for day in one.readings),
            *(d for row in rows for d, _ in row.facts.days),
        ]
        at = [*said, *of_rows, *_bounds(partial), *today]
        for birth, day in [(birth, day) for birth in births for day in at if day > birth]:
            if _completed(birth, day) == claim.number.value:
                return f"born {birth}, on {day}"
        if all(row.type == "Patient" for row in rows):
            return ""
        of_rows, said, births = [day for day in of_rows if day not in births], [], []
    ages = {
        one.number.value for row in rows for one in row.facts.figures if one.number.unit == claim.number.unit
    }
    if any(abs(one - other) == claim.number.value for one, other in combinations(sorted(ages)[:_FEW], 2)):
        return "the difference of two ages"
    days = list(dict.fromkeys([*said, *of_rows, *today, *births]))[:_MANY]
    for one, other in combinations(days, 2):
        early, late = sorted((one, other))
        if _fits(float(claim.number.value), unit, early, late):
            return f"from {early} to {late}"
    return ""


def _apart(claim: Numbered, told: Sequence[Dated], rows: Sequence[Row]) -> str:
    """Two dates, told or of two of the records, that are so far apart."""
    unit = claim.number.unit.key if claim.number.unit else "a"
    said = list(_dates([dated_iso(reading) for dated in told for reading in dated.readings]))
    of = [(at, day) for at, row in enumerate(rows) for day in days_of(row)]
    for (at, one), (its, other) in combinations([*of, *((-1 - at, day) for at, day in enumerate(said))], 2):
        early, late = sorted((one, other))
        if at != its and _fits(float(claim.number.value), unit, early, late):
            return f"from {early} to {late}"
    return ""


def _named_in(after: str, evidence: Evidence) -> list[Row]:
    """The dated records that the first words of a text name."""
    words = stems_in(re.split(r"[,;:()]", after)[0])
    return [row for row in evidence.rows if row.date and words & (row.head | row.all_names)]


def days_of(row: Row) -> Iterator[date]:
    """The days in the fields of a record."""
    return _dates([str(value) for value in row.record.values()])


def _bounds(days: Sequence[Day]) -> Iterator[date]:
    """The first and the last day of the years and months among these."""
    for day in days:
        if day.year and day.day is None:
            first, last = day.month or 1, day.month or _MONTHS
            yield date(day.year, first, 1)
            yield date(day.year, last, monthrange(day.year, last)[1])


def _clocked(value: float, minutes: int, rows: Sequence[Row]) -> str:
    """The beginning and the end of a record that are so many minutes or hours apart."""
    for row in rows:
        try:
            begun, ended = (datetime.fromisoformat(str(row.record.get(key))) for key in ("date", "end"))
            apart = (ended - begun).total_seconds() / 60 / minutes
        except (ValueError, TypeError):
            continue
        if value in (round(apart), int(apart)) or (value != int(value) and abs(apart - value) <= _TENTH):
            return f"from {begun} to {ended}"
    return ""


def dated_iso(day: object) -> str:
    """A date with year, month and day as ISO text; empty where it lacks one."""
    year, month, of = (getattr(day, part) for part in ("year", "month", "day"))
    return f"{year:04}-{month:02}-{of:02}" if year and month and of else ""


def _completed(early: date, late: date) -> int:
    return late.year - early.year - ((late.month, late.day) < (early.month, early.day))


def _dates(texts: Sequence[str]) -> Iterator[date]:
    for text in texts:
        if re.match(r"\d{4}-\d\d-\d\d(?!\d)", text):
            try:
                yield date.fromisoformat(text[:10])
            except ValueError:
                continue
        elif re.fullmatch(r"\d{4}(?:-\d\d)?", text):
            yield date(int(text[:4]), int(text[5:7] or 1) if "01" <= (text[5:7] or "01") <= "12" else 1, 1)


def _fits(value: float, unit: str, early: date, late: date) -> bool:
    apart = (late - early).days
    if unit == "d":
        return value in (apart, apart + 1)
    exact = apart / _DAYS.get(unit, _DAYS["a"])
    if value != int(value):
        return abs(exact - value) <= _TENTH
    return value in (_completed(early, late) if unit == "a" else int(exact), round(exact))
