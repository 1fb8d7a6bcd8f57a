import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.spreadsheets import cell, csv_lines


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1"])
def test_what_a_spreadsheet_would_run_becomes_text(text: str) -> None:
    assert cell(text) == f"'{text}"


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2)))
def test_a_reader_of_csv_gets_every_cell_back_and_no_formula(rows: list[list[str]]) -> None:
    text = "".join(csv_lines(("a", "b"), [dict(zip("ab", row, strict=True)) for row in rows]))
    found = list(csv.reader(io.StringIO(text, newline="")))
    assert found == [["a", "b"], *[[cell(one) for one in row] for row in rows]]
    assert not [one for row in found for one in row if one.strip().startswith(("=", "+", "-", "@"))]


def test_what_a_row_lacks_is_empty() -> None:
    assert list(csv_lines(("a", "b"), [{"b": None, "c": 1}])) == ["a,b\r\n", ",\r\n"]
