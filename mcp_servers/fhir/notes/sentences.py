"""The sentences of a note and the headings they stand under, as offsets into its text."""

import re
from collections.abc import Iterator
from typing import NamedTuple

# A longer one is divided at white space: it is no sentence but a table, or text without punctuation.
LONGEST = 1000

_LINE = re.compile(r"[^\n]+")
_END = re.compile(r"[.!?][\"')\]]*\s+(?=[^\sa-z])")
# What ends in a full stop and is no end: titles and the like, initials, the number of a list's item.
_NO_END = re.compile(r"(?:\b(?:Dr|Mr|Mrs|Ms|Prof|St|No|vs|approx|e\.g|i\.e|[A-Z])|^\W*\d{1,4})\.\W*$")
_NAMES = (
    r"(?:chief|presenting) complaints?|(?:history of )?(?:the )?present(?:ing)? illness|hpi|cc"
    r"|(?:past )?(?:medical|surgical|social|family|psychiatric|ob(?:stetric)?) (?:history|hx)"
    r"|pmh|psh|fhx?|shx?|social|history|(?:current |home |discharge )?medications?|meds|(?:drug )?allergies"
    r"|review of systems|ros"
    r"|(?:physical )?exam(?:ination)?|vital signs|vitals|labs?|(?:laboratory )?results|imaging|findings"
    r"|impression|assessment(?: (?:and|&) plan)?|plan|a/p|diagnos[ie]s|(?:discharge|admission) diagnos[ie]s"
    r"|hospital course|procedures?|conclusions?|recommendations?|indication|technique|comparison"
    r"|disposition|follow[- ]?up|instructions|subjective|objective|interval history|[soap]"
)
_MARKED = re.compile(r"#{1,6}\s+(?P<title>[^\n.;:]{1,60}):?|(?P<colon>[A-Z][^:.\n]{0,60}):")
_CAPITALS = re.compile(r"[A-Z][A-Z0-9 /&,()'-]{3,60}:?")
_LABELLED = re.compile(rf"(?P<title>{_NAMES})\s*:(?=\s)", re.IGNORECASE)
_WRAPPED_FROM = 45


class Sentence(NamedTuple):
    """A sentence at text[start:end], the first one of a section with its heading; `heading` is that title."""

    start: int
    end: int
    heading: str | None


def sentences(text: str, headings: list[tuple[int, int]]) -> Iterator[Sentence]:
    """The sentences of a cleaned text in their order; together they hold every character but white space.

    A text whose headings are not known is searched for lines that look like some.
    """
    known = dict(headings)
    heading: str | None = None
    first_from: int | None = None  # where a heading stands that no sentence has followed yet
    open_from: int | None = None
    open_to = 0
    for line in _LINE.finditer(text):
        start, end = line.span()
        title, alone = (text[start:end], True) if known.get(start) == end else _title(line[0])
        if open_from is not None:
            if not title and _goes_on(text[open_from:open_to], line[0], text[open_to:start]):
                open_to = end
                continue
            yield from _divided(text, first_from, open_from, open_to, heading)
            first_from = open_from = None
        if title and alone:
            if first_from is not None:
                yield Sentence(first_from, open_to, heading)
            heading, first_from, open_to = title, start, end
            continue
        if title and not known:
            heading = title
        open_from, open_to = start, end
    if open_from is not None:
        yield from _divided(text, first_from, open_from, open_to, heading)
    elif first_from is not None:
        yield Sentence(first_from, open_to, heading)


def _title(line: str) -> tuple[str, bool]:
    """The heading in a line, if there is one, and whether the line holds nothing else."""
    if marked := _MARKED.fullmatch(line):
        return (marked["title"] or marked["colon"]).strip(), True
    if _CAPITALS.fullmatch(line):
        return line.rstrip(":"), True
    labelled = _LABELLED.match(line)
    return (labelled["title"], False) if labelled else ("", False)


def _goes_on(before: str, line: str, between: str) -> bool:
    """Whether a line goes on with the sentence before it, which was too long for its line."""
    last = before.rpartition("\n")[2]
    return between == "\n" and len(last) >= _WRAPPED_FROM and last[-1] not in ".:;!?" and line[0].islower()


def _divided(text: str, first: int | None, start: int, end: int, heading: str | None) -> Iterator[Sentence]:
    """The sentences of a paragraph at text[start:end]; its first one begins at `first`, if that is given."""
    begin = start if first is None else first
    for found in _END.finditer(text, start, end):
        if not _NO_END.search(text[max(begin, start, found.end() - 12) : found.end()]):
            yield from _short(text, begin, found.end(), heading)
            begin = found.end()
    yield from _short(text, begin, end, heading)


def _short(text: str, start: int, end: int, heading: str | None) -> Iterator[Sentence]:
    while start < end:
        stop = end
        if end - start > LONGEST:
            space = max(text.rfind(" ", start, start + LONGEST), text.rfind("\n", start, start + LONGEST))
            stop = space if space > start else start + LONGEST
        words = text[start:stop]
        begin = start + len(words) - len(words.lstrip())
        if begin < stop:
            yield Sentence(begin, start + len(words.rstrip()), heading)
        start = stop
