"""AuditEvents of every act: BALP's constraints, valid R4, and their place in the trail."""

import json
from typing import Any

import pytest
from fhir.resources.R4B.auditevent import AuditEvent as PydanticAuditEvent
from fhir.resources.R4B.device import Device as PydanticDevice
from fhirclient.models.auditevent import AuditEvent as StrictAuditEvent  # type: ignore[import-untyped]
from fhirclient.models.device import Device as StrictDevice  # type: ignore[import-untyped]
from hypothesis import given, settings

from ..balp import Event, violations
from ..odd import odd_acts
from ..shapes import CALL, LARGE, MODEL, SHAPES, acted, models_of

ALL = [
    pytest.param(event, id=f"{shape} {number}")
    for shape in SHAPES
    for number, event in enumerate(SHAPES[shape])
]


def assert_strict(resource: Event) -> None:
    """Strict R4, twice over: by fhirclient's model and by that of fhir.resources."""
    strict, pydantic = (
        (StrictDevice, PydanticDevice)
        if resource["resourceType"] == "Device"
        else (StrictAuditEvent, PydanticAuditEvent)
    )
    assert strict(resource, strict=True).as_json() == resource
    assert pydantic.model_validate_json(json.dumps(resource)).id == resource["id"]


def references(element: Any) -> list[str]:
    """Every literal reference in an element."""
    if isinstance(element, list):
        return [found for inner in element for found in references(inner)]
    if isinstance(element, dict):
        here = [element["reference"]] if isinstance(element.get("reference"), str) else []
        return here + references(list(element.values()))
    return []


@pytest.mark.parametrize("event", ALL)
def test_every_shape_keeps_to_balp_and_to_strict_r4(event: Event) -> None:
    assert violations(event) == []
    assert_strict(event)


@pytest.mark.parametrize("event", ALL)
def test_nobody_is_a_reference_that_a_server_could_miss(event: Event) -> None:
    assert "reference" not in json.dumps(event["source"])
    named = {shape["id"] for claim in (MODEL, LARGE, "gpt") for shape in models_of({"model": claim})}
    assert set(references(event["agent"])) <= {f"Device/{one}" for one in named}  # they are delivered first
    known = {"Patient/p1", "Patient/p2", "Patient/p3", "Observation/o1", "Medication/m1", "#outcome"}
    assert set(references(event["entity"])) <= known


@pytest.mark.parametrize("event", ALL)
def test_only_a_success_claims_a_profile_and_a_failure_says_why(event: Event) -> None:
    if event["outcome"] == "0":
        assert "contained" not in event
        return
    assert "meta" not in event
    (contained,) = event["contained"]
    assert contained["issue"][0]["diagnostics"] == event["outcomeDesc"]


def test_an_act_whose_process_ended_is_of_unknown_outcome() -> None:
    for shape in ("unknown", "escalation unknown"):
        (event,) = SHAPES[shape]
        assert event["outcome"] == "8"
        assert event["outcomeDesc"].startswith("unknown outcome")


@pytest.mark.parametrize("event", ALL)
def test_an_event_tells_its_session_and_its_place_in_the_trail(event: Event) -> None:
    (act,) = [entity for entity in event["entity"] if "detail" in entity]
    details = {detail["type"]: detail["valueString"] for detail in act["detail"]}
    assert (details["session"], details["seq"], details["previous-hash"]) == ("s1", "2", "1" * 64)


@pytest.mark.parametrize("act", ["question", "model_step", "an act of a later version"])
def test_what_reads_no_chart_makes_no_event(act: str) -> None:
    assert acted(act) == []


def test_the_first_event_has_the_acts_id() -> None:
    assert {shape[0]["id"] for shape in SHAPES.values()} == {CALL}


def test_the_models_device_is_the_one_that_its_events_refer_to() -> None:
    (device,) = models_of({"model": MODEL})
    assert_strict(device)
    (event,) = SHAPES["PatientQuery"]
    assert references(event["agent"]) == [f"Device/{device['id']}"]


@pytest.mark.parametrize("meta", [{}, {"model": " "}, {"model": {"name": "\t"}}, {"model": {}}, None, "odd"])
def test_without_a_model_there_is_no_device(meta: Any) -> None:
    assert models_of(meta) == []
    (event,) = acted("audit_read", meta=meta)
    assert references(event["agent"]) == []


@settings(max_examples=400)
@given(odd_acts())
def test_whatever_the_body_its_events_are_strict_r4_and_keep_to_balp(
    act: tuple[list[Event], list[Event]],
) -> None:
    made, models = act
    assert made
    assert len({event["id"] for event in made}) == len(made)
    for event in made:
        assert violations(event) == []
    for resource in [*made, *models]:
        assert_strict(resource)
    known = {f"Device/{device['id']}" for device in models}  # nobody else takes part by reference
    assert set(references([event["agent"] for event in made])) == known
