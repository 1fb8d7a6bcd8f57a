"""Prose written from the rows of the sample charts stands; each change of a digit, date or unit is found."""

from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.grounding import check
from agent.messages import Action, ToolResult
from fhir_fixtures import charts as samples
from tests.agent.models.offline.sample_charts import NOW, call

PATIENTS = [f"Patient/{one.id}" for one in samples.patients()]
# The overview of a whole life has hundreds of rows.
SHORT = [f"Patient/{one.id}" for one in samples.patients() if one.set != "life-long"]
KINDS = ["problems", "medications", "procedures", "encounters", "immunizations", "reports"]
EXAMPLES = settings(max_examples=15)
OTHER_UNITS = {"mg/dL": "mmol/L", "mmol/L": "mg/dL", "%": "mmol/mol", "kg": "lb", "cm": "kg"}


@cache
def read(patient: str, kind: str) -> ToolResult:
    if kind == "overview":
        return call(patient, Action(tool="chart_overview", arguments={}))
    return call(patient, Action(tool="list_records", arguments={"kind": kind, "status": "all"}))


def sentence(row: dict[str, Any]) -> str:
    value, unit = row.get("value"), row.get("unit") or ""
    said = f": {row.get('comparator', '')}{value} {unit}" if isinstance(value, int | float) else ""
    # Without its states, what was refuted, cancelled or proposed would be told as if it were so.
    states = [row[key] for key in ("verification", "status", "intent") if key in row]
    states += ["not to be given"] if row.get("do_not_perform") else []
    told = f" ({', '.join(states)})" if states else ""
    return f"{row['name']}{said} on {row['date'][:10]}{told} [{row['ref']}]."


def drawn(data: st.DataObject, *, measured: bool) -> tuple[ToolResult, dict[str, Any]] | None:
    patient = data.draw(st.sampled_from(SHORT if measured else PATIENTS))
    result = read(patient, "overview" if measured else data.draw(st.sampled_from(KINDS)))
    rows = [
        row
        for row in (result.data or {})["rows"]
        if row.get("ref") and row.get("name") and len(row.get("date", "")) >= 10
    ]
    rows = [row for row in rows if not measured or isinstance(row.get("value"), int | float)]
    return (result, data.draw(st.sampled_from(rows))) if rows else None


def unsupported(text: str, result: ToolResult) -> tuple[str, ...]:
    return check(text, [], [result], "", NOW).grounding.unsupported


@EXAMPLES
@given(st.data(), st.booleans())
def test_a_row_s_own_words_stand(data: st.DataObject, measured: bool) -> None:
    if one := drawn(data, measured=measured):
        result, row = one
        assert unsupported(sentence(row), result) == (), sentence(row)


@EXAMPLES
@given(st.data())
def test_a_changed_date_is_found(data: st.DataObject) -> None:
    if one := drawn(data, measured=False):
        result, row = one
        other = f"{int(row['date'][:4]) - data.draw(st.integers(1, 9))}{row['date'][4:10]}"
        held = {str(value)[:10] for value in row.values()}
        if other not in held:
            assert unsupported(sentence(row | {"date": other}), result), sentence(row)


@EXAMPLES
@given(st.data())
def test_a_changed_digit_or_unit_is_found(data: st.DataObject) -> None:
    if one := drawn(data, measured=True):
        result, row = one
        value = Decimal(str(row["value"]))
        off = value + data.draw(st.integers(1, 9)) * Decimal(1).scaleb(data.draw(st.integers(0, 2)))
        if "comparator" not in row:  # "below 1.01" is true of what is below 0.01
            assert unsupported(sentence(row | {"value": float(off)}), result), sentence(row)
        if unit := OTHER_UNITS.get(row.get("unit", "")):
            assert unsupported(sentence(row | {"unit": unit}), result), sentence(row)
