"""Documents for tests: PDF files of several kinds, and texts in the forms that notes come in."""

import io
import zlib

from pypdf import PdfWriter

from fhir_fixtures.generate.handmade.documents import pdf

CHEST_PAIN = "Reports chest pain at night."


def encrypted_pdf(password: str) -> bytes:
    """A PDF that opens with this password; without one, anybody may read it, as with print-only letters."""
    return _written(PdfWriter(clone_from=io.BytesIO(pdf(CHEST_PAIN))), password)


def scanned_pdf() -> bytes:
    """A PDF of one page without any text."""
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    return _written(writer)


def pdf_of_pages(count: int) -> bytes:
    """A PDF with the same words on each page."""
    writer = PdfWriter(clone_from=io.BytesIO(pdf(CHEST_PAIN)))
    for _ in range(count - 1):
        writer.add_page(writer.pages[0])
    return _written(writer)


def swelling_pdf(size: int) -> bytes:
    """A small PDF whose page content is this many bytes when it is unpacked."""
    packed = zlib.compress(b"BT (x) Tj ET\n" * (size // 13), 9)
    plain = pdf("x")
    start, end = plain.index(b"4 0 obj"), plain.index(b"5 0 obj")
    stream = b"<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (len(packed), packed)
    return plain[:start] + b"4 0 obj\n" + stream + b"\nendobj\n" + plain[end:]


def _written(writer: PdfWriter, password: str | None = None) -> bytes:
    if password is not None:
        writer.encrypt(password, "owner", algorithm="AES-256")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()
