"""count_patients: what it says, what it hides, and what it refuses."""

import json
from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from fhir_fixtures import charts
from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.surface.server import build_server
from tests.mcp_servers.fhir.conftest import NOW
from tests.mcp_servers.fhir.counting import counted, counting
from tests.mcp_servers.fhir.scripted import (
    ScriptedFhir,
    ScriptedRecorder,
    bundle,
    capability_statement,
    fhir,
    http_to,
    observation,
)
from tests.mcp_servers.fhir.sessions import data, text


@pytest.mark.anyio
async def test_nobody_found_beside_values_that_are_not_compared_is_not_nothing_recorded() -> None:
    code = {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]}
    quantities = {"p1": {"value": 6, "unit": "%"}, "p2": {"value": 9, "unit": "zorb"}}
    results = [observation(who, who, code=code, valueQuantity=one) for who, one in quantities.items()]
    async with http_to(ScriptedFhir(results)) as http:
        found = await counted(http, {"measurement": "a1c", "above": 7})
    assert (found["rows"][0]["patients"], found["finding"], found["truncated"]) == (0, "recorded", True)
    assert "Not exact" in found["notes"][0]


@pytest.mark.anyio
async def test_a_call_names_no_patient_and_is_on_the_trail_with_its_query(samples: Starlette) -> None:
    recorder = ScriptedRecorder()
    asked = {"condition": "type 2 diabetes", "medication": "metformin"}
    async with http_to(samples, "http://x/fhir") as http, counting(http, 0, recorder) as client:
        result = await client.call_tool("count_patients", asked)
    (call,) = recorder.calls
    assert {name: value for name, value in call.arguments.items() if value is not None} == {
        **asked,
        "value": "latest",
    }
    assert call.patient is None
    assert call.completion is not None
    assert (call.completion["patients"], call.completion["refs"]) == ([], [])
    answered = text(result) + str(data(result))
    assert not any(one.id in answered or one.name in answered for one in charts.patients())


@pytest.mark.anyio
async def test_small_counts_and_what_gives_them_away_are_not_shown(samples: Starlette) -> None:
    women = sum(one.sex == "female" for one in charts.patients())
    async with http_to(samples, "http://x/fhir") as http:
        few = await counted(http, {"condition": "gout"}, smallest=5)
        apart = await counted(http, {"sex": "female", "min_age": 0}, smallest=women)
        plain = await counted(http, {"sex": "female"}, smallest=5)
    assert few["rows"][0]["patients"] == "<5"
    assert apart["rows"][0]["patients"] in (f"<{women}", "not shown")
    assert plain["rows"][0]["patients"] == women
    assert not any("left out" in note for note in few["notes"])


@pytest.mark.anyio
async def test_where_small_counts_are_hidden_no_note_tells_how_many_records_there_are() -> None:
    coding = {"system": "http://snomed.info/sct", "code": "44054006", "display": "Type 2 diabetes"}
    problems = [
        {
            "resourceType": "Condition",
            "id": f"c{n}",
            "subject": {"reference": f"Patient/p{n}"},
            "code": {"coding": [coding], "text": "left out of what is compared"},
        }
        for n in range(3)
    ]

    def consented(request: Request) -> Response:
        return fhir({**json.loads(bytes(bundle(request, problems).body)), "total": 60})

    statement = capability_statement()
    parameters = [{"name": "patient", "type": "reference"}, {"name": "code", "type": "token"}]
    statement["rest"][0]["resource"].append({"type": "Condition", "searchParam": parameters})
    app = ScriptedFhir(script={"Condition": consented, "metadata": lambda _: fhir(statement)})
    async with http_to(app) as http:
        shown = await counted(http, {"condition": "44054006"})
        hidden = await counted(http, {"condition": "44054006"}, smallest=5)
    assert "condition: 44054006: only 3 Condition records were read." in shown["notes"]
    assert hidden["rows"][0]["patients"] == "<5"
    assert not any("3" in note or "60" in note for note in hidden["notes"]), hidden["notes"]


@pytest.mark.parametrize("sex", ["female", "other"])
@pytest.mark.anyio
async def test_of_a_few_patients_nobody_learns_whether_some_or_none_meet_the_rest(
    samples: Starlette, sex: str
) -> None:
    asked = {"condition": "gout", "sex": sex}
    async with http_to(samples, "http://x/fhir") as http:
        exact = await counted(http, asked)
        found = await counted(http, asked, smallest=30)
    assert (exact["rows"][0]["patients"] == 0) == (sex == "other")
    assert [row["patients"] for row in found["rows"][:2]] == ["not shown", "<30"]
    assert found["finding"] == "recorded"


@pytest.mark.anyio
async def test_counting_is_offered_only_with_the_permission_and_only_unbound(samples: Starlette) -> None:
    async with http_to(samples, "http://x/fhir") as http:
        for patient_bound, cohorts in ((None, False), ("hard-amara-okafor", True)):
            server = build_server(
                FhirClient(http), ScriptedRecorder(), patient=patient_bound, now=NOW, cohorts=cohorts
            )
            async with Client(server) as client:
                offered = {tool.name for tool in (await client.list_tools()).tools}
                refused = await client.call_tool("count_patients", {})
            assert "count_patients" not in offered
            assert refused.is_error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"measurement": "a1c"}, "needs `above` or `below`"),
        ({"above": 7}, "needs `above` or `below`"),
        ({"min_age": 50, "max_age": 40}, "`min_age` is above `max_age`"),
        ({"condition": "zorbitis"}, "no condition that the dictionary knows"),
        ({"medication": "diabetes"}, "no drug that the dictionary knows"),
        ({"condition": "diabetes and gout"}, "may mean Diabetes mellitus, Gout; ask for one"),
        ({"measurement": "troponin", "above": 1}, "may mean Troponin I, Troponin T"),
        ({"unit": "kg", "sex": "female"}, "`unit` and `value` need a measurement"),
        ({"value": "any", "condition": "asthma"}, "`unit` and `value` need a measurement"),
        ({"measurement": "a1c", "above": 9, "below": 7}, "no value lies between"),
        ({"measurement": "bp", "above": 140}, "Systolic blood pressure or Diastolic blood pressure"),
    ],
)
@pytest.mark.anyio
async def test_criteria_that_cannot_be_read_say_what_to_give(
    samples: Starlette, arguments: dict[str, Any], said: str
) -> None:
    async with http_to(samples, "http://x/fhir") as http, counting(http) as client:
        result = await client.call_tool("count_patients", arguments)
    assert text(result).startswith("[invalid_request]")
    assert said in text(result)


@pytest.mark.anyio
async def test_a_unit_in_which_nothing_can_be_compared_is_refused_with_those_recorded(
    samples: Starlette,
) -> None:
    async with http_to(samples, "http://x/fhir") as http, counting(http) as client:
        for unit, said in (("cm", "one of those recorded: kg"), ("zorb", "must be a UCUM unit")):
            asked = {"measurement": "weight", "above": 1, "unit": unit}
            result = await client.call_tool("count_patients", asked)
            assert text(result).startswith("[invalid_request]")
            assert said in text(result)
