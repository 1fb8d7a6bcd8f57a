"""How many records one year has beside another: the busiest year, more than in 2024, one fewer."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from agent.grounding.clauses import Clause, Finding, finding, stems_in
from agent.grounding.evidence import Evidence
from agent.grounding.rows import Row
from agent.grounding.vocabulary import KIND_STEMS
from agent.grounding.written import SPELLED, Span, numbers_in, stem

_YEAR = r"\b(?:19|20)\d\d\b"
_EXTREME = re.compile(
    rf"\b(?:(?P<up>busiest)|quietest|calmest)\s+year\b[^\d.;]*(?P<year>{_YEAR})", re.IGNORECASE
)
_BESIDE = re.compile(
    rf"(?:\b(?P<n>\d+|one|{SPELLED})\s+)?\b(?:(?P<up>more)|fewer|less|(?P<twice>twice as (?:many|often)))\b"
    rf"(?P<what>[^.;]*?)\b(?:than|as)\b[^.;\d]*(?P<other>{_YEAR})",
    re.IGNORECASE,
)
_COUNTED = KIND_STEMS | {stem(word) for word in ("result", "test", "measurement", "reading", "often", "time")}


def yearly(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """Counts of the cited records by year, one told beside those of another or of all."""
    rows = evidence.of(clause.sentence)
    counts = _by_year(rows, set(clause.sentence))
    for match in _EXTREME.finditer(clause.plain):
        every = _by_year(evidence.of_type(rows[0].type)) if rows else Counter[str]()
        mine = counts[match["year"]]
        if mine and every[match["year"]] == mine:  # all records of that year are told, not some
            beyond = [n for n in every.values() if (n > mine if match["up"] else n < mine)]
            yield finding(Span(*match.span()), "rank", not beyond, f"another year has {beyond[:1]}", rows)
    for match in _BESIDE.finditer(clause.plain):
        said = re.findall(_YEAR, match["what"]) or re.findall(_YEAR, clause.plain[: match.start()])[-1:]
        if not said or not (counts[said[0]] and counts[match["other"]]):
            continue
        if any(row.type == "Observation" for row in rows) and not stems_in(match["what"]) & _COUNTED:
            continue
        mine, other = counts[said[0]], counts[match["other"]]
        if match["twice"]:
            stands = mine == 2 * other
        else:
            n = next((int(one.number.value) for one in numbers_in(match["n"] or "")), None)
            n = 1 if (match["n"] or "").lower() == "one" else n
            apart = mine - other if match["up"] else other - mine
            stands = apart == n if n else apart > 0
        yield finding(Span(*match.span()), "comparison", stands, f"{mine} beside {other}", rows)


def _by_year(rows: Sequence[Row], refs: set[str] | None = None) -> Counter[str]:
    """How many records (of these references) each year has; a row may stand for all of its year."""
    found = {
        ref: row.date[:4] or str(row.record.get("year") or "")
        for row in rows
        for ref in row.refs
        if refs is None or ref in refs
    }
    return Counter(found.values())
