"""Blood pressures of which some are panels and others a systolic and a diastolic of their own."""

from typing import Any

import pytest

from mcp_servers.fhir.charts import observations
from mcp_servers.fhir.charts.listing import Projected
from mcp_servers.fhir.charts.measurements import Mode
from tests.mcp_servers.fhir.charts.records import NOW, Resource, amount, concept, observation

SYSTOLIC = concept(None, ("8480-6", "Systolic blood pressure"))
DIASTOLIC = concept(None, ("8462-4", "Diastolic blood pressure"))
PRESSURE = concept(None, ("85354-9", "Blood pressure panel"))


def _panel(identity: str, date: str, systolic: float, diastolic: float) -> Resource:
    parts = [
        {"code": SYSTOLIC, "valueQuantity": amount(systolic, "mm[Hg]")},
        {"code": DIASTOLIC, "valueQuantity": amount(diastolic, "mm[Hg]")},
    ]
    return observation(identity, date, PRESSURE, component=parts)


def _part(identity: str, date: str, code: Resource, value: float, **more: Any) -> Resource:
    return observation(identity, date, code, valueQuantity=amount(value, "mm[Hg]"), **more)


def _apart(identity: str, date: str, systolic: float, diastolic: float) -> list[Resource]:
    return [
        _part(f"{identity}-d", date, DIASTOLIC, diastolic),
        _part(f"{identity}-s", date, SYSTOLIC, systolic),
    ]


# A panel, then a reading in two parts, then a panel whose parts stand beside it too.
CHART = [
    _panel("old", "2024-01-01T10:00:00Z", 138, 84),
    *_apart("new", "2025-01-01T10:00:00Z", 150, 90),
    _panel("both", "2023-01-01T10:00:00Z", 130, 80),
    *_apart("copy", "2023-01-01T11:00:00+01:00", 130, 80),
]


def _found(chart: list[Resource], mode: Mode = "latest", **more: Any) -> Projected:
    return observations(chart, name="blood pressure", mode=mode, now=NOW, **more)


def _said(found: Projected) -> list[tuple[str, Any]]:
    return [(row["ref"].partition("/")[2], row.get("value")) for row in found.rows]


def test_the_latest_may_be_recorded_in_two_parts_and_is_one_row() -> None:
    (row,) = _found(CHART).rows
    assert (row["name"], row["value"], row["unit"]) == ("Blood pressure", "150/90", "mm[Hg]")
    assert row["refs"] == ["Observation/new-s", "Observation/new-d"]
    assert [(part["code"], part["value"]) for part in row["components"]] == [("8480-6", 150), ("8462-4", 90)]


def test_a_series_holds_panels_and_pairs_and_no_reading_twice() -> None:
    found = _found(CHART, "series")
    assert _said(found) == [("new-s", "150/90"), ("old", "138/84"), ("both", "130/80")]
    assert "2 parts repeat a panel of the same time and value: counted once." in found.notes


def test_readings_are_counted_and_summed_up_whichever_way_they_are_recorded() -> None:
    assert [row["n"] for row in _found(CHART, "count").rows] == [1, 2]
    above = _found(CHART, "count", above=131).rows
    assert [(row["code"], row["n"], row["of"]) for row in above] == [("8480-6", 2, 3)]
    rows = _found(CHART, "statistics").rows
    assert {row["code"]: (row["n"], row["last"]) for row in rows} == {"8480-6": (3, 150), "8462-4": (3, 90)}


@pytest.mark.parametrize(("near", "value"), [("2025-01-02", "150/90"), ("2024-01-02", "138/84")])
def test_the_nearest_is_a_panel_or_a_pair(near: str, value: str) -> None:
    assert [row["value"] for row in _found(CHART, near=near).rows if row.get("nearest")] == [value]


def test_a_window_holds_what_is_recorded_in_two_parts() -> None:
    assert _said(_found(CHART, since="2025")) == [("new-s", "150/90")]


def test_a_part_without_its_other_stands_alone_beside_the_last_whole_reading() -> None:
    alone = _part("alone", "2026-01-01", SYSTOLIC, 160)
    assert _said(_found([*CHART, alone])) == [("alone", 160), ("new-s", "150/90")]
    assert _said(_found([*CHART, alone], near="2026-01-02")) == [("new-s", "150/90"), ("alone", 160)]
    assert all(row["nearest"] for row in _found([*CHART, alone], near="2026-01-02").rows)


def test_an_old_part_without_its_other_is_not_the_latest() -> None:
    alone = _part("alone", "2020-01-01", SYSTOLIC, 160)
    assert _said(_found([*CHART, alone])) == [("new-s", "150/90")]


@pytest.mark.parametrize(
    "more",
    [
        [_part("third", "2025-01-01T10:00:00Z", SYSTOLIC, 151)],
        [
            _part("late", "2026-01-01", SYSTOLIC, 1),
            _part("pre", "2026-01-01", DIASTOLIC, 2, status="preliminary"),
        ],
    ],
)
def test_nothing_is_paired_where_it_is_not_plain_what_belongs_together(more: list[Resource]) -> None:
    paired = [row for row in _found([*CHART[1:3], *more], "series").rows if "components" in row]
    assert len(paired) == (len(more) - 1)


def test_a_pair_says_whose_it_is_of_what_is_not_said_of_both() -> None:
    high = {"interpretation": [{"text": "High"}], "bodySite": {"text": "Left arm"}}
    chart = [
        _part("s", "2026-01-01", SYSTOLIC, 160, **high),
        _part("d", "2026-01-01", DIASTOLIC, 80, bodySite={"text": "Left arm"}),
    ]
    (row,) = _found(chart).rows
    assert (row["body_site"], row["interpretation"]) == ("Left arm", "Systolic blood pressure: High")


def test_a_pair_is_converted_with_its_parts() -> None:
    (row,) = _found(CHART[1:3], unit="kPa").rows
    assert row["unit"] == "kPa"
    assert row["value"].startswith("20/1")
