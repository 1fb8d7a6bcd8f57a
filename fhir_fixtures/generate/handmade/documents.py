"""Small real documents of each kind that notes come in: text, HTML, RTF, PDF, CDA and a PNG image."""

import base64
from typing import Any

# 16 by 16 pixels, grey: a pale disc on dark ground.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAAAAAA6mKC9AAAALklEQVR42mOQQwMMOAT+AwGSwH8ogAn8/48kgk3g/39kEfIECNuC6TBMp+P1LQBAjIBxTlb3pAAAAABJRU5ErkJggg=="
)


def attachment(content: bytes, media_type: str, **elements: Any) -> dict[str, Any]:
    """An Attachment that carries its bytes inline."""
    return {
        "contentType": media_type,
        "data": base64.b64encode(content).decode(),
        "size": len(content),
        **elements,
    }


def rtf(*paragraphs: str) -> bytes:
    """An RTF document; characters beyond ASCII are escaped as RTF wants them."""
    escaped = "\\par\n".join(
        "".join(c if c.isascii() else f"\\u{ord(c)}?" for c in paragraph) for paragraph in paragraphs
    )
    return (
        "{\\rtf1\\ansi\\ansicpg1252\\deff0{\\fonttbl{\\f0 Arial;}}\n\\f0\\fs22 " + escaped + "\\par\n}"
    ).encode("ascii")


def pdf(*lines: str) -> bytes:
    """A PDF of one page with `lines` as text; parentheses and backslashes in them are not allowed for."""
    text = "".join(f"({line}) Tj T* " for line in lines)
    stream = f"BT /F1 11 Tf 14 TL 72 760 Td {text}ET".encode("latin-1")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    written = b"%PDF-1.4\n"
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    return (
        written
        + b"xref\n0 %d\n0000000000 65535 f \n" % size
        + table
        + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(written))
    )


def cda(title: str, sections: dict[str, str]) -> bytes:
    """A CDA release 2 document with one narrative section for each heading."""
    components = "".join(
        f"<component><section><title>{heading}</title><text><paragraph>{text}</paragraph></text></section></component>"
        for heading, text in sections.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ClinicalDocument xmlns="urn:hl7-org:v3">'
        '<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/><id root="2.25.4711"/>'
        '<code code="18842-5" codeSystem="2.16.840.1.113883.6.1" displayName="Discharge summary"/>'
        f'<title>{title}</title><effectiveTime value="20260318"/>'
        '<confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/>'
        f"<component><structuredBody>{components}</structuredBody></component></ClinicalDocument>\n"
    ).encode()
