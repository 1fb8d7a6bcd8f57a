"""Compare an answer with the evidence, and mark what the evidence does not support.

An answer is read clause by clause: the text up to a citation belongs to that citation, so that in
"potassium 4.1 [Observation/k], creatinine 1.2 [Observation/c]" neither number can stand in the other's row.
A clause without a citation is held to the rows that it names, or to all rows when it names none.

Numbers are exact: 139 does not stand for 138.9. One exception: a value with three or more decimals (a
computed mean) may be given correctly rounded, to at least one decimal and two significant digits.
"""

import operator
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, InvalidOperation

from agent.grounding.claims import (
    CITATION,
    REFERENCE,
    Dated,
    Day,
    Number,
    Numbered,
    Span,
    dates_in,
    numbers_in,
    pairs_in,
    stem,
    times_in,
    unit_key,
    words_in,
)
from agent.grounding.clauses import Clause, clauses, denies, stems_in
from agent.grounding.contradictions import contradictions
from agent.grounding.evidence import Evidence, Facts, blank, gather
from agent.grounding.pairing import mispaired, outdated, wrong_way
from agent.grounding.vocabulary import GENERIC, KINDS, is_common, names_a_record
from agent.messages import Grounding, ToolResult

_TURN = re.compile(r";|\b(?:but|however|although|though|except|yet)\b", re.IGNORECASE)
_NO_RECORD = re.compile(
    r"\b(?:no\s+(?:\S+\s+){0,4}?(?:records?|recorded|documented|on file|found|listed|in the chart)"
    r"|not\s+(?:recorded|documented|listed|found|in the chart)|nothing\s+(?:is\s|was\s)?(?:recorded|found))",
    re.IGNORECASE,
)
_LIST_NUMBER = re.compile(r"^[ \t>*#-]*\d{1,3}[.)][ \t]+(?=[*_`]*[^\W\d])", re.MULTILINE)
_BOUND = re.compile(
    r"\b(?P<word>since|after|from|before|until|till|up to|prior to|between|through|by|and|to|around|near)"
    r"\s+(?:the\s+)?$",
    re.I,
)
_LATER = ("since", "after", "from", "between")
_WINDOW = re.compile(r"\b(?:last|past|previous|next|within|first|latest|recent|at age)\s+$", re.IGNORECASE)
_AS_OF = re.compile(r"\b(?:as of|today|now)\W*(?:is\s+)?$", re.IGNORECASE)
_COUNTED = re.compile(
    r"\s+(?!(?:on|in|at|as|and|or|from|to|by|with|was|were|is|are|of\s+\D)\b)[a-z]|\s+of\s+\d", re.I
)
_CLASSED = re.compile(r"\b(?:type|stage|grade|class|phase|category|score)\s+$", re.IGNORECASE)
_COUNTS = re.compile(r"\b(?:number|count|total|times|n)\b[^.\d]{0,40}$", re.IGNORECASE)
_COMPARE = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}


@dataclass(frozen=True)
class GroundingReport:
    """What was checked, the answer with unsupported claims marked, and the citations that stand."""

    grounding: Grounding
    text: str
    citations: tuple[str, ...]


def check(
    text: str,
    citations: Sequence[str],
    results: Sequence[ToolResult],
    question: str,
    now: str,
    *,
    earlier: Sequence[str] = (),
) -> GroundingReport:
    """Check every number, date, time, reference and record name of an answer against the evidence.

    `citations` are the `Type/id` that the answer lists beside its text; `now` (ISO 8601) may be repeated.
    What stands only in the question, or in one `earlier` that it follows on from, may be repeated where the
    answer denies it, or as the bound of a search ("since 2020") or of a comparison that a value satisfies
    ("above 7").
    """
    evidence = gather(results, "\n".join([*earlier, question]), now)
    known = {ref for row in evidence.rows for ref in row.refs}
    checked = 0
    wrong: dict[Span, None] = {}
    subject = _subject(question, evidence)
    own = _LIST_NUMBER.sub(lambda match: " " * len(match.group()), text)
    for note in _repeated(evidence.notes, own):
        checked += 1
        own = blank(own, note.start, note.end)
    for clause, span in clauses(own, evidence):
        subject = _subject(clause.text, evidence) or subject
        for claim, stands in _claims(clause, evidence, subject, known):
            checked += 1
            if not stands:
                wrong[Span(span.start + claim.start, span.start + claim.end)] = None
        for said in [*contradictions(clause, evidence), *mispaired(clause), *outdated(clause, evidence)]:
            checked += 1
            wrong[Span(span.start + said.start, span.start + said.end)] = None
    for said in wrong_way(own):
        checked += 1
        wrong[said] = None
    listed = [ref for citation in citations for ref in REFERENCE.findall(citation) or [citation]]
    inline = [ref for group in CITATION.finditer(own) for ref in REFERENCE.findall(group.group())]
    loose = [ref for ref in dict.fromkeys(listed) if ref not in known and ref not in inline]
    unsupported = [text[span.start : span.end] for span in sorted(wrong, key=lambda span: span.start)]
    return GroundingReport(
        Grounding(
            checked=checked + len([ref for ref in dict.fromkeys(listed) if ref not in inline]),
            unsupported=tuple(dict.fromkeys([*unsupported, *loose])),
        ),
        _marked(text, wrong),
        tuple(ref for ref in dict.fromkeys([*listed, *inline]) if ref in known),
    )


def _repeated(notes: Sequence[str], text: str) -> Iterator[Span]:
    """Where the text repeats a whole note of a result, sentence for sentence: it stands as it is.

    The records that a note names are told of, not cited.
    """
    for note in sorted(set(notes), key=len, reverse=True):
        for match in re.finditer(rf"(?<!\S){re.escape(note)}(?!\S)", text):
            yield Span(match.start(), match.end())
            text = blank(text, match.start(), match.end())


def _marked(text: str, wrong: dict[Span, None]) -> str:
    end = len(text)
    for span in sorted(wrong, key=lambda span: (span.start, -span.end), reverse=True):
        if span.end <= end:
            text = f"{text[: span.start]}⟨unverified: {text[span.start : span.end]}⟩{text[span.end :]}"
            end = span.start
    return text


def _claims(
    clause: Clause, evidence: Evidence, subject: set[str], known: set[str]
) -> Iterator[tuple[Span, bool]]:
    """Each claim of a clause (a span of its text), and whether it stands."""
    text = clause.text
    for match in CITATION.finditer(text):
        for ref in REFERENCE.finditer(text, match.start(), match.end()):
            stands = ref.group() in known and _is_named(evidence.of([ref.group()]), ref.group(), subject)
            yield Span(ref.start(), ref.end()), stands
        text = blank(text, match.start(), match.end())
    denied = _NO_RECORD.search(text)
    if denied:
        yield Span(denied.start(), denied.end()), evidence.succeeded
    quoted = text
    for span in _quotes(text, clause.rows):
        yield span, True
        quoted = blank(quoted, span.start, span.end)
    text = quoted
    for dated in list(dates_in(text)):
        yield dated, _date_stands(dated, text, clause, evidence)
        text = blank(text, dated.start, dated.end)
    for span, time in list(times_in(text)):
        yield span, any(time in row.times for row in clause.rows)
        text = blank(text, span.start, span.end)
    for span, pair in list(pairs_in(text)):
        yield span, any(pair in row.pairs for row in clause.rows)
        text = blank(text, span.start, span.end)
    for numbered in list(numbers_in(text)):
        yield numbered, _number_stands(numbered, text, clause, evidence)
        text = blank(text, numbered.start, numbered.end)
    yield from _word_claims(text, clause, evidence)
    for match in re.finditer(r"(?<![^\W_])(?<![A-Za-z]-)\d[\d.,:/-]*", text):
        if not re.match(r"(?:st|nd|rd|th)\b", text[match.end() :]):
            yield Span(match.start(), match.end()), False  # digits that no reader understands


def _quotes(text: str, rows: Sequence[Facts]) -> Iterator[Span]:
    """Where the text repeats a string of its rows word for word, the longest first."""
    for phrase in sorted({phrase for row in rows for phrase in row.phrases}, key=len, reverse=True):
        words = r"\s+".join(re.escape(word) for word in phrase.split())
        if not words:
            continue
        for match in re.finditer(rf"(?<![\w.,/<>≤≥=-]){words}(?![\w%]|[.,/-]\d)", text, re.IGNORECASE):
            if not re.search(r"[<>≤≥=]\s*$", text[: match.start()]):
                yield Span(match.start(), match.end())
                text = blank(text, match.start(), match.end())


def _word_claims(text: str, clause: Clause, evidence: Evidence) -> Iterator[tuple[Span, bool]]:
    for span, word in words_in(text):
        key = stem(word)
        if is_common(word) or _stands_among(key, evidence.words) or unit_key(word) in evidence.units:
            continue
        if key in evidence.asked.words or key in evidence.sought:
            yield span, clause.denies and denies(_turn_around(clause.text, span))
        elif names_a_record(word):
            yield span, False


def _turn_around(text: str, span: Span) -> str:
    """The part of the clause around a word, cut where the sentence turns ("but", a semicolon)."""
    cuts = [0, *(match.end() for match in _TURN.finditer(text)), len(text)]
    start = max(cut for cut in cuts if cut <= span.start)
    return text[start : min(cut for cut in cuts if cut >= span.end)]


def _stands_among(key: str, words: set[str]) -> bool:
    """Whether a word stands: itself, its hyphenated parts, or, as HbA1c in A1c, one in the other."""
    parts = {stem(part) for part in re.split(r"[-’']", key)}
    return key in words or (len(parts) > 1 and parts <= words) or any(_holds(key, word) for word in words)


def _holds(key: str, word: str) -> bool:
    """Whether one word with a digit is the other with more letters, and no more digits, around it."""
    short, long = sorted((key, word), key=len)
    if len(short) < 3 or short not in long or not re.search(r"\d", short):
        return False
    return not re.search(r"\d", long.replace(short, "", 1))


def _subject(text: str, evidence: Evidence) -> set[str]:
    """What a clause is about: the record names in it, or else the everyday names of kinds of records."""
    stems = stems_in(CITATION.sub(" ", text)) - {stem(word) for word in GENERIC}
    named = {name for name in evidence.names if _stands_among(name, stems)}
    kinds = {stem(word) for words in KINDS.values() for word in words}
    return named or stems_in(CITATION.sub(" ", text)) & kinds


def _is_named(rows: Sequence[Facts], ref: str, subject: set[str]) -> bool:
    if ref.startswith("Patient/"):
        return True
    return any(subject & (row.names | row.kinds) for row in rows)


def _date_stands(dated: Dated, text: str, clause: Clause, evidence: Evidence) -> bool:
    before = text[: dated.start]
    days = [day for row in clause.rows for day in row.days]
    around = [day for facts in _around(clause, evidence) for day in facts.days]
    for reading in dated.readings:
        if any(reading.stands_in(day) for day in days):
            return True
        if any(reading.stands_in(day) for day in [*evidence.now, *around]):
            if not clause.cited or _AS_OF.search(before):
                return True
        if any(reading.stands_in(day) for day in evidence.asked.days):
            bound = _BOUND.search(before)
            if clause.denies or (bound and _satisfied(bound["word"].lower(), reading, days)):
                return True
        if (reading.month, reading.day) == (None, None) and reading.year is not None:
            number = Numbered(dated.start, dated.end, Number(Decimal(reading.year)))
            if _number_stands(number, text, clause, evidence):
                return True
    return False


def _satisfied(word: str, bound: Day, days: Sequence[Day]) -> bool:
    """Whether some date of the clause's rows lies on the right side of a bound (or there is none to lie)."""
    parts = [part for part in (bound.year, bound.month, bound.day) if part is not None]
    known = [[day.year, day.month, day.day][: len(parts)] for day in days]
    dated = [[part for part in day if part is not None] for day in known]
    if not dated or word in ("around", "near"):
        return True
    return any(day >= parts if word in _LATER else day <= parts for day in dated)


def _around(clause: Clause, evidence: Evidence) -> list[Facts]:
    return [row.around for row in clause.rows if row.around] if clause.cited else evidence.around


def _number_stands(claim: Numbered, text: str, clause: Clause, evidence: Evidence) -> bool:
    number, before, after = claim.number, text[: claim.start], text[claim.end :]
    for row in clause.rows:
        if any(_equal(number, other) for other in row.numbers) and _unit_fits(number, row, evidence):
            return True
    is_unit = number.unit in evidence.units or "/" in number.unit or number.unit == "%"
    whole = number.value == number.value.to_integral_value() and not number.op
    if (
        whole
        and not is_unit
        and not _CLASSED.search(before)
        and (_COUNTED.match(after) or _COUNTS.search(before))
    ):
        counts = set().union(*(f.counts for f in [*clause.rows, *_around(clause, evidence)]))
        if int(number.value) in counts | clause.citing:
            return True
    was_asked = any(number.value == asked.value for asked in evidence.asked.numbers)
    if was_asked and (clause.denies or _WINDOW.search(before)):
        return True
    standing = was_asked or any(number.value == other.value for row in clause.rows for other in row.numbers)
    if number.op and standing:
        compare = _COMPARE[number.op]
        return any(compare(value, number.value) for row in clause.rows for value in row.measured)
    return False


def _equal(claim: Number, recorded: Number) -> bool:
    if claim.op != recorded.op:
        return False
    if claim.value == recorded.value:
        return True
    if recorded.places < 3 or not 1 <= claim.places < recorded.places:
        return False
    if len(str(abs(claim.value)).replace(".", "").lstrip("0")) < 2:
        return False
    try:
        roundings = (recorded.value.quantize(claim.value, how) for how in (ROUND_HALF_UP, ROUND_HALF_EVEN))
        return claim.value in roundings
    except InvalidOperation:
        return False


def _unit_fits(number: Number, row: Facts, evidence: Evidence) -> bool:
    """Whether the unit written after a number is the row's; words that are no unit are let be."""
    unit = number.unit
    if not row.units or unit in row.units:
        return True
    if unit != "%" and "/" not in unit and unit not in evidence.units:
        return True
    return any(unit == other.unit for other in row.numbers if _equal(number, other))
