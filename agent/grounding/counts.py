"""Counts: how many records there are, told by a result that is complete."""

import re
from collections.abc import Iterator, Sequence

from agent.grounding.clauses import DENIAL, Clause, Finding, stems_in, undated
from agent.grounding.derived import dated_iso
from agent.grounding.evidence import Evidence, Source
from agent.grounding.rows import Row
from agent.grounding.standing import drug_of, level_of, states_told
from agent.grounding.vocabulary import KIND_STEMS, types_called
from agent.grounding.written import SPELLED, Day, Numbered, dates_in, stem, words_in

_NOUNS = (
    frozenset(
        stem(word)
        for word in [
            "relative",
            "device",
            "member",
            "result",
            "value",
            "reading",
            "measurement",
            "test",
            "record",
            "time",
            "occasion",
            "episode",
            "entry",
            "item",
            "lab",
            "dose",
            "shot",
            "person",
            "match",
            "finding",
            "check",
            "drug",
            "medicine",
            "med",
            "statin",
            "antibiotic",
            "hospitalization",
            "admission",
            "others",
            "appointment",
            "operation",
            "instance",
            "diagnoses",
            "class",
            "type",
            "name",
            "date",
            "checked",
            "prescription",
            "renewal",
            "study",
            "series",
            "image",
            "booster",
            "passage",
            "mention",
            "sentence",
            "letter",
            "patient",
        ]
    )
    | KIND_STEMS
)
_AFTER = re.compile(
    r"(?:,?\s+(?!(?:on|in|at|as|and|from|to|by|with|was|were|is|are|of)\b)[A-Za-z][\w'’/-]*){1,6}"
)
_SHARE = re.compile(
    r"\s+(?:out\s+)?of\s+(?:(?:the\s+|her\s+|his\s+|their\s+|these\s+)?(?:\d|last|all|first)|them\b|which\b|those\b)",
    re.I,
)
_LEVELS = {
    "high": re.compile(r"\b(?:high|elevated|above (?:the |its )?(?:\w+ )?(?:range|limits?|normal))\b", re.I),
    "low": re.compile(r"\b(?:low|below (?:the |its )?(?:\w+ )?(?:range|limits?|normal))\b", re.I),
    "normal": re.compile(
        r"\b(?:(?<!above )(?<!below )normal|within (?:the |its )?(?:\w+ )?(?:range|limits))\b", re.I
    ),
}
# "Two high, two normal": what is counted was named before.
_SUCH = re.compile(
    r"\s+(?:(?:was|were|are|is)\s+)?(?:high|elevated|low|(?:ab)?normal|active|resolved)\b(?=\s*(?:[,;.(]|and\b|$))",
    re.I,
)
# Where a count ends and the next one begins: "three are active, one is resolved".
_NEXT = re.compile(
    rf"(?:[,;]|\s(?:and|but|while|whereas)\s)\s*(?:(?:and|but|while|in|\d{{4}})\s+)*(?:\d+|one|none|{SPELLED})\b",
    re.I,
)
_TAKING = re.compile(r"\b(?:(?:is|are|currently) on|takes?|taking)\s+(?:\w+\s+)?$", re.IGNORECASE)
_IN_A_YEAR = re.compile(r"\bin\s+(?:\d{4}\s+|\s{3,})$", re.IGNORECASE)
# "The earlier of the two", "the longer of the last two": as many are told apart, not counted.
_NUMBER = re.compile(rf"\b(?:\d+|one|{SPELLED})\b", re.I)
_ONE_OF = re.compile(
    r"\b(?:(?!number\b|order\b|member\b)\w+er|more recent|first|second|last|latest|most recent|one|both)"
    r"\s+of\s+(?:the|her|his|these|those)\s+(?:last |latest |most recent |first )?$",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"\b(?:number|count|total|times)\b[^.,;\d]{0,40}$|\bn\s*=\s*$", re.IGNORECASE)
_NAMED_BEFORE = re.compile(r"\b(\w+s)\s*[:=]\s*$")
_BEYOND = re.compile(r"\b(?:above|over|exceed\w*|below|under)\b", re.IGNORECASE)
_REST = re.compile(r"\b(?:not|more|other|others|rest|remain\w*)\b|n['’]t\b", re.IGNORECASE)
_TOLD_OF = re.compile(r"\s+(?:have|has|had|are|were|more|others?)\b", re.IGNORECASE)
_ALL = re.compile(r"\b(?:of (?:the|these|those)|all(?: of)?(?: the| these)?)\s+$", re.IGNORECASE)
CLASSED = re.compile(r"\b(?:type|stage|grade|class|phase|category|score|dose|line|level)\s+$", re.IGNORECASE)
_WHOLE = re.compile(r"(?:\bof|\bamong|\()\s*(?:the\s+|all\s+)?$", re.IGNORECASE)
PART_OF = re.compile(
    rf"(?:\d|\b(?:one|{SPELLED}))\s+(?:out\s+)?of\s+(?:the\s+|her\s+|his\s+|all\s+)?$", re.IGNORECASE
)
_CHECKED = re.compile(r"\s+(?:\w+\s+){0,2}checked\b", re.IGNORECASE)
_PLACED = re.compile(r"\b(?:result|record|value|visit|note|report)\s+$", re.IGNORECASE)
_NUMBERED = re.compile(r"\b(?:result|record|visit|note|report|procedure) number\s+$", re.IGNORECASE)
_UNFLAGGED = re.compile(r"\s+without an interpretation\b", re.IGNORECASE)
_PLACE = re.compile(r"\s+of\s+(?P<of>\d+)\b")
_FREQUENCY = re.compile(r"\s+times?\s+(?:a|per|each|every|daily|weekly)\b", re.IGNORECASE)
_SOME = re.compile(
    r"\b(?:first|newest|last|latest|next|these|those|following|top|most recent)\s+$", re.IGNORECASE
)


def levels_told(text: str) -> set[str]:
    """The levels of values that the words of a text mean."""
    return {level for level, words in _LEVELS.items() if words.search(text)}


def is_count(claim: Numbered, text: str) -> bool:
    """Whether the number says how many there are: a whole number before the name of what is counted."""
    number, before, after = claim.number, text[: claim.start], text[claim.end :]
    known = number.unit is not None and number.unit.dimension not in ("one",)
    if (
        not number.whole
        or number.places
        or number.value < 0
        or known
        or CLASSED.search(before)
        or _FREQUENCY.match(after)
    ):
        return False
    # "Red blood cell count below 4" is a bound of what is measured.
    if (_BEFORE.search(before) and not number.op) or _SHARE.match(after):
        return True
    if _IN_A_YEAR.search(before) and re.match(r"\s*(?:[.,;]|$)", after):
        return True
    if PART_OF.search(before) or _ONE_OF.search(before) or _SUCH.match(after):
        return True
    if (
        _UNFLAGGED.match(after)
        or _TOLD_OF.match(after)
        or (_ALL.search(before) and re.match(r"\s*[,;.]", after))
    ):
        return True
    if re.match(r"\s*:\s", after) and not re.search(r"\w", before):
        return True
    if (named := _NAMED_BEFORE.search(before)) and {stem(named[1]), named[1][:-1].lower()} & _NOUNS:
        return True
    words = _AFTER.match(after)
    said = [word for _, word in words_in(words.group())] if words else []
    told = {part for word in said for part in (stem(word), word.lower().rstrip("s"))}
    return bool(_NOUNS.intersection(told))


def counted(claim: Numbered, text: str, clause: Clause, evidence: Evidence) -> Finding:
    """Whether a count stands: as a row tells it, as a complete result does, or counted again in one."""
    n = int(claim.number.value)
    rows = clause.rows
    if (place := _PLACE.match(text, claim.end)) and _PLACED.search(text[: claim.start]):
        if 0 < n <= int(place["of"]):  # "Result 2 of 9": whether there are so many, the other number tells
            return Finding(claim.start, claim.end, "count", rows=rows)
    if _NUMBERED.search(text[: claim.start]) and 0 < n <= max(
        map(_most, evidence.sources_of(rows)), default=0
    ):
        return Finding(claim.start, claim.end, "count", rows=rows)
    own = {int(one.number.value) for row in rows for one in row.facts.figures if _counts(one.role, row)}
    own |= _of_field(text[claim.end :], rows, evidence.of(clause.sentence))
    own |= {text.count(";") + 1 for row in rows for text in row.facts.strings if ";" in text}
    if _UNFLAGGED.match(text, claim.end):
        own |= {sum("interpretation" not in r.record for r in one.rows) for one in evidence.sources_of(rows)}
    if not clause.cited:
        own |= _inventoried(text[claim.end :], evidence)
    if _REST.search(text) and not (_BEYOND.search(text) and not DENIAL.search(text)):
        own |= {one.total - len(one.rows) for one in evidence.sources_of(rows) if one.total}
        own |= {int(row.record["of"] - row.record["n"]) for row in rows if _is_share(row)}
    if n in own or _quoted(n, claim, text, rows) or n <= _told_apart(text[: claim.start], rows, evidence):
        return Finding(claim.start, claim.end, "count", rows=rows)
    sources = _relevant(claim, text, clause, evidence)
    scope = _scope(claim, clause.plain)
    summed = {
        sum(int(one.number.value) for row in source.rows for one in row.facts.figures if one.role == "count")
        for source in sources
    }
    noted = {
        int(number.value)
        for source in evidence.sources
        for note in source.notes
        for number in evidence.texts.read(note).numbers
        if number.whole
    }
    whole = bool(_WHOLE.search(text[: claim.start])) or bool(_CHECKED.match(text[claim.end :]))
    states = states_told(scope)
    totals = [
        source.counts
        for source in sources
        if whole or all(not states or row.facts.states & states for row in source.rows)
    ]
    told = summed | set().union(*totals) | (noted if not clause.cited else set())
    listed = {len(clause.sentence)} - {0}
    asked = any(n == one.value for one in evidence.question.numbers)
    if not asked and not _SOME.search(text[: claim.start]):
        listed -= {len(one.rows) for one in sources if not one.complete and one.total}
    if n in told | listed:
        return Finding(claim.start, claim.end, "count", rows=rows)
    scopes = {scope, _narrowed(claim, scope)}
    if _TAKING.search(text[: claim.start]):
        scopes.add(f"active {scope}")
    again = {count for source in sources for one in scopes for count in _recounts(source, one)}
    if n in again:
        return Finding(claim.start, claim.end, "count", rows=rows)
    if _SOME.search(text[: claim.start]) and (asked or n == len(clause.told)):
        return Finding(claim.start, claim.end, "count", rows=rows)
    if clause.denies and asked:
        return Finding(claim.start, claim.end, "count", rows=rows)
    if sources and not any(source.complete or source.total is not None for source in sources):
        return Finding(claim.start, claim.end, "count", "unsupported", "the result is not complete", rows)
    known = sorted(own | told | again)[:4]
    why = f"the records say {' or '.join(map(str, known))}" if known else "no result counts them"
    return Finding(claim.start, claim.end, "count", "contradicted" if known else "unsupported", why, rows)


def _inventoried(after: str, evidence: Evidence) -> set[int]:
    """What rows of counts say of the resource type that is named after the number."""
    named = _AFTER.match(after)
    stems = stems_in(named.group()) if named else set[str]()
    types = types_called(stems)
    return {
        int(one.number.value)
        for row in evidence.rows
        if not row.refs
        and ("kind" not in row.record or (kind := str(row.record["kind"])) in types or stem(kind) in stems)
        for one in row.facts.figures
        if one.role == "count"
    }


def _is_share(row: Row) -> bool:
    """Whether the row tells how many of how many."""
    return all(isinstance(row.record.get(key), int | float) for key in ("n", "of"))


def _of_field(after: str, rows: Sequence[Row], sentence: Sequence[Row]) -> set[int]:
    """What a field that is named after the count holds ("4 series"), in one row, or summed over the cited."""
    named = re.match(r"\s+(\w+)", after)
    key = stem(named[1]) if named else ""
    held = [
        [int(one.number.value) for one in row.facts.figures if key and stem(one.role) == key]
        for row in [*rows, *sentence]
    ]
    return {n for one in held for n in one} | {sum(n for one in held[len(rows) :] for n in one)} - {0}


def _counts(role: str, row: Row) -> bool:
    return role == "count" or (row.tool == "query_chart" and role not in ("value", "text", "name", "range"))


def _quoted(n: int, claim: Numbered, text: str, rows: Sequence[Row]) -> bool:
    """Whether a text of the rows counts the same thing ("1 tablet", "3 views")."""
    told = re.match(r"\s+([A-Za-z]+)", text[claim.end :])
    if not told:
        return False
    for row in rows:
        words = row.words
        if stem(told[1]) in words and any(
            one.role in ("text", "name") and one.number.value == n for one in row.facts.figures
        ):
            return True
    return False


def _relevant(claim: Numbered, text: str, clause: Clause, evidence: Evidence) -> list[Source]:
    """The results that the count is told from: those of the cited records; else of the kind that is named."""
    own = evidence.sources_of(evidence.of(clause.sentence)) if clause.cited else []
    after = _AFTER.match(text[claim.end :])
    types = types_called(stems_in(after.group())) if after else set()
    found = [one for one in evidence.sources if types & one.types or one in own]
    return found or evidence.sources


def _scope(claim: Numbered, text: str) -> str:
    """The clause up to where what is counted is told one by one, or set beside other counts."""
    end = re.search(r"[:;(]|, (?:\w+ )?(?:more|fewer|less)\b", text[claim.end :])
    return text[: claim.end + end.start()] if end else text


def _narrowed(claim: Numbered, scope: str) -> str:
    """The scope from its own count to the next one: "three are active, one is resolved"."""
    text = undated(scope)
    cuts = list(_NEXT.finditer(text))
    ends = [cut.start() for cut in cuts if cut.start() >= claim.end]
    starts = [cut.start() for cut in cuts if cut.start() <= claim.start < cut.end()]
    starts = [
        start for start in starts if any(cut.end() <= start for cut in cuts) or _NUMBER.search(text[:start])
    ]
    return scope[max(starts, default=0) : min(ends, default=len(scope))]


def _most(source: Source) -> int:
    return max(source.counts, default=0)


def _told_apart(before: str, rows: Sequence[Row], evidence: Evidence) -> int:
    """Of how many records one may be told apart: those of the type of the first row."""
    if not rows or not _ONE_OF.search(before):
        return 0
    return len({row.refs for row in evidence.of_type(rows[0].type)})


def _recounts(source: Source, scope: str) -> Iterator[int]:
    """How many rows of a complete result there are, of the states, names, kinds and years that are told."""
    rows = [row for row in source.rows if row.refs]
    if not source.complete:
        rows = _covered(rows, scope)
    stems = stems_in(scope)
    kinds = stems & KIND_STEMS
    base = [row for row in rows if kinds & row.kinds] if kinds else []
    for among in (rows, base):
        for chosen in _chosen(among, scope, stems) if among else ():
            yield len(chosen)
            yield len({row.label.casefold() for row in chosen})
            yield len({drug_of(row) or row.label.casefold() for row in chosen})


def _covered(rows: Sequence[Row], scope: str) -> list[Row]:
    """The records of the days that are told, of a result that is cut short after them: older ones follow."""
    days = [row.date[:10] for row in rows]
    readings = [reading for dated in dates_in(scope) for reading in dated.readings]
    told = {dated_iso(reading) for reading in readings}
    if not told or not all(told) or days != sorted(days, reverse=True) or not days or min(told) <= days[-1]:
        return []
    return [row for row in rows if row.date[:10] in told]


def _chosen(rows: Sequence[Row], scope: str, stems: set[str]) -> Iterator[list[Row]]:
    states = states_told(scope)
    stated = [row for row in rows if not states or row.facts.states & states]
    if levels := levels_told(scope):
        stated = [row for row in stated if level_of(row) in levels]
    named = [row for row in rows if stems & row.head]
    windows = [reading for dated in dates_in(scope) for reading in dated.readings]
    within = [row for row in rows if _within(row, windows, scope)] if windows else list(rows)
    yield stated
    yield [row for row in stated if row in named]
    if windows:
        yield [row for row in within if row in stated]
        yield [row for row in within if row in stated and row in named]


def _within(row: Row, windows: Sequence[Day], text: str) -> bool:
    days = [day for dated in dates_in(row.date[:10]) for day in dated.readings]
    if any(window.stands_in(day) for window in windows for day in days):
        return True
    if not re.search(r"\b(?:since|after|from|between)\b", text, re.IGNORECASE):
        return False
    years = [window.year for window in windows if window.year]
    top = max(years) if len(years) > 1 else 9999
    return any(day.year and years and min(years) <= day.year <= top for day in days)
