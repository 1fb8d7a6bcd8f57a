"""A name that fits several measurements is asked back, by names that a question can use."""

import pytest

from agent.errors import CannotAnswer
from agent.messages import ToolResult
from agent.models.offline.asking_back import asked_back
from agent.models.offline.chart import Chart, observations
from mcp_servers.fhir.charts import Ambiguous
from mcp_servers.fhir.charts.measurement_names import Candidate

TROPONINS = (
    Candidate("Troponin I.cardiac [Mass/volume] in Serum or Plasma", "10839-9", 3),
    Candidate("Troponin T.cardiac [Mass/volume] in Serum or Plasma", "6598-7", 1),
)
TWO_OF_ONE = (Candidate("HbA1c (HPLC)", "4548-4", 2), Candidate("HbA1c; IFCC", "59261-8", 1))


def test_the_candidates_are_called_by_their_everyday_names() -> None:
    asked = asked_back(f"[invalid_request] {Ambiguous('troponin', TROPONINS)}")
    assert asked == 'Which "troponin" is meant? This chart has troponin I (3 records); troponin T (1 record).'


def test_candidates_of_one_everyday_name_are_told_apart_by_the_charts_names_and_codes() -> None:
    asked = asked_back(str(Ambiguous("a1c", TWO_OF_ONE)))
    assert "HbA1c (HPLC) (code 4548-4, 2 records); HbA1c; IFCC (code 59261-8, 1 record)." in asked


def test_how_many_more_there_are_is_kept() -> None:
    many = [Candidate(f"Allergen {n}", f"L-{n}", 1) for n in range(13)]
    assert asked_back(str(Ambiguous("allergen", many))).endswith("; and 3 more.")


def test_another_error_stays_as_it_is() -> None:
    assert asked_back("[invalid_request] `since` is no date") == "[invalid_request] `since` is no date"


def test_the_planner_refuses_with_the_question_back() -> None:
    call = observations("troponin", "latest")
    text = f"[invalid_request] {Ambiguous('troponin', TROPONINS)}"
    chart = Chart([ToolResult(tool=call.tool, arguments=call.arguments, text=text, error="invalid_request")])
    with pytest.raises(CannotAnswer, match='Which "troponin" is meant'):
        chart.fetch(call)
