"""Numbers, pairs, dates and times of a clause: does the row that they are told of hold them?"""

import operator
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from agent.grounding.clauses import Clause, Finding, stems_in
from agent.grounding.counts import CLASSED, counted, is_count
from agent.grounding.derived import derived, is_duration, is_mean
from agent.grounding.evidence import Evidence
from agent.grounding.rows import Figure, Row
from agent.grounding.units import Unit, same, unit_at
from agent.grounding.written import (
    Dated,
    Day,
    Number,
    Numbered,
    Span,
    blank,
    dates_in,
    numbers_in,
    pairs_in,
    stem,
    times_in,
    words_in,
)
from agent.messages import ClaimKind

_BOUND = re.compile(
    r"\b(?P<word>since|after|from|before|until|till|up to|prior to|between|through|by|and|to"
    r"|or|around|near)\s+(?:the\s+)?$",
    re.IGNORECASE,
)
_LATER = ("since", "after", "from", "between")
_WINDOW = re.compile(
    r"\b(?:last|past|previous|next|within|first|latest|recent|newest|at age)\s+$", re.IGNORECASE
)
_AS_OF = re.compile(r"\b(?:as of|today|now)\W*(?:is\s+)?$", re.IGNORECASE)
_TIED = re.compile(f"{_BOUND.pattern}|{_AS_OF.pattern}", re.IGNORECASE)
_ENDING = re.compile(
    r"\b(?:until|ended|resolved|stopped|discontinued|abated|finished)\W+(?:on|in)?\s*$", re.I
)
_BEGINNING = re.compile(r"\b(?:since|began|begun|onset|diagnosed|started|starting)\W+(?:on|in|at)?\s*$", re.I)
_ENDS = ("end", "abated", "abatementDateTime", "deceased", "deceasedDateTime")
_BOUNDING = re.compile(r"\b(?:range|reference|normal|limits?|target|goal|expected)\b|\(\s*$", re.IGNORECASE)
_HEDGED = re.compile(
    r"(?:\b(?:about|around|approximately|approx\.?|roughly|some|nearly|almost|circa)|~|≈)\s*$", re.I
)
# Told without their sign: "fell by 1.1", "43 days before".
_CHANGING = ("change", "slope", "days")
_DRUG = ("Medication", "Immunization")
_COMPARE = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}


def figures(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """Every date, time, pair and number of the clause; last, digits that no reader understands."""
    text = clause.plain
    for span in _quotes(clause):
        yield Finding(span.start, span.end, "quote", rows=clause.about(span.start))
        text = blank(text, span.start, span.end)
    dates = list(dates_in(text))
    for dated in dates:
        text = blank(text, dated.start, dated.end)
    for span, time in list(times_in(text)):
        stands = any(time in row.facts.times for row in clause.rows)
        yield _finding(span, "time", stands, f"no such time in {_named(clause.rows)}", clause.rows)
        text = blank(text, span.start, span.end)
    valued: list[tuple[Span, Sequence[Row]]] = []
    for span, pair in list(pairs_in(text)):
        unit, _ = unit_at(text, span.end)
        holding = [row for row in clause.about(span.start) if _holds_pair(row, pair, unit)]
        why = f"no such pair in {_named(clause.rows)}"
        yield _finding(span, "number", bool(holding), why, clause.rows)
        valued.append((span, holding))
        text = blank(text, span.start, span.end)
    numbers = list(numbers_in(text))
    pairing = _Pairing(clause.plain, dates, [*(span for span, _ in valued), *numbers])
    for dated in dates:
        yield _date(dated, clause, evidence)
    for span, rows in valued:
        yield from pairing.mismatch(span, [(row, row.date) for row in rows])
    for numbered in numbers:
        finding, held = _number(numbered, text, clause, evidence)
        yield finding
        text = blank(text, numbered.start, max(numbered.end, numbered.after))
        if finding.verdict == "supported":
            yield from pairing.mismatch(numbered, held)
    for match in re.finditer(r"(?<![^\W_])(?<![A-Za-z]-)\d[\d.,:/-]*", text):
        if not re.match(r"(?:st|nd|rd|th)\b", text[match.end() :]):
            yield Finding(match.start(), match.end(), "number", "unsupported", "digits that cannot be read")


def _finding(span: Span, kind: ClaimKind, stands: bool, why: str, rows: Sequence[Row]) -> Finding:
    if stands:
        return Finding(span.start, span.end, kind, rows=rows)
    return Finding(span.start, span.end, kind, "contradicted" if rows else "unsupported", why, rows)


def _named(rows: Sequence[Row]) -> str:
    refs = list(dict.fromkeys(row.refs[0] for row in rows if row.refs))
    return ", ".join(refs[:3]) + (" ..." if len(refs) > 3 else "") if refs else "the records"


def _quotes(clause: Clause) -> Iterator[Span]:
    """Where the text repeats a string of its row word for word, the longest first."""
    text = clause.plain
    folded = " ".join(text.split()).casefold()
    phrases = {phrase for row in clause.rows for phrase in row.facts.phrases}
    for phrase in sorted(phrases, key=len, reverse=True):
        if not (told := phrase.split()) or " ".join(told).casefold() not in folded:
            continue
        words = r"\s+".join(map(re.escape, told))
        for match in re.finditer(rf"(?<![\w.,/<>≤≥=-]){words}(?![\w%]|[.,/-]\d)", text, re.IGNORECASE):
            whose = clause.about(match.start())
            if any(phrase in row.facts.phrases for row in whose) and not re.search(
                r"[<>≤≥=]\s*$", text[: match.start()]
            ):
                yield Span(match.start(), match.end())
                text = blank(text, match.start(), match.end())


def _holds_pair(row: Row, pair: tuple[Decimal, Decimal], unit: Unit | None) -> bool:
    """Whether the row holds both numbers as a pair of that unit, each correctly rounded."""
    told = [Number(part) for part in pair]
    units = {one.number.unit.key for one in row.measured if one.number.unit}
    if unit and units and unit.key not in units:
        return False
    return any(
        all(_rounded(mine, exact) for mine, exact in zip(told, held, strict=True)) for held in row.facts.pairs
    )


class _Pairing:
    """Which date each figure of a clause is told with: the next one before another figure comes, or the last
    one, as the clause begins with a figure or with a date."""

    def __init__(self, text: str, dates: Sequence[Dated], figures: Sequence[Span]) -> None:
        self._of: dict[int, Dated] = {}
        figures = sorted(figures, key=lambda span: span.start)
        dates = [one for one in dates if not _TIED.search(text[: one.start])]
        if not dates or not figures:
            return
        dates_first = min(one.start for one in dates) < figures[0].start
        for at, span in enumerate(figures):
            low = figures[at - 1].end if at else 0
            high = figures[at + 1].start if at + 1 < len(figures) else len(text)
            before = [one for one in dates if low <= one.start < span.start]
            after = [one for one in dates if span.end <= one.start < high]
            near = before[-1:] if dates_first else after[:1]
            if near:
                self._of[span.start] = near[0]

    def mismatch(self, span: Span, held: Sequence[tuple[Row, str]]) -> Iterator[Finding]:
        """The date told with a figure, where no row that holds the figure is of it."""
        dated = self._of.get(span.start)
        if not dated or not held:
            return
        for row, date in held:
            days = _days(date) if date else [day for day, _ in row.facts.days]
            if not days or any(reading.stands_in(day) for reading in dated.readings for day in days):
                return
        why = f"the value is of {held[0][1][:10] or 'another day'}"
        rows = [row for row, _ in held]
        yield Finding(dated.start, dated.end, "date", "contradicted", why, rows)


def _date(dated: Dated, clause: Clause, evidence: Evidence) -> Finding:
    before = clause.plain[: dated.start]
    rows = clause.about(dated.start)
    found = [
        (row, key)
        for row in rows
        for day, key in row.facts.days
        if any(r.stands_in(day) for r in dated.readings)
    ]
    if found and not _crossed(before, found):
        return Finding(dated.start, dated.end, "date", rows=[row for row, _ in found])
    if found:
        return Finding(dated.start, dated.end, "date", "contradicted", "that is its other date", rows)
    if _date_otherwise(dated, before, clause, evidence):
        return Finding(dated.start, dated.end, "date", rows=rows)
    return _finding(dated, "date", False, f"{_named(rows)} has no such date", rows if clause.cited else ())


def _crossed(before: str, found: Sequence[tuple[Row, str]]) -> bool:
    """Whether a beginning is told with the date of an end only, or the other way round."""
    ends = [key in _ENDS for _, key in found]
    if _ENDING.search(before):
        return not any(ends) and all(any(row.record.get(key) for key in _ENDS) for row, _ in found)
    return bool(_BEGINNING.search(before)) and all(ends)


def _date_otherwise(dated: Dated, before: str, clause: Clause, evidence: Evidence) -> bool:
    """Whether a date that no row holds is today's, a bound that was asked for, or a bare number."""
    noted = [day for note in evidence.notes for day in evidence.texts.read(note).days]
    bound = _BOUND.search(before)
    days = [day for row in clause.rows for day, _ in row.facts.days]
    own = {id(row) for row in clause.rows}
    sources = [source for source in evidence.sources if any(id(row) in own for row in source.rows)]
    for reading in dated.readings:
        for source in sources:
            told = {key: str(source.arguments.get(key) or "") for key in ("since", "until", "at")}
            windows = [day for key in told if reading.day is None or key == "at" for day in _days(told[key])]
            if any(reading.stands_in(day) for day in windows):
                return True
        if any(reading.stands_in(day) for day in [*evidence.now, *noted]):
            if (
                not clause.cited
                or _AS_OF.search(before)
                or (bound and bound["word"] in ("to", "until", "up to"))
            ):
                return True
        if any(reading.stands_in(day) for day in evidence.asked_days):
            if clause.denies or _satisfied(bound["word"].lower() if bound else "in", reading, days):
                return True
        if (reading.month, reading.day) == (None, None) and reading.year is not None:
            bare = Number(Decimal(reading.year))
            if any(
                _equal(bare, one, clause.plain, dated) for row in clause.rows for one in row.facts.figures
            ):
                return True
    return False


def _days(text: str) -> list[Day]:
    return [day for one in dates_in(text) for day in one.readings]


def _satisfied(word: str, bound: Day, days: Sequence[Day]) -> bool:
    """Whether some date of the clause's rows lies on the right side of a bound (or there is none to lie)."""
    parts = [part for part in (bound.year, bound.month, bound.day) if part is not None]
    known = [[day.year, day.month, day.day][: len(parts)] for day in days]
    dated = [[part for part in day if part is not None] for day in known]
    if not dated or word in ("around", "near"):
        return True
    if word == "in":
        return any(day == parts for day in dated)
    return any(day >= parts if word in _LATER else day <= parts for day in dated)


def _number(
    claim: Numbered, text: str, clause: Clause, evidence: Evidence
) -> tuple[Finding, Sequence[tuple[Row, str]]]:
    """What the evidence says of a number, and the rows (with dates) that hold it as it is told."""
    number, rows = claim.number, clause.about(claim.start)
    if is_count(claim, text):
        return counted(claim, text, clause, evidence), ()
    worked_out = derived(claim, text, clause, evidence) if is_mean(claim, text, rows) else None
    held = [
        (row, one.date)
        for row in (rows if worked_out is None else ())
        for one in row.facts.figures
        if _in_place(one, claim, clause.plain) and _equal(number, one, text, claim, row)
    ]
    if held and all(_of_other_part(claim, clause.plain, row) for row, _ in held):
        why = "that is another part's value"
        return _finding(claim, "number", False, why, [row for row, _ in held]), ()
    kind: ClaimKind = "dose" if rows and rows[0].type.startswith(_DRUG) else "number"
    if held:
        return Finding(claim.start, claim.after or claim.end, kind, rows=[row for row, _ in held]), held
    if number.op and (said := _compared(claim, text, clause, rows)):
        return said, ()
    if is_duration(claim, text):
        kind = "duration"
    if why := derived(claim, text, clause, evidence):
        return Finding(claim.start, claim.end, kind, why=why, rows=rows), ()
    asked = any(number.value == one.value for one in evidence.question.numbers)
    asked = asked or any(number.value == one.value for src in evidence.sources for one in src.asked.numbers)
    window = _WINDOW.search(text[: claim.start])
    if (asked and (clause.denies or window)) or (window and int(number.value) == len(clause.sentence)):
        return Finding(claim.start, claim.end, kind), ()
    if (
        any(
            number.value == one.value and not (one.unit and number.unit and one.unit.key != number.unit.key)
            for note in evidence.notes
            for one in evidence.texts.read(note).numbers
        )
        and not clause.cited
    ):
        return Finding(claim.start, claim.end, kind), ()
    counts = number.whole and number.unit is None and not CLASSED.search(text[: claim.start])
    if counts and re.match(r"\s+[a-z]", text[claim.end :]):
        if (count := counted(claim, text, clause, evidence)).verdict == "supported":
            return count, ()
    return _finding(claim, kind, False, _why_not(number, rows), rows if clause.cited else ()), ()


def _of_other_part(claim: Numbered, text: str, row: Row) -> bool:
    """Whether the number is told of one component of the row (the only one named beside it, before the number
    or, where numbers come first, after it) and is the value of another."""
    parts = [part for part in row.record.get("components") or () if isinstance(part, dict)]
    words = [row.texts.read(str(part.get("name") or "")).words for part in parts]
    telling = [mine - set().union(*words[:at], *words[at + 1 :]) for at, mine in enumerate(words)]
    numbers = sorted(numbers_in(text), key=lambda one: one.start)
    named = [span for span, word in words_in(text) if any(stem(word) in mine for mine in telling)]
    if not named or not numbers:
        return False
    first = named[0].start < numbers[0].start
    low = max((one.end for one in numbers if one.end <= claim.start), default=0) if first else claim.end
    later = min((one.start for one in numbers if one.start >= claim.end), default=len(text))
    beside = stems_in(text[low : claim.start if first else later])
    meant = [part for part, mine in zip(parts, telling, strict=True) if mine & beside]
    held = [part for part in parts if str(part.get("value")) == str(claim.number.value)]
    return len(meant) == 1 and bool(held) and meant[0] not in held


def _in_place(one: Figure, claim: Numbered, text: str) -> bool:
    """Whether a figure can be meant where the number stands: bounds of normal as bounds, counts as counts."""
    if one.role == "range":
        before = text[max(0, claim.start - 60) : claim.start]
        between = re.search(r"\d\s?[-–]\s?$", before) or re.match(r"\s?[-–]\s?\d", text[claim.end :])
        return bool(between or _BOUNDING.search(before))
    return one.role != "count"


def _equal(number: Number, one: Figure, text: str, claim: Span, row: Row | None = None) -> bool:
    """Whether a number is the figure: exactly, or rounded with two significant digits (doses are exact)."""
    exact, unit = one.number.value, one.number.unit
    if number.op != one.number.op:
        return False
    value = abs(number.value) if one.role in _CHANGING else number.value
    exact = abs(exact) if one.role in _CHANGING else exact
    if number.unit and not unit and one.role == "value" and row and row.tool == "observations":
        return False
    if number.unit and unit and one.role == "slope" and unit.key.startswith(f"{number.unit.key}/"):
        unit = number.unit  # "0.3 mg/dL a year"
    if number.unit and unit and number.unit.key != unit.key:
        return same(value, number.unit, exact, unit, number.places)
    if value == exact:
        return True
    if row and row.type.startswith(_DRUG):
        return False
    hedged = bool(_HEDGED.search(text[: claim.start]))
    return _rounded(Number(value), exact, digits=1 if hedged else 2)


def _rounded(number: Number, exact: Decimal, digits: int = 2) -> bool:
    if number.value == exact:
        return True
    significant = len(str(abs(number.value)).replace(".", "").lstrip("0"))
    return significant >= digits and number.rounds(exact)


def _compared(claim: Numbered, text: str, clause: Clause, rows: Sequence[Row]) -> Finding | None:
    """A comparison ("above 7"), held against what its rows measured; None where they measured nothing."""
    number, compare = claim.number, _COMPARE[claim.number.op]
    told = [
        (row, one)
        for row in rows
        for one in row.measured
        if not (number.unit and one.number.unit and number.unit.dimension != one.number.unit.dimension)
    ]
    if not told or (number.unit and number.unit.is_time):
        return None
    fits = [bool(compare(one.number.value, number.value)) for _, one in told]
    denied = re.search(r"\b(?:no|not|never|none|nor)\b|n['’]t\b", text[: claim.start], re.IGNORECASE)
    if denied:
        return _finding(claim, "comparison", not any(fits), f"the value is {told[0][1].number.value}", rows)
    stands = all(fits) if len(rows) == 1 and len(told) == 1 else any(fits)
    return _finding(claim, "comparison", stands, f"the value is {told[0][1].number.value}", rows)


def _why_not(number: Number, rows: Sequence[Row]) -> str:
    for row in rows:
        for one in row.facts.figures:
            if one.number.value == number.value and number.unit and one.role != "range":
                recorded = one.number.unit.key if one.number.unit else "no unit"
                return f"{_named([row])} has it with {recorded}"
    values = [one for row in rows for one in row.measured]
    if len(values) == 1:
        unit = values[0].number.unit
        return f"{_named(rows)} has {values[0].number.value}{f' {unit.key}' if unit else ''}"
    return f"{_named(rows)} has no such number"
