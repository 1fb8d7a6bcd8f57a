"""What a question asks the notes about, word for word: "do the notes mention falls?"."""

from datetime import date

from agent.models.offline.windows import window_at

LONGEST = 6
_NOTES = frozenset(
    [
        "note",
        "notes",
        "document",
        "documents",
        "documentation",
        "documented",
        "letter",
        "letters",
        "summary",
        "summaries",
        "report",
        "reports",
        "chart",
        "record",
        "records",
    ]
)
# What stands before the topic, the longest first.
_LEADS = """
say about, says about, said about, say anything about, say regarding, say on, mention, mentions, mentioning,
mention of, mentions of, mentioned about, written about, document about, documented about, state about,
states about, notes regarding, notes concerning, notes about, note about, notes on, notes for, note for,
talk about, talks about, reference to, references to, refer to, refers to, containing, discuss, discusses,
discussing, describe, describes, describing, with mention of, letters about
"""
_BEFORE = sorted((tuple(lead.split()) for lead in _LEADS.split(",")), key=len, reverse=True)
_MENTIONED = frozenset(["mentioned", "discussed", "described", "referenced"])
_OPENERS = frozenset(
    [
        "is",
        "was",
        "were",
        "are",
        "has",
        "have",
        "had",
        "been",
        "ever",
        "any",
        "where",
        "when",
        "which",
        "what",
        "find",
        "does",
        "do",
        "did",
        "show",
        "me",
        "please",
        "in",
        "notes",
        "note",
        "documents",
        "the",
        "her",
        "his",
    ]
)
_TRIMMED = frozenset(
    ["the", "a", "an", "her", "his", "their", "any", "patient", "having", "of", "about", "anything"]
)
# A topic with one of these is a question of its own, or two topics.
_BARRED = frozenset(
    [
        "and",
        "or",
        "not",
        "no",
        "without",
        "is",
        "are",
        "was",
        "were",
        "does",
        "do",
        "did",
        "has",
        "have",
        "should",
        "could",
        "would",
        "what",
        "when",
        "why",
        "how",
        "who",
        "which",
        "where",
        "than",
        "if",
        "she",
        "he",
        "they",
        "last",
        "first",
        "latest",
    ]
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
                return _cut(tokens[:at] + kept, tokens[at + len(lead) :], now) or (None, tokens)
        if tokens[at] in _MENTIONED and at > 0:
            start = next(i for i in range(at + 1) if tokens[i] not in _OPENERS)
            topic = _trimmed(tokens[start:at])
            return (topic, tokens[:start] + tokens[at + 1 :]) if topic else (None, tokens)
    return None, tokens


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
