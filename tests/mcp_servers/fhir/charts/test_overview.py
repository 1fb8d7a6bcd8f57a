"""A chart at a glance, and any record as a row."""

from typing import Any

from mcp_servers.fhir.charts import brief, record_row
from tests.mcp_servers.fhir.charts.records import NOW, amount, concept, condition, observation, order
from tests.mcp_servers.fhir.charts.whole import overview

PATIENT = {"resourceType": "Patient", "id": "p", "name": [{"family": "Okafor", "given": ["Amara"]}]}
WEIGHT = concept("Body weight", ("29463-7", "Body weight"))


def _encounter(n: int) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": f"e{n}",
        "period": {"start": f"2024-0{n}-01"},
        "type": [concept("Visit")],
    }


def test_the_overview_has_a_row_for_all_that_is_current() -> None:
    chart = [
        condition("a", "Asthma"),
        condition("b", "Flu", "resolved"),
        order("m", "aspirin"),
        *(_encounter(n) for n in range(1, 8)),
        observation("w1", "2024-01-01", WEIGHT, valueQuantity=amount(80, "kg")),
        observation("w2", "2024-02-01", WEIGHT, valueQuantity=amount(81, "kg")),
        observation("w3", "2024-03-01", WEIGHT, status="entered-in-error"),
        observation("none", "2024-01-01", concept("Percentile")),
    ]
    found = overview(PATIENT, chart, now=NOW)
    shown = [(row["section"], row.get("ref", "")) for row in found.rows if row["section"] != "records"]
    assert shown == [
        ("patient", "Patient/p"),
        ("problem", "Condition/a"),
        ("medication", "MedicationRequest/m"),
        *(("encounter", f"Encounter/e{n}") for n in (7, 6, 5, 4, 3)),
        ("measurement", "Observation/w2"),
    ]
    assert [row for row in found.rows if row.get("kind") == "Observation"] == [
        {
            "section": "records",
            "kind": "Observation",
            "count": 3,
            "first_date": "2024-01-01",
            "last_date": "2024-02-01",
        }
    ]
    assert {
        "allergies: nothing recorded.",
        "encounters: the newest 5 of 7.",
        "measurements: 1 without a value in the newest records left out.",
    } <= set(found.notes)


def test_an_empty_chart_is_the_patient_and_nothing_recorded() -> None:
    found = overview(PATIENT, [], now=NOW)
    assert ([row["section"] for row in found.rows], found.finding) == (["patient"], "nothing_recorded")


def test_the_overview_of_one_who_died_tells_when_and_the_age_at_death() -> None:
    died = {**PATIENT, "birthDate": "1940-05-01", "deceasedDateTime": "2000-04-30"}
    (row,) = overview(died, [], now=NOW).rows
    assert (row["age"], row["deceased"]) == (59, "2000-04-30")


def test_visits_that_took_place_stand_before_planned_and_cancelled_ones() -> None:
    visits = [
        {**_encounter(n), "status": status}
        for n, status in [
            (1, "cancelled"),
            (2, "finished"),
            (3, "finished"),
            (4, "cancelled"),
            (5, "planned"),
        ]
    ]
    ahead = {**_encounter(6), "status": "finished", "period": {"start": "2027-01-01"}}
    found = overview(PATIENT, [*visits, ahead], now=NOW)
    rows, _ = brief(row for row in found.rows if row["section"] == "encounter")
    assert [(row["ref"], row["status"]) for row in rows] == [
        ("Encounter/e3", "finished"),
        ("Encounter/e2", "finished"),
        ("Encounter/e6", "finished"),
        ("Encounter/e5", "planned"),
        ("Encounter/e4", "cancelled"),
    ]


def test_at_a_glance_disorders_come_before_other_problems() -> None:
    names = [
        "Medication review due (situation)",
        "Refugee (person)",
        "Asthma (disorder)",
        "Gout",
        "Stress (finding)",
    ]
    rows, _ = brief({"section": "problem", "ref": f"Condition/{name}", "name": name} for name in names)
    assert [row["name"] for row in rows] == [names[2], names[3], names[0], names[1], names[4]]


def _codes(*shown: tuple[str, str]) -> list[str]:
    rows, _ = brief(
        {"section": "measurement", "ref": f"Observation/{code}", "name": code, "code": code, "date": date}
        for code, date in shown
    )
    return [row["name"] for row in rows]


def test_at_a_glance_the_measurements_asked_for_most_come_first() -> None:
    ph_of_urine, a1c, later_a1c, weight, systolic, panel = (
        "5803-2", "17856-6", "4548-4", "29463-7", "8480-6", "85354-9",
    )  # fmt: skip
    newest_first = [(code, "2026") for code in (ph_of_urine, later_a1c, a1c, weight, systolic)]
    assert _codes(*newest_first) == [systolic, weight, later_a1c, ph_of_urine, a1c]
    assert _codes(*newest_first, (panel, "2025"))[:3] == [panel, weight, later_a1c]


def test_a_record_of_no_kind_is_named_dated_and_labelled() -> None:
    claim = {
        "resourceType": "Claim",
        "id": "c",
        "status": "active",
        "type": concept("Professional"),
        "created": "2024-01-01",
    }
    assert record_row(claim) == {
        "ref": "Claim/c",
        "name": "Professional",
        "date": "2024-01-01",
        "status": "active",
    }


def test_a_record_of_a_kind_has_the_fields_of_that_kind() -> None:
    assert record_row(order("m", "aspirin", "entered-in-error"))["status"] == "entered-in-error"
    assert record_row(observation("w", "2024", WEIGHT, valueQuantity=amount(80, "kg")))["value"] == 80
    assert record_row(PATIENT) == {"ref": "Patient/p", "name": "Amara Okafor"}
