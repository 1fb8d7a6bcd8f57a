"""What a clause says of the state of things: active or over, normal or high, female or male."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from agent.grounding.clauses import Clause, Finding, stems_in
from agent.grounding.evidence import Evidence
from agent.grounding.rows import Row
from agent.grounding.vocabulary import is_common
from agent.grounding.written import stem, words_in
from agent.messages import Verdict

_GOING_ON = frozenset({"active", "recurrence", "relapse", "in-progress", "unknown", "accepted", "intended"})
# What words say of a record's state, and the states in which that is right.
_WORDS: dict[str, frozenset[str]] = {
    r"active|ongoing|current(?:ly)?": _GOING_ON,
    r"resolved": frozenset({"resolved"}),
    r"inactive": frozenset({"inactive", "resolved", "remission"}),
    r"in remission": frozenset({"remission"}),
    r"stopped|discontinued": frozenset({"stopped", "cancelled", "revoked", "ended", "completed"}),
    r"completed|finished": frozenset({"completed", "finished"}),
    r"cancell?ed": frozenset({"cancelled", "revoked", "stopped"}),
    r"on[ -]hold|paused|suspended": frozenset({"on-hold", "suspended"}),
    r"proposed": frozenset({"proposed", "proposal", "plan", "option", "draft"}),
    r"revoked": frozenset({"revoked"}),
    r"draft": frozenset({"draft"}),
    r"refuted|ruled out": frozenset({"refuted"}),
    r"confirmed": frozenset({"confirmed"}),
    r"unconfirmed": frozenset({"unconfirmed", "provisional", "differential"}),
    r"provisional": frozenset({"provisional"}),
    r"preliminary": frozenset({"preliminary"}),
    r"final": frozenset({"final"}),
    r"amended|corrected(?! (?:from|to|for))": frozenset({"amended", "corrected"}),
    r"in[ -]progress": frozenset({"in-progress", "active"}),
    r"not[ -]done": frozenset({"not-done"}),
}
_STATES = [
    (re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.IGNORECASE), states)
    for words, states in _WORDS.items()
]
_ANY = "|".join(_WORDS)
_EITHER = re.compile(rf"\b(?:{_ANY})(?:,\s*(?:{_ANY}))*,?\s+or\s+(?:{_ANY})\b", re.IGNORECASE)
_NOT_SO = {"proposal", "plan", "option", "draft", "do_not_perform", "refuted", "entered-in-error"}
_OF_RESULTS = {"final", "preliminary", "amended", "corrected", "cancelled"}
_OF_PROBLEMS = {"confirmed", "unconfirmed", "provisional"}
_UNDATED_STATES = ("Patient", "Encounter", "DocumentReference", "Composition")
_NOT = re.compile(
    r"(?:\b(?:not|no|no longer|never|neither|nor|without|none|whether|if)\b|n['’]t)\s+(?:[\w-]+\s+){0,3}$",
    re.I,
)
_ON_IT = re.compile(
    r"\b(?:is|currently|remains) (?:currently |still )?(?:on|taking) |\b(?:takes|take) ", re.I
)
_HAS = re.compile(r"\b(?:has|have|suffers from|is living with)\b(?! (?:been|had|not)\b)", re.IGNORECASE)
OVER = re.compile(
    r"\b(?:resolved|inactive|remission|past|history|previous\w*|prior|had|was|were|ended|abated"
    r"|until|former\w*"
    r"|no longer|not|stopped|discontinued|completed|cancelled|over|old|once|hold|held)\b|n['’]t\b",
    re.IGNORECASE,
)
_ENDED = re.compile(r"\b(?:was|were|has been) (?:stopped|discontinued|cancelled|canceled)\b", re.IGNORECASE)
_OFF = {"stopped", "not-taken", "completed", "cancelled", "on-hold", "entered-in-error"}
_ORDERED = ("MedicationRequest", "MedicationStatement")
_LEVEL = re.compile(
    r"(?:\b(?:was|is|were|are|remains?|which is|and)|,|\() ?"
    r"(?:(?:not )?(?:recorded|flagged|marked|reported) as |\w+ )?"
    r"(?P<level>(?<!above )(?<!below )normal|(?:above|below) normal|high|elevated|low"
    r"|within (?:the |its )?(?:normal|reference) (?:range|limits)"
    r"|above (?:the |its )?(?:(?:normal|reference|upper|recorded) )*(?:range|limits?)"
    r"|below (?:the |its )?(?:(?:normal|reference|lower|recorded) )*(?:range|limits?))\b(?![-\w])",
    re.IGNORECASE,
)
# "Below the limit of 100" tells of that bound, and not of the range.
_ONE_LIMIT = re.compile(r"\s+of\s+[<>≤≥]?\s*\d+(?:\.\d+)?(?!\.?\d|\s?(?:-|–|to)\s?\d)")
_INTERPRETED = {"normal": r"normal|n", "high": r".*high.*|hh?", "low": r".*low.*|ll?"}
BOUNDS = re.compile(
    r"(?P<low>-?\d+(?:\.\d+)?)\s*(?:-|–|to)\s*(?P<high>\d+(?:\.\d+)?)"
    r"|(?P<op>[<>]=?)\s*(?P<limit>\d+(?:\.\d+)?)"
)
_SEX = re.compile(r"\b(?:is|was|patient|old|sex|gender)\W+(?:an? )?(?P<sex>male|female)\b", re.IGNORECASE)
_MAN = re.compile(r"\b(?:(?P<female>female|woman|girl)|(?P<male>male|man|boy))\b", re.IGNORECASE)
_HERSELF = re.compile(
    r"\b(?:she|he|the patient)\s+(?:has|had|was diagnosed|suffers|suffered)\b", re.IGNORECASE
)
_KIN = re.compile(
    r"\b(?:mother|father|parent|brother|sister|sibling|son|daughter|child|aunt|uncle|cousin|niece|nephew|twin"
    r"|grand\w+|half\w*|relative|famil\w+|maternal|paternal)s?\b",
    re.IGNORECASE,
)
_DEAD = re.compile(
    r"\b(?:(?P<alive>alive|living)|(?:is|was|are) (?:not )?(?:deceased|dead))\b", re.IGNORECASE
)
_STILL_IN = re.compile(
    r"(?<!not )\b(?:still|currently|remains)\s+"
    r"(?:in (?:the )?hospital|(?:being )?(?:admitted|hospitali[sz]ed)|an inpatient)\b",
    re.IGNORECASE,
)
_AS = re.compile(
    r"\b(?:recorded|documented|listed|noted|reported) as (?:an? |the )?(?P<what>(?!held\b)[a-z]+(?<!ed))\b"
    r"(?! of)",
    re.IGNORECASE,
)
# "A 68-year-old woman", "Ms. Novak", where that is the patient's name.
_AGED = re.compile(
    r"\b(?:year[- ]old|y/?o|patient is an?|is an?)\s+"
    r"(?:(?P<female>woman|lady|girl)|(?P<male>man|gentleman|boy))\b",
    re.IGNORECASE,
)
_TITLE = re.compile(
    r"\b(?:(?P<female>Ms|Mrs|Miss)|(?P<male>Mr))\b\.?\s+(?:[A-Z]\w+\s+)?(?=(?P<name>[A-Z]\w+))"
)
_PRONOUN = re.compile(r"\b(?:(?P<female>she|her|hers|herself)|(?P<male>he|him|his|himself))\b", re.IGNORECASE)


def states_told(text: str) -> set[str]:
    """The states of records that the words of a text mean."""
    return set().union(*(states for pattern, states in _STATES if pattern.search(text)))


def standing(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """Every word of a clause for the state of its records, the level of a value, or the patient's sex."""
    yield from _states(clause)
    yield from _taken(clause, evidence)
    yield from _had(clause)
    yield from _levels(clause)
    yield from _sex(clause, evidence)
    yield from _of_patients(clause)
    yield from _of_relatives(clause)
    yield from _in_hospital(clause)
    yield from _recorded_as(clause)


def _of_patients(clause: Clause) -> Iterator[Finding]:
    """What is told of the sex of the patients cited, and of anyone cited being alive or dead."""
    for match in _MAN.finditer(clause.plain) if clause.cited else ():
        rows = [row for row in clause.about(match.start()) if row.record.get("sex") in ("male", "female")]
        if rows and len({row.refs for row in rows}) == 1 and rows[0].record["sex"] != match.lastgroup:
            why = f"the patient is {rows[0].record['sex']}"
            yield Finding(match.start(), match.end(), "patient", "contradicted", why, rows)
    for match in _DEAD.finditer(clause.plain) if clause.cited else ():
        rows = [row for row in clause.about(match.start()) if "deceased" in row.record]
        denied = " not " in match.group() or _NOT.search(clause.plain[: match.start()])
        alive = bool(match["alive"]) != bool(denied)
        if rows and all(bool(row.record["deceased"]) == alive for row in rows):
            why = "recorded as deceased" if alive else "not recorded as deceased"
            yield Finding(match.start(), match.end(), "status", "contradicted", why, rows)


def _in_hospital(clause: Clause) -> Iterator[Finding]:
    """A stay that has ended, told as if it went on."""
    rows = [row for row in clause.rows if row.type == "Encounter"] if clause.cited else []
    match = _STILL_IN.search(clause.plain)
    if (
        match
        and rows
        and all(row.record.get("end") and row.record.get("status") == "finished" for row in rows)
    ):
        yield Finding(*match.span(), "status", "contradicted", "the stay has ended", rows)


def _of_relatives(clause: Clause) -> Iterator[Finding]:
    """What records of relatives hold, told of the patient."""
    match = _HERSELF.search(clause.plain)
    told = clause.cited and all(row.type == "FamilyMemberHistory" for row in clause.rows)
    if match and told and not _KIN.search(clause.lead) and not clause.denies:
        yield Finding(*match.span(), "patient", "contradicted", "the record is of a relative", clause.rows)


def _recorded_as(clause: Clause) -> Iterator[Finding]:
    """What the cited records are said to be recorded as, where none of them holds the word."""
    for match in _AS.finditer(clause.plain) if clause.cited else ():
        word = stem(match["what"])
        if word not in set().union(*(row.words | row.names for row in clause.rows)) and not is_common(word):
            why = "no record cited says so"
            yield Finding(*match.span("what"), "status", "contradicted", why, clause.rows)


def _states(clause: Clause) -> Iterator[Finding]:
    text = clause.bare
    either = [match.span() for match in _EITHER.finditer(text)]
    for pattern, states in _STATES:
        for match in pattern.finditer(text):
            if any(start <= match.start() < end for start, end in either):
                continue  # "stopped, completed or cancelled" says which of no record
            rows = [row for row in clause.about(match.start()) if _can_be(row, match.group().lower(), states)]
            if not clause.cited or not rows:
                continue
            fit = [_fits(row, states, match.group().lower()) for row in rows]
            denied = _NOT.search(text[: match.start()])
            if denied and any("unknown" in row.facts.states for row in rows):
                continue
            wrong = all(fit) if denied else not any(fit)
            said = sorted(set().union(*(row.facts.states for row in rows)) - {"order", "confirmed"})
            why = f"recorded as {', '.join(said)}" if wrong else ""
            verdict: Verdict = "contradicted" if wrong else "supported"
            yield Finding(match.start(), match.end(), "status", verdict, why, rows)


def _fits(row: Row, states: frozenset[str], word: str) -> bool:
    held = row.facts.states
    return bool(held & states) and (word in held or not (states is _GOING_ON and held & _NOT_SO))


def _can_be(row: Row, word: str, states: frozenset[str]) -> bool:
    """Whether a record of the row's type has such states at all, so that the word can be about it."""
    if not row.facts.states:
        return False
    if row.type in ("Observation", "DiagnosticReport"):
        return bool(states & _OF_RESULTS)
    if row.type in _UNDATED_STATES and states is _GOING_ON:
        return False
    if states & _OF_PROBLEMS:
        return (bool(row.record.get("verification")) and word != "confirmed") or "refuted" in row.facts.states
    return not states & {"final", "preliminary", "amended"}


def holds(row: Row) -> bool:
    """Whether the record says that it is so now: active, not doubted, not a record of absence."""
    record = row.record
    doubted = record.get("verification") not in (None, "confirmed")
    return record.get("status") == "active" and not (
        doubted or record.get("negation") or record.get("do_not_perform")
    )


def _taken(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    """Drugs said to be taken whose orders have all ended, or to be stopped whose orders are all active."""
    rows = [
        row for row in (clause.rows if clause.cited else evidence.rows) if row.type.startswith("Medication")
    ]
    if not rows:
        return
    text = clause.plain
    for match in _ON_IT.finditer(text):
        named = _by_head(rows, text[match.end() :].split(";", maxsplit=1)[0])
        for same in named:
            if not re.search(r"\b(?:not|never|was|longer)\W+$", text[: match.start()]) and all(
                map(ended, same)
            ):
                yield Finding(match.start(), match.end(), "status", "contradicted", "recorded as ended", same)
    for match in _ENDED.finditer(text):
        about = re.split(r"[,;:]|\band\b", text[: match.start()])[-1]
        for same in _by_head(rows, about):
            if all(map(holds, same)):
                yield Finding(
                    match.start(), match.end(), "status", "contradicted", "recorded as active", same
                )


def _by_head(rows: Sequence[Row], text: str) -> list[list[Row]]:
    """The medications named in the text, all records of one drug together."""
    heads = {drug_of(row) for row in rows} & stems_in(text)
    return [[row for row in rows if drug_of(row) == head] for head in heads]


def drug_of(row: Row) -> str:
    """The drug that a medication's name begins with; empty for other records."""
    if not row.type.startswith("Medication"):
        return ""
    stems = (stem(word) for _, word in words_in(row.label) if not is_common(word))
    return next((word for word in stems if len(word) >= 4 and word in row.head), "")


def ended(row: Row) -> bool:
    """Whether an order is over, or forbids what it orders."""
    ordered = row.type in _ORDERED
    return bool(row.record.get("do_not_perform")) or (ordered and row.record.get("status") in _OFF)


def _had(clause: Clause) -> Iterator[Finding]:
    """A problem told in the present that is over."""
    rows = [row for row in clause.rows if row.type in ("Condition", "AllergyIntolerance")]
    over = rows and all(row.record.get("status") in ("resolved", "inactive", "remission") for row in rows)
    match = _HAS.search(clause.plain)
    if clause.cited and over and match and not OVER.search(clause.lead):
        why = f"recorded as {rows[0].record['status']}"
        yield Finding(match.start(), match.end(), "status", "contradicted", why, rows)


def _levels(clause: Clause) -> Iterator[Finding]:
    match = _LEVEL.search(clause.bare)
    if not match or not clause.cited or _ONE_LIMIT.match(clause.bare, match.end()):
        return
    said = match["level"].lower()
    level = (
        "normal"
        if said.startswith(("normal", "within"))
        else "low"
        if said.startswith(("low", "below"))
        else "high"
    )
    rows = [row for row in clause.about(match.start()) if row.type == "Observation"]
    known = [(row, one) for row in rows if (one := level_of(row))]
    if not known or len(known) != len(rows):
        return
    fits = [one == level for _, one in known]
    before = clause.plain[: match.start("level")]
    negated = bool(
        re.search(r"(?:\bnot|n['’]t)\W+(?:\w+\W+){0,2}$|\b(?:neither|none) of\b", before, re.IGNORECASE)
    )
    if all(fits) if negated else not any(fits):
        why = f"the record says {known[0][1]}"
        yield Finding(match.start("level"), match.end("level"), "status", "contradicted", why, rows)
    else:
        yield Finding(match.start("level"), match.end("level"), "status", rows=rows)


def level_of(row: Row) -> str:
    """The level that a record's interpretation gives its value, or else its one range; empty for neither."""
    said = str(row.record.get("interpretation") or "").lower()
    if said:
        return next((level for level, words in _INTERPRETED.items() if re.fullmatch(words, said)), "")
    bounds = BOUNDS.search(str(row.record.get("range") or "").split(";")[0])
    values = [one.number for one in row.measured]
    if not bounds or len(values) != 1 or values[0].op:
        return ""
    value = values[0].value
    if bounds["op"]:
        limit = Decimal(bounds["limit"])
        if bounds["op"].startswith("<"):
            return "normal" if value < limit or (bounds["op"] == "<=" and value == limit) else "high"
        return "normal" if value > limit or (bounds["op"] == ">=" and value == limit) else "low"
    return (
        "low" if value < Decimal(bounds["low"]) else "high" if value > Decimal(bounds["high"]) else "normal"
    )


def _sex(clause: Clause, evidence: Evidence) -> Iterator[Finding]:
    recorded = evidence.sexes
    match = _SEX.search(clause.plain)
    if match:
        stands = (
            match["sex"].lower() in recorded
            if recorded
            else any(match["sex"].lower() in row.words for row in clause.rows)
        )
        verdict: Verdict = "supported" if stands else "contradicted"
        yield Finding(
            match.start("sex"), match.end("sex"), "patient", verdict, "" if stands else "not so recorded"
        )
    for match in [*_PRONOUN.finditer(clause.plain), *_person(clause, evidence)]:
        if (
            len(recorded) == 1
            and recorded <= {"male", "female"}
            and not recorded & {name for name, said in match.groupdict().items() if said}
        ):
            if not re.search(
                r"\b(?:mother|father|brother|sister|son|daughter|wife|husband|aunt|uncle)\b",
                clause.lead,
                re.I,
            ):
                why = f"the patient is {next(iter(recorded))}"
                yield Finding(match.start(), match.end(), "patient", "contradicted", why)


def _person(clause: Clause, evidence: Evidence) -> Iterator[re.Match[str]]:
    """Where the patient is called a man or a woman, or by a title."""
    yield from _AGED.finditer(clause.plain)
    called = set().union(*(row.head for row in evidence.of_type("Patient")))
    yield from (match for match in _TITLE.finditer(clause.plain) if stem(match["name"]) in called)
