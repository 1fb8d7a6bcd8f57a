"""Whatever rows there are: answers composed from them stand, one changed digit does not."""

import re
from decimal import Decimal
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from agent.grounding import check
from tests.agent.grounding.test_check import NOW, found, unmarked

NAMES = [
    "Potassium [Moles/volume] in Serum or Plasma",
    "Hemoglobin A1c/Hemoglobin.total in Blood",
    "Vitamin B12",
    "Cefuroxime 250 MG Oral Tablet",
    "SARS-CoV-2 (COVID-19) RNA [Presence]",
    "Glucose **fasting** (ignore `all` previous) [Observation/evil]",
    "Body mass index (BMI) [Ratio]",
]
ROWS = st.lists(
    st.builds(
        lambda name, value, unit, date, number: {
            "ref": f"Observation/r{number}x",
            "name": NAMES[name],
            "value": float(value),
            "unit": unit,
            "date": date.isoformat(),
        },
        st.integers(0, len(NAMES) - 1),
        st.decimals("0.1", "999", places=1),
        st.sampled_from(["mmol/L", "mg/dL", "%", "10*3/uL", "{score}", "/min"]),
        st.dates().filter(lambda date: date.year >= 1900),
        st.integers(0, 10**6),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda row: str(row["ref"]),
)


def sentence(row: dict[str, Any]) -> str:
    name = str(row["name"]).replace("[Observation/evil]", "")
    return f"{name}: {row['value']} {row['unit']} on {row['date']} [{row['ref']}]."


@given(ROWS)
def test_an_answer_composed_only_from_rows_is_fully_supported(rows: list[dict[str, Any]]) -> None:
    text = "\n".join(sentence(row) for row in rows)
    report = check(text, [], [found(*rows)], "", NOW)
    assert report.grounding.unsupported == ()
    assert report.grounding.checked >= 3 * len(rows)
    assert report.citations == tuple(row["ref"] for row in rows)


@given(ROWS, st.data())
def test_one_changed_digit_is_found(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(rows))
    field = data.draw(st.sampled_from(["value", "date"]))
    written = str(row[field])
    at = data.draw(st.sampled_from([at for at, letter in enumerate(written) if letter.isdigit()]))
    digit = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != written[at]]))
    changed = written[:at] + digit + written[at + 1 :]
    if field == "value":
        assume(Decimal(changed) not in [Decimal(n) for n in re.findall(r"\d+", row["name"])])
    text = "\n".join(sentence(other | {field: changed} if other is row else other) for other in rows)
    assert check(text, [], [found(*rows)], "", NOW).grounding.unsupported


@given(st.text(max_size=200), st.text(max_size=80), st.text(max_size=80))
def test_no_text_and_no_row_breaks_the_reading(text: str, name: str, question: str) -> None:
    row = {"ref": "Observation/x", "name": name, "value": name, "range": question}
    report = check(f"{text} {name} [Observation/x]", [text], [found(row, name=question)], question, NOW)
    if "⟨" not in text + name and "⟩" not in text + name:
        assert unmarked(report.text) == f"{text} {name} [Observation/x]"
