"""Statistics: equal to those of plain arithmetic."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mcp_servers.fhir.charts.trends import summed_up

POINTS = st.lists(
    st.tuples(
        st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(2050, 1, 1)).map(
            lambda moment: moment.replace(microsecond=0)
        ),
        st.floats(-1e6, 1e6).map(lambda value: round(value, 3)),
    ),
    min_size=1,
    max_size=30,
)


def _rows(points: list[tuple[datetime, float]]) -> list[dict[str, Any]]:
    newest_first = sorted(points, key=lambda point: point[0], reverse=True)
    return [
        {"ref": f"Observation/{n}", "date": f"{moment.isoformat()}Z", "value": value, "unit": "mg/dL"}
        for n, (moment, value) in enumerate(newest_first)
    ]


@given(POINTS)
def test_statistics_are_those_of_plain_arithmetic(points: list[tuple[datetime, float]]) -> None:
    rows = _rows(points)
    row = summed_up(rows, [])
    values = sorted(one["value"] for one in rows)
    middle = (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2
    assert (row["n"], row["min"], row["max"]) == (len(values), values[0], values[-1])
    assert math.isclose(row["mean"], sum(values) / len(values), abs_tol=6e-5)
    assert math.isclose(row["median"], middle, abs_tol=6e-5)
    assert (row["first"], row["last"]) == (rows[-1]["value"], rows[0]["value"])
    if len(rows) > 1:
        assert math.isclose(row["change"], rows[0]["value"] - rows[-1]["value"], abs_tol=6e-5)


@given(POINTS)
def test_the_slope_is_the_least_squares_line_in_years(points: list[tuple[datetime, float]]) -> None:
    row = summed_up(_rows(points), [])
    if len({moment for moment, _ in points}) == 1:
        assert "slope" not in row
        return
    years = [(moment - datetime(2000, 1, 1)).total_seconds() / (365.25 * 86400) for moment, _ in points]
    values = [value for _, value in points]
    year, mean = sum(years) / len(years), sum(values) / len(values)
    spread = sum((one - year) ** 2 for one in years)
    expected = sum((one - year) * (value - mean) for one, value in zip(years, values, strict=True)) / spread
    assert math.isclose(row["slope"]["value"], expected, rel_tol=1e-3, abs_tol=1e-3)
    assert (row["slope"]["unit"], row["slope"]["n"]) == ("mg/dL/year", len(points))


def test_undated_values_are_in_the_mean_but_not_in_the_slope() -> None:
    dated = [
        {"ref": f"Observation/{year}", "date": str(year), "value": year - 2000, "unit": "kg"}
        for year in (2022, 2021, 2020)
    ]
    row = summed_up([*dated, {"ref": "Observation/undated", "value": 1000, "unit": "kg"}], [])
    assert (row["n"], row["slope"]) == (4, {"value": 1.0, "unit": "kg/year", "n": 3})
    assert (row["first"], row["last"], row["change"]) == (20, 22, 2)


def test_the_slope_counts_instants_across_offsets() -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    same = [start.isoformat(), start.astimezone(tz=None).isoformat(), "2024-01-01T05:00:00+05:00"]
    rows = [{"ref": f"Observation/{n}", "date": date, "value": n} for n, date in enumerate(same)]
    assert "slope" not in summed_up(rows, [])
    later = {"ref": "Observation/later", "date": (start + timedelta(days=365.25)).isoformat(), "value": 5}
    assert summed_up([later, *rows], [])["slope"] == {"value": 4.0, "unit": "1/year", "n": 4}


def test_the_last_abnormal_value_is_told_with_its_record() -> None:
    rows = _rows([(datetime(2024, 1, 1), 9.0), (datetime(2025, 1, 1), 5.0)])
    row = summed_up(rows, [{**rows[1], "interpretation": "High"}])
    assert row["last_abnormal"] == {
        "value": 9.0,
        "date": "2024-01-01T00:00:00Z",
        "interpretation": "High",
        "ref": "Observation/1",
    }
    assert row["refs"] == [f"Observation/{n}" for n in (1, 0, 0, 1, 1)]
