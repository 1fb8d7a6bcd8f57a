"""All rows of one kind of record: what matches, newest first, and notes on what does not."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from rapidfuzz import fuzz, process

from mcp_servers.fhir.charts.dates import Span, bound, day_or_moment, newest_first, span
from mcp_servers.fhir.charts.elements import (
    SHOWN,
    Resource,
    Row,
    codings,
    concept_names,
    entered_in_error,
    folded,
    listed,
    resource_ref,
)
from mcp_servers.fhir.charts.errors import UnusableDate
from mcp_servers.fhir.charts.kinds import READINGS, Kind, belongs
from mcp_servers.fhir.charts.medications import medication_concepts
from mcp_servers.fhir.charts.negations import Negation, negation
from mcp_servers.fhir.charts.references import Included
from mcp_servers.fhir.charts.state import held
from mcp_servers.fhir.charts.window import Window
from mcp_servers.fhir.envelope import Finding

Status = Literal["current", "all"]
SIMILAR = 80
WHOLE_WORD = 3

_NOT_YET = "dated after now"
# Records left out as not current that a person must still hear of by name.
_NAMED = {
    "order not to give": "Ordered not to be given",
    "order not to perform": "Ordered not to be performed",
    "refuted": "Refuted",
    "status not recorded": "Status not recorded",
    "unknown": "Status unknown",
    "on-hold": "On hold",
    _NOT_YET: "Dated after now, so not current",
}
# Fields of a row that are codes, dates and amounts: no words to search.
_NOT_WORDS = frozenset(
    {
        "ref",
        "date",
        "end",
        "onset",
        "abated",
        "recorded",
        "uncertain",
        "requester",
        "performer",
        "recorder",
        "informant",
        "encounter",
        "status",
        "doc_status",
        "verification",
        "criticality",
        "source",
        "intent",
        "priority",
        "unit",
        "code",
        "attachments",
        "identifier",
    }
)


class Projected(NamedTuple):
    """All matching rows, newest first and undated last; notes; and whether anything is recorded."""

    rows: list[Row]
    notes: list[str]
    finding: Finding


class _Record(NamedTuple):
    resource: Resource
    row: Row
    negation: Negation | None

    @property
    def refuted(self) -> bool:
        return bool(self.row.get("verification") == "refuted")


def list_records(
    kind: Kind,
    resources: Iterable[Resource],
    *,
    included: Included | None = None,
    base: str | None = None,
    status: Status = "current",
    text: str | None = None,
    code: str | None = None,
    since: str | None = None,
    until: str | None = None,
    at: str | None = None,
    now: str,
    unread: Mapping[str, int] | None = None,
) -> Projected:
    """The records of `kind` among `resources` as rows (docs/architecture.md, "Common row fields").

    `text`: every word must occur in the record's names or the row's texts, case and accents ignored; words of
    three letters or fewer as whole words. `code`: a bare code or `system|code`, exact. `since` and `until`:
    ISO dates, whole partial dates included. `at`: the records that held on that day instead of those current
    now, `uncertain` where the chart does not tell. `unread`: how many others are known not to be current, by
    the reason. `base`: the address of the server, which its references may carry. Records entered in error
    are left out and counted. Raises UnusableDate.
    """
    window = Window(bound(since, "since"), bound(until, "until"))
    then = _past(at, now)
    notes: list[str] = []
    resources = [resource for resource in resources if isinstance(resource, dict)]
    # Other records of the chart (the problem that an order is for) name what a reference points to.
    included = {resource_ref(one): one for one in resources if not belongs(kind, one)} | dict(included or {})
    if base:
        included |= {f"{base}/{ref}": one for ref, one in included.items()}
    records, withdrawn = _read(kind, resources, included)
    wrong = [one for one in _matching(withdrawn, text, code, included) if window.may_hold(one.row)]
    if wrong:
        notes.append(f"{_many(len(wrong))} entered in error left out.")
    records = _matching(records, text, code, included, notes)
    if then:
        records = _as_of(kind, records, then, notes)
    elif status == "current":
        records = _current(kind, records, now, unread or {}, notes)
    rows = window.rows([record.row for record in records], notes, span(now))
    rows.sort(key=lambda row: (newest_first(row.get("date")), row["ref"]))
    _note_future(rows, now, notes)
    nameless = [row["ref"] for row in rows if "name" not in row]
    if nameless:
        notes.append(f"{_many(len(nameless))} without a readable name: {listed(nameless)}.")
    kept = {id(row) for row in rows}
    return Projected(rows, notes, _finding([record for record in records if id(record.row) in kept], notes))


def _read(
    kind: Kind, resources: Iterable[Resource], included: Included
) -> tuple[list[_Record], list[_Record]]:
    """The records of the kind, and those of them that were entered in error."""
    reading = READINGS[kind]
    records: list[_Record] = []
    withdrawn: list[_Record] = []
    seen: set[str] = set()
    for resource in resources:
        if not belongs(kind, resource):
            continue
        ref = resource_ref(resource)
        if "/" in ref and ref in seen:
            continue
        seen.add(ref)
        row = {"ref": ref, **reading.row(resource, included)}
        record = _Record(resource, row, _negation(kind, resource))
        (withdrawn if entered_in_error(resource) else records).append(record)
    return records, withdrawn


def _negation(kind: Kind, resource: Resource) -> Negation | None:
    field = {
        "medications": "medicationCodeableConcept",
        "immunizations": "vaccineCode",
        "devices": "type",
        "problems": "code",
        "allergies": "code",
        "procedures": "code",
    }.get(kind)
    return negation(resource.get(field)) if field else None


def _current(
    kind: Kind, records: list[_Record], now: str, unread: Mapping[str, int], notes: list[str]
) -> list[_Record]:
    why_not = READINGS[kind].why_not_current
    at = bound(now, "now")
    if why_not is None or at is None:
        return records
    kept: list[_Record] = []
    left: list[tuple[_Record, str]] = []
    for record in records:
        reason = why_not(record.resource, at) or _why_not_yet(kind, record, at)
        if reason is None:
            kept.append(record)
        else:
            left.append((record, reason))
    # "No known allergies" marked resolved or inactive still stands where no allergy contradicts it: charts
    # mark it so because there is nothing active.
    if kind == "allergies" and not any(record.negation is None for record in kept):
        standing = [record for record, reason in left if record.negation == "none" and reason != "refuted"]
        for record in standing:
            notes.append(
                f'{record.row["ref"]} ("{record.row.get("name")}") is marked {record.row["status"]}.'
            )
        kept += standing
        left = [(record, reason) for record, reason in left if not any(record is one for one in standing)]
    _note_left_out(left, "not current", notes, unread)
    unknown = sum(1 for record in kept if record.row.get("status") == "unknown")
    if unknown:
        notes.append(f"{_many(unknown)} without a known status kept as current, with status unknown.")
    return kept


def _past(at: str | None, now: str) -> Span | None:
    """The day asked about. Raises UnusableDate where it is no day, or lies ahead."""
    if not at:
        return None
    then, present = day_or_moment(at, "at"), span(now)
    if present and then.starts_after(present):
        raise UnusableDate("`at` must not lie after now; without it the present state is listed")
    return then


def _as_of(kind: Kind, records: list[_Record], at: Span, notes: list[str]) -> list[_Record]:
    """The records that held at `at`, and, marked `uncertain`, those of which the chart does not tell."""
    kept: list[_Record] = []
    left: list[tuple[_Record, str]] = []
    for record in records:
        verdict = held(kind, record.resource, record.row, at)
        if verdict.held is False:
            left.append((record, verdict.why))
        elif verdict.held is None:
            kept.append(record._replace(row={**record.row, "uncertain": verdict.why}))
        else:
            kept.append(record)
    _note_left_out(left, f"not so on {at.start:%Y-%m-%d}", notes)
    uncertain = sum("uncertain" in record.row for record in kept)
    if uncertain:
        notes.append(f"{_many(uncertain)} may or may not have held then; `uncertain` says why.")
    if kept:
        notes.append("`status` is that of now: FHIR keeps no dates of earlier ones.")
    return kept


def _note_left_out(
    left: list[tuple[_Record, str]], what: str, notes: list[str], unread: Mapping[str, int] | None = None
) -> None:
    counted = Counter(reason for _, reason in left) + Counter(unread)
    if counted:
        said = ", ".join(f"{n} {reason}" for reason, n in counted.most_common())
        notes.append(f"{_many(counted.total())} {what} left out ({said}); status=all lists them.")
    for reason, said in _NAMED.items():
        named = [record.row for record, why in left if why == reason]
        if named:
            names = listed([f"{row.get('name', 'unnamed')} ({row['ref']})" for row in named])
            notes.append(f"{said}: {names}.")


def _why_not_yet(kind: Kind, record: _Record, now: Span) -> str | None:
    """An allergy is kept whatever its date: what may harm the patient is told too early rather than late."""
    start = span(record.row.get("date"))
    return _NOT_YET if kind != "allergies" and start and start.starts_after(now) else None


def _matching(
    records: list[_Record],
    text: str | None,
    code: str | None,
    included: Included,
    notes: list[str] | None = None,
) -> list[_Record]:
    """The records that the words and the code are about; where there are none, `notes` hear what comes near."""
    if code and code.strip():
        wanted_system, _, wanted = code.strip().rpartition("|")
        records = [record for record in records if _has_code(record, wanted_system, wanted, included)]
    words = folded(text or "").split()
    if not words:
        return records
    found = [record for record in records if _says(_searchable(record, included), words)]
    if not found and notes is not None:
        none = [record for record in records if record.negation == "none" and not record.refuted]
        notes += [f'The chart records "{record.row.get("name")}" ({record.row["ref"]}).' for record in none]
        names = list(dict.fromkeys(str(record.row["name"]) for record in records if "name" in record.row))
        near = process.extract(
            text, names, scorer=fuzz.partial_ratio, processor=folded, limit=SHOWN, score_cutoff=SIMILAR
        )
        if near:
            alike = "; ".join(name for name, _, _ in near)
            notes.append(f"Nothing contains these words; similarly spelled in this chart: {alike}.")
    return found


def _concepts(record: _Record, included: Included) -> list[object]:
    resource = record.resource
    direct = [resource.get(field) for field in ("code", "vaccineCode", "type", "category", "procedureCode")]
    return [*direct, *medication_concepts(resource, included)]


def _has_code(record: _Record, system: str, code: str, included: Included) -> bool:
    return any(
        coding.get("code") == code and (not system or coding.get("system") == system)
        for concept in _concepts(record, included)
        for coding in codings(concept)
    )


def _searchable(record: _Record, included: Included) -> str:
    names = [name for concept in _concepts(record, included) for name in concept_names(concept)]
    texts = [text for field, text in record.row.items() if isinstance(text, str) and field not in _NOT_WORDS]
    return folded(" ".join([*names, *texts]))


def _says(searched: str, words: list[str]) -> bool:
    """Short words count only whole: "asa" is not in "nasal spray"."""
    whole = set(searched.split())
    return all(word in whole if len(word) <= WHOLE_WORD else word in searched for word in words)


def _finding(records: list[_Record], notes: list[str]) -> Finding:
    refuted = [record.row["ref"] for record in records if record.refuted]
    if refuted:
        notes.append(f"Refuted, so not a finding: {listed(refuted)}.")
    records = [record for record in records if not record.refuted]
    if not records:
        return "nothing_recorded"
    if all(record.negation == "none" for record in records):
        return "recorded_as_none"
    if all(record.negation == "not_known" for record in records):
        notes.append("The only records say that no information is available.")
        return "nothing_recorded"
    contradicted = [
        f'"{record.row.get("name")}" ({record.row["ref"]})' for record in records if record.negation == "none"
    ]
    if contradicted:
        notes.append(f"Recorded beside the others: {listed(contradicted)}.")
    return "recorded"


def _note_future(rows: list[Row], now: str, notes: list[str]) -> None:
    future = future_refs(rows, span(now))
    if future:
        notes.append(f"{_many(len(future))} dated after now: {listed(future)}.")


def future_refs(rows: list[dict[str, Any]], now: Span | None) -> list[str]:
    """The refs of rows dated after `now`."""
    if now is None:
        return []
    dated = ((row["ref"], span(row.get("date"))) for row in rows)
    return [ref for ref, at in dated if at and at.starts_after(now)]


def _many(n: int) -> str:
    return "1 record" if n == 1 else f"{n} records"
