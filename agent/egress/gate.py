"""The last look at what leaves: a transport that reads the final bytes of a request, and fails closed.

Nothing here trusts that anything was de-identified. The body must be JSON; every string of it, key or value,
is scanned as it is and as what it may hide (percent, unicode and HTML escapes, base64 and hexadecimal, unseen
characters, letters spread out). In headers and address, every dictionary value is looked for; patterns are
not, since a host's own names and versions look like numbers.
"""

import base64
import binascii
import html
import ipaddress
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote, unquote_plus

import httpx

from agent.egress.deidentification.folding import folded
from agent.egress.deidentification.identifiers import Identifiers
from agent.egress.deidentification.scanning import UNBROKEN, told_in
from agent.egress.deidentification.texts import REFERENCE
from agent.egress.deidentification.vault import ALIAS, TOKEN
from agent.errors import NotPermitted

_ENCODED = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{8,}={0,2}(?![\w+/=-])")
_HEX = re.compile(r"(?<![\w])(?:[0-9a-fA-F]{2}){6,}(?![\w])")
_ESCAPE = re.compile(r"\\+u([0-9a-fA-F]{4})|\\+x([0-9a-fA-F]{2})")
_SPREAD = re.compile(r"(?<!\w)(?:\w[\s._*|-]){4,}\w(?!\w)")
# A secret of the host's own, which is not the chart's, and may look like anybody's number.
_KEYS = frozenset({"authorization", "x-api-key", "api-key"})
_DEPTH = 3
_LONGEST = 20_000_000


class Gate(httpx.AsyncBaseTransport):
    """Lets requests pass to one host, when nothing in them tells who somebody is. Raises NotPermitted.

    `host` is the configured one, over https. With `loopback`, it may be this machine by http: for stand-ins.
    `chart` gives the dictionary of the moment, as it grows with a session; None where an agreement lets data
    go as they are, and the address alone is looked at. A refusal names the class of what was found, never the
    value.
    """

    def __init__(
        self,
        to: httpx.AsyncBaseTransport,
        host: str,
        chart: Callable[[], Identifiers | None],
        *,
        loopback: bool = False,
    ) -> None:
        self._to = to
        self._host = host.lower()
        self._chart = chart
        self._loopback = loopback

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Look at a request, and send it on. Raises NotPermitted."""
        body = await request.aread()
        self._check_address(request.url)
        if (chart := self._chart()) is None:
            return await self._to.handle_async_request(request)
        for name, value in request.headers.items():
            # A lower-case name is how HTTP writes one: no capital tells it from a word.
            self._check(_told(f"{name} " + ("" if name in _KEYS else value), chart, patterns=False))
        self._check(_told(unquote(str(request.url.raw_path, "ascii")), chart, patterns=False))
        for said in _strings_of(request, body):
            if UNBROKEN.search(said):
                raise _unreadable()
            self._check(_told(said, chart, patterns=True))
        return await self._to.handle_async_request(request)

    async def aclose(self) -> None:
        """Close what is behind the gate."""
        await self._to.aclose()

    def _check_address(self, url: httpx.URL) -> None:
        local = self._loopback and url.scheme == "http" and _is_loopback(url.host)
        if url.host.lower() != self._host or (url.scheme != "https" and not local) or url.userinfo:
            raise NotPermitted(
                f"Only https://{self._host} is open to a hosted model: a request elsewhere, or without https,"
                " was stopped."
            )

    def _check(self, kinds: set[str]) -> None:
        if kinds:
            raise NotPermitted(
                "The gate stopped a request to the hosted model: it still held what identifies"
                f" ({', '.join(sorted(kinds))}). Nothing was sent."
            )


def _strings_of(request: httpx.Request, body: bytes) -> Iterator[str]:
    """The strings, and the numbers as text, of a body of JSON. Raises NotPermitted for any other body."""
    if not body:
        return
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" or request.headers.get("content-encoding") or len(body) > _LONGEST:
        raise _unreadable()
    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=list)
    except (ValueError, RecursionError):
        raise _unreadable() from None
    yield from _leaves(document)


def _leaves(node: Any) -> Iterator[str]:
    """Strings and numbers; objects stand as lists of pairs, so that none of two same keys is lost."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, tuple) and len(node) == 2 and node[0] == "model" and isinstance(node[1], str):
        yield re.sub(r"\d", "", node[1])  # names of models hold dates and versions
    elif isinstance(node, list | tuple):
        for item in node:
            yield from _leaves(item)
    elif isinstance(node, int | float) and not isinstance(node, bool):
        yield str(node)


def _unreadable() -> NotPermitted:
    return NotPermitted(
        "The gate stopped a request to the hosted model: its body is no plain JSON that can be read."
    )


def _told(text: str, chart: Identifiers, *, patterns: bool) -> set[str]:
    """The classes of what a text tells, in any of the ways that it can be read."""
    kinds: set[str] = set()
    squeezed = chart.squeezed()
    for number, reading in enumerate(_readings(text)):
        if patterns and number < 2:  # what is decoded by guess may look like any number
            kinds |= {one.kind for one in told_in(reading, chart)}
            aliases = {match.group() for match in ALIAS.finditer(reading)}
            if any(match.group() not in aliases for match in REFERENCE.finditer(reading)):
                kinds.add("REFERENCE")
        else:
            kinds |= {one.kind for one in chart.in_text(TOKEN.sub(" ", reading))}
        letters = "".join(character for character in folded(reading) if character.isalnum())
        if any(name in letters for name in squeezed):
            kinds.add("PERSON")
    return kinds


def _readings(text: str) -> Iterator[str]:
    """A text as it is, as it looks, and as what it encodes."""
    seen: set[str] = set()
    waiting = [(text, 0)]
    while waiting:
        one, depth = waiting.pop(0)
        if one in seen:
            continue
        seen.add(one)
        yield one
        if depth < _DEPTH:
            waiting += [(other, depth + 1) for other in _decoded(one)]


def _decoded(text: str) -> Iterator[str]:
    yield unicodedata.normalize("NFKC", "".join(one for one in text if unicodedata.category(one) != "Cf"))
    if "%" in text:
        yield unquote(text)
        yield unquote_plus(text)
    if "&" in text:
        yield html.unescape(text)
    if "\\" in text:
        yield _ESCAPE.sub(lambda match: chr(int(match[1] or match[2], 16)), text)
    for match in _SPREAD.finditer(text):
        yield re.sub(r"[\s._*|-]", "", match.group())
    for match in _ENCODED.finditer(text):
        yield from _as_text(_base64, match.group())
    for match in _HEX.finditer(text):
        yield from _as_text(bytes.fromhex, match.group())


def _base64(text: str) -> bytes:
    text = text.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _as_text(decode: Callable[[str], bytes], text: str) -> Iterator[str]:
    """What a run of characters encodes, where that is text."""
    try:
        found = decode(text).decode("utf-8")
    except (ValueError, binascii.Error):
        return
    if len(found) > 3 and sum(one.isprintable() or one.isspace() for one in found) == len(found):
        yield found


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
