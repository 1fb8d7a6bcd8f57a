"""Dates of a clause: does a row that they are told of bear them, and does a figure stand with its own?"""

import re
from collections.abc import Iterator, Sequence

from agent.grounding.clauses import Clause, Finding, called, denied_at, finding
from agent.grounding.evidence import Evidence
from agent.grounding.rows import Row
from agent.grounding.written import Dated, Day, Number, Numbered, Span, dates_in

_BOUND = re.compile(
    r"\b(?P<word>since|after|from|before|until|till|up to|prior to|between|through|by|and|to"
    r"|or|around|near)\s+(?:the\s+)?$",
    re.IGNORECASE,
)
_LATER = ("since", "after", "from", "between")
_AS_OF = re.compile(r"\b(?:as of|today|now)\W*(?:is\s+)?$", re.IGNORECASE)
_TIED = re.compile(f"{_BOUND.pattern}|{_AS_OF.pattern}", re.IGNORECASE)
# The date at which an age is told belongs to the age, which is worked out at it.
_AGED = re.compile(r"\byears? old (?:on|in)\s+$", re.IGNORECASE)
# "That is at age 60 from 2011-11-16 to 2012-11-15": what the time asked for is, and of no record.
_THAT_IS = re.compile(r"\W*(?:that|this) (?:is|was|means)\b", re.IGNORECASE)
# "In January (1.9 vs 0.9 mg/dL)": which of the two is of that date is not told.
# "The stay of 2026 was after the LDL of 141": the figure is of what comes after the word.
_ASIDE = re.compile(r"\b(?:after|before|than)\s+(?:the|her|his)\b[^,;()]*$", re.IGNORECASE)
_VERSUS = re.compile(r"[^\d,;.]{0,12}\b(?:vs\.?|versus|against|compared (?:to|with))\s+\d", re.IGNORECASE)
_ENDING = re.compile(
    r"\b(?:until|ended|resolved|stopped|discontinued|abated|finished)\W+(?:on|in)?\s*$", re.I
)
_BEGINNING = re.compile(r"\b(?:since|began|begun|onset|diagnosed|started|starting)\W+(?:on|in|at)?\s*$", re.I)
_ENDS = ("end", "abated", "abatementDateTime", "deceased", "deceasedDateTime")


def date(dated: Dated, clause: Clause, evidence: Evidence) -> Finding:
    """Whether a row that the date is told of bears it, or else what was asked for."""
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
    return finding(dated, "date", False, f"{called(rows)} has no such date", rows if clause.cited else ())


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
    sources = evidence.sources_of(clause.rows)
    if _AGED.search(before) and all(row.type == "Patient" for row in clause.rows):
        return True
    if not clause.cited and denied_at(clause, dated.start):
        return True  # "no visit in 2025": whether that is so is for the denial to say
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
            if clause.denies or (bound and _THAT_IS.match(clause.plain) and not clause.cited):
                return True
            if _satisfied(bound["word"].lower() if bound else "in", reading, days):
                return True
        if (reading.month, reading.day) == (None, None) and reading.year is not None:
            figures = [one.number for row in clause.rows for one in row.facts.figures]
            if any(one.value == reading.year and not one.op for one in figures):
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


class Pairing:
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
            if _VERSUS.match(text, span.end) or (near and _ASIDE.search(text[near[0].end : span.start])):
                continue
            if near:
                self._of[span.start] = near[0]

    def mismatch(self, span: Span, held: Sequence[tuple[Row, str]]) -> Iterator[Finding]:
        """The date told with a figure, where no row that holds the figure is of it."""
        dated = self._of.get(span.start)
        if not dated or not held:
            return
        for row, date in held:
            if row.type == "Patient" and isinstance(span, Numbered) and _is_age(span.number, row, dated):
                return
            days = _days(date) if date else [day for day, _ in row.facts.days]
            if not days or any(reading.stands_in(day) for reading in dated.readings for day in days):
                return
        why = f"the value is of {held[0][1][:10] or 'another day'}"
        rows = [row for row, _ in held]
        yield Finding(dated.start, dated.end, "date", "contradicted", why, rows)


def _is_age(number: Number, patient: Row, dated: Dated) -> bool:
    """Whether the number is the patient's age on that day: a patient's row tells the age of today alone."""
    born = next(iter(_days(str(patient.record.get("birth_date") or ""))), Day())
    on = dated.readings[0]
    if not (born.year and born.month and born.day and on.year and on.month and on.day):
        return False
    return number.value == on.year - born.year - ((on.month, on.day) < (born.month, born.day))
