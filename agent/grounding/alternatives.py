"""Words that exclude each other (left and right, once and twice a day), told where a record holds another."""

import re
from collections.abc import Iterator

from agent.grounding.clauses import Clause, Finding, denied_at
from agent.grounding.evidence import Evidence, scalars
from agent.grounding.rows import Row

# Of each group a record holds one, or says nothing of it; spellings of one alternative stand together.
_DAILY = r"(?:a|per|each) day|daily"
_GROUPS = [
    [re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.IGNORECASE) for words in group]
    for group in (
        ("left", "right"),
        ("upper", "middle", "lower"),
        ("mild", "moderate", "severe"),
        ("increased|larger|grown", "decreased|smaller", "unchanged|stable"),
        ("inpatient", "ambulatory|outpatient", "emergency", "virtual|telephone", "home"),
        ("never", "former|ex", "current|every day|some days"),
        ("mother", "father", "sister", "brother", "daughter", "son", "aunt", "uncle"),
        (
            rf"once (?:{_DAILY})|every 24 hours|qd",
            rf"(?:twice|(?:two|2) times) (?:{_DAILY})|every 12 hours|bid",
            rf"(?:three|3) times (?:{_DAILY})|every 8 hours|tid",
            rf"(?:four|4) times (?:{_DAILY})|every 6 hours|qid",
        ),
        ("once a week|once weekly|weekly", rf"(?:once|twice) (?:{_DAILY})|daily", "monthly|once a month"),
    )
]
_FIELDS = (
    "performer",
    "author",
    "requester",
    "prescriber",
    "verification",
    "class",
    "criticality",
    "interpretation",
)


def alternatives(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """Each word of the cited clause that its records exclude: they hold another of its group, and the clause
    does not say so; and what a field of another record holds, told of this one."""
    if not clause.cited or clause.denies:
        return
    for group in _GROUPS:
        told = [match for words in group for match in words.finditer(clause.plain)]
        if told:
            yield from _excluded(group, told, clause)
    yield from _of_another(clause, evidence)


def _excluded(group: list[re.Pattern[str]], told: list[re.Match[str]], clause: Clause) -> Iterator[Finding]:
    for match in told:
        rows = clause.about(match.start())
        text = "\n".join(map(_text, rows))
        held = [words for words in group if words.search(text)]
        if held and not any(words.search(clause.plain) for words in held):
            why = "the record says another of these"
            yield Finding(match.start(), match.end(), "status", "contradicted", why, rows)


def _of_another(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """What a field holds in another record only, where these records' own field is not told."""
    folded = clause.plain.casefold()
    for key in _FIELDS:
        own = {str(row.record[key]).casefold() for row in clause.rows if row.record.get(key)}
        if not own or any(value in folded for value in own):
            continue
        text = "\n".join(map(_text, clause.rows)).casefold()
        for value in {str(row.record[key]).casefold() for row in evidence.rows if row.record.get(key)} - own:
            match = re.search(rf"(?<![\w-]){re.escape(value)}(?![\w-])", folded)
            if match and value not in text and not denied_at(clause, match.start()):
                why = f"its {key} is another"
                yield Finding(match.start(), match.end(), "status", "contradicted", why, clause.rows)


def _text(row: Row) -> str:
    return "\n".join(str(one) for one in scalars(row.record))
