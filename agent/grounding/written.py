"""Numbers, dates, times, references and words as they are written in prose or in a chart."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from agent.grounding.units import Unit, unit_at


@dataclass(frozen=True)
class Number:
    """A decimal with its comparator (`<`, `<=`, `>`, `>=` or empty) and the unit written after it."""

    value: Decimal
    op: str = ""
    unit: Unit | None = None

    @property
    def places(self) -> int:
        return max(0, -int(self.value.as_tuple().exponent))

    @property
    def whole(self) -> bool:
        return self.value == self.value.to_integral_value()

    def rounds(self, exact: Decimal) -> bool:
        """Whether this is `exact`, rounded as it is written (a half either way)."""
        return abs(self.value - exact) * 2 <= Decimal(1).scaleb(-self.places)


@dataclass(frozen=True)
class Day:
    """A date of any precision; the parts that are not written are None."""

    year: int | None = None
    month: int | None = None
    day: int | None = None

    def stands_in(self, other: "Day") -> bool:
        """Whether `other` says at least what this date says."""
        pairs = ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        return all(mine is None or mine == theirs for mine, theirs in pairs)


@dataclass(frozen=True)
class Span:
    """Where something is written: `text[start:end]`."""

    start: int
    end: int


@dataclass(frozen=True)
class Dated(Span):
    """A date in a text; two readings when day and month could change places."""

    readings: tuple[Day, ...]


@dataclass(frozen=True)
class Numbered(Span):
    """A number in a text, with its comparator; `after` is where the unit ends that follows it."""

    number: Number
    after: int = 0


# R4 resource types: a LOINC name such as "Glucose [Mass/volume] in Blood" must not read as a reference.
_TYPES = (
    r"Account|AdverseEvent|AllergyIntolerance|Appointment|Basic|Binary|BodyStructure|Bundle"
    r"|CarePlan|CareTeam|ChargeItem|Claim|ClaimResponse|ClinicalImpression|Communication"
    r"|Composition|Condition|Consent|Coverage|DetectedIssue|Device|DeviceRequest|DeviceUseStatement"
    r"|DiagnosticReport|DocumentManifest|DocumentReference|Encounter|EpisodeOfCare"
    r"|ExplanationOfBenefit|FamilyMemberHistory|Flag|Goal|Group|ImagingStudy|Immunization"
    r"|ImmunizationEvaluation|ImmunizationRecommendation|List|Location|Media|Medication"
    r"|MedicationAdministration|MedicationDispense|MedicationRequest|MedicationStatement"
    r"|MolecularSequence|NutritionOrder|Observation|Organization|Patient|Person|Practitioner"
    r"|PractitionerRole|Procedure|Provenance|QuestionnaireResponse|RelatedPerson|RequestGroup"
    r"|RiskAssessment|Schedule|ServiceRequest|Specimen|Substance|SupplyDelivery|SupplyRequest|Task"
    r"|VisionPrescription"
)
_REF = rf"(?:{_TYPES})/[A-Za-z0-9.-]{{1,64}}(?<!\.)"
REFERENCE = re.compile(_REF)
CITATION = re.compile(rf"\[`?{_REF}`?(?:\s*[,;]\s*`?{_REF}`?)*\]|(?<![\w/]){_REF}")

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_NTH = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_NO_MORE = r"(?![\d/]|[.,:]\d)"
_ALONE = rf"(?<=\bin\s){_MONTH}(?!\w)|(?<=\bsince\s){_MONTH.replace('month', 'since')}(?!\w)"
_MONTH_ALONE = re.compile(_ALONE, re.IGNORECASE)
_DATES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<![\w./-]){_NTH}(?=\s*(?:to|and|until|through|-|–)\s*\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}"
        rf",?\s+(?P<year>\d{{4}}){_NO_MORE})",
        r"(?<![\w./-])(?P<year>\d{4})-(?P<m>0[1-9]|1[0-2])(?:-(?P<day>0[1-9]|[12]\d|3[01]))?(?![\d-])",
        rf"(?<![\w./-])(?P<year>\d{{4}})/(?P<m>\d\d)/(?P<day>\d\d){_NO_MORE}",
        rf"(?<![\w./-])(?P<a>\d{{1,2}})(?P<sep>[/.])(?P<b>\d{{1,2}})(?P=sep)(?P<year>\d{{4}}){_NO_MORE}",
        rf"\b{_MONTH}\s+{_NTH},?\s+(?P<year>\d{{4}}){_NO_MORE}",
        rf"(?<![\w./]){_NTH}(?:\s+(?:of\s+)?|-){_MONTH}(?:,?\s+|-)(?P<year>\d{{4}}){_NO_MORE}",
        rf"\b{_MONTH},?\s+(?:of\s+)?(?P<year>\d{{4}}){_NO_MORE}",
        rf"\b{_MONTH}\s+{_NTH}(?!\w|[.,/:]\d|\s*%)",
        rf"(?<![\w./-]){_NTH}\s+(?:of\s+)?{_MONTH}(?!\w)",
        _ALONE,
        r"(?<![\w.,/<>=])(?:(?<=\d-)|(?<!-))(?P<year>(?:19|20)\d{2})(?![\w/%]|[.,]\d"
        r"|\s(?:days|weeks|months|years|hours|mg|mcg|m[lL]|units|steps)\b)",
    )
]
# Most texts name no month, which most of these patterns need.
_MONTH_NAMED = re.compile(rf"\b(?:{'|'.join(_MONTHS)})", re.IGNORECASE)
_IN_DIGITS = [pattern for pattern in _DATES if "month" not in pattern.groupindex]
_TIME = re.compile(
    r"(?<![\d:])T?(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?::[0-5]\d(?:\.\d+)?)?"
    r"(?:Z\b|[+-]\d\d:\d\d|\s*(?P<half>[ap])\.?m\b\.?)?(?![\d:])",
    re.IGNORECASE,
)
_PAIR = re.compile(r"(?<![\w./-])(\d+(?:\.\d+)?)\s?/\s?(\d+(?:\.\d+)?)(?![\w/]|\.\d)")
_OPS = {
    "<": r"<|(?:less|fewer|lower)\s+than|below|under",
    ">": r">|(?:more|greater|higher)\s+than|above|over|exceed(?:s|ed|ing)?",
    "<=": r"<=|≤|at\s+most|up\s+to|(?:no|not)\s+more\s+than",
    ">=": r">=|≥|at\s+least|(?:no|not)\s+less\s+than",
}
_NUMBER = re.compile(
    r"(?:(?P<op><=|>=|(?<![-=])[<>]|[≤≥]|\b(?:(?:no|not)\s+(?:more|less)|less|fewer|lower|more|greater|higher)\s+than\b"
    r"|\b(?:below|under|above|over|exceed(?:s|ed|ing)?|at\s+most|up\s+to|at\s+least)\b)\s*)?"
    r"(?<![^\W_])(?<!\.)(?<![A-Za-z]-)(?P<number>(?:(?<![\w.)\]-])[-−+])?(?:\d{1,3}(?:,\d{3})+"
    r"|\d+)(?:\.\d+)?|\.\d+)"
    r"(?!\d|[.,:]\d|(?:st|nd|rd|th)\b)",
    re.IGNORECASE,
)
SPELLED = (
    "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
    "|eighteen|nineteen|twenty"
)
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_SPELLED_NUMBER = re.compile(
    rf"\b(?:(?P<tens>{_TENS})(?:[- ](?P<ones>one|{SPELLED}))?|(?P<small>{SPELLED}))\b(?![-/])"
    r"(?P<half>\s+and\s+a\s+half\b)?",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_POSSESSIVE = re.compile(r"['’]s?$")
_INFLECTION = re.compile(r"(?:ions?|ives?|ics?|ies|es|s|y)$")
_WORD = re.compile(r"[^\W\d_][^\W_]*(?:[-’'][^\W_]+)*")


def dates_in(text: str) -> Iterator[Dated]:
    """Dates in ISO, written and slash forms, full or partial; the longest reading of each place."""
    patterns = _DATES if _MONTH_NAMED.search(text) else _IN_DIGITS
    for pattern in patterns if _DIGIT.search(text) else (_MONTH_ALONE,):
        found = list(pattern.finditer(text))
        for match in found:
            parts = {name: part for name, part in match.groupdict().items() if part}
            readings = tuple(_days(parts))
            if readings:
                yield Dated(match.start(), match.end(), readings)
        if found:
            text = pattern.sub(lambda match: " " * len(match.group()), text)


def _days(parts: dict[str, str]) -> Iterator[Day]:
    year = int(parts["year"]) if "year" in parts else None
    if "a" in parts:
        a, b = int(parts["a"]), int(parts["b"])
        yield from (Day(year, month, day) for month, day in {(a, b), (b, a)} if 1 <= month <= 12)
        return
    name = parts.get("month") or parts.get("since")
    month = _MONTHS.index(name[:3].lower()) + 1 if name else int(parts["m"]) if "m" in parts else None
    yield Day(year, month, int(parts["day"]) if "day" in parts else None)


def times_in(text: str) -> Iterator[tuple[Span, str]]:
    """Times of day, as `HH:MM` on the 24-hour clock."""
    for match in _TIME.finditer(text):
        hour, half = int(match["hour"]), match["half"]
        if half:
            hour = hour % 12 + (12 if half.lower() == "p" else 0)
        yield Span(match.start(), match.end()), f"{hour:02}:{match['minute']}"


def pairs_in(text: str) -> Iterator[tuple[Span, tuple[Decimal, Decimal]]]:
    """Two numbers with a slash between them, such as a blood pressure."""
    for match in _PAIR.finditer(text):
        yield Span(match.start(), match.end()), (Decimal(match[1]), Decimal(match[2]))


def numbers_in(text: str) -> Iterator[Numbered]:
    """Numbers with their comparator (sign or words) and unit; ordinals such as `2nd` are no numbers."""
    taken = 0
    for match in _NUMBER.finditer(text) if _DIGIT.search(text) else ():
        if match.start("number") < taken:
            continue
        value = Decimal(match["number"].replace(",", "").replace("−", "-"))
        op = next((op for op, words in _OPS.items() if re.fullmatch(words, match["op"] or "", re.I)), "")
        unit, taken = unit_at(text, match.end())
        yield Numbered(match.start(), match.end(), Number(value, op, unit), taken)
    for match in _SPELLED_NUMBER.finditer(text):
        tens = _TENS.split("|").index(match["tens"].lower()) * 10 + 20 if match["tens"] else 0
        small = (match["small"] or match["ones"] or "").lower()
        value = Decimal(tens + (["", "one", *SPELLED.split("|")].index(small)))
        value += Decimal("0.5") if match["half"] else 0
        unit, after = unit_at(text, match.end())
        yield Numbered(match.start(), match.end(), Number(value, "", unit), after)


def words_in(text: str) -> Iterator[tuple[Span, str]]:
    """Words (a letter first, then letters and digits, with inner hyphens), as written."""
    for match in _WORD.finditer(text):
        yield Span(match.start(), match.end()), match.group()


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """The word without case and inflection: `Allergies`, `allergic` and `allergy` share a stem.

    Only endings of plurals and adjectives go: drugs that look alike (prednisone, prednisolone) stay apart.
    """
    word = _POSSESSIVE.sub("", word.casefold())
    short = _INFLECTION.sub("", word)
    return short if len(short) >= 4 else word


def blank(text: str, start: int, end: int) -> str:
    """The text with a span blanked out, so that what was read there is not read again."""
    return f"{text[:start]}{' ' * (end - start)}{text[end:]}"
