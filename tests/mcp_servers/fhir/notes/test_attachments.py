"""Where records keep their text: attachments, and words of their own."""

import base64
from typing import Any

import pytest

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.notes.attachments import Document, attachments, document, own_words
from mcp_servers.fhir.notes.extraction import Unreadable, extract
from tests.mcp_servers.fhir.scripted import BASE, ScriptedFhir, a_call, http_to

XHTML = '<div xmlns="http://www.w3.org/1999/xhtml">'


async def fetched(attachment: dict[str, Any]) -> Document:
    async with http_to(ScriptedFhir()) as http:
        return await document(attachment, FhirClient(http), PatientLock("Patient/A", BASE), a_call())


def test_the_sections_of_a_composition_are_a_page_with_their_titles_as_headings() -> None:
    history = {"title": "History & <exam>", "text": {"div": f"{XHTML}Fell on <b>ice</b>.</div>"}}
    (page,) = own_words(
        {
            "resourceType": "Composition",
            "section": [
                {"title": "Course", "section": [history]},
                {"code": {"text": "Plan"}, "text": {"div": f"{XHTML}<p>Rest.</p></div>"}},
                {"title": "Nothing in it"},
            ],
        }
    )
    read = extract("html", "utf-8", page.data)
    assert read.text == "Course\nHistory & <exam>\nFell on ice.\nPlan\nRest."
    assert [read.text[slice(*at)] for at in read.headings] == ["Course", "History & <exam>", "Plan"]


@pytest.mark.parametrize(
    ("record", "count"),
    [
        ({"resourceType": "DiagnosticReport", "conclusion": "Normal.", "presentedForm": [{}, {}]}, 3),
        ({"resourceType": "DiagnosticReport", "conclusion": " "}, 0),
        ({"resourceType": "DiagnosticReport", "conclusion": 7, "presentedForm": "x"}, 0),
        ({"resourceType": "DocumentReference", "content": [{"attachment": {}}, {"attachment": {}}]}, 2),
        ({"resourceType": "DocumentReference"}, 0),
        ({"resourceType": "Composition", "section": [{"title": "Empty"}]}, 0),
    ],
)
def test_what_a_record_holds_is_all_there_is_to_read(record: dict[str, Any], count: int) -> None:
    assert len(own_words(record)) + len(attachments(record)) == count


@pytest.mark.anyio
async def test_inline_bytes_are_decoded() -> None:
    inline = {"contentType": "text/plain", "data": base64.b64encode(b"Well.").decode()}
    assert await fetched(inline) == Document(b"Well.", "text/plain")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("attachment", "why"),
    [
        ({"url": "https://archive.example.org/1"}, "kept elsewhere"),
        ({"url": "https://archive.example.org/fhir/Binary/1"}, "kept elsewhere"),
        ({"url": "Observation/1"}, "kept elsewhere"),
        ({"url": "file:///etc/passwd"}, "kept elsewhere"),
        ({"url": "../Binary/1"}, "kept elsewhere"),
        ({"title": "Scan, lost"}, "not in the record"),
        ({"data": {"not": "text"}}, "not in the record"),
        ({"data": "A"}, "no base64"),
        ({"data": "A" * 12_000_000}, "larger than 8 MB"),
    ],
)
async def test_what_is_not_there_is_unreadable_and_says_why(attachment: dict[str, Any], why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        await fetched(attachment)
