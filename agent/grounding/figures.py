"""Numbers, pairs, dates and times of a clause: does the row that they are told of hold them?"""

import operator
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from agent.grounding.clauses import Clause, Finding, called, finding, stems_in, undated
from agent.grounding.counts import CLASSED, PART_OF, counted, is_count
from agent.grounding.dates import Pairing, date
from agent.grounding.derived import derived, is_duration, is_mean
from agent.grounding.evidence import Evidence
from agent.grounding.rows import Figure, Row, without_names
from agent.grounding.schedules import frequencies_in
from agent.grounding.units import Unit, same, unit_at, unit_of
from agent.grounding.written import (
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

_WINDOW = re.compile(
    r"\b(?:last|past|previous|next|within|first|latest|recent|newest|age)\s+$", re.IGNORECASE
)
_BOUNDING = re.compile(r"\b(?:range|reference|normal|limits?|target|goal|expected)\b|\(\s*$", re.IGNORECASE)
_HEDGED = re.compile(
    r"(?:\b(?:about|around|approximately|approx\.?|roughly|some|nearly|almost|circa)|~|≈)\s*$", re.I
)
# What may follow a number that counts: what is counted, or "in total".
_COUNTING = re.compile(r"\s+(?:(?!(?:on|at|in)\b)[a-z]|in (?:total|all)\b)")
_EACH = re.compile(r"\b(?:all|every|each|both|always)\b", re.IGNORECASE)
# Told without their sign: "fell by 1.1", "43 days before".
_CHANGING = ("change", "slope", "days")
_DRUG = ("Medication", "Immunization")
_COMPARE = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}

# Digits, but for those of a word or a code (`E11.9`, `COVID-19`).
_DIGITS = re.compile(r"[^\W\d]\w*(?:[.-]\d+)*|(?P<alone>\d[\d.,:/-]*)")


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
        yield finding(span, "time", stands, f"no such time in {called(clause.rows)}", clause.rows)
        text = blank(text, span.start, span.end)
    often = list(frequencies_in(clause.plain))
    for span, _ in often:
        rows = clause.about(span.start)
        if recorded := {times for row in rows for _, times in frequencies_in(row.text)}:
            stands = bool(recorded & {times for _, times in often})
            yield finding(span, "dose", stands, "the record says another frequency", rows)
            text = blank(text, span.start, span.end)
    valued: list[tuple[Span, Sequence[Row]]] = []
    for span, pair in list(pairs_in(text)):
        unit, _ = unit_at(text, span.end)
        holding = [row for row in clause.about(span.start) if _holds_pair(row, pair, unit)]
        why = f"no such pair in {called(clause.rows)}"
        yield finding(span, "number", bool(holding), why, clause.rows)
        valued.append((span, holding))
        text = blank(text, span.start, span.end)
    numbers = list(numbers_in(text))
    pairing = Pairing(clause.plain, dates, [*(span for span, _ in valued), *numbers])
    for dated in dates:
        yield date(dated, clause, evidence)
    for span, rows in valued:
        yield from pairing.mismatch(span, [(row, row.date) for row in rows])
    for numbered in numbers:
        one, held = _number(numbered, text, clause, evidence)
        yield one
        text = blank(text, numbered.start, max(numbered.end, numbered.after))
        if one.verdict == "supported":
            yield from pairing.mismatch(numbered, held)
    for match in _DIGITS.finditer(text):
        if match["alone"] and not re.match(r"(?:st|nd|rd|th)\b", text[match.end() :]):
            yield Finding(match.start(), match.end(), "number", "unsupported", "digits that cannot be read")


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
            whose = [*clause.about(match.start()), *(row for row in clause.rows if row.label == phrase)]
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


def _number(
    claim: Numbered, text: str, clause: Clause, evidence: Evidence
) -> tuple[Finding, Sequence[tuple[Row, str]]]:
    """What the evidence says of a number, and the rows (with dates) that hold it as it is told."""
    number, rows = claim.number, clause.about(claim.start)
    plain = clause.plain  # where "three of six" is whole: what was read is blanked out of the text
    if (is_count(claim, text) or PART_OF.search(plain[: claim.start])) and is_count(
        claim, without_names(plain, rows)
    ):
        return counted(claim, text, clause, evidence), ()
    worked_out = derived(claim, text, clause, evidence) if is_mean(claim, text, rows) else None
    held = [
        (row, one.date)
        for row in (rows if worked_out is None else ())
        for one in row.facts.figures
        if _in_place(one, claim, clause.plain, row) and _equal(number, one, text, claim, row)
    ]
    if held and all(_of_other_part(claim, clause.plain, row) for row, _ in held):
        why = "that is another part's value"
        return finding(claim, "number", False, why, [row for row, _ in held]), ()
    kind: ClaimKind = "dose" if rows and rows[0].type.startswith(_DRUG) else "number"
    if held:
        return Finding(claim.start, claim.after or claim.end, kind, rows=[row for row, _ in held]), held
    if number.op and _is_asked_bound(number, rows, evidence):
        return Finding(claim.start, claim.end, "comparison", rows=rows), ()
    if number.op and (said := _compared(claim, text, clause, rows, evidence)):
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
    counts = number.whole and not number.places and number.unit is None
    before, after = text[: claim.start], text[claim.end :]
    alone = not re.search(r"\w", before + after)
    if counts and not CLASSED.search(before) and (alone or _COUNTING.match(after)):
        if (count := counted(claim, text, clause, evidence)).verdict == "supported":
            return count, ()
    return finding(claim, kind, False, _why_not(number, rows), rows if clause.cited else ()), ()


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


def _in_place(one: Figure, claim: Numbered, text: str, row: Row) -> bool:
    """Whether a figure can be meant where the number stands: bounds of normal as such, counts as counts, and
    what stands in the name of something measured ("Warning Score 2") after a word for it."""
    if one.role == "name" and row.measured:
        return bool(CLASSED.search(text[: claim.start]))
    if one.role == "range":
        before = text[max(0, claim.start - 60) : claim.start]
        between = re.search(r"\d\s?[-–]\s?$", before) or re.match(r"\s?[-–]\s?\d", text[claim.end :])
        return bool(between or _BOUNDING.search(before))
    if one.role == "days":
        after = re.match(r"\s*(?:(before|earlier|prior)|after|later)\b", text[claim.after or claim.end :])
        return not after or bool(after[1]) == (one.number.value < 0) or one.number.value == 0
    return one.role != "count"


def _equal(number: Number, one: Figure, text: str, claim: Span, row: Row | None = None) -> bool:
    """Whether a number is the figure: exactly, or rounded with two significant digits (doses are exact)."""
    exact, unit = one.number.value, one.number.unit
    if number.op != one.number.op and (number.op or one.role != "range"):
        return False
    value = abs(number.value) if one.role in _CHANGING else number.value
    exact = abs(exact) if one.role in _CHANGING else exact
    if number.unit and not unit and one.role == "value" and row and row.tool == "observations":
        return False
    if number.unit and unit and one.role == "slope" and unit.key.startswith(f"{number.unit.key}/"):
        unit = number.unit  # "0.3 mg/dL a year"
    if number.unit and unit and re.fullmatch(rf"{re.escape(number.unit.key)}/[a-z]{{4,}}", unit.key):
        unit = number.unit  # "90 mcg", of 90 mcg/actuation
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


def _is_asked_bound(number: Number, rows: Sequence[Row], evidence: Evidence) -> bool:
    """Whether rows that count records beyond a bound were asked for with it."""
    key = "above" if number.op == ">" else "below" if number.op == "<" else ""
    for source in evidence.sources_of(row for row in rows if not row.measured):
        bound, unit = source.arguments.get(key), unit_of(str(source.arguments.get("unit") or ""))
        if bound is not None and number.value == Decimal(str(bound)):
            return not (unit and number.unit and unit.key != number.unit.key)
    return False


def _compared(
    claim: Numbered, text: str, clause: Clause, rows: Sequence[Row], evidence: Evidence
) -> Finding | None:
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
    if any(one.number.value == number.value for _, one in told):
        # "1.6 [a], lower than 1.9 [b]": the value of one record beside that of another.
        others = {one.number.value for row in evidence.of(clause.sentence) for one in row.measured}
        before = [one.number.value for one in numbers_in(undated(clause.lead))]
        beside = [value for value in before if value in others and value != number.value]
        if beside:
            stands = compare(beside[-1], number.value)
            return finding(claim, "comparison", bool(stands), f"the value is {beside[-1]}", rows)
    fits = [bool(compare(one.number.value, number.value)) for _, one in told]
    denied = re.search(r"\b(?:no|not|never|none|nor)\b|n['’]t\b", text[: claim.start], re.IGNORECASE)
    if denied:
        return finding(claim, "comparison", not any(fits), f"the value is {told[0][1].number.value}", rows)
    every = (len(rows) == 1 and len(told) == 1) or bool(_EACH.search(text[: claim.start]))
    stands = all(fits) if every else any(fits)
    return finding(claim, "comparison", stands, f"the value is {told[0][1].number.value}", rows)


def _why_not(number: Number, rows: Sequence[Row]) -> str:
    for row in rows:
        for one in row.facts.figures:
            if one.number.value == number.value and number.unit and one.role != "range":
                recorded = one.number.unit.key if one.number.unit else "no unit"
                return f"{called([row])} has it with {recorded}"
    values = [one for row in rows for one in row.measured]
    if len(values) == 1:
        unit = values[0].number.unit
        return f"{called(rows)} has {values[0].number.value}{f' {unit.key}' if unit else ''}"
    return f"{called(rows)} has no such number"
