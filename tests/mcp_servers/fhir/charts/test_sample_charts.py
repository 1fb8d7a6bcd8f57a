"""The committed sample charts: every record is listed or counted, and the hard cases come out right."""

from functools import cache
from typing import Any

import pytest

from mcp_servers.fhir.charts import KINDS, list_records, observations, patient_row
from mcp_servers.fhir.charts.elements import entered_in_error
from mcp_servers.fhir.charts.kinds import belongs
from tests.mcp_servers.fhir.charts.records import NOW, Resource, sample_resources


@cache
def _charts() -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = {}
    for resource in sample_resources():
        about: Any = next(
            (resource[key] for key in ("subject", "patient", "beneficiary") if key in resource), {}
        )
        owner = about.get("reference") if isinstance(about, dict) else None
        if resource["resourceType"] == "Patient":
            owner = f"Patient/{resource['id']}"
        if owner:
            found.setdefault(owner, []).append(resource)
    return found


def _hard(patient: str) -> list[Resource]:
    return _charts()[f"Patient/hard-{patient}"]


@cache
def _included() -> dict[str, Resource]:
    return {f"{one['resourceType']}/{one['id']}": one for one in sample_resources()}


def _names(patient: str, kind: Any, **more: Any) -> list[str]:
    found = list_records(kind, _hard(patient), included=_included(), now=NOW, **more)
    return sorted(row.get("name", "") for row in found.rows)


@pytest.mark.parametrize("kind", KINDS)
def test_no_record_of_a_sample_chart_is_lost(kind: Any) -> None:
    for chart in _charts().values():
        expected = {
            f"{one['resourceType']}/{one['id']}"
            for one in chart
            if belongs(kind, one) and not entered_in_error(one)
        }
        found = list_records(kind, chart, included=_included(), status="all", now=NOW)
        assert {row["ref"] for row in found.rows} == expected
        assert len(found.rows) == len(expected)
        assert all(row.get("name") for row in found.rows)


def test_amara_okafors_current_problems_and_medications() -> None:
    assert _names("amara-okafor", "problems") == [
        "Diabetes mellitus type 2",
        "Eczema",
        "Gout",
        "Hyperparathyroidism",
        "Hypertensive disorder, systemic arterial",
        "Obstructive sleep apnea syndrome",
    ]
    assert _names("amara-okafor", "medications") == [
        "aspirin 81 MG Oral Tablet",
        "lisinopril 10 MG Oral Tablet",
        "metformin hydrochloride 1000 MG Oral Tablet",
    ]
    assert _names("amara-okafor", "allergies") == ["Penicillin"]


def test_mei_tanakas_medications_are_named_however_they_are_written() -> None:
    assert _names("mei-tanaka", "medications") == [
        "Compounded hydrocortisone cream",
        "Gan mao tea, two cups a day",
        "Magic mouthwash (lidocaine, antacid, diphenhydramine 1:1:1)",
        "Timolol 0.5 % eye drops",
        "amlodipine 5 MG Oral Tablet",
        "ibuprofen 600 MG Oral Tablet",
        "warfarin sodium 5 MG Oral Tablet",
    ]


@pytest.mark.parametrize(
    ("patient", "kind", "finding"),
    [
        ("john-smith-1950", "allergies", "recorded_as_none"),
        ("john-smith-1987", "allergies", "nothing_recorded"),
        ("john-smith-1987", "problems", "recorded_as_none"),
        ("noor-haddad", "allergies", "recorded"),
    ],
)
def test_none_recorded_as_none_and_nothing_recorded_are_told_apart(
    patient: str, kind: Any, finding: str
) -> None:
    assert list_records(kind, _hard(patient), now=NOW).finding == finding


def test_the_last_hba1c_is_in_per_cent_and_the_statistics_keep_mmol_apart() -> None:
    latest = observations(_hard("amara-okafor"), name="HbA1c", now=NOW).rows
    assert [(row["value"], row["unit"], row["status"]) for row in latest] == [(7.1, "%", "final")]
    rows = observations(_hard("amara-okafor"), name="HbA1c", mode="statistics", now=NOW).rows
    assert {(row["unit"], row["n"]) for row in rows} == {("%", 3), ("mmol/mol", 1)}


def test_the_dead_are_as_old_as_they_became() -> None:
    lucia = next(one for one in _hard("lucia-fernandes") if one["resourceType"] == "Patient")
    row = patient_row(lucia, NOW)
    assert row["deceased"].startswith("2024-02-29")
    assert "age" not in row
