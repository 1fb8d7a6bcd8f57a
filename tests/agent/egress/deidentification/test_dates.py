import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.egress.deidentification import Deidentifier
from agent.egress.deidentification.dates import collapsed, dates_in, moved
from agent.egress.deidentification.deidentifier import days_of
from agent.messages import Action, Step
from tests.agent.egress.deidentification.charts import PATIENT, SECRET, asked, said, session, told

DAYS = days_of(SECRET, PATIENT)
ANY_DAY = st.dates(date(1950, 1, 1), date(2026, 2, 28))
FORMS = [
    "%Y-%m-%d", "%Y/%m/%d", "%m/%d/%Y", "%m-%d-%Y", "%m.%d.%Y", "%d %B %Y", "%d %b %Y", "%B %d, %Y",
    "%b %d, %Y",
    "%b. %d, %Y", "%B %d %Y", "%d-%b-%Y", "%d of %B %Y", "%d of %B, %Y", "%d%b%Y", "%d %B, %Y", "%Y%m%d",
]  # fmt: skip


def back(text: str, by: Deidentifier | None = None) -> str:
    """A hosted model's answer with this text, as it comes home to the session `by`."""
    arguments = {"text": text, "citations": [], "status": "answered"}
    home = (by or session()).step(Step(actions=(Action(tool="answer", arguments=arguments),)))
    return str(home.actions[0].arguments["text"])


@given(day=ANY_DAY, form=st.sampled_from(FORMS))
def test_a_full_date_in_any_form_moves_by_the_patients_days_and_comes_back(day: date, form: str) -> None:
    text = f"Seen {day.strftime(form)} for cough."
    by = session()
    out = said(text, by)
    [there] = dates_in(out)
    assert there.first == day + timedelta(days=DAYS)
    [home] = dates_in(back(out, by))
    assert home.first == day


@given(one=ANY_DAY, two=ANY_DAY)
def test_intervals_are_kept(one: date, two: date) -> None:
    first, second = (there.first for there in dates_in(said(f"From {one} until {two}.")))
    assert first is not None
    assert second is not None
    assert second - first == two - one


@given(year=st.integers(1950, 2025), month=st.integers(1, 12))
@pytest.mark.parametrize("form", ["{year}", "{year}-{month:02}", "{month:02}/{year}"])
def test_a_year_or_a_month_becomes_its_span_and_comes_back(form: str, year: int, month: int) -> None:
    written = form.format(year=year, month=month)
    by = session()
    out = said(f"onset {written}", by)
    assert re.fullmatch(r"onset \d{4}-\d\d-\d\d\.\.\d{4}-\d\d-\d\d", out)
    assert back(out, by) == f"onset {year}" if form == "{year}" else f"onset {year}-{month:02}"


@pytest.mark.parametrize(
    "text",
    [
        "in 2019", "during 2011", "since 2011", "Until 2015 she smoked", "before May 2019", "after 2019-05",
        "In 2019, nothing",
    ],
)  # fmt: skip
def test_a_period_behind_a_preposition_reads_on_and_comes_back(text: str) -> None:
    by = session()
    out = said(text, by)
    assert ".." not in out
    assert not re.search(r"20(?:11|15|19)(?!-\d\d-\d\d)", out)
    assert back(out, by).replace("2019-05", "May 2019").replace("during", "in") == text.replace(
        "2019-05", "May 2019"
    ).replace("during", "in")


@given(day=ANY_DAY, clock=st.sampled_from(["", "T10:00:00Z", "T23:59:59.123-05:00", "T08:15:00+02:00"]))
def test_dates_of_rows_move_with_their_time_of_day(day: date, clock: str) -> None:
    by = session()
    out = told({"ref": "Observation/1", "date": f"{day}{clock}"}, by=by)
    assert out.data is not None
    moment = out.data["rows"][0]["date"]
    assert moment[:10] == str(day + timedelta(days=DAYS))
    assert moment[10:] == clock.replace(".123", "")


@given(day=ANY_DAY)
def test_bounds_of_a_call_come_back_to_the_day(day: date) -> None:
    arguments = {"since": str(day + timedelta(days=DAYS)), "until": str(day + timedelta(days=DAYS))}
    home = session().step(Step(actions=(Action(tool="observations", arguments=arguments),)))
    assert home.actions[0].arguments == {"since": str(day), "until": str(day)}


@given(year=st.integers(1950, 2025), month=st.integers(1, 12))
def test_partial_bounds_become_the_days_that_they_mean(year: int, month: int) -> None:
    """`until` includes the whole of a partial date."""
    first = date(year, month, 1)
    last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    arguments = {"since": f"{year}-{month:02}", "until": f"{year}-{month:02}", "near": "2020-01-01"}
    home = session().step(Step(actions=(Action(tool="observations", arguments=arguments),)))
    assert home.actions[0].arguments["since"] == str(first - timedelta(days=DAYS))
    assert home.actions[0].arguments["until"] == str(last - timedelta(days=DAYS))


def test_search_parameters_of_a_partial_date_become_two_bounds() -> None:
    parameters = [
        {"name": "date", "value": "ge2019-05-03"},
        {"name": "date", "value": "2019"},
        {"name": "date", "value": "lt2019"},
    ]
    step = Step(actions=(Action(tool="fhir_search", arguments={"parameters": parameters}),))
    shift = timedelta(days=-DAYS)
    assert session().step(step).actions[0].arguments["parameters"] == [
        {"name": "date", "value": f"ge{date(2019, 5, 3) + shift}"},
        {"name": "date", "value": f"ge{date(2019, 1, 1) + shift}"},
        {"name": "date", "value": f"le{date(2019, 12, 31) + shift}"},
        {"name": "date", "value": f"lt{date(2019, 1, 1) + shift}"},
    ]


def test_a_month_that_the_model_makes_of_days_is_that_of_the_records() -> None:
    by = session()
    moved_day = date(2019, 5, 14) + timedelta(days=DAYS)
    told({"ref": "Observation/1", "date": "2019-05-14"}, by=by)
    assert back(f"in {moved_day:%B %Y}", by) == "in 2019-05"


@pytest.mark.parametrize(
    "text",
    [
        "strength 5/5, pain 7/10, BP 138/84", "2000 mg and 1950 kcal", "GCS 10/15",
        "ratio 1.5", "every 4-6 hours",
        "20/20 vision", "1,980 steps", "code 2019A", "room 2019/4",
    ],
)  # fmt: skip
def test_numbers_that_are_no_dates_stay(text: str) -> None:
    assert said(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "on May 3rd", "the 3rd of May", "on 5/3", "in May", "since Christmas",
        "Thanksgiving Day 2022", "in the 1990s",
        "spring 2019", "2019-02-30", "May 3-5, 2019", "3/10-3/12", "june eleventh twenty twenty three",
        "on the twenty sixth",
    ],
)  # fmt: skip
def test_days_that_cannot_move_become_tokens_and_come_back(text: str) -> None:
    by = session()
    out = said(f"seen {text}.", by)
    assert "[[DATE_1]]" in out
    assert back(out, by) == f"seen {text}."


def test_what_is_older_than_89_years_is_no_date_any_more() -> None:
    """A date that old tells an age over 89; the session's day is 2026-03-01."""
    out = said("Father born 1931-05-03, mother 1937-05-03 and 1936.")
    assert "1931" not in out
    assert "1936" not in out
    assert out.count("[[DATE_") == 2


@pytest.mark.parametrize(
    "text",
    [
        "a 93-year-old woman",
        "aged 91",
        "Age: 104",
        "died at 90",
        "is a 97 yo man",
        "95M with",
        "her mother turned 91 in",
    ],
)
def test_ages_over_89_are_90_and_more_and_come_back_where_there_is_one(text: str) -> None:
    by = session()
    out = said(text, by)
    assert "90+" in out
    assert not re.search(r"\b(?:9\d|104)(?!\+)", out)
    assert back(out, by) == text


def test_other_ages_and_numbers_over_89_stay() -> None:
    text = "an 89-year-old, weight 95 kg, SpO2 93%, pulse 101, aged 9"
    assert said(text) == text


def test_a_day_that_would_move_to_the_day_of_birth_becomes_a_token() -> None:
    """Else the gate could not tell it from the day of birth itself."""
    day = date(1968, 3, 14) - timedelta(days=DAYS)
    assert said(f"seen {day}") == "seen [[DATE_1]]"


def test_each_patient_has_days_of_its_own_by_the_secret() -> None:
    assert len({days_of(SECRET, f"Patient/{one}") for one in range(200)}) > 100
    assert days_of(SECRET, PATIENT) == days_of(SECRET, PATIENT) != days_of(b"x" * 32, PATIENT)
    assert all(-1825 < days_of(SECRET, f"Patient/{one}") <= -182 for one in range(200))


@given(first=ANY_DAY, last=ANY_DAY)
def test_any_span_is_said_so_that_it_can_be_read_again(first: date, last: date) -> None:
    [one] = dates_in(f"x {collapsed(first, first)} y")
    assert one.first == first
    assert moved(one, 10) == str(first + timedelta(days=10))
    assert collapsed(first, last)


def test_today_is_nowhere_in_what_leaves() -> None:
    out = session().messages(asked("What about today, 2026-03-01, and March 1, 2026?"))
    assert "2026" not in " ".join(message.model_dump_json() for message in out)
