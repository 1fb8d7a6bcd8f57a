"""What the tools say of a chart of which the server refuses a type, or fails to answer for it."""

from typing import Any

import pytest

from tests.mcp_servers.fhir.scripted import (
    SEARCH_PARAMETERS,
    Resource,
    ScriptedFhir,
    capability_statement,
    fhir,
    outcome,
)
from tests.mcp_servers.fhir.sessions import data, session, text

MEDICATIONS = (
    "MedicationRequest",
    "MedicationStatement",
    "MedicationAdministration",
    "MedicationDispense",
)
TYPES = (*MEDICATIONS, "Condition", "AllergyIntolerance", "Encounter", "Observation", "Coverage")
PERSON: Resource = {"resourceType": "Patient", "id": "a", "birthDate": "1960-01-01"}
PROBLEM: Resource = {
    "resourceType": "Condition",
    "id": "gout",
    "subject": {"reference": "Patient/a"},
    "code": {"text": "Gout"},
}
ORDER: Resource = {
    "resourceType": "MedicationRequest",
    "id": "warfarin",
    "status": "active",
    "intent": "order",
    "subject": {"reference": "Patient/a"},
    "medicationCodeableConcept": {"text": "Warfarin"},
}
WHY = {403: "Not permitted", 500: "Failed"}


def server(answers: dict[str, int], *records: Resource) -> ScriptedFhir:
    """A server that answers searches for some types with these statuses."""
    statement = capability_statement()
    statement["rest"][0]["resource"] += [
        {"type": kind, "searchParam": [{"name": "patient", "type": "reference"}]}
        for kind in TYPES
        if kind not in SEARCH_PARAMETERS
    ]
    script: dict[str, Any] = {
        kind: lambda _, status=status: outcome(status, "forbidden", "no scope for it")
        for kind, status in answers.items()
    }
    return ScriptedFhir([PERSON, *records], {"metadata": lambda _: fhir(statement), **script})


@pytest.mark.parametrize("status", WHY)
@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind != "Condition"])
@pytest.mark.anyio
async def test_the_overview_holds_the_types_that_are_answered_and_names_the_other(
    kind: str, status: int
) -> None:
    async with session(server({kind: status}, PROBLEM), "a") as client:
        result = await client.call_tool("chart_overview", {})
    found = data(result)
    assert [row["ref"] for row in found["rows"] if "ref" in row] == ["Patient/a", "Condition/gout"]
    assert (found["total"], found["truncated"]) == (None, True)
    (note,) = (note for note in found["notes"] if "so not read" in note)
    assert note.startswith(f"{WHY[status]}, so not read: {kind}. ")
    assert note in text(result)
    listed = {"AllergyIntolerance": "allergies", "Encounter": "encounters"} | dict.fromkeys(
        MEDICATIONS, "medications"
    )
    empty = {note.partition(":")[0] for note in found["notes"] if note.endswith(": nothing recorded.")}
    assert empty == {"medications", "allergies", "encounters"} - {listed.get(kind)}


@pytest.mark.anyio
async def test_a_type_that_is_refused_is_asked_for_once_by_the_overview() -> None:
    app = server({"Coverage": 403, "Encounter": 403, "Observation": 403}, PROBLEM)
    async with session(app, "a") as client:
        found = data(await client.call_tool("chart_overview", {}))
    (note,) = (note for note in found["notes"] if "so not read" in note)
    assert "Coverage, Encounter, Observation. The FHIR server refuses this (HTTP 403)" in note
    asked = [request.url.path.removeprefix("/fhir/") for request in app.seen]
    assert {asked.count(kind) for kind in ("Coverage", "Encounter", "Observation")} == {1}


@pytest.mark.parametrize("status", WHY)
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("list_records", {"kind": "medications", "text": "warfarin"}), ("lookup_code", {"text": "warfarin"})],
)
@pytest.mark.anyio
async def test_what_the_other_types_hold_is_told_and_not_as_all_there_is(
    tool: str, arguments: dict[str, Any], status: int
) -> None:
    app = server({"MedicationDispense": status, "AllergyIntolerance": status}, ORDER)
    async with session(app, "a") as client:
        found = data(await client.call_tool(tool, arguments))
    assert found["finding"] == "recorded"
    assert (found["total"], found["truncated"]) == (None, True)
    assert "MedicationRequest/warfarin" in str(found["rows"])
    (note,) = (note for note in found["notes"] if "so not read" in note)
    assert note.startswith(f"{WHY[status]}, so not read: ")
    assert "MedicationDispense" in note


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("list_records", {"kind": "medications", "text": "warfarin"}),
        ("lookup_code", {"text": "warfarin"}),
        ("lookup_code", {"text": "zorbium"}),
    ],
)
@pytest.mark.anyio
async def test_nothing_found_beside_a_type_that_is_refused_is_not_nothing_recorded(
    tool: str, arguments: dict[str, Any]
) -> None:
    async with session(server({"MedicationDispense": 403}), "a") as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert text(result).startswith("[not_permitted] Not permitted, so not read: MedicationDispense. ")
    assert text(result).endswith("Elsewhere nothing was found.")


@pytest.mark.parametrize(("status", "kind"), [(403, "not_permitted"), (500, "server_failed")])
@pytest.mark.parametrize(
    ("tool", "arguments", "named"),
    [
        ("list_records", {"kind": "coverage"}, "Coverage."),
        ("lookup_code", {"text": "gout"}, "Condition."),
        ("chart_overview", {}, ", ".join(sorted(TYPES))),
    ],
)
@pytest.mark.anyio
async def test_where_nothing_is_answered_it_is_an_error_that_names_the_types(
    tool: str, arguments: dict[str, Any], named: str, status: int, kind: str
) -> None:
    app = server(dict.fromkeys((*TYPES, "DocumentReference", "Device"), status), PROBLEM)
    async with session(app, "a") as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert text(result).startswith(f"[{kind}] {WHY[status]}, so not read: ")
    assert all(one in text(result) for one in named.split(", "))


@pytest.mark.anyio
async def test_an_order_whose_reason_may_not_be_read_is_listed_without_it() -> None:
    order = {**ORDER, "reasonReference": [{"reference": "Condition/gout"}]}
    async with session(server({"Condition": 403}, order), "a") as client:
        found = data(await client.call_tool("list_records", {"kind": "medications"}))
    assert [row["ref"] for row in found["rows"]] == ["MedicationRequest/warfarin"]
    assert any(note.startswith("Not permitted, so not read: Condition.") for note in found["notes"])
    assert found["total"] is None
