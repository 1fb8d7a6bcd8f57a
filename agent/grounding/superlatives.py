"""Which record is the oldest or the newest of all of its kind, and which stay the longer."""

import re
from collections.abc import Iterator
from datetime import datetime

from agent.grounding.clauses import Clause, Finding, finding, stems_in
from agent.grounding.evidence import Evidence
from agent.grounding.naming import NAMING, single_names
from agent.grounding.rows import Row
from agent.grounding.sequences import only_named
from agent.grounding.standing import holds, states_told
from agent.grounding.vocabulary import KIND_STEMS, types_called
from agent.grounding.written import Span

_FIRST = r"(?P<first>oldest|earliest|longest[- ](?:standing|running|lasting))"
_LAST = r"(?P<last>newest|latest|most recent(?:ly \w+)?)"
_ITS = r"(?:her|his|their|the|these|all|all her|all his|all the)\s+"
_STATE = r"(?:(?:active|current|ongoing|recorded|documented|known|listed|resolved|past)\s+)?"
_KIND = rf"(?P<kind>(?:{'|'.join(sorted(KIND_STEMS))})\w{{0,4}})"
# "The oldest of her active problems", "her longest-standing problem"; "of her problems, this is the oldest".
_OF_KIND = re.compile(
    rf"\b(?:{_FIRST}|{_LAST})\s+(?:of\s+{_ITS})?{_STATE}{_KIND}\b"
    r"(?!\s+(?:since|in|from|before|after|for|with|at|by|on)\b)",
    re.IGNORECASE,
)
_AHEAD = re.compile(rf"\b(?:of|among)\s+{_ITS}{_STATE}{_KIND},.*?\b(?:{_FIRST}|{_LAST})\b", re.IGNORECASE)
_STAY = r"(?:stay|admission|hospitali[sz]ation|visit|encounter)"
_LENGTH = re.compile(
    rf"\b(?:(?P<up>longest)|shortest)(?:\s+[a-z]+)?\s+{_STAY}(?:\s+(?:is|was)\b|\s*[:,(])"
    r"|\b(?:(?P<longer>longer)|shorter)\s+of\s+the\s+two\b",
    re.IGNORECASE,
)
_LONGER = re.compile(
    r"\b(?:(?P<up>longer)\s+than|(?P<down>shorter)\s+than|(?P<twice>twice)\s+as\s+long\s+as)\b", re.IGNORECASE
)
_NOT = re.compile(r"(?:\bnot|n['’]t)\W+(?:\w+\W+)?$", re.IGNORECASE)
_TWICE = (1.6, 2.5)
_TWO = 2


def superlatives(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """The one cited record told as the first or last of its kind, or as the longest or longer one."""
    told = [row for row in clause.rows if row.refs] if clause.cited else []
    if len({row.refs for row in told}) == 1:
        for pattern in (_OF_KIND, _AHEAD):
            for match in pattern.finditer(clause.plain):
                yield from _of_kind(match, told[0], clause, evidence)
        for match in _LENGTH.finditer(clause.plain):
            yield from _longest(match, told[0], evidence)
    for match in _LONGER.finditer(clause.plain):
        yield from _longer(match, clause, evidence)


def _of_kind(match: re.Match[str], told: Row, clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    if told.type not in types_called(stems_in(match["kind"])) or told.type == "Encounter" or not told.date:
        return
    if evidence.question.days or evidence.question.words & single_names(*NAMING):
        return  # the first or last of those that were asked for
    states = states_told(f"{clause.lead} {evidence.question_text}")
    alike = [row for row in evidence.of_type(told.type) if row.date and row.date[:10] <= evidence.today]
    if states:
        alike = [row for row in alike if row.facts.states & states and (holds(row) or not holds(told))]
    for row in alike:
        size = min(len(row.date), len(told.date), len("2020-01-01"))
        mine, other = told.date[:size], row.date[:size]
        if (other < mine if match["first"] else other > mine) and not row.facts.states & _NOT_SO:
            why = f"{row.refs[0]} is {'older' if match['first'] else 'newer'}"
            yield Finding(*match.span(), "rank", "contradicted", why, [told, row])
            return


_NOT_SO = {"entered-in-error", "refuted", "not-done", "cancelled", "planned", "draft", "proposal", "plan"}


def _longest(match: re.Match[str], told: Row, evidence: Evidence) -> Iterator[Finding]:
    mine = _length(told)
    for row in evidence.of_type(told.type):
        other = _length(row)
        if mine is not None and other is not None and row.record.get("class") == told.record.get("class"):
            up = match["up"] or match["longer"]
            if other > mine if up else other < mine:
                why = f"{row.refs[0]} is {'longer' if up else 'shorter'}"
                yield Finding(*match.span(), "rank", "contradicted", why, [told, row])
                return


def _longer(match: re.Match[str], clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """Two stays that the sentence cites, each named on its side of "longer than"."""
    rows = [row for row in evidence.records(clause.sentence) if _length(row) is not None]
    named = [only_named(rows, text) for text in (clause.plain[: match.start()], clause.plain[match.end() :])]
    behind = clause.cited == clause.sentence[1:] and not re.search(r"[,;]", clause.plain[: match.start()])
    if behind and len(rows) == len(clause.sentence) == _TWO:  # each is cited behind what is told of it
        named = list(rows)
    if len(rows) > 1 and named[0] and named[1] and named[0] is not named[1]:
        mine, other = (_length(row) or 0.0 for row in named if row)
        low, high = _TWICE
        if match["twice"]:
            stands = bool(other) and low <= mine / other <= high
        else:
            stands = mine > other if match["up"] else mine < other
        if _NOT.search(clause.plain[: match.start()]):
            stands = not stands
        why = f"{named[0].refs[0]} is not"
        yield finding(Span(*match.span()), "comparison", stands, why, rows)


def _length(row: Row) -> float | None:
    """The seconds from the beginning of a visit to its end."""
    if row.type != "Encounter":
        return None
    try:
        begun, ended = (datetime.fromisoformat(str(row.record.get(key))) for key in ("date", "end"))
        return (ended - begun).total_seconds()
    except (ValueError, TypeError):
        return None
