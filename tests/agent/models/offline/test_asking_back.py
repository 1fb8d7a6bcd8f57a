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
CARBON_DIOXIDE = (
    Candidate("Carbon dioxide, total [Moles/volume] in Blood", "20565-8", 17),
    Candidate("Carbon dioxide, total [Moles/volume] in Serum or Plasma", "2028-9", 14),
    Candidate("Bicarbonate; arterial", "1960-4", 4),
    Candidate("CO2 exhaled", "LOCAL-7", 1),
)


def test_the_candidates_are_called_by_their_everyday_names() -> None:
    asked = asked_back(f"[invalid_request] {Ambiguous('troponin', TROPONINS)}")
    assert asked == 'Which "troponin" is meant? This chart has troponin I, 3 records; troponin T, 1 record.'


def test_what_goes_by_one_everyday_name_is_one_candidate_and_what_has_none_keeps_its_own() -> None:
    asked = asked_back(str(Ambiguous("co2", CARBON_DIOXIDE)))
    assert asked == (
        'Which "co2" is meant? This chart has total carbon dioxide, 31 records; bicarbonate, 4 records; '
        "CO2 exhaled (code LOCAL-7), 1 record."
    )


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


def test_a_limit_without_a_unit_is_asked_back_in_words_of_the_question() -> None:
    told = "The values are recorded in %, mmol/mol: say with `unit` which one the number is in"
    asked = asked_back(f"[invalid_request] {told}")
    assert asked == "The values are recorded in %, mmol/mol: say in the question which one the number is in."
