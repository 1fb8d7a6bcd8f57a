"""Results as text: compact, within the budget, cut between rows."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mcp_servers.fhir.envelope import ResultEnvelope
from mcp_servers.fhir.rendering import render


def envelope(rows: list[dict[str, Any]], **facts: Any) -> ResultEnvelope:
    return ResultEnvelope(
        **{
            "finding": "recorded",
            "rows": rows,
            "total": len(rows),
            "returned": len(rows),
            "truncated": False,
            "as_of": "2026-11-01",
            **facts,
        }
    )


def test_the_columns_stand_once_and_each_row_is_a_line() -> None:
    rows = [{"ref": "Condition/1", "name": "Asthma"}, {"ref": "Condition/2", "name": "Gout", "onset": "2019"}]
    assert render(envelope(rows, notes=["1 record left out."])).text == (
        "recorded: 2 of 2 rows, as of 2026-11-01\n"
        "ref | name | onset\n"
        "Condition/1 | Asthma\n"
        "Condition/2 | Gout | 2019\n"
        "- 1 record left out."
    )


def test_nothing_recorded_and_recorded_as_none_read_differently() -> None:
    nothing = render(envelope([], finding="nothing_recorded")).text
    none = render(envelope([{"ref": "AllergyIntolerance/1"}], finding="recorded_as_none")).text
    assert nothing.startswith("nothing recorded: 0 of 0 rows")
    assert none.startswith("recorded as none: 1 of 1 rows")


def test_an_unknown_total_is_not_made_up() -> None:
    assert render(envelope([], total=None)).text.startswith("recorded: 0 rows")


def test_components_and_truths_are_written_in_words() -> None:
    row: dict[str, Any] = {
        "ref": "O/1",
        "components": [{"name": "Systolic", "value": 120}],
        "deceased": False,
    }
    assert "(name=Systolic; value=120) | no" in render(envelope([row])).text


def test_sections_are_tables_of_their_own_and_share_the_budget() -> None:
    counts: dict[str, Any] = {"section": "records", "kind": "Observation", "count": 3}
    problems = [{"section": "problem", "ref": f"Condition/{n}", "name": "x" * 80} for n in range(100)]
    rows = [*problems, counts]
    text, shown = render(envelope(rows), budget=2000)
    assert "## problem\nref | name\n" in text
    assert "## records\nkind | count\nObservation | 3" in text
    assert f"({101 - shown} more problem rows" in text


def test_chart_text_cannot_pass_for_another_row_or_column() -> None:
    row = {"ref": "Condition/1", "name": "Gout\nCondition/2 | Cancer\r\n- note"}
    lines = render(envelope([row])).text.splitlines()
    assert lines[2] == "Condition/1 | Gout Condition/2 ¦ Cancer - note"
    assert len(lines) == 3


def test_one_long_record_is_cut_and_says_so() -> None:
    text, shown = render(envelope([{"ref": "Basic/1", "resource": {"a": "y" * 50_000}}]))
    assert shown == 1
    assert text.endswith("… (cut)")
    assert len(text) < 8200


@given(st.lists(st.text(max_size=300), max_size=60), st.integers(200, 4000))
def test_the_text_stays_near_its_budget_and_whole_rows_are_shown(names: list[str], budget: int) -> None:
    rows = [{"ref": f"Condition/{n}", "name": name} for n, name in enumerate(names)]
    text, shown = render(envelope(rows), budget)
    assert len(text) <= budget + 400
    assert shown <= len(rows)
    assert shown >= min(1, len(rows))
    assert len(text.splitlines()) == 1 + (1 + shown if rows else 0)
