"""How a sentence means what it mentions: denied, of the family, only possible, or past.

Rules over trigger words (mentions.toml), after NegEx and ConText, for notes in English. Where they see
nothing, nothing is claimed, and the sentence speaks for itself.
"""

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple

Span = tuple[int, int]
Meaning = Literal["negated", "family", "hypothetical", "historical"]
MEANINGS: tuple[Meaning, ...] = ("negated", "family", "hypothetical", "historical")

_HEADINGS = {
    "family": re.compile(r"\bfamily (history|hx)\b|^(fhx?|family)$", re.IGNORECASE),
    "negated": re.compile(r"\b(denies|denied|negatives|negative for)\b", re.IGNORECASE),
    "hypothetical": re.compile(r"\bdifferential\b|\bprecautions\b", re.IGNORECASE),
}
_LISTED = re.compile(r"\s*(?:[-*•·]|\d{1,2}[.)])\s")
# Of a sentence with more mentions, these many are looked at: hostile notes hold hundreds.
_MENTIONS = 20
_A_FEW_WORDS = r"(?:[^\s,;:.]+\s+){0,4}?"


class _Rules(NamedTuple):
    """The triggers of one meaning; in some, the trigger itself is the last group."""

    before: re.Pattern[str]
    shortly_before: re.Pattern[str]
    after: re.Pattern[str]
    no_trigger: re.Pattern[str]


def meanings(sentence: str, mentions: list[Span], heading: str | None) -> dict[str, bool | str]:
    """The meanings that hold for the mentions at these offsets: True, or "in part" for some of them."""
    found: dict[str, bool | str] = {}
    for meaning in MEANINGS:
        if _stands_under(meaning, sentence, heading):
            found[meaning] = True
            continue
        unreal = [match.span() for match in _rules()[meaning].no_trigger.finditer(sentence)]
        holds = [_holds(meaning, sentence, mention, unreal) for mention in mentions[:_MENTIONS]]
        if any(holds):
            found[meaning] = (all(holds) and len(mentions) <= _MENTIONS) or "in part"
    return found


def _stands_under(meaning: Meaning, sentence: str, heading: str | None) -> bool:
    """Whether the heading gives its meaning: that of a family history to all below it, others to a list."""
    if heading is None or meaning not in _HEADINGS or not _HEADINGS[meaning].search(heading):
        return False
    return meaning == "family" or heading in sentence or _LISTED.match(sentence) is not None


def _holds(meaning: Meaning, sentence: str, mention: Span, unreal: list[Span]) -> bool:
    rules, ends = _rules()[meaning], _ends()
    start, end = mention

    def real(trigger: Span) -> bool:
        return not any(low < trigger[1] and trigger[0] < high for low, high in unreal)

    before = [found.span() for found in rules.before.finditer(sentence, 0, start)]
    nearest = next(filter(real, reversed(before)), None)
    if nearest and not ends.search(sentence, nearest[1], start):
        return True
    shortly = rules.shortly_before.search(sentence, max(0, start - 80), start)
    if shortly and real(shortly.span(1)) and not ends.search(sentence, shortly.end(1), start):
        return True
    after = rules.after.match(sentence, end)
    return after is not None and real(after.span(after.lastindex or 0))


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("mentions.toml").read_text("utf-8"))


@cache
def _ends() -> re.Pattern[str]:
    # What somebody does not take a medicine for is there all the same.
    return re.compile(rf";|\btaking\b.{{1,60}}\bfor\b|{_any_of(_table()['ends'])}", re.IGNORECASE)


@cache
def _rules() -> dict[Meaning, _Rules]:
    rules: dict[Meaning, _Rules] = {}
    for meaning in MEANINGS:
        table = _table()[meaning]
        before, after = (
            [_any_of(table.get("before", []))],
            [rf"\s+{_A_FEW_WORDS}({_any_of(table['after'])})(?!\s+for\b)"],
        )
        if "kin" in table:
            kin = rf"\b(?:{'|'.join(table['kin'])})\b"
            before.append(rf"{kin}(?:\s+{_A_FEW_WORDS}(?:{'|'.join(table['tells'])})\b|\s*[:(-])")
            after.append(rf"\s+in\s+(?:his|her|their|the|a)\s+(?:\w+\s+)?({kin})")
        if "answers" in table:
            after.append(rf"\s*[:=-]\s*({_any_of(table['answers'])})(?=\s*(?:[,;.)]|$))")
        shortly = _any_of(table.get("shortly_before", []))
        rules[meaning] = _Rules(
            before=re.compile("|".join(before), re.IGNORECASE),
            shortly_before=re.compile(rf"({shortly})[\s-]+{_A_FEW_WORDS}$", re.IGNORECASE),
            after=re.compile("|".join(after), re.IGNORECASE),
            no_trigger=re.compile(_any_of(table["no_trigger"]), re.IGNORECASE),
        )
    return rules


def _any_of(phrases: list[str]) -> str:
    """A pattern for any of the phrases as whole words, the longest first."""
    if not phrases:
        return "(?!)"
    ordered = sorted(phrases, key=len, reverse=True)
    return rf"(?<![\w'])(?:{'|'.join(map(re.escape, ordered))})(?![\w'])"
