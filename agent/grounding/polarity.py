"""What the texts of the cited records deny, told as if they affirmed it, and the other way round."""

import re
from collections.abc import Iterator

from agent.grounding.clauses import DENIAL, Clause, Finding
from agent.grounding.vocabulary import GENERIC_STEMS, KIND_STEMS, is_common
from agent.grounding.written import Span, stem, words_in

# What a denial reaches: to where the sentence, a bracket or a list ends, or turns.
_END = re.compile(
    r"[.;:()\n]|\b(?:but|however|although|though|except|yet|which|who|with|reports?|has|have"
    r"|and (?:is|was|are|were|\w+(?:[^s]s|ed)))\b",
    re.IGNORECASE,
)
_DENIED_NEARBY = re.compile(
    r"\b(?:absent|ruled out|excluded|negative|denied|not|never|neither|none|whether|if|absence|rather"
    r"|instead)\b",
    re.IGNORECASE,
)
_MORE = re.compile(r"\s*(?:other|further|more|additional|new|longer)\b", re.IGNORECASE)
_BETWEEN = re.compile(r"\b([a-z]{3,})\s+(?:is |are |was |were )?(not?)\s+([a-z]{3,})\b", re.IGNORECASE)


def polarity(clause: Clause) -> Iterator[Finding]:
    """A telling word that the cited texts hold only within a denial, and the clause outside of any; and a
    denial put between two words that stand side by side in them."""
    if not clause.cited:
        return
    texts = {text for row in clause.rows for text in row.text.split("\n") if " " in text}
    denied, affirmed = set[str](), set[str]()
    for text in texts:
        scopes = [_to_comma(text, scope) for scope in denials_in(text)]
        for span, word in words_in(text):
            (denied if within(span.start, scopes) else affirmed).add(stem(word))
    only = denied - affirmed - GENERIC_STEMS - KIND_STEMS
    scopes = list(denials_in(clause.lead))
    ahead = len(clause.lead) - len(clause.plain)
    for span, word in words_in(clause.plain) if only else ():
        if stem(word) not in only or is_common(word) or within(ahead + span.start, scopes):
            continue
        before, after = clause.plain[: span.start], clause.plain[span.end :]
        if not _DENIED_NEARBY.search(f"{re.split('[,;:]', before)[-1]} {re.split('[,;:]', after)[0]}"):
            yield Finding(span.start, span.end, "negation", "contradicted", "its text denies it", clause.rows)
            break
    for scope in denials_in(clause.plain):
        yield from _denied_outright(scope, clause, texts)
    for match in _BETWEEN.finditer(clause.plain):
        side_by_side = rf"\b{match[1]}\s+(?:is |are |was |were )?{match[3]}\b"
        if any(re.search(side_by_side, text, re.IGNORECASE) for text in texts):
            why = "its text does not deny it"
            yield Finding(*match.span(2), "negation", "contradicted", why, clause.rows)


def _denied_outright(scope: Span, clause: Clause, texts: set[str]) -> Iterator[Finding]:
    """Two telling words or more that one text affirms side by side, denied together: "no polyps removed"."""
    said = clause.plain[scope.start : scope.end]
    if _MORE.match(said) or not re.search(r"\bno\s$", clause.plain[: scope.start + 1], re.IGNORECASE):
        return
    words = [stem(word) for _, word in words_in(said) if not is_common(word)]
    telling = [word for word in words if word not in GENERIC_STEMS | KIND_STEMS]
    for text in texts if len(telling) > 1 else ():
        held = [stem(word) for _, word in words_in(text) if not is_common(word)]
        whole = not any(True for _ in denials_in(text))
        if whole and any(held[at : at + len(telling)] == telling for at in range(len(held))):
            why = "its text says so"
            yield Finding(scope.start, scope.end, "negation", "contradicted", why, clause.rows)
            return


def denials_in(text: str) -> Iterator[Span]:
    """What each denial of a text reaches."""
    for match in DENIAL.finditer(text):
        end = _END.search(text, match.end())
        yield Span(match.end(), end.start() if end else len(text))


def within(at: int, scopes: list[Span]) -> bool:
    """Whether a place lies in one of these."""
    return any(scope.start <= at < scope.end for scope in scopes)


def _to_comma(text: str, scope: Span) -> Span:
    """A denial ends at a comma, unless it is of a list ("no pain, fever or cough")."""
    said = text[scope.start : scope.end]
    if "," not in said or re.search(r"\b(?:or|nor)\b", said):
        return scope
    return Span(scope.start, scope.start + said.index(","))
