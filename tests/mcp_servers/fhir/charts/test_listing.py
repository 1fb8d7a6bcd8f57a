"""Listing a kind of record: order, what is current, words, codes and findings."""

from typing import Any

import pytest

from mcp_servers.fhir.charts import Read, list_records
from mcp_servers.fhir.charts.kinds import KINDS, SEARCHES
from tests.mcp_servers.fhir.charts.records import NOW, Resource, allergy, coded, concept, condition, order

SNOMED = "http://snomed.info/sct"
IPS = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
NO_KNOWN_ALLERGY = coded(SNOMED, "716186003")


def _refs(kind: Any, resources: list[Resource], **more: Any) -> list[str]:
    return [row["ref"].partition("/")[2] for row in list_records(kind, resources, now=NOW, **more).rows]


def test_every_kind_says_what_to_fetch() -> None:
    assert set(SEARCHES) == set(KINDS)


def test_records_come_newest_first_and_undated_last_whatever_order_they_arrive_in() -> None:
    chart = [
        condition("undated", "A"),
        condition("old", "B", onsetDateTime="2019"),
        condition("new", "C", onsetDateTime="2020-01-01T23:00:00-08:00"),
        condition("between", "D", onsetDateTime="2020-01-02T01:00:00+01:00"),
    ]
    assert _refs("problems", chart) == ["new", "between", "old", "undated"]
    assert _refs("problems", chart[::-1]) == ["new", "between", "old", "undated"]


def test_a_record_fetched_twice_is_one_row() -> None:
    assert _refs("problems", [condition("a", "A"), condition("a", "A")]) == ["a"]


def test_records_of_other_kinds_are_ignored() -> None:
    assert _refs("problems", [order("m", "aspirin"), condition("a", "A")]) == ["a"]


@pytest.mark.parametrize("clinical", ["active", "recurrence", "relapse"])
def test_active_recurrent_and_relapsed_problems_are_current(clinical: str) -> None:
    assert _refs("problems", [condition("a", "A", clinical)]) == ["a"]


def test_ended_problems_are_left_out_and_counted_and_listed_under_all() -> None:
    chart = [condition(status, "A", status) for status in ("inactive", "remission", "resolved")]
    found = list_records("problems", chart, now=NOW)
    assert (found.rows, found.finding) == ([], "recorded")
    assert found.notes == [
        "3 records not current left out (1 inactive, 1 remission, 1 resolved); status=all lists them."
    ]
    assert len(_refs("problems", chart, status="all")) == 3


def test_a_problem_without_a_clinical_status_is_kept_as_unknown_unless_it_ended() -> None:
    chart = [
        condition("open", "A", None),
        condition("over", "B", None, abatementDateTime="2020"),
        condition("ends-later", "C", None, abatementDateTime="2030"),
    ]
    found = list_records("problems", chart, now=NOW)
    assert {row["ref"]: row["status"] for row in found.rows} == {
        "Condition/open": "unknown",
        "Condition/ends-later": "unknown",
    }
    assert "2 records without a known status kept as current, with status unknown." in found.notes


def test_a_refuted_problem_is_never_a_finding() -> None:
    refuted = condition("a", "COPD", verificationStatus={"coding": [{"code": "refuted"}]})
    assert list_records("problems", [refuted], now=NOW).rows == []
    everything = list_records("problems", [refuted], status="all", now=NOW)
    assert everything.rows[0]["verification"] == "refuted"
    assert everything.finding == "nothing_recorded"


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        ("problems", condition("x", "A", verificationStatus={"coding": [{"code": "entered-in-error"}]})),
        ("medications", order("x", "A", "entered-in-error")),
        ("goals", {"resourceType": "Goal", "id": "x", "lifecycleStatus": "entered-in-error"}),
        ("documents", {"resourceType": "DocumentReference", "id": "x", "docStatus": "entered-in-error"}),
    ],
)
def test_records_entered_in_error_appear_nowhere_and_are_counted(kind: Any, record: Resource) -> None:
    found = list_records(kind, [record], status="all", now=NOW)
    assert (found.rows, found.finding) == ([], "nothing_recorded")
    assert found.notes == ["1 record entered in error left out."]


def test_of_records_entered_in_error_those_count_that_were_asked_for() -> None:
    wrong = condition("x", "Hypothyroidism", verificationStatus=coded("x", "entered-in-error"))
    assert list_records("problems", [wrong], text="COPD", now=NOW).notes == []
    assert list_records("problems", [wrong], text="hypothyroid", now=NOW).notes == [
        "1 record entered in error left out."
    ]


def test_a_refuted_record_that_was_asked_for_is_named() -> None:
    refuted = condition("a", "COPD", verificationStatus=coded("x", "refuted"))
    assert "Refuted: COPD (Condition/a)." in list_records("problems", [refuted], text="copd", now=NOW).notes


def test_only_orders_in_force_and_active_statements_are_current_medications() -> None:
    statement = {
        "resourceType": "MedicationStatement",
        "status": "active",
        "medicationCodeableConcept": concept("B"),
    }
    given = {"resourceType": "MedicationAdministration", "status": "completed", "id": "given"}
    chart = [
        order("taken", "A"),
        {**statement, "id": "stated"},
        {**statement, "id": "not-taken", "status": "not-taken"},
        order("held", "glipizide", "on-hold"),
        order("draft", "C", "draft"),
        order("proposed", "D") | {"intent": "proposal"},
        order("forbidden", "pioglitazone", doNotPerform=True),
        order("statusless", "simvastatin") | {"status": None},
        given,
    ]
    found = list_records("medications", chart, now=NOW)
    assert [row["ref"] for row in found.rows] == ["MedicationRequest/taken", "MedicationStatement/stated"]
    assert "Ordered not to be given: pioglitazone (MedicationRequest/forbidden)." in found.notes
    assert "On hold: glipizide (MedicationRequest/held)." in found.notes
    assert "Status not recorded: simvastatin (MedicationRequest/statusless)." in found.notes
    assert len(_refs("medications", chart, status="all")) == len(chart)


def _infusion(status: str, **effective: Any) -> Resource:
    named = {"id": status, "status": status, "medicationCodeableConcept": {"text": "heparin"}}
    return {"resourceType": "MedicationAdministration", **named, **effective}


def test_an_infusion_that_runs_is_a_current_medication() -> None:
    since, until = {"start": "2026-11-21"}, {"start": "2026-11-20", "end": "2026-11-21"}
    assert _refs("medications", [_infusion("in-progress", effectivePeriod=since)]) == ["in-progress"]
    assert _refs("medications", [_infusion("in-progress", effectivePeriod=until)]) == []
    held = list_records("medications", [_infusion("on-hold", effectivePeriod=since)], now=NOW)
    assert "On hold: heparin (MedicationAdministration/on-hold)." in held.notes
    assert _refs("medications", [_infusion("completed", effectivePeriod=since)]) == []


@pytest.mark.parametrize(
    "asked",
    [{}, {"at": "2010-01-01"}, {"since": "2025"}, {"status": "all", "until": "2010"}, {"text": "heparin"}],
)
def test_what_is_only_left_out_is_not_nothing_recorded(asked: dict[str, str]) -> None:
    given = _infusion("completed", effectiveDateTime="2024-03-01")
    found = list_records("medications", [given], now=NOW, **asked)  # type: ignore[arg-type]
    assert (found.rows, found.finding) == ([], "recorded")
    assert any("left out" in note or "outside" in note for note in found.notes)
    counted = list_records("medications", [], unread={"administration": 2}, now=NOW)
    assert counted.finding == "recorded"
    assert list_records("medications", [given], text="insulin", now=NOW).finding == "nothing_recorded"


def test_a_medication_is_named_by_concept_by_reference_and_by_containment() -> None:
    tablet = {"resourceType": "Medication", "id": "t", "code": concept("amlodipine 5 mg")}
    chart = [
        order("concept", "lisinopril"),
        {**order("included", ""), "medicationReference": {"reference": "Medication/t"}},
        {**order("contained", ""), "contained": [tablet], "medicationReference": {"reference": "#t"}},
        {**order("logical", ""), "medicationReference": {"identifier": {"value": "TEA-1"}}},
        {
            **order("display", ""),
            "medicationReference": {"reference": "Medication/9", "display": "Gan mao tea"},
        },
    ]
    found = list_records("medications", chart, included={"Medication/t": tablet}, now=NOW)
    assert {row["ref"].partition("/")[2]: row["name"] for row in found.rows} == {
        "concept": "lisinopril",
        "included": "amlodipine 5 mg",
        "contained": "amlodipine 5 mg",
        "logical": "TEA-1",
        "display": "Gan mao tea",
    }


def test_a_referenced_medication_is_found_by_its_code() -> None:
    tablet = {"resourceType": "Medication", "id": "t", "code": coded("http://rx", "197361")}
    chart = [{**order("a", ""), "medicationReference": {"reference": "Medication/t"}}, order("b", "B")]
    included = {"Medication/t": tablet}
    assert _refs("medications", chart, included=included, code="197361") == ["a"]
    assert _refs("medications", chart, included=included, code="http://rx|197361") == ["a"]
    assert _refs("medications", chart, included=included, code="http://other|197361") == []


def test_no_known_allergies_differs_from_nothing_recorded() -> None:
    none = list_records("allergies", [allergy("a", NO_KNOWN_ALLERGY)], now=NOW)
    assert (none.finding, none.rows[0]["negation"]) == ("recorded_as_none", True)
    assert list_records("allergies", [], now=NOW).finding == "nothing_recorded"


@pytest.mark.parametrize(
    "code",
    [
        coded(SNOMED, "160244002"),
        coded(SNOMED, "409137002"),
        coded(SNOMED, "428607008"),
        coded(SNOMED, "429625007"),
        coded(IPS, "no-known-allergies"),
        coded(IPS, "no-known-medication-allergies"),
        coded(IPS, "no-known-environmental-allergies"),
        coded(IPS, "no-known-food-allergies"),
        concept("NKDA"),
        concept("No known allergies"),
    ],
)
def test_every_way_of_writing_no_known_allergies_counts(code: Resource) -> None:
    assert list_records("allergies", [allergy("a", code)], now=NOW).finding == "recorded_as_none"


def test_no_information_is_not_the_same_as_none() -> None:
    found = list_records("allergies", [allergy("a", coded(IPS, "no-allergy-info"))], now=NOW)
    assert found.finding == "nothing_recorded"
    assert found.notes == ["The only records say that no information is available."]


def test_a_resolved_no_known_allergies_stands_while_no_allergy_contradicts_it() -> None:
    negation = allergy("none", NO_KNOWN_ALLERGY, "resolved")
    alone = list_records("allergies", [negation], now=NOW)
    assert alone.finding == "recorded_as_none"
    assert alone.notes[0].endswith("is marked resolved.")
    contradicted = list_records("allergies", [negation, allergy("nuts", concept("Peanut"))], now=NOW)
    assert [row["ref"] for row in contradicted.rows] == ["AllergyIntolerance/nuts"]
    assert contradicted.finding == "recorded"


def test_none_known_beside_an_allergy_is_noted() -> None:
    negation = {**coded(SNOMED, "409137002"), "text": "No known drug allergy"}
    chart = [allergy("none", negation), allergy("wasp", concept("Wasp venom"))]
    found = list_records("allergies", chart, now=NOW)
    assert found.finding == "recorded"
    said = 'Recorded beside the others: "No known drug allergy" (AllergyIntolerance/none).'
    assert found.notes == [said]


def test_a_refuted_allergy_does_not_count() -> None:
    refuted = allergy("a", concept("Sulfonamide"), verificationStatus={"coding": [{"code": "refuted"}]})
    found = list_records("allergies", [refuted, allergy("none", NO_KNOWN_ALLERGY)], status="all", now=NOW)
    assert found.finding == "recorded_as_none"
    assert "Refuted, so not a finding: AllergyIntolerance/a." in found.notes


def test_a_class_of_drugs_in_one_concept_is_named_in_full() -> None:
    code = {
        "coding": [
            {"system": "rx", "code": "1", "display": "Lisinopril"},
            {"system": "rx", "code": "2", "display": "Captopril"},
        ]
    }
    row = list_records("allergies", [allergy("a", code)], now=NOW).rows[0]
    assert row["name"] == "Lisinopril, Captopril"


def test_standing_records_that_are_over_are_not_current() -> None:
    def coverage(identity: str, end: str, status: str = "active") -> Resource:
        return {"resourceType": "Coverage", "id": identity, "status": status, "period": {"end": end}}

    chart = [
        coverage("now", "2026"),
        coverage("ended", "2025-12-31"),
        coverage("cancelled", "2030", "cancelled"),
    ]
    assert _refs("coverage", chart) == ["now"]


def test_records_dated_after_now_are_kept_and_named() -> None:
    planned = {"resourceType": "Encounter", "id": "e", "status": "planned", "period": {"start": "2026-12-07"}}
    found = list_records("encounters", [planned], now=NOW)
    assert found.notes == [
        "1 record dated after now: Encounter/e.",
        "1 record without a readable name: Encounter/e.",
    ]


def test_words_are_looked_for_without_case_and_accents() -> None:
    chart = [order("a", "Crème à l'hydrocortisone"), order("b", "Metoprolol")]
    assert _refs("medications", chart, text="CREME hydrocort") == ["a"]


def test_short_words_count_only_whole() -> None:
    chart = [order("a", "nasal spray"), order("b", "ASA 81 mg")]
    assert _refs("medications", chart, text="asa") == ["b"]


def test_similar_spellings_are_named_but_never_taken() -> None:
    found = list_records("medications", [order("a", "hydralazine 25 mg")], text="hydralasine", now=NOW)
    assert found.rows == []
    assert found.notes == [
        "None of the records of this kind (1) contains these words; similarly spelled in this chart: "
        "hydralazine 25 mg."
    ]


def test_none_known_is_told_when_the_words_asked_for_are_nowhere() -> None:
    none = allergy("none", concept("No known allergies"))
    found = list_records("allergies", [none], text="penicillin", now=NOW)
    assert (found.rows, found.finding) == ([], "nothing_recorded")
    assert found.notes == ['The chart records "No known allergies" (AllergyIntolerance/none).']


def test_social_history_takes_smoking_without_a_category_but_no_laboratory() -> None:
    smoking = {"resourceType": "Observation", "id": "s", "code": coded("http://loinc.org", "72166-2")}
    housing = {
        "resourceType": "Observation",
        "id": "h",
        "category": [{"coding": [{"code": "social-history"}]}],
    }
    glucose = {"resourceType": "Observation", "id": "g", "code": coded("http://loinc.org", "2345-7")}
    assert set(_refs("social_history", [smoking, housing, glucose])) == {"s", "h"}


def test_rows_made_by_an_earlier_call_are_those_of_the_records_as_they_are_now() -> None:
    read = Read()
    by_reference: Any = {
        "medicationCodeableConcept": None, "medicationReference": {"reference": "Medication/t"}
    }  # fmt: skip
    chart = [order("a", "aspirin"), order("b", "", **by_reference), order("c", "codeine", "entered-in-error")]
    words = [{"text": name} for name in ("aspirin", "codeine", "warfarin")]
    asked: list[dict[str, Any]] = [{}, {"status": "all"}, {"at": "2020-01-01"}, *words]
    for named in ("Ibuprofen", "Warfarin"):
        included = {"Medication/t": {"resourceType": "Medication", "id": "t", "code": {"text": named}}}
        for resources in (chart, chart[:2]):
            for arguments in asked * 2:
                known = {"included": included, "now": NOW, **arguments}
                again = list_records("medications", resources, read=read, **known)
                assert again == list_records("medications", resources, **known)
