"""What chart answers must get right of FHIR's dates: each says what it is, and age ends with life."""

from typing import Any

import pytest

from mcp_servers.fhir.charts import list_records, patient_row
from tests.mcp_servers.fhir.charts.records import NOW, Resource, amount


def _row(kind: Any, record: Resource) -> dict[str, Any]:
    return list_records(kind, [{"id": "1", **record}], status="all", now=NOW).rows[0]


@pytest.mark.parametrize(
    ("kind", "record", "date", "others"),
    [
        (
            "problems",
            {"resourceType": "Condition", "onsetDateTime": "2015", "recordedDate": "2020-01-15"},
            "2015",
            {"onset": "2015", "recorded": "2020-01-15"},
        ),
        (
            "problems",
            {"resourceType": "Condition", "onsetPeriod": {"start": "2015-03", "end": "2015-05"}},
            "2015-03",
            {"onset": "2015-03"},
        ),
        (
            "problems",
            {"resourceType": "Condition", "onsetString": "in childhood", "recordedDate": "2020"},
            "2020",
            {"onset": "in childhood", "recorded": "2020"},
        ),
        (
            "problems",
            {
                "resourceType": "Condition",
                "onsetRange": {"low": amount(7, "a"), "high": amount(9, "a")},
                "abatementAge": amount(12, "a"),
            },
            None,
            {"onset": "7-9 a", "abated": "at age 12 a"},
        ),
        (
            "allergies",
            {
                "resourceType": "AllergyIntolerance",
                "onsetDateTime": "1999",
                "recordedDate": "2020-01-15",
                "lastOccurrence": "2019-05",
            },
            "2020-01-15",
            {"onset": "1999", "last_occurrence": "2019-05"},
        ),
        (
            "allergies",
            {"resourceType": "AllergyIntolerance", "onsetPeriod": {"start": "1999"}},
            "1999",
            {"onset": "1999"},
        ),
        (
            "allergies",
            {"resourceType": "AllergyIntolerance", "onsetAge": amount(7, "a")},
            None,
            {"onset": "at age 7 a"},
        ),
        (
            "allergies",
            {"resourceType": "AllergyIntolerance", "onsetString": "in childhood"},
            None,
            {"onset": "in childhood"},
        ),
        (
            "reports",
            {"resourceType": "DiagnosticReport", "effectiveDateTime": "2024-01-01", "issued": "2024-01-05"},
            "2024-01-01",
            {},
        ),
        ("reports", {"resourceType": "DiagnosticReport", "issued": "2024-01-05"}, "2024-01-05", {}),
        (
            "medications",
            {
                "resourceType": "MedicationDispense",
                "whenPrepared": "2024-01-01",
                "whenHandedOver": "2024-01-05",
            },
            "2024-01-05",
            {},
        ),
        (
            "medications",
            {
                "resourceType": "MedicationStatement",
                "effectivePeriod": {"start": "2018", "end": "2020-01"},
                "dateAsserted": "2024-01-01",
            },
            "2018",
            {"end": "2020-01"},
        ),
        (
            "immunizations",
            {"resourceType": "Immunization", "occurrenceString": "as a child", "recorded": "2024-02-02"},
            "2024-02-02",
            {"occurrence": "as a child"},
        ),
        (
            "encounters",
            {"resourceType": "Encounter", "period": {"start": "2024-05-30", "end": "2024-06-10"}},
            "2024-05-30",
            {"end": "2024-06-10"},
        ),
        (
            "orders",
            {
                "resourceType": "ServiceRequest",
                "authoredOn": "2024-01-01",
                "occurrenceDateTime": "2024-06-01",
            },
            "2024-01-01",
            {"planned": "2024-06-01"},
        ),
    ],
)
def test_dates_of_different_meaning_stay_apart(
    kind: Any, record: Resource, date: str | None, others: dict[str, str]
) -> None:
    row = _row(kind, record)
    assert row.get("date") == date
    assert {field: row.get(field) for field in others} == others


def test_the_age_of_one_who_died_is_the_age_at_death() -> None:
    patient = {"resourceType": "Patient", "id": "p", "birthDate": "1940-05-01"}
    assert patient_row({**patient, "deceasedDateTime": "2000-04-30"}, NOW)["age"] == 59
    assert "age" not in patient_row({**patient, "deceasedBoolean": True}, NOW)
