"""The course of a condition: since when, ended when, by whom, how many times."""

import pytest

from tests.agent.models.offline.intents.answers import ABSENT, AMARA, FOUND, LUCIA, check_answer

CASES = [
    # patient, question, status, what the answer says, and what it must not say
    (AMARA, "since when does she have hypertension?", FOUND, ["onset 2015)"], ["2015-10", "Yes"]),
    (AMARA, "when did she develop gout?", FOUND, ["onset 2021-02-11"], []),
    (AMARA, "date of onset of her eczema", FOUND, ["onset 1980"], ["2026-03"]),
    (LUCIA, "since when does she have migraine?", FOUND, ["onset in her teens"], []),
    (LUCIA, "how long has she had asthma?", FOUND, ["its onset is no date", "at age 7 years"], []),
    (AMARA, "how long has she had breast cancer?", FOUND, ["when it ended is not recorded"], []),
    (AMARA, "when did the pneumonia resolve?", FOUND, ["Ended: Pneumonia", "2019-02-01"], []),
    (AMARA, "has the gout resolved?", FOUND, ["Still recorded as active: Gout"], ["Ended"]),
    (AMARA, "when was the pneumonia over?", FOUND, ["Ended: Pneumonia", "2019-02-01"], []),
    (AMARA, "pneumonia: onset and resolution?", FOUND, ["onset 2019-01-07, ended 2019-02-01"], []),
    (AMARA, "course of the pneumonia, with dates", FOUND, ["onset 2019-01-07, ended 2019-02-01"], []),
    (AMARA, "how long has gout been on the list, since what date?", FOUND, ["from 2021-02-11"], []),
    (AMARA, "is her breast cancer in remission?", FOUND, ["the date of the end is not recorded"], []),
    (LUCIA, "when did the shingles clear up?", FOUND, ["Ended: Herpes zoster", "after six weeks"], []),
    (AMARA, "when did her COPD resolve?", FOUND, ["No, recorded as ruled out"], []),
    (AMARA, "who diagnosed her diabetes?", FOUND, ["The record does not name who: Diabetes"], []),
    (AMARA, "how many times has she had pneumonia?", FOUND, ["1 problem record: Pneumonia"], []),
    (AMARA, "how many times has she had a stroke?", ABSENT, ["No problem record matches"], []),
    ("renae-homenick", "how often has she had sinusitis?", FOUND, ["10 problem records"], []),
    (AMARA, "when did she have pneumonia?", FOUND, ["onset 2019-01-07, ended 2019-02-01"], []),
    ("renae-homenick", "when was her last sinusitis?", FOUND, ["onset 2009-04-27"], ["1990"]),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("patient", "question", "status", "said", "unsaid"), CASES)
async def test_the_course_of_a_condition_is_told_from_its_records(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str]
) -> None:
    await check_answer(patient, question, status, said, unsaid)
