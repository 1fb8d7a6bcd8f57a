"""Measured values against a goal, and one told as better or worse than another, or as so many times it."""

import operator
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from agent.grounding.clauses import Clause, Finding, finding
from agent.grounding.evidence import Evidence
from agent.grounding.rows import Row
from agent.grounding.standing import BOUNDS, level_of
from agent.grounding.written import Number, Span, dates_in, numbers_in, stem

_REACHED = r"(?:met|reached|achieved|attained)"
_GOAL = re.compile(
    rf"\b(?:goals?|targets?)\b[^.;]*?\b{_REACHED}\b"
    rf"|\b(?:meets?|reach(?:es)?|achieves?|attains?|{_REACHED})\s+(?:[a-z]+\s+){{0,2}}(?:goal|target)\b"
    r"|\b(?:at|within|on)\s+(?:the |her |his |its )?(?:goal|target)\b",
    re.IGNORECASE,
)
_NOT = re.compile(r"\b(?:not|never|no|nor)\b|n['’]t\b", re.IGNORECASE)
_NOT_JUST_BEFORE = re.compile(r"(?:\b(?:not|never|no)|n['’]t)\W+(?:\w+\W+){0,2}$", re.IGNORECASE)
_COMPARE = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
_BETTER = re.compile(r"\b(?:(?P<up>better)|worse)\b(?P<mid>[^.;,]*?)\bthan\b", re.IGNORECASE)
_HIGHER = re.compile(
    r"\b(?:(?P<up>higher|greater|more|faster|heavier|larger)|lower|less|slower|lighter|smaller)"
    r"(?P<mid>(?:\s+(?:in|on|at|during|now|today)\b(?:[^.;,]|\.\d)*?)?)\s+than\b",
    re.IGNORECASE,
)
_TWICE = re.compile(r"\b(?:twice|double)\s+as\s+(?:high|much|large)\b(?P<mid>[^.;]*?)\bas\b", re.IGNORECASE)
_TURNED = re.compile(
    r"\b(?:(?:(?P<up>improv\w+)|worsen\w+|deteriorat\w+)\b(?! or)(?=[^.;]*\b(?:from|since|to|between|over)\b)"
    r"|(?:get|got|getting|become|becoming)\s+(?:(?P<better>better)|worse)\b(?! than))",
    re.IGNORECASE,
)
_NORMAL_AGAIN = re.compile(r"\b(?:has |have )?(?:normali[sz]ed|(?:returned|back) to normal)\b", re.IGNORECASE)
_LEVEL = r"(low|normal|high|elevated)"
_LEVELS = re.compile(rf"\bfrom\s+{_LEVEL}\s+to\s+{_LEVEL}\b", re.IGNORECASE)
_SHARE = re.compile(r"\s+(?:a |one |two )?(?:half|third|quarter|fifth|twice|double)", re.IGNORECASE)
_PAIR = 2
_TWOFOLD = (1.6, 2.5)
# Where no range is recorded: of what less is better, and of what more is.
_LESS = {
    stem(word)
    for word in ("a1c", "hba1c", "ldl", "triglycerides", "creatinine", "pressure", "pain", "phq-9", "gad-7")
}
_MORE = {stem(word) for word in ("hdl", "egfr", "ejection")}


def valued(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """Each word of a clause that sets cited values beside a goal or each other."""
    cited = evidence.records(clause.sentence or clause.told)
    rows = [row for row in cited if row.size is not None and row.type == "Observation"]
    rows = sorted((row for row in rows if row.date), key=lambda row: row.date)
    if not rows or len({row.code for row in rows}) > 1:
        return
    for match in _GOAL.finditer(clause.plain):
        yield from _at_goal(match, rows[-1], clause, evidence)
    ahead = len(clause.lead) - len(clause.plain)
    for pattern in (_BETTER, _HIGHER, _TWICE):
        for match in pattern.finditer(clause.lead):
            if match.end() > ahead and (sides := _sides(match, clause.lead, rows)):
                stands = _beside(match, *sides)
                if stands is not None:
                    stands = stands != bool(_NOT_JUST_BEFORE.search(clause.lead[: match.start()]))
                    span = Span(max(match.start() - ahead, 0), match.end() - ahead)
                    why = " beside ".join(str(row.size) for row in sides)
                    yield finding(span, "comparison", stands, why, rows)
    for match in _TURNED.finditer(clause.plain):
        better = _better(rows[-1], rows[0])
        if better is not None and not _NOT_JUST_BEFORE.search(clause.plain[: match.start()]):
            stands = better == bool(match["up"] or match["better"])
            why = f"from {rows[0].size} to {rows[-1].size}"
            yield finding(Span(*match.span()), "direction", stands, why, rows)
    for match in _NORMAL_AGAIN.finditer(clause.plain):
        level = level_of(rows[-1])
        if level and not _NOT_JUST_BEFORE.search(clause.plain[: match.start()]):
            yield finding(Span(*match.span()), "direction", level == "normal", f"it is {level}", rows)
    for match in _LEVELS.finditer(clause.plain):
        said = [{"elevated": "high"}.get(level.lower(), level.lower()) for level in match.groups()]
        held = [level_of(rows[0]), level_of(rows[-1])]
        if all(held) and len(rows) > 1:
            why = f"from {held[0]} to {held[1]}"
            yield finding(Span(*match.span()), "direction", said == held, why, rows)


def _at_goal(match: re.Match[str], row: Row, clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """A value told to meet the one bound of the goal that is cited, or told, with it."""
    goals = [one for one in evidence.of(clause.sentence) if one.type == "Goal"]
    numbers = [one.number for goal in goals for one in goal.facts.figures]
    numbers = numbers or [one.number for one in numbers_in(clause.plain)]
    value = Number(row.size or Decimal(0), "", row.measured[0].number.unit if row.measured else None)
    bounds = {(one.op, one.value) for one in numbers if one.op and _alike(one, value)}
    if len(bounds) == 1:
        op, bound = bounds.pop()
        said = clause.plain[max(0, match.start() - 20) : match.end()]
        stands = bool(_COMPARE[op](value.value, bound)) != bool(_NOT.search(said))
        yield finding(
            Span(*match.span()), "comparison", stands, f"{value.value} is told of {op} {bound}", [row]
        )


def _alike(one: Number, other: Number) -> bool:
    return not (one.unit and other.unit) or one.unit.key == other.unit.key


def _sides(match: re.Match[str], text: str, rows: Sequence[Row]) -> tuple[Row, Row] | None:
    """The one value told before "than" and the one after it, each by its date or by itself."""
    before, mid, after = text[: match.start()], match["mid"], text[match.end() :]
    other = None if _SHARE.match(after) else _told(after, rows, last=False)
    mine = _told(mid, rows, last=True) or _told(before, rows, last=True)
    mine = mine or (rows[-1] if len(rows) == _PAIR else None)
    return (mine, other) if mine and other and mine is not other else None


def _told(text: str, rows: Sequence[Row], *, last: bool) -> Row | None:
    found = [
        (dated.start, row)
        for dated in dates_in(text)
        for row in rows
        if any(reading.stands_in(day) for reading in dated.readings for day, _ in row.facts.days)
    ]
    found = found or [
        (one.start, row) for one in numbers_in(text) for row in rows if row.size == one.number.value
    ]
    at = (max if last else min)((start for start, _ in found), default=None)
    meant = [row for start, row in found if start == at]
    return meant[0] if len(meant) == 1 else None


def _beside(match: re.Match[str], mine: Row, other: Row) -> bool | None:
    one, two = _sizes(mine, other)
    if match.re is _BETTER:
        better = _better(mine, other)
        return None if better is None else better == bool(match["up"])
    if match.re is _TWICE:
        return bool(two) and _TWOFOLD[0] <= float(one / two) <= _TWOFOLD[1]
    return one > two if match["up"] else one < two


def _sizes(*rows: Row) -> list[Decimal]:
    return [row.size for row in rows if row.size is not None]


def _better(mine: Row, other: Row) -> bool | None:
    """Whether a value is better than another: nearer to its range, or else as less or more of it is; None
    where nobody can say."""
    one, two = _sizes(mine, other)
    away = [_away(row) for row in (mine, other)]
    if away[0] is not None and away[1] is not None:
        return away[0] < away[1] if away[0] != away[1] else None
    less, more = bool(mine.all_names & _LESS), bool(mine.all_names & _MORE)
    return (one < two) == less if less != more and one != two else None


def _away(row: Row) -> Decimal | None:
    """How far a value lies outside of its range; None without one."""
    bounds = BOUNDS.search(str(row.record.get("range") or "").split(";")[0])
    if not bounds:
        return None
    (value,) = _sizes(row)
    if bounds["op"]:
        past = value - Decimal(bounds["limit"])
        return max(past if bounds["op"].startswith("<") else -past, Decimal(0))
    return max(Decimal(bounds["low"]) - value, value - Decimal(bounds["high"]), Decimal(0))
