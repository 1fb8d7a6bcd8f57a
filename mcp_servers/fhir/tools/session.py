"""What the tools of one session share: the FHIR client, the patient locks, and how a result is cut."""

import json
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from anyio import to_thread
from pydantic import Field

from mcp_servers.fhir import charts
from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.access.references import checked, checked_patient
from mcp_servers.fhir.envelope import Finding, ResultEnvelope
from mcp_servers.fhir.errors import NotFound, PatientLocked
from mcp_servers.fhir.recording import Call
from mcp_servers.fhir.rendering import CUT, Count, Rendered, by_bytes, render
from mcp_servers.fhir.terminology.asking import ServerTerminology
from mcp_servers.fhir.tools.cursors import Place, after

Row = dict[str, Any]
T = TypeVar("T")

# By patient what is kept between calls, those asked about last at the end (docs/architecture.md).
Kept = OrderedDict[str, dict[object, Any]]
_PATIENTS_KEPT = 8
# That a patient exists and may be read is looked up again after so many seconds.
_CONFIRMED_FOR = 60.0

Text = Annotated[str, Field(max_length=200)]
Patient = Annotated[str, Field(max_length=80, description="`Patient/id` or id, from find_patient")]
Date = Annotated[
    str, Field(max_length=10, pattern=r"^\d{4}(-\d\d){0,2}$", description="ISO, full or partial")
]
Limit = Annotated[int, Field(ge=1, le=200, description="Rows at most")]
Cursor = Annotated[str, Field(max_length=400, description="From the last result; same other arguments")]


@dataclass(frozen=True)
class Answer:
    """What a tool found: for programs, for language models, and whose records it is about."""

    envelope: ResultEnvelope
    text: str
    patients: list[str]


@dataclass(frozen=True)
class Found:
    """The rows of a result, from its beginning; `total` is None when it cannot be told.

    `notes` are about the rows, and told with the first of them; `reading` are about how the chart was read,
    and told with all. `more` says that others follow which were not read yet. The text tells `lines` in
    place of the first so many rows, and no row behind these by itself: the lines speak for all.
    """

    rows: list[Row]
    total: int | None
    finding: Finding
    notes: list[str]
    reading: list[str] = field(default_factory=list)
    more: bool = False
    lines: list[Row] = field(default_factory=list)


@dataclass
class _Confirmed:
    """A patient whose record was read: when last (by the session's clock), and what refers to what."""

    at: float = 0.0
    referrers: dict[str, str] = field(default_factory=dict)


@dataclass
class ChartSession:
    """The tools' surroundings. `now` (ISO 8601) is the chart's present; `clock` tells seconds that go by.

    Counts of patients from 1 to below `smallest_count` are not shown. `count` counts the tokens of a text.
    """

    client: FhirClient
    now: str
    smallest_count: int = 0
    count: Count = by_bytes
    clock: Callable[[], float] = time.monotonic
    terminology: ServerTerminology = field(default_factory=ServerTerminology)
    kept: Kept = field(default_factory=OrderedDict)

    async def render(self, envelope: ResultEnvelope, start: int = 0) -> Rendered:
        """The text of a result, within the budget as this session counts tokens.

        Of long rows it takes a second, so it is made in a thread; as is what `cut` makes.
        """
        return await to_thread.run_sync(render, envelope, self.count, start)

    def keep(self, lock: PatientLock, make: Callable[[], T]) -> T:
        """What `make` made for this patient the first time: an index that later calls refresh and use.

        The patients asked about longest ago are forgotten, so that memory stays bounded. All clients of the
        process share what is kept.
        """
        of_patient = self.kept.setdefault(lock.patient, {})
        self.kept.move_to_end(lock.patient)
        while len(self.kept) > _PATIENTS_KEPT:
            self.kept.popitem(last=False)
        if make not in of_patient:
            of_patient[make] = make()
        kept: T = of_patient[make]
        return kept

    async def lock(self, patient: str, call: Call) -> PatientLock:
        """A call's lock on a patient who exists: an empty chart must not be read out of a mistyped id.

        A patient who is gone, or may not be read any more, is noticed within a minute.
        """
        ref = checked_patient(patient)
        confirmed: _Confirmed | None = self.kept.get(ref, {}).get(_Confirmed)
        if confirmed is None or self.clock() - confirmed.at > _CONFIRMED_FOR:
            lock = PatientLock(ref, self.client.base)
            try:
                await self.client.read(checked(ref), lock, call)
            except PatientLocked:
                raise NotFound(
                    f"There is no {ref} on this FHIR server; look the patient up by name or birth date."
                ) from None
            confirmed = self.keep(lock, _Confirmed)
            confirmed.at = self.clock()
        return PatientLock(ref, self.client.base, confirmed.referrers)

    async def cut(self, query: str, found: Found, limit: int, lock: PatientLock, place: Place) -> Answer:
        """The `limit` rows of a result that follow `place`, and a cursor for those behind them.

        The text may hold fewer rows than the envelope; it then carries a cursor of its own.
        """
        return await to_thread.run_sync(self._cut, query, found, limit, lock, place)

    def _cut(self, query: str, found: Found, limit: int, lock: PatientLock, place: Place) -> Answer:
        notes = [*([] if place.skip else found.notes), *found.reading]
        if after(found.rows[: place.skip]).digest != place.digest and place.skip:
            notes.insert(
                0, "The chart changed since the rows before these were read: begin again to be sure."
            )

        def cursor_after(shown: int) -> str | None:
            at = place.skip + shown
            return after(found.rows[:at]).cursor(query) if found.more or at < len(found.rows) else None

        rows = found.rows[place.skip :][:limit]
        cursor = cursor_after(len(rows))
        envelope = ResultEnvelope(
            finding=found.finding,
            rows=rows,
            total=found.total,
            returned=len(rows),
            truncated=cursor is not None or found.total is None,
            cursor=cursor,
            notes=notes,
            as_of=self.now,
        )
        lines = found.lines[place.skip :][:limit]
        told = envelope
        if lines:  # which are all that there is to tell
            told = envelope.model_copy(update={"rows": lines, "total": found.total and len(found.lines)})
        text, shown = render(told, self.count)
        if CUT in text:
            text += "\n- (cut): fhir_read tells a record whole, in parts"
        if lines and place.skip + shown == len(found.lines):
            cursor = None
        elif shown < len(told.rows):
            cursor = cursor_after(shown)
        if cursor is not None:
            text += f"\n- more rows: cursor {cursor}"
        return Answer(envelope, text, [lock.patient])


def all_rows(found: charts.Projected, reading: list[str], *, complete: bool) -> Found:
    """All rows of a projection; how many there are is known only when the whole chart was read."""
    total = len(found.rows) if complete else None
    return Found(found.rows, total, found.finding, found.notes, reading)


def finding_of(rows: list[Row]) -> Finding:
    if not rows:
        return "nothing_recorded"
    return "recorded_as_none" if all(row.get("negation") for row in rows) else "recorded"


def query_key(tool: str, lock: PatientLock, *arguments: object) -> str:
    """What a cursor is bound to."""
    return json.dumps([tool, lock.patient, *arguments])
