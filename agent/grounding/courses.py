"""Values in time: which way they went, and which one is the last, the first, the highest, the lowest."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from agent.grounding.clauses import Clause, Finding, stems_in, undated
from agent.grounding.evidence import Evidence
from agent.grounding.rows import Figure, Row, without_names
from agent.grounding.standing import OVER, ended, holds
from agent.grounding.vocabulary import GENERIC_STEMS, KIND_STEMS, is_common
from agent.grounding.written import SPELLED, Span, numbers_in
from agent.messages import Verdict

_UP = (
    r"r[io]s(?:e|es|en|ing)|increas(?:e|es|ed|ing)|climb(?:s|ed|ing)?|(?:went|gone|going|trending"
    r"|trended|crept) (?:up|higher)|upward|up from|worsened upward"
    r"|gain(?:s|ed|ing)?|gr[eo]w(?:s|n|ing)?|on the rise|jump(?:s|ed|ing)?"
)
_DOWN = (
    r"f[ae]ll(?:s|en|ing)?|decreas(?:e|es|ed|ing)|dropp(?:ed|ing)|drops|declin(?:e|es|ed|ing)"
    r"|(?:went|gone|going|trending|trended|come|came|coming) (?:down|lower)|downward|down from"
    r"|lost|los(?:es|ing)|weight loss|loss of (?=\d)|s[aiu]nk(?:s|ing)?|shr[aiu]nk(?:s|ing)?|eas(?:es|ed|ing)"
    r"|on the decline|slipp(?:ed|ing)|cut (?:by|in)"
)
# A step told after a comma, a bracket or a verb.
_BY = r"(?:(?<=[,;:–] )|(?<=\()|(?<=is )|(?<=was )){}(?=\s+(?:by\s+)?(?:about\s+)?\d)"
_STILL = r"unchanged|(?:the )?same|(?:did not|has not|hasn['’]t|didn['’]t|hardly|barely) changed?"
_FLAT = rf"{_STILL}|steady(?! (?:rise|increase|climb|fall|drop|decline|decrease))|stable|flat"
_WAY = re.compile(
    rf"\b(?:(?P<up>{_UP}|{_BY.format('up')})|(?P<down>{_DOWN}|{_BY.format('down')})|(?P<flat>{_FLAT}))\b",
    re.IGNORECASE,
)
_THAN = re.compile(
    r"\b(?:(?P<up>higher|greater|more)|(?P<down>lower|less))\s+(?:now\s+)?than\s+(?:before"
    r"|(?:at |in |on )?(?:the |her |his )?(?:previous|prior|last|earlier|one before)"
    rf"|(?:an?|one|{SPELLED}|\d+) (?:year|month|week|day)s? (?:before|ago|earlier))",
    re.IGNORECASE,
)
_NOT = re.compile(r"(?:\b(?:not|no|never|without)\b|n['’]t)\W+(?:\w+\W+)?$", re.IGNORECASE)
_PART = re.compile(r"\b(?:while|whereas|and|but)\b|[,;]", re.IGNORECASE)
_STEPS = 3
_ONWARD = re.compile(r"\s+(?:\w+\s+){0,2}?from\b", re.IGNORECASE)
_UP_TO = re.compile(r"\s+(?:\w+\s+){0,2}?to\b", re.IGNORECASE)
_THEN = re.compile(r"\s+(?:again|after that|thereafter|afterwards|since then)\b", re.IGNORECASE)
_FROM_TO = re.compile(r"\s*(?:[^.;\n]|\.\d){0,60}?\bfrom\b(?P<x>.*?)\bto\b(?P<y>.*)", re.DOTALL)
_STEADY, _SAME = Decimal("0.15"), Decimal("0.08")
_RANK = re.compile(
    r"(?<![/\w])(?:(?P<last>last|latest|newest(?! first)|most recent(?:ly)?)"
    r"|(?P<first>(?<!newest )(?<!oldest )(?<!latest )first|earliest|initial|oldest)"
    r"|(?P<max>highest|heaviest|maximum|max|peak(?:ed)?|greatest)|(?P<min>lowest|lightest|minimum|min|nadir|smallest)"
    r"|(?P<mean>average|mean)|(?P<median>median))\b",
    re.IGNORECASE,
)
_OF_TWO = re.compile(
    r"\b(?:(?P<last>more recent|newer|later)|(?P<first>older|earlier)) of the (?:two|pair)\b", re.I
)
_THING = re.compile(r"(?:(?!\b(?:was|is|were|are|on|of|in|for|began|took)\b)[^:;,(|])*")
_EARLIER = re.compile(
    r"\b(?:next|past|earlier|year|months?|weeks?|days?|normal|abnormal|high|elevated|low|exact|first of)\b",
    re.IGNORECASE,
)
_TIMES = re.compile(
    r"\b(?:(?:last|latest) (?:visits|results|values|readings|measurements|years|months|weeks|days)"
    r"|before|until|since|within|between|previous\w*|prior|second|but one|back|then|earlier than|above"
    r"|of each|matching|last \d"
    r"|last \w+ (?:years?|months?|weeks?|days?|results?|values?|readings?|visits?|measurements?))\b",
    re.IGNORECASE,
)
_ASKED_LATEST = re.compile(
    r"\b(?:latest|last|current|most recent|newest|now|today|what(?:['’]s| is)(?: the| her| his| their)?)\b"
    r"|\bhow (?:much|high|low|tall|heavy|bad) (?:is|are|does|do)\b|\bdos(?:e|age)\b"
    r"|^\W*(?:is|are|does|do) (?:she|he|they|the patient)\b",
    re.I,
)
_ASKED_OTHER = re.compile(
    r"\b(?:first|highest|lowest|average|mean|previous|before|trend|all|history|when|how (?:many"
    r"|often|long)|list|change\w*|since|ever"
    r"|earliest|min\w*|max\w*|median|peak|between|was|were|had|series|every|each|past|over"
    r"|compare\w*|difference|above|below|results|values|readings|measurements"
    rf"|last (?:time|few|\d+|{SPELLED}))\b",
    re.IGNORECASE,
)
_UNUSABLE = {
    "entered-in-error",
    "cancelled",
    "not-done",
    "noshow",
    "planned",
    "draft",
    "preparation",
    "refuted",
}
# Two drugs of one salt are two drugs.
_SALTS = frozenset(
    {"hydrochloride", "hcl", "sodium", "potassium", "calcium", "sulfate", "succinate", "tartrate", "maleate"}
    | {"phosphate", "acetate", "citrate", "fumarate", "besylate", "mesylate", "bromide", "chloride"}
)
_SETTING = ("emergency", "inpatient", "ambulatory", "virtual", "outpatient", "telephone")
# Told as a visit in answer to a question about stays, one of these is told of all visits.
_ASKED_OUTRIGHT = ("ambulatory", "outpatient")
_NAMES_A_SETTING = re.compile(
    r"\b(?:er|ed|emergency|inpatient|outpatient|hospital\w*|admission|admitted|stay|telephone"
    r"|phone|virtual|tele\w+)\b",
    re.I,
)


def courses(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """Every word of change and of rank in the clause, and a value that is told though it is not the last."""
    yield from _changes(clause, evidence)
    ranked = False
    for match in [*_RANK.finditer(clause.bare), *_OF_TWO.finditer(clause.bare)]:
        found = list(_ranked(match, clause, evidence))
        ranked = ranked or bool(found)
        yield from found
    if not ranked:
        yield from _stale(clause, evidence)


def told_change(text: str) -> Iterator[Finding]:
    """Words of change before "from X to Y" whose numbers go the other way, over a whole answer."""
    text = undated(text)
    for match in _WAY.finditer(text):
        told = re.split(r";|\.\s|\n", text[match.end() : match.end() + 300])[0]
        steps = _FROM_TO.match(told)
        if not steps or match["flat"] or _NOT.search(text[: match.start()]):
            continue
        x, y = (next(numbers_in(steps[part]), None) for part in ("x", "y"))
        if not x or not y:
            continue
        wrong = y.number.value <= x.number.value if match["up"] else y.number.value >= x.number.value
        why = f"from {x.number.value} to {y.number.value}" if wrong else ""
        yield Finding(match.start(), match.end(), "direction", "contradicted" if wrong else "supported", why)


def _changes(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    text = undated(clause.bare)
    words = [*_WAY.finditer(text), *_THAN.finditer(text)]
    for match in words:
        told = re.split(r";|\.\s|\n", text[match.end() :])[0]
        if _FROM_TO.match(told) and "flat" in match.groupdict() and not match["flat"]:
            continue
        points = _step(told, clause, evidence) or _points(clause, evidence, clause.plain[: match.start()])
        if len(words) > 1 or len(points) < 2 or _THEN.match(told):
            if any(row.type == "Observation" for row in clause.rows):
                yield Finding(
                    match.start(), match.end(), "direction", "not_checkable", "no two values to compare"
                )
            continue
        first, last = (points[-2] if "than" in match.group().lower() else points[0]), points[-1]
        said = match.lastgroup
        about = _SAME if re.fullmatch(_STILL, match.group(), re.IGNORECASE) else _STEADY
        is_flat = abs(last - first) <= abs(first) * about
        stands = {"up": last > first, "down": last < first, "flat": is_flat}[str(said)]
        if _NOT.search(text[: match.start()]):
            stands = not stands
        verdict: Verdict = "supported" if stands else "contradicted"
        why = "" if stands else f"from {first} to {last}"
        yield Finding(match.start(), match.end(), "direction", verdict, why, clause.rows)


def _step(told: str, clause: Clause, evidence: Evidence) -> list[Decimal]:
    """The values of one step of several, cited one by one: "fell from 9 [a] to 7 [b], then rose to 8 [c]"."""
    if len(clause.sentence) < _STEPS or len(clause.cited) != 1:
        return []
    at = clause.sentence.index(clause.cited[0])
    refs = clause.sentence[at : at + 2] if _ONWARD.match(told) else ()
    refs = clause.sentence[at - 1 : at + 1] if at and _UP_TO.match(told) else refs
    rows = evidence.records(refs)
    sizes = [row.size for row in rows if row.size is not None]
    return sizes if len(sizes) == len(rows) == 2 and rows[0].code == rows[1].code else []


def _points(clause: Clause, evidence: Evidence, before: str) -> list[Decimal]:
    """The values that a word of change is about, oldest first: of a row of statistics, else those that the
    sentence cites, else those that the answer does, else all of the same code."""
    own = [row for row in clause.rows if row.type == "Observation" or row.measured]
    shared = set.intersection(*(row.head for row in own)) if own else set()
    named = stems_in(_PART.split(before)[-1]) - shared
    own = [row for row in own if row.head & named] or own
    summed_up = [{one.role: one.number.value for one in row.facts.figures} for row in own]
    courses = [(of["first"], of["last"]) for of in summed_up if "first" in of and "last" in of]
    if courses:  # of both parts of a panel, none is meant more than the other
        return list(courses[0]) if len({last > first for first, last in courses}) == 1 else []
    if not own:
        return []
    like = own[0].code
    for rows in (evidence.of(clause.sentence), evidence.of(clause.told), evidence.rows):
        dated = {
            (row.date[:19], row.size)
            for row in rows
            if row.code == like
            and row.date
            and row.size is not None
            and (not row.measured or row.measured[0].role == "value")
            and not row.record.get("components")  # which of a panel's values goes up is not told
            and _usable(row)
        }
        if len(dated) > 1:
            return [value for _, value in sorted(dated)]
    return []


def _ranked(match: re.Match[str], clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """A word of rank, held against the row of statistics, or against the others of its kind."""
    rank, text = str(match.lastgroup), clause.plain
    span = Span(match.start(), match.end())
    stats = [row for row in clause.rows if "min" in row.record and "max" in row.record]
    if stats and clause.cited:
        plain = undated(without_names(text, stats))
        number = next((one for one in numbers_in(plain) if one.start > match.end()), None)
        figures = [one for row in stats for one in row.facts.figures if one.role == rank]
        if number and figures and not _RANK.search(text, match.end(), number.start):
            if any(
                one.number.value == number.number.value for row in stats for one in row.measured
            ) and not any(number.number.value == one.number.value for one in figures):
                why = f"the {match.group().lower()} is {figures[0].number.value}"
                yield Finding(span.start, span.end, "rank", "contradicted", why, stats)
            else:
                yield Finding(span.start, span.end, "rank", rows=stats)
        return
    if rank in ("mean", "median") or evidence.question.days or _is_bounded(match, text):
        return
    told = [row for row in clause.about(match.end()) if row.date and _usable(row)]
    if not clause.cited:
        told = [row for row in told if _is_told(row, text)]
    if (
        told
        and told[0].type != "Observation"
        and _unknown_qualifier(clause.plain[match.end() :], told, evidence)
    ):
        return
    others = peers(told[0], clause, evidence) if told else []
    if match.re is _OF_TWO:
        others = [row for row in evidence.rows if told and row.type == told[0].type and row.date]
    if not told or (rank in ("max", "min") and not told[0].measured):
        return
    better = [row for row in others if all(_beats(row, one, rank) for one in told)]
    if better:
        why = f"{better[0].refs[0] if better[0].refs else 'another'} is {_why(rank)}"
        yield Finding(span.start, span.end, "rank", "contradicted", why, [*told, better[0]])
    else:
        yield Finding(span.start, span.end, "rank", rows=told)


def _is_bounded(match: re.Match[str], text: str) -> bool:
    """Whether the rank is told among some of the records only: of a time, above a bound, within a level."""
    if _TIMES.search(text):
        return True
    thing = _THING.match(text, match.end())
    return bool(
        _EARLIER.search(f"{text[max(0, match.start() - 20) : match.end()]}{thing.group() if thing else ''}")
    )


def _unknown_qualifier(after: str, told: Sequence[Row], evidence: Evidence) -> bool:
    """Whether "last" is said of some of the records only, in a word that no row holds ("last check-up")."""
    said = re.match(
        r"\s*((?:[\w-]+\s+){0,3}?)(?=[\w-]*[:(,]|was\b|is\b|on\b|of\b|in\b|[\w-]+:)([\w-]+)?", after
    )
    words = stems_in(said.group()) if said else set()
    plain = {word for word in words if not is_common(word)} - KIND_STEMS - GENERIC_STEMS
    held = set().union(*(row.names | row.words for row in told)) if told else set()
    return any(word not in held and word not in evidence.names for word in plain if len(word) > 3)


def _is_told(row: Row, text: str) -> bool:
    values = {one.number.value for one in numbers_in(undated(text))}
    return any(one.number.value in values for one in row.measured)


def _why(rank: str) -> str:
    return {"last": "newer", "first": "older", "max": "higher", "min": "lower"}[rank]


def _beats(row: Row, told: Row, rank: str) -> bool:
    if rank in ("last", "first"):
        mine, other = row.date[:10], told.date[:10]
        size = min(len(mine), len(other))
        return mine[:size] > other[:size] if rank == "last" else mine[:size] < other[:size]
    one, other_figure = _value(row), _value(told)
    if (
        not one
        or not other_figure
        or one.number.op
        or (one.number.unit and other_figure.number.unit != one.number.unit)
    ):
        return False
    mine_value, theirs = one.number.value, other_figure.number.value
    return mine_value > theirs if rank == "max" else mine_value < theirs


def _value(row: Row) -> Figure | None:
    return next((one for one in row.measured if one.role == "value"), None)


def _usable(row: Row) -> bool:
    return not row.facts.states & _UNUSABLE and "absent" not in row.record


def peers(told: Row, clause: Clause, evidence: Evidence) -> list[Row]:
    """The rows among which a rank is told: of one code, or named by the words that name the told one."""
    rows = [row for row in evidence.rows if row.type == told.type and row.date and _usable(row)]
    rows = [row for row in rows if row.date[:10] <= evidence.today]
    if told.type == "Observation":
        valued = "value" in told.record
        return [row for row in rows if row.code == told.code and ("value" in row.record or not valued)]
    visited = told.record.get("class") in _ASKED_OUTRIGHT
    setting = clause.lead if visited else f"{clause.lead} {evidence.question_text}"
    if told.type == "Encounter" and _NAMES_A_SETTING.search(setting):
        return [row for row in rows if row.record.get("class") == told.record.get("class")]
    if told.type.startswith("Medication"):
        head, status = told.head - _SALTS, told.record.get("status")
        alike = [row for row in rows if row.head & head or row.label == told.label]
        return [row for row in alike if row.record.get("status") == status]
    asked = _naming(told, clause, evidence)
    return [row for row in rows if asked <= row.names]


def _naming(told: Row, clause: Clause, evidence: Evidence) -> set[str]:
    """The words of the row's names that stand before its own name, as what is ranked ("the last Tdap was") or
    in the question."""
    at = clause.plain.casefold().find(told.label.casefold()[:12])
    lead = clause.plain[:at] if at > 0 else clause.plain
    ranked = _RANK.search(clause.plain)
    thing = _THING.match(clause.plain, ranked.end()) if ranked else None
    asked = stems_in(lead) | stems_in(thing.group() if thing else "") | set(evidence.question.words)
    return asked & (told.names - KIND_STEMS)


def _stale(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """A value told in answer to a question about now, where the evidence holds a newer, untold one."""
    question = evidence.question_text
    if not _ASKED_LATEST.search(question) or _ASKED_OTHER.search(question) or evidence.question.days:
        return
    yield from _stale_order(clause, evidence)
    told = [row for row in clause.rows if row.type == "Observation" and row.date and "value" in row.record]
    if (
        not clause.cited
        or clause.start
        or not told
        or _EARLIER.search(clause.bare)
        or _TIMES.search(clause.bare)
        or _WAY.search(clause.plain)
    ):
        return
    others = peers(told[0], clause, evidence)
    newer = [row for row in others if all(_beats(row, one, "last") for one in told)]
    cited = {ref for row in evidence.of(clause.answer) for ref in row.refs}
    newer = [row for row in newer if not cited & set(row.refs)]
    if newer:
        start = len(clause.plain) - len(clause.plain.lstrip())
        why = f"{newer[0].refs[0]} is newer"
        end = start + len(clause.plain.strip())
        number = next(numbers_in(clause.undated), None)
        span = (number.start, number.end) if number else (start, end)
        yield Finding(*span, "rank", "contradicted", why, newer[:1])


def _stale_order(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """An order that is over, told in the same way, where another of the drug is in force and is not told."""
    told = [row for row in clause.rows if row.type == "MedicationRequest"]
    if not clause.cited or not told or not all(map(ended, told)) or OVER.search(clause.lead):
        return
    head = set.intersection(*(row.head for row in told)) - _SALTS
    cited = {ref for row in evidence.of(clause.answer) for ref in row.refs}
    orders = evidence.of_type("MedicationRequest")
    alike = [row for row in orders if head & row.head and holds(row) and not cited & set(row.refs)]
    if alike:
        span = (len(clause.plain) - len(clause.plain.lstrip()), len(clause.plain.rstrip()))
        yield Finding(*span, "rank", "contradicted", f"{alike[0].refs[0]} is in force", alike[:1])
