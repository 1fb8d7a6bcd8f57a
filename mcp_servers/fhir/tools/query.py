"""query_chart: one SELECT over the chart as tables."""

from typing import Annotated

from pydantic import Field

from mcp_servers.fhir.cursors import place_of
from mcp_servers.fhir.envelope import Finding
from mcp_servers.fhir.recording import Call
from mcp_servers.fhir.tables.chart import ChartTables
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
    sql: Annotated[str, Field(max_length=4000, description="One SELECT, in DuckDB's SQL")],
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Answer:
    """One SELECT over the chart as tables, for what no other tool computes in one call: joins, conditions on
    counts, values at an event, durations. Select ref, or list(ref) AS refs where you aggregate. Entered in
    error is left out; now() is the chart's present. Tables have ref (Type/id), status (not patient,
    condition, allergy_intolerance), date DATE (day as written; 2019 is 2019-01-01), instant TIMESTAMP (UTC,
    for order and durations), date_text (as recorded), code, codes (all codings'), code_text (words; not
    patient), and encounter_id (a ref) where FHIR has it. Their own columns: patient(name, gender, birth_date,
    deceased, deceased_date, marital_status, city); observation(system, category, value, unit, comparator,
    value_text, interpretation, range_low, range_high, absent_reason); observation_component(panel_code,
    value, unit, comparator, value_text, interpretation); condition(clinical_status, verification_status,
    onset_text, abatement_date, recorded_date, system, category, severity); medication_request(intent,
    do_not_perform, dose, reason, reason_id); medication_statement(end_date, dose, reason);
    medication_administration(end_instant, value, unit, route, request_id); medication_dispense(value, unit,
    days_supply, dose, request_id); allergy_intolerance(clinical_status, verification_status, category,
    criticality, reaction, severity); immunization(dose_number); procedure(end_instant, reason, reason_id,
    body_site, outcome); encounter(class, end_date, end_instant, reason, discharge, service_provider);
    diagnostic_report(category, conclusion, result_ids); service_request(intent, do_not_perform, priority,
    reason); document_reference(doc_status, category, description, author); imaging_study(modality, body_site,
    number_of_series, number_of_instances); care_plan(intent, end_date, description, activities,
    addresses_ids); care_team(end_date, role, member); goal(achievement_status, due_date, value, unit);
    device(manufacturer, serial_number); family_member_history(relationship, onset_age); coverage(end_date,
    payor). Creatinine when metformin began: SELECT o.ref, o.date, o.value, o.unit FROM observation o, (SELECT
    min(date) AS day FROM medication_request WHERE code_text ILIKE '%metformin%') m WHERE o.code_text ILIKE
    '%creatinine%' AND o.date <= m.day ORDER BY o.instant DESC LIMIT 1"""
    lock = await session.lock(patient, call)
    query = query_key("query_chart", lock, sql)
    place = place_of(query, cursor)
    tables = session.keep(lock, ChartTables)
    wanted = max(place.skip + limit, _READ_AT_LEAST)
    found = await tables.select(session.client, lock, call, sql, limit=wanted, now=session.now)
    more = found.total is None or found.total > len(found.rows)
    finding: Finding = "nothing_recorded" if found.nothing_recorded else "recorded"
    return session.cut(query, Found(found.rows, found.total, finding, found.notes, more), limit, lock, place)
