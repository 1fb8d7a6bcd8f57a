"""Events of a chart by which a question tells a time: "when metformin was started", "at age 60"."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any, Literal

from agent.models.offline.concepts import Kind, Lexicon, read_table
from agent.models.offline.dates import ago, duration, number, point
from agent.models.offline.slots import Anchor, Happening, Mention
from agent.models.offline.spans import first_day
from agent.models.offline.windows import CLOSELY
from agent.models.offline.words import Stems, stem

Which = Literal["first", "last"] | None
_NEAR = frozenset({"around", "about", "near", "circa", "approximately", "roughly", "approx"})
# What the name in each event must be of.
_KINDS: dict[str, Kind] = {"start": "drug", "stop": "drug", "diagnosis": "problem", "procedure": "procedure"}
# What a name alone says happened: the drug began, the procedure was done, the problem was found.
_HAPPENED: tuple[tuple[Kind, Happening], ...] = (
    ("drug", "start"),
    ("procedure", "procedure"),
    ("problem", "diagnosis"),
    ("vaccine", "dose"),
)
# What makes another thing of the name before it: the order, the level, the dose of a drug.
_OTHERWISE = ("dose", "result", "medication", "prescribed", "order", "allergy", "count", "reason", "visit")


@cache
def _phrases(group: str) -> list[tuple[Any, Stems]]:
    """The phrases of one group of the table, each with what it stands for, the longest first."""
    table = read_table("occasions")[group]
    found = [(meaning, tuple(phrase.split())) for meaning, phrases in table.items() for phrase in phrases]
    return sorted(found, key=lambda pair: -len(pair[1]))


@cache
def _words(group: str) -> frozenset[str]:
    return frozenset(read_table("occasions")["words"][group])


def anchor_at(tokens: list[str], at: int, now: date, lexicon: Lexicon) -> tuple[Anchor, int] | None:
    """The event, or the day, that a time is told by from `at` on, and where its words end."""
    return _day(tokens, at, now) or _apart(tokens, at, lexicon) or _event(tokens, at, lexicon)


def _day(tokens: list[str], at: int, now: date) -> tuple[Anchor, int] | None:
    """`6 months ago`, `about a year ago`, `around March 2020`, `two weeks before 2020-03-05`."""
    closely = tokens[at] in CLOSELY and len(tokens) > at + 1 and tokens[at + 1] in _NEAR
    near = 2 if tokens[at : at + 2] == ["as", "of"] else closely + (tokens[at + closely] in _NEAR)
    start = at + near
    past = ago(tokens, start, now)
    if past:
        return Anchor("at", "day", day=past[0].since), past[1]
    span = duration(tokens, start)
    if span and tokens[span[1] : span[1] + 1] in (["before"], ["after"]):
        found = point(tokens, span[1] + 1, now, lead=True)
        if found and len(found[0].since) == 10 and found[0].since == found[0].until:
            day = first_day(found[0].since)
            moved = day - span[0] if tokens[span[1]] == "before" else day + span[0]
            return Anchor("at", "day", day=moved.isoformat()), found[1]
        return None
    found = point(tokens, start, now, lead=True) if near else None
    if found and found[0].since == found[0].until:
        return Anchor("at", "day", day=found[0].since), found[1]
    return None


def _apart(tokens: list[str], at: int, lexicon: Lexicon) -> tuple[Anchor, int] | None:
    """`6 months after starting X`, `within a year of surgery`, `in the 2 weeks before admission`."""
    within = tokens[at] in ("within", "in", "over", "during", "the")
    start = at + within
    start += within and tokens[start : start + 1] == ["the"]
    start += within and tokens[start : start + 1] in (["first"], ["last"])
    span = duration(tokens, start) or (duration(["one", *tokens[start:]], 0) if within else None)
    if span is None:
        return None
    end = span[1] if duration(tokens, start) else start + span[1] - 1
    if end >= len(tokens) or tokens[end] in ("since", "until"):
        return None
    of = within and tokens[end] == "of"
    found = _event([*tokens[:end], "after", *tokens[end + 1 :]] if of else tokens, end, lexicon)
    if found is None or found[0].side not in ("before", "after"):
        return None
    anchor, end = found
    if within:
        return replace(anchor, side="around" if of else anchor.side, within=span[0]), end
    apart = span[0] if anchor.side == "after" else -span[0]
    return replace(anchor, side="at", apart=apart), end


def _event(tokens: list[str], at: int, lexicon: Lexicon) -> tuple[Anchor, int] | None:
    if tokens[at] in ("preop", "preoperatively", "preoperative"):
        return Anchor("before", "procedure"), at + 1
    if tokens[at] in ("postop", "postoperatively", "postoperative"):
        return Anchor("after", "procedure"), at + 1
    onwards = _onwards(tokens, at, lexicon) if tokens[at] == "from" else None
    if onwards:
        return onwards
    at += tokens[at] in CLOSELY
    for side, phrase in _phrases("side"):
        if phrase[-2:] == ("last", "time") and "when" in tokens[:at]:
            continue  # "when was the last time that she was admitted?"
        if tuple(tokens[at : at + len(phrase)]) == phrase:
            found = _Told(tokens, lexicon, phrase).event(at + len(phrase))
            if found and "last" in phrase:
                found = replace(found[0], which="last"), found[1]
            if found and (side != "during" or found[0].event in ("admission", "visit")):
                return replace(found[0], side=side, inclusive="since" in phrase), found[1]
    return None


def _onwards(tokens: list[str], at: int, lexicon: Lexicon) -> tuple[Anchor, int] | None:
    """`from the last admission on`."""
    found = _Told(tokens, lexicon, ("since",)).event(at + 1)
    if found is None or tokens[found[1] : found[1] + 1] not in (["on"], ["onward"], ["onwards"], ["forward"]):
        return None
    return replace(found[0], side="after", inclusive=True), found[1] + 1


class _Told:
    """The event that stands after one leading phrase."""

    def __init__(self, tokens: list[str], lexicon: Lexicon, lead: Stems) -> None:
        self._tokens, self._lexicon = tokens, lexicon
        self._clause = lead[-1] in ("when", "time", "day", "once", "moment")
        # "On insulin" is no time, nor is "at the stroke"; "on admission" and "at diagnosis" are.
        self._bare = lead[-1] not in ("at", "on", "upon", "when", "time", "around", "pre", "post", "as")
        self._at = lead[-1] == "at"
        self._visits = lead[-1] not in ("on", "upon", "when", "time")

    def event(self, at: int) -> tuple[Anchor, int] | None:
        return self._age(at) or self._stated(at) or (None if self._clause else self._nominal(at))

    def _age(self, at: int) -> tuple[Anchor, int] | None:
        """`age 60`, `the age of 60`, `60 years old`, `she was 60`, `he turned 65`, `her 50th birthday`."""
        start = at
        at = self._skip(at, _words("determiners") | _words("subjects"))
        subject = self._tokens[start:at]
        verb = self._word(at) in ("was", "were", "turned", "turning", "turns", "reached", "is", "hit")
        at += verb
        aged = self._word(at) in ("age", "aged")
        at += aged
        at += aged and self._word(at) == "of"
        birthday = re.fullmatch(r"([1-9][0-9]{0,2})(?:st|nd|rd|th)", self._word(at))
        if birthday and self._word(at + 1) == "birthday":
            return Anchor("at", "age", age=int(birthday[1])), at + 2
        years = number(self._word(at))
        if years is None or years > 120 or not self._word(at).isdigit():
            return None
        old = self._tokens[at + 1 : at + 3] in (["years", "old"], ["year", "old"], ["yrs", "old"])
        if not (aged or old or (verb and subject) or self._word(at - 1) == "turning"):
            return None
        return Anchor("at", "age", age=years), at + 1 + 2 * old

    def _stated(self, at: int) -> tuple[Anchor, int] | None:
        """`he was diagnosed with X`, `starting X`, `metformin was started`, `he was admitted`."""
        start = at
        at = self._skip(at, _words("determiners") | _words("subjects"))
        # "When was she started on it" asks when; "when she was" and "after being" tell it.
        said = at if self._clause and at == start else self._skip(at, _words("auxiliaries"))
        which, happened = self._which(said) if said > at else (None, said)
        for event, phrase in self._standing("happened", happened):
            end = happened + len(phrase)
            if (event != "visit" or said > at or "last" in phrase) and not self._ends_otherwise(end):
                return Anchor("at", event, which="last" if event == "visit" else which), end
        for place in (at, said):  # "had" is what was done, or goes before it
            for event, phrase in self._standing("leading", place):
                end = place + len(phrase)
                found = None if event == "procedure" and place == start else self._dose(end)
                found = found or (self._named(event, end) if event != "procedure" or place > start else None)
                if found:
                    return found
        had = self._word(at) in ("had", "got", "received", "was") and self._dose(
            self._skip(at, _words("auxiliaries") | {"received", "given"})
        )
        return had or self._passive(start)

    def _named(self, event: Happening, at: int) -> tuple[Anchor, int] | None:
        mention = self._mention(self._skip(at, _words("determiners")))
        if mention is None or _KINDS[event] not in mention[0].concepts:
            return None
        return Anchor("at", event, mention[0]), mention[1]

    def _passive(self, at: int) -> tuple[Anchor, int] | None:
        """`metformin was started`, `the insulin initiation`, `diabetes was diagnosed`."""
        mention = self._mention(self._skip(at, _words("determiners")))
        if mention is None:
            return None
        verb = self._skip(mention[1], _words("auxiliaries") | {"first"})
        for event, phrase in self._standing("following", verb):
            if _KINDS[event] in mention[0].concepts:
                return Anchor("at", event, mention[0]), verb + len(phrase)
        return None

    def _nominal(self, at: int) -> tuple[Anchor, int] | None:
        """`the last admission`, `the first dose of X`, `surgery`, `the ER visit`, `the insulin`."""
        at = self._skip(at, _words("determiners"))
        dose = self._dose(at)
        if dose:
            return dose
        which, at = self._which(at)
        for event, phrase in self._standing("alone", at):
            if (event != "visit" or self._visits) and not self._ends_otherwise(at + len(phrase)):
                return Anchor("at", event, which=which), at + len(phrase)
        mention = self._mention(at) if self._bare or self._at else None
        if mention is None or self._ends_otherwise(mention[1]):
            return None
        if not self._bare:  # "at the stroke" is no time, "at the colonoscopy" is
            done = "procedure" in mention[0].concepts and not {"drug", "problem"} & mention[0].concepts.keys()
            return (Anchor("at", "procedure", mention[0], which=which), mention[1]) if done else None
        visit = mention[0].concepts.get("visit")
        if visit and visit.name == "IMP":
            return Anchor("at", "admission", which=which), mention[1]
        kinds = mention[0].concepts.keys()
        happened = "visit" if visit else next((event for kind, event in _HAPPENED if kind in kinds), None)
        return (Anchor("at", happened, mention[0], which=which), mention[1]) if happened else None

    def _dose(self, at: int) -> tuple[Anchor, int] | None:
        """`the first dose of X`, `the last covid shot`."""
        at = self._skip(at, _words("determiners"))
        which, at = self._which(at)
        if self._word(at) in _words("doses") and self._word(at + 1) == "of":
            mention, end = self._mention(self._skip(at + 2, _words("determiners"))) or (None, at)
        else:
            mention, end = self._mention(at) or (None, at)
            if mention and self._word(end) in _words("doses"):
                end += 1
            elif mention is None or mention.said.split()[-1] not in _words("doses"):
                return None
        if mention is None or not mention.concepts.keys() & {"drug", "vaccine"}:
            return None
        return Anchor("at", "dose", mention, which=which), end

    def _which(self, at: int) -> tuple[Which, int]:
        if self._word(at) in ("first", "initial"):
            return "first", at + 1
        if self._tokens[at : at + 2] == ["most", "recent"]:
            return "last", at + 2
        last = ("last", "latest", "newest", "previous", "prior")  # the visit before now
        return ("last", at + 1) if self._word(at) in last else (None, at)

    def _ends_otherwise(self, at: int) -> bool:
        """Whether a word follows that makes another thing of the name: the dose, the level, the summary."""
        cue = self._lexicon.cues.get((stem(self._word(at)),))
        return cue in _OTHERWISE or self._word(at) in _words("papers")

    def _mention(self, at: int) -> tuple[Mention, int] | None:
        stems = tuple(stem(token) for token in self._tokens[at : at + self._lexicon.longest])
        for size in range(len(stems), 0, -1):
            concepts = self._lexicon.concepts.get(stems[:size])
            if concepts:
                return Mention(" ".join(self._tokens[at : at + size]), concepts), at + size
        return None

    def _standing(self, group: str, at: int) -> Iterator[tuple[Happening, Stems]]:
        """The phrases of a group that stand there, the longest first, with the events they tell."""
        for event, phrase in _phrases(group):
            if tuple(self._tokens[at : at + len(phrase)]) == phrase:
                yield event, phrase

    def _skip(self, at: int, skipped: frozenset[str]) -> int:
        while self._word(at) in skipped:
            at += 1
        return at

    def _word(self, at: int) -> str:
        return self._tokens[at] if 0 <= at < len(self._tokens) else ""
