"""Right answers stand over long lists, panels and notes, as real charts hold them."""

from typing import Any

import pytest

from agent.grounding import check
from agent.messages import ToolResult
from tests.agent.grounding.test_check import NOW, found


def page(first: int, count: int, total: int, **arguments: Any) -> ToolResult:
    rows = [
        {"ref": f"Condition/{n}", "name": f"Problem {n}", "date": "2020-01-01", "status": "active"}
        for n in range(first, first + count)
    ]
    result = found(*rows, tool="list_records", kind="problems", **arguments)
    data = {**(result.data or {}), "total": total, "truncated": True, "cursor": "x"}
    return result.model_copy(update={"data": data})


PARTS = [
    {"refs": ["Observation/1", "Observation/2"], "name": f"{part} blood pressure", "n": 2, "first": first,
     "last": last, "unit": "mmHg", "min": min(first, last), "max": max(first, last)}
    for part, first, last in (("Systolic", 128, 130), ("Diastolic", 82, 77))
]  # fmt: skip
CATHETER = {"ref": "Procedure/c", "name": "Catheter; age 5 years or older", "date": "2026-01-20"}
VISIT = {"ref": "Encounter/v", "name": "Encounter for check-up", "date": "2026-10-03", "status": "finished"}
HEART = {"ref": "Observation/h", "name": "Heart rate", "date": "2026-10-03", "value": 89, "unit": "/min"}
FAILURE = {"ref": "Condition/f", "name": "Heart failure", "date": "2020-01-01", "status": "active"}
NOTE = {"ref": "Composition/n", "type": "Note", "lacks": "back", "passage": "Pain in the knee."}
ORDER = {"ref": "MedicationRequest/m", "name": "Enoxaparin", "date": "2026-09-17", "status": "active"}


def marked(results: list[ToolResult], text: str, question: str = "What is recorded?") -> tuple[str, ...]:
    return check(text, [], results, question, NOW).grounding.unsupported


def test_all_pages_of_a_list_together_are_complete_and_some_are_not() -> None:
    first, second = page(0, 200, 294), page(200, 94, 294, cursor="next")
    text = 'No problem record matches "gout" (294 checked).'
    assert marked([first, second], text) == ()
    assert marked([first], text)
    assert marked([first, page(200, 50, 294, cursor="next")], text)


@pytest.mark.parametrize(("said", "stands"), [("fell", True), ("rose", False)])
def test_each_part_of_a_panel_goes_its_own_way(said: str, stands: bool) -> None:
    text = f"Diastolic blood pressure {said} from 82 mmHg [Observation/1] to 77 mmHg [Observation/2]."
    assert (marked([found(*PARTS)], text) == ()) is stands


@pytest.mark.parametrize(
    ("rows", "question", "text"),
    [
        ([CATHETER], "", "The chart does not tell when surgery was done."),
        ([VISIT, HEART, FAILURE], "", "Heart rate around the visit (Encounter for check-up) [Encounter/v]."),
        (
            [{**VISIT, "name": "Check-up (procedure)"}, HEART, FAILURE],
            "",
            "Heart rate around the visit (Check-up) [Encounter/v].",
        ),
        ([VISIT], "weight at the visit", "No weight result is recorded near the visit [Encounter/v]."),
        ([VISIT], "second visit", "Visit number 1 in time: Encounter for check-up [Encounter/v]."),
        (
            [HEART],
            "",
            "None of 1 heart rate is recorded as high (1 without an interpretation) [Observation/h].",
        ),
        ([{**NOTE, "passage": "Known heart failure."}], "", "No problem record matches “heart failure”."),
        ([HEART], "heart rate before age 2", "1 heart rate before age 2 [Observation/h]."),
        ([NOTE], "", "No note mentions “back pain”."),
        ([ORDER], "in the last 6 months?", "Started since 2026-05-22: Enoxaparin [MedicationRequest/m]."),
        ([{**NOTE, "passage": "Diabetes [E11.9]."}], "", "It says: “Diabetes [E11.9].” [Composition/n]"),
    ],
)
def test_a_right_sentence_stands(rows: list[dict[str, Any]], question: str, text: str) -> None:
    results = [found(*rows, tool="search_notes", text="back pain")]
    assert marked(results, text, question) == ()


def test_a_place_among_several_stands_and_one_behind_the_last_does_not() -> None:
    rows = [{**HEART, "ref": f"Observation/{n}", "date": f"2026-0{n}-01"} for n in range(1, 6)]
    text = "Result {} of 5: heart rate 89 /min [Observation/2]."
    assert marked([found(*rows)], text.format(2), "The second heart rate?") == ()
    assert marked([found(*rows)], text.format(7), "The second heart rate?")
