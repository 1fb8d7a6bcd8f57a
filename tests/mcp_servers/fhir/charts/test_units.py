"""Conversions between units: which are known, which are refused, and that they go both ways."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_servers.fhir.charts import units
from mcp_servers.fhir.charts.errors import UnusableUnit
from mcp_servers.fhir.charts.measurement_names import everyday_names
from mcp_servers.fhir.charts.units import checked_unit, conversion, substances
from tests.mcp_servers.fhir.charts.records import concept

# LOINC code, value and unit, and what laboratories print for it in the other unit (AMA and NGSP tables).
PUBLISHED = [
    ("2345-7", 126, "mg/dL", 6.994, "mmol/L"),
    ("2093-3", 200, "mg/dL", 5.173, "mmol/L"),
    ("2085-9", 40, "mg/dL", 1.035, "mmol/L"),
    ("13457-7", 100, "mg/dL", 2.586, "mmol/L"),
    ("2571-8", 150, "mg/dL", 1.694, "mmol/L"),
    ("2160-0", 1.2, "mg/dL", 106.1, "umol/L"),
    ("3094-0", 14, "mg/dL", 4.998, "mmol/L"),
    ("22664-7", 5, "mmol/L", 30.03, "mg/dL"),
    ("3084-1", 7, "mg/dL", 416.4, "umol/L"),
    ("1975-2", 1, "mg/dL", 17.1, "umol/L"),
    ("17861-6", 10, "mg/dL", 2.495, "mmol/L"),
    ("17861-6", 10, "mg/dL", 4.99, "meq/L"),
    ("19123-9", 2, "mg/dL", 0.8229, "mmol/L"),
    ("2777-1", 3.5, "mg/dL", 1.13, "mmol/L"),
    ("2498-4", 100, "ug/dL", 17.91, "umol/L"),
    ("2823-3", 4.1, "meq/L", 4.1, "mmol/L"),
    ("1989-3", 30, "ng/mL", 74.88, "nmol/L"),
    ("2132-9", 400, "pg/mL", 295.1, "pmol/L"),
    ("2284-8", 10, "ng/mL", 22.66, "nmol/L"),
    ("3024-7", 1.2, "ng/dL", 15.45, "pmol/L"),
    ("3053-6", 120, "ng/dL", 1.843, "nmol/L"),
    ("2143-6", 15, "ug/dL", 413.8, "nmol/L"),
    ("2986-8", 500, "ng/dL", 17.34, "nmol/L"),
    ("718-7", 14, "g/dL", 8.688, "mmol/L"),
    ("2524-7", 18, "mg/dL", 1.998, "mmol/L"),
    ("9318-7", 30, "mg/g", 3.394, "mg/mmol"),
    ("4548-4", 7.0, "%", 53.0, "mmol/mol"),
    ("59261-8", 48, "mmol/mol", 6.543, "%"),
    ("8310-5", 98.6, "[degF]", 37.0, "Cel"),
    ("29463-7", 180, "[lb_av]", 81.65, "kg"),
    ("8302-2", 70, "[in_i]", 177.8, "cm"),
    ("8480-6", 120, "mm[Hg]", 16.0, "kPa"),
    ("6690-2", 5.6, "10*3/uL", 5.6, "10*9/L"),
    ("3016-3", 2.1, "m[IU]/L", 2.1, "u[IU]/mL"),
    ("1742-6", 40, "U/L", 0.6667, "ukat/L"),
]
UNKNOWN = [
    ("1751-7", "g/dL", "mmol/L", "the analyte's molar mass is not in the table"),
    ("33914-3", "mL/min/{1.73_m2}", "mL/min", "per body surface is another quantity"),
    ("6690-2", "10*9/L", "[IU]/L", "international units are commensurable with nothing else"),
    ("2744-1", "[pH]", "nmol/L", "a logarithm is no line"),
    ("2744-1", "dB", "%", "a level in decibels is a logarithm too"),
    ("2345-7", "%", "mmol/mol", "a mass fraction is no mole fraction"),
    ("29463-7", "kg", "cm", "another dimension"),
    ("1742-6", "U/L", "mg/dL", "an activity is no mass"),
    ("2157-6", "meq/L", "mmol/L", "no valence is known"),
    ("34714-6", "{INR}", "1", "an annotation is no unit"),
    ("2345-7", "bananas", "mmol/L", "no unit at all"),
]


@pytest.mark.parametrize(("code", "value", "source", "expected", "target"), PUBLISHED)
def test_conversions_are_those_that_laboratories_publish(
    code: str, value: float, source: str, expected: float, target: str
) -> None:
    line = conversion(source, target, concept(None, (code, "")))
    assert line is not None
    assert line.at(value) == expected


@pytest.mark.parametrize(("code", "source", "target", "_why"), UNKNOWN)
def test_what_is_not_known_for_certain_is_not_converted(
    code: str, source: str, target: str, _why: str
) -> None:
    assert conversion(source, target, concept(None, (code, ""))) is None


@given(
    st.sampled_from(
        [*PUBLISHED, *((code, 1, target, 1, source) for code, _, source, _, target in PUBLISHED)]
    ),
    st.floats(0.01, 9_999),
)
def test_a_conversion_goes_there_and_back(case: tuple[str, float, str, float, str], value: float) -> None:
    code, _, source, _, target = case
    there = conversion(source, target, concept(None, (code, "")))
    back = conversion(target, source, concept(None, (code, "")))
    assert there is not None
    assert back is not None
    again = back.slope * (there.slope * value + there.intercept) + back.intercept
    assert math.isclose(again, value, rel_tol=1e-9, abs_tol=1e-9)


@given(st.floats(0.01, 9_999).map(lambda value: float(f"{value:.5g}")))
def test_a_converted_value_keeps_as_many_digits_as_were_recorded(value: float) -> None:
    line = conversion("mg/dL", "mmol/L", concept(None, ("2345-7", "")))
    assert line is not None
    assert math.isclose(line.at(value), value / 18.0156, rel_tol=5e-4)


def test_a_value_is_not_shown_with_more_digits_than_it_deserves() -> None:
    line = conversion("[lb_av]", "kg", concept("Body weight"))
    assert line is not None
    assert [line.at(value) for value in (180, 179.5, 123456, 81.49282614509821)] == [
        81.65,
        81.42,
        55998.7,
        36.9645,
    ]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("mmHg", "mm[Hg]"),
        ("°F", "[degF]"),
        ("kilos", "kg"),
        ("mEq/L", "meq/L"),
        ("µmol/L", "umol/L"),
        ("kg", "kg"),
    ],
)
def test_units_may_be_written_as_charts_write_them(written: str, code: str) -> None:
    assert checked_unit(written) == code


@pytest.mark.parametrize(
    "written", ["bananas", "{INR}", "", "10*999999999", "m99999999", "(" * 60, "mmol/L; drop"]
)
def test_what_is_no_unit_is_refused_at_once_and_told_what_one_is(written: str) -> None:
    with pytest.raises(UnusableUnit, match="such as mmol/L"):
        checked_unit(written)


def test_the_table_names_measurements_that_there_are() -> None:
    assert substances().keys() <= everyday_names().keys()
    assert len({one.name for one in substances().values()}) >= 30


def test_an_analyte_is_known_by_its_name_where_it_has_no_code_unless_that_is_ambiguous() -> None:
    assert conversion("mg/dL", "mmol/L", concept("Glucose")) is not None
    assert conversion("mg/dL", "mmol/L", concept("Urea")) is None  # of urea, or of its nitrogen?


def test_the_registry_of_units_is_not_loaded_before_a_conversion_is_asked_for() -> None:
    code = "import sys, mcp_servers.fhir.charts; sys.exit('pint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_table_of_usual_units_is_what_the_registry_says() -> None:
    table = json.loads(Path(units.__file__).with_name("units.json").read_text("utf-8"))
    said = {code: units.worked_out(code) for code in table}
    assert {code: one and [*one] for code, one in said.items()} == table


def test_usual_units_are_converted_without_the_registry() -> None:
    code = "import sys; from mcp_servers.fhir.charts.units import conversion as c; c('kg', '[lb_av]', None)"
    check = f"{code}; c('mg/dL', 'mmol/L', {{'text': 'Glucose'}}); sys.exit('pint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_a_temperature_is_no_amount_of_a_substance() -> None:
    assert conversion("Cel", "mmol/L", concept(None, ("2345-7", ""))) is None
