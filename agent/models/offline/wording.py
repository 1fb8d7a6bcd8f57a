"""Rows into words: values, dates, lists and citations, set into the sentences of `wording.toml`."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from agent.models.offline.chart import Row
from agent.models.offline.concepts import read_table

SHOWN = 10
LONGEST_EACH = 20
CITED = 20
# The answer may have 4,000 characters; sentences, notes and a head of citations come on top.
LONGEST_LIST = 2400
# A citation as `cite` writes it; LOINC's names hold the like of it, as in "Glucose [Mass/volume] in Blood".
REFERENCE = re.compile(
    r"\[((?:AllergyIntolerance|Appointment|CarePlan|CareTeam|ClinicalImpression|Composition|Condition|Coverage"
    r"|Device|DeviceUseStatement|DiagnosticReport|DocumentReference|Encounter|FamilyMemberHistory|Goal|ImagingStudy"
    r"|Immunization|Location|Media|Medication\w*|Observation|Organization|Patient|Practitioner\w*|Procedure"
    r"|QuestionnaireResponse|ServiceRequest|Specimen)/[A-Za-z0-9.-]{1,64})\]"
)
_NORMAL = ("normal", "n", "")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT")
_REFERENCE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}(?:; .*)?")
# Notes of results that the rows shown, or the number told, already say.
_NEEDLESS = re.compile(
    r"^`|^Refuted|^Nothing is recorded under|^Units differ|status=all|^\d+ outside the dates"
    r"|^\d+ results in all|^\d+ (?:parts|components) repeat a |^\d+ mentions? of (?:another|other) patient"
)
_LATER = re.compile(r"\d+ dated after now left out\.$")
# UCUM writes "no unit" as an annotation, such as {score} or {INR}.
_ANNOTATION = re.compile(r"\{[^}]*\}")
_UNITS = {
    "mm[Hg]": "mmHg",
    "Cel": "°C",
    "[degF]": "°F",
    "[lb_av]": "lb",
    "[oz_av]": "oz",
    "[in_i]": "in",
    "[ft_i]": "ft",
}
# SNOMED's fully specified names end in what kind of thing they name.
_SEMANTIC_TAG = re.compile(r" \((?:procedure|finding|disorder|situation|regime/therapy)\)$")


Status = Literal["answered", "not_in_chart", "needs_review"]


@dataclass(frozen=True)
class Draft:
    """An answer before it is sent: its text, the records it rests on, and its status."""

    text: str
    citations: tuple[str, ...] = ()
    status: Status = "answered"


class Wording:
    """The sentences of answers, by group and name."""

    def __init__(self) -> None:
        self._sentences: dict[str, dict[str, str]] = read_table("wording")

    def say(self, group: str, sentence: str, /, **parts: Any) -> str:
        """One sentence with its parts filled in; the first letter is made a capital."""
        text = self.phrase(group, sentence, **parts)
        return text[:1].upper() + text[1:]

    def phrase(self, group: str, sentence: str, /, **parts: Any) -> str:
        """A part of a sentence."""
        return self._sentences[group][sentence].format(**parts)

    def listed(self, rows: Sequence[Row], item: Callable[[Row], str], *, each: bool = False) -> str:
        """The first rows as one text, until it is long enough; and that there are others.

        With `each`, only the first row of every name: charts repeat an order at each renewal.
        """
        distinct: dict[str, Row] = {}
        for row in rows:
            distinct.setdefault(name(row).casefold(), row)
        chosen = list(distinct.values()) if each else list(rows)
        items: list[str] = []
        for row in chosen[: LONGEST_EACH if each else SHOWN]:
            items.append(item(row))
            if sum(map(len, items)) > LONGEST_LIST:
                break
        more = self._sentences["list"]["more"] if len(chosen) > len(items) else ""
        return "; ".join(items) + more


def cite(refs: Iterable[str]) -> str:
    """References as citations in the text."""
    return " ".join(f"[{ref}]" for ref in dict.fromkeys(refs))


def refs_of(rows: Iterable[Row]) -> tuple[str, ...]:
    """The references of rows, in order, once each, as many as an answer may list."""
    found = [ref for row in rows for ref in [row.get("ref"), *row.get("refs", [])] if ref]
    return tuple(dict.fromkeys(found))[:CITED]


def day(iso: object) -> str:
    """A date as recorded, without the time of day; words ("as a child") as they are."""
    written = str(iso)
    return written[:10] if _DATE_TIME.match(written) else written


def when(row: Row) -> str:
    """` on 2019-05-03`, ` in 2019`, ` (no date)`."""
    if "date" not in row:
        return " (no date)"
    written = day(row["date"])
    return f" {'on' if len(written) == 10 else 'in'} {written}"


def is_later(row: Row, now: date) -> bool:
    """Whether a record is dated after the day of `now`; a partial date is when all of it is."""
    written = str(row.get("date", ""))[:10]
    return written > now.isoformat()[: len(written)]


def value(row: Row) -> str:
    """A result's value with comparator and unit, exactly as recorded; the reason where it has none."""
    if "value" not in row:
        return f"no value ({row.get('absent', 'no reason given')})"
    return f"{row.get('comparator', '')}{_SEMANTIC_TAG.sub('', str(row['value']))}{unit(row)}"


def unit(row: Row) -> str:
    """The unit of a row with the space before it, UCUM's codes as clinicians write them; none where none."""
    written = str(row.get("unit", ""))
    return "" if not written or _ANNOTATION.fullmatch(written) else f" {_UNITS.get(written, written)}"


def flags(row: Row) -> str:
    """What must be said beside a value: interpretation, reference range, a status that is not final."""
    said = []
    interpretation = str(row.get("interpretation", ""))
    if interpretation.lower() not in _NORMAL:
        said.append(f"interpretation {interpretation}")
    if "range" in row:
        said.append(f"reference range {row['range']}")
    if row.get("status") not in (None, "final"):
        said.append(f"status {row['status']}")
    return f" ({'; '.join(said)})" if said else ""


def inline(text: object) -> str:
    """Free text of a record (a dose, a reason) as part of a sentence: its full stops become semicolons."""
    return re.sub(r"[.!?]+(\s+|$)", "; ", str(text)).rstrip("; ")


def name(row: Row) -> str:
    """What the record is called."""
    return _SEMANTIC_TAG.sub("", str(row.get("name", "unnamed record")))


def reason(row: Row) -> str:
    """Why it was done; that the chart gives no reason, or gives one that could not be read."""
    if "reason" not in row:
        return "no reason recorded"
    if _REFERENCE.fullmatch(str(row["reason"])):
        return "the record of its reason could not be read"
    return f"reason: {inline(row['reason'])}"


def many(n: int, noun: str) -> str:
    """`1 visit`, `2 visits`, `2 recorded allergies`."""
    return f"{n} {noun if n == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """The plural of a regular noun."""
    return re.sub(r"(?<![aeiou])y$", "ie", noun) + "s"


def noted(notes: Iterable[str], *, later: bool = True) -> str:
    """The notes of a result that a reader of the answer must know, word for word: so they are evidence.

    Without `later`, not how many are dated after now: the last one before is all that was asked for.
    """
    kept = [note for note in notes if not _NEEDLESS.search(note) and (later or not _LATER.match(note))]
    return f" Note: {' '.join(kept)}" if kept else ""
