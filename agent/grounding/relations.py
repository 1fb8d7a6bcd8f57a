"""How two dated records lie in time: so long apart, on one day, one before the other."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from agent.grounding.clauses import Clause, Finding, finding
from agent.grounding.derived import days_of
from agent.grounding.evidence import Evidence
from agent.grounding.rows import Row
from agent.grounding.written import Span

# "A week after": as a number of days, how few and how many may be told so.
_ABOUT = {"day": (1, 2), "week": (5, 10), "month": (24, 40), "year": (300, 430)}
_ONE = re.compile(
    rf"(?<!half )\b(?:an?|one)\s+(?P<unit>{'|'.join(_ABOUT)})\s+(?:after|before|later|earlier|apart)\b",
    re.IGNORECASE,
)
_DAY = re.compile(
    r"\b(?:on|is) the (?:very |same )?day (?:of|on which|that|when|as|the|she|he|her|his)\b|, the day of\b",
    re.IGNORECASE,
)
# "X [a] came before Y [b]": all that stands between the first citation and the word of order.
_ORDER = re.compile(
    r"\W*(?:(?:that|which)\s+)?(?:came|was|were|is|lay|fell|happened|occurred|began|started|took place)"
    r"(?:\s+(?:made|done|diagnosed|ordered|prescribed|performed|recorded|from|taken))?"
    r"\s+(?:shortly |soon |long |well )?(?:(?P<before>before|prior to|earlier than)|after|later than)\b",
    re.IGNORECASE,
)
_FROM = re.compile(r"\bfrom\b", re.IGNORECASE)
_TO = re.compile(r"[\s,]*(?:up |down |back )?to\b", re.IGNORECASE)
_ARROW = re.compile(r"(\d+(?:\.\d+)?)[^\d→;|]{0,25}(?:→|->|⟶|⇒)\s*(\d+(?:\.\d+)?)")
_ANY = re.compile(r"\b(?:after|before|later|earlier|apart|day|prior|to)\b|→|->|⟶|⇒", re.IGNORECASE)


def relations(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """Each relation of time between the two records that a sentence cites."""
    if not clause.cited or not _ANY.search(clause.plain):
        return
    yield from _arrows(clause)
    pair = [row for row in evidence.records(clause.sentence) if row.date and row.date[:10] <= evidence.today]
    if len(pair) != len(clause.sentence) or len(pair) != _PAIR:
        return
    days = [list(days_of(row)) for row in pair]
    if not all(days):
        return
    for match in _ONE.finditer(clause.plain):
        low, high = _ABOUT[match["unit"].lower()]
        stands = any(low <= abs((one - other).days) <= high for one in days[0] for other in days[1])
        yield _told(match, stands, pair)
    for match in _DAY.finditer(clause.plain):
        yield _told(match, bool(set(days[0]) & set(days[1])), pair)
    if clause.cited == clause.sentence[1:] and len(clause.cited) == 1:
        yield from _one_by_one(clause, pair)


_PAIR = 2


def _told(match: re.Match[str], stands: bool, pair: Sequence[Row]) -> Finding:
    why = f"{pair[0].date[:10]} beside {pair[1].date[:10]}"
    return finding(Span(*match.span()), "direction", stands, why, pair)


def _one_by_one(clause: Clause, pair: Sequence[Row]) -> Iterator[Finding]:
    """Two records, each cited behind what is told of it: the second clause says how they lie."""
    size = min(len(pair[0].date), len(pair[1].date), len("2020-01-01"))
    first, second = (row.date[:size] for row in pair)
    if (match := _ORDER.match(clause.plain)) and first != second:
        yield _told(match, (first < second) == bool(match["before"]), pair)
    ahead = clause.lead[: len(clause.lead) - len(clause.plain)]
    if (match := _TO.match(clause.plain)) and _FROM.search(ahead) and _alike(*pair) and first != second:
        yield _told(match, first < second, pair)


def _alike(one: Row, other: Row) -> bool:
    if one.type == "Observation":
        return one.code == other.code
    return one.type == other.type and bool(one.head & other.head)


def _arrows(clause: Clause) -> Iterator[Finding]:
    """ "92 → 141": the first of these values is the older one."""
    for match in _ARROW.finditer(clause.undated):
        rows = [
            [row for row in clause.rows if row.size == Decimal(said) and row.date] for said in match.groups()
        ]
        if all(rows) and match[1] != match[2]:
            stands = any(one.date[:10] <= two.date[:10] for one in rows[0] for two in rows[1])
            yield _told(match, stands, [rows[0][0], rows[1][0]])
