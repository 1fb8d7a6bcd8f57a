"""Events, limits, units and places that a question holds, as parts of its reading."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.models.offline.concepts import load_lexicon, read_table
from agent.models.offline.intents import CUES
from agent.models.offline.reading import Reading, read
from agent.models.offline.words import words

NOW = date(2026, 11, 22)
LEXICON = load_lexicon(CUES)


def reading(question: str) -> Reading:
    return read(question, NOW, LEXICON)


@pytest.mark.parametrize(
    ("question", "side", "event", "named"),
    [
        ("creatinine when metformin was started", "at", "start", "metformin"),
        ("creatinine when she was put on metformin", "at", "start", "metformin"),
        ("creatinine around the time of starting metformin", "at", "start", "metformin"),
        ("When metformin was started, what was the creatinine?", "at", "start", "metformin"),
        ("a1c since the insulin", "after", "start", "insulin"),
        ("a1c prior to metformin", "before", "start", "metformin"),
        ("a1c after stopping metformin", "after", "stop", "metformin"),
        ("a1c after the first dose of insulin", "after", "dose", "insulin"),
        ("weight after her flu shot", "after", "dose", "flu shot"),
        ("a1c at the diagnosis of diabetes", "at", "diagnosis", "diabetes"),
        ("a1c at diabetes diagnosis", "at", "diagnosis", "diabetes"),
        ("a1c since he was diagnosed with type 2 diabetes", "after", "diagnosis", "type 2 diabetes"),
        ("how old was she when diagnosed with diabetes", "at", "diagnosis", "diabetes"),
        ("ldl since his stroke", "after", "diagnosis", "stroke"),
        ("weight after hip replacement", "after", "procedure", "hip replacement"),
        ("weight before she underwent hip replacement", "before", "procedure", "hip replacement"),
        ("was she on insulin when she had the hip replacement", "at", "procedure", "hip replacement"),
        ("a1c immediately after surgery", "after", "procedure", None),
        ("a1c right before metformin was started", "before", "start", "metformin"),
        ("a1c once metformin was started", "after", "start", "metformin"),
        ("a1c from the start of metformin onward", "after", "start", "metformin"),
        ("a1c at the time she was last admitted", "at", "admission", None),
        ("When he was last admitted, what was his a1c", "at", "admission", None),
        ("a1c the month after surgery", "after", "procedure", None),
        ("creatinine before surgery", "before", "procedure", None),
        ("preop creatinine", "before", "procedure", None),
        ("labs on the day of surgery", "at", "procedure", None),
        ("weight on admission", "at", "admission", None),
        ("weight when he was admitted", "at", "admission", None),
        ("creatinine since being hospitalized", "after", "admission", None),
        ("bp during the last admission", "during", "admission", None),
        ("weight before discharge", "before", "discharge", None),
        ("bp at the last visit", "at", "visit", None),
        ("bp since the er visit", "after", "visit", "er visit"),
    ],
)
def test_an_event_is_read_with_what_it_happened_to(
    question: str, side: str, event: str, named: str | None
) -> None:
    anchor = reading(question).anchor
    assert anchor is not None
    assert (anchor.side, anchor.event) == (side, event)
    assert (anchor.mention.said if anchor.mention else None) == named
    assert not reading(question).unread


@pytest.mark.parametrize(
    ("question", "age"),
    [("weight at age 60", 60), ("weight when she was 60", 60), ("weight before the age of 50", 50),
     ("a1c when he turned 65", 65), ("bp at 60 years old", 60), ("weight since her 50th birthday", 50)],
)  # fmt: skip
def test_an_age_is_an_event(question: str, age: int) -> None:
    anchor = reading(question).anchor
    assert anchor is not None
    assert (anchor.event, anchor.age) == ("age", age)


@pytest.mark.parametrize(
    ("question", "day"),
    [("a1c 6 months ago", "2026-05-22"), ("a1c about a year ago", "2025-11-22"),
     ("a1c around March 2020", "2020-03"), ("meds as of last June", "2026-06"),
     ("a1c two weeks before 2020-03-15", "2020-03-01"), ("a1c a month after Christmas 2020", "2021-01-25")],
)  # fmt: skip
def test_a_time_that_is_no_window_is_a_moment(question: str, day: str) -> None:
    anchor = reading(question).anchor
    assert anchor is not None
    assert (anchor.event, anchor.day) == ("day", day)
    assert not reading(question).unread


@pytest.mark.parametrize(
    "question",
    ["when was metformin started", "When diagnosed with asthma?", "when did she start metformin",
     "when was she last seen", "is she on insulin"],
)  # fmt: skip
def test_asking_when_is_no_event(question: str) -> None:
    assert reading(question).anchor is None


@pytest.mark.parametrize(
    "question",
    ["a1c since metformin orders", "a1c after insulin level", "weight at 60", "glucose on the 5th",
     "bp over 140/90", "a1c since 2019 and since 2021", "more than 3 a1c results", "at least 2 er visits",
     "a1c 2 weeks before March 2020"],
)  # fmt: skip
def test_what_no_part_can_hold_is_left_unread_or_named_as_no_time(question: str) -> None:
    found = reading(question)
    assert found.unread
    assert found.limits is None or "90" in found.unread


@pytest.mark.parametrize(
    ("question", "above", "below", "unit", "said"),
    [
        ("a1c above 7", 7, None, None, "above 7"),
        ("a1c > 7 %", 7, None, "%", "above 7 %"),
        ("bp over 140", 140, None, None, "above 140"),
        ("glucose under 4 mmol/L", None, 4, "mmol/L", "below 4 mmol/L"),
        ("platelets lower than 150,000", None, 150000, None, "below 150000"),
        ("hemoglobin under 10 g/dL", None, 10, "g/dL", "below 10 g/dL"),
        ("iron under 40 µg/dL", None, 40, "ug/dL", "below 40 ug/dL"),
        ("gfr below 60 ml/min/1.73m2", None, 60, "mL/min/{1.73_m2}", "below 60 mL/min/{1.73_m2}"),
    ],
)
def test_a_limit_is_strict(
    question: str, above: float | None, below: float | None, unit: str | None, said: str
) -> None:
    limits = reading(question).limits
    assert limits is not None
    assert (limits.above, limits.below, limits.unit, limits.said) == (above, below, unit, said)


@pytest.mark.parametrize(
    ("question", "inside", "outside", "said"),
    [
        ("a1c at least 7 %", [7, 7.1], [6.9], "at least 7 %"),
        ("a1c 7 or higher", [7, 7.1], [6.9], "at least 7"),
        ("a1c >= 7", [7, 7.1], [6.9], "at least 7"),
        ("a1c no more than 6.5", [6.5, 6.4], [6.6], "at most 6.5"),
        ("potassium between 3.5 and 5", [3.5, 5], [3.4, 5.1], "from 3.5 to 5"),
    ],
)
def test_a_limit_that_takes_its_number_in_is_strict_beside_it(
    question: str, inside: list[float], outside: list[float], said: str
) -> None:
    limits = reading(question).limits
    assert limits is not None
    assert limits.said == said

    def within(value: float) -> bool:
        return (limits.above is None or value > limits.above) and (
            limits.below is None or value < limits.below
        )

    assert all(map(within, inside))
    assert not any(map(within, outside))


@pytest.mark.parametrize(
    ("question", "unit"),
    [("glucose in mmol/L", "mmol/L"), ("weight in pounds", "[lb_av]"), ("weight in kg", "kg"),
     ("temp in celsius", "Cel"), ("temperature in °F", "[degF]"), ("wbc in 10^9/L", "10*9/L"),
     ("weight converted to kg", "kg"), ("a1c in mmol/mol", "mmol/mol")],
)  # fmt: skip
def test_the_unit_asked_for_is_read_as_ucum(question: str, unit: str) -> None:
    assert reading(question).unit == unit


def test_no_spelling_of_a_unit_means_two() -> None:
    spelled = [
        (tuple(words(spoken)), code)
        for code, spellings in read_table("units")["unit"].items()
        for spoken in spellings
    ]
    assert len({words_of for words_of, _ in spelled}) == len(set(spelled))


def test_a_place_counts_from_the_first_or_back_from_the_last() -> None:
    assert reading("second a1c").nth == 2
    assert reading("the 3rd creatinine").nth == 3
    assert reading("third last creatinine").back == 2
    assert reading("3rd to last creatinine").back == 2
    assert reading("2nd most recent a1c").back == 1
    assert "previous" in reading("second to last a1c").cues


def test_last_visits_are_a_window_and_the_list_of_them_is_none() -> None:
    assert reading("bp over the last five visits").visits == 5
    assert reading("bp at her last 3 appointments").visits == 3
    assert reading("list the last 3 visits").visits is None


@pytest.mark.parametrize(
    ("question", "named"),
    [("type 2 diabetes since 2019", "type 2 diabetes"), ("vitamin b12 in 2019", "vitamin b12"),
     ("ca 19-9 since 2020", "ca 19 9"), ("covid-19 in 2020", "covid 19")],
)  # fmt: skip
def test_a_number_of_a_name_is_part_of_no_time(question: str, named: str) -> None:
    found = reading(question)
    assert [mention.said for mention in found.mentions] == [named]
    assert found.window is not None
    assert not found.unread


NUMBERED = st.lists(
    st.sampled_from(
        words(
            "a1c glucose weight above below over under between and at least age when she was 60 7 3.5 140"
            " 2019 second 3rd last 5 visits % mmol in kg since after metformin insulin surgery 6 months ago"
            " within of the type 2 diabetes or higher first dose years old q1 to"
        )
    ),
    max_size=9,
)


@given(NUMBERED)
def test_any_number_of_a_question_is_in_a_part_of_its_reading_or_unread(tokens: list[str]) -> None:
    found = reading(" ".join(tokens))
    numbers = [token for token in tokens if token[0].isdigit()]
    parts = (found.window, found.anchor, found.limits, found.nth, found.n, found.visits, found.back)
    held = sum(bool(part) for part in parts) + len(found.mentions) + len(found.unread) + bool(found.cues)
    assert not numbers or held


@pytest.mark.parametrize(
    ("question", "taken"),
    [
        ("a1c in Febuary 2020", "february"),
        ("a1c last 6 monhts", "month"),
        ("weight on wednsday", "wednesday"),
    ],
)
def test_a_misspelt_word_of_time_is_put_right_and_told(question: str, taken: str) -> None:
    found = reading(question)
    assert [right for _, right in found.corrected] == [taken]
    assert found.window is not None
    assert not found.unread


@pytest.mark.parametrize("word", ["converted", "admitted", "celsius", "thanksgiving", "spring", "exceeding"])
def test_a_word_of_times_and_numbers_is_never_taken_for_another(word: str) -> None:
    assert reading(f"a1c {word}").corrected == ()


@pytest.mark.parametrize(
    ("question", "above", "below"),
    [
        ("how often has it dipped below 68", None, 68),
        ("a1c that came in over 7", 7, None),
        ("rose above 8", 8, None),
    ],
)
def test_a_value_may_move_to_where_a_limit_lies(
    question: str, above: float | None, below: float | None
) -> None:
    limits = reading(question).limits
    assert limits
    assert (limits.above, limits.below) == (above, below)


@pytest.mark.parametrize("question", ["a1c fell more than 2", "a1c fell above 7", "a1c rose under 7"])
def test_how_far_a_value_moved_is_no_limit_of_it(question: str) -> None:
    held = reading(question)
    assert held.limits is None or "direction" in held.cues


@pytest.mark.parametrize(
    "question",
    ["convert her last weight to pounds", "last weight, pounds please", "last weight but converted into lbs"],
)
def test_a_unit_that_ends_a_question_is_asked_for(question: str) -> None:
    assert reading(question).unit == "[lb_av]"


@pytest.mark.parametrize("question", ["she lost 10 pounds", "not in what she weighs, how many pounds"])
def test_a_unit_of_a_number_or_of_how_many_is_not_asked_for(question: str) -> None:
    assert reading(question).unit is None


def test_a_figure_of_a_time_alone_is_of_that_time() -> None:
    assert reading("highest a1c in 2020 only").unread == ()
    assert reading("was she on metformin only in 2020").unread == ("only",)


def test_an_or_between_words_of_one_meaning_adds_nothing() -> None:
    assert reading("is her a1c rising or falling").unread == ()
    assert reading("is her a1c high or rising").unread == ("or",)


@pytest.mark.parametrize(
    ("question", "meant"),
    [("waht is her a1c", "what"), ("how mnay a1c results", "many"), ("is her a1c noraml", "normal")],
)
def test_two_letters_the_other_way_round_are_put_right(question: str, meant: str) -> None:
    assert [right for _, right in reading(question).corrected] == [meant]


def test_a_word_of_its_own_is_no_other_with_two_letters_swapped() -> None:
    assert reading("is there a form for her a1c").unread == ("form",)
