"""What stands in the tables' columns: the hard cases of charts, dirty values, and the description's words."""

import inspect
import re
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_servers.fhir.tables.process import TablesProcess
from mcp_servers.fhir.tools.query import query_chart

Resource = dict[str, Any]
LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"


async def row_of(tables: TablesProcess, table: str, *records: Resource) -> dict[str, Any]:
    """The one row that the first record makes in a table."""
    assert await tables.ask({"do": "put"}, list(records)) == {}
    ref = f"{records[0]['resourceType']}/{records[0]['id']}"
    reply = await tables.ask({"do": "query", "sql": f"SELECT * FROM {table} WHERE ref = '{ref}'", "limit": 9})
    (values,) = reply["rows"]
    return {name: value for name, value in zip(reply["columns"], values, strict=True) if value is not None}


def a(kind: str, **elements: Any) -> Resource:
    return {"resourceType": kind, "id": "x", **elements}


@pytest.mark.parametrize(
    ("written", "date", "instant"),
    [
        ("2019", "2019-01-01", "2019-01-01T00:00:00"),
        ("2019-05", "2019-05-01", "2019-05-01T00:00:00"),
        ("2019-05-03", "2019-05-03", "2019-05-03T00:00:00"),
        ("2019-05-03T23:30:00-05:00", "2019-05-03", "2019-05-04T04:30:00"),
        ("2019-05-03T23:30:00Z", "2019-05-03", "2019-05-03T23:30:00"),
        ("2019-05-03T23:30:00.123+02:00", "2019-05-03", "2019-05-03T21:30:00.123000"),
        ("2019-02-30", None, None),
        ("last spring", None, None),
        ("", None, None),
    ],
)
@pytest.mark.anyio
async def test_days_are_as_written_and_instants_in_utc(
    tables: TablesProcess, written: str, date: str | None, instant: str | None
) -> None:
    row = await row_of(tables, "observation", a("Observation", effectiveDateTime=written))
    assert (row.get("date"), row.get("instant"), row["date_text"]) == (date, instant, written)


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        (
            {"valueQuantity": {"value": 5.4, "unit": "%", "code": "%", "comparator": "<"}},
            {"value": 5.4, "unit": "%", "comparator": "<"},
        ),
        ({"valueQuantity": {"value": 5, "code": "mg/dL"}}, {"value": 5.0, "unit": "mg/dL"}),
        ({"valueInteger": 7}, {"value": 7.0}),
        ({"valueCodeableConcept": {"coding": [{"code": "1", "display": "Never"}]}}, {"value_text": "Never"}),
        ({"valueString": "trace"}, {"value_text": "trace"}),
        ({"valueBoolean": False}, {"value_text": "false"}),
        ({"valueDateTime": "2019-05"}, {"value_text": "2019-05"}),
        ({"valueTime": "07:30:00"}, {"value_text": "07:30:00"}),
        ({"valuePeriod": {"start": "2019-05"}}, {"value_text": "2019-05 to ..."}),
        ({"valuePeriod": {"end": "2019-06"}}, {"value_text": "... to 2019-06"}),
        ({"valueRange": {"low": {"value": 1, "unit": "g"}, "high": {"value": 2}}}, {"value_text": "1-2 g"}),
        ({"valueRange": {"low": {"value": 1, "unit": "g"}}}, {"value_text": ">= 1 g"}),
        ({"valueRange": {"high": {"value": 2, "unit": "g"}}}, {"value_text": "<= 2 g"}),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 64}}}, {"value_text": "1:64"}),
        (
            {
                "valueRatio": {
                    "numerator": {"value": 5, "unit": "mg"},
                    "denominator": {"value": 2, "unit": "mL"},
                }
            },
            {"value_text": "5 mg / 2 mL"},
        ),
        ({"valueSampledData": {"origin": {"value": 0}, "data": "1 2 E"}}, {"value_text": "1 2 E"}),
        ({"valueQuantity": {"value": "a lot"}}, {}),
        ({"valueQuantity": "5 mg"}, {}),
        ({"dataAbsentReason": {"coding": [{"code": "refused"}]}}, {"absent_reason": "refused"}),
    ],
)
@pytest.mark.anyio
async def test_values_are_numbers_with_units_or_else_text(
    tables: TablesProcess, elements: dict[str, Any], expected: dict[str, Any]
) -> None:
    row = await row_of(tables, "observation", a("Observation", **elements))
    part = await row_of(tables, "observation_component", a("Observation", component=[elements]))
    of_values = ("value", "unit", "comparator", "value_text", "absent_reason")
    assert {name: row[name] for name in of_values if name in row} == expected
    assert {name: part[name] for name in of_values if name in part} == expected


@pytest.mark.parametrize(
    ("elements", "written"),
    [
        ({"effectiveDateTime": "2019-05", "issued": "2020-01-01T00:00:00Z"}, "2019-05"),
        ({"effectiveInstant": "2019-05-03T10:00:00Z"}, "2019-05-03T10:00:00Z"),
        ({"effectivePeriod": {"start": "2019-05", "end": "2019-06"}}, "2019-05"),
        ({"effectivePeriod": {"end": "2019-06"}}, "2019-06"),
        ({"effectiveTiming": {"event": ["2019-07-01"]}}, "2019-07-01"),
        ({"issued": "2020-01-01T00:00:00Z"}, None),
    ],
)
@pytest.mark.anyio
async def test_a_measurement_and_its_parts_stand_under_the_date_at_which_they_held(
    tables: TablesProcess, elements: dict[str, Any], written: str | None
) -> None:
    record = a("Observation", component=[{"valueInteger": 1}], **elements)
    for table in ("observation", "observation_component"):
        assert (await row_of(tables, table, record)).get("date_text") == written


@pytest.mark.anyio
async def test_a_measurement_and_its_parts_are_labelled_with_its_status(tables: TablesProcess) -> None:
    for status in ("preliminary", "corrected", "amended", "cancelled"):
        record = a("Observation", status=status, component=[{"valueInteger": 1}])
        for table in ("observation", "observation_component"):
            assert (await row_of(tables, table, record))["status"] == status


@pytest.mark.anyio
async def test_a_code_of_a_shared_terminology_goes_before_a_local_one_and_all_are_kept(
    tables: TablesProcess,
) -> None:
    coding = [{"system": "urn:local", "code": "HBA"}, {"system": LOINC, "code": "4548-4", "display": "HbA1c"}]
    row = await row_of(tables, "observation", a("Observation", code={"coding": coding}))
    assert (row["code"], sorted(row["codes"]), row["code_text"]) == ("4548-4", ["4548-4", "HBA"], "HbA1c")


@pytest.mark.anyio
async def test_each_part_of_a_panel_is_a_row_with_the_panels_date(tables: TablesProcess) -> None:
    parts = [
        {"code": {"coding": [{"system": LOINC, "code": code}]}, "valueQuantity": {"value": value}}
        for code, value in (("8480-6", 120), ("8462-4", 80))
    ]
    panel = {"coding": [{"system": LOINC, "code": "85354-9"}]}
    record = a("Observation", code=panel, component=parts, effectiveDateTime="2020-01-02")
    assert await tables.ask({"do": "put"}, [record]) == {}
    sql = "SELECT code, value, panel_code, date FROM observation_component WHERE ref = 'Observation/x'"
    reply = await tables.ask({"do": "query", "sql": sql, "limit": 9})
    assert sorted(reply["rows"]) == [
        ["8462-4", 80.0, "85354-9", "2020-01-02"],
        ["8480-6", 120.0, "85354-9", "2020-01-02"],
    ]


ASPIRIN = {"coding": [{"code": "1191", "display": "aspirin"}]}


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ("medication_request", "MedicationRequest"),
        ("medication_statement", "MedicationStatement"),
        ("medication_administration", "MedicationAdministration"),
        ("medication_dispense", "MedicationDispense"),
    ],
)
@pytest.mark.parametrize(
    ("elements", "others"),
    [
        ({"medicationCodeableConcept": ASPIRIN}, []),
        (
            {
                "medicationReference": {"reference": "#m"},
                "contained": [{"resourceType": "Medication", "id": "m", "code": ASPIRIN}],
            },
            [],
        ),
        (
            {"medicationReference": {"reference": "Medication/m"}},
            [{"resourceType": "Medication", "id": "m", "code": ASPIRIN}],
        ),
        (
            {"medicationReference": {"reference": "Medication/m/_history/2"}},
            [{"resourceType": "Medication", "id": "m", "code": ASPIRIN}],
        ),
        ({"medicationReference": {"reference": "Medication/gone", "display": "aspirin"}}, []),
        ({"medicationReference": {"identifier": {"value": "aspirin"}}}, []),
    ],
)
@pytest.mark.anyio
async def test_a_medication_is_named_however_it_is_written(
    tables: TablesProcess, table: str, kind: str, elements: dict[str, Any], others: list[Resource]
) -> None:
    assert (await row_of(tables, table, a(kind, **elements), *others))["code_text"] == "aspirin"


@pytest.mark.parametrize(
    ("table", "record", "expected"),
    [
        (
            "condition",
            a(
                "Condition",
                clinicalStatus={"coding": [{"code": "resolved"}]},
                verificationStatus={"coding": [{"code": "refuted"}]},
                onsetAge={"value": 40, "unit": "a"},
                recordedDate="2020-03",
                abatementDateTime="2021",
            ),
            {"status": "resolved", "verification_status": "refuted", "date": "2020-03-01",
             "onset_text": "40 a", "abatement_date": "2021-01-01"},
        ),
        (
            "condition",
            a("Condition", onsetString="in childhood", recordedDate="2020-03"),
            {"date_text": "2020-03", "recorded_date": "2020-03-01", "onset_text": "in childhood"},
        ),
        (
            "condition",
            a(
                "Condition",
                onsetPeriod={"start": "2015", "end": "2016"},
                abatementPeriod={"end": "2018"},
                recordedDate="2020",
            ),
            {"date_text": "2015", "recorded_date": "2020-01-01", "abatement_date": "2018-01-01"},
        ),
        (
            "condition",
            a("Condition", onsetRange={"low": {"value": 7, "code": "a"}, "high": {"value": 9}}),
            {"onset_text": "7-9 a"},
        ),
        (
            "allergy_intolerance",
            a("AllergyIntolerance", onsetDateTime="1999", recordedDate="2020-03"),
            {"date_text": "1999", "recorded_date": "2020-03-01"},
        ),
        (
            "allergy_intolerance",
            a("AllergyIntolerance", verificationStatus={"coding": [{"code": "refuted"}]}),
            {"verification_status": "refuted"},
        ),
        (
            "medication_request",
            a("MedicationRequest", status="active", intent="plan", doNotPerform=True),
            {"status": "active", "intent": "plan", "do_not_perform": True},
        ),
        ("medication_request", a("MedicationRequest"), {"do_not_perform": False}),
        (
            "service_request",
            a("ServiceRequest", status="active", intent="proposal", doNotPerform=True),
            {"status": "active", "intent": "proposal", "do_not_perform": True},
        ),
        (
            "medication_statement",
            a("MedicationStatement", effectivePeriod={"start": "2018", "end": "2020"}, dateAsserted="2024"),
            {"date_text": "2018", "end_date": "2020-01-01"},
        ),
        ("medication_statement", a("MedicationStatement", dateAsserted="2024"), {"date_text": "2024"}),
        (
            "medication_administration",
            a("MedicationAdministration", effectivePeriod={"start": "2018-01-01", "end": "2018-01-02"}),
            {"date_text": "2018-01-01", "end_instant": "2018-01-02T00:00:00"},
        ),
        (
            "medication_dispense",
            a("MedicationDispense", whenPrepared="2018-01-01", whenHandedOver="2018-01-03"),
            {"date_text": "2018-01-03"},
        ),
        (
            "diagnostic_report",
            a("DiagnosticReport", effectiveDateTime="2018", issued="2019-01-01T00:00:00Z"),
            {"date_text": "2018"},
        ),
        (
            "diagnostic_report",
            a("DiagnosticReport", issued="2019-01-01T00:00:00Z"),
            {"date_text": "2019-01-01T00:00:00Z"},
        ),
        (
            "allergy_intolerance",
            a("AllergyIntolerance", code={"text": "No known allergies"}, criticality="low",
              reaction=[{"manifestation": [{"text": "hives"}, {"text": "fever"}], "severity": "mild"}]),
            {"code_text": "No known allergies", "criticality": "low", "reaction": "hives, fever"},
        ),
        (
            "encounter",
            a("Encounter", **{"class": {"code": "IMP"}}, period={"start": "2020-01-01T10:00:00Z",
              "end": "2020-01-03T10:00:00Z"}),
            {"class": "IMP", "date": "2020-01-01", "end_instant": "2020-01-03T10:00:00"},
        ),
        ("patient", a("Patient", deceasedDateTime="2020-05"),
         {"deceased": True, "deceased_date": "2020-05-01"}),
        ("patient", a("Patient", deceasedBoolean=True), {"deceased": True}),
        ("patient", a("Patient", birthDate="1950"), {"deceased": False, "birth_date": "1950-01-01"}),
        ("procedure", a("Procedure", performedString="as a child"), {"date_text": "as a child"}),
        ("immunization", a("Immunization", vaccineCode={"text": "flu"}), {"code_text": "flu"}),
        ("diagnostic_report", a("DiagnosticReport", result=[{"reference": "Observation/1"}]),
         {"result_ids": ["Observation/1"]}),
        ("care_team", a("CareTeam", participant=[{"member": {"display": "Dr. Who"}}]), {"member": "Dr. Who"}),
        ("care_team", a("CareTeam", name="Nobody yet"), {"code_text": "Nobody yet"}),
        ("family_member_history", a("FamilyMemberHistory", relationship={"text": "mother"},
          condition=[{"code": {"text": "stroke"}}]), {"relationship": "mother", "code_text": "stroke"}),
        ("family_member_history", a("FamilyMemberHistory", relationship={"text": "mother"}, condition=[]),
         {"relationship": "mother"}),
        ("care_team", a("CareTeam", name="Nobody yet", participant=[]), {"code_text": "Nobody yet"}),
        ("goal", a("Goal", lifecycleStatus="active", description={"text": "walk"}),
         {"status": "active", "code_text": "walk"}),
    ],
)  # fmt: skip
@pytest.mark.anyio
async def test_columns_hold_what_the_record_says(
    tables: TablesProcess, table: str, record: Resource, expected: dict[str, Any]
) -> None:
    assert (await row_of(tables, table, record)).items() >= expected.items()


@pytest.mark.anyio
async def test_a_record_put_again_takes_the_place_of_its_former_state(tables: TablesProcess) -> None:
    await row_of(tables, "device", a("Device", status="active"))
    assert (await row_of(tables, "device", a("Device", status="inactive")))["status"] == "inactive"


@pytest.mark.anyio
async def test_every_chart_of_the_hand_made_set_loads(
    tables: TablesProcess, handmade: list[Resource]
) -> None:
    assert await tables.ask({"do": "put"}, handmade) == {}
    described = await tables.ask({"do": "describe"})
    for kind, names in described["types"].items():
        expected = len({r["id"] for r in handmade if r["resourceType"] == kind})
        main = min(names, key=len)
        sql = f"SELECT count(DISTINCT ref) FROM {main} WHERE ref <> '{kind}/x'"
        assert (await tables.ask({"do": "query", "sql": sql, "limit": 1}))["rows"] == [[expected]], kind


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["coding", "text", "code", "value", "start", "reference", "unit"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
ELEMENTS = [
    "status", "code", "category", "effectiveDateTime", "effectivePeriod", "valueQuantity", "valueRange",
    "component", "contained", "medicationReference", "medicationCodeableConcept", "dosageInstruction",
    "clinicalStatus", "onsetAge", "abatementDateTime", "doNotPerform", "reasonCode", "participant",
    "condition", "activity", "period", "name", "birthDate", "deceasedBoolean", "result", "encounter", "class",
]  # fmt: skip
TABLES = {"Observation": "observation", "Condition": "condition", "MedicationRequest": "medication_request",
          "Patient": "patient", "CareTeam": "care_team", "FamilyMemberHistory": "family_member_history",
          "CarePlan": "care_plan", "Encounter": "encounter", "ImagingStudy": "imaging_study"}  # fmt: skip


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(TABLES)), st.dictionaries(st.sampled_from(ELEMENTS), anything, max_size=6))
def test_no_dirty_value_keeps_a_record_out(
    tables: TablesProcess, kind: str, elements: dict[str, Any]
) -> None:
    async def put() -> Any:
        assert await tables.ask({"do": "put"}, [{**elements, "resourceType": kind, "id": "dirty"}]) == {}
        sql = f"SELECT count(*) >= 1 FROM {TABLES[kind]} WHERE ref = '{kind}/dirty'"
        return (await tables.ask({"do": "query", "sql": sql, "limit": 1}))["rows"]

    assert anyio.run(put) == [[True]]


@pytest.mark.anyio
async def test_the_description_names_every_table_and_only_columns_that_there_are(
    tables: TablesProcess,
) -> None:
    columns = {
        t: {name for name, _ in cs} for t, cs in (await tables.ask({"do": "describe"}))["tables"].items()
    }
    said = " ".join((inspect.getdoc(query_chart) or "").split())
    most, own = said.partition("Most tables have ")[2].split(" Own columns: ")
    told = re.findall(r"([a-z_]+)(?:\(([a-z_, ]+)\))?(?:,|\.)(?= |$)", re.sub(r" Example:.*", "", own))
    assert {table for table, _ in told} == columns.keys()
    for table, named in told:
        assert set(named.split(", ")) - {""} <= columns[table], table
    for name in re.sub(r" \([^)]*\)", "", most).rstrip(".").split(", "):
        assert sum(name in names for names in columns.values()) >= len(columns) / 2, name
    assert all("ref" in names for names in columns.values())


@pytest.mark.anyio
async def test_the_example_in_the_description_runs(tables: TablesProcess) -> None:
    sql = " ".join((inspect.getdoc(query_chart) or "").split()).partition("Example: ")[2]
    read = (await tables.ask({"do": "check", "sql": sql}))["tables"]
    assert sorted(read) == ["medication_request", "observation"]
    assert "rows" in await tables.ask({"do": "query", "sql": sql, "limit": 1})
