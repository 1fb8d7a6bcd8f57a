"""Values within a threshold: converted, or left out and said."""

from typing import Any

import pytest
from starlette.applications import Starlette

from tests.mcp_servers.fhir.counting import counted
from tests.mcp_servers.fhir.scripted import Resource, ScriptedFhir, http_to, observation


@pytest.mark.parametrize(
    ("given", "converted"),
    [
        ({"measurement": "weight", "above": 90, "unit": "kg"}, {"above": 198.416, "unit": "lb"}),
        ({"measurement": "temperature", "above": 37.5}, {"above": 99.5, "unit": "F"}),
        ({"measurement": "glucose", "above": 126, "unit": "mg/dL"}, {"above": 6.994, "unit": "mmol/L"}),
        ({"measurement": "a1c", "above": 7, "unit": "%"}, {"above": 53, "unit": "mmol/mol"}),
    ],
)
@pytest.mark.anyio
async def test_a_threshold_in_another_unit_counts_the_same_patients(
    samples: Starlette, given: dict[str, Any], converted: dict[str, Any]
) -> None:
    async with http_to(samples, "http://x/fhir") as http:
        plain = await counted(http, given)
        other = await counted(http, given | converted)
    assert other["rows"][0]["patients"] == plain["rows"][0]["patients"] > 0
    assert other["rows"][0]["name"].endswith(
        f" above {converted['above']} {converted.get('unit', '')}".rstrip()
    )
    assert not other["truncated"]


@pytest.mark.anyio
async def test_a_value_to_come_withdrawn_or_with_a_comparator_is_left_out_and_said() -> None:
    def result(who: str, **more: Any) -> Resource:
        coding = {"system": "http://loinc.org", "code": "4548-4"}
        quantity = {"value": 8, "unit": "%"}
        at = {"effectiveDateTime": "2026-01-01", "valueQuantity": quantity}
        return observation(who, who, code={"coding": [coding]}, **{**at, **more})

    results = [
        result("p1"),
        result("p2", effectiveDateTime="2026-12-24"),
        result("p3", status="entered-in-error"),
        result("p4", valueQuantity={"value": 64, "unit": "mmol/mol"}),
        result("p5", valueQuantity={"value": 8, "unit": "%", "comparator": ">"}),
        result("p6", valueQuantity={"value": 6, "unit": "%"}),
        result("p7", subject={"reference": "Group/g"}),
        result("p8", valueQuantity=None, valueString="high"),
        result("p9", status="cancelled"),
    ]
    async with http_to(ScriptedFhir(results)) as http:
        found = await counted(http, {"measurement": "a1c", "above": 7})
    assert found["rows"][0]["patients"] == 2
    said = " ".join(found["notes"])
    for part in (
        "1 dated after now",
        "1 entered-in-error",
        "1 cancelled",
        "1 without a patient",
        "1 without a number",
        "1 in > %",
        "in %, as recorded: 2 %, 1 mmol/mol",
    ):
        assert part in said, part


@pytest.mark.anyio
async def test_whole_numbers_are_compared_as_quantities_are() -> None:
    code = {"coding": [{"system": "http://loinc.org", "code": "44261-6"}]}
    scores = [observation(f"p{n}", f"p{n}", code=code, valueInteger=n) for n in (4, 12)]
    async with http_to(ScriptedFhir(scores)) as http:
        found = await counted(http, {"measurement": "PHQ-9", "above": 9})
    assert (found["rows"][0]["patients"], found["truncated"]) == (1, False)


@pytest.mark.anyio
async def test_a_release_makes_no_value_the_latest() -> None:
    code = {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]}
    dates = [(6, {"effectiveDateTime": "2026-01-01"}), (9, {"issued": "2026-02-01T00:00:00Z"})]
    results = [
        observation(f"o{value}", "p", code=code, valueQuantity={"value": value, "unit": "%"}, **date)
        for value, date in dates
    ]
    async with http_to(ScriptedFhir(results)) as http:
        latest = await counted(http, {"measurement": "a1c", "above": 7})
        whichever = await counted(http, {"measurement": "a1c", "above": 7, "value": "any"})
    assert [one["rows"][0]["patients"] for one in (latest, whichever)] == [0, 1]


@pytest.mark.anyio
async def test_the_part_of_a_panel_is_compared_as_a_value_of_its_own() -> None:
    def pressure(who: str, systolic: int) -> Resource:
        coding = {"system": "http://loinc.org", "code": "8480-6"}
        part = {"code": {"coding": [coding]}, "valueQuantity": {"value": systolic, "unit": "mm[Hg]"}}
        return observation(who, who, code={"text": "Blood pressure"}, component=[part])

    async with http_to(ScriptedFhir([pressure("p1", 150), pressure("p2", 120)])) as http:
        found = await counted(http, {"measurement": "systolic blood pressure", "above": 140})
    assert (found["rows"][0]["patients"], found["truncated"]) == (1, False)
