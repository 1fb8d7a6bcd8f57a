"""The questions of `models check` beside the gold answers, which share no code with the product."""

from datetime import datetime

from agent.model_check import NOW, questions
from evals.questions import build
from fhir_fixtures.charts import resources


def test_what_counts_as_right_is_what_the_gold_answers_say() -> None:
    gold = {
        (one.patient, one.text): one.gold
        for one in build(list(resources()), datetime.fromisoformat(f"{NOW}T12:00:00+00:00"))
    }
    for one in questions():
        right = gold[one.patient or "", one.text]
        assert "|".join(one.status) == right.status
        assert one.says == tuple(map(tuple, right.values))
        assert one.absent == tuple(right.absent)
