"""AuditEvents of refusals, broken glass, sign-ins, and of the trail itself."""

import base64
import json
from typing import Any

import pytest

from ..balp import DCM, TERMINOLOGY, Event, code, entities
from ..shapes import SHAPES, acted


def shape(name: str) -> Event:
    (event,) = SHAPES[name]
    return event


def details(event: Event) -> dict[str, str]:
    (act,) = [entity for entity in event["entity"] if "detail" in entity]
    return {detail["type"]: detail["valueString"] for detail in act["detail"]}


def patients(event: Event) -> list[Any]:
    return [entity["what"] for entity in entities(event, TERMINOLOGY + "audit-entity-type", "1")]


@pytest.mark.parametrize(
    ("name", "event_type", "subtypes", "action"),
    [
        ("refusal", "110113", ["110132"], "E"),
        ("break-glass", "110113", ["110127"], "E"),
        ("sign-in", "110114", ["110122"], "E"),
        ("export", "110106", [], "R"),
        ("audit read", "110101", [], "R"),
    ],
)
def test_each_has_dicoms_type(name: str, event_type: str, subtypes: list[str], action: str) -> None:
    event = shape(name)
    assert code(event["type"]) == (DCM, event_type)
    assert [code(subtype) for subtype in event.get("subtype", [])] == [(DCM, one) for one in subtypes]
    assert event["action"] == action
    assert "meta" not in event


def test_broken_glass_is_for_an_emergency_whatever_the_person_works_for() -> None:
    event = shape("break-glass")
    (purpose,) = event["purposeOfEvent"]
    assert purpose["coding"][0]["code"] == "BTG"
    assert event["agent"][0]["purposeOfUse"][0]["coding"][0]["code"] == "TREAT"
    assert details(event)["reason"] == "unconscious, no relative"


def test_a_patient_is_a_reference_once_their_chart_was_read() -> None:
    assert patients(shape("break-glass")) == [{"reference": "Patient/p1"}]


@pytest.mark.parametrize("name", ["break-glass of nobody", "export", "audit read", "refusal"])
def test_a_patient_who_may_not_exist_is_named_by_identifier(name: str) -> None:
    assert patients(shape(name)) == [{"type": "Patient", "identifier": {"value": "Patient/p1"}}]


def test_a_refusal_says_why() -> None:
    event = shape("refusal")
    assert (event["outcome"], event["outcomeDesc"]) == ("4", "NotPermitted")
    assert details(event)["policy-version"] == "3"


def test_a_sign_in_says_how_the_person_is_known() -> None:
    assert details(shape("sign-in"))["known-by"] == "system_account"
    assert (shape("sign-in")["outcome"], shape("sign-in refused")["outcome"]) == ("0", "4")


def test_who_asked_the_trail_and_what_is_told() -> None:
    (query,) = entities(shape("audit read"), TERMINOLOGY + "audit-entity-type", "2")[:1]
    assert base64.b64decode(query["query"]) == b"patient Patient/p1"
    (event,) = acted("audit_read", None, tool="audit_list")
    (trail,) = entities(event, TERMINOLOGY + "audit-entity-type", "2")
    assert (trail["name"], trail["role"]["code"]) == ("audit trail", "13")


def test_what_was_written_out_of_the_trail_is_told_by_its_hash() -> None:
    event = shape("export")
    assert {name: details(event)[name] for name in ("format", "records", "sha256")} == {
        "format": "ndjson",
        "records": "12",
        "sha256": "ef" * 32,
    }
    (query,) = entities(event, TERMINOLOGY + "audit-entity-type", "2")[:1]
    assert json.loads(base64.b64decode(query["query"])) == {"patient": "Patient/p1", "since": "2026-11"}
