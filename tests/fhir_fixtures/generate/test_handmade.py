"""The hand-made set: committed as its source says, and its documents are what they claim to be."""

import base64
import lzma
import re
import struct
import zlib
from typing import Any
from xml.etree import ElementTree

import pytest

from fhir_fixtures import charts
from fhir_fixtures.generate import handmade
from fhir_fixtures.generate.handmade.documents import rtf
from fhir_fixtures.generate.writing import ndjson


def _bytes_of(record: str) -> tuple[str, bytes]:
    """Media type and bytes of the first attachment of a document of Noor Haddad's."""
    resource = next(r for r in handmade.resources() if r["id"] == f"hard-noor-haddad-{record}")
    holder: Any = resource["content"]
    attachment = holder[0]["attachment"] if isinstance(holder, list) else holder
    content = base64.b64decode(attachment["data"])
    assert len(content) == attachment["size"]
    return attachment["contentType"], content


def test_the_committed_set_is_what_its_source_makes() -> None:
    committed = lzma.decompress((charts.HERE / "handmade.ndjson.xz").read_bytes())
    assert committed == ndjson(handmade.resources())


def test_every_hand_made_id_is_known_as_such() -> None:
    assert all(resource["id"].startswith("hard-") for resource in handmade.resources())


def test_text_notes_are_in_the_encoding_they_claim() -> None:
    for record, charset in [("note-text", "utf-8"), ("note-latin-1", "iso-8859-1")]:
        media_type, content = _bytes_of(record)
        assert media_type == f"text/plain; charset={charset}"
        assert "Café" in content.decode(charset)
        assert not content.isascii()


def test_the_pdf_has_its_objects_where_its_table_says() -> None:
    media_type, content = _bytes_of("note-pdf")
    assert media_type == "application/pdf"
    start = int(re.findall(rb"startxref\n(\d+)\n%%EOF", content)[0])
    assert content[start : start + 4] == b"xref"
    offsets = [int(found) for found in re.findall(rb"(\d{10}) 00000 n", content)]
    assert len(offsets) == 5
    for number, offset in enumerate(offsets, start=1):
        assert content[offset:].startswith(b"%d 0 obj" % number)
    length = int(re.findall(rb"/Length (\d+)", content)[0])
    stream = content.split(b"stream\n", 1)[1].split(b"\nendstream", 1)[0]
    assert len(stream) == length
    assert b"lateral ankle sprain" in stream


def test_the_cda_is_a_clinical_document() -> None:
    media_type, content = _bytes_of("note-cda")
    assert media_type == "application/hl7-cda+xml"
    root = ElementTree.fromstring(content)
    assert root.tag == "{urn:hl7-org:v3}ClinicalDocument"
    assert "Ankle sprain" in [element.text for element in root.iter("{urn:hl7-org:v3}paragraph")]


def test_rtf_escapes_what_is_not_ascii() -> None:
    written = rtf("Range 10°")
    assert written.startswith(b"{\\rtf1")
    assert written.count(b"{") == written.count(b"}")
    assert b"Range 10\\u176?" in written


@pytest.mark.parametrize("record", ["ankle-photo", "ankle-scan"])
def test_the_images_are_png(record: str) -> None:
    media_type, content = _bytes_of(record)
    assert media_type == "image/png"
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", content[16:24]) == (16, 16)
    start = content.index(b"IDAT")
    length = struct.unpack(">I", content[start - 4 : start])[0]
    assert len(zlib.decompress(content[start + 4 : start + 4 + length])) == 16 * 17
