"""query_chart: one SELECT over the chart as tables."""

from typing import Annotated

from pydantic import Field

from mcp_servers.fhir.envelope import Finding
from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.recording import Call
from mcp_servers.fhir.tables.chart import ChartTables
from mcp_servers.fhir.tools.cursors import place_of
from mcp_servers.fhir.tools.session import (
    Answer,
    ChartSession,
    Cursor,
    Found,
    Limit,
    Patient,
    query_key,
)

_READ_AT_LEAST = 500


async def query_chart(
    session: ChartSession,
    call: Call,
    patient: Patient,
    *,
    sql: Annotated[str, Field(max_length=4000)],
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Answer:
    """One SELECT (DuckDB) over the chart as tables, for joins, counts under conditions, values at an
    event, durations. Select ref, or list(ref) AS refs when aggregating. now() is the chart's present. A
    row of care_team is a member, of family_member_history a condition. Most tables have ref, status, date
    (as written; 2019 is 2019-01-01), instant (UTC), date_text (as recorded), code, codes, code_text,
    encounter_id. Own columns: patient(name, gender, birth_date, deceased_date), observation(category,
    value, unit, comparator, value_text, interpretation, range_low, range_high),
    observation_component(panel_code, value, unit), condition(verification_status, abatement_date),
    medication_request(intent, do_not_perform, dose, reason), medication_statement,
    medication_administration(value, unit), medication_dispense, allergy_intolerance(criticality,
    reaction), immunization, procedure(end_instant, reason), encounter(class, end_date, end_instant,
    reason), diagnostic_report(conclusion, result_ids), service_request, document_reference,
    imaging_study(modality), care_plan, care_team(role, member), goal, device,
    family_member_history(relationship), coverage. Example: SELECT ref, value, unit FROM observation WHERE
    code_text ILIKE '%creatinine%' AND date <= (SELECT min(date) FROM medication_request WHERE code_text
    ILIKE '%metformin%') ORDER BY instant DESC LIMIT 1"""
    lock = await session.lock(patient, call)
    query = query_key("query_chart", lock, sql)
    place = place_of(query, cursor)
    tables = session.keep(lock, ChartTables)
    wanted = max(place.skip + limit, _READ_AT_LEAST)
    found = await tables.select(session.client, lock, call, sql, limit=wanted, now=session.now)
    if 0 < place.skip >= len(found.rows):
        raise InvalidRequest("Not so many rows can be shown: select fewer columns, or sum up.")
    finding: Finding = "nothing_recorded" if found.nothing_recorded else "recorded"
    return await session.cut(
        query,
        Found(found.rows, found.total, finding, found.notes, found.reading, found.more),
        limit,
        lock,
        place,
    )
