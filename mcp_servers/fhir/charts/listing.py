"""All rows of one kind of record: what matches, newest first, and notes on what does not."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from mcp_servers.fhir.charts.dates import Span, bound, day_or_moment, newest_first, span
from mcp_servers.fhir.charts.elements import (
    Resource,
    Row,
    entered_in_error,
    folded,
    listed,
    resource_ref,
)
from mcp_servers.fhir.charts.errors import UnusableDate
from mcp_servers.fhir.charts.kinds import READINGS, Kind, belongs
from mcp_servers.fhir.charts.matching import Record, Wording, with_code, with_words
from mcp_servers.fhir.charts.negations import Negation, negation
from mcp_servers.fhir.charts.references import Included
from mcp_servers.fhir.charts.state import held
from mcp_servers.fhir.charts.window import Window
from mcp_servers.fhir.envelope import Finding

Status = Literal["current", "all"]

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
# Under which element a kind says what a record is; of others the name is no such thing (a class of visits).
_NAMED_BY: dict[Kind, str] = {
    "medications": "medicationCodeableConcept",
    "immunizations": "vaccineCode",
    "devices": "type",
    "problems": "code",
    "allergies": "code",
    "procedures": "code",
}


class Projected(NamedTuple):
    """All matching rows, newest first and undated last; notes; and whether anything is recorded."""

    rows: list[Row]
    notes: list[str]
    finding: Finding


class Read:
    """The records of a kind as they were read last: those of equal resources are not read again."""

    def __init__(self) -> None:
        self._of: tuple[Kind, list[Resource], Included, str | None] | None = None
        self._read: tuple[list[Record], list[Record]] = ([], [])

    def records(
        self, kind: Kind, resources: list[Resource], included: Included, base: str | None
    ) -> tuple[list[Record], list[Record]]:
        """The records, and those of them that were entered in error."""
        of = (kind, resources, included, base)
        if self._of != of:
            self._read, self._of = _read(*of), of
        return self._read


def list_records(
    kind: Kind,
    resources: Iterable[Resource],
    *,
    included: Included | None = None,
    base: str | None = None,
    status: Status = "current",
    text: str | None = None,
    wording: Wording | None = None,
    code: str | None = None,
    since: str | None = None,
    until: str | None = None,
    at: str | None = None,
    born: str | None = None,
    now: str,
    unread: Mapping[str, int] | None = None,
    read: Read | None = None,
) -> Projected:
    """The records of `kind` among `resources` as rows (docs/architecture.md, "Common row fields").

    `text`: every word must occur in the record's names or the row's texts, case and accents ignored, whole or
    (of four letters and more) as the beginning of a word; or the record is about what the words mean by
    `wording`, which also says which words need not occur. Records with the words in other texts than their
    names come last. `code`: a bare code or `system|code`, of ICD-10 a category too.
    `since` and `until`: ISO dates, whole partial dates included; of encounters all that reach into that time.
    `at`: the records that held on that day instead of those current now, `uncertain` where the chart does not
    tell; with `born`, the patient's birth date, it may tell of an onset at an age. `unread`: how many others
    are known not to be current, by the reason. `base`: the address of the server, which its references may
    carry. `read`: what an earlier call may have made of the same records. What is recorded and only left out
    is not `nothing_recorded`, but what was entered in error is, and is counted. Raises UnusableDate.
    """
    window = Window.of(since, until, now if kind == "encounters" else None)
    then = _past(at, now)
    notes: list[str] = []
    records, withdrawn = (read or Read()).records(kind, list(resources), included or {}, base)
    wrong = _asked_for(withdrawn, text, wording, code, notes=[])
    wrong = [one for one in wrong if window.may_hold(one.row)]
    if wrong:
        notes.append(f"{_many(len(wrong))} entered in error left out.")
    records = _asked_for(records, text, wording, code, notes=notes)
    n_asked_for = len(records) + sum((unread or {}).values())
    if then:
        records = _as_of(kind, records, then, span(born), notes)
    elif status == "current":
        records = _current(kind, records, now, unread or {}, notes)
    rows = window.rows([record.row for record in records], notes, span(now))
    aside = {record.row["ref"] for record in records if record.aside and kind in _NAMED_BY}
    rows.sort(key=lambda row: (row["ref"] in aside, newest_first(row.get("date")), row["ref"]))
    if n_aside := sum(row["ref"] in aside for row in rows):
        notes.append(f"{_many(n_aside)}, listed last, with `{text}` only in other texts than the name.")
    _note_future(rows, now, notes)
    nameless = [row["ref"] for row in rows if "name" not in row]
    if nameless:
        notes.append(f"{_many(len(nameless))} without a readable name: {listed(nameless)}.")
    kept = {id(row) for row in rows}
    finding = _finding([record for record in records if id(record.row) in kept], notes)
    if not rows and n_asked_for:
        finding = "recorded"
    return Projected(rows, notes, finding)


def _read(
    kind: Kind, resources: list[Resource], included: Included, base: str | None
) -> tuple[list[Record], list[Record]]:
    reading = READINGS[kind]
    resources = [resource for resource in resources if isinstance(resource, dict)]
    # Other records of the chart (the problem that an order is for) name what a reference points to.
    known = {resource_ref(one): one for one in resources if not belongs(kind, one)} | dict(included)
    if base:
        known |= {f"{base}/{ref}": one for ref, one in known.items()}
    records: list[Record] = []
    withdrawn: list[Record] = []
    seen: set[str] = set()
    for resource in resources:
        if not belongs(kind, resource):
            continue
        ref = resource_ref(resource)
        if "/" in ref and ref in seen:
            continue
        seen.add(ref)
        row = {"ref": ref, **reading.row(resource, known)}
        record = Record(resource, row, _negation(kind, resource), known)
        (withdrawn if entered_in_error(resource) else records).append(record)
    return records, withdrawn


def _negation(kind: Kind, resource: Resource) -> Negation | None:
    field = _NAMED_BY.get(kind)
    return negation(resource.get(field)) if field else None


def _current(
    kind: Kind, records: list[Record], now: str, unread: Mapping[str, int], notes: list[str]
) -> list[Record]:
    why_not = READINGS[kind].why_not_current
    at = bound(now, "now")
    if why_not is None or at is None:
        return records
    kept: list[Record] = []
    left: list[tuple[Record, str]] = []
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


def _as_of(kind: Kind, records: list[Record], at: Span, born: Span | None, notes: list[str]) -> list[Record]:
    """The records that held at `at`, and, marked `uncertain`, those of which the chart does not tell."""
    kept: list[Record] = []
    left: list[tuple[Record, str]] = []
    for record in records:
        verdict = held(kind, record.resource, record.row, at, born)
        if verdict.held is False:
            left.append((record, verdict.why))
        elif verdict.held is None:
            kept.append(replace(record, row={**record.row, "uncertain": verdict.why}))
        else:
            kept.append(record)
    _note_left_out(left, f"not so on {at.start:%Y-%m-%d}", notes, how="without `at`, ")
    uncertain = sum("uncertain" in record.row for record in kept)
    if uncertain:
        notes.append(f"{_many(uncertain)} may or may not have held then; `uncertain` says why.")
    if kept:
        notes.append("`status` is that of now: FHIR keeps no dates of earlier ones.")
    return kept


def _note_left_out(
    left: list[tuple[Record, str]],
    what: str,
    notes: list[str],
    unread: Mapping[str, int] | None = None,
    how: str = "",
) -> None:
    counted = Counter(reason for _, reason in left) + Counter(unread)
    if counted:
        said = ", ".join(f"{n} {reason}" for reason, n in counted.most_common())
        notes.append(f"{_many(counted.total())} {what} left out ({said}); {how}status=all lists them.")
    for reason, said in _NAMED.items():
        named = [record.row for record, why in left if why == reason] if reason in counted else []
        if named:
            names = listed([f"{row.get('name', 'unnamed')} ({row['ref']})" for row in named])
            notes.append(f"{said}: {names}.")


def _why_not_yet(kind: Kind, record: Record, now: Span) -> str | None:
    """An allergy is kept whatever its date: what may harm the patient is told too early rather than late."""
    start = span(record.row.get("date"))
    return _NOT_YET if kind != "allergies" and start and start.starts_after(now) else None


def _asked_for(
    records: list[Record],
    text: str | None,
    wording: Wording | None,
    code: str | None,
    *,
    notes: list[str],
) -> list[Record]:
    if code and code.strip():
        records = with_code(records, code, notes)
    return with_words(records, text, wording, notes) if text and folded(text) else records


def _finding(records: list[Record], notes: list[str]) -> Finding:
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
