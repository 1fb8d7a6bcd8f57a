"""Numbers set beside each other, and events in their order, stand as their records have them."""

import pytest

from agent.grounding import check
from tests.agent.grounding.test_check import NOW, found

MAY = {"ref": "Observation/may", "name": "Blood pressure", "date": "2026-05-01", "value": "134/84"}
JUNE = {"ref": "Observation/june", "name": "Blood pressure", "date": "2026-06-01", "value": "126/78"}
IRON = {"ref": "Procedure/i", "name": "Iron infusion", "date": "2026-07-30", "status": "completed"}
SCOPE = {"ref": "Procedure/c", "name": "Colonoscopy", "date": "2026-07-28", "status": "completed"}


def marked(text: str) -> tuple[str, ...]:
    rows = (IRON, SCOPE) if "Procedure" in text else (MAY, JUNE)
    return check(text, [], [found(*rows)], "How did it go?", NOW).grounding.unsupported


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (
            "126/78 in June, lower than the 134/84 in May [Observation/june] [Observation/may].",
            "126/78 in June, higher than the 134/84 in May [Observation/june] [Observation/may].",
        ),
        (
            "The infusion was two days after the colonoscopy [Procedure/i] [Procedure/c].",
            "The infusion was two days before the colonoscopy [Procedure/i] [Procedure/c].",
        ),
        (
            "The later of the two was the iron infusion [Procedure/i].",
            "The later of the two was the colonoscopy [Procedure/c].",
        ),
        (
            "The colonoscopy preceded the infusion [Procedure/i] [Procedure/c].",
            "The colonoscopy followed the infusion [Procedure/i] [Procedure/c].",
        ),
        (
            "The infusion came after the colonoscopy [Procedure/i] [Procedure/c].",
            "The infusion came before the colonoscopy [Procedure/i] [Procedure/c].",
        ),
    ],
)
def test_the_other_way_round_is_marked(right: str, wrong: str) -> None:
    assert marked(right) == ()
    assert marked(wrong)


CREATININE = [
    {"ref": f"Observation/c{at}", "name": "Creatinine", "date": day, "value": value, "unit": "mg/dL"}
    for at, (day, value) in enumerate([("2024-01-03", 1.1), ("2025-02-03", 1.4), ("2026-03-04", 1.9)])
]
PEOPLE = [
    {"ref": "Patient/d", "name": "Devika Rao", "birth_date": "1980-02-01"},
    {"ref": "Patient/s", "name": "Sanjay Rao", "birth_date": "1990-01-01"},
]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("It was 1.4 [Observation/c1], lower than 1.9 in 2026 [Observation/c2].",
         "It was 1.4 [Observation/c1], higher than 1.9 in 2026 [Observation/c2]."),
        ("In 2025 it was higher than in 2024 [Observation/c0] [Observation/c1].",
         "In 2025 it was lower than in 2024 [Observation/c0] [Observation/c1]."),
        ("It nearly doubled from 2024 to 2026 [Observation/c0] [Observation/c2].",
         "It nearly doubled from 2024 to 2025 [Observation/c0] [Observation/c1]."),
        ("All values were above 1.0 mg/dL [Observation/c0] [Observation/c1] [Observation/c2].",
         "All values were above 1.2 mg/dL [Observation/c0] [Observation/c1] [Observation/c2]."),
        ("Devika Rao is older than Sanjay Rao [Patient/d] [Patient/s].",
         "Sanjay Rao is older than Devika Rao [Patient/d] [Patient/s]."),
    ],
)  # fmt: skip
def test_values_and_people_are_compared_as_their_records_have_them(right: str, wrong: str) -> None:
    for text, stands in ((right, True), (wrong, False)):
        results = [found(*CREATININE), found(*PEOPLE)]
        assert (check(text, [], results, "How did it go?", NOW).grounding.unsupported == ()) == stands


@pytest.mark.parametrize(
    ("text", "stands"),
    [
        ("It was done a day after she was admitted on 15 July 2026 [Procedure/l].", True),
        ("It was done a day before she was admitted on 15 July 2026 [Procedure/l].", False),
        ("Ms. Rao had an infusion after she was admitted [Procedure/i].", True),
        ("Creatinine rose from 1.1 [Observation/c0] to 1.4 [Observation/c1] and fell after that.", True),
        ("Three in total, the last on 4 March 2026 [Observation/c2].", True),
        ("Four in total, the last on 4 March 2026 [Observation/c2].", False),
    ],
)
def test_what_is_told_around_a_record_is_read_as_such(text: str, stands: bool) -> None:
    surgery = {"ref": "Procedure/l", "name": "Cholecystectomy", "date": "2026-07-16"}
    surgery["encounter"] = "Hospital admission 2026-07-15"
    results = [found(*CREATININE), found(IRON, SCOPE, surgery, tool="list_records"), found(*PEOPLE)]
    assert (check(text, [], results, "How did it go?", NOW).grounding.unsupported == ()) is stands
