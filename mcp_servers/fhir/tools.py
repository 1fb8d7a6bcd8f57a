"""The chart tools: what each asks of the FHIR server, and the envelope that it returns."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mcp_servers.fhir import charts
from mcp_servers.fhir.charts.elements import entered_in_error
from mcp_servers.fhir.client import FhirClient, Page
from mcp_servers.fhir.compartment import PatientLock
from mcp_servers.fhir.cursors import Cursors, Remaining
from mcp_servers.fhir.directory import another_with_the_name, find
from mcp_servers.fhir.envelope import Finding, ResultEnvelope
from mcp_servers.fhir.errors import InvalidRequest, NotFound, PatientLocked
from mcp_servers.fhir.gathering import gather
from mcp_servers.fhir.projection import bounded, elements_row
from mcp_servers.fhir.recording import Call
from mcp_servers.fhir.references import checked, checked_patient, checked_type
from mcp_servers.fhir.rendering import render

Row = dict[str, Any]

Text = Annotated[str, Field(max_length=200)]
Patient = Annotated[str, Field(max_length=80, description="`Patient/id` or the id, as find_patient gives it")]
Date = Annotated[
    str, Field(max_length=10, pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$", description="ISO, full or partial")
]
Limit = Annotated[int, Field(ge=1, le=200, description="How many rows at most")]
Cursor = Annotated[
    str, Field(max_length=64, description="From the last result, with the same other arguments")
]


class SearchParameter(BaseModel):
    """One FHIR search parameter, with its modifier and prefix as FHIR writes them."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=64, description="Such as code, date or status:not")]
    value: Annotated[str, Field(max_length=400, description="Such as http://loinc.org|4548-4 or ge2019-05")]


@dataclass(frozen=True)
class Answer:
    """What a tool found: for programs, for language models, and whose records it is about."""

    envelope: ResultEnvelope
    text: str
    patients: list[str]


class ChartTools:
    """The tools of one session. `now` is the chart's present; a lock is kept for each patient asked about."""

    def __init__(self, client: FhirClient, now: datetime) -> None:
        self._client = client
        self._now = now.isoformat()
        self._locks: dict[str, PatientLock] = {}
        self._cursors = Cursors()

    async def find_patient(
        self,
        call: Call,
        *,
        text: Annotated[Text, Field(description="Name, birth date (YYYY-MM-DD) or identifier, in any order")],
        limit: Annotated[int, Field(ge=1, le=50)] = 10,
    ) -> Answer:
        """Find a patient by name, birth date or identifier. Never pick one of several: ask which is meant."""
        page = await find(self._client, text, call, limit=limit)
        rows = [charts.patient_row(patient, self._now) for patient in page.matches[:limit]]
        notes = list(page.notes)
        if another_with_the_name(rows):
            notes.append("Several patients bear one name: tell them apart by birth date and identifier.")
        more = page.next is not None or len(page.matches) > limit
        if more:
            notes.append("More patients match: add a birth date or an identifier.")
        envelope = ResultEnvelope(
            finding="recorded" if rows else "nothing_recorded",
            rows=rows,
            total=page.total if more else len(rows),
            returned=len(rows),
            truncated=more,
            notes=notes,
            as_of=self._now,
        )
        return Answer(envelope, render(envelope).text, [row["ref"] for row in rows])

    async def chart_overview(self, call: Call, patient: Patient) -> Answer:
        """Who the patient is, current problems, medications and allergies, last encounters and measurements,
        and how many records of which kind the chart holds. Start here when the question is broad."""
        lock = await self._lock(patient, call)
        person = await self._client.read(checked(lock.patient), lock, call)
        gathered = await gather(self._client, charts.OVERVIEW, lock, call)
        found = charts.overview(person, gathered.by_type, included=gathered.included, now=self._now)
        envelope = ResultEnvelope(
            finding=found.finding,
            rows=found.rows,
            total=len(found.rows) if gathered.complete else None,
            returned=len(found.rows),
            truncated=not gathered.complete,
            notes=[*found.notes, *gathered.notes],
            as_of=self._now,
        )
        return Answer(envelope, render(envelope).text, [lock.patient])

    async def list_records(
        self,
        call: Call,
        patient: Patient,
        *,
        kind: charts.Kind,
        status: Literal["current", "all"] = "current",
        text: Annotated[Text | None, Field(description="Every word must occur")] = None,
        code: Annotated[Text | None, Field(description="A code, or system|code")] = None,
        since: Date | None = None,
        until: Date | None = None,
        limit: Limit = 50,
        cursor: Cursor | None = None,
    ) -> Answer:
        """List the patient's records of one kind, newest first: current ones, or all with status "all"."""
        lock = await self._lock(patient, call)
        query = _query("list_records", lock, kind, status, text, code, since, until)

        async def read() -> Remaining:
            gathered = await gather(self._client, charts.SEARCHES[kind], lock, call)
            found = charts.list_records(
                kind,
                gathered.resources,
                included=gathered.included,
                status=status,
                text=text,
                code=code,
                since=since,
                until=until,
                now=self._now,
            )
            return _remaining(found, gathered.notes, complete=gathered.complete)

        remaining = self._cursors.redeem(query, cursor) if cursor else await read()
        return self._cut(query, remaining, limit, lock)

    async def observations(
        self,
        call: Call,
        patient: Patient,
        *,
        name: Annotated[str, Field(max_length=200, description="Everyday name, code, or system|code")],
        mode: Literal["latest", "series", "statistics", "count"] = "latest",
        since: Date | None = None,
        until: Date | None = None,
        limit: Limit = 50,
        cursor: Cursor | None = None,
    ) -> Answer:
        """Measurements and laboratory results by name or code: the latest value, all values newest first,
        statistics over the whole period, or how many there are."""
        lock = await self._lock(patient, call)
        query = _query("observations", lock, name, mode, since, until)

        async def read() -> Remaining:
            search = charts.OBSERVATIONS
            token = charts.code_token(name)
            known = (await self._client.capability(call)).of(search.resource_type)
            if token is not None and "combo-code" in known:
                search = search._replace(parameters=(("combo-code", token),))
            gathered = await gather(self._client, [search], lock, call)
            try:
                found = charts.observations(
                    gathered.resources, name=name, mode=mode, since=since, until=until, now=self._now
                )
            except charts.Ambiguous as several:
                raise InvalidRequest(str(several)) from None
            return _remaining(found, gathered.notes, complete=gathered.complete)

        remaining = self._cursors.redeem(query, cursor) if cursor else await read()
        return self._cut(query, remaining, limit, lock)

    async def fhir_search(
        self,
        call: Call,
        patient: Patient,
        *,
        resource_type: Annotated[str, Field(max_length=64, description="FHIR R4 type, such as Procedure")],
        parameters: Annotated[list[SearchParameter], Field(max_length=20)] = [],  # noqa: B006 (never changed)
        elements: Annotated[
            list[Annotated[str, Field(max_length=64)]],
            Field(max_length=20, description="Top-level elements to show"),
        ] = [],  # noqa: B006 (never changed)
        limit: Annotated[int, Field(ge=1, le=100)] = 20,
        cursor: Cursor | None = None,
    ) -> Answer:
        """Search the patient's records by FHIR search parameters, when no other tool fits the question.
        The patient is added by itself; chains, _has and _revinclude are not offered."""
        lock = await self._lock(patient, call)
        asked = [(parameter.name, parameter.value) for parameter in parameters]
        query = _query("fhir_search", lock, resource_type, asked, elements)
        by_error = any("entered-in-error" in value for _, value in asked)

        def project(page: Page) -> tuple[list[Row], list[str]]:
            shown = [r for r in page.matches if by_error or not entered_in_error(r)]
            left_out = len(page.matches) - len(shown)
            notes = [*page.notes]
            if left_out:
                notes.append(f"{left_out} records entered in error are left out.")
            if elements:
                return [elements_row(resource, elements) for resource in shown], notes
            return [charts.record_row(resource, page.included) for resource in shown], notes

        if cursor:
            remaining = self._cursors.redeem(query, cursor)
        else:
            page = await self._client.search(checked_type(resource_type), asked, lock, call, count=limit)
            rows, notes = project(page)
            remaining = Remaining(rows, page.total, "recorded", page.next, notes)
        while remaining.next is not None and len(remaining.rows) < limit:
            page = await self._client.next_page(remaining.next, lock, call)
            rows, notes = project(page)
            remaining = replace(
                remaining,
                rows=[*remaining.rows, *rows],
                next=page.next,
                notes=list(dict.fromkeys([*remaining.notes, *notes])),
            )
        if not cursor:
            remaining = replace(remaining, finding=_finding(remaining.rows))
        return self._cut(query, remaining, limit, lock)

    async def fhir_read(
        self,
        call: Call,
        patient: Patient,
        *,
        reference: Annotated[str, Field(max_length=140, description="`Type/id`, as `ref` gives it")],
    ) -> Answer:
        """Read one whole record by its reference, when a row does not say enough."""
        lock = await self._lock(patient, call)
        resource = await self._client.read(checked(reference), lock, call)
        shown, notes = bounded(resource)
        if entered_in_error(resource):
            notes.insert(0, "This record was entered in error: it is no part of the patient's history.")
        rows: list[Row] = [{"ref": reference, "resource": shown}]
        envelope = ResultEnvelope(
            finding=_finding([charts.record_row(resource)]),
            rows=rows,
            total=1,
            returned=1,
            truncated=False,
            notes=notes,
            as_of=self._now,
        )
        return Answer(envelope, render(envelope).text, [lock.patient])

    async def _lock(self, patient: str, call: Call) -> PatientLock:
        """The lock on a patient who exists: an empty chart must not be read out of a mistyped id."""
        ref = checked_patient(patient)
        if ref not in self._locks:
            lock = PatientLock(ref, self._client.base)
            try:
                await self._client.read(checked(ref), lock, call)
            except PatientLocked:
                raise NotFound(
                    f"There is no {ref} on this FHIR server; look the patient up by name or birth date."
                ) from None
            self._locks[ref] = lock
        return self._locks[ref]

    def _cut(self, query: str, remaining: Remaining, limit: int, lock: PatientLock) -> Answer:
        """The first `limit` rows, and a cursor for those behind them.

        The text may hold fewer rows than the envelope; it then carries a cursor of its own.
        """

        def cursor_after(shown: int) -> str | None:
            rest = replace(remaining, rows=remaining.rows[shown:], notes=[])
            return self._cursors.issue(query, rest) if rest.rows or rest.next is not None else None

        rows = remaining.rows[:limit]
        cursor = cursor_after(len(rows))
        envelope = ResultEnvelope(
            finding=remaining.finding,
            rows=rows,
            total=remaining.total,
            returned=len(rows),
            truncated=cursor is not None or (remaining.total is None and remaining.next is None),
            cursor=cursor,
            notes=remaining.notes,
            as_of=self._now,
        )
        text, shown = render(envelope)
        if shown < len(rows):
            cursor = cursor_after(shown)
        if cursor is not None:
            text += f"\n- truncated: {shown} rows shown here; the next ones come with cursor {cursor}"
        return Answer(envelope, text, [lock.patient])


def _remaining(found: charts.Projected, notes: list[str], *, complete: bool) -> Remaining:
    """All rows of a projection; how many there are is known only when the whole chart was read."""
    total = len(found.rows) if complete else None
    return Remaining(found.rows, total, found.finding, None, [*found.notes, *notes])


def _finding(rows: list[Row]) -> Finding:
    if not rows:
        return "nothing_recorded"
    return "recorded_as_none" if all(row.get("negation") for row in rows) else "recorded"


def _query(tool: str, lock: PatientLock, *arguments: object) -> str:
    """What a cursor is bound to."""
    return json.dumps([tool, lock.patient, *arguments])
