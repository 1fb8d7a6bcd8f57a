"""The place of a record among its like: the second, the one before, the first abnormal one, that of now."""

from typing import Any

import pytest

from agent.grounding import check
from tests.agent.grounding.test_check import NOW, found
from tests.agent.grounding.test_prose import LABS
from tests.agent.grounding.test_shares import SCOPES

C1, C2, C3, C4 = (f"{value} mg/dL [Observation/c{at}]" for at, value in enumerate((1.0, 0.9, 1.6, 1.9), 1))
P1, P2, P3 = (f"{year} [Procedure/{at}]" for at, year in enumerate((2014, 2019, 2024), 1))


def marked(rows: list[dict[str, Any]], text: str) -> tuple[str, ...]:
    return check(text, [], [found(*rows)], "How did it go?", NOW).grounding.unsupported


@pytest.mark.parametrize(
    ("rows", "text", "right", "wrong"),
    [
        (LABS, "The second most recent was {}.", C3, C2),
        (LABS, "The value before the latest was {}.", C3, C2),
        (LABS, "The first elevated value was {}.", C3, C4),
        (LABS, "The last normal value was {}.", C2, C1),
        (LABS, "Currently it is {}.", C4, C3),
        (LABS, "It is now {}.", C4, C3),
        (SCOPES, "The second of the three was in {}.", P2, P3),
        (SCOPES, "The third colonoscopy was in {}.", P3, P2),
        (SCOPES, "The earlier of the last two was in {}.", P2, P3),
        (SCOPES, f"The most recent colonoscopy was in {P3}. The one before was in {{}}.", P2, P1),
    ],
)
def test_another_place_is_marked(rows: list[dict[str, Any]], text: str, right: str, wrong: str) -> None:
    assert marked(rows, text.format(right)) == ()
    assert marked(rows, text.format(wrong))


@pytest.mark.parametrize(
    "text",
    [
        "It was 0.9 mg/dL in January [Observation/c2] and is now 1.9 mg/dL [Observation/c4].",
        "Now, looking at the earlier results: 1.0 mg/dL in September 2025 [Observation/c1].",
        "The second half of the year began with 1.9 mg/dL [Observation/c4].",
    ],
)
def test_what_is_no_place_is_not_marked(text: str) -> None:
    assert marked(LABS, text) == ()
