"""Windows of time over a list: partial dates, stays that reach into one, what is dated after now."""

from typing import Any

import pytest

from mcp_servers.fhir.charts import list_records
from mcp_servers.fhir.charts.errors import UnusableDate
from tests.mcp_servers.fhir.charts.records import NOW, Resource, condition


def refs(kind: Any, resources: list[Resource], **more: Any) -> list[str]:
    return [row["ref"].partition("/")[2] for row in list_records(kind, resources, now=NOW, **more).rows]


def test_a_window_includes_the_whole_of_partial_dates() -> None:
    chart = [
        condition(date, "A", onsetDateTime=date)
        for date in ("2019-04-30", "2019-05", "2019-05-31", "2019-06-01")
    ]
    assert refs("problems", chart, since="2019-05", until="2019-05") == ["2019-05-31", "2019-05"]
    assert refs("problems", chart, since="2019-05-31") == ["2019-06-01", "2019-05-31", "2019-05"]


def test_a_window_counts_the_day_as_the_chart_wrote_it() -> None:
    late = condition("late", "A", onsetDateTime="2019-05-03T23:30:00-05:00")
    assert refs("problems", [late], until="2019-05-03") == ["late"]
    assert refs("problems", [late], since="2019-05-04") == []


def test_a_window_keeps_coarsely_dated_records_and_names_undated_ones() -> None:
    chart = [condition("undated", "A"), condition("coarse", "B", onsetDateTime="2019")]
    found = list_records("problems", chart, since="2019-05", now=NOW)
    assert [row["ref"] for row in found.rows] == ["Condition/coarse"]
    assert any("1 without a readable date left out" in note for note in found.notes)
    assert any("Condition/undated" in note for note in found.notes)
    assert any("dated too coarsely" in note for note in found.notes)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("2025", None, ["now"]),
        ("2023-06-15", "2023-06-20", ["past"]),
        ("2023-06-30", None, ["now", "past"]),
        ("2023-07-01", "2024-02-26", []),
        (None, "2023-05-31", []),
        ("2030", None, []),
        ("2026-11-22", "2030", ["now"]),
        ("2024-02-28", "2026-12-31", ["now"]),
    ],
)
def test_a_stay_belongs_to_a_window_that_it_reaches_into(
    since: str | None, until: str | None, expected: list[str]
) -> None:
    past = {"start": "2023-06-01T20:00:00-04:00", "end": "2023-06-30T11:00:00-04:00"}
    begun = {"start": "2024-02-27"}
    chart = [
        {"resourceType": "Encounter", "id": "now", "status": "in-progress", "period": begun},
        {"resourceType": "Encounter", "id": "past", "status": "finished", "period": past},
    ]
    found = list_records("encounters", chart, since=since, until=until, now=NOW)
    assert [row["ref"].removeprefix("Encounter/") for row in found.rows] == expected
    assert not any("coarsely" in note for note in found.notes)


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ({"start": "2023-06-01", "end": "2023-05-01"}, []),  # the end is wrong
        ({"start": "2023-06-01", "end": "2023"}, ["x"]),
        ({"start": "2023-06-01"}, []),
    ],
)
def test_of_a_stay_without_a_usable_end_the_start_counts(period: Resource, expected: list[str]) -> None:
    stay = {"resourceType": "Encounter", "id": "x", "status": "finished", "period": period}
    assert refs("encounters", [stay], since="2023-06-10") == expected


def test_a_window_of_all_up_to_now_keeps_undated_records() -> None:
    chart = [condition("undated", "A"), condition("later", "B", onsetDateTime="2030")]
    found = list_records("problems", chart, status="all", until=NOW[:10], now=NOW)
    assert ([row["ref"] for row in found.rows], found.notes) == (
        ["Condition/undated"],
        ["1 dated after now left out."],
    )


def test_what_begins_after_now_is_not_current_and_named() -> None:
    chart = [condition("now", "A", onsetDateTime="2019"), condition("later", "B", onsetDateTime="2030")]
    found = list_records("problems", chart, now=NOW)
    assert [row["ref"] for row in found.rows] == ["Condition/now"]
    assert "Dated after now, so not current: B (Condition/later)." in found.notes


def test_a_window_that_is_no_date_is_refused() -> None:
    with pytest.raises(UnusableDate, match="until"):
        list_records("problems", [], until="yesterday", now=NOW)
