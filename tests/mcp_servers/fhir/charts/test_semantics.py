"""What chart answers must get right of FHIR, a test or more for each clause.

Clauses whose tests stand elsewhere:

| clause | tested in |
|---|---|
| refuted and ended problems, none without a status lost | test_listing |
| results entered in error, cancelled, and every other status | test_measurements |
| "none known", "no information", nothing recorded; and which of them a chart contradicts | test_listing |
| refused or failed is an error and never an empty chart | ../surface/test_server |
| medications as a concept, by reference, contained, by identifier | test_listing |
| every value[x], components, absent values, ranges | test_values |
| units never mixed, conversions shown | test_measurements, test_selection, test_units |
| dates of different meaning, age at death | test_semantics_of_dates |
| partial dates, offsets, windows; age left open by partial dates | test_dates, test_window, test_patient |
| a release is not when a result held; undated results | test_measurements |
| deceased as a flag or a date, age counted to it | test_patient |
| references: relative, versioned, contained, by identifier, elsewhere, urn; who and where | test_references |
| texts as data: one line, no control characters, no bytes | test_elements, test_kinds |
| notes in attachments and Binaries, of every format | ../notes/test_extraction, ../tools/test_search_notes |
| compartment: membership by type, what is outside it | test_compartment, test_patient_lock in ../access |
| the same in the chart's tables | ../tables/test_columns |
| the same in counts of patients | ../reading/test_cohorts, ../reading/test_thresholds |
"""

from typing import Any

import pytest

from mcp_servers.fhir.charts import KINDS, list_records, observations
from tests.mcp_servers.fhir.charts.records import (
    NOW,
    Resource,
    allergy,
    amount,
    coded,
    concept,
    condition,
    observation,
    order,
)
from tests.mcp_servers.fhir.charts.whole import overview

GLUCOSE = concept(None, ("2345-7", "Glucose"))
VACCINE = {"resourceType": "Immunization", "vaccineCode": concept("Influenza")}
TYPES = {
    "problems": "Condition",
    "medications": "MedicationRequest",
    "allergies": "AllergyIntolerance",
    "immunizations": "Immunization",
    "procedures": "Procedure",
    "encounters": "Encounter",
    "reports": "DiagnosticReport",
    "documents": "DocumentReference",
    "imaging": "ImagingStudy",
    "orders": "ServiceRequest",
    "care_plans": "CarePlan",
    "goals": "Goal",
    "devices": "Device",
    "family_history": "FamilyMemberHistory",
    "social_history": "Observation",
    "care_team": "CareTeam",
    "coverage": "Coverage",
}
# Where R4 has the code entered-in-error for these types; `status` for the others.
WITHDRAWN_BY = {
    "problems": "verificationStatus",
    "allergies": "verificationStatus",
    "goals": "lifecycleStatus",
}


def _refs(kind: Any, chart: list[Resource], **more: Any) -> list[str]:
    return [row["ref"].partition("/")[2] for row in list_records(kind, chart, now=NOW, **more).rows]


def _row(kind: Any, record: Resource) -> dict[str, Any]:
    return list_records(kind, [{"id": "1", **record}], status="all", now=NOW).rows[0]


# Status


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_of_any_kind_entered_in_error_is_left_out_and_counted(kind: Any) -> None:
    withdrawn: Any = "entered-in-error"
    if WITHDRAWN_BY.get(kind) == "verificationStatus":
        withdrawn = {"coding": [{"code": withdrawn}]}
    smoking = {"code": coded("http://loinc.org", "72166-2")} if kind == "social_history" else {}
    record = {
        "resourceType": TYPES[kind],
        "id": "x",
        WITHDRAWN_BY.get(kind, "status"): withdrawn,
        **smoking,
    }
    for status in ("current", "all"):
        found = list_records(kind, [record], status=status, now=NOW)
        assert (found.rows, found.finding) == ([], "nothing_recorded")
        assert found.notes == ["1 record entered in error left out."]
    assert list_records(kind, [record], at="2020-01-01", now=NOW).rows == []


def test_a_withdrawn_record_is_nowhere_in_the_overview() -> None:
    wrong = "entered-in-error"
    chart = [
        condition("c", "Wrong", verificationStatus={"coding": [{"code": wrong}]}),
        order("m", "Wrong", wrong),
        observation("o", "2024", GLUCOSE, valueQuantity=amount(5, "mg/dL"), status=wrong),
    ]
    found = overview({"resourceType": "Patient", "id": "p"}, chart, now=NOW)
    assert [row["section"] for row in found.rows] == ["patient"]


@pytest.mark.parametrize(
    "status", ["registered", "partial", "preliminary", "amended", "corrected", "cancelled"]
)
def test_a_report_that_is_not_final_is_labelled(status: str) -> None:
    report = {"resourceType": "DiagnosticReport", "status": status, "code": concept("Culture")}
    assert _row("reports", report)["status"] == status


@pytest.mark.parametrize("status", ["completed", "stopped", "cancelled", "draft", "on-hold", "unknown"])
def test_an_order_in_any_other_status_than_active_is_no_current_medication(status: str) -> None:
    found = list_records("medications", [order("m", "aspirin", status)], now=NOW)
    assert found.rows == []
    assert any(f"1 {status}" in note for note in found.notes)
    assert _row("medications", order("m", "aspirin", status))["status"] == status


@pytest.mark.parametrize("status", ["completed", "intended", "stopped", "on-hold", "unknown", "not-taken"])
def test_a_statement_of_what_is_not_taken_now_is_no_current_medication(status: str) -> None:
    aspirin = {"medicationCodeableConcept": concept("aspirin"), "status": status}
    statement = {"resourceType": "MedicationStatement", "id": "s", **aspirin}
    found = list_records("medications", [statement], now=NOW)
    assert found.rows == []
    assert any(f"1 {status}" in note for note in found.notes)


@pytest.mark.parametrize("intent", ["proposal", "plan", "option"])
def test_a_proposal_is_no_order(intent: str) -> None:
    proposed = {**order("m", "aspirin"), "intent": intent}
    found = list_records("medications", [proposed], now=NOW)
    assert found.rows == []
    assert f"1 only a {intent}" in found.notes[0]
    assert _row("medications", proposed)["intent"] == intent


@pytest.mark.parametrize(
    "intent", ["order", "original-order", "reflex-order", "filler-order", "instance-order"]
)
def test_an_order_of_any_make_is_one(intent: str) -> None:
    assert _refs("medications", [{**order("m", "aspirin"), "intent": intent}]) == ["m"]


def test_what_is_ordered_said_given_and_handed_out_are_four_facts() -> None:
    aspirin = {"medicationCodeableConcept": concept("aspirin"), "status": "active"}
    kinds = ("MedicationRequest", "MedicationStatement", "MedicationAdministration", "MedicationDispense")
    chart = [{"resourceType": kind, "id": kind, **aspirin} for kind in kinds]
    rows = list_records("medications", chart, status="all", now=NOW).rows
    assert {row["ref"].partition("/")[0]: row["source"] for row in rows} == {
        "MedicationRequest": "order",
        "MedicationStatement": "statement",
        "MedicationAdministration": "administration",
        "MedicationDispense": "dispense",
    }
    assert _refs("medications", chart) == ["MedicationRequest", "MedicationStatement"]


def test_an_order_not_to_give_a_drug_says_so_where_it_is_listed() -> None:
    forbidden = order("m", "pioglitazone", doNotPerform=True)
    assert _refs("medications", [forbidden]) == []
    assert _row("medications", forbidden)["do_not_perform"] is True


def test_an_order_not_to_do_something_is_none_to_do_it() -> None:
    forbidden = {
        "resourceType": "ServiceRequest",
        "id": "no",
        "status": "active",
        "intent": "order",
        "doNotPerform": True,
        "code": concept("Resuscitation"),
    }
    found = list_records("orders", [forbidden], now=NOW)
    assert found.rows == []
    assert "Ordered not to be performed: Resuscitation (ServiceRequest/no)." in found.notes
    assert _row("orders", forbidden)["do_not_perform"] is True


@pytest.mark.parametrize("intent", ["proposal", "plan", "option"])
def test_a_proposed_test_is_not_ordered(intent: str) -> None:
    proposed = {"resourceType": "ServiceRequest", "id": "x", "status": "active", "intent": intent}
    found = list_records("orders", [{**proposed, "code": concept("Colonoscopy")}], now=NOW)
    assert found.rows == []
    assert f"1 only a {intent}" in found.notes[0]
    assert _row("orders", proposed)["intent"] == intent


@pytest.mark.parametrize(
    "status",
    ["completed", "revoked", "cancelled", "inactive", "rejected", "stopped", "proposed", "draft"],
)
def test_a_plan_that_is_over_is_not_in_force(status: str) -> None:
    assert _refs("care_plans", [{"resourceType": "CarePlan", "id": "x", "status": status}]) == []


def test_a_vaccine_that_was_not_given_says_so() -> None:
    refused = {**VACCINE, "status": "not-done", "statusReason": concept("Refused")}
    assert (_row("immunizations", refused)["status"], _row("immunizations", refused)["status_reason"]) == (
        "not-done",
        "Refused",
    )


def test_a_procedure_that_was_not_done_says_so() -> None:
    omitted = {"resourceType": "Procedure", "code": concept("Colonoscopy"), "status": "not-done"}
    row = _row("procedures", {**omitted, "statusReason": concept("Refused")})
    assert (row["status"], row["status_reason"]) == ("not-done", "Refused")


@pytest.mark.parametrize("status", ["preliminary", "amended"])
def test_a_document_that_is_not_final_is_labelled(status: str) -> None:
    letter = {"resourceType": "DocumentReference", "status": "superseded", "docStatus": status}
    row = _row("documents", letter)
    assert (row["status"], row["doc_status"]) == ("superseded", status)


# Negation


@pytest.mark.parametrize(
    "kind", ["problems", "medications", "immunizations", "procedures", "devices", "allergies"]
)
def test_none_known_is_a_finding_of_its_own_for_each_kind_that_can_say_it(kind: Any) -> None:
    field = {
        "medications": "medicationCodeableConcept",
        "immunizations": "vaccineCode",
        "devices": "type",
    }.get(kind, "code")
    code = {"problems": "no-known-problems", "allergies": "no-known-allergies"}.get(kind, f"no-known-{kind}")
    system = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
    record = {"resourceType": TYPES[kind], "id": "x", "status": "active", "intent": "order"}
    found = list_records(kind, [{**record, field: coded(system, code)}], status="all", now=NOW)
    assert found.finding == "recorded_as_none"
    assert list_records(kind, [], status="all", now=NOW).finding == "nothing_recorded"


def test_a_refuted_allergy_is_no_allergy_and_no_none_known_either() -> None:
    refuted = allergy("a", concept("Penicillin"), verificationStatus={"coding": [{"code": "refuted"}]})
    found = list_records("allergies", [refuted], now=NOW)
    assert (found.rows, found.finding) == ([], "recorded")
    assert "Refuted: Penicillin (AllergyIntolerance/a)." in found.notes


@pytest.mark.parametrize("clinical", ["inactive", "resolved"])
def test_an_allergy_that_is_over_is_not_current_and_counted(clinical: str) -> None:
    outgrown = allergy("a", concept("Egg"), clinical)
    found = list_records("allergies", [outgrown], now=NOW)
    assert found.rows == []
    assert found.notes == [f"1 record not current left out (1 {clinical}); status=all lists them."]
    assert _row("allergies", outgrown)["status"] == clinical


# Values


@pytest.mark.parametrize(
    "value",
    [
        {"valueRange": {"low": {"value": 5}, "high": {"value": 10}}},
        {"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}},
        {"valueSampledData": {"origin": amount(0, "mV"), "data": "1 2 3"}},
        {"valueTime": "07:30:00"},
        {"valueDateTime": "2024"},
        {"valueString": "5"},
        {"valueBoolean": True},
        {"valueCodeableConcept": concept("5")},
        {"valuePeriod": {"start": "2024"}},
    ],
)
def test_what_is_no_quantity_is_never_averaged_or_compared(value: dict[str, Any]) -> None:
    chart = [
        observation("n", "2024-01-01", GLUCOSE, valueQuantity=amount(100, "mg/dL")),
        observation("x", "2024-02-01", GLUCOSE, **value),
    ]
    summed = observations(chart, name="glucose", mode="statistics", now=NOW)
    assert [(row["n"], row["mean"]) for row in summed.rows] == [(1, 100.0)]
    assert "1 without a number left out of the statistics." in summed.notes
    above = observations(chart, name="glucose", mode="series", above=1, now=NOW)
    assert [row["ref"] for row in above.rows] == ["Observation/n"]


def test_an_integer_is_a_number() -> None:
    chart = [observation(f"{n}", f"2024-01-0{n}", concept("PHQ-9 score"), valueInteger=n) for n in (1, 2)]
    rows = observations(chart, name="PHQ-9 score", mode="statistics", now=NOW).rows
    assert [(row["n"], row["mean"], row["median"]) for row in rows] == [(2, 1.5, 1.5)]


def test_a_value_that_is_absent_for_a_reason_is_no_zero() -> None:
    absent = observation("x", "2024", GLUCOSE, dataAbsentReason=coded("http://x", "not-performed"))
    row = observations([absent], name="glucose", now=NOW).rows[0]
    assert ("value" in row, row["absent"]) == (False, "not-performed")


# References


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("Medication/t", "amlodipine"),
        ("Medication/t/_history/2", "amlodipine"),
        ("https://fhir.example.org/fhir/Medication/t", "amlodipine"),
        (
            "https://elsewhere.example.org/fhir/Medication/t",
            "https://elsewhere.example.org/fhir/Medication/t",
        ),
        ("https://fhir.example.org.evil.example/fhir/Medication/t", None),
        ("urn:uuid:0b1c", "urn:uuid:0b1c"),
        ("#t", "contained amlodipine"),
    ],
)
def test_only_a_reference_to_this_server_is_taken_for_a_record_of_it(written: str, named: str | None) -> None:
    tablet = {"resourceType": "Medication", "id": "t", "code": concept("amlodipine")}
    inside = {**tablet, "code": concept("contained amlodipine")}
    record = {**order("m", ""), "contained": [inside], "medicationReference": {"reference": written}}
    found = list_records(
        "medications",
        [record],
        included={"Medication/t": tablet},
        base="https://fhir.example.org/fhir",
        now=NOW,
    )
    assert found.rows[0]["name"] == (named or written)


# Codes


def test_a_code_of_another_system_is_another_code() -> None:
    local = {"coding": [{"system": "urn:local", "code": "2345-7", "display": "Sodium, local"}]}
    chart = [
        observation("loinc", "2024-01-01", GLUCOSE, valueQuantity=amount(100, "mg/dL")),
        observation("local", "2024-02-01", local, valueQuantity=amount(140, "mmol/L")),
    ]
    for name, expected in (
        ("http://loinc.org|2345-7", ["loinc"]),
        ("urn:local|2345-7", ["local"]),
        ("2345-7", ["local", "loinc"]),
        ("urn:other|2345-7", []),
    ):
        rows = observations(chart, name=name, mode="series", now=NOW).rows
        assert [row["ref"].partition("/")[2] for row in rows] == expected
