"""Words that exclude each other (left and right, normal and abnormal), told where a record holds another."""

import re
from collections.abc import Iterator
from importlib.resources import files

from agent.grounding.clauses import Clause, Finding, denied_at
from agent.grounding.evidence import Evidence
from agent.grounding.polarity import denials_in, within
from agent.grounding.rows import coded
from agent.grounding.vocabulary import KIND_STEMS
from agent.grounding.written import stem


def _whole(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.IGNORECASE)


# Of each group (a line) a record holds one, or says nothing of it; spellings of one stand together.
_GROUPS = [
    (_whole(line.replace(", ", "|")), [_whole(words) for words in line.split(", ")])
    for line in files("agent.grounding").joinpath("alternatives.txt").read_text("utf-8").splitlines()
]
# Fields whose values R4 (or its examples) closes: another of them is told of the record only by mistake.
_VALUES = {
    "achievement": {
        "in progress",
        "improving",
        "worsening",
        "no change",
        "achieved",
        "sustaining",
        "not achieved",
    },
    "priority": {"routine", "urgent", "asap", "stat"},
    "verification": {"confirmed", "unconfirmed", "provisional", "differential", "refuted", "presumed"},
}
# What names a record, or stands for it, is held by others.
_NAMES = {"ref", "refs", "name", "code", "date", "unit", "display", "title", "section", "status"}

# "Before the pneumonia admission", "four months after the pneumonia": told of another record.
_AFTER_ANOTHER = re.compile(
    r"(?:\b(?:days?|weeks?|months?|years?|visit|one|stay) (?:after|before)|\bbefore) the $"
)


def alternatives(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """Each word of the cited clause that its records exclude: they hold another of its group, and the clause
    does not say so; and what a field of another record holds, told of this one."""
    if not clause.cited:
        return
    denied = list(denials_in(clause.plain))
    for any_of, group in _GROUPS:
        if not any_of.search(clause.plain):
            continue
        matches = (match for words in group for match in words.finditer(clause.plain))
        told = [match for match in matches if not within(match.start(), denied)]
        if told:
            yield from _excluded(group, told, clause)
    if not clause.denies:
        yield from _of_another(clause, evidence)


def _excluded(group: list[re.Pattern[str]], told: list[re.Match[str]], clause: Clause) -> Iterator[Finding]:
    for match in told:
        rows = clause.about(match.start())
        held = [words for words in group if any(words.search(row.text) for row in rows)]
        if held and not any(words.search(clause.plain) for words in held):
            why = "the record says another of these"
            yield Finding(match.start(), match.end(), "status", "contradicted", why, rows)


def _of_another(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """What a short field holds in another record only, or what else it may hold, where these records' own
    value is not told."""
    folded = clause.plain.casefold()
    own_text = "\n".join(row.text for row in clause.rows).casefold()
    for key in {key for row in clause.rows for key in row.record} - _NAMES:
        own = {value for row in clause.rows if (value := coded(row.record.get(key)))}
        if not own or any(_stands(value, folded) for value in own):
            continue
        for value in (evidence.coded[key] | _VALUES.get(key, set())) - own:
            match = None if stem(value) in KIND_STEMS else _stands(value, folded)
            if match and _AFTER_ANOTHER.search(folded[: match.start()]):
                continue
            if match and not _stands(value, own_text) and not denied_at(clause, match.start()):
                why = f"its {key} is another"
                yield Finding(match.start(), match.end(), "status", "contradicted", why, clause.rows)


def _stands(value: str, text: str) -> re.Match[str] | None:
    return re.search(rf"(?<![\w-]){re.escape(value)}(?![\w-])", text)
