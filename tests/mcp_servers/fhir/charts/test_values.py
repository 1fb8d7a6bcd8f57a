"""Every kind of value, components, absent values and reference ranges."""

from typing import Any

import pytest

from mcp_servers.fhir.charts.observations import observation_row
from mcp_servers.fhir.charts.values import reference_ranges, value_fields
from tests.mcp_servers.fhir.charts.records import amount, coded, concept, observation

INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"


@pytest.mark.parametrize(
    ("holder", "expected"),
    [
        ({"valueQuantity": amount(7.1, "%")}, {"value": 7.1, "unit": "%"}),
        (
            {"valueQuantity": amount(0.5, "mg/L", comparator="<")},
            {"value": 0.5, "unit": "mg/L", "comparator": "<"},
        ),
        ({"valueQuantity": {"value": 3, "code": "kg"}}, {"value": 3, "unit": "kg"}),
        ({"valueQuantity": {"value": "7.10", "unit": "%"}}, {"value": 7.1, "unit": "%"}),
        ({"valueQuantity": amount(0, "%")}, {"value": 0, "unit": "%"}),
        ({"valueInteger": 0}, {"value": 0}),
        ({"valueCodeableConcept": concept("Never smoked")}, {"value": "Never smoked"}),
        ({"valueString": " cloudy "}, {"value": "cloudy"}),
        ({"valueBoolean": False}, {"value": "false"}),
        ({"valueDateTime": "2025-12"}, {"value": "2025-12"}),
        ({"valueTime": "07:30:00"}, {"value": "07:30:00"}),
        ({"valuePeriod": {"start": "2026-02-07"}}, {"value": "2026-02-07 to ..."}),
        ({"valueRange": {"low": {"value": 5}, "high": {"value": 10}}}, {"value": "5-10"}),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}}, {"value": "1:128"}),
        (
            {"valueRatio": {"numerator": amount(5, "mg"), "denominator": amount(2, "mL")}},
            {"value": "5 mg / 2 mL"},
        ),
        (
            {"valueSampledData": {"origin": amount(0, "mV"), "data": "1 2 E"}},
            {"value": "3 samples in mV"},
        ),
        ({"dataAbsentReason": {"coding": [{"code": "not-performed"}]}}, {"absent": "not-performed"}),
        ({}, {"absent": "no value recorded"}),
        (
            {"hasMember": [{"reference": "Observation/1"}]},
            {"absent": "a panel; its results are separate records"},
        ),
        ({"valueQuantity": {"unit": "%"}}, {"absent": "no value recorded"}),
        ({"valueInteger": True}, {"absent": "no value recorded"}),
    ],
)
def test_every_kind_of_value_is_read(holder: dict[str, Any], expected: dict[str, Any]) -> None:
    assert value_fields(holder) == expected


def _pressure(systolic: dict[str, Any], diastolic: dict[str, Any]) -> dict[str, Any]:
    parts = [
        {"code": concept(None, ("8480-6", "Systolic")), **systolic},
        {"code": concept(None, ("8462-4", "Diastolic")), **diastolic},
    ]
    return observation("bp", "2026-01-01", concept(None, ("85354-9", "Blood pressure")), component=parts)


def test_a_blood_pressure_is_one_text_and_its_components() -> None:
    row = observation_row(
        _pressure({"valueQuantity": amount(138.9, "mm[Hg]")}, {"valueQuantity": amount(87.0, "mm[Hg]")}), {}
    )
    assert row["value"] == "138.9/87"
    assert row["unit"] == "mm[Hg]"
    assert row["components"][1] == {"name": "Diastolic", "code": "8462-4", "value": 87.0, "unit": "mm[Hg]"}


def test_a_panel_with_an_absent_part_names_the_parts_that_it_has() -> None:
    absent = {"dataAbsentReason": {"coding": [{"code": "error"}]}}
    row = observation_row(_pressure({"valueQuantity": amount(151, "mm[Hg]")}, absent), {})
    assert row["value"] == "Systolic 151"
    assert row["components"][1] == {"name": "Diastolic", "code": "8462-4", "absent": "error"}


def test_the_loinc_code_is_shown_before_a_local_one() -> None:
    code = {
        "coding": [{"system": "urn:local", "code": "GLU"}, {"system": "http://loinc.org", "code": "2345-7"}]
    }
    assert observation_row(observation("1", "2026", code), {})["code"] == "2345-7"


def test_a_bare_interpretation_code_is_put_into_words() -> None:
    row = observation_row(
        observation("1", "2026", concept("X"), interpretation=[coded(INTERPRETATION, "HH")]), {}
    )
    assert row["interpretation"] == "Critical high"


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ([{"low": amount(3.5, "mmol/L"), "high": amount(5.1, "mmol/L")}], "3.5-5.1 mmol/L"),
        ([{"high": amount(5, "mg/L")}], "<= 5 mg/L"),
        ([{"low": amount(60, "mL/min")}], ">= 60 mL/min"),
        ([{"text": "negative"}], "negative"),
        (
            [{"text": "3.5-5.1 mmol/L", "low": amount(3.5, "mmol/L"), "high": amount(5.1, "mmol/L")}],
            "3.5-5.1 mmol/L",
        ),
        ([{"text": "fasting", "high": amount(99, "mg/dL")}], "<= 99 mg/dL (fasting)"),
        (
            [
                {"low": {"value": 12}, "appliesTo": [concept("women")]},
                {"low": {"value": 13}, "appliesTo": [concept("men")]},
            ],
            ">= 12 (women); >= 13 (men)",
        ),
        ([], None),
    ],
)
def test_reference_ranges_become_a_text(ranges: list[dict[str, Any]], expected: str | None) -> None:
    assert reference_ranges({"referenceRange": ranges}) == expected
