"""What a criterion's words stand for: the codes to search for, and the records that are about it."""

from collections import Counter
from collections.abc import Iterable

from mcp_servers.fhir import terminology
from mcp_servers.fhir.charts.elements import Resource, objects, string
from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.reading.paging import Pages


def meant(text: str, kinds: tuple[terminology.Kind, ...]) -> tuple[terminology.Meaning, list[str]]:
    """What a criterion's words mean, and notes; a code means itself, that of a drug its concept, as noted.

    Raises InvalidRequest where that is nothing or unclear.
    """
    found = terminology.find(text, kinds)
    meaning = terminology.meaning_of(text, found.concepts)
    if meaning.code and not meaning.system and found.note:  # a misspelt name with a digit in it
        meaning = meaning._replace(code="")
    if meaning.code and kinds == ("condition",):
        return meaning._replace(concepts=frozenset(), words=()), []
    if meaning.code and meaning.kinds & {"drug", "class"}:
        names = " or ".join(one.name for one in found.concepts)
        return meaning, [f"`{text}` is counted as {names}, under any code."]
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
    codings = [
        (string(coding.get("system")) or "", string(coding.get("code")) or "")
        for one in named
        if meaning.covers(one)
        for coding in objects(one.get("coding"))
    ]
    # For a code: the others of its records may stand on other records for something wider.
    counted = Counter(
        f"{system}|{code}"
        for system, code in codings
        if code and (meaning.concepts or meaning.gives(system, code))
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
