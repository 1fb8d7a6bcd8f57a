"""AuditEvents of what crosses the border of the building."""

import hashlib
import json

import pytest

from ..balp import DCM, DESTINATION, PROFILES, SOURCE, TERMINOLOGY, Event, agents, code, entities
from ..shapes import CALL, ESCALATED, LARGE, SHAPES, acted, models_of


def shape(name: str) -> Event:
    (event,) = SHAPES[name]
    return event


def details(event: Event) -> dict[str, str]:
    (act,) = [entity for entity in event["entity"] if "detail" in entity]
    return {detail["type"]: detail["valueString"] for detail in act["detail"]}


def test_an_escalation_is_balps_disclosure_at_the_source() -> None:
    assert shape("escalation")["meta"]["profile"] == [PROFILES + "PrivacyDisclosure.Source"]


@pytest.mark.parametrize("name", ["escalation refused", "escalation unknown", "escalation without a patient"])
def test_a_disclosure_that_is_not_certain_or_not_whole_claims_no_profile(name: str) -> None:
    assert "meta" not in shape(name)


def test_it_goes_from_this_program_to_the_endpoint_of_the_hosted_model() -> None:
    event = shape("escalation")
    (source,), (recipient,) = agents(event, DCM, SOURCE), agents(event, DCM, DESTINATION)
    assert source["who"] == event["source"]["observer"]
    assert recipient["network"] == {"address": ESCALATED["recipient"], "type": "5"}
    (device,) = models_of({"model": LARGE})
    assert event["agent"][-1]["who"] == {
        "reference": f"Device/{device['id']}",
        "display": "large-model@2026-10",
    }


def test_it_says_under_which_agreement_and_policy_how_much_left() -> None:
    found = details(shape("escalation"))
    assert {name: found[name] for name in ("agreement", "policy-version", "bytes", "escalated", "step")} == {
        "agreement": "BAA-2026-7",
        "policy-version": "3",
        "bytes": "4211",
        "escalated": "true",
        "step": "6",
    }


def test_what_left_is_there_by_hash_alone() -> None:
    (event,) = acted("escalation", said={"payload": "she has diabetes"}, **ESCALATED)
    (data,) = entities(event, TERMINOLOGY + "audit-entity-type", "2")
    digest = hashlib.sha256(b"she has diabetes").hexdigest()
    assert data["what"] == {"identifier": {"value": f"sha256:{digest}"}}
    assert "diabetes" not in json.dumps(event)


def test_a_payload_that_is_json_is_hashed_in_its_canonical_form() -> None:
    one, other = (
        acted("escalation", said={"payload": payload}, **ESCALATED)[0]["entity"][0]
        for payload in ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    )
    assert one == other


def test_a_re_identification_names_the_escalation_that_it_answers() -> None:
    event = shape("re-identification")
    assert code(event["subtype"][0]) == (TERMINOLOGY + "iso-21089-lifecycle", "reidentify")
    found = details(event)
    assert (found["reply-to"], found["restored"]) == (CALL, "4")


def test_a_re_identification_is_no_export_as_nothing_leaves() -> None:
    assert code(shape("re-identification")["type"]) != (DCM, "110106")
