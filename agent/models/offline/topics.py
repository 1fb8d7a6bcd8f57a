"""What a question asks the notes about, word for word: "do the notes mention falls?"."""

from collections.abc import Sequence, Set
from datetime import date

from agent.models.offline.concepts import listed
from agent.models.offline.windows import window_at

LONGEST = 6
_MOST_BEFORE = 3
# Cues that ask for nothing more where notes are named.
_ASIDE = frozenset({"note", "past", "whether", "list", "is"})


_WRITINGS = frozenset(listed("topics", "writings"))
_NOTES = _WRITINGS.union(listed("topics", "records"))
_BEFORE = sorted((tuple(lead.split()) for lead in listed("topics", "leads")), key=len, reverse=True)
_RECORDED = frozenset(listed("topics", "recorded"))
_MENTIONED, _OPENERS, _SEEKING, _WRITTEN, _WHOEVER = (
    frozenset(listed("topics", kind)) for kind in ("mentioned", "openers", "seeking", "written", "whoever")
)
_TRIMMED, _BARRED, _PATIENT, _BEEN = (
    frozenset(listed("topics", kind)) for kind in ("trimmed", "barred", "patient", "been")
)


def find_topic(tokens: list[str], now: date) -> tuple[str | None, list[str]]:
    """The topic, and the tokens without it and without the words that lead to it; None where there is none.

    A time at its end, and "in the notes" after it, are no part of it.
    """
    if not _NOTES.intersection(tokens):
        return None, tokens
    for at in range(len(tokens)):
        for lead in _BEFORE:
            if tuple(tokens[at : at + len(lead)]) == lead:
                kept = [token for token in lead if token in _NOTES]
                region = tokens[at + len(lead) :]
                if lead[-1] == "for" and {" ".join(region[:2]), *region[:1]} & _PATIENT:
                    return None, tokens
                if region and _begins_rest(region, 0, now):  # "syncope: any mention in the notes?"
                    return _placed(tokens[:at] + region, now) or (None, tokens)
                before = [token for token in tokens[:at] if token not in _WHOEVER]
                if _trimmed(region) in _RECORDED and not _WRITINGS.intersection(tokens):
                    return None, tokens
                return _cut(before + kept, region, now) or (None, tokens)
        if tokens[at] in _MENTIONED and at > 0:
            end = next((end for end in range(at, 0, -1) if tokens[end - 1] not in _BEEN), at)
            start = next((start for start in range(end, 0, -1) if tokens[start - 1] in _OPENERS), 0)
            topic = _trimmed(tokens[start:end])
            before = [token for token in tokens[:start] if token not in _WHOEVER]
            return (topic, before + tokens[at + 1 :]) if topic else (None, tokens)
    return _placed(tokens, now) or (None, tokens)


def is_of_notes(cues: Set[str], named: Sequence[Set[str]]) -> bool:
    """Whether notes and one problem are named, and nothing else is asked ("did anybody document falls?")."""
    return len(named) == 1 and named[0] == {"problem"} and "note" in cues and cues <= _ASIDE


def _placed(tokens: list[str], now: date) -> tuple[str, list[str]] | None:
    """`syncope in the notes`, `any falls documented in her notes since 2020`."""
    at = next((at for at in range(1, len(tokens)) if _begins_rest(tokens, at, now)), len(tokens))
    place = next((end for end in range(at + 1, len(tokens) + 1) if tokens[end - 1] in _WRITINGS), 0)
    before, rest = tokens[:at], tokens[place:]
    if not place or (rest and (found := window_at(rest, 0, now)) and found[1] != len(rest)):
        return None
    while before and before[0] in _SEEKING:
        before = before[1:]
    while before and before[-1] in _WRITTEN:
        before = before[:-1]
    topic = _trimmed(before) if len(before) <= _MOST_BEFORE and not _NOTES.intersection(before) else None
    return (topic, ["notes", *rest]) if topic else None


def _cut(before: list[str], region: list[str], now: date) -> tuple[str, list[str]] | None:
    end = next((at for at in range(1, len(region)) if _begins_rest(region, at, now)), len(region))
    topic = _trimmed(region[:end])
    return (topic, before + region[end:]) if topic else None


def _begins_rest(region: list[str], at: int, now: date) -> bool:
    """Whether what follows is a time to the end of the question, or where to look ("in her notes")."""
    place = region[at] in ("in", "from", "within") and bool(_NOTES.intersection(region[at + 1 : at + 4]))
    window = window_at(region, at, now)
    return place or (window is not None and window[1] == len(region))


def _trimmed(said: list[str]) -> str | None:
    while said and said[0] in _TRIMMED:
        said = said[1:]
    fits = 0 < len(said) <= LONGEST and not _BARRED.intersection(said)
    return " ".join(said) if fits else None
