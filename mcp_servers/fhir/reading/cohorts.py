"""Cohort counts: how many patients meet all of some criteria, by the server's count or by sets from pages.

A criterion that the server can count by itself stays a parameter of one search for patients (`_has`); for the
others the matching records are read, and the sets of their patients intersected. No patient leaves this
module, only how many there are.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from anyio import to_thread

from mcp_servers.fhir import terminology
from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.references import parse
from mcp_servers.fhir.charts.code_systems import may_have_codes_below
from mcp_servers.fhir.charts.dates import newest_first, span, when
from mcp_servers.fhir.charts.elements import Resource, first, status_code, string, why_withdrawn
from mcp_servers.fhir.charts.medications import why_not_current
from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.reading.concept_sets import codes_about, covered, meant, tokens
from mcp_servers.fhir.reading.paging import Pages, read_pages
from mcp_servers.fhir.reading.thresholds import Compared, Threshold, Value, compare, values_of
from mcp_servers.fhir.recording import Call

Parameters = list[tuple[str, str]]

IN_USE = 5_000  # records of a type that are read to learn under which codes the server holds something
MOST = 20_000  # records that are read for one criterion
_PAGE = 200
_TOKENS = 40  # codes in one search: more make an address that servers refuse

_MEDICATIONS = ("MedicationRequest", "MedicationStatement")
_MEDICATION_KINDS: tuple[terminology.Kind, ...] = ("drug", "class")


@dataclass
class Part:
    """One criterion: either parameters by which the server finds its patients, or their ids.

    `tallies` are the notes that tell numbers of records: where small counts are hidden, these are too.
    """

    said: str
    search: Parameters | None = None
    ids: set[str] = field(default_factory=set)
    codes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tallies: list[str] = field(default_factory=list)
    exact: bool = True


class Counted(NamedTuple):
    """How many patients meet each criterion by itself, and all; None where the server does not say."""

    each: list[tuple[Part, int | None]]
    together: int | None
    exact: bool


async def count(client: FhirClient, parts: list[Part], call: Call) -> Counted:
    """How many patients meet all `parts`. Raises what FhirClient.search raises."""
    each: list[tuple[Part, int | None]] = []
    for part in parts:
        n = len(part.ids) if part.search is None else await _total(client, "Patient", part.search, call)
        each.append((part, n))
    sets = [part.ids for part in parts if part.search is None]
    asked = [pair for part in parts for pair in part.search or []]
    exact = all(part.exact for part in parts)
    if len(parts) == 1:
        return Counted(each, each[0][1], exact)
    if not sets:
        return Counted(each, await _total(client, "Patient", asked, call), exact)
    if asked:
        pages = await _read(client, "Patient", asked, call, MOST)
        sets.append(set(pages.matches))
        exact = exact and pages.complete and not pages.more
    return Counted(each, len(set.intersection(*sets)), exact)


async def with_condition(client: FhirClient, text: str, call: Call) -> Part:
    """The patients who have or had a condition: not those of whom it is refuted or recorded in error."""
    meaning, notes = meant(text, ("condition",))
    part = Part(f"condition: {text}", notes=notes)
    itself = bool(meaning.code) and not may_have_codes_below(meaning.system, meaning.code)
    in_use = Pages() if itself else await _read(client, "Condition", [], call, IN_USE)
    if not itself and not in_use.more:
        matching = await to_thread.run_sync(covered, in_use, meaning)
        await to_thread.run_sync(_take, part, matching, why_withdrawn, client)
        part.exact = in_use.complete
        part.codes = codes_about(matching, in_use, meaning)
        return part
    part.codes = await to_thread.run_sync(tokens, meaning, in_use)
    if in_use.more:
        _partly_known(part, "Condition", in_use)
        part.notes.append("A code of SNOMED CT is counted exactly.")
    withdrawn = [("code", ",".join(part.codes)), ("verification-status", "entered-in-error,refuted")]
    known = (await client.capability(call)).of("Condition").keys()
    countable = len(part.codes) <= _TOKENS and {"patient", "verification-status"} <= known
    if countable and await _total(client, "Condition", withdrawn, call) == 0:
        part.search = [("_has:Condition:patient:code", ",".join(part.codes))]
        return part
    matching = await _coded(client, ("Condition", "code"), part, call)
    await to_thread.run_sync(_take, part, matching, why_withdrawn, client)
    return part


async def on_medication(client: FhirClient, text: str, call: Call, now: str) -> Part:
    """The patients with an active order or statement of a drug, or of any drug of a class."""
    meaning, notes = meant(text, _MEDICATION_KINDS)
    part = Part(f"medication: {text}", notes=notes)
    at = span(now)
    assert at is not None
    seen: set[str] = set()
    for kind in _MEDICATIONS:
        include = [("_include", f"{kind}:medication")]
        pages = await _read(client, kind, include, call, IN_USE)
        if pages.more:
            _partly_known(part, kind, pages)
            part.codes = sorted({*part.codes, *await to_thread.run_sync(tokens, meaning, pages)})
            matching = await _coded(client, (kind, "code"), part, call)
        else:
            part.exact = part.exact and pages.complete
            matching = await to_thread.run_sync(covered, pages, meaning)
            seen.update(codes_about(matching, pages, meaning))
        await to_thread.run_sync(
            _take, part, matching, lambda record: why_withdrawn(record) or why_not_current(record, at), client
        )
    part.codes = sorted({*part.codes, *seen})
    return part


async def measured(client: FhirClient, text: str, threshold: Threshold, call: Call, *, now: str) -> Part:
    """The patients whose latest, or any, value of a measurement lies within `threshold`.

    Values are converted to the threshold's unit; notes count those that cannot be, or are dated after `now`.
    Raises InvalidRequest where none can be compared, UnusableUnit.
    """
    meaning, notes = meant(text, ("measurement",))
    if members := [member for one in meaning.concepts for member in one.members]:
        raise InvalidRequest(f"`{text}` has several values: ask for {' or '.join(members)}.")
    part = Part(f"{threshold.which} {text} {threshold}", notes=notes, codes=tokens(meaning, Pages()))
    known = (await client.capability(call)).of("Observation")
    parameter = "combo-code" if "combo-code" in known else "code"
    records = await _coded(client, ("Observation", parameter), part, call)

    def worked_out() -> Compared:
        return compare(_values(part, records, meaning, client, now), threshold, part.said)

    compared = await to_thread.run_sync(worked_out)
    part.ids, part.exact = compared.patients, part.exact and compared.exact
    part.tallies += compared.notes
    return part


def _values(
    part: Part, records: Iterable[Resource], meaning: terminology.Meaning, client: FhirClient, now: str
) -> dict[str, list[Value]]:
    """The values of each patient, up to `now`; noted is which records have none that counts."""
    values: dict[str, list[Value]] = {}
    present = span(now)
    left_out: Counter[str] = Counter()
    for record in records:
        patient, date_told = _patient(record, client.base), when(record, "effective")
        at, status = span(date_told), status_code(record.get("status"))
        if patient is None or status in ("entered-in-error", "cancelled"):
            left_out["without a patient on this server" if patient is None else status or ""] += 1
        elif at is not None and present is not None and at.starts_after(present):
            left_out["dated after now"] += 1
        elif read := values_of(record, meaning, newest_first(date_told)):
            values.setdefault(patient, []).extend(read)
        else:
            left_out["without a number"] += 1
    _note_left_out(part, left_out)
    return values


async def aged(client: FhirClient, min_age: int | None, max_age: int | None, call: Call, *, now: str) -> Part:
    """The living patients of an age at `now`: whole years, both bounds included."""
    today = date.fromisoformat(now[:10])
    told = "deceased" in (await client.capability(call)).of("Patient")
    search: Parameters = [("deceased", "false")] if told else []
    if min_age is not None:
        search.append(("birthdate", f"le{_years_before(today, min_age).isoformat()}"))
    if max_age is not None:
        search.append(("birthdate", f"gt{_years_before(today, max_age + 1).isoformat()}"))
    bounds = f"{min_age if min_age is not None else 0} to {max_age if max_age is not None else '...'}"
    note = "Age is counted at now: patients who have died, or without a birth date, are in no age range."
    if not told:
        note = "Age is counted at now, also of those who have died: this server is not asked who has."
    return Part(f"age {bounds}", search, notes=[note])


def of_sex(sex: str) -> Part:
    """The patients of an administrative gender."""
    return Part(f"sex: {sex}", [("gender", sex)])


def everybody() -> Part:
    """All patients of the server."""
    return Part("all patients", [])


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # the 29th of February
        return day.replace(year=day.year - years, day=28)


def _take(
    part: Part, records: Iterable[Resource], why_not: Callable[[Resource], str | None], client: FhirClient
) -> None:
    """Add the patients of the records that count, and note which records do not."""
    left_out: Counter[str] = Counter()
    for record in records:
        why = why_not(record)
        patient = _patient(record, client.base)
        if why is None and patient is not None:
            part.ids.add(patient)
        else:
            left_out[why or "without a patient on this server"] += 1
    _note_left_out(part, left_out)


def _note_left_out(part: Part, left_out: Counter[str]) -> None:
    if left_out:
        said = ", ".join(f"{n} {why}" for why, n in left_out.most_common())
        part.tallies.append(f"{part.said}: records left out: {said}.")


def _patient(record: Resource, base: str) -> str | None:
    owner = first(record.get("subject") or record.get("patient"))
    reference = parse(string(owner.get("reference")) or "")
    if reference is None or reference.type != "Patient" or reference.base not in ("", base):
        return None
    return reference.id


def _partly_known(part: Part, kind: str, pages: Pages) -> None:
    part.exact = False
    of = f" of {pages.total}" if pages.total is not None else ""
    part.tallies.append(f"{part.said}: codes were looked for in {len(pages.matches)}{of} {kind} records.")
    part.notes.append(
        f"{part.said}: its codes are those known, and those found among some {kind} records; under other"
        " codes there may be more."
    )


async def _coded(client: FhirClient, search: tuple[str, str], part: Part, call: Call) -> list[Resource]:
    """The records of a type with one of the codes of `part` under a parameter."""
    kind, parameter = search
    found: dict[str, Resource] = {}
    for start in range(0, len(part.codes), _TOKENS):
        asked = [(parameter, ",".join(part.codes[start : start + _TOKENS]))]
        pages = await _read(client, kind, asked, call, MOST)
        found |= pages.matches
        if pages.more or not pages.complete:
            part.exact = False
            part.tallies.append(f"{part.said}: only {len(pages.matches)} {kind} records were read.")
    return list(found.values())


async def _total(client: FhirClient, kind: str, parameters: Parameters, call: Call) -> int | None:
    """The server's count. Not `_summary=count`: HAPI's answer to it has no self link, by which to see that no
    filter was dropped."""
    return (await client.search(kind, parameters, None, call, count=1)).total


async def _read(client: FhirClient, kind: str, parameters: Parameters, call: Call, most: int) -> Pages:
    return await read_pages(
        client, kind, parameters, None, call, count=_PAGE, enough=lambda pages: len(pages.matches) >= most
    )
