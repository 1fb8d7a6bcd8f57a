"""Events by which a question tells a time, found in the sample charts."""

from collections.abc import Callable
from datetime import date
from typing import TypeVar

import pytest

from agent.errors import CannotAnswer
from agent.messages import ToolResult
from agent.models.offline.anchors import Event, Untold, missing, moment, window_of
from agent.models.offline.chart import Chart, StillWanted
from agent.models.offline.concepts import load_lexicon
from agent.models.offline.intents import CUES, Asked
from agent.models.offline.reading import read
from agent.models.offline.wording import Wording
from tests.agent.models.offline.sample_charts import NOW, call

LEXICON, WORDING = load_lexicon(CUES), Wording()
RENAE, JOHN = "Patient/renae-homenick", "Patient/john-wilson"
T = TypeVar("T")


def over_the_chart(patient: str, question: str, answer: Callable[[Asked], T]) -> T:
    """What `answer` makes of the question once all the calls that it wants have been made."""
    now = date.fromisoformat(NOW[:10])
    results: list[ToolResult] = []
    while True:
        asked = Asked(read(question, now, LEXICON), Chart(results), WORDING, LEXICON, now)
        try:
            return answer(asked)
        except StillWanted as wanted:
            results += [call(patient, action) for action in wanted.actions]


def found(question: str, patient: str = RENAE) -> tuple[str, str] | None:
    """The day of the event, and what it is called."""
    event: Event | None = over_the_chart(patient, question, moment)
    return (event.day, event.name) if event else None


def window(question: str, patient: str = RENAE) -> dict[str, str]:
    return over_the_chart(patient, question, window_of)


@pytest.mark.parametrize(
    ("question", "day", "named"),
    [
        ("a1c when insulin was started", "2017-05-04", "the first recorded order of insulin isophane"),
        ("a1c after the first dose of insulin", "2017-05-04", "the first recorded order of insulin isophane"),
        ("a1c before the last dose of insulin", "2024-04-11", "the administration of insulin"),
        ("a1c at the diagnosis of type 2 diabetes", "2008-05-22", "the first recorded onset of Diabetes"),
        ("a1c before surgery", "2024-04-11", "the last recorded Off-pump coronary artery bypass"),
        ("weight on admission", "2024-05-02", "the last recorded admission (Admission to ward)"),
        ("weight at the last visit", "2026-07-11", "the last recorded visit (Ophthalmic examination"),
        ("a1c since her first flu shot", "1946-05-16", "the first recorded dose of Influenza"),
        ("weight when she was 60", "2005-11-01", "age 60"),
        ("weight 6 months after starting insulin", "2017-11-04", ""),
        ("weight two weeks before surgery", "2024-03-28", ""),
        ("a1c 6 months ago", "2026-05-01", ""),
    ],
)
def test_an_event_is_found_with_its_day_and_told_by_its_record(question: str, day: str, named: str) -> None:
    event = found(question)
    assert event is not None
    assert event[0] == day
    assert event[1].startswith(named)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("a1c when warfarin was started", "The chart does not tell when warfarin was started."),
        ("a1c since metformin was stopped", "The chart does not tell when metformin was stopped."),
        ("weight at age 110", "The chart does not tell when age 110 was reached."),
    ],
)
def test_an_event_that_the_chart_does_not_tell_is_said_to_be_missing(question: str, said: str) -> None:
    assert found(question) is None
    assert over_the_chart(RENAE, question, missing).text == said
    with pytest.raises(Untold, match=said):
        window(question)


@pytest.mark.parametrize(
    ("question", "since", "until"),
    [
        ("a1c since the insulin", "2017-05-04", None),
        ("a1c after starting insulin", "2017-05-05", None),
        ("a1c before surgery", None, "2024-04-10"),
        ("a1c since 2020 before surgery", "2020", "2024-04-10"),
        ("weight within 3 months of surgery", "2024-01-11", "2024-07-11"),
        ("weight in the year before her diabetes diagnosis", "2007-05-22", "2008-05-21"),
        ("weight at age 60", "2005-11-01", "2006-10-31"),
        ("weight before age 60", None, "2005-10-31"),
        ("weight since age 60", "2005-11-01", None),
        ("a1c over the last five visits", "2025-03-06", None),
        ("weight on admission", "2024-05-02", "2024-05-02"),
    ],
)
def test_an_event_makes_a_window(question: str, since: str | None, until: str | None) -> None:
    bounds = {"since": since, "until": until}
    assert window(question) == {side: day for side, day in bounds.items() if day}


def test_a_stay_lasts_from_its_first_day_to_its_last() -> None:
    assert window("bp during the last admission", JOHN) == {"since": "2026-07-02", "until": "2026-07-09"}
    assert window("bp before discharge", JOHN) == {"until": "2026-07-08"}


def test_an_admission_to_a_surgical_ward_is_no_operation() -> None:
    event: Event | None = over_the_chart("Patient/laura-merino", "potassium before surgery", moment)
    assert event is not None
    assert (event.day, event.name) == ("1982-04-17", "the last recorded Dental surgical procedure")


def test_bounds_that_leave_no_time_between_are_told() -> None:
    with pytest.raises(CannotAnswer, match="No time lies both since 2025 and before"):
        window("a1c since 2025 before surgery")


def test_dates_of_the_chart_stay_as_coarse_as_they_are() -> None:
    event = Event("Condition/1", "2012", "the onset of Asthma")
    assert event.near is None
    assert event.said == "the onset of Asthma in 2012 [Condition/1]"


def test_a_window_beside_an_event_tells_how_far_it_goes_and_not_its_ends() -> None:
    def said(asked: Asked) -> str:
        return asked.said_window

    surgery = "the last recorded Off-pump coronary artery bypass on 2024-04-11"
    assert over_the_chart(RENAE, "a1c in the month before surgery", said).startswith(
        f" within a month before {surgery}"
    )
    assert over_the_chart(RENAE, "a1c within 2 weeks of surgery", said).startswith(
        f" within 2 weeks of {surgery}"
    )
    assert over_the_chart(RENAE, "a1c since age 60", said) == " since age 60, from 2005-11-01"
