"""What a clause denies, and what it affirms that its records deny."""

import re
from collections.abc import Iterator, Sequence

from agent.grounding.clauses import DENIAL, Clause, Finding
from agent.grounding.evidence import Evidence, Source
from agent.grounding.naming import NAMING, concepts_in
from agent.grounding.rows import Row
from agent.grounding.standing import holds, states_told
from agent.grounding.vocabulary import GENERIC_STEMS, KIND_STEMS, is_common, names_a_record, types_called
from agent.grounding.written import Day, dates_in, stem, words_in
from agent.messages import Verdict
from agent.models.offline.concepts import stems_of_record

_NO_ALLERGIES = re.compile(
    r"\bno known (?:\w+ ){0,2}allerg\w+|\bNKD?A\b|\b(?:has|have|with) no (?:\w+ )?allergies\b", re.IGNORECASE
)
_OBJECT = re.compile(r"[^,;:.()\[\n]*(?:\.\d[^,;:.()\[\n]*)?")
_TURN = re.compile(
    r"\b(?:but|because|since|as|although|though|however|yet|except|who|which|until|before|after|near|around)\b",
    re.I,
)
_UNSURE = re.compile(
    r"\b(?:whether|if|mother|father|family|brother|sister)\W+(?:\w+\W+){0,4}$", re.IGNORECASE
)
_OTHER = re.compile(
    r"\W+(?:\w+\W+)?(?:other|further|others|more|additional|newer|older|later|earlier|change\w*|new)\b", re.I
)
# "No end is recorded" denies a part of a record, not a record.
_FIELD = re.compile(
    r"\W*(?:exact |known |clear |further )?(?:end|date|reason|value|dose|dosage|unit|range"
    r"|interpretation|onset|time|start|author|indication"
    r"|status|prescriber|performer|cause|change|difference|trend|instructions?|details?|sign"
    r"|need|way|doubt|longer than)\b",
    re.IGNORECASE,
)
_UNTOLD = re.compile(r"\W+(?:tell|say|state)s?\s+when\b", re.IGNORECASE)
_PASSIVE = re.compile(
    r"\W+(?:currently |been |yet |ever )*(?:recorded|documented|listed|found|noted|on record"
    r"|on file|on (?:the|her|his) (?:\w+ )?list"
    r"|in (?:the|this|her|his) chart|mentioned|present|done|performed|given|received|prescribed"
    r"|ordered|measured|tested|checked)\b",
    re.IGNORECASE,
)
_RECORDED = re.compile(
    r"\b(?:record(?:s|ed)?|documented|listed|on file|chart|mention(?:s|ed)?)\b", re.IGNORECASE
)
_RELATIVE = re.compile(
    r"\b(?:before|after|since|prior to|earlier|later|previous|other than|besides|between)\b", re.I
)
_NOW = re.compile(r"\b(?:current(?:ly)?|active|now|today|longer|on|taking|takes?)\b", re.IGNORECASE)
_RIGHT_NOW = re.compile(r"\b(?:currently|now|at present)\s+$", re.IGNORECASE)
_EVER = re.compile(r"\b(?:never|ever)\b", re.IGNORECASE)
_VOID = {
    "entered-in-error",
    "refuted",
    "not-done",
    "cancelled",
    "noshow",
    "do_not_perform",
    "negation",
    "draft",
}
_VOID |= {"proposal", "plan", "option", "planned", "negated", "family", "hypothetical"}
# A record that says "not so", and the words one of which must be there where it is told.
_ADMITTED = {
    "refuted": r"refuted|ruled out|excluded|not|no|never|without|den\w+|error",
    "not-done": r"not|no|never|declined|refused|cancelled|without|omitted|missed",
    "do_not_perform": r"not|no|never|avoid\w*|against|without|prohibited",
    "negation": r"no|not|none|nka|nkda|den\w+|without|never|negative",
    "entered-in-error": r"error|wrong\w*|withdrawn|mistake\w*",
    "draft": r"record\w*|draft|plan\w*|propos\w*|not|intended|consider\w*|pending|only",
    "proposal": r"record\w*|draft|plan\w*|propos\w*|not|intended|consider\w*|pending|only|option\w*"
    r"|suggest\w*",
    "cancelled": r"cancel\w*|not|no|never|otherwise",
    "noshow": r"no[- ]?show|not|miss\w*|absent|never",
}
_YES_OR_NO = re.compile(
    r"^\W*(?:is|are|does|do|has|have|was|were|did|any|isn't|doesn't|hasn't)\b", re.IGNORECASE
)
_TWISTED = re.compile(
    r"\b(?:stop\w*|off|discontinu\w*|resol\w*|end\w*|inactive|over|without|no|not|free|above"
    r"|below|\d+)\b|n['’]t\b",
    re.I,
)
# "Not recorded as low" denies a level, which `standing` holds against the record, and not the record.
_AS_LEVEL = re.compile(
    r"\W+(?:recorded|flagged|marked|reported) as (?:low|high|elevated|normal|abnormal)\b", re.IGNORECASE
)
_STANDS_FOR = ("Medication", "Condition", "Allergy", "Procedure", "Immunization")
_NOTES = ("DocumentReference", "DiagnosticReport", "Composition")
_PAST = re.compile(r"\b(?:ever|was|were|did|had|past|history|previous\w*)\b", re.IGNORECASE)


def denials(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """Every denial of the clause, and every affirmation of what its records say is not so."""
    yield from _no_allergies(clause, evidence)
    for match in DENIAL.finditer(clause.bare):
        yield from _denied(match, clause, evidence)
    yield from _affirmed(clause)
    yield from _yes_or_no(clause, evidence)


def _no_allergies(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    match = _NO_ALLERGIES.search(clause.plain)
    if not match:
        return
    rows = [row for row in evidence.rows if _says_none(row)]
    if rows:
        yield Finding(match.start(), match.end(), "negation", rows=rows)
    else:
        why = "no record says so; nothing recorded is not the same"
        yield Finding(match.start(), match.end(), "negation", "contradicted", why)


def _says_none(row: Row) -> bool:
    texts = (row.label, str(row.record.get("passage", "")))
    return bool(row.record.get("negation")) or any(map(_NO_ALLERGIES.search, texts))


def _denied(match: re.Match[str], clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """One denial: against records of what it denies, or else whether a complete result shows none."""
    text = clause.plain
    before, after = text[: match.start()], text[match.end() :]
    if (
        _NO_ALLERGIES.search(text)
        or _UNSURE.search(before)
        or _OTHER.match(after)
        or _AS_LEVEL.match(after)
        or re.match(r"[,:.;]", after)
    ):
        return
    thing = _TURN.split(_found(after))[0]
    if (_PASSIVE.match(after) and not match.group().lower().startswith(("no", "without"))) or (
        _PASSIVE.match(after) and match.group().lower() in ("not", "none", "nothing")
    ):
        thing = re.split(r"[,;:()]|\band\b", before)[-1] or thing
    if _FIELD.match(thing) or re.search(r"\bas not\b", text):
        return
    words = {stem(word) for _, word in words_in(thing)}
    kinds = words & KIND_STEMS
    said = {stem(word) for _, word in words_in(thing) if not is_common(word)} - GENERIC_STEMS - KIND_STEMS
    told = {one for one in said if one in evidence.names or one in evidence.sought or names_a_record(one)}
    if not told and any(one.kind in NAMING for one in concepts_in(thing)):
        told = said
    span = (match.start(), match.end() + len(thing.rstrip()) if after.startswith(thing) else match.end())
    # "The chart does not tell when surgery was done": of the procedures there, none may be one.
    if not told and (not kinds or _UNTOLD.match(after)):
        if _RECORDED.search(text) and not evidence.sources:
            yield Finding(*span, "negation", "unsupported", "no call succeeded")
        return
    whole = f"{match.group()} {after}"
    rows = clause.rows if clause.cited else evidence.rows
    numbers = set(re.findall(r"\d+(?:\.\d+)?", thing))
    asked = evidence.question.words - GENERIC_STEMS - KIND_STEMS
    about = {word for word in asked if names_a_record(word) or word in evidence.names}
    states = states_told(thing)
    same = [
        row
        for row in rows
        if _is(row, told, kinds) and numbers <= set(re.findall(r"\d+(?:\.\d+)?", row.label))
    ]
    if told and not same:
        same = list(_known_as(thing, kinds, rows))
    same = [row for row in same if not states or row.facts.states & states]
    if not told:
        same = [row for row in same if said <= row.words and (not about or about & row.names)]
    if re.search(r"\b(?:it|this|them)\b", thing):
        of_it = set().union(*(row.head for row in clause.rows if row not in same))
        same = [row for row in same if of_it & row.words]
    void = [row for row in same if row.facts.states & _VOID]
    same = [row for row in same if row not in void]
    if windows := [day for dated in dates_in(text) for day in dated.readings]:
        same = [row for row in same if _in_window(row, windows, text)]
    elif _RELATIVE.search(clause.lead):
        return
    if _RIGHT_NOW.search(before):
        against = [row for row in same if holds(row)]
    elif _EVER.search(match.group()) or (_RECORDED.search(whole) and not _NOW.search(thing)) or _done(after):
        against = same
    else:
        against = [row for row in same if holds(row) or _happened(row, whole)]
    if against:
        yield Finding(
            *span,
            "negation",
            "contradicted",
            f"{against[0].refs[0] if against[0].refs else 'a record'} says so",
            against,
        )
        return
    if same or void or clause.cited:
        yield Finding(*span, "negation", rows=same or void or clause.rows)
        return
    verdict, why = _none_known(told, kinds, evidence)
    yield Finding(*span, "negation", verdict, why)


def _found(after: str) -> str:
    found = _OBJECT.match(after)
    return found.group() if found else ""


def _done(after: str) -> bool:
    return bool(
        re.match(
            r"\W+(?:been |ever )*(?:done|performed|given|received|measured|tested|checked)\b", after, re.I
        )
    )


def _happened(row: Row, text: str) -> bool:
    """Whether the row is of something that took place, where the denial is not of the present."""
    took_place = row.type in ("Procedure", "Immunization", "Encounter", "ImagingStudy")
    return took_place and not _NOW.search(text)


def _is(row: Row, told: set[str], kinds: set[str]) -> bool:
    """Whether a row is about what is denied: by every telling word, or by its kind where there is none."""
    if told:
        # What a note tells of is no problem record.
        other = bool(kinds) and row.type in _NOTES and not kinds & row.kinds
        return not other and (told <= row.head | row.aliases or told <= row.own_names)
    return bool(kinds & row.kinds)


def _known_as(thing: str, kinds: set[str], rows: Sequence[Row]) -> Iterator[Row]:
    """The rows that are called otherwise than what is denied, or belong to the class of drugs that is."""
    concepts = [one for one in concepts_in(thing) if one.kind in NAMING]
    known: dict[str, bool] = {}
    for row in rows if concepts else ():
        if row.type.startswith(_STANDS_FOR) and (not kinds or kinds & row.kinds):
            if row.label not in known:
                record = stems_of_record(row.label)
                known[row.label] = any(one.in_any_order(record) for one in concepts)
            if known[row.label]:
                yield row


def _in_window(row: Row, windows: Sequence[Day], text: str) -> bool:
    days = [day for dated in dates_in(row.date[:10]) for day in dated.readings]
    if not days:
        return False
    day = days[0]
    for window in windows:
        parts = [part for part in (window.year, window.month, window.day) if part is not None]
        mine = [part for part in (day.year, day.month, day.day) if part is not None][: len(parts)]
        if re.search(r"\b(?:since|from)\b", text, re.IGNORECASE):
            if mine < parts:
                return False
        elif re.search(r"\bafter\b", text, re.IGNORECASE):
            if mine <= parts:
                return False
        elif re.search(r"\b(?:before|prior to)\b", text, re.IGNORECASE):
            if mine >= parts:
                return False
        elif re.search(r"\b(?:until|up to)\b", text, re.IGNORECASE):
            if mine > parts:
                return False
        elif mine != parts:
            return False
    return True


def _none_known(told: set[str], kinds: set[str], evidence: Evidence) -> tuple[Verdict, str]:
    """Whether some result that would show the thing is complete."""
    sources, types = evidence.sources, types_called(kinds)
    near = [one for one in sources if told & one.asked.words or types & one.types]
    # Sections of an overview show what they are of, and nothing else.
    near = near or [one for one in sources if one.tool != "observations" and "sections" not in one.arguments]
    if not near:
        return "unsupported", "nothing was read that would show it"
    if any(_whole(one) for one in near):
        return "supported", ""
    return "unsupported", "the result is not complete"


def _whole(source: Source) -> bool:
    return source.complete or source.tool == "chart_overview"


def _affirmed(clause: Clause) -> Iterator[Finding]:
    """Records that say "not so", told as if they said the contrary."""
    if not clause.cited or not clause.rows:
        return
    for state, words in _ADMITTED.items():
        if all(
            state in row.facts.states and not row.record.get("end") for row in clause.rows
        ) and not re.search(rf"\b(?:{words})\b|n['’]t\b", clause.lead, re.IGNORECASE):
            start = len(clause.plain) - len(clause.plain.lstrip())
            end = len(clause.plain.rstrip(" .;|\n"))
            yield Finding(start, end, "negation", "contradicted", f"recorded as {state}", clause.rows)
            return


def _yes_or_no(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """A plain yes or no at the beginning, against the records that it cites."""
    match = re.match(r"\W*(?P<said>yes|no)\b\s*[,:.;]", clause.plain, re.IGNORECASE)
    question = evidence.question_text
    if not match or clause.start or not _YES_OR_NO.match(question) or _TWISTED.search(question):
        return
    rows = [row for row in clause.rows if row.type.startswith(_STANDS_FOR)]
    if not rows or not clause.cited:
        return
    span = match.span("said")
    if match["said"].lower() == "no":
        if all(holds(row) for row in rows) or (
            _PAST.search(question) and not any(r.facts.states & _VOID for r in rows)
        ):
            yield Finding(*span, "negation", "contradicted", "the record cited says yes", rows)
            return
    elif all(row.facts.states & _VOID for row in rows):
        yield Finding(*span, "negation", "contradicted", "the record cited says no", rows)
        return
    yield Finding(*span, "negation", rows=rows)
