"""Hold an answer against the evidence, claim by claim, and mark what the evidence does not support.

An answer is read clause by clause: the text up to a citation belongs to that citation, so that in
"potassium 4.1 [Observation/k], creatinine 1.2 [Observation/c]" neither number can stand in the other's row.
A clause without a citation is held to the rows that it names, or to those before it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.grounding.alternatives import alternatives
from agent.grounding.belonging import belonging
from agent.grounding.clauses import Clause, Finding, clauses, subject
from agent.grounding.comparisons import comparisons
from agent.grounding.courses import courses, told_change
from agent.grounding.denials import denials
from agent.grounding.evidence import Evidence, Readings, gather
from agent.grounding.figures import figures
from agent.grounding.naming import citations as cited_in
from agent.grounding.naming import named_in, names, phrases, phrases_in
from agent.grounding.places import places
from agent.grounding.polarity import polarity
from agent.grounding.relations import relations
from agent.grounding.sequences import sequences
from agent.grounding.shares import shares
from agent.grounding.standing import standing
from agent.grounding.superlatives import superlatives
from agent.grounding.valued import valued
from agent.grounding.written import CITATION, REFERENCE, Span, blank
from agent.grounding.yearly import yearly
from agent.messages import Claim, Grounding, ToolResult, Verdict

_LIST_NUMBER = re.compile(r"^[ \t>*#-]*\d{1,3}[.)][ \t]+(?=[*_`]*[^\W\d])", re.MULTILINE)
_FAILED = ("contradicted", "unsupported")
# What an opinion says is not in a record to be compared with.
_JUDGEMENT = re.compile(
    r"\b(?:(?:well|poorly|adequately|better)[- ]controlled|improv\w+|worsen\w+|concerning|reassuring"
    r"|acceptable|at goal)\b",
    re.IGNORECASE,
)
_MARK = "⟨unverified: {}⟩"
# A word of the question that the answer took for another: it tells of no record.
_READ_AS = re.compile(r'\bread "([^"]+)" as "[^"]+"', re.IGNORECASE)


@dataclass(frozen=True)
class GroundingReport:
    """What was checked, the answer with unsupported claims marked, and the citations that stand."""

    grounding: Grounding
    text: str
    citations: tuple[str, ...]


def check(
    text: str,
    citations: Sequence[str],
    results: Sequence[ToolResult],
    question: str,
    now: str,
    *,
    earlier: Sequence[str] = (),
    readings: Readings | None = None,
) -> GroundingReport:
    """Check every claim of an answer against the evidence: numbers, dates, names, states, denials, counts,
    comparisons, directions, ranks and references.

    `citations` are the `Type/id` that the answer lists beside its text; `now` (ISO 8601) may be repeated.
    What stands only in the question, or in one `earlier` that it follows on from, may be repeated where the
    answer denies it, or as the bound of a search ("since 2020"). Places of claims are in the marked text.
    `readings` keeps what was read of the results for the next answer of the conversation.
    """
    evidence = gather(results, question, now, earlier, readings)
    known = set(evidence.known)
    listed = [ref for citation in citations for ref in REFERENCE.findall(citation) or [citation]]
    listed = list(dict.fromkeys(listed))
    own, notes = text, list(_repeated(evidence.notes, text))
    for note in notes:
        own = blank(own, note.start, note.end)
    for taken in _READ_AS.finditer(own):
        if taken[1].casefold() in question.casefold():
            own = blank(own, *taken.span())
    found = [Finding(note.start, note.end, "quote") for note in notes]
    found += _findings(own, [ref for ref in listed if ref in known], evidence)
    inline = [ref for group in CITATION.finditer(own) for ref in REFERENCE.findall(group.group())]
    marked, claims = _marked(text, found)
    claims += [_listed(ref, known, len(marked)) for ref in listed if ref not in inline]
    failed = tuple(dict.fromkeys(claim.text for claim in claims if claim.verdict in _FAILED))
    return GroundingReport(
        Grounding(checked=len(claims), unsupported=failed, claims=tuple(claims)),
        marked,
        tuple(ref for ref in dict.fromkeys([*listed, *inline]) if ref in known),
    )


def _listed(ref: str, known: set[str], end: int) -> Claim:
    """A reference that stands only in the answer's list of citations."""
    verdict: Verdict = "supported" if ref in known else "contradicted"
    why = "" if ref in known else "no call brought this record"
    return Claim(text=ref, kind="citation", start=end, end=end, refs=(ref,), verdict=verdict, why=why)


def _findings(text: str, listed: Sequence[str], evidence: Evidence) -> Iterator[Finding]:
    """The claims of the whole text (repeated notes blanked out), with places in it."""
    own = _LIST_NUMBER.sub(lambda match: " " * len(match.group()), text)
    named = subject(evidence.question_text, evidence)
    for clause in clauses(own, listed, evidence):
        named = named_in(clause, evidence, named)
        for found in _of_clause(clause, evidence, named):
            yield Finding(
                clause.start + found.start,
                clause.start + found.end,
                found.kind,
                found.verdict,
                found.why,
                found.rows,
            )
    yield from told_change(CITATION.sub(lambda match: " " * len(match.group()), own))


def _of_clause(clause: Clause, evidence: Evidence, named: set[str]) -> Iterator[Finding]:
    yield from cited_in(clause, evidence, named)
    rest = clause.plain
    for found in figures(clause, evidence):
        yield found
        rest = blank(rest, found.start, found.end)
    told = list(phrases_in(rest))
    yield from names(clause, evidence, rest, told)
    yield from phrases(clause, evidence, told)
    yield from denials(clause, evidence)
    yield from standing(clause, evidence)
    yield from courses(clause, evidence)
    yield from alternatives(clause, evidence)
    yield from polarity(clause)
    yield from belonging(clause)
    yield from comparisons(clause, evidence)
    yield from sequences(clause, evidence)
    yield from relations(clause, evidence)
    yield from superlatives(clause, evidence)
    yield from places(clause, evidence)
    yield from shares(clause, evidence)
    yield from yearly(clause, evidence)
    yield from valued(clause, evidence)
    for match in _JUDGEMENT.finditer(clause.plain):
        yield Finding(match.start(), match.end(), "judgement", "not_checkable", "an opinion, not a record")


def _repeated(notes: Sequence[str], text: str) -> Iterator[Span]:
    """Where the text repeats a whole note of a result, sentence for sentence: it stands as it is.

    The records that a note names are told of, not cited.
    """
    for note in sorted(set(notes), key=len, reverse=True):
        if note and note in text:
            for match in re.finditer(rf"(?<!\S){re.escape(note)}(?!\S)", text):
                yield Span(match.start(), match.end())
                text = blank(text, match.start(), match.end())


def _marked(text: str, found: Sequence[Finding]) -> tuple[str, list[Claim]]:
    """The text with what does not stand between marks, and the claims at their places in it."""
    wrong: list[Finding] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if one.verdict in _FAILED and one.end > one.start and (not wrong or one.start >= wrong[-1].end):
            wrong.append(one)
    opening, closing = _MARK.split("{}")
    for one in reversed(wrong):
        text = f"{text[: one.start]}{opening}{text[one.start : one.end]}{closing}{text[one.end :]}"

    def moved(at: int, *, closes: bool) -> int:
        return at + sum(
            len(opening) * (one.start < at or (one.start == at and not closes))
            + len(closing) * (one.end < at or (one.end == at and not closes))
            for one in wrong
        )

    claims = []
    for one in sorted(found, key=lambda one: (one.start, one.end)):
        start, end = moved(one.start, closes=False), moved(one.end, closes=True)
        refs = tuple(dict.fromkeys(ref for row in one.rows for ref in row.refs))[:8]
        told = _MARKS.sub("", text[start:end])
        claims.append(
            Claim(text=told, kind=one.kind, start=start, end=end, refs=refs, verdict=one.verdict, why=one.why)
        )
    return text, claims


_MARKS = re.compile("⟨unverified: |⟩")
