"""Places in free text that no record of the chart tells: clinics, employers, schools, towns."""

import re
from collections.abc import Collection, Iterator

from agent.egress.deidentification.folding import folded
from agent.egress.deidentification.lexicon import LISTS, english, is_clinical, names
from agent.egress.deidentification.spans import Span

_CAP = r"(?:[A-ZÀ-ÖØ-Þ]\.(?![a-z])|St\.|[A-ZÀ-ÖØ-Þ][\w'’-]*)"
_SMALL = r"(?:de|la|du|of|the|del|des|and|&)"
_RUN = re.compile(
    rf"(?<![\w.])(?P<first>{_CAP})(?:[ \t]+(?:{_SMALL}[ \t]+){{0,2}}{_CAP}|[ \t]+&[ \t]+{_CAP})*"
    r"(?:(?<=Local)[ \t]+\d{1,4})?"
)
_BEFORE = re.compile(
    r"\b(?:at|from|to|for|near|by|via|with|in|on|of|into|through|outside|around|towards?)"
    r"(?:[ \t]+the)?[ \t]+$"
)
_LABEL_BEFORE = re.compile(
    r"\b(?:school|pharmacy|employer|clinic|facility|hospital|college|church|works?|daycare|workplace|congregation)"
    r"(?:\s+(?:of|name|at))?[ \t]*[:-]?[ \t\n]+$",
    re.IGNORECASE,
)
_TOWN_BEFORE = re.compile(r"\b(?:in|from|near|to|at|outside|around)[ \t]+$")
_FACILITY = frozenset(LISTS["facilities"].split())
_WARDS = frozenset(LISTS["wards"].split())


def places_in(text: str, medicine: Collection[str]) -> Iterator[Span]:
    """Institutions and towns, by their capitals and what stands before them. `medicine` are words that name
    none."""
    for match in _RUN.finditer(text):
        words = [folded(word).strip(".'’") for word in re.findall(r"[^\W\d_][\w'’-]*\.?", match.group())]
        told = [word for word in words if word not in ("of", "the", "and", "de", "la", "du", "del", "des")]
        if not any(letter.islower() for letter in match.group()):
            continue
        before = text[max(0, match.start() - 20) : match.start()]
        medical = [word in medicine or is_clinical(word) or word in _WARDS for word in told]
        if len(told) > 1 and any(word in _FACILITY for word in told[1:]) and not all(medical):
            # At the beginning of a line or sentence the first word may be a heading's or a verb.
            yield Span(match.start(), match.end(), "ORGANISATION")
        elif (
            len(told) > 1
            and (_BEFORE.search(before) or _LABEL_BEFORE.search(before))
            and sum(medical) * 2 < len(told)
        ):
            yield Span(match.start(), match.end(), "ORGANISATION")
        elif len(told) == 1 and _TOWN_BEFORE.search(before) and not medical[0]:
            if told[0] in english() or told[0] in names():
                yield Span(match.start(), match.start() + len(match["first"].rstrip(".")), "PLACE")
