"""chart_overview: a chart at a glance."""

from mcp_servers.fhir import charts
from mcp_servers.fhir.envelope import ResultEnvelope
from mcp_servers.fhir.gathering import gather
from mcp_servers.fhir.recording import Call
from mcp_servers.fhir.references import checked
from mcp_servers.fhir.rendering import render
from mcp_servers.fhir.tools.session import Answer, ChartSession, Patient


async def chart_overview(session: ChartSession, call: Call, patient: Patient) -> Answer:
    """Who the patient is, current problems, medications and allergies, last encounters and measurements,
    and how many records of which kind there are. Start here when the question is broad, for example "What
    should I know about this patient?"."""
    lock = await session.lock(patient, call)
    person = await session.client.read(checked(lock.patient), lock, call)
    gathered = await gather(session.client, charts.OVERVIEW, lock, call)
    found = charts.overview(person, gathered.by_type, included=gathered.included, now=session.now)
    envelope = ResultEnvelope(
        finding=found.finding,
        rows=found.rows,
        total=len(found.rows) if gathered.complete else None,
        returned=len(found.rows),
        truncated=not gathered.complete,
        notes=[*found.notes, *gathered.notes],
        as_of=session.now,
    )
    return Answer(envelope, render(envelope).text, [lock.patient])
