"""Names that the dictionary does not have are those of the chart's own records."""

from pathlib import Path

import pytest

from agent.models.offline.charted import lookups, names_found, with_names
from agent.models.offline.concepts import load_lexicon
from agent.models.offline.reading import Reading, read
from tests.agent.models.offline.intents.asking import asked
from tests.agent.models.offline.test_reading import NOW

LEXICON = load_lexicon()
RENAE = "Patient/renae-homenick"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("does she have social isolation?", "Yes: Social isolation"),
        ("last Microalbumin/Creatinine [Mass Ratio] in Urine", "mg/g on 2026-03-19"),
        ("does she have Chronic kidney disease stage 3?", "Yes: Chronic kidney disease stage 3"),
        ("housing status?", "I have housing"),
        (
            "last Glomerular filtration rate/1.73 sq M.predicted"
            " in Serum or Plasma by Creatinine-based formula",
            "26.5 mL/min",
        ),
    ],
)
async def test_a_name_of_the_chart_is_asked_for_as_the_chart_calls_it(
    data_dir: Path, question: str, said: str
) -> None:
    answer = await asked(data_dir, RENAE, question)
    assert answer.status == "answered"
    assert said in answer.answer


@pytest.mark.anyio
async def test_a_word_that_no_record_holds_is_refused(data_dir: Path) -> None:
    answer = await asked(data_dir, RENAE, "any zodiac sign?")
    assert answer.status == "refused"
    assert "'zodiac'" in answer.answer


def test_the_longest_unread_words_are_looked_up_as_they_were_written() -> None:
    reading = Reading(unread=("of", "optical", "3", "isolation"), corrected=(("optional", "optical"),))
    assert [action.arguments["text"] for action in lookups(reading)] == ["isolation", "optional"]


def test_a_name_without_its_brackets_is_read_too_and_what_the_dictionary_calls_so_stays() -> None:
    wider = with_names(LEXICON, (("problem", "Refugee (person)"), ("problem", "Asthma"), ("problem", "the")))
    assert read("was she a refugee", NOW, wider).concepts("problem")[0].name == "refugee (person)"
    assert read("asthma", NOW, wider).mentions == read("asthma", NOW, LEXICON).mentions
    assert read("the asthma", NOW, wider).mentions == read("the asthma", NOW, LEXICON).mentions
    assert names_found([]) == ()
