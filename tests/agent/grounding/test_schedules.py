"""How often a day, however it is written."""

import pytest

from agent.grounding import check
from agent.grounding.schedules import frequencies_in
from tests.agent.grounding.test_check import NOW, found


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("twice a day", 2),
        ("two times daily", 2),
        ("b.i.d.", 2),
        ("q12h", 2),
        ("every 8 hours", 3),
        ("3x daily", 3),
        ("every other day", 0.5),
        ("10 mg daily", 1),
        ("30 day supply", None),
        ("2 days", None),
    ],
)
def test_a_frequency_is_read_as_times_a_day(text: str, times: float | None) -> None:
    assert [float(often) for _, often in frequencies_in(text)] == ([times] if times else [])


@pytest.mark.parametrize(
    ("said", "wrong"),
    [("5 mg two times daily", ()), ("10 mg a day", ()), ("5 mg three times a day", ("three times a day",))],
)
def test_a_dose_stands_at_its_frequency(said: str, wrong: tuple[str, ...]) -> None:
    row = {
        "ref": "MedicationRequest/a",
        "name": "apixaban 5 mg tablet",
        "status": "active",
        "dose": "5 mg twice a day",
    }
    text = f"Apixaban, {said} [MedicationRequest/a]."
    assert check(text, [], [found(row)], "What is the dose?", NOW).grounding.unsupported == wrong
