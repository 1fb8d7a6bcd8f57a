"""observations: units, limits and events as arguments, on the hand-made charts."""

from typing import Any

import pytest
from starlette.applications import Starlette

from tests.mcp_servers.fhir.scripted import ScriptedFhir, ScriptedRecorder, observation
from tests.mcp_servers.fhir.sessions import data, session, text

OKAFOR = "hard-amara-okafor"


async def _asked(embedded: Starlette, **arguments: Any) -> dict[str, Any]:
    async with session(embedded, OKAFOR) as client:
        return data(await client.call_tool("observations", arguments))


async def _refused(embedded: Starlette, **arguments: Any) -> str:
    async with session(embedded, OKAFOR) as client:
        result = await client.call_tool("observations", arguments)
    assert result.is_error
    return text(result)


@pytest.mark.anyio
async def test_results_of_two_units_are_one_series_in_the_unit_asked_for(embedded: Starlette) -> None:
    found = await _asked(embedded, name="HbA1c", mode="series", unit="mmol/mol")
    assert {row["unit"] for row in found["rows"]} == {"mmol/mol"}
    assert [row.get("recorded") for row in found["rows"]] == ["7.1 %", "7.4 %", None, "8.2 %"]
    assert any("NGSP/IFCC" in note for note in found["notes"])


@pytest.mark.anyio
async def test_a_count_above_a_number_is_one_exact_call(embedded: Starlette) -> None:
    found = await _asked(embedded, name="HbA1c", mode="count", above=7.5, unit="%")
    assert [(row["n"], row["of"]) for row in found["rows"]] == [(2, 4)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": "zonulin"}, "[invalid_request] No measurement of this chart is known as `zonulin`"),
        ({"name": "HbA1c", "above": 7}, "[invalid_request] The values are recorded in %, mmol/mol"),
        ({"name": "HbA1c", "unit": "bananas"}, "[invalid_request] `unit` must be a UCUM unit"),
        ({"name": "HbA1c", "near": "2025"}, "[invalid_request] `near` must be a day"),
        ({"name": "HbA1c", "near": "2025-01-01", "mode": "count"}, "[invalid_request] `near` goes with"),
        (
            {"name": "HbA1c", "near": "Condition/hard-amara-okafor-hypertension"},
            "is dated 2015, not to the day",
        ),
        ({"name": "HbA1c", "near": "Condition/nobody"}, "[patient_locked]"),
        ({"name": "HbA1c", "near": "what/ever"}, "[invalid_request] A reference is written"),
    ],
)
@pytest.mark.anyio
async def test_what_cannot_be_answered_is_refused_with_what_to_do(
    embedded: Starlette, arguments: dict[str, Any], said: str
) -> None:
    assert said in await _refused(embedded, **arguments)


@pytest.mark.anyio
async def test_the_event_is_read_under_the_patient_lock_and_on_the_trail(embedded: Starlette) -> None:
    recorder = ScriptedRecorder()
    visit = "Encounter/hard-amara-okafor-visit-2026-09"
    async with session(embedded, OKAFOR, recorder) as client:
        found = data(await client.call_tool("observations", {"name": "HbA1c", "near": visit}))
    assert [row["ref"] for row in found["rows"] if row.get("nearest")] == [
        "Observation/hard-amara-okafor-hba1c-2026-09"
    ]
    assert any(url.endswith(visit) for _, url, _ in recorder.calls[0].requests)


@pytest.mark.anyio
async def test_a_record_of_another_patient_is_no_event_of_this_one() -> None:
    app = ScriptedFhir(
        [{"resourceType": "Patient", "id": one} for one in "AB"]
        + [observation("mine", "A"), observation("theirs", "B", effectiveDateTime="2024-01-01")]
    )
    async with session(app, "A") as client:
        result = await client.call_tool("observations", {"name": "x", "near": "Observation/theirs"})
    assert text(result).startswith("[patient_locked]")


@pytest.mark.anyio
async def test_an_event_without_a_date_says_so() -> None:
    app = ScriptedFhir([{"resourceType": "Patient", "id": "A"}, observation("mine", "A")])
    async with session(app, "A") as client:
        result = await client.call_tool("observations", {"name": "x", "near": "Observation/mine"})
    assert text(result) == "[invalid_request] Observation/mine carries no date; give `near` as a date"
