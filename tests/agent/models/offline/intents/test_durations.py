"""How long something lasted, of dates as they are recorded."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.models.offline.intents.durations import lasted
from tests.agent.models.offline.intents.answers import AMARA, LUCIA, MEI, PLANNER
from tests.agent.models.offline.sample_charts import ask


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2012-06-01", "2026-11-01", "14 years"),
        ("2012-11-02", "2026-11-01", "13 years"),
        ("2015", "2026-11-01", "about 11 years"),
        ("2019-05", "2026-11-01", "7 years"),
        ("2019-01-07", "2019-02-01", "25 days"),
        ("2026-07-05", "2026-11-01", "3 months"),
        ("2026-10-31", "2026-11-01", "1 day"),
        ("2024-12-01T08:00:00+09:00", "2026-11-01", "23 months"),
        ("2026", "2026-11-01", "about 10 months"),
        ("at age 7 years", "2026-11-01", None),
        ("2026-11-02", "2026-11-01", None),
    ],
)
def test_a_duration_is_told_at_the_precision_of_its_dates(start: str, end: str, said: str | None) -> None:
    assert lasted(start, end) == said


@given(st.dates(min_value=date(1900, 1, 1)), st.dates(min_value=date(1900, 1, 1)))
def test_of_a_date_to_the_year_the_duration_spans_that_of_any_of_its_days(start: date, end: date) -> None:
    exact, coarse = lasted(start.isoformat(), end.isoformat()), lasted(f"{start:%Y}", end.isoformat())
    assert exact is None or coarse is not None


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("patient", "question", "said"),
    [
        (
            AMARA,
            "how long has she had diabetes?",
            "For 14 years, from 2012-06-01 (onset) up to now, 2026-11-01",
        ),
        (AMARA, "how long has she had hypertension?", "For about 11 years, from 2015 (onset)"),
        (AMARA, "how long did she have pneumonia?", "For 25 days, from 2019-01-07 (onset) up to 2019-02-01"),
        (LUCIA, "how long has she had hearing loss?", "2020-01-15 (recording; the onset is not recorded)"),
        (AMARA, "how long has she been on lisinopril?", "For 10 years, from 2016-01-12 up to now"),
        (AMARA, "how long has she been taking metformin?", "For 14 years, from 2012-06-15 up to now"),
        (MEI, "how long was she on heparin?", "not current, and when it ended is not recorded"),
    ],
)
async def test_how_long_is_told_with_both_ends(patient: str, question: str, said: str) -> None:
    answer, _ = await ask(PLANNER, f"Patient/{patient}", question)
    assert said in answer["text"]
