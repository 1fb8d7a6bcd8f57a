"""How large a part of its records a clause tells something of: all, most, half, none, two of the three."""

import re
from collections.abc import Iterator, Sequence

from agent.grounding.clauses import Clause, Finding, finding, stems_in
from agent.grounding.counts import levels_told
from agent.grounding.evidence import Evidence
from agent.grounding.rows import Row, coded
from agent.grounding.standing import level_of, states_told
from agent.grounding.vocabulary import GENERIC_STEMS, KIND_STEMS, is_common, types_called
from agent.grounding.written import SPELLED, Span, stem, words_in

# From which part to which one a word may be said.
_PARTS = {
    "all": (1.0, 1.0),
    "both": (1.0, 1.0),
    "each": (1.0, 1.0),
    "none": (0.0, 0.0),
    "neither": (0.0, 0.0),
    "most": (0.501, 1.0),
    "half": (0.45, 0.55),
    "a third": (0.28, 0.39),
    "one third": (0.28, 0.39),
    "two thirds": (0.61, 0.72),
    "a quarter": (0.2, 0.3),
    "three quarters": (0.7, 0.8),
}
_WORDS = ["one", *SPELLED.split("|")]
_NUMBER = rf"\d+|one|{SPELLED}"
_OF = r"(?:the|her|his|their|these|those|all)\s+"
_SOME = (
    r"(?:the|her|his|their|these|those|last|first|latest|most|newest|oldest|previous|earlier|later|other|others"
    r"|remaining|following|above)\b"
)
_SHARE = re.compile(
    rf"(?P<hedge>\b(?:almost|nearly|about|around|over|least|than|not)\s+)?"
    rf"\b(?:(?P<part>{'|'.join(_PARTS)}|{_NUMBER})\s+of\s+(?:{_OF})?|(?P<every>all|both)\s+(?:the\s+)?)"
    rf"(?:(?P<whole>{_NUMBER})\s+)?(?P<what>(?!{_SOME})[a-z][a-z0-9 -]{{2,60}}?)"
    r"\s+(?:is|are|was|were|had|have been|has been|showed?)\s+(?P<said>[^.;:()\[,]+)",
    re.IGNORECASE,
)
_MEASURED = stems_in(
    "value values result results reading readings measurement measurements test tests level levels"
)
_TURNED = re.compile(r"\b(?:not|no|never|or|and|but|than|least|most|only)\b|n['’]t\b", re.IGNORECASE)
_FIELDS = ("class", "outcome", "conclusion", "category", "priority", "criticality")


def shares(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """Each part that is told of the records of a kind, held against all of them."""
    for match in _SHARE.finditer(clause.undated):
        rows = _base(match, clause, evidence)
        if match["hedge"] or len(rows) < _FEW or _TURNED.search(match["said"]):
            continue
        if match["whole"] and _count(match["whole"]) != len(rows):
            continue
        so = _told(match["said"], rows)
        if so is None:
            continue
        low, high = _PARTS.get(str(match["part"] or match["every"]).lower(), (0.0, 0.0))
        if match["part"] and match["part"].lower() not in _PARTS:
            low = high = _count(match["part"]) / len(rows)
        stands = low - _EPSILON <= len(so) / len(rows) <= high + _EPSILON
        why = f"it is {len(so)} of {len(rows)}"
        yield finding(Span(match.start(), match.end("what")), "count", stands, why, rows)


_FEW = 2
_EPSILON = 1e-6


def _count(word: str) -> int:
    return int(word) if word.isdigit() else _WORDS.index(word.lower()) + 1


def _base(match: re.Match[str], clause: Clause, evidence: Evidence) -> list[Row]:
    """All records that are meant: of the kind that is named, or of what was measured; none where it is not
    known that these are all, or which are meant."""
    words = stems_in(match["what"])
    types, states = types_called(words), states_told(match["what"])
    if words & _MEASURED:
        codes = {row.code for row in clause.rows if row.type == "Observation"}
        rows = [row for row in evidence.of_type("Observation") if row.code in codes and "value" in row.record]
        rows = rows if len(codes) == 1 else []
    elif types:
        rows = [row for kind in sorted(types) for row in evidence.of_type(kind)]
    else:
        rows = [row for row in evidence.rows if row.refs and row.head & words]
    rows = list({row.refs: row for row in rows if not row.facts.states & _VOID}.values())
    known = KIND_STEMS | GENERIC_STEMS | _MEASURED
    known |= set.intersection(*(row.head for row in rows)) if rows else set()
    others = [word for _, word in words_in(match["what"]) if stem(word) not in known and not is_common(word)]
    if any(not states_told(word) for word in others) or len({row.type for row in rows}) != 1:
        return []
    if not all(source.complete for source in evidence.sources_of(rows)):
        return []
    return [row for row in rows if not states or row.facts.states & states]


_VOID = {"entered-in-error"}


def _told(said: str, rows: Sequence[Row]) -> list[Row] | None:
    """The rows of which it is so; None where nobody can say of each."""
    if levels := levels_told(said):
        held = [level_of(row) for row in rows]
        if all(held):
            return [row for row, level in zip(rows, held, strict=True) if level in levels]
    if (states := states_told(said)) and all(row.facts.states for row in rows):
        if any(row.facts.states & states for row in rows):
            return [row for row in rows if row.facts.states & states]
        return None
    words = stems_in(said)
    for field in _FIELDS:
        values = [stems_in(coded(row.record.get(field))) for row in rows]
        telling = {word for word in words & set().union(*values) if word not in GENERIC_STEMS | KIND_STEMS}
        if all(values) and telling:
            return [row for row, value in zip(rows, values, strict=True) if telling & value]
    return None
