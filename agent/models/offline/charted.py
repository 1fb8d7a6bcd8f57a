"""Names that no dictionary has: of this chart's own records, found by the words that were left unread."""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from agent.messages import Action, ToolResult
from agent.models.offline.concepts import Concept, Kind, Lexicon, within
from agent.models.offline.reading import Reading

_KINDS: dict[str, Kind] = {
    "problem": "problem",
    "medication order": "drug",
    "medication statement": "drug",
    "medication given": "drug",
    "medication dispensed": "drug",
    "allergy": "substance",
    "immunization": "vaccine",
    "procedure": "procedure",
    "measurement": "measurement",
}
# Any word of a name finds it; a second one, as the first may be no part of one.
_TRIED = 2
_SHORTEST = 4
_MOST = 50
# "Social isolation (finding)", "Glucose [Mass/volume] in Serum": what questions may leave out.
_ASIDE = re.compile(r"\s*(?:\([^()]*\)|\[[^\]]*\])")

Name = tuple[Kind, str]


def lookups(reading: Reading) -> list[Action]:
    """The calls that find which names of the chart hold the unread words; none where they can be none."""
    given = {taken: said for said, taken in reading.corrected}
    unread = {given.get(word, word) for word in reading.unread}
    telling = [word for word in unread if len(word) >= _SHORTEST and word.isalpha()]
    chosen = sorted(telling, key=lambda word: (-len(word), word))[:_TRIED]
    return [Action(tool="lookup_code", arguments={"text": word, "limit": _MOST}) for word in chosen]


def names_found(results: Iterable[ToolResult]) -> tuple[Name, ...]:
    """The names of the chart's records in the results of such calls, each with what it names."""
    rows = [
        row
        for result in results
        if result.tool == "lookup_code" and result.error is None
        for row in (result.data or {}).get("rows", ())
    ]
    found = (
        (_KINDS[row["kind"]], row["name"]) for row in rows if row.get("kind") in _KINDS and "name" in row
    )
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=8)
def with_names(lexicon: Lexicon, names: tuple[Name, ...]) -> Lexicon:
    """The lexicon and the names of a chart; what the dictionary calls so stays what it is."""
    if not names:
        return lexicon
    wider = replace(lexicon, concepts=dict(lexicon.concepts), spelled=dict(lexicon.spelled))
    for kind, name in names:
        short = _ASIDE.sub("", name).strip()
        phrases = [phrase for phrase in map(wider.key, dict.fromkeys((name, short))) if phrase]
        concept = Concept(kind, within(name), tuple(phrases))
        for phrase in phrases:
            if phrase not in lexicon.cues and phrase not in lexicon.fillers:
                wider.concepts[phrase] = {kind: concept, **wider.concepts.get(phrase, {})}
    return wider
