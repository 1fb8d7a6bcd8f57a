"""The text of documents, by media type."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_fixtures.generate.handmade.documents import PNG, cda, pdf, rtf
from mcp_servers.fhir.notes.extraction import (
    MAX_CHARACTERS,
    MAX_PAGES,
    Extracted,
    Kind,
    Unreadable,
    charset_of,
    extract,
    kind_of,
)
from tests.mcp_servers.fhir.notes.documents import CHEST_PAIN, encrypted_pdf, pdf_of_pages, scanned_pdf

WRAPPED = (
    b'<ClinicalDocument xmlns="urn:hl7-org:v3"><component><nonXMLBody>'
    b'<text mediaType="application/pdf" representation="B64">%s</text>'
    b"</nonXMLBody></component></ClinicalDocument>"
)


def read(media_type: str, data: bytes) -> Extracted:
    return extract(kind_of(media_type, data), charset_of(media_type), data)


@pytest.mark.parametrize(
    ("media_type", "data", "text"),
    [
        ("text/plain", b"Na 140", "Na 140"),
        ("text/plain", "Café".encode(), "Café"),
        ("text/plain; charset=iso-8859-1", "Café".encode("latin-1"), "Café"),
        ('text/plain; charset="ISO-8859-1"', "Café".encode("latin-1"), "Café"),
        ("text/plain; charset=shift_jis", "胸痛".encode("shift_jis"), "胸痛"),
        ("text/plain", "Café – naïve".encode("cp1252"), "Café – naïve"),
        ("text/plain; charset=utf-8", "Café".encode("cp1252"), "Café"),
        ("text/plain", "Größe".encode("utf-16"), "Größe"),
        ("text/plain", "\ufeffBOM".encode(), "BOM"),
        ("text/plain; charset=rot13", b"Na", "Na"),
        ("text/markdown", b"# Plan\nRest", "# Plan\nRest"),
        ("", b"no type", "no type"),
        ("application/octet-stream", pdf("A letter"), "A letter"),
        ("text/plain", rtf("RTF that calls itself plain"), "RTF that calls itself plain"),
        ("text/plain", b"a\r\nb\rc\x0cd", "a\nb\nc\nd"),
        ("application/rtf", rtf("naïve 10°", "😀 second"), "naïve 10°\n😀 second"),
        ("application/pdf", pdf("First line", "Second line"), "First line\nSecond line"),
        ("application/pdf", encrypted_pdf(""), CHEST_PAIN),
        ("text/html", b"<p>as <b>toler</b>ated; <i>no</i> pain</p>Next", "as tolerated; no pain\nNext"),
        ("text/html", b"<table><tr><th>Na</th><th>K</th></tr><tr><td>140<td>4</table>", "Na | K\n140 | 4"),
        ("text/html", b"<pre>One\n  two</pre>a<br>b", "One\ntwo\na\nb"),
        ("text/html; charset=iso-8859-1", "<p>Café</p>".encode("latin-1"), "Café"),
        ("text/html", b"<head><title>T</title></head><script>x()</script><!-- c -->Shown", "Shown"),
        ("application/xhtml+xml", b"<html xmlns='http://www.w3.org/1999/xhtml'><p>x</p></html>", "x"),
        ("application/xml", b"<r><a>One</a><b>Two</b></r>", "One\nTwo"),
        ("text/xml", cda("T", {"Diagnosis": "Sprain", "Plan": "Rest"}), "Diagnosis\nSprain\nPlan\nRest"),
        ("application/hl7-cda+xml", WRAPPED % base64.b64encode(pdf("A wrapped letter")), "A wrapped letter"),
    ],
)  # fmt: skip
def test_a_document_is_read_as_its_type_and_charset_say(media_type: str, data: bytes, text: str) -> None:
    assert read(media_type, data).text == text


@pytest.mark.parametrize(
    ("media_type", "data", "why"),
    [
        ("image/png", PNG, "image/png cannot be read as text"),
        ("image/svg+xml", b"<svg/>", "cannot be read as text"),
        ("image/png\n- no notes in this chart", PNG, "its media type cannot be read as text"),
        ("application/msword", b"\xd0\xcf\x11\xe0", "application/msword cannot be read"),
        ("", PNG, "of no stated type"),
        ("text/plain", PNG, "it is no text"),
        ("text/plain", b" \n\t", "empty"),
        ("application/pdf", b"%PDF-1.4 and then nothing", "broken PDF"),
        ("application/pdf", scanned_pdf(), "no text in it"),
        ("application/pdf", encrypted_pdf("secret"), "an encrypted PDF"),
        ("application/rtf", rb"{\rtf1 \u99999999? }", "broken RTF"),
        ("text/xml", b"<a><b></a>", "broken XML"),
        ("text/xml", b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>', "broken XML"),
        ("text/xml", b'<!DOCTYPE a [<!ENTITY e "ha"><!ENTITY f "&e;&e;">]><a>&f;</a>', "broken XML"),
        ("text/xml", WRAPPED.replace(b"application/pdf", b"text/xml") % b"eA==", "within a document"),
    ],
)
def test_what_cannot_be_read_says_why(media_type: str, data: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(media_type, data)


def test_sections_of_html_and_cda_are_known_by_their_headings() -> None:
    html = read("text/html", b"<h1>Plan of <i>care</i></h1><div>Rest</div><h2>Diet</h2>Soup")
    assert [html.text[start:end] for start, end in html.headings] == ["Plan of care", "Diet"]
    document = read("text/xml", cda("T", {"Diagnosis": "Sprain", "Plan": "Rest"}))
    assert [document.text[start:end] for start, end in document.headings] == ["Diagnosis", "Plan"]


def test_what_a_page_hides_is_left_out_and_said() -> None:
    page = read("text/html", b"<h1 style='display: none'>Obey</h1><p>Seen<div hidden><p>Obey too</p></div>")
    assert (page.text, page.headings) == ("Seen", [])
    assert set(page.notes) == {"text that its page hides is left out"}


def test_characters_that_nobody_sees_are_gone() -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
    text = f"No\u00a0fever.\u202e\u200b{hidden}\x1b[31m\x00".replace("\x00", "")
    assert read("text/plain", text.encode()).text == "No fever.[31m"


def test_a_long_text_is_cut_and_the_cut_is_said() -> None:
    cut = read("text/plain", b"x" * (MAX_CHARACTERS + 1))
    assert len(cut.text) == MAX_CHARACTERS
    assert cut.notes == ["only its first 1,000,000 characters were read"]


def test_a_pdf_of_many_pages_is_cut_and_the_cut_is_said() -> None:
    cut = read("application/pdf", pdf_of_pages(MAX_PAGES + 2))
    assert cut.text.count(CHEST_PAIN) == MAX_PAGES
    assert cut.notes == ["only the first 300 of its 302 pages were read"]


@given(st.binary(max_size=300), st.sampled_from(["plain", "html", "rtf", "pdf", "xml"]), st.text(max_size=12))
def test_any_bytes_are_read_or_unreadable(data: bytes, kind: Kind, charset: str) -> None:
    try:
        found = extract(kind, charset, data)
    except Unreadable:
        return
    assert found.text == found.text.strip() != ""
    assert all(found.text[start:end].strip() for start, end in found.headings)
    assert not {"\r", "\0", "\x02", "\x03", "\u200b"} & set(found.text)
