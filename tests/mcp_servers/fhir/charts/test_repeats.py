"""Records that say the same are told in one line, and none is lost."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mcp_servers.fhir.charts import distinct


def _row(ref: str, date: str, **more: Any) -> dict[str, Any]:
    return {"ref": ref, "name": "metformin", "date": date, "status": "active", **more}


def test_what_is_recorded_again_is_one_line_with_the_newest_record() -> None:
    new, other, old, older = (
        _row("d", "2026"),
        _row("c", "2025", name="aspirin"),
        _row("b", "2024", name="Metformin"),
        _row("a", "2020"),
    )
    rows, lines = distinct([new, other, old, older])
    assert rows == [new, other, old, older]
    assert lines == [{**new, "times": 3, "first_date": "2020"}, other]


def test_another_dose_or_standing_is_another_line_and_so_is_what_has_no_name() -> None:
    rows = [
        _row("a", "2026", dose="1 g"),
        _row("b", "2025", dose="2 g"),
        _row("c", "2024", status="stopped"),
        {"ref": "d"},
        {"ref": "e"},
    ]
    assert distinct(rows).lines == rows


def test_a_line_tells_the_day_and_the_plain_name() -> None:
    row = {"ref": "a", "name": "Stress (finding)", "date": "2026-03-19T13:21:05+01:00", "status": "active"}
    rows, lines = distinct([row])
    assert rows == [row]
    assert lines == [{**row, "name": "Stress", "date": "2026-03-19"}]


@given(st.lists(st.sampled_from("abc")))
def test_every_record_is_a_row_once_and_the_lines_add_up_to_all(names: list[str]) -> None:
    given_rows = [_row(str(number), "2020", name=name) for number, name in enumerate(names)]
    rows, lines = distinct(given_rows)
    assert sorted(row["ref"] for row in rows) == sorted(row["ref"] for row in given_rows)
    assert [line["ref"] for line in lines] == [row["ref"] for row in rows[: len(lines)]]
    assert sum(line.get("times", 1) for line in lines) == len(rows)
