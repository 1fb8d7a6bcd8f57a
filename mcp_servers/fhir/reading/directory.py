"""The patient directory: which patients a text (name, birth date or identifier, free order) may mean."""

import re
from typing import Any

from mcp_servers.fhir.access.client import FhirClient, Page
from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.recording import Call

Parameters = list[tuple[str, str]]

_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# July 2 1950, 2nd of July 1950, Jul 1950: after commas are gone.
_SPOKEN_DATE = re.compile(
    r"\b(?:(\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?)?"
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\b\.?(?:\s+(\d{1,2})(?:st|nd|rd|th)?)?\s+(\d{4})(?![\w-])",
    re.IGNORECASE,
)
_OTHER_DATE = re.compile(r"\d{1,2}[/.]\d{1,2}[/.]\d{2,4}")
# Words that people put around a name; they are no part of it.
_AROUND = frozenset({"patient", "born", "dob", "mrn", "on", "named", "mr", "mrs", "ms"})


async def find(client: FhirClient, text: str, call: Call, *, limit: int) -> Page:
    """The first page of patients that `text` fits: by name, then by identifier, then by the record's own id.

    Raises InvalidRequest for a text with nothing to look for, or a date in another order than ISO's.
    """
    dated = _SPOKEN_DATE.sub(_iso, text.replace(",", " "))
    words = [word.strip(".;:()") for word in dated.split()]
    words = [word for word in words if word and word.casefold() not in _AROUND]
    if any(_OTHER_DATE.fullmatch(word) for word in words):
        raise InvalidRequest("Write the birth date as YYYY-MM-DD: day and month cannot be told apart here.")
    if not words:
        raise InvalidRequest("Give a name, a birth date (YYYY-MM-DD) or an identifier to look for.")
    page: Page | None = None
    for parameters in _readings([_escaped(word.removeprefix("Patient/")) for word in words]):
        page = await client.search("Patient", parameters, None, call, count=limit)
        if page.matches:
            break
    assert page is not None
    return page


def _iso(spoken: re.Match[str]) -> str:
    before, month, after, year = spoken.groups()
    day = before or after
    return f"{year}-{_MONTHS.index(month[:3].lower()) + 1:02}" + (f"-{int(day):02}" if day else "")


def _readings(words: list[str]) -> list[Parameters]:
    """The searches that `words` may mean, the likeliest first, without doubles."""
    born = [("birthdate", word) for word in words if _DATE.fullmatch(word)]
    rest = [word for word in words if not _DATE.fullmatch(word)]
    numbered = [word for word in rest if any(c.isdigit() for c in word)]
    plain = [word for word in rest if word not in numbered]
    readings: list[Parameters] = [
        [*(("name", word) for word in rest), *born],
        [*(("name", word) for word in plain), *(("identifier", word) for word in numbered), *born],
    ]
    if len(words) == 1:
        readings += [[("identifier", words[0])], [("_id", words[0])]]
    return [reading for at, reading in enumerate(readings) if reading and reading not in readings[:at]]


def _escaped(word: str) -> str:
    """A word as a search value: FHIR's separators are text in it."""
    return re.sub(r"([\\,$|])", r"\\\1", word)


def another_with_the_name(rows: list[dict[str, Any]]) -> bool:
    """Whether two of the patients found bear one name."""
    names = [str(row.get("name", "")).casefold() for row in rows]
    return len(set(names)) < len(names)
