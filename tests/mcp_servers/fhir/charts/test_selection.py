"""Values above and below numbers, nearest to an event, and in another unit."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_servers.fhir.charts import UnusableArgument, observations
from mcp_servers.fhir.charts.errors import UnusableDate, UnusableUnit
from mcp_servers.fhir.charts.listing import Projected
from mcp_servers.fhir.charts.measurements import Mode
from tests.mcp_servers.fhir.charts.records import NOW, Resource, amount, concept, observation

GLUCOSE = concept(None, ("2345-7", "Glucose"))
SYSTOLIC = concept(None, ("8480-6", "Systolic blood pressure"))
DIASTOLIC = concept(None, ("8462-4", "Diastolic blood pressure"))
PRESSURE = concept(None, ("85354-9", "Blood pressure panel"))
HBA1C = concept(None, ("4548-4", "Hemoglobin A1c"))


def _glucose(identity: str, when: str | None, value: float, unit: str = "mg/dL", **more: Any) -> Resource:
    return observation(identity, when, GLUCOSE, **{"valueQuantity": amount(value, unit), **more})


def _found(chart: list[Resource], mode: Mode = "latest", name: str = "glucose", **more: Any) -> Projected:
    return observations(chart, name=name, mode=mode, now=NOW, **more)


def _ids(found: Projected) -> list[str]:
    return [row["ref"].partition("/")[2] for row in found.rows]


def _pressure(identity: str, when: str, systolic: float, diastolic: float) -> Resource:
    parts = [
        {"code": SYSTOLIC, "valueQuantity": amount(systolic, "mm[Hg]")},
        {"code": DIASTOLIC, "valueQuantity": amount(diastolic, "mm[Hg]")},
    ]
    return observation(identity, when, PRESSURE, component=parts)


FOUR = [_glucose("a", "2024-01-01", 90), _glucose("b", "2024-02-01", 126), _glucose("c", "2024-03-01", 180)]


def test_values_above_and_below_are_strictly_so_and_told_of_how_many() -> None:
    assert _ids(_found(FOUR, "series", above=126)) == ["c"]
    assert _ids(_found(FOUR, "series", below=126)) == ["a"]
    assert _ids(_found(FOUR, "series", above=90, below=180)) == ["b"]
    assert "1 of 3 values are above 126 mg/dL." in _found(FOUR, "series", above=126).notes


def test_the_count_above_a_number_says_of_how_many_and_when_first_and_last() -> None:
    row = _found(FOUR, "count", above=100).rows[0]
    assert (row["n"], row["of"], row["first_date"], row["last_date"]) == (2, 3, "2024-02-01", "2024-03-01")
    assert row["refs"] == ["Observation/c", "Observation/b"]


def test_a_code_that_goes_by_several_names_is_counted_once_by_its_usual_one() -> None:
    named = concept("Glyco Hb", ("4548-4", "Hemoglobin A1c"))
    usual, other = concept("HbA1c", ("4548-4", "Hemoglobin A1c")), concept(None, ("17856-6", "HbA1c by HPLC"))
    chart = [
        observation(str(n), f"2024-01-0{n}", code, valueQuantity=amount(n, "%"))
        for n, code in enumerate([usual, other, usual, usual, named], start=1)
    ]
    found = _found(chart, "count", "a1c", above=2)
    assert [(row["name"], row["n"], row["of"]) for row in found.rows] == [("HbA1c", 3, 4)]
    assert "Values above 2 %: HbA1c 3 of 4; HbA1c by HPLC 0 of 1." in found.notes


def test_what_cannot_be_compared_says_why() -> None:
    absent = {"dataAbsentReason": {"text": "Sample haemolysed"}}
    found = _found([observation("a", "2024-01-01", GLUCOSE, **absent)], "count", above=140)
    assert found.notes[1:] == ["1 without a number (Sample haemolysed) not compared."]


def test_the_latest_in_another_unit_does_not_count_what_is_not_shown() -> None:
    chart = [_glucose("a", "2024-01-01", 90), _glucose("b", "2024-01-02", 90)]
    assert any("mmol/L: by 1 mg/dL" in note for note in _found(chart, unit="mmol/L").notes)


def test_none_above_names_the_highest() -> None:
    found = _found(FOUR, "count", above=200)
    assert (found.rows, found.finding) == ([], "recorded")
    assert (
        "None of 3 values is above 200 mg/dL; the highest is 180 of 2024-03-01 (Observation/c)."
        in found.notes
    )


def test_a_number_is_never_compared_across_units() -> None:
    mixed = [*FOUR, _glucose("d", "2024-04-01", 12, "mmol/L")]
    with pytest.raises(UnusableUnit, match="mg/dL, mmol/L: say with `unit`"):
        _found(mixed, "count", above=10)
    found = _found(mixed, "count", above=10, unit="mmol/L")
    assert (found.rows[0]["n"], found.rows[0]["of"]) == (1, 4)
    assert found.rows[0]["refs"] == ["Observation/d"]


def test_a_value_that_cannot_be_said_in_the_unit_is_not_compared_with_it() -> None:
    odd = _glucose("odd", "2024-05-01", 500, "U/L")
    found = _found([*FOUR, odd], "count", above=100, unit="mg/dL")
    assert found.rows[0]["of"] == 3
    assert "1 without a number in mg/dL not compared." in found.notes


@pytest.mark.parametrize(
    ("comparator", "value", "limits", "kept"),
    [
        ("<", 5, {"below": 10}, True),
        ("<", 5, {"below": 5}, True),
        ("<=", 5, {"below": 5}, None),
        ("<", 5, {"below": 3}, None),
        ("<", 5, {"above": 3}, None),
        ("<", 5, {"above": 5}, False),
        (">", 5, {"above": 5}, True),
        (">=", 5, {"above": 5}, None),
        (">", 5, {"above": 9}, None),
        (">", 5, {"below": 9}, None),
        (">", 5, {"below": 4}, False),
        ("", 5, {"above": 5}, False),
    ],
)
def test_a_comparator_counts_for_what_it_says_and_no_more(
    comparator: str, value: float, limits: dict[str, float], kept: bool | None
) -> None:
    more = {"comparator": comparator} if comparator else {}
    result = observation("x", "2024", GLUCOSE, valueQuantity=amount(value, "mg/dL", **more))
    found = _found([result], above=limits.get("above"), below=limits.get("below"))
    assert bool(found.rows) is (kept is True)
    assert any("may or may not" in note for note in found.notes) is (kept is None)


def test_no_value_is_said_to_be_outside_that_may_lie_inside() -> None:
    below = observation("x", "2024", GLUCOSE, valueQuantity=amount(5, "mg/dL", comparator="<"))
    alone = _found([below], "count", above=3)
    assert alone.notes[1:] == ["1 with a comparator may or may not be; left out: Observation/x."]
    beside = _found([below, _glucose("a", "2024-01-01", 2)], "count", above=3)
    assert (
        "None of 1 other values is above 3 mg/dL; the highest is 2 of 2024-01-01 (Observation/a)."
        in beside.notes
    )


def test_the_parts_of_a_pressure_are_compared_each_for_itself() -> None:
    chart = [_pressure("a", "2024-01-01", 150, 85), _pressure("b", "2024-02-01", 130, 95)]
    rows = _found(chart, "count", "blood pressure", above=90).rows
    assert {row["code"]: (row["n"], row["of"]) for row in rows} == {"8480-6": (2, 2), "8462-4": (1, 2)}


def test_what_is_above_is_told_of_each_part_of_a_pressure() -> None:
    chart = [_pressure("a", "2024-01-01", 150, 85), _pressure("b", "2024-02-01", 138, 95)]
    notes = _found(
        [*chart, _pressure("c", "2024-03-01", 120, 80)], "count", "blood pressure", above=130
    ).notes
    assert (
        "Values above 130 mm[Hg]: Systolic blood pressure 2 of 3; Diastolic blood pressure 0 of 3." in notes
    )


def test_around_an_event_come_the_last_before_and_the_first_after() -> None:
    found = _found(FOUR, near="2024-02-10")
    assert [(row["ref"][-1], row["days"], row.get("nearest")) for row in found.rows] == [
        ("b", -9, True),
        ("c", 20, None),
    ]
    assert "`days` counts from 2024-02-10, negative before it." in found.notes


def test_a_value_of_the_same_day_is_at_the_event() -> None:
    chart = [*FOUR, _glucose("x", "2024-02-10T17:00:00Z", 100)]
    assert [(row["ref"][-1], row["days"]) for row in _found(chart, near="2024-02-10").rows] == [
        ("x", 0),
        ("c", 20),
    ]


def test_of_several_values_of_a_day_the_last_at_it_and_the_first_after_it_are_given() -> None:
    days = ["09T08", "10T08", "10T12", "10T17", "11T08", "11T09", "11T10"]
    chart = [_glucose(day, f"2024-02-{day}:00:00Z", 100) for day in days]
    found = _found(chart, near="2024-02-10")
    assert [(row["ref"][-5:], row["days"], row.get("nearest")) for row in found.rows] == [
        ("10T17", 0, True),
        ("11T08", 1, None),
    ]
    assert "Others of that very day: 2; ask with since and until." in found.notes
    assert _ids(_found([*chart, _glucose("twin", "2024-02-11T08:00:00Z", 101)], near="2024-02-10")) == [
        "10T17",
        "11T08",
        "twin",
    ]


def test_two_moments_of_one_day_are_told_apart_across_offsets() -> None:
    chart = [
        _glucose("before", "2024-02-10T10:00:00+02:00", 100),
        _glucose("after", "2024-02-10T09:00:00Z", 110),
    ]
    rows = _found(chart, near="2024-02-10T08:30:00Z").rows
    assert [(row["ref"].partition("/")[2], row["days"]) for row in rows] == [
        ("before", -0.02),
        ("after", 0.02),
    ]


@given(
    st.lists(st.dates(date(1990, 1, 1), date(2026, 1, 1)), min_size=1, max_size=12, unique=True),
    st.dates(date(1990, 1, 1), date(2026, 1, 1)),
)
def test_the_nearest_is_truly_the_nearest(days: list[date], event: date) -> None:
    chart = [_glucose(f"{day}", f"{day}", 100) for day in days]
    rows = _found(chart, near=f"{event}").rows
    least = min(abs((day - event).days) for day in days)
    assert {abs(row["days"]) for row in rows if "nearest" in row} == {least}
    before = max((day for day in days if day <= event), default=None)
    after = min((day for day in days if day > event), default=None)
    assert _ids(_found(chart, near=f"{event}")) == [f"{day}" for day in (before, after) if day]
    assert all((date.fromisoformat(row["date"]) - event).days == row["days"] for row in rows)


def test_what_is_dated_to_the_year_is_not_near_anything_and_named() -> None:
    found = _found([_glucose("year", "2024", 1), _glucose("undated", None, 2), FOUR[0]], near="2024-01-05")
    assert _ids(found) == ["a"]
    assert "2 not dated to the day left out: Observation/year, Observation/undated." in found.notes


def test_each_part_of_a_pressure_recorded_apart_has_its_own_nearest() -> None:
    chart = [
        observation("s", "2024-01-01", SYSTOLIC, valueQuantity=amount(138, "mm[Hg]")),
        observation("d", "2024-01-09", DIASTOLIC, valueQuantity=amount(84, "mm[Hg]")),
    ]
    assert set(_ids(_found(chart, name="bp", near="2024-01-10"))) == {"s", "d"}


def test_an_event_needs_a_day_and_the_mode_latest() -> None:
    with pytest.raises(UnusableDate, match="must be a day"):
        _found(FOUR, near="2024")
    with pytest.raises(UnusableArgument, match="mode latest"):
        _found(FOUR, "count", near="2024-01-01")


def test_a_converted_row_says_what_was_recorded_and_its_range_goes_along() -> None:
    ranged = _glucose(
        "a",
        "2024-01-01",
        126,
        referenceRange=[{"low": amount(70, "mg/dL"), "high": amount(99, "mg/dL"), "text": "fasting 70-99"}],
    )
    found = _found([ranged], unit="mmol/L")
    row = found.rows[0]
    assert (row["value"], row["unit"], row["recorded"]) == (6.994, "mmol/L", "126 mg/dL")
    assert row["range"] == "3.886-5.495 mmol/L"
    assert row["interpretation"] == "High (computed from the range)"
    assert "Converted to mmol/L: by 1 mg/dL = 0.05551 mmol/L (glucose, 180.156 g/mol)." in found.notes


def test_what_has_no_way_to_the_unit_stays_as_recorded_apart_and_is_said() -> None:
    chart = [_glucose("a", "2024-01-01", 126), _glucose("b", "2024-02-01", 5, "zorb")]
    found = _found(chart, "statistics", unit="mmol/L")
    assert sorted((row["unit"], row["n"], row["mean"]) for row in found.rows) == [
        ("mmol/L", 1, 6.994),
        ("zorb", 1, 5),
    ]
    said = "No conversion to mmol/L is known for 1 in zorb: left as recorded, and never mixed."
    assert said in found.notes


def test_a_range_recorded_in_another_unit_is_converted_by_its_own() -> None:
    ranged = _glucose("a", "2024-01-01", 126, referenceRange=[{"high": amount(5.5, "mmol/L")}])
    row = _found([ranged], unit="mmol/L").rows[0]
    assert (row["value"], row["range"]) == (6.994, "<= 5.5 mmol/L")
    assert row["interpretation"] == "High (computed from the range)"


def test_a_range_in_words_only_stays_beside_what_was_recorded() -> None:
    worded = _glucose("a", "2024-01-01", 126, referenceRange=[{"text": "70-99 mg/dL"}])
    row = _found([worded], unit="mmol/L").rows[0]
    assert "range" not in row
    assert row["recorded"] == "126 mg/dL (range 70-99 mg/dL)"


def test_a_value_in_the_unit_already_is_as_it_was() -> None:
    row = _found([_glucose("a", "2024-01-01", 126.04)], unit="mg/dL").rows[0]
    assert (row["value"], "recorded" in row) == (126.04, False)


def test_a_unit_that_is_only_written_otherwise_is_told_as_such() -> None:
    chart = [
        observation("a", "2024-01-01", concept("Body weight"), valueQuantity={"value": 81.5, "unit": "kilos"})
    ]
    found = _found(chart, name="body weight", unit="kg")
    assert (found.rows[0]["value"], found.rows[0]["recorded"]) == (81.5, "81.5 kilos")
    assert "Converted to kg: by kilos = kg." in found.notes


def test_statistics_in_one_unit_take_in_what_was_recorded_in_another() -> None:
    chart = [
        observation("a", "2024-01-01", HBA1C, valueQuantity=amount(7.0, "%")),
        observation(
            "b", "2024-06-01", concept(None, ("59261-8", "HbA1c IFCC")), valueQuantity=amount(53, "mmol/mol")
        ),
    ]
    assert len(_found(chart, "statistics", "HbA1c").rows) == 2
    found = _found(chart, "statistics", "HbA1c", unit="%")
    assert [(row["n"], row["mean"], row["unit"]) for row in found.rows] == [(2, 7.0, "%")]
    assert "2 codes of one measurement taken together: 59261-8, 4548-4." in found.notes


def test_a_panel_is_converted_with_its_parts() -> None:
    row = _found([_pressure("a", "2024-01-01", 120, 80)], name="blood pressure", unit="kPa").rows[0]
    assert (row["value"], row["unit"], row["recorded"]) == ("16/10.67", "kPa", "120/80 mm[Hg]")
    assert [part["unit"] for part in row["components"]] == ["kPa", "kPa"]


def test_the_parts_of_a_panel_are_never_taken_together() -> None:
    found = _found([_pressure("a", "2024-01-01", 120, 80)], "statistics", "blood pressure", unit="kPa")
    assert [(row["code"], row["mean"]) for row in found.rows] == [("8480-6", 16.0), ("8462-4", 10.67)]


UNITS = st.sampled_from(["mg/dL", "mmol/L", "g/L", "U/L", "%", "", "bananas"])


@given(
    st.lists(st.tuples(UNITS, st.floats(1, 999)), min_size=1, max_size=8),
    st.sampled_from([None, "mg/dL", "mmol/L", "umol/L"]),
    st.sampled_from(["series", "statistics", "count", "latest"]),
)
def test_no_row_ever_mixes_units(values: list[tuple[str, float]], unit: str | None, mode: Mode) -> None:
    start = datetime(2020, 1, 1)
    chart = [
        _glucose(f"o{n}", (start + timedelta(days=n)).isoformat() + "Z", value, written)
        for n, (written, value) in enumerate(values)
    ]
    convertible = {"mg/dL", "mmol/L", "g/L"} if unit else set()
    recorded = {f"Observation/o{n}": written for n, (written, _) in enumerate(values)}

    def ends_as(ref: str) -> str:
        return str(unit) if recorded[ref] in convertible else recorded[ref]

    for row in _found(chart, mode, unit=unit).rows:
        if mode == "statistics":
            assert {ends_as(ref) for ref in row["refs"]} == {row.get("unit", "")}
            assert row["n"] == sum(ends_as(ref) == row.get("unit", "") for ref in recorded)
        elif mode != "count":
            assert row.get("unit", "") == ends_as(row["ref"])
            assert ("recorded" in row) == (recorded[row["ref"]] != ends_as(row["ref"]))
