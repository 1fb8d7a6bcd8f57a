"""find_patient: who is meant."""

from typing import Annotated

from pydantic import Field

from mcp_servers.fhir import charts
from mcp_servers.fhir.envelope import ResultEnvelope
from mcp_servers.fhir.reading.directory import another_with_the_name, find
from mcp_servers.fhir.recording import Call
from mcp_servers.fhir.tools.session import Answer, ChartSession, Text


async def find_patient(
    session: ChartSession,
    call: Call,
    *,
    text: Annotated[Text, Field(description="Name, birth date (YYYY-MM-DD) or identifier, in any order")],
    limit: Annotated[int, Field(ge=1, le=50)] = 10,
) -> Answer:
    """Find a patient by name, birth date or identifier, before any other tool. Never pick one of several: ask
    which is meant. Example: text "Okafor 1968-03-14"."""
    page = await find(session.client, text, call, limit=limit)
    rows = [charts.patient_row(patient, session.now) for patient in page.matches[:limit]]
    notes = list(page.notes)
    if another_with_the_name(rows):
        notes.append("Several patients bear one name: tell them apart by birth date and identifier.")
    if not rows:
        notes.append(
            "Nobody fits all of it. Names are looked up by how they begin: a shorter part may find more."
        )
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
        as_of=session.now,
    )
    text_of_all, shown = await session.render(envelope)
    if shown < len(rows) and not more:
        text_of_all += f"\n- {len(rows) - shown} more patients match: add a birth date or an identifier."
    return Answer(envelope, text_of_all, [row["ref"] for row in rows])
