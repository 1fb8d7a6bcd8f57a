"""The latest, the series, the statistics and the count of a measurement."""

from typing import Any

import pytest

from mcp_servers.fhir.charts import observations
from mcp_servers.fhir.charts.listing import Projected
from mcp_servers.fhir.charts.measurements import Mode
from tests.mcp_servers.fhir.charts.records import NOW, Resource, amount, concept, observation

GLUCOSE = concept(None, ("2345-7", "Glucose"))
SYSTOLIC = concept(None, ("8480-6", "Systolic blood pressure"))
DIASTOLIC = concept(None, ("8462-4", "Diastolic blood pressure"))
PRESSURE = concept(None, ("85354-9", "Blood pressure panel"))
NOT_PERFORMED = {"dataAbsentReason": {"coding": [{"code": "not-performed"}]}}


def _glucose(identity: str, date: str | None, value: float, unit: str = "mg/dL", **more: Any) -> Resource:
    return observation(identity, date, GLUCOSE, **{"valueQuantity": amount(value, unit), **more})


def _pressure(identity: str, date: str, systolic: float, diastolic: float) -> Resource:
    parts = [
        {"code": SYSTOLIC, "valueQuantity": amount(systolic, "mm[Hg]")},
        {"code": DIASTOLIC, "valueQuantity": amount(diastolic, "mm[Hg]")},
    ]
    return observation(identity, date, PRESSURE, component=parts)


def _found(chart: list[Resource], mode: Mode = "latest", name: str = "glucose", **more: Any) -> Projected:
    return observations(chart, name=name, mode=mode, now=NOW, **more)


def _ids(found: Projected) -> list[str]:
    return [row["ref"].partition("/")[2] for row in found.rows]


def test_the_latest_is_the_newest_instant() -> None:
    chart = [_glucose("a", "2024-01-02T01:00:00+01:00", 1), _glucose("b", "2024-01-01T23:00:00-08:00", 2)]
    assert _ids(_found(chart)) == ["b"]


def test_results_of_one_moment_are_all_the_latest() -> None:
    chart = [_glucose("a", "2024-01-01T10:00:00Z", 1), _glucose("b", "2024-01-01T11:00:00+01:00", 2)]
    assert _ids(_found(chart)) == ["a", "b"]


def test_a_newer_record_without_a_value_is_named_beside_the_latest_value() -> None:
    chart = [_glucose("a", "2024-01-01", 1), observation("b", "2024-02-01", GLUCOSE, **NOT_PERFORMED)]
    found = _found(chart)
    assert _ids(found) == ["a"]
    assert "A newer record of 2024-02-01 has no value (not-performed): Observation/b." in found.notes


def test_without_any_value_the_newest_record_says_why() -> None:
    found = _found([observation("b", "2024-02-01", GLUCOSE, **NOT_PERFORMED)])
    assert found.rows[0]["absent"] == "not-performed"
    assert found.finding == "recorded"


def test_nothing_after_now_is_the_latest() -> None:
    found = _found([_glucose("past", "2026-11-01", 1), _glucose("future", "2027-01-01", 2)])
    assert _ids(found) == ["past"]
    assert "1 dated after now left out: Observation/future." in found.notes


@pytest.mark.parametrize("mode", ["latest", "series", "statistics", "count"])
def test_where_all_is_dated_after_now_nothing_is_recorded_yet(mode: Mode) -> None:
    found = _found([_glucose("future", "2027-01-01", 2)], mode)
    assert (found.rows, found.finding) == ([], "nothing_recorded")
    assert "1 dated after now left out: Observation/future." in found.notes


def test_a_record_entered_in_error_outside_the_window_is_no_matter_of_it() -> None:
    chart = [_glucose("wrong", "2021", 5, status="entered-in-error"), _glucose("dated", "2022-12-31", 6)]
    found = observations(chart, name="glucose", mode="count", since="2022", until="2022", now=NOW)
    assert not any("entered in error" in note for note in found.notes)


def test_an_undated_result_is_in_no_window() -> None:
    chart = [_glucose("undated", None, 5), _glucose("dated", "2022-12-31", 6)]
    found = observations(chart, name="glucose", mode="count", since="2022", until="2022", now=NOW)
    assert [row["n"] for row in found.rows] == [1]
    assert any("1 without a readable date left out" in note for note in found.notes)
    assert _found(chart, "count").rows[0]["n"] == 2


def test_a_coarse_date_that_may_be_newer_is_noted() -> None:
    found = _found([_glucose("day", "2024-03-01", 1), _glucose("year", "2024", 2)])
    assert _ids(found) == ["day"]
    assert "Dated too coarsely to tell whether it is newer: Observation/year." in found.notes


@pytest.mark.parametrize("mode", ["latest", "statistics", "count"])
def test_entered_in_error_and_cancelled_records_are_no_values(mode: Mode) -> None:
    chart = [
        _glucose("wrong", "2024-02-01", 900, status="entered-in-error"),
        _glucose("cancelled", "2024-02-02", 901, status="cancelled"),
    ]
    found = _found(chart, mode)
    assert (found.rows, found.finding) == ([], "nothing_recorded")
    assert {"1 entered in error left out.", "1 cancelled left out."} <= set(found.notes)


def test_a_series_shows_a_cancelled_record_without_its_value() -> None:
    found = _found([_glucose("cancelled", "2024-02-02", 901, status="cancelled")], "series")
    assert found.rows[0]["absent"] == "cancelled"
    assert "value" not in found.rows[0]


@pytest.mark.parametrize("status", ["preliminary", "corrected", "amended", "registered"])
def test_every_other_status_is_a_label(status: str) -> None:
    assert _found([_glucose("a", "2024", 1, status=status)]).rows[0]["status"] == status


@pytest.mark.parametrize("status", ["preliminary", "corrected", "amended", "registered"])
def test_a_component_bears_the_status_of_its_panel(status: str) -> None:
    panel = {**_pressure("bp", "2024-01-01", 138, 84), "status": status}
    assert _found([panel], "latest", "systolic").rows[0]["status"] == status


def test_units_are_never_mixed() -> None:
    chart = [
        _glucose("a", "2024-01-01", 142),
        _glucose("b", "2024-02-01", 8.1, "mmol/L"),
        _glucose("c", "2024-03-01", 131),
    ]
    found = _found(chart, "statistics")
    assert [(row["unit"], row["n"], row["mean"]) for row in found.rows] == [
        ("mg/dL", 2, 136.5),
        ("mmol/L", 1, 8.1),
    ]
    assert any("mg/dL (2), mmol/L (1)" in note for note in found.notes)


def test_one_unit_written_two_ways_is_one_unit() -> None:
    spelt = {"value": 120, "unit": "mm Hg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}
    chart = [
        observation("a", "2024-01-01", SYSTOLIC, valueQuantity=amount(110, "mm[Hg]")),
        observation("b", "2024-01-02", SYSTOLIC, valueQuantity=spelt),
    ]
    found = _found(chart, "statistics", "systolic")
    assert [row["n"] for row in found.rows] == [2]
    assert not any("Units differ" in note for note in found.notes)


def test_a_unit_in_braces_is_no_unit() -> None:
    inr = concept(None, ("34714-6", "INR in Blood"))
    braces = {"valueQuantity": amount(2.6, "{INR}")}
    chart = [
        observation("a", "2024-01-01", inr, valueQuantity={"value": 1.4}),
        observation("b", "2024-01-02", inr, **braces),
    ]
    assert [(row["n"], row["mean"]) for row in _found(chart, "statistics", "INR").rows] == [(2, 2.0)]


def test_a_release_does_not_stand_for_the_date_of_a_measurement() -> None:
    released = _glucose("released", None, 5, issued="2025-01-01T00:00:00Z")
    found = _found([released, _glucose("dated", "2024-01-01", 6)], "series")
    assert _ids(found) == ["dated", "released"]
    assert found.rows[1]["issued"] == "2025-01-01T00:00:00Z"
    assert "date" not in found.rows[1]


def test_statistics_say_when_and_where_their_numbers_come_from() -> None:
    chart = [_glucose("a", "2024-01-01", 5), _glucose("b", "2024-02-01", 9), _glucose("c", "2024-03-01", 7)]
    assert _found(chart, "statistics").rows == [
        {
            "name": "Glucose",
            "code": "2345-7",
            "unit": "mg/dL",
            "n": 3,
            "min": 5,
            "max": 9,
            "mean": 7.0,
            "median": 7,
            "first": 5,
            "first_date": "2024-01-01",
            "last": 7,
            "last_date": "2024-03-01",
            "min_date": "2024-01-01",
            "max_date": "2024-02-01",
            "change": 2,
            "slope": {"value": 12.58, "unit": "mg/dL/year", "n": 3},
            "refs": ["Observation/a", "Observation/c", "Observation/a", "Observation/b"],
        }
    ]


def _beyond(id_: str, date: str, value: float, comparator: str) -> Resource:
    quantity = amount(value, "mg/dL", comparator=comparator)
    return observation(id_, date, GLUCOSE, valueQuantity=quantity)


def test_values_with_a_comparator_are_left_out_of_statistics_and_their_extremes_told() -> None:
    above = [_beyond("b", "2024-02-01", 600, ">"), _beyond("c", "2024-03-01", 800, ">=")]
    found = _found(
        [_glucose("a", "2024-01-01", 90), *above, _beyond("d", "2024-04-01", 20, "<")], "statistics"
    )
    assert (found.rows[0]["n"], found.rows[0]["max"]) == (1, 90)
    told = "highest >=800 mg/dL of 2024-03-01 (Observation/c), lowest <20 mg/dL of 2024-04-01 (Observation/d)"
    assert f"3 with a comparator left out of the statistics: {told}." in found.notes


def test_statistics_name_the_values_that_are_not_final() -> None:
    chart = [_glucose("a", "2024-01-01", 5, status="preliminary"), _glucose("b", "2024-01-02", 6)]
    settled = [_glucose(status, "2024-01-03", 7, status=status) for status in ("amended", "corrected")]
    found = _found([*chart, *settled], "statistics")
    assert "1 taken in without a final status: Observation/a (preliminary)." in found.notes


def test_statistics_of_words_are_empty_but_not_nothing_recorded() -> None:
    smoking = observation("s", "2024", concept("Tobacco smoking status"), valueString="Never")
    found = _found([smoking], "statistics", "smoking")
    assert (found.rows, found.finding) == ([], "recorded")


def test_a_count_counts_values_and_gives_at_most_twenty_references() -> None:
    chart = [_glucose(f"{n:02}", f"2024-01-{n:02}", n) for n in range(1, 26)]
    chart.append(observation("x", "2024-02-01", GLUCOSE, **NOT_PERFORMED))
    found = _found(chart, "count")
    assert [(row["n"], row["first_date"], row["last_date"]) for row in found.rows] == [
        (25, "2024-01-01", "2024-01-25")
    ]
    assert len(found.rows[0]["refs"]) == 20
    assert "1 without a value not counted." in found.notes


def test_results_under_several_codes_are_counted_apart_and_in_all() -> None:
    blood = concept("Glucose in blood", ("2339-0", "Glucose [Mass/volume] in Blood"))
    chart = [_glucose("a", "2024-01-01", 5), _glucose("b", "2024-01-02", 5)]
    chart.append(observation("c", "2024-01-03", blood, valueQuantity={"value": 5, "unit": "mg/dL"}))
    found = _found(chart, "count")
    assert sorted(row["n"] for row in found.rows) == [1, 2]
    assert "3 results in all, under 2 codes." in found.notes


def test_a_component_answers_for_itself() -> None:
    found = _found([_pressure("bp", "2024-01-01", 138, 84)], "latest", "systolic")
    row = found.rows[0]
    assert (row["ref"], row["code"], row["value"], row["panel"]) == (
        "Observation/bp",
        "8480-6",
        138,
        "Blood pressure panel",
    )


def test_a_component_that_repeats_a_record_of_its_own_is_counted_once() -> None:
    alone = observation("alone", "2024-01-01", SYSTOLIC, valueQuantity=amount(138, "mm[Hg]"))
    chart = [_pressure("bp", "2024-01-01", 138, 84), alone, _pressure("other", "2024-02-01", 140, 90)]
    found = _found(chart, "count", "systolic")
    assert found.rows[0]["n"] == 2
    assert "1 components repeat a record of the same time and value: counted once." in found.notes


def test_statistics_of_a_panel_are_those_of_its_components() -> None:
    chart = [_pressure("a", "2024-01-01", 138, 84), _pressure("b", "2024-02-01", 150, 90)]
    found = _found(chart, "statistics", "blood pressure")
    assert [(row["name"], row["mean"]) for row in found.rows] == [
        ("Systolic blood pressure", 144.0),
        ("Diastolic blood pressure", 87.0),
    ]


def test_a_blood_pressure_recorded_in_two_parts_is_answered_by_both() -> None:
    chart = [
        observation("s", "2024-02-01", SYSTOLIC, valueQuantity=amount(138, "mm[Hg]")),
        observation("d", "2024-01-01", DIASTOLIC, valueQuantity=amount(84, "mm[Hg]")),
    ]
    assert _ids(_found(chart, "latest", "bp")) == ["s", "d"]


def test_a_window_narrows_every_mode() -> None:
    chart = [_glucose("a", "2023-12-31", 1), _glucose("b", "2024-06-01", 2), _glucose("c", "2025-01-01", 3)]
    assert _ids(_found(chart, since="2024", until="2024")) == ["b"]
    assert _found(chart, "count", since="2024").rows[0]["n"] == 2


def test_a_name_with_no_record_in_the_window_is_nothing_recorded() -> None:
    found = _found([_glucose("a", "2023-12-31", 1)], since="2024")
    assert (found.rows, found.finding) == ([], "nothing_recorded")
    assert "1 outside the dates asked for." in found.notes
