"""Free text on its way out and back: tokens for what identifies, dates moved by the patient's days."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta

from agent.egress.deidentification.dates import Dated, collapsed, dates_in, moved, spans_in
from agent.egress.deidentification.identifiers import Identifiers
from agent.egress.deidentification.names import names_in
from agent.egress.deidentification.patterns import shortened
from agent.egress.deidentification.places import places_in
from agent.egress.deidentification.scanning import UNBROKEN, told_in
from agent.egress.deidentification.spans import Span, apart
from agent.egress.deidentification.vault import ALIAS, BRACKETED, TOKEN, Vault
from agent.errors import NotPermitted

_TYPES = (
    "Account|AdverseEvent|AllergyIntolerance|Appointment|Basic|Binary|BodyStructure|Bundle|CarePlan|CareTeam|ChargeItem|Claim"
    "|ClaimResponse|ClinicalImpression|Communication|CommunicationRequest|Composition|Condition|Consent|Coverage|DetectedIssue"
    "|Device|DeviceRequest|DeviceUseStatement|DiagnosticReport|DocumentManifest|DocumentReference|Encounter|Endpoint|EpisodeOfCare"
    "|ExplanationOfBenefit|FamilyMemberHistory|Flag|Goal|Group|HealthcareService|ImagingStudy|Immunization|ImmunizationEvaluation"
    "|ImmunizationRecommendation|List|Location|Media|Medication|MedicationAdministration|MedicationDispense|MedicationRequest"
    "|MedicationStatement|MolecularSequence|NutritionOrder|Observation|Organization|Patient|Person|Practitioner|PractitionerRole"
    "|Procedure|Provenance|QuestionnaireResponse|RelatedPerson|RequestGroup|RiskAssessment|Schedule|ServiceRequest|Slot|Specimen"
    "|Substance|SupplyDelivery|SupplyRequest|Task|VisionPrescription"
)
# Not `Type/id` literally, as descriptions of tools have it.
REFERENCE = re.compile(rf"(?<![\w/])(?:{_TYPES})/(?!id\b)[A-Za-z0-9](?:[A-Za-z0-9.-]{{0,62}}[A-Za-z0-9])?")
# As old as HIPAA lets an age be told.
_OLDEST = 89
_OVER = "90+"
_BLOB = re.compile(r"data:[\w/+.-]*;base64|[A-Za-z0-9+/]{400,}")
_ROUNDS = 4
_PREPOSITION = re.compile(r"\b(?P<word>in|during|since|until|through|before|after)\s+\Z", re.IGNORECASE)
_FROM = re.compile(r"\b(?:from|between)\s+\Z", re.IGNORECASE)
_SINCE = re.compile(r"\b(?:since|until|through|before|after) \d{4}-\d\d-\d\d(?![\d-])", re.IGNORECASE)
_PERIOD = re.compile(r"\d{4}(?:-\d\d)?")
_NONE: Mapping[str, set[str]] = {}


class Texts:
    """The texts of one session, one patient's dates in it: `days` is by how many they move on the way out.

    `today` is the session's own, as recorded. `counts` says how many of each class were replaced.
    """

    def __init__(self, chart: Identifiers, vault: Vault, days: int) -> None:
        self.chart = chart
        self.vault = vault
        self.days = days
        self.today: date | None = None
        self.counts: Counter[str] = Counter()
        self._shown: defaultdict[str, set[str]] = defaultdict(set)
        self._shown_periods: defaultdict[str, set[str]] = defaultdict(set)
        self._issued: set[date] = set()
        # Texts as they left: at the next step of a conversation, they leave again.
        self._done: dict[tuple[str, bool, bool, date | None, int], tuple[str, Counter[str]]] = {}

    def without(self, text: str, *, prose: bool = True, dates: bool = True) -> str:
        """The text with what identifies as tokens and its dates moved.

        With `prose`, names that no record tells are looked for too. Without `dates`, only those of today and
        of birth and death move: for texts of the host, whose other dates are examples. Raises NotPermitted
        where it holds a picture or a file, or cannot be freed of what identifies.
        """
        key = text, prose, dates, self.today, len(self.chart)
        if key not in self._done:
            before = self.counts.copy()
            out = self._without(text, prose=prose, dates=dates)
            self._done[key] = out, self.counts - before
            return out
        out, counts = self._done[key]
        self.counts += counts
        return out

    def _without(self, text: str, *, prose: bool, dates: bool) -> str:
        if _BLOB.search(text) or UNBROKEN.search(text):
            raise NotPermitted(
                "A text of this conversation holds a file or a picture, which cannot be de-identified: it"
                " does not leave."
            )
        spans = [Span(match.start(), match.end(), "TEXT") for match in _tokens_in(text)]
        spans += [Span(match.start(), match.end(), "REFERENCE") for match in REFERENCE.finditer(text)]
        spans += told_in(text, self.chart)
        if prose:
            spans += places_in(text, self.chart.displays)
            found = [one for one in names_in(text, self.chart.displays) if not _within(one, spans)]
            spans += found
            if found:
                named = Identifiers.named(text[one.start : one.end] for one in found)
                self.chart = self.chart.with_(named)
                spans += told_in(text, named)
        text = self._replaced(text, spans, dates=dates)
        return self.clean(text)

    def clean(self, text: str) -> str:
        """A text that was de-identified, after a last look: what the gate would find is replaced.

        Raises NotPermitted where something remains.
        """
        for _ in range(_ROUNDS):
            spans = told_in(text, self.chart)
            if not spans:
                return text
            text = self._replaced(text, spans, dates=False, moved_already=True)
        kinds = ", ".join(sorted({one.kind for one in told_in(text, self.chart)}))
        raise NotPermitted(
            f"A text cannot be freed of what identifies ({kinds}), so the session does not leave."
        )

    def day(self, text: str) -> str:
        """A FHIR date or time, moved; any other text is freed of what identifies."""
        found = re.fullmatch(r"(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d)?(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?", text)
        if not found:
            return self.without(text)
        clock = re.sub(r"\.\d+$", "", found[2] or "")
        return self.without(found[1], prose=False) + clock + (found[3] or "")

    def age(self, years: float) -> str | float:
        """An age in years: over 89 it is 90+."""
        if years <= _OLDEST:
            return years
        return self._say(_OVER, f"{years:g}", "AGE")

    def zip(self, code: str) -> str:
        """A ZIP code as its first three digits, 000 where few people live."""
        return self._say(f"{shortened(code)}XX", code, "PLACE")

    def back(self, text: str) -> str:
        """A text of the hosted model with what its tokens stand for, and its dates moved back.

        Raises NotPermitted for tokens and aliases that this session never issued.
        """
        for match in REFERENCE.finditer(text):
            if not ALIAS.fullmatch(match.group()) and (
                match.group() == text or re.search(r"\d", match.group())
            ):
                self.vault.ref(match.group())
        text = self.dates_back(text, self._told, self._shown_periods)
        for shown, real in self._shown.items():
            if len(real) == 1:
                text = re.sub(rf"(?<![\w.]){re.escape(shown)}(?!\d)", next(iter(real)), text)
        return self.vault.restored(text)

    def dates_back(
        self, text: str, say: Callable[[date, date], str], periods: Mapping[str, set[str]] = _NONE
    ) -> str:
        """The text with its dates as they are in the chart; `say` writes a span of days, and `periods` are
        words that stand for a year or a month."""
        step = timedelta(days=self.days)
        pieces: list[str] = []
        place = 0
        spans: list[tuple[int, int, str]] = []
        for start, end, first, last in spans_in(text):
            told = say(first - step, last - step)
            word = None if text.startswith((" to ", " and "), end) else _FROM.search(text, 0, start)
            if word and periods is not _NONE and _PERIOD.fullmatch(told):
                start, told = word.start(), f"{'In' if word.group()[0].isupper() else 'in'} {told}"
            spans.append((start, end, told))
        for match in _SINCE.finditer(text):
            real = periods.get(match.group().lower(), set())
            if len(real) == 1:
                spans.append((*match.span(), next(iter(real))))
        for one in dates_in(text):
            if (
                one.first is None
                or one.last is None
                or any(start <= one.start < end for start, end, _ in spans)
            ):
                continue
            if _in_token(text, one.start):
                continue
            told = moved(one, -self.days) if one.full else say(one.first - step, one.last - step)
            spans.append((one.start, one.end, told))
        for start, end, told in sorted(spans):
            pieces += [text[place:start], told]
            place = end
        return "".join([*pieces, text[place:]])

    def _told(self, first: date, last: date) -> str:
        """A span of the chart's days in words: a month or year that it is; else the one in which all days lie
        that the model was shown of it; else its two ends."""
        said = collapsed(first, last)
        if ".." not in said:
            return said
        shown = [day for day in self._issued if first <= day <= last]
        for length in (7, 4):
            periods = {day.isoformat()[:length] for day in shown}
            if (
                len(periods) == 1
                and (last - first).days > (27 if length == 7 else 300)
                and (length == 4) == ((last - first).days > 300)
            ):
                return periods.pop()
        return f"{first} to {last}"

    def _replaced(self, text: str, spans: list[Span], *, dates: bool, moved_already: bool = False) -> str:
        found: list[tuple[Span, str]] = []
        rest: list[Span] = []
        for one in [] if moved_already else dates_in(text):
            here = Span(one.start, one.end, "DATE")
            if not dates and not (
                one.first and one.first == one.last and one.first in {*self.chart.days_of_life(), self.today}
            ):
                continue
            # A date that a number of another kind contains goes with it.
            if any(_overlap(here, span) and not _inside(span, here) for span in spans):
                rest.append(here)
                continue
            spans = [span for span in spans if not _inside(span, here)]
            before = _PREPOSITION.search(text, 0, one.start)
            found.append(
                self._period(one, before) if before and not one.full else (here, self._date(one, text))
            )
        for span in apart([*spans, *rest]):
            found.append((span, self._token(span, text[span.start : span.end])))
        pieces: list[str] = []
        place = 0
        for span, said in sorted(found, key=lambda one: one[0].start):
            pieces += [text[place : span.start], said]
            place = span.end
        return "".join([*pieces, text[place:]])

    def _period(self, one: Dated, before: re.Match[str]) -> tuple[Span, str]:
        """A year or a month behind a preposition, in words that mean the same of its days: `in 2019` as `from
        2018-06-15 to 2019-06-14`, `since 2019` as `since 2018-06-15`."""
        span = self._date(one, one.match.string)
        whole = Span(before.start(), one.end, "DATE")
        if ".." not in span:
            return Span(one.start, one.end, "DATE"), span
        word = before["word"].lower()
        first, _, last = span.partition("..")
        if word in ("in", "during"):
            return whole, f"{'From' if before['word'][0].isupper() else 'from'} {first} to {last}"
        told = f"{before['word']} {last if word in ('until', 'through', 'after') else first}"
        self._shown_periods[told.lower()].add(one.match.string[before.start() : one.end])
        return whole, told

    def _date(self, one: Dated, text: str) -> str:
        """A date moved; as a token where it cannot move, or tells of an age over 89."""
        self.counts["DATE"] += 1
        written = text[one.start : one.end]
        if one.first is None or one.last is None or self._is_old(one.first):
            return self.vault.token("DATE", written)
        try:
            told = moved(one, self.days)
        except (ValueError, OverflowError):
            return self.vault.token("DATE", written)
        if one.full and one.first + timedelta(days=self.days) in self.chart.days_of_life():
            return self.vault.token("DATE", written)  # else the gate could not tell it from the day itself
        if one.full:
            self._issued.add(one.first)
        return told

    def _is_old(self, day: date) -> bool:
        """Whether somebody born on that day would be over 89 (45 CFR 164.514(b)(2)(i)(C))."""
        return self.today is not None and (
            self.today.year - day.year,
            day.timetuple()[1:3] <= self.today.timetuple()[1:3],
        ) >= (90, True)

    def _token(self, span: Span, text: str) -> str:
        if span.kind == "AGE" and text.isdigit():
            return self._say(_OVER, text, "AGE")
        if span.entity == "zip":
            return self.zip(text)
        self.counts[span.kind] += 1
        if span.kind == "REFERENCE" and REFERENCE.fullmatch(text):
            return self.vault.alias(text)
        return self.vault.token(span.kind, text, span.entity)

    def _say(self, shown: str, real: str, kind: str) -> str:
        self.counts[kind] += 1
        self._shown[shown].add(real)
        return shown


def _tokens_in(text: str) -> Iterator[re.Match[str]]:
    yield from TOKEN.finditer(text)
    yield from BRACKETED.finditer(text)


def _in_token(text: str, place: int) -> bool:
    return any(match.start() <= place < match.end() for match in _tokens_in(text))


def _within(span: Span, spans: list[Span]) -> bool:
    return any(_inside(span, other) for other in spans)


def _inside(span: Span, other: Span) -> bool:
    return other.start <= span.start and span.end <= other.end


def _overlap(one: Span, two: Span) -> bool:
    return one.start < two.end and two.start < one.end
