"""Follow-up questions: what they take from the question before, and when they are refused."""

import gc
from datetime import date
from weakref import ref

import pytest

from agent.errors import CannotAnswer
from agent.models.offline import OfflinePlanner
from agent.models.offline.concepts import Concept, load_lexicon
from agent.models.offline.conversation import last_parts

NOW = date(2026, 11, 22)
PLANNER = OfflinePlanner()


@pytest.mark.parametrize(
    ("questions", "intent", "about", "window"),
    [
        (["last A1c", "and potassium?"], "latest_result", ["potassium"], None),
        (["highest A1c in 2019", "what about creatinine?"], "statistics", ["creatinine"], "2019"),
        (["last A1c", "what about in 2018?"], "latest_result", ["hemoglobin A1c"], "2018"),
        (["last A1c", "and the lowest?"], "statistics", ["hemoglobin A1c"], None),
        (["last A1c", "and how many?"], "count_results", ["hemoglobin A1c"], None),
        (["last A1c", "and active problems?"], "active_problems", [], None),
        (["last A1c", "any allergies?"], "allergies", [], None),
        (["is she on metformin", "and insulin?"], "on_drug", ["insulin"], None),
        (["is she on metformin", "and what dose?"], "on_drug", ["metformin"], None),
        (["does she have diabetes?", "and asthma?"], "has_problem", ["asthma"], None),
        (["is she on metformin?", "since when?", "what dose?", "and aspirin?"], "on_drug", ["aspirin"], None),
        (["when was her last visit?", "how many has she had in 2019?"], "visits", [], "2019"),
        (["last A1c", "why?", "last weight", "and height?"], "latest_result", ["body height"], None),
        (["is she on metformin?", "since when?", "and aspirin?"], "drug_started", ["aspirin"], None),
        (
            ["is she on metformin?", "who prescribed it?", "and aspirin?"],
            "drug_prescriber",
            ["aspirin"],
            None,
        ),
        (["is she on metformin?", "why?", "still?"], "on_drug", ["metformin"], None),
        (["was she on metformin?", "why?", "and in 2019?"], "was_on_drug", ["metformin"], "2019"),
        (["last potassium", "the first one?"], "statistics", ["potassium"], None),
        (["is her A1c high?", "what was it in 2019?"], "series", ["hemoglobin A1c"], "2019"),
        (["highest A1c in 2019", "what is it now?"], "latest_result", ["hemoglobin A1c"], None),
        (
            ["which A1c results were abnormal?", "the latest of those?"],
            "last_abnormal",
            ["hemoglobin A1c"],
            None,
        ),
        (["abnormal A1c results?", "and the latest one overall?"], "latest_result", ["hemoglobin A1c"], None),
        (
            ["how many A1c results in 2019?", "and how many LDL?"],
            "count_results",
            ["LDL cholesterol"],
            "2019",
        ),
        (
            ["how many A1c results in 2019?", "highest in that year?"],
            "statistics",
            ["hemoglobin A1c"],
            "2019",
        ),
        (["highest A1c in 2019", "average then?"], "statistics", ["hemoglobin A1c"], "2019"),
        (["last A1c", "how long ago was that?", "and LDL?"], "time_since", ["LDL cholesterol"], None),
        (["active problems?", "past ones?"], "ended_problems", [], None),
        (["first potassium?", "and the last?"], "latest_result", ["potassium"], None),
        (["does she have asthma?", "tell me its story"], "problem_story", ["asthma"], None),
        (["last A1c", "Can I see all of them?"], "series", ["hemoglobin A1c"], None),
        (["has she had a flu shot?", "list them all"], "immunizations", ["influenza vaccine"], None),
        (["how many A1c results in 2019?", "what were the values?"], "series", ["hemoglobin A1c"], "2019"),
        (["last glucose", "could you give that in mmol/L?"], "latest_result", ["glucose"], None),
        (["average A1c in 2019", "LDL too, please"], "statistics", ["LDL cholesterol"], "2019"),
        (["last A1c", "what was the value before that one?"], "previous_result", ["hemoglobin A1c"], None),
        (["last A1c", "how long has it been since then?"], "time_since", ["hemoglobin A1c"], None),
        (["last A1c", "what's the mean of all of them?"], "statistics", ["hemoglobin A1c"], None),
        (["last A1c", "how old is she?"], "demographics", [], None),
        (
            ["average A1c in 2019", "C reactive protein [Mass/volume] in Serum or Plasma?"],
            "statistics",
            ["C reactive protein"],
            "2019",
        ),
        (["average A1c in 2019", "LDL?"], "statistics", ["LDL cholesterol"], "2019"),
        (["last A1c", "and prior?", "same for LDL"], "previous_result", ["LDL cholesterol"], None),
        (["last A1c", "and prior?", "what about LDL?"], "latest_result", ["LDL cholesterol"], None),
        (["any allergies?", "and potassium?"], "latest_result", ["potassium"], None),
        (["does she have asthma?", "any other problems?"], "active_problems", [], None),
        (["does she have asthma?", "everything else that's active"], "active_problems", [], None),
        (["is she on metformin?", "what else is she on?"], "current_medications", [], None),
        (["A1c in March 2019?", "and in April?"], "series", ["hemoglobin A1c"], "2019-04"),
        (["lowest A1c", "any above 9?"], "beyond", ["hemoglobin A1c"], None),
        (["was she on warfarin?", "when was it stopped?", "why?"], "drug_stopped", ["warfarin"], None),
        (["last ER visit?", "and how many times has she been in?"], "visits", ["EMER"], None),
        (["last A1c", "Great. And LDL?"], "latest_result", ["LDL cholesterol"], None),
        (["metformin?", "how many times has it been ordered?"], "drug_ordered", ["metformin"], None),
        (["I see metformin in the chart, who prescribed that?"], "drug_prescriber", ["metformin"], None),
        (["Let's look at her A1c in 2019. What was the highest?"], "statistics", ["hemoglobin A1c"], "2019"),
    ],
)
def test_a_follow_up_takes_what_it_leaves_unsaid_from_the_question_before(
    questions: list[str], intent: str, about: list[str], window: str | None
) -> None:
    reading, taken = PLANNER.interpret(questions, NOW)
    assert taken.name == intent
    names = [{concept.name for concept in one.concepts.values()} for one in reading.mentions]
    assert len(names) == len(about)
    assert all(name in found for name, found in zip(about, names, strict=True))
    assert (reading.window.since if reading.window else None) == window


@pytest.mark.parametrize(
    ("questions", "since"),
    [
        (["how many visits in 2019", "and the year before?"], "2018"),
        (["how many visits in 2019", "and the year before?", "and the year before that?"], "2017"),
        (["highest A1c in 2019", "what about the following year?"], "2020"),
        (["highest A1c in 2019", "and overall?"], None),
        (["how many A1c results in 2019?", "how many in total?"], None),
        (["last A1c in 2019", "and now?"], None),
        (["highest A1c in 2019", "and the highest ever?"], None),
        (["highest A1c in 2019", "how many in total?"], None),
        (["how many A1c results in 2019?", "And altogether, over all years?"], None),
        (["average A1c in 2019", "over all the years together?"], None),
        (["how many A1c results in 2019?", "and since then?"], "2020-01-01"),
        (["was she on metformin in 2019?", "is she still on it?"], None),
    ],
)
def test_a_time_is_moved_or_lifted_by_the_words_for_it(questions: list[str], since: str | None) -> None:
    reading, _ = PLANNER.interpret(questions, NOW)
    assert (reading.window.since if reading.window else None) == since
    assert reading.mentions == PLANNER.interpret(questions[:1], NOW)[0].mentions


@pytest.mark.parametrize("questions", [["last A1c", "and the year before?"], ["any allergies?", "overall?"]])
def test_a_time_that_nobody_told_is_not_moved(questions: list[str]) -> None:
    with pytest.raises(CannotAnswer, match="I answer look-ups such as"):
        PLANNER.interpret(questions, NOW)


def test_a_bare_name_is_taken_as_of_the_kind_that_was_asked_about() -> None:
    assert PLANNER.interpret(["last tetanus shot", "flu?"], NOW)[1].name == "immunizations"
    assert PLANNER.interpret(["last A1c", "flu?"], NOW)[1].name == "has_problem"


def test_the_one_before_a_value_that_was_judged_is_the_value_before() -> None:
    reading, intent = PLANNER.interpret(["is her A1c high?", "and the one before?"], NOW)
    assert (intent.name, reading.back) == ("previous_result", 1)


def test_a_name_after_a_question_about_notes_is_what_the_notes_are_asked_about() -> None:
    questions = ["what do the notes say about dizziness?", "and fatigue?"]
    reading, intent = PLANNER.interpret(questions, NOW)
    assert (intent.name, reading.topic) == ("note_mentions", "fatigue")


def test_the_last_one_is_of_what_was_asked_about() -> None:
    reading, intent = PLANNER.interpret(["immunizations", "when was the last one?"], NOW)
    assert intent.name == "immunizations"
    assert "latest" in reading.cues
    assert reading.n is None


def test_each_one_before_that_goes_one_result_further_back() -> None:
    first, intent = PLANNER.interpret(["last A1c", "and the one before that?"], NOW)
    second, _ = PLANNER.interpret(["last A1c", "and the one before that?", "and before that?"], NOW)
    assert intent.name == "previous_result"
    assert (first.back, second.back) == (1, 2)


@pytest.mark.parametrize(
    "questions",
    [
        ["and the one before that?"],
        ["when was that?"],
        ["why?", "and that?"],
        ["last A1c", "what about her mother?"],
        ["any allergies?", "and the one before that?"],
        ["highest A1c", "and the one before that?"],
        ["last 3 A1c", "and the one before that?"],
        ["last A1c", "is that ok?"],
        ["last A1c", "should we stop metformin?", "when was that?"],
        ["why?"],
        ["is that high?"],
        ["last A1c", "and her husband?"],
        ["last A1c", "is that safe?"],
        ["last A1c", "does she snore a lot?", "what about LDL?"],
        ["last visit", "what was she given?"],
        ["which A1c results were abnormal?", "and the one before?"],
        ["any since then?"],
        ["current meds?", "any of them for her weight?"],
        ["last A1c on 2019-03-05", "and the last one before that?"],
        ["alcohol?", "drugs?"],
        ["does she drink?", "any drugs?"],
        ["is she a smoker?", "and drugs?"],
    ],
)
def test_a_follow_up_that_fits_nothing_before_it_is_refused(questions: list[str]) -> None:
    with pytest.raises(CannotAnswer, match="I answer look-ups such as"):
        PLANNER.interpret(questions, NOW)


def test_how_a_question_was_read_is_forgotten_with_the_names_that_it_was_read_by() -> None:
    names = load_lexicon()
    names.concepts[("zodiac",)] = {"problem": Concept("problem", "zodiac", (("zodiac",),))}
    asked = ["any zodiac?", "since when?"]
    assert last_parts(asked, NOW, names) == last_parts(asked, NOW, names)
    held = ref(names)
    del names
    gc.collect()
    assert held() is None
