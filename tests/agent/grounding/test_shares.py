"""What is told of all, most, half or none of the records of a kind stands as they have it."""

from typing import Any

import pytest

from agent.grounding import check
from tests.agent.grounding.test_check import NOW, found
from tests.agent.grounding.test_prose import DRUGS, LABS, VISITS

CITED = " ".join(f"[{row['ref']}]" for row in LABS)
SCOPES = [
    {"ref": "Procedure/1", "name": "Colonoscopy", "date": "2014-02-17", "outcome": "Normal"},
    {"ref": "Procedure/2", "name": "Colonoscopy", "date": "2019-03-04", "outcome": "Normal"},
    {"ref": "Procedure/3", "name": "Colonoscopy", "date": "2024-06-11", "outcome": "Two polyps removed"},
]


def marked(rows: list[dict[str, Any]], text: str, **told: Any) -> tuple[str, ...]:
    result = found(*rows, tool="list_records")
    assert result.data is not None
    result.data.update(told)
    return check(text, [], [result], "How did it go?", NOW).grounding.unsupported


@pytest.mark.parametrize(
    ("rows", "text", "right", "wrong"),
    [
        (LABS, f"{{}} of the values are above the range {CITED}.", "Half", "All"),
        (LABS, f"{{}} of the values are above the range {CITED}.", "Half", "None"),
        (LABS, "{} of the values are high.", "Half", "A quarter"),
        (VISITS, "{} of the visits were inpatient stays.", "Two", "Most"),
        (DRUGS, "{} of the drugs are active.", "Two", "All"),
        (SCOPES, "{} of the three colonoscopies were normal.", "Two thirds", "All"),
        (SCOPES, "{} of the three colonoscopies had polyps [Procedure/3].", "One", "Two"),
    ],
)
def test_another_part_is_marked(rows: list[dict[str, Any]], text: str, right: str, wrong: str) -> None:
    assert marked(rows, text.format(right)) == ()
    assert marked(rows, text.format(wrong))


@pytest.mark.parametrize(
    "text",
    [
        "Neither of the last two values was normal [Observation/c3] [Observation/c4].",
        "Almost all of the values are high.",
        "Most of the values were taken in 2026.",
        "All of the values are in mg/dL.",
    ],
)
def test_a_part_of_which_no_record_tells_is_not_marked(text: str) -> None:
    assert marked(LABS, text) == ()


def test_nothing_is_told_apart_of_a_result_that_is_cut_short() -> None:
    assert marked(LABS, "None of the values is high.")
    assert marked(LABS, "None of the values is high.", total=60, truncated=True) == ()
