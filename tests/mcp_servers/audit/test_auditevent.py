"""AuditEvents: BALP's shapes, valid R4, and true to the call."""

import base64
import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from fhir.resources.R4B.auditevent import AuditEvent as PydanticAuditEvent
from fhirclient.models.auditevent import AuditEvent as StrictAuditEvent  # type: ignore[import-untyped]

from mcp_servers.audit.auditevent import events
from mcp_servers.audit.record import Record

from .balp import PROFILES, TERMINOLOGY, entities, violations
from .trails import BASE

Event = dict[str, Any]
CALL = "0b9f6d0e-4c55-4f0e-8b35-6f0c1b1f8a10"
SEARCH = {"method": "GET", "url": f"{BASE}/Observation?patient=p1&code=4548-4", "status": 200, "ms": 12.3}
READ = {"method": "GET", "url": f"{BASE}/Observation/o1", "status": 200, "ms": 4.5}
MODEL = {"name": "medgemma-27b", "revision": "r1", "quantisation": "nf4"}


def event_of(
    tool: str = "observations",
    patient: str | None = "Patient/p1",
    meta: dict[str, Any] | None = None,
    **completion: Any,
) -> Event:
    intent = Record(
        seq=1,
        id=CALL,
        session="s1",
        kind="intent",
        at="2026-11-22T08:00:00.000Z",
        body={
            "act": "tool_call",
            "tool": tool,
            "patient": patient,
            "user": "dr.grey",
            "purpose_of_use": "TREAT",
            "server": "ehr-navigator",
            "fhir": BASE,
            "meta": {"step": 2, "model": MODEL} if meta is None else meta,
        },
        previous="0" * 64,
        hash="1" * 64,
    )
    body = {
        "outcome": "ok",
        "rows": 1,
        "refs": ["Observation/o1"],
        "patients": ["Patient/p1"],
        "result_sha256": "ab" * 32,
        "error": None,
    }
    asked = {"arguments": {"name": "HbA1c"}}
    said = {"requests": [READ if tool == "fhir_read" else SEARCH]}
    said = {name: completion.pop(name, value) for name, value in said.items()}
    (event,) = events(
        intent, asked, {**body, **completion}, said, at="2026-11-22T08:00:00.050Z", seq=2, previous="1" * 64
    )
    return event


SHAPES = {
    "PatientQuery": event_of(),
    "Query": event_of(patient=None, patients=[]),
    "PatientRead": event_of("fhir_read"),
    "Read": event_of("fhir_read", patient=None, patients=[], refs=["Medication/m1"]),
    "several patients": event_of("find_patient", None, patients=["Patient/p1", "Patient/p2"]),
    "several requests": event_of(requests=[SEARCH, {**SEARCH, "url": f"{BASE}/Observation?page=2"}]),
    "nothing found": event_of(rows=0, refs=[], patients=[]),
    "no request": event_of(requests=[]),
    "refused": event_of("fhir_read", outcome="refused", error="[patient_locked] no", refs=[], patients=[]),
    "failed": event_of(outcome="failed", error="[server_failed] down", refs=[], patients=[]),
    "no model named": event_of(meta={}),
    "a model's name alone": event_of(meta={"model": "gpt"}),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_keeps_to_its_profile_and_to_r4(shape: str) -> None:
    event = SHAPES[shape]
    assert violations(event) == []
    assert StrictAuditEvent(event, strict=True).as_json() == event
    assert PydanticAuditEvent.model_validate_json(json.dumps(event)).id == CALL


@pytest.mark.parametrize("name", ["PatientQuery", "Query", "PatientRead", "Read"])
def test_a_success_claims_the_profile_that_it_fits(name: str) -> None:
    assert SHAPES[name]["meta"]["profile"] == [PROFILES + name]


@pytest.mark.parametrize("shape", ["refused", "failed", "several patients", "no request"])
def test_what_fits_no_profile_claims_none(shape: str) -> None:
    assert "meta" not in SHAPES[shape]


def drop_network(event: Event) -> None:
    del event["agent"][1]["network"]


def add_query_name(event: Event) -> None:
    event["entity"][0]["name"] = "search"


def add_query_detail(event: Event) -> None:
    event["entity"][0]["detail"] = [{"type": "rows", "valueString": "1"}]


def second_patient(event: Event) -> None:
    event["entity"].append(event["entity"][1])


def patient_by_identifier(event: Event) -> None:
    event["entity"][1]["what"] = {"identifier": {"value": "p1"}}


def networked_person(event: Event) -> None:
    event["agent"][0]["network"] = {"address": "here"}


def failure_with_profile(event: Event) -> None:
    event["outcome"] = "8"


def swapped_roles(event: Event) -> None:
    event["action"] = "R"


def second_interaction(event: Event) -> None:
    event["subtype"].append({"system": "http://hl7.org/fhir/restful-interaction", "code": "read"})


def valueless_detail(event: Event) -> None:
    del event["entity"][-1]["detail"][0]["valueString"]


@pytest.mark.parametrize(
    "spoil",
    [
        drop_network,
        add_query_name,
        add_query_detail,
        second_patient,
        patient_by_identifier,
        networked_person,
        failure_with_profile,
        swapped_roles,
        second_interaction,
        valueless_detail,
    ],
)
def test_the_checks_catch_a_planted_violation(spoil: Callable[[Event], None]) -> None:
    event = copy.deepcopy(SHAPES["PatientQuery"])
    spoil(event)
    assert violations(event)


def test_the_query_is_every_request_as_it_was_sent() -> None:
    (query,) = entities(SHAPES["several requests"], TERMINOLOGY + "audit-entity-type", "2")
    assert base64.b64decode(query["query"]).decode().splitlines() == [
        f"GET {BASE}/Observation?patient=p1&code=4548-4",
        f"GET {BASE}/Observation?page=2",
    ]


def details(event: Event) -> dict[str, str]:
    (call,) = entities(event, TERMINOLOGY + "audit-entity-type", "4")
    return {detail["type"]: detail["valueString"] for detail in call["detail"]}


def test_the_call_and_its_place_in_the_trail_are_in_details() -> None:
    found = details(SHAPES["PatientQuery"])
    assert found.pop("arguments-sha256") != found["result-sha256"]
    assert found == {
        "tool": "observations",
        "result-rows": "1",
        "result-sha256": "ab" * 32,
        "session": "s1",
        "step": "2",
        "seq": "2",
        "previous-hash": "1" * 64,
    }


def test_the_arguments_are_there_by_hash_alone() -> None:
    assert "HbA1c" not in json.dumps(SHAPES["PatientQuery"])


def test_a_read_names_the_record_and_keeps_its_request() -> None:
    event = SHAPES["PatientRead"]
    assert event["entity"][0]["what"] == {"reference": "Observation/o1"}
    assert details(event)["request"] == f"GET {BASE}/Observation/o1"


def test_the_request_id_is_the_events_id() -> None:
    event = SHAPES["PatientQuery"]
    (transaction,) = entities(
        event, "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "XrequestId"
    )
    assert transaction["what"]["identifier"]["value"] == event["id"] == CALL


def test_person_program_server_and_model_take_part() -> None:
    agents = SHAPES["PatientQuery"]["agent"]
    assert [agent["who"]["display"] for agent in agents] == [
        "dr.grey",
        "ehr-navigator",
        BASE,
        "medgemma-27b@r1 (nf4)",
    ]
    assert [agent["requestor"] for agent in agents] == [True, False, False, False]
    assert agents[0]["purposeOfUse"][0]["coding"][0]["code"] == "TREAT"
    assert len(SHAPES["no model named"]["agent"]) == 3


@pytest.mark.parametrize("model", [" ", {"name": " ", "revision": "\t"}, {}])
def test_a_blank_claim_makes_no_event_that_a_server_would_refuse(model: Any) -> None:
    event = event_of(meta={"model": model, "step": " "})
    assert len(event["agent"]) == 3
    assert "step" not in details(event)


def test_no_participant_is_a_reference_that_a_server_could_miss() -> None:
    for event in SHAPES.values():
        assert "reference" not in json.dumps([event["agent"], event["source"]])


def test_a_patient_asked_for_but_not_seen_is_named_by_identifier() -> None:
    (patient,) = entities(SHAPES["refused"], TERMINOLOGY + "audit-entity-type", "1")
    assert patient["what"] == {"type": "Patient", "identifier": {"value": "Patient/p1"}}


def test_every_patient_found_is_named() -> None:
    found = entities(SHAPES["several patients"], TERMINOLOGY + "audit-entity-type", "1")
    assert [entity["what"]["reference"] for entity in found] == ["Patient/p1", "Patient/p2"]


@pytest.mark.parametrize(("shape", "outcome"), [("nothing found", "0"), ("refused", "4"), ("failed", "8")])
def test_the_outcome_tells_refusal_from_failure(shape: str, outcome: str) -> None:
    event = SHAPES[shape]
    assert event["outcome"] == outcome
    assert ("outcomeDesc" in event) == (outcome != "0")
