"""A value is told with its own date, and a change in its own direction."""

import pytest

from agent.grounding import check
from tests.agent.grounding.test_check import NOW, found

NEW = {"ref": "Observation/n", "name": "Hemoglobin A1c", "date": "2026-03-01", "value": 7.2, "unit": "%"}
OLD = {"ref": "Observation/o", "name": "Hemoglobin A1c", "date": "2024-01-05", "value": 9.1, "unit": "%"}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Hemoglobin A1c was 7.2 % on 2024-01-05 [Observation/n][Observation/o].", ("2024-01-05",)),
        ("Hemoglobin A1c was 9.1 % on 2026-03-01.", ("2026-03-01",)),
        ("Hemoglobin A1c was 9.1 % on 2024-01-05.", ()),
        ("Hemoglobin A1c rose from 9.1 % [Observation/o] to 7.2 % [Observation/n].", ("rose",)),
        ("Hemoglobin A1c fell from 9.1 % on 2024-01-05 [Observation/o] to 7.2 % [Observation/n].", ()),
        ("Hemoglobin A1c fell from 7.2 % to 9.1 %.", ("fell",)),
    ],
)
def test_values_keep_their_dates_and_changes_their_direction(text: str, wrong: tuple[str, ...]) -> None:
    assert check(text, [], [found(NEW, OLD)], "", NOW).grounding.unsupported == wrong


@pytest.mark.parametrize(
    ("question", "text", "wrong"),
    [
        ("The last HbA1c?", "The last Hemoglobin A1c was 9.1 % [Observation/o].", ("last",)),
        ("The last HbA1c?", "The last Hemoglobin A1c was 7.2 % [Observation/n].", ()),
        ("The last HbA1c in 2024?", "The last Hemoglobin A1c was 9.1 % [Observation/o].", ()),
        ("The HbA1c before?", "The last Hemoglobin A1c before that was 9.1 % [Observation/o].", ()),
    ],
)
def test_the_last_value_is_the_newest_unless_dates_were_asked_for(
    question: str, text: str, wrong: tuple[str, ...]
) -> None:
    rows = [row | {"code": "4548-4"} for row in (NEW, OLD)]
    assert check(text, [], [found(*rows, name="HbA1c")], question, NOW).grounding.unsupported == wrong
