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
