"""What a clause sets side by side: one number above or below another, one event before or after another."""

import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice

from agent.grounding.clauses import Clause, Finding, finding, stems_in
from agent.grounding.derived import dated_iso
from agent.grounding.evidence import Evidence
from agent.grounding.sequences import only_named
from agent.grounding.written import Span, dates_in, numbers_in, pairs_in

_BESIDE = re.compile(
    r"\b(?:(?P<up>above|over|higher than|greater than|more than)|below|under|lower than|less than)"
    r"\s+(?:the|its|her|his|\w+['’]s)\s+(?:[a-z]+\s+){0,4}?(?P<other>\d+(?:\.\d+)?)",
    re.IGNORECASE,
)
_ORDER = re.compile(
    r"\b(?:(?P<before>before|prior to|earlier than|preced(?:ed|es|ing))|after|later than|follow(?:ed|s|ing))"
    r"\s+(?P<what>[^,;:.()]+?)(?=\s+(?:she|he|they|the patient|was|were|had|is|has)\b|[,;:.()]|\s*$)",
    re.IGNORECASE,
)
_THAN = re.compile(r"\b(?:(?P<up>higher|greater|more|above)|lower|less|below)\s+than\b", re.IGNORECASE)
_AGE = re.compile(r"\b(?:(?P<younger>younger|youngest)|older|oldest)\b", re.IGNORECASE)
_APART = re.compile(
    r"\b(?:days?|weeks?|months?|years?)\s+(?:(?P<before>before|prior to|earlier than)|after|later than)\b"
    r"(?P<what>[^,;()]*)",
    re.IGNORECASE,
)
# How many times the first value the last one may be.
_HALF = r"half of (?:that|what it was)|half as (?:high|much)"
_FOLDS = {"doubled": (1.6, 2.5), "tripled": (2.5, 3.5), "quadrupled": (3.5, 4.5), "halved": (0.4, 0.65)}
_FOLD = re.compile(
    rf"\b(?:{'|'.join(_FOLDS)})\b|\b(?:{_HALF})(?=[^.;]*(?P<of>\b(?:in|on|before|as)\b[^.;]*))", re.IGNORECASE
)
_TWO = 2
_NOT = re.compile(r"\b(?:not|never|no)\W+(?:\w+\W+)?$|n['’]t\W+(?:\w+\W+)?$", re.IGNORECASE)


def comparisons(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """Each number that is told as above or below another, and each event told as before or after another."""
    text = clause.undated
    values = {one.number.value for row in clause.rows for one in row.measured}
    values |= {pair[0] for row in clause.rows for pair in row.facts.pairs}
    for match in _BESIDE.finditer(text):
        before = text[: match.start()]
        said = [(span.start, pair[0]) for span, pair in pairs_in(before)]
        said += [(one.start, one.number.value) for one in numbers_in(before)]
        told = [value for _, value in sorted(said) if value in values]
        other = Decimal(match["other"])
        if told and told[-1] != other:
            stands = ((told[-1] > other) == bool(match["up"])) != bool(_NOT.search(before))
            why = f"{told[-1]} beside {other}"
            yield finding(Span(*match.span()), "comparison", stands, why, clause.rows)
    others = (
        (_ORDER, _in_order),
        (_APART, _from_a_day),
        (_THAN, _on_dates),
        (_THAN, _of_names),
        (_AGE, _of_ages),
        (_FOLD, _folded),
    )
    for pattern, held in others:
        for match in pattern.finditer(clause.plain):
            yield from held(match, clause, evidence)


def _on_dates(match: re.Match[str], clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """The value of one date told as above or below that of another, of all that the sentence cites."""
    cited = evidence.of(clause.sentence)
    before = list(dates_in(clause.plain[: match.start()]))
    values = [
        {
            row.measured[0].number.value
            for row in cited
            if row.measured
            and any(day.stands_in(held) for day in dated.readings for held, _ in row.facts.days)
        }
        for dated in (*before[-1:], *islice(dates_in(clause.plain[match.end() :]), 1))
    ]
    if len(values) == 2 and all(len(one) == 1 for one in values):
        mine, other = values[0].pop(), values[1].pop()
        stands = mine > other if match["up"] else mine < other
        if mine != other:
            stands = stands != bool(_NOT.search(clause.plain[: match.start()]))
        yield finding(Span(*match.span()), "comparison", stands, f"{mine} beside {other}", cited)


def _of_names(match: re.Match[str], clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """The one value of one thing told as above or below that of another: "LDL is lower than HDL"."""
    rows = [row for row in evidence.records(clause.cited) if row.measured and row.type == "Observation"]
    after = re.split(r"[,;:(]", clause.plain[match.end() :])[0]
    mine, other = only_named(rows, clause.plain[: match.start()]), only_named(rows, after)
    if len(rows) == _TWO and mine and other and mine.code != other.code:
        one, two = mine.measured[0].number, other.measured[0].number
        if one.unit == two.unit and one.value != two.value:
            stands = (one.value > two.value) == bool(match["up"])
            stands = stands != bool(_NOT.search(clause.plain[: match.start()]))
            yield finding(Span(*match.span()), "comparison", stands, f"{one.value} beside {two.value}", rows)


def _from_a_day(match: re.Match[str], clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """The one record cited told as some days before or after a date."""
    rows = [row for row in clause.rows if row.date]
    told = [dated_iso(day) for one in islice(dates_in(match["what"]), 1) for day in one.readings]
    if len(told) == 1 and told[0] and clause.cited and len({row.refs for row in rows}) == 1:
        mine, other = rows[0].date[:10], told[0]
        if len(mine) == len(other) and mine != other:
            stands = (mine < other) == bool(match["before"])
            yield finding(Span(*match.span()), "direction", stands, f"{mine} beside {other}", rows)


def _folded(match: re.Match[str], clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """The last value that the sentence cites told as so many times the first."""
    cited = [row for row in evidence.records(clause.sentence) if row.measured and row.date]
    values = [row.measured[0].number.value for row in sorted(cited, key=lambda row: row.date)]
    if len(values) > 1 and values[0] and len({row.code for row in cited}) == 1:
        low, high = _FOLDS.get(match.group().lower(), _FOLDS["halved"])
        other = [day for one in dates_in(match["of"] or "") for day in one.readings]
        newest = max(cited, key=lambda row: row.date)
        if any(day.stands_in(held) for day in other for held, _ in newest.facts.days):
            values.reverse()  # "half of that in August", where August is the last
        stands = low <= float(values[-1] / values[0]) <= high
        stands = stands != bool(_NOT.search(clause.plain[: match.start()]))
        yield finding(Span(*match.span()), "comparison", stands, f"{values[0]} to {values[-1]}", cited)


def _of_ages(match: re.Match[str], clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """One of two people that the sentence cites, told as the younger or the older; the first name counts."""
    people = [row for row in evidence.records(clause.sentence) if row.record.get("birth_date")]
    named = stems_in(clause.plain[: match.start()])
    mine = [row for row in people if row.head & named]
    if len(people) == 2 and len(mine) == 2:  # of one family, told apart by what only one is called
        mine = [row for row in mine if (row.head - people[people[0] is row].head) & named]
    if len(people) == 2 and len(mine) == 1:
        born = [str(row.record["birth_date"]) for row in people]
        stands = str(mine[0].record["birth_date"]) == (max(born) if match["younger"] else min(born))
        yield finding(Span(*match.span()), "comparison", stands, "born " + " and ".join(born), people)


def _in_order(match: re.Match[str], clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """Two dated records that the sentence cites, of which one is named after "before" or "after"."""
    rows = [row for row in evidence.records(clause.sentence) if row.date]
    rest = f"{clause.plain[: match.start()]} {clause.plain[match.end() :]}"
    mine, other = only_named(rows, rest), only_named(rows, match["what"])
    if mine and other and mine is not other:
        precise = min(len(mine.date), len(other.date), len("2020-01-01"))
        one, two = mine.date[:precise], other.date[:precise]
        if one != two:
            stands = (one < two) == bool(match["before"])
            yield finding(Span(*match.span()), "direction", stands, f"{one} beside {two}", rows)
