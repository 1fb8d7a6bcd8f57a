"""Identifiers by their look or by the label before them, after the classes of 45 CFR 164.514(b)(2)."""

import re
import tomllib
from collections.abc import Collection, Iterator
from functools import cache
from importlib.resources import files
from ipaddress import ip_address

from agent.egress.deidentification.folding import folded
from agent.egress.deidentification.lexicon import codes as terminology
from agent.egress.deidentification.lexicon import english, is_clinical, names
from agent.egress.deidentification.spans import Class, Span

_STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DC|DE|FL|GA|HI|IA|ID|IL|IN|KS|KY|LA|MA|MD|ME|MI|MN|MO|MS|MT|NC|ND|NE|NH|NJ|NM|NV|NY"
    "|OH|OK|OR|PA|PR|RI|SC|SD|TN|TX|UT|VA|VT|WA|WI|WV|WY"
)
_STATE_NAMES = (
    r"Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii|Idaho"
    r"|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota"
    r"|Mississippi|Missouri|Montana|Nebraska|Nevada|New\s+(?:Hampshire|Jersey|Mexico|York)"
    r"|(?:North|South)\s+(?:Carolina|Dakota)|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode\s+Island|Tennessee|Texas"
    r"|Utah|Vermont|(?:West\s+)?Virginia|Washington|Wisconsin|Wyoming"
)
_ZIP = re.compile(
    rf"(?:\b(?:{_STATES}|{_STATE_NAMES})\.?,?\s+|(?i:\bzip(?:\s*code)?|\bpostal\s*code|\bpostcode)\s*[:#]?\s*(?:is\s+)?)"
    r"(?P<value>\d{5}(?:-?\d{4})?)(?!\w)"
)
_CITY = re.compile(
    rf"(?P<value>(?:[A-Z][\w'’.-]+\s+){{0,2}}[A-Z][\w'’.-]+),\s*(?:{_STATES}|{_STATE_NAMES})\b"
)
_OLD = r"(?:9\d|1[0-3]\d)"
_YEARS_OLD = (
    r"(?:years?(?:\s|-)*(?:old|of\s+age)|y\.?\s?/?\s?o\b|yrs?\.?(?:\s|-)*old|yo\b|y\.o\.|[MF]\b"
    r"|(?:male|female|man|woman|gentleman|lady)\b)"
)
_AT_AGE = (
    r"\b(?:age[ds]?|died|passed(?:\s+away)?|deceased|dx|onset)"
    r"\s*(?:at)?\s*(?:the)?\s*(?:age)?\s*(?:of)?\s*[:=]?\s*"
)
# "Her mother turned 91", "Mr. Hale is 92 and": who is 92 is a person, and no pulse.
_WHO = (
    r"(?:he|she|they|who|patient|pt|mother|father|mom|dad|husband|wife|(?:mr|mrs|ms|miss)\.?\s+[\w'’-]+"
    r"|(?P<name>[A-Z][a-z'’-]+))"
)
_IS_OLD = re.compile(
    rf"(?-i:\b[A-Z][a-z'’-]+)\s\((?P<beside>{_OLD})\)"
    rf"|(?<![\w.,/-])(?P<today>{_OLD})(?=\s+today\b)"
    rf"|\bturn(?:s|ed|ing)?\s+(?P<turned>{_OLD})(?![\w+]|\.\d|\s?%|/\d)"
    rf"|\b{_WHO}\s+(?:is|was)\s+(?P<is>{_OLD})(?=\s+(?:and|now|in|this|next|today|with)\b|[.,;]?\s*$|[.,;]\s)",
    re.IGNORECASE | re.MULTILINE,
)
_SPELLED_AGE = re.compile(
    r"\b(?:is|am|was|turn(?:ed|s)?|age[ds]?)\s+(?:at\s+)?(?P<age>ninety(?:[-\s](?:one|two|three|four|five|six|seven|eight|nine))?"
    r"|(?:a|one)\s+hundred(?:\s+and\s+\w+)?)\b(?!\s+(?:percent|mg|over))"
    r"|\b(?P<old>ninety(?:[-\s]\w+)?)(?=[-\s]years?[-\s]old)",
    re.IGNORECASE,
)
_AGE = re.compile(
    rf"(?<![\w.,-])(?P<age>{_OLD})(?=(?:\s|-)*{_YEARS_OLD})"
    rf"|{_AT_AGE}(?P<at>{_OLD})(?![\w+]|\.\d|\s?%|/\d)",
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
# What follows a label: it holds a digit, and may be in several groups.
_VALUE = (
    r"(?P<value>(?:[A-Za-z]{1,5}[ -](?=\d))?(?=[\w./-]*\d)[A-Za-z0-9](?:[\w./-]*[A-Za-z0-9])?"
    r"(?:[ -]\d[\w./-]{1,}\w|[ -]\d\d)*)"
)
_LEAST = 3  # digits of a number that a label names


@cache
def _by_label() -> list[tuple[Class, re.Pattern[str]]]:
    return [
        (
            kind,
            re.compile(rf"(?<![\w/]){label}(?![a-z]){_IS}{_VALUE}", re.I),
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
    for kind, pattern in _by_label():
        for match in pattern.finditer(text):
            if sum(one.isdigit() for one in match["value"]) >= _LEAST and "[" not in match.group():
                yield _span(match, kind)
    for kind, pattern in _by_look():
        for match in pattern.finditer(text):
            if (
                match.group() in codes
                or match.group() in terminology()
                or (kind == "IP" and not _is_address(match.group()))
            ):
                continue
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
        yield match.span("age" if match["age"] else "at")
    for match in _SPELLED_AGE.finditer(text):
        yield match.span("age" if match["age"] else "old")
    for match in _IS_OLD.finditer(text):
        if match["name"] is None or _may_be_name(folded(match["name"])):
            yield match.span(match.lastgroup or 0)


def _may_be_name(word: str) -> bool:
    return word in names() or not (word in english() or is_clinical(word))


def _is_address(text: str) -> bool:
    """Whether it is an IP address; a version or a time (10:30:15) is none."""
    try:
        ip_address(text.partition("/")[0])
    except ValueError:
        return False
    return text.count(".") == 3 or text.count(":") >= 3
