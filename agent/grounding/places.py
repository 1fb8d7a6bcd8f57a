"""The place of a record among those of its kind: the second, the one before, the first abnormal one, the
value of now."""

import re
from collections.abc import Iterator, Sequence

from agent.grounding.clauses import Clause, Finding, finding, stems_in
from agent.grounding.counts import levels_told
from agent.grounding.courses import peers
from agent.grounding.evidence import Evidence
from agent.grounding.rows import Row
from agent.grounding.standing import level_of
from agent.grounding.written import SPELLED, Span

_NTH = {"second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "fifth": 5, "5th": 5}
_ORDINAL = rf"(?P<nth>{'|'.join(_NTH)})"
_FROM_LAST = re.compile(
    rf"\b{_ORDINAL}[- ](?:most recent|newest|latest|last|to last)\b"
    r"|\b(?:value|one|result|reading|measurement) (?:just |right )?before the (?:latest|last|newest)\b"
    r"|\b(?P<of_two>earlier|older) of the (?:last|latest|most recent) two\b",
    re.IGNORECASE,
)
_FROM_FIRST = re.compile(
    rf"\b{_ORDINAL}\s+(?:of\s+(?:the|her|his|these|those)\s+(?P<whole>\d+|{SPELLED})\b"
    r"|(?P<what>[a-z]+)\s+(?:was|is|took|dates)\b)",
    re.IGNORECASE,
)
_THE_ONE_BEFORE = re.compile(
    r"^\W*(?:the (?:one|value|result|reading|measurement|visit)|that) (?:just |right )?before(?: that| it)?"
    r" (?:was|is|dates)\b",
    re.IGNORECASE,
)
_FIRST_SUCH = re.compile(
    r"\b(?P<which>first|earliest|last|latest|most recent) (?P<level>abnormal|high|elevated|low|normal) "
    r"(?:value|result|reading|measurement|one|level)\b",
    re.IGNORECASE,
)
_NOW = re.compile(
    r"(?<!by )(?<!until )(?<!till )\b(?:currently|now(?! that|,)|at present|presently|as of (?:today|now)"
    r"|(?:the|her|his) current)\b",
    re.IGNORECASE,
)
_WORDS = ["one", *SPELLED.split("|")]
_NOT_NOW = {"entered-in-error", "cancelled"}


def places(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """Each word for the place of the one record that is cited."""
    told = [row for row in clause.rows if row.refs and row.date] if clause.cited else []
    if len({row.refs for row in told}) != 1 or evidence.question.days:
        return
    one = told[0]
    patterns = (
        (_FROM_LAST, _from_last),
        (_FROM_FIRST, _from_first),
        (_FIRST_SUCH, _first_such),
        (_NOW, _now),
    )
    for pattern, day in patterns:
        for match in pattern.finditer(clause.bare):
            meant = day(match, one, clause, evidence)
            if meant:
                yield _found(match, one, meant)
    last = _THE_ONE_BEFORE.match(clause.plain)
    if last and (meant := _before(one, clause, evidence)):
        yield _found(last, one, meant)


def _found(match: re.Match[str], told: Row, meant: Row) -> Finding:
    why = f"{meant.refs[0] if meant.refs else 'another'} is"
    return finding(Span(*match.span()), "rank", told.date[:10] == meant.date[:10], why, [told, meant])


def _line(told: Row, clause: Clause, evidence: Evidence) -> list[Row]:
    """The records among which it has its place, oldest first; one a day, none of a day that is not known."""
    rows = {row.date[:10]: row for row in peers(told, clause, evidence)}
    return [rows[day] for day in sorted(rows)] if all(len(day) == len("2020-01-01") for day in rows) else []


def _whole(rows: Sequence[Row], evidence: Evidence) -> bool:
    return all(source.complete for source in evidence.sources_of(rows))


def _from_last(match: re.Match[str], told: Row, clause: Clause, evidence: Evidence) -> Row | None:
    line = _line(told, clause, evidence)
    nth = _NTH[match["nth"].lower()] if match["nth"] else 2
    return line[-nth] if len(line) >= nth else None


def _from_first(match: re.Match[str], told: Row, clause: Clause, evidence: Evidence) -> Row | None:
    line, nth = _line(told, clause, evidence), _NTH[match["nth"].lower()]
    if match["what"] and not stems_in(match["what"]) & told.head:
        return None
    if match["whole"]:
        whole = match["whole"].lower()
        if len(line) != (int(whole) if whole.isdigit() else _WORDS.index(whole) + 1):
            return None
    return line[nth - 1] if len(line) >= nth and _whole(line, evidence) else None


def _first_such(match: re.Match[str], told: Row, clause: Clause, evidence: Evidence) -> Row | None:
    line = _line(told, clause, evidence)
    held = [level_of(row) for row in line]
    said = match["level"].lower()
    levels = {"high", "low"} if said == "abnormal" else levels_told(said)
    alike = [row for row, level in zip(line, held, strict=True) if level in levels]
    if not alike or not all(held):
        return None
    if match["which"].lower() in ("first", "earliest"):
        return alike[0] if _whole(line, evidence) else None
    return alike[-1]


def _now(match: re.Match[str], told: Row, clause: Clause, evidence: Evidence) -> Row | None:
    """The newest value, where one is told as that of now, unless the sentence cites it too."""
    if told.type != "Observation" or told.size is None:
        return None
    line = [row for row in _line(told, clause, evidence) if not row.facts.states & _NOT_NOW]
    return line[-1] if line and line[-1] not in evidence.of(clause.sentence) else None


def _before(told: Row, clause: Clause, evidence: Evidence) -> Row | None:
    """The record before the one that was cited last, where both are of one line."""
    last = [row for ref in clause.told for row in evidence.of([ref]) if ref not in clause.cited][-1:]
    line = _line(told, clause, evidence)
    at = next((at for at, row in enumerate(line) if last and row.date[:10] == last[0].date[:10]), 0)
    alike = last and (
        last[0].code == told.code if told.type == "Observation" else last[0].label == told.label
    )
    return line[at - 1] if at and alike else None
