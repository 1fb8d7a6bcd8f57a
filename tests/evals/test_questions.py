from collections import Counter
from datetime import UTC, datetime

import pytest

from evals.questions import Question, build, out_of_reach
from fhir_fixtures.charts import patients, resources

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    return build(resources(), NOW)


def test_the_questions_cover_every_intent_and_every_chart(questions: list[Question]) -> None:
    assert len(questions) >= 60
    assert len({one.id for one in questions}) == len(questions)
    assert {one.patient for one in questions} == {f"Patient/{patient.id}" for patient in patients()}
    assert min(Counter(one.intent for one in questions).values()) >= 20


def test_the_gold_of_a_known_chart_is_what_its_author_wrote(questions: list[Question]) -> None:
    amara = [one for one in questions if one.patient == "Patient/hard-amara-okafor"]
    gold = {one.intent: one.gold for one in amara if one.intent != "latest"}
    assert gold["birth_date"].values[0][0] == "1968-03-14"
    assert gold["allergies"].refs == {"AllergyIntolerance/hard-amara-okafor-penicillin"}
    assert "MedicationRequest/hard-amara-okafor-no-pioglitazone" not in gold["medications"].refs


def test_questions_out_of_reach_go_to_charts_in_turn() -> None:
    asked = out_of_reach(["Patient/a", "Patient/b"])
    assert len(asked) >= 20
    assert {one.patient for one in asked} == {"Patient/a", "Patient/b"}
    assert {one.gold.status for one in asked} == {"refused"}
