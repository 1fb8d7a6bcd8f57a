"""The fields of each kind's rows."""

from typing import Any

import pytest

from mcp_servers.fhir.charts import list_records
from tests.mcp_servers.fhir.charts.records import NOW, amount, coded, concept

HL7 = "http://terminology.hl7.org/CodeSystem"
DOCTOR = {"reference": "Practitioner/1", "display": "Dr. Okafor"}


@pytest.mark.parametrize(
    ("kind", "record", "expected"),
    [
        (
            "problems",
            {
                "resourceType": "Condition",
                "code": concept("Asthma"),
                "onsetAge": amount(7, "years"),
                "recordedDate": "2020-01-15",
                "abatementString": "after six weeks",
            },
            {"name": "Asthma", "date": "2020-01-15", "onset": "at age 7 years", "abated": "after six weeks"},
        ),
        (
            "allergies",
            {
                "resourceType": "AllergyIntolerance",
                "code": concept("Penicillin"),
                "criticality": "high",
                "reaction": [{"manifestation": [concept("Anaphylaxis")], "severity": "severe"}],
                "recordedDate": "1999",
            },
            {"reaction": "Anaphylaxis (severe)", "criticality": "high", "date": "1999", "status": "unknown"},
        ),
        (
            "medications",
            {
                "resourceType": "MedicationAdministration",
                "status": "completed",
                "medicationCodeableConcept": concept("heparin"),
                "effectivePeriod": {"start": "2026-07-01T15:10:00+09:00"},
                "dosage": {"dose": amount(5000, "[iU]")},
            },
            {"source": "administration", "date": "2026-07-01T15:10:00+09:00", "dose": "5000 [iU]"},
        ),
        (
            "immunizations",
            {
                "resourceType": "Immunization",
                "status": "not-done",
                "statusReason": concept("Declined"),
                "vaccineCode": concept("Influenza"),
                "occurrenceDateTime": "2026-10-20",
                "doseQuantity": amount(0.5, "mL"),
                "protocolApplied": [{"doseNumberPositiveInt": 2}],
            },
            {"status": "not-done", "status_reason": "Declined", "dose": "0.5 mL, dose 2"},
        ),
        (
            "procedures",
            {
                "resourceType": "Procedure",
                "code": concept("Hip replacement"),
                "performedPeriod": {"start": "2010-11", "end": "2010-12"},
                "reasonCode": [concept("Fracture")],
            },
            {"date": "2010-11", "end": "2010-12", "reason": "Fracture"},
        ),
        (
            "procedures",
            {"resourceType": "Procedure", "performedString": "as a child"},
            {"performed": "as a child"},
        ),
        (
            "encounters",
            {
                "resourceType": "Encounter",
                "class": {"system": f"{HL7}/v3-ActCode", "code": "EMER"},
                "type": [concept("Check-up")],
                "period": {"start": "2026-08-17T09:00:00Z", "end": "2026-08-17T13:45:00Z"},
                "diagnosis": [{"condition": {"reference": "Condition/9", "display": "Sprain"}}],
                "participant": [{"individual": DOCTOR}],
            },
            {
                "name": "Check-up",
                "class": "emergency",
                "type": "Check-up",
                "date": "2026-08-17T09:00:00Z",
                "end": "2026-08-17T13:45:00Z",
                "reason": "Sprain",
                "practitioner": "Dr. Okafor",
            },
        ),
        (
            "reports",
            {
                "resourceType": "DiagnosticReport",
                "status": "amended",
                "code": concept("Culture"),
                "category": [coded(f"{HL7}/v2-0074", "MB")],
                "issued": "2026-02-08T09:00:00Z",
                "conclusion": "No growth",
                "performer": [DOCTOR],
                "presentedForm": [{"contentType": "application/pdf", "data": "SGVsbG8="}],
            },
            {
                "type": "Microbiology",
                "date": "2026-02-08T09:00:00Z",
                "conclusion": "No growth",
                "author": "Dr. Okafor",
                "attachments": "application/pdf",
            },
        ),
        (
            "documents",
            {
                "resourceType": "DocumentReference",
                "type": concept("Discharge summary"),
                "date": "2026-03-01T00:00:00Z",
                "author": [DOCTOR],
                "content": [{"attachment": {"contentType": "text/plain", "data": "SGVsbG8="}}],
            },
            {"name": "Discharge summary", "author": "Dr. Okafor", "attachments": "text/plain"},
        ),
        (
            "documents",
            {"resourceType": "Composition", "title": "Note", "date": "2026", "section": [{"title": "Plan"}]},
            {"name": "Note", "sections": "Plan"},
        ),
        (
            "imaging",
            {
                "resourceType": "ImagingStudy",
                "started": "2026-04-07",
                "series": [{"modality": {"code": "CT"}, "bodySite": {"display": "Chest"}}],
            },
            {"name": "CT, Chest", "modality": "CT", "body_site": "Chest", "series": 1},
        ),
        (
            "orders",
            {
                "resourceType": "ServiceRequest",
                "status": "active",
                "code": concept("HbA1c"),
                "authoredOn": "2026-09-14",
                "occurrenceDateTime": "2026-12-14",
                "requester": DOCTOR,
            },
            {"date": "2026-09-14", "planned": "2026-12-14", "author": "Dr. Okafor"},
        ),
        (
            "care_plans",
            {
                "resourceType": "CarePlan",
                "category": [coded("http://us-core", "assess-plan"), concept("Physiotherapy")],
                "activity": [{"detail": {"code": concept("Stretching")}}],
            },
            {"name": "Physiotherapy", "activities": "Stretching"},
        ),
        (
            "goals",
            {
                "resourceType": "Goal",
                "lifecycleStatus": "active",
                "description": concept("HbA1c below 7 %"),
                "target": [
                    {"measure": concept("HbA1c"), "detailQuantity": amount(7, "%"), "dueDate": "2027"}
                ],
            },
            {"status": "active", "target": "HbA1c 7 % by 2027"},
        ),
        (
            "devices",
            {"resourceType": "Device", "deviceName": [{"name": "Pacer X"}], "type": concept("Pacemaker")},
            {"name": "Pacer X", "type": "Pacemaker"},
        ),
        (
            "family_history",
            {
                "resourceType": "FamilyMemberHistory",
                "relationship": coded(f"{HL7}/v3-RoleCode", "FTH"),
                "deceasedAge": amount(71, "years"),
                "condition": [{"code": concept("Diabetes"), "onsetString": "in his fifties"}],
            },
            {"name": "father", "conditions": "Diabetes (in his fifties)", "deceased": "71 years"},
        ),
        (
            "care_team",
            {"resourceType": "CareTeam", "participant": [{"role": [concept("GP")], "member": DOCTOR}]},
            {"name": "care team", "members": "Dr. Okafor (GP)"},
        ),
        (
            "coverage",
            {"resourceType": "Coverage", "payor": [{"display": "Mutual"}], "period": {"start": "2026"}},
            {"name": "Mutual", "payer": "Mutual", "date": "2026"},
        ),
    ],
)
def test_a_row_carries_the_fields_of_its_kind(
    kind: Any, record: dict[str, Any], expected: dict[str, Any]
) -> None:
    row = list_records(kind, [{"id": "1", **record}], status="all", now=NOW).rows[0]
    assert row["ref"] == f"{record['resourceType']}/1"
    assert {field: row.get(field) for field in expected} == expected
    assert None not in row.values()


def test_a_documents_bytes_never_reach_a_row() -> None:
    document = {
        "resourceType": "DocumentReference",
        "id": "1",
        "content": [{"attachment": {"data": "SGVsbG8="}}],
    }
    assert "SGVsbG8=" not in str(list_records("documents", [document], now=NOW))


def test_a_long_text_is_cut_and_says_so() -> None:
    report = {"resourceType": "DiagnosticReport", "id": "1", "conclusion": "x" * 1500}
    conclusion = list_records("reports", [report], now=NOW).rows[0]["conclusion"]
    assert conclusion.endswith("... [500 more characters]")
