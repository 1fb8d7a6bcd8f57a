"""Completions: fixed names, and nothing of a chart."""

import pytest
from mcp.types import (
    PromptReference,
    ResourceTemplateReference,
)
from starlette.applications import Starlette

from tests.mcp_servers.fhir.scripted import ScriptedFhir, ScriptedRecorder
from tests.mcp_servers.fhir.sessions import session

OKAFOR = "hard-amara-okafor"


@pytest.mark.parametrize(
    ("ref", "argument", "typed", "first"),
    [
        ("fhir://{type}/{id}", "type", "medicationr", "MedicationRequest"),
        ("chart://records/{kind}", "kind", "al", "allergies"),
        ("chart://observations/{name}", "name", "pota", "Potassium"),
        ("chart://observations/{name}", "name", "2823-3", "2823-3"),
        ("result_follow_up", "name", "ldl", "LDL cholesterol"),
    ],
)
@pytest.mark.anyio
async def test_what_is_typed_is_completed_from_fixed_names(
    ref: str, argument: str, typed: str, first: str
) -> None:
    reference = (
        ResourceTemplateReference(type="ref/resource", uri=ref)
        if "://" in ref
        else PromptReference(type="ref/prompt", name=ref)
    )
    async with session(ScriptedFhir(), "A") as client:
        found = (await client.complete(reference, {"name": argument, "value": typed})).completion
        whole = (await client.complete(reference, {"name": argument, "value": ""})).completion
    assert found.values[0] == first
    assert whole.total is not None
    assert len(whole.values) == min(100, whole.total)


@pytest.mark.parametrize("argument", ["patient", "id", "focus"])
@pytest.mark.anyio
async def test_nothing_of_a_chart_is_completed_and_no_patient(embedded: Starlette, argument: str) -> None:
    recorder = ScriptedRecorder()
    async with session(embedded, None, recorder) as client:
        for typed in ("", "hard", "Okafor"):
            reference = ResourceTemplateReference(type="ref/resource", uri="fhir://{patient}/{type}/{id}")
            found = await client.complete(reference, {"name": argument, "value": typed})
            assert found.completion.values == []
    assert recorder.calls == []
