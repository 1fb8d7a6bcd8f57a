"""What a criterion's words stand for: the codes to search for, and the records that are about it."""

from collections import Counter
from collections.abc import Iterable

from mcp_servers.fhir import terminology
from mcp_servers.fhir.charts.elements import Resource, first, objects, string
from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.reading.paging import Pages


def meant(text: str, kinds: tuple[terminology.Kind, ...]) -> tuple[terminology.Meaning, list[str]]:
    """What a criterion's words mean, and notes. Raises InvalidRequest where that is nothing or unclear."""
    found = terminology.find(text, kinds)
    meaning = terminology.meaning_of(text, found.concepts)
    if not meaning.code and len(found.concepts) > 1:
        several = ", ".join(concept.name for concept in found.concepts)
        raise InvalidRequest(f"`{text}` may mean {several}; ask for one of them, or give its code.")
    if not meaning.code and not found.concepts:
        near = ", ".join(terminology.near(text, kinds))
        raise InvalidRequest(
            f"`{text}` is no {kinds[0]} that the dictionary knows; give its code as system|code"
            + (f", or one of: {near}." if near else ".")
        )
    return meaning, [found.note] if found.note else []


def covered(pages: Pages, meaning: terminology.Meaning) -> list[Resource]:
    """The records that are about what was meant; of thousands, this takes a while."""
    return [
        record
        for record in pages.matches.values()
        if any(map(meaning.covers, terminology.codeables(record, pages.included)))
    ]


def codes_about(records: Iterable[Resource], pages: Pages, meaning: terminology.Meaning) -> list[str]:
    """The codes under which records of `pages` are about what was meant, the most frequent first."""
    named = (one for record in records for one in terminology.codeables(record, pages.included))
    return codes_of(one for one in named if meaning.covers(one))


def codes_of(concepts: Iterable[object]) -> list[str]:
    """The codes of CodeableConcepts, as tokens; the most frequent first."""
    counted = Counter(
        f"{string(coding.get('system')) or ''}|{code}"
        for concept in concepts
        for coding in objects(first(concept).get("coding"))
        if (code := string(coding.get("code")))
    )
    return [token for token, _ in counted.most_common()]


def tokens(meaning: terminology.Meaning, in_use: Pages) -> list[str]:
    """The codes to search for: of the dictionary, the one given, and those met in use, as `system|code`."""
    known = [f"{code.system}|{code.code}" for concept in meaning.concepts for code in concept.codes]
    given = [f"{meaning.system}|{meaning.code}" if meaning.system else meaning.code] if meaning.code else []
    if given and given[0].rpartition("|")[2] in {token.rpartition("|")[2] for token in known}:
        known, given = [t for t in known if t.rpartition("|")[2] == meaning.code], []
    seen = codes_about(in_use.matches.values(), in_use, meaning)
    return sorted({*known, *given, *(token for token in seen if "," not in token and "$" not in token)})
