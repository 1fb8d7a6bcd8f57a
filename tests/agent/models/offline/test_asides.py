"""What stands around a question is left out of it where it asks nothing."""

from datetime import date

import pytest

from agent.models.offline.asides import is_aside, without_asides
from agent.models.offline.planner import OfflinePlanner

PLANNER = OfflinePlanner()
NOW = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("said", "question"),
    [
        ("I'm writing the one-liner, how old is he?", "how old is he?"),
        ("For the H&P: when was the last CT?", "when was the last CT?"),
        ("For the consult note I need the highest sat", "I need the highest sat"),
        ("Radiology is asking when he last had a CT", "when he last had a CT"),
        ("her insurance for the SNF referral.", "her insurance"),
        ("the median SpO2 during 2017 for the audit sheet", "the median SpO2 during 2017"),
        ("her last A1c, I need it for rounds", "her last A1c"),
        ("Nurse here, what is he allergic to?", "what is he allergic to?"),
        ("Pre-op form asks if she has had a colonoscopy", "she has had a colonoscopy"),
        ("I'm writing the admission note and need her problems", "need her problems"),
        ("For the DRG grouping I need her last stay", "I need her last stay"),
        ("Is the sprain over, or is it still active?", "Is the sprain over"),
        ("her last chest x-ray, the specialist wants a copy", "her last chest x-ray"),
        ("Any allergies I should know about?", "Any allergies"),
        ("Before anesthesia, what does she drink?", "what does she drink?"),
        ("her age to calculate the score, please", "her age"),
        ("date of birth for the lab label", "date of birth"),
    ],
)
def test_what_the_asker_is_at_and_what_it_is_for_is_left_out(said: str, question: str) -> None:
    assert without_asides(said)[0] == question


@pytest.mark.parametrize(
    "said",
    [
        "reason for the referral",
        "indication for the consult?",
        "I'm looking only at final results, last A1c",
        "I have to know when she was seen in 2019",
        "She wants to know the INR",
        "# of flu shots",
        "admitting diagnosis, last stay",
        "Going back to 2019, what was the A1c?",
        "what is she on for the consult",
    ],
)
def test_what_may_tell_which_records_are_meant_stays(said: str) -> None:
    assert without_asides(said)[0] == said


def test_a_clause_that_names_what_is_asked_about_is_never_left_out() -> None:
    told = PLANNER.read(["what dose of metformin is she on?", "I'm writing the letter, and why?"], NOW)
    assert len(told) == 1
    with pytest.raises(Exception, match="look-ups"):
        PLANNER.read(["what dose of metformin is she on?", "I need to reorder enoxaparin, and why?"], NOW)


@pytest.mark.parametrize(
    ("before", "question", "intent", "about"),
    [
        ("", "About to expose him to aspirin, any allergy to it?", "allergic_to_drug", ["aspirin"]),
        ("last A1c", "I need to reorder enoxaparin, is she on it?", "on_drug", ["enoxaparin"]),
        ("", "Before I order contrast, what are her allergies?", "allergies", []),
    ],
)
def test_a_clause_tells_what_it_is_where_it_is_pointed_at(
    before: str, question: str, intent: str, about: list[str]
) -> None:
    reading, found = PLANNER.interpret([before, question] if before else [question], NOW)
    assert (found.name, [one.said for one in reading.mentions]) == (intent, about)


def test_what_an_act_of_the_asker_names_is_never_asked_of_what_was_told_before() -> None:
    with pytest.raises(Exception, match="look-ups"):
        PLANNER.read(["is she on metformin?", "About to give heparin, when was the last dose?"], NOW)


@pytest.mark.parametrize(
    ("text", "aside"),
    [("I'm writing the letter.", True), ("I'm on call tonight", True), ("She is on aspirin.", False)],
)
def test_a_sentence_about_the_asker_alone_asks_nothing(text: str, aside: bool) -> None:
    assert is_aside(text) is aside


def test_a_question_is_answered_after_such_a_sentence() -> None:
    reading, intent = PLANNER.interpret(["I'm writing the letter. What was the last A1c?"], NOW)
    assert (intent.name, reading.mentions[0].said) == ("latest_result", "a1c")


def test_a_misspelt_word_before_the_question_is_put_right_and_told() -> None:
    reading, intent = PLANNER.interpret(["Trying to see wether the weight is rising"], NOW)
    assert (intent.name, reading.corrected) == ("trend", (("wether", "whether"),))
