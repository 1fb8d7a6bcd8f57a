"""AuditEvents of tool calls: true to the call, and one for each patient found."""

import base64
import json
from typing import Any

import pytest

from ..balp import PROFILES, TERMINOLOGY, TRANSACTION, Event, agents, code, entities
from ..shapes import CALL, MODEL, SHAPES, TRACE, called
from ..trails import BASE


def shape(name: str) -> Event:
    (event,) = SHAPES[name]
    return event


def patients(event: Event) -> list[Any]:
    return [entity["what"] for entity in entities(event, TERMINOLOGY + "audit-entity-type", "1")]


def objects(event: Event) -> list[Event]:
    return entities(event, TERMINOLOGY + "audit-entity-type", "2")


def details(event: Event) -> dict[str, str]:
    (call,) = entities(event, TERMINOLOGY + "audit-entity-type", "4")
    return {detail["type"]: detail["valueString"] for detail in call["detail"]}


@pytest.mark.parametrize("name", ["PatientQuery", "Query", "PatientRead", "Read"])
def test_a_success_claims_the_profile_that_it_fits(name: str) -> None:
    assert shape(name)["meta"]["profile"] == [PROFILES + name]


def test_a_query_that_found_nothing_is_a_query_about_the_patient_asked_for() -> None:
    event = shape("nothing found")
    assert (event["outcome"], event["meta"]["profile"]) == ("0", [PROFILES + "PatientQuery"])
    assert patients(event) == [{"reference": "Patient/p1"}]


@pytest.mark.parametrize("name", ["refused", "failed", "unknown", "from what is kept"])
def test_what_fits_no_profile_claims_none(name: str) -> None:
    assert "meta" not in shape(name)


def test_a_query_that_found_several_patients_makes_an_event_for_each() -> None:
    found = SHAPES["several patients"]
    assert [patients(event) for event in found] == [
        [{"reference": f"Patient/{patient}"}] for patient in ("p1", "p2", "p3")
    ]
    assert {event["meta"]["profile"][0] for event in found} == {PROFILES + "PatientQuery"}


def test_the_events_of_a_call_share_its_request_id_and_have_ids_that_stay() -> None:
    found = SHAPES["several patients"]
    requests = [entities(event, *TRANSACTION)[0]["what"]["identifier"]["value"] for event in found]
    assert requests == [CALL] * 3
    assert found == called("find_patient", None, patients=["Patient/p1", "Patient/p2", "Patient/p3"])
    ids = [event["id"] for event in found]
    assert ids[0] == CALL
    assert len(set(ids)) == 3
    assert all(any(map(str.isalpha, one)) for one in ids)


def test_the_further_ids_are_of_the_patient_not_of_the_order() -> None:
    one = called("find_patient", None, patients=["Patient/p1", "Patient/p2", "Patient/p3"])
    other = called("find_patient", None, patients=["Patient/p1", "Patient/p3", "Patient/p2"])
    assert [event["id"] for event in one][1:] == [event["id"] for event in other][:0:-1]


def test_a_patient_named_twice_makes_one_event() -> None:
    (event,) = called(patients=["Patient/p1", "Patient/p1"])
    assert patients(event) == [{"reference": "Patient/p1"}]


def test_the_query_is_every_request_as_it_was_sent() -> None:
    (query,) = objects(shape("several requests"))
    assert base64.b64decode(query["query"]).decode().splitlines() == [
        f"GET {BASE}/Observation?patient=p1&code=4548-4",
        f"GET {BASE}/Observation?page=2",
    ]


def test_the_call_and_its_place_in_the_trail_are_in_details() -> None:
    found = details(shape("PatientQuery"))
    assert found.pop("arguments-sha256") != found["result-sha256"]
    assert found == {
        "tool": "observations",
        "result-rows": "1",
        "result-sha256": "ab" * 32,
        "session": "s1",
        "step": "2",
        "escalated": "false",
        "traceparent": TRACE,
        "seq": "2",
        "previous-hash": "1" * 64,
    }


def test_a_hosted_models_step_and_its_policy_are_told() -> None:
    (event,) = called(meta={"target": "escalation", "policy_version": "7"})
    found = details(event)
    assert (found["escalated"], found["policy-version"]) == ("true", "7")


@pytest.mark.parametrize(
    "claimed",
    [
        "",
        "00-1",
        TRACE.upper(),
        f"ff{TRACE[2:]}",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        TRACE + "-x",
        7,
        None,
    ],
)
def test_a_traceparent_that_is_none_is_left_out(claimed: Any) -> None:
    (event,) = called(meta={"traceparent": claimed})
    assert "traceparent" not in details(event)


def test_the_arguments_are_there_by_hash_alone() -> None:
    assert "HbA1c" not in json.dumps(shape("PatientQuery"))


def test_a_read_names_the_record_and_keeps_its_request() -> None:
    event = shape("PatientRead")
    assert objects(event)[0]["what"] == {"reference": "Observation/o1"}
    assert details(event)["request"] == f"GET {BASE}/Observation/o1"


def test_a_record_that_was_not_read_is_called_what_it_was_called() -> None:
    assert objects(shape("refused"))[0]["what"] == {"identifier": {"value": "Observation/o1"}}


@pytest.mark.parametrize("name", ["from what is kept", "a read from what is kept"])
def test_an_answer_from_what_is_kept_is_an_access_in_which_the_server_took_no_part(name: str) -> None:
    event = shape(name)
    assert code(event["type"]) == (TERMINOLOGY + "iso-21089-lifecycle", "access")
    assert event["action"] == "R"
    assert BASE not in json.dumps(event["agent"])
    assert patients(event) == [{"reference": "Patient/p1"}]


def test_person_program_server_and_model_take_part() -> None:
    taking_part = shape("PatientQuery")["agent"]
    assert [agent["who"]["display"] for agent in taking_part] == [
        "dr.grey",
        "ehr-navigator",
        BASE,
        f"{MODEL['name']}@r1 (nf4)",
    ]
    assert [agent["requestor"] for agent in taking_part] == [True, False, False, False]
    assert taking_part[0]["purposeOfUse"][0]["coding"][0]["code"] == "TREAT"
    assert len(shape("no model named")["agent"]) == 3


def test_a_query_flows_to_the_server_and_a_read_from_it() -> None:
    dicom = "http://dicom.nema.org/resources/ontology/DCM"
    for name, role in (("PatientQuery", "110152"), ("PatientRead", "110153")):
        (server,) = agents(shape(name), dicom, role)
        assert server["network"] == {"address": BASE, "type": "5"}


@pytest.mark.parametrize("model", [" ", {"name": " ", "revision": "\t"}, {}])
def test_a_blank_claim_makes_no_event_that_a_server_would_refuse(model: Any) -> None:
    (event,) = called(meta={"model": model, "step": " "})
    assert len(event["agent"]) == 3
    assert "step" not in details(event)


def test_a_patient_asked_for_but_not_seen_is_named_by_identifier() -> None:
    assert patients(shape("refused")) == [{"type": "Patient", "identifier": {"value": "Patient/p1"}}]


@pytest.mark.parametrize(
    ("name", "outcome"), [("nothing found", "0"), ("refused", "4"), ("not there", "4"), ("failed", "8")]
)
def test_the_outcome_tells_refusal_from_failure(name: str, outcome: str) -> None:
    event = shape(name)
    assert event["outcome"] == outcome
    assert ("outcomeDesc" in event) == (outcome != "0")
