"""The text of a document's bytes, by media type.

The text is cleaned: lines end in a line feed, and characters that nobody sees are gone. HTML, RTF, PDF and
XML are read in a process of their own (`reading.py`), which runs this module: their readers can loop, recurse
or swell on hostile input.
"""

import codecs
import contextlib
import faulthandler
import json
import re
import sys
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any, Literal, NamedTuple

from mcp_servers.fhir.unseen import without_unseen

MAX_BYTES = 8 * 1024 * 1024
MAX_CHARACTERS = 1_000_000
MAX_PAGES = 300
MAX_MEMORY_BYTES = 1024**3
# For the pages of one PDF; the process itself is ended some time after it (`reading.py`).
PAGES_SECONDS = 8.0

Kind = Literal["plain", "html", "rtf", "pdf", "xml"]

_KINDS: dict[str, Kind] = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/rtf": "rtf",
    "application/rtf": "rtf",
    "application/x-rtf": "rtf",
    "application/pdf": "pdf",
    "application/x-pdf": "pdf",
    "application/xml": "xml",
    "text/xml": "xml",
}
_SIGNATURES: tuple[tuple[bytes, Kind], ...] = (
    (b"%PDF-", "pdf"),
    (b"{\\rtf", "rtf"),
    (b"<!doctype html", "html"),
    (b"<html", "html"),
    (b"<?xml", "xml"),
    (b"<ClinicalDocument", "xml"),
)
_UNSTATED = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,40}/[\w.+-]{1,80}", re.ASCII)
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([\w.:+-]{1,40})", re.IGNORECASE)
# Not every codec that Python knows is the charset of a text, and some take quadratic time.
_TEXT_CODECS = ("utf", "ascii", "iso8859", "iso2022", "cp", "mac", "koi8", "gb", "big5", "shift_jis", "euc")
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_LINE_ENDS = re.compile(r"\r\n?|[\f\v\x85\u2028\u2029]")
_SPACES = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"\n(?: *\n){2,}")

_BLOCKS = frozenset(
    ("address", "article", "aside", "blockquote", "body", "br", "caption", "dd", "div", "dl", "dt",
     "fieldset", "figcaption", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li",
     "main", "nav", "ol", "p", "pre", "section", "table", "tbody", "tfoot", "thead", "tr", "ul")
)  # fmt: skip
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_CELLS = ("td", "th")
_NOT_SHOWN = ("head", "script", "style", "template", "noembed", "noframes")
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
# Stand for layout while a line is put together; private characters, which no reader would see.
_LINE_BREAK, _CELL = "\ue000", "\ue001"

_CDA = "{urn:hl7-org:v3}"
_CDA_LINES = frozenset(
    f"{_CDA}{name}" for name in ("paragraph", "item", "tr", "br", "caption", "list", "table")
)
_CDA_CELLS = frozenset(f"{_CDA}{name}" for name in ("td", "th"))


class Piece(NamedTuple):
    """A run of text; a heading is a title of what follows it."""

    text: str
    is_heading: bool = False


class Extracted(NamedTuple):
    """The text of a document, where its headings stand (start, end), and what is missing from it."""

    text: str
    headings: list[tuple[int, int]]
    notes: list[str]


class Unreadable(Exception):
    """There is no text to be had; the message says why, in a few words."""


def kind_of(media_type: str, data: bytes) -> Kind:
    """How to read bytes of this media type; what is not said, or plain text that is none, shows in the bytes.

    Raises Unreadable for types that hold no text that can be read here.
    """
    stated = media_type.partition(";")[0].strip().lower()
    begins = data[:64].removeprefix(codecs.BOM_UTF8).lstrip()
    shown = next((kind for mark, kind in _SIGNATURES if begins[: len(mark)].lower() == mark.lower()), None)
    if stated in _UNSTATED:
        return shown or _plain_if_text(data)
    if stated in _KINDS:
        return _KINDS[stated]
    if stated.startswith("application/") and stated.endswith("+xml"):
        return "xml"
    if stated.startswith("text/"):
        return shown if shown in ("pdf", "rtf") else "plain"
    named = stated if _MEDIA_TYPE.fullmatch(stated) else "its media type"
    raise Unreadable(f"{named} cannot be read as text")


def charset_of(media_type: str) -> str | None:
    """The charset that a media type states."""
    found = _CHARSET.search(media_type)
    return found[1] if found else None


def extract(kind: Kind, charset: str | None, data: bytes) -> Extracted:
    """The text of `data`. Raises Unreadable; other kinds than plain are for a process of their own."""
    notes: list[str] = []
    try:
        if kind == "plain":
            extracted = assembled([Piece(decoded(data, charset))], notes)
        elif kind == "html":
            extracted = assembled(_html(data, charset, notes), notes)
        elif kind == "rtf":
            extracted = assembled(_rtf(data), notes)
        elif kind == "pdf":
            extracted = assembled(_pdf(data, notes), notes)
        else:
            extracted = assembled(_xml(data, notes), notes)
    except Unreadable:
        raise
    except MemoryError:
        raise Unreadable("it takes too much memory") from None
    except Exception as broken:
        raise Unreadable(
            f"broken {kind.upper() if kind != 'plain' else 'text'} ({type(broken).__name__})"
        ) from None
    if not extracted.text:
        raise Unreadable("no text in it (a scan?)" if kind == "pdf" else "empty")
    return extracted


def assembled(pieces: Iterable[Piece], notes: list[str]) -> Extracted:
    """The pieces as one cleaned text, one below the other, up to MAX_CHARACTERS."""
    parts: list[str] = []
    headings: list[tuple[int, int]] = []
    length = 0
    for piece in pieces:
        room = max(0, MAX_CHARACTERS - length)
        if text := _clean(piece.text[:room]):
            if piece.is_heading:
                headings.append((length, length + len(text)))
            parts.append(text)
            length += len(text) + 1
        if len(piece.text) > room:
            notes.append(f"only its first {MAX_CHARACTERS:,} characters were read")
            break
    return Extracted("\n".join(parts), headings, notes)


def decoded(data: bytes, charset: str | None) -> str:
    """Plain text: by its charset, else as UTF-8, else as Windows-1252. Raises Unreadable for other bytes."""
    marked = next((name for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), None)
    for name in (marked, charset, "utf-8"):
        try:
            if name and codecs.lookup(name).name.startswith(_TEXT_CODECS):
                text = data.decode(name)
                break
        except (LookupError, UnicodeDecodeError):
            continue
    else:
        text = data.decode("cp1252", errors="replace")
    if "\0" in text:
        raise Unreadable("it is no text")
    return text


def _plain_if_text(data: bytes) -> Kind:
    try:
        if b"\0" not in data:
            data.decode()
            return "plain"
    except UnicodeDecodeError:
        pass
    raise Unreadable("of no stated type")


def _clean(text: str) -> str:
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = without_unseen(_LINE_ENDS.sub("\n", text))
    text = _SPACES.sub(" ", text).replace("\n ", "\n").replace(" \n", "\n")
    return _BLANK_LINES.sub("\n\n", text).strip()


def _html(data: bytes, charset: str | None, notes: list[str]) -> Iterator[Piece]:
    """The lines of a page as a browser shows them; scripts, styles and hidden elements are left out."""
    from bs4 import BeautifulSoup
    from bs4.element import NavigableString

    line = ""
    open_tags: Counter[str] = Counter()
    waiting: list[tuple[Any, bool]] = [(BeautifulSoup(data, "html.parser", from_encoding=charset), False)]
    while waiting:
        node, ended = waiting.pop()
        if isinstance(node, NavigableString):
            # Comments, doctypes and the like are subclasses.
            text = str(node) if type(node) is NavigableString else ""
            line += text.replace("\n", _LINE_BREAK) if open_tags["pre"] else text
            continue
        if node.name in _BLOCKS:
            yield from _lines(line, is_heading=any(open_tags[name] for name in _HEADINGS))
            line = ""
        line += _CELL if node.name in _CELLS else ""
        if ended:
            open_tags[node.name] -= 1
        elif _is_hidden(node.attrs) and node.get_text(strip=True):
            notes.append("text that its page hides is left out")
        elif node.name not in _NOT_SHOWN:
            open_tags[node.name] += 1
            waiting.append((node, True))
            waiting.extend((child, False) for child in reversed(node.contents))
    yield from _lines(line)


def _is_hidden(attributes: dict[str, Any]) -> bool:
    return "hidden" in attributes or bool(_HIDDEN_STYLE.search(str(attributes.get("style", ""))))


def _lines(text: str, *, is_heading: bool = False) -> Iterator[Piece]:
    """The lines of a block: white space is collapsed, and cells are set apart by bars."""
    for line in text.split(_LINE_BREAK):
        cells = (" ".join(cell.split()) for cell in line.split(_CELL))
        yield Piece(" | ".join(cell for cell in cells if cell), is_heading)


def _rtf(data: bytes) -> Iterator[Piece]:
    from striprtf.striprtf import rtf_to_text

    read: Any = rtf_to_text  # untyped
    yield Piece(read(data.decode("latin-1"), errors="replace"))


def _pdf(data: bytes, notes: list[str]) -> Iterator[Piece]:
    from pypdf import PasswordType, PdfReader

    begun = time.monotonic()
    reader = PdfReader(BytesIO(data))
    if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
        raise Unreadable("an encrypted PDF")
    count = len(reader.pages)
    for number in range(count):
        if number >= MAX_PAGES or time.monotonic() - begun > PAGES_SECONDS:
            notes.append(f"only the first {number} of its {count} pages were read")
            return
        yield Piece(reader.pages[number].extract_text())


def _xml(data: bytes, notes: list[str]) -> Iterator[Piece]:
    """The narrative of a CDA document by its sections, or else all text of any XML."""
    from defusedxml.ElementTree import fromstring

    root = fromstring(data, forbid_dtd=True)
    if root.tag.rpartition("}")[2] == "html":
        yield from _html(data, None, notes)
    elif root.tag != f"{_CDA}ClinicalDocument":
        yield from (Piece(text) for text in root.itertext())
    elif (whole := root.find(f"{_CDA}component/{_CDA}nonXMLBody/{_CDA}text")) is not None:
        yield from _embedded(whole, notes)
    else:
        for section in root.iter(f"{_CDA}section"):
            title = section.find(f"{_CDA}title")
            if title is not None:
                yield Piece(" ".join("".join(title.itertext()).split()), is_heading=True)
            narrative = section.find(f"{_CDA}text")
            if narrative is not None:
                yield from _narrative(narrative)


def _embedded(body: Any, notes: list[str]) -> Iterator[Piece]:
    """The document of another type that a CDA document wraps."""
    inner = (body.text or "").encode()
    if body.get("representation") == "B64":
        inner = b64decode(inner)
    kind = kind_of(body.get("mediaType", "text/plain"), inner)
    if kind == "xml":
        raise Unreadable("a document within a document")
    extracted = extract(kind, None, inner)
    notes.extend(extracted.notes)
    yield Piece(extracted.text)


def _narrative(block: Any) -> Iterator[Piece]:
    """The lines of a CDA narrative block."""
    line = ""
    waiting: list[tuple[Any, bool]] = [(block, False)]
    while waiting:
        element, ended = waiting.pop()
        if element.tag in _CDA_LINES:
            yield from _lines(line)
            line = ""
        if ended:
            line += (_CELL if element.tag in _CDA_CELLS else "") + (element.tail or "")
        else:
            line += element.text or ""
            waiting.append((element, True))
            waiting.extend((child, False) for child in reversed(element))
    yield from _lines(line)


def _bounded_memory() -> None:
    # Other systems have no such limit, or refuse it.
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))


def main() -> None:
    """Answer each line of stdin (`[kind, charset, base64]`) by one of stdout: an Extracted, or why not.

    The process ends itself when one document takes longer than the seconds that its only argument gives.
    """
    _bounded_memory()
    seconds = float(sys.argv[1])
    answers = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        for job in sys.stdin.buffer:
            faulthandler.dump_traceback_later(seconds, exit=True)
            kind, charset, data = json.loads(job)
            try:
                answer: Any = extract(kind, charset, b64decode(data))
            except Unreadable as why:
                answer = str(why)
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
            faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main()
