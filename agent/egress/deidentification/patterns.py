"""Identifiers by their look or by the label before them, after the classes of 45 CFR 164.514(b)(2)."""

import re
import tomllib
from collections.abc import Collection, Iterator
from functools import cache
from importlib.resources import files
from ipaddress import ip_address

from agent.egress.deidentification.spans import Class, Span

_STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DC|DE|FL|GA|HI|IA|ID|IL|IN|KS|KY|LA|MA|MD|ME|MI|MN|MO|MS|MT|NC|ND|NE|NH|NJ|NM|NV|NY"
    "|OH|OK|OR|PA|PR|RI|SC|SD|TN|TX|UT|VA|VT|WA|WI|WV|WY"
)
_ZIP = re.compile(
    rf"(?:\b(?:{_STATES})\.?,?\s+|(?i:\bzip(?:\s*code)?|\bpostal\s*code|\bpostcode)\s*[:#]?\s*(?:is\s+)?)"
    r"(?P<value>\d{5}(?:-?\d{4})?)(?!\w)"
)
_CITY = re.compile(rf"(?P<value>(?:[A-Z][\w'’.-]+\s+){{0,2}}[A-Z][\w'’.-]+),\s*(?:{_STATES})\b")
_OLD = r"9\d|1[0-3]\d"
_YEARS_OLD = (
    r"(?:years?(?:\s|-)*(?:old|of\s+age)|y\.?\s?/?\s?o\b|yrs?\.?(?:\s|-)*old|yo\b|y\.o\.|[MF]\b"
    r"|(?:male|female|man|woman|gentleman|lady)\b)"
)
_AT_AGE = (
    r"\b(?:age[ds]?|died|passed(?:\s+away)?|deceased|dx|onset)"
    r"\s*(?:at)?\s*(?:the)?\s*(?:age)?\s*(?:of)?\s*[:=]?\s*"
)
_AGE = re.compile(
    rf"(?<![\w.,-])(?P<age>{_OLD})(?=(?:\s|-)*{_YEARS_OLD})"
    rf"|{_AT_AGE}(?P<at>{_OLD})(?!\w|\.\d|\s?%|/\d)",
    re.IGNORECASE,
)
# The first three digits of the areas with at most 20,000 people (2000 census; 45 CFR 164.514(b)(2)(i)(B), as
# HHS's guidance of 2012 lists them).
_SPARSE = frozenset(
    {
        "036", "059", "063", "102", "203", "556", "692", "790", "821", "823",
        "830", "831", "878", "879", "884", "890", "893",
    }
)  # fmt: skip


_IS = r"\s*(?:is\b|was\b|[:=#]|\bno\.?|->)?\s*[:#]?\s*"
# What follows a label: it holds a digit; of cards and accounts, several groups.
_VALUE = r"(?P<value>(?=[\w./-]*\d)[A-Za-z0-9](?:[\w./-]*[A-Za-z0-9])?)"
_GROUPS = r"(?P<value>(?=[\w ./-]*\d)[A-Za-z0-9][\w./-]*(?:[ -]\d[\w./-]*)*)"


@cache
def _by_label() -> list[tuple[Class, re.Pattern[str]]]:
    return [
        (
            kind,
            re.compile(rf"(?<![\w/]){label}{_IS}{_GROUPS if kind in ('ACCOUNT', 'SSN') else _VALUE}", re.I),
        )
        for kind, label in _listed("label")
    ]


@cache
def _by_look() -> list[tuple[Class, re.Pattern[str]]]:
    return [(kind, re.compile(pattern, re.I)) for kind, pattern in _listed("look")]


def _listed(which: str) -> list[tuple[Class, str]]:
    text = files("agent.egress.deidentification").joinpath("patterns.toml").read_text("utf-8")
    table = tomllib.loads(text)
    return [
        (kind, re.sub(r"%([A-Z]+)%", lambda name: table["parts"][name[1]], pattern))
        for kind, pattern in table["patterns"][which]
    ]


def identifiers_in(text: str, codes: Collection[str] = ()) -> Iterator[Span]:
    """What looks like an identifier, or stands behind a label that says so; ages and ZIP codes not.

    `codes` are numbers of terminologies, which name nobody.
    """
    for kind, pattern in _by_look():
        for match in pattern.finditer(text):
            if match.group() in codes or (kind == "IP" and not _is_address(match.group())):
                continue
            yield _span(match, kind)
    for kind, pattern in _by_label():
        for match in pattern.finditer(text):
            if len(match["value"].strip()) > 3 and "[" not in match.group():
                yield _span(match, kind)
    for match in _CITY.finditer(text):
        yield _span(match, "PLACE")


def _span(match: re.Match[str], kind: Class) -> Span:
    """The value of a match, else all of it, without the punctuation that ends a sentence."""
    group = "value" if "value" in match.re.groupindex else 0
    kept = match[group].rstrip(" .,;:!?'’")
    return Span(match.start(group), match.start(group) + len(kept), kind)


def zips_in(text: str) -> Iterator[tuple[int, int]]:
    """ZIP codes behind a state or a label."""
    for match in _ZIP.finditer(text):
        yield match.start("value"), match.end("value")


def shortened(code: str) -> str:
    """The first three digits of a ZIP code; 000 where few people live."""
    start = code.strip()[:3]
    return "000" if start in _SPARSE else start


def old_ages_in(text: str) -> Iterator[tuple[int, int]]:
    """Ages of 90 and over."""
    for match in _AGE.finditer(text):
        group = "age" if match["age"] else "at"
        yield match.start(group), match.end(group)


def _is_address(text: str) -> bool:
    """Whether it is an IP address; a version or a time (10:30:15) is none."""
    try:
        ip_address(text.partition("/")[0])
    except ValueError:
        return False
    return text.count(".") == 3 or text.count(":") >= 3
