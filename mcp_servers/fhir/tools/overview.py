"""chart_overview: a chart at a glance."""

from functools import partial
from typing import Annotated

from anyio import to_thread
from pydantic import Field

from mcp_servers.fhir import charts
from mcp_servers.fhir.access.references import checked
from mcp_servers.fhir.charts.overview import ENCOUNTERS, EVERY_SECTION, SECTIONS, Section
from mcp_servers.fhir.envelope import ResultEnvelope
from mcp_servers.fhir.reading.extents import read_extents
from mcp_servers.fhir.reading.gathering import Unanswered, check_answered, each_answered, not_read
from mcp_servers.fhir.reading.inventory import Inventory
from mcp_servers.fhir.reading.listing import Listed, read_kinds
from mcp_servers.fhir.reading.measuring import Chart, Reading, read_newest_of_each
from mcp_servers.fhir.recording import Call
from mcp_servers.fhir.tools.session import Answer, ChartSession, Patient, Row

_NAMED = 25


async def chart_overview(
    session: ChartSession,
    call: Call,
    patient: Patient,
    *,
    sections: Annotated[list[Section], Field(max_length=len(EVERY_SECTION))] = [],  # noqa: B006 (never changed)
) -> Answer:
    """Who the patient is, current problems, medications and allergies, last encounters and measurements,
    counts. Start here if a question is broad, for example "What should I know of this patient?"."""
    lock = await session.lock(patient, call)
    chart = Chart(session.client, lock, call, session.now)
    person = await session.client.read(checked(lock.patient), lock, call)
    wanted = frozenset(sections) or EVERY_SECTION
    measured, unanswered = Reading(), Unanswered()
    if wanted & {"measurement", "records"}:
        newest = partial(read_newest_of_each, chart, session.keep(lock, Inventory))
        [reading], unanswered = await each_answered([(charts.OBSERVATIONS.resource_type, newest)])
        measured = reading or Reading(complete=False)
    kinds = [kind for section, kind in SECTIONS if section in wanted]
    listed = await read_kinds(chart, kinds, current=True, newest=ENCOUNTERS + 1)
    for part in listed.values():
        unanswered |= part.found.unanswered
    extents: list[Row] | None = None
    notes: list[str] = []
    if "records" in wanted:
        extents, notes, unanswered = await read_extents(chart, listed.values(), measured, unanswered)
    visits = listed.get("encounters", Listed())

    def worked_out() -> tuple[ResultEnvelope, ResultEnvelope]:
        lists = {kind: _projected(session, kind, part) for kind, part in listed.items()}
        found = charts.glance(
            person,
            lists,
            measured.records.values() if "measurement" in wanted else (),
            extents,
            now=session.now,
            encounters=visits.standing.total() if visits.newer_than is not None else None,
        )
        told = [
            *not_read(unanswered),
            *found.notes,
            *measured.notes,
            *notes,
            *(n for part in listed.values() for n in part.found.notes),
        ]
        complete = not unanswered and measured.complete and all(one.found.complete for one in listed.values())
        envelope = ResultEnvelope(
            finding="recorded" if wanted == {"patient"} else found.finding,
            rows=found.rows,
            total=len(found.rows) if complete else None,
            returned=len(found.rows),
            truncated=not complete,
            notes=list(dict.fromkeys(told)),
            as_of=session.now,
        )
        return envelope, _brief(envelope)

    envelope, brief = await to_thread.run_sync(worked_out)
    if envelope.finding == "nothing_recorded":
        check_answered(unanswered)
    return Answer(envelope, (await session.render(brief)).text, [lock.patient])


def _projected(session: ChartSession, kind: charts.Kind, listed: Listed) -> charts.Projected:
    found = charts.list_records(
        kind, listed.found.resources, included=listed.found.included, now=session.now, unread=listed.unread
    )
    if listed.found.unanswered and found.finding == "nothing_recorded":
        why = f"cannot be told, for {', '.join(sorted(listed.found.unanswered))} could not be read."
        found = found._replace(finding="recorded", notes=[*found.notes, why])
    if listed.newer_than is None:
        return found
    return found._replace(rows=charts.later_than(listed.newer_than, found.rows))


def _brief(envelope: ResultEnvelope) -> ResultEnvelope:
    """What a reader needs at a glance; measurements for which there is no room are named."""
    rows, named = charts.brief(envelope.rows)
    notes = [note for note in envelope.notes if not note.startswith("measurements: ")]
    if named:
        told, others = named[:_NAMED], len(named) - _NAMED
        more = f" and {others} others" if others > 0 else ""
        notes.insert(0, f"Also measured (ask observations): {'; '.join(told)}{more}.")
    return envelope.model_copy(update={"rows": rows, "notes": notes, "total": None, "truncated": True})
