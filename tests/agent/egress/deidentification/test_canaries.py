"""Values of all 18 classes of 45 CFR 164.514(b)(2), planted wherever a session can hold them."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agent.egress.deidentification import Deidentifier, Identifiers
from agent.egress.gate import Gate
from agent.errors import NotPermitted
from agent.messages import (
    Action,
    Message,
    NoticeMessage,
    QuestionMessage,
    ResultsMessage,
    Step,
    StepMessage,
    ToolResult,
)
from tests.agent.egress.deidentification.charts import PATIENT, SECRET, rendered, result, system

Canaries = dict[str, str]
"""By class; each is written in the chart, or behind what says what it is."""


def digits(least: int, most: int | None = None) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=least, max_size=most or least).filter(lambda one: len(set(one)) > 2)


def letters(least: int, most: int) -> st.SearchStrategy[str]:
    # Without vowels: no draw is a word of medicine or of English.
    return st.text("bcdfgkpqvwxz", min_size=least, max_size=most).filter(lambda one: len(set(one)) > 2)


# To shrink a conversation takes minutes, and says no more than the class that was found.
FAST = (Phase.explicit, Phase.reuse, Phase.generate)
NAME = letters(5, 9).map(str.capitalize)
CANARIES: dict[str, st.SearchStrategy[str]] = {
    "name": NAME,
    "relative": NAME,
    "doctor": NAME,
    "neighbour": NAME,  # of whom no record tells
    "street": st.tuples(st.integers(2, 9999), NAME).map(lambda one: f"{one[0]} {one[1]} Street"),
    "city": NAME,
    "zip": digits(5).filter(lambda one: one[0] not in "0"),
    "birth date": st.dates().map(lambda one: one.replace(year=1940 + one.year % 60).isoformat()),
    "phone": digits(10).map(lambda one: f"({one[:3]}) {one[3:6]}-{one[6:]}"),
    "fax": digits(10).map(lambda one: f"{one[:3]}-{one[3:6]}-{one[6:]}"),
    "email": letters(6, 9).map(lambda one: f"{one}@mail.example"),
    "ssn": digits(9).map(lambda one: f"{one[:3]}-{one[3:5]}-{one[5:]}"),
    "record": digits(8),
    "plan": digits(9).map(lambda one: f"XQ{one}"),
    "account": digits(12),
    "licence": digits(8).map(lambda one: f"S{one}"),
    "vehicle": digits(6).map(lambda one: f"1HGCM82633A{one}"),
    "device": digits(8).map(lambda one: f"SN-{one[:4]}-{one[4:]}"),
    "url": letters(6, 9).map(lambda one: f"https://{one}.example.com/me"),
    "ip": st.tuples(*[st.integers(11, 250)] * 4).map(lambda one: ".".join(map(str, one))),
    "biometric": digits(10).map(lambda one: f"FP-{one}"),
    "photo": digits(6).map(lambda one: f"IMG_{one}.jpg"),
    "other": digits(7).map(lambda one: f"ZZ-{one}"),
    "age": st.integers(91, 112).map(str),
}
PLANTED = st.fixed_dictionaries(CANARIES).filter(lambda drawn: len(set(drawn.values())) == len(drawn))


def chart(of: Canaries) -> list[dict[str, Any]]:
    return [
        {
            "resourceType": "Patient",
            "id": PATIENT.partition("/")[2],
            "name": [{"family": of["name"], "given": ["Qorvex"]}],
            "birthDate": of["birth date"],
            "identifier": [
                {"type": {"coding": [{"code": "MR"}]}, "value": of["record"]},
                {"system": "http://hl7.org/fhir/sid/us-ssn", "value": of["ssn"]},
                {"type": {"coding": [{"code": "DL"}]}, "value": of["licence"]},
                {"value": of["other"]},
            ],
            "telecom": [
                {"system": "phone", "value": of["phone"]},
                {"system": "fax", "value": of["fax"]},
                {"system": "email", "value": of["email"]},
                {"system": "url", "value": of["url"]},
            ],
            "address": [
                {"line": [of["street"]], "city": of["city"], "state": "MA", "postalCode": of["zip"]},
            ],
            "photo": [{"contentType": "image/jpeg", "data": "AAAA", "title": of["photo"]}],
        },
        {"resourceType": "RelatedPerson", "id": "rel", "name": [{"family": of["relative"]}]},
        {"resourceType": "Coverage", "id": "cov", "subscriberId": of["plan"]},
        {"resourceType": "Device", "id": "dev", "serialNumber": of["device"]},
        {"resourceType": "Account", "id": "acc", "identifier": [{"value": of["account"]}]},
        {
            "resourceType": "Encounter",
            "id": f"visit-{of['name'].lower()}",
            "participant": [
                {"individual": {"reference": "Practitioner/d1", "display": f"Dr. {of['doctor']}"}},
            ],
        },
    ]  # fmt: skip


def note(of: Canaries) -> str:
    return (
        f"{of['name']} came with {of['relative']} and a neighbour named {of['neighbour']}."
        f" Seen by Dr. {of['doctor']}. Lives at {of['street']}, {of['city']}, MA {of['zip']}."
        f" Born {of['birth date']}. Call {of['phone']}, fax {of['fax']}, write to {of['email']}."
        f" SSN {of['ssn']}, MRN {of['record']}, member ID {of['plan']}, account no. {of['account']},"
        f" licence {of['licence']}. VIN {of['vehicle']}. Pump serial no. {of['device']}."
        f" See {of['url']} from {of['ip']}. Fingerprint {of['biometric']}, photo {of['photo']},"
        f" study id {of['other']}. Her aunt died at {of['age']}. Metoprolol 25 mg."
    )


def conversation(of: Canaries) -> list[Message]:
    text = note(of)
    rows: list[dict[str, Any]] = [
        {"ref": PATIENT, "section": "patient", "name": f"Qorvex {of['name']}", "birth_date": of["birth date"],
         "identifier": of["record"], "age": int(of["age"])},
        {"ref": f"Encounter/visit-{of['name'].lower()}", "name": "Office visit",
         "practitioner": f"Dr. {of['doctor']}", "location": of["city"], "surprise": of["ssn"]},
        {"ref": "Observation/1", "name": "Comment", "value": text, "date": "2019-05-03"},
        {"ref": "Observation/2", "name": "Number", "value": int(of["record"])},
        {"ref": "DocumentReference/n", "passage": text, "author": of["doctor"]},
    ]  # fmt: skip
    whole = [{"ref": f"{one['resourceType']}/{one['id']}", "resource": one} for one in chart(of)]
    failed = ToolResult(
        tool="fhir_read", arguments={"reference": of["other"]}, text=f"[not_found] {text}", error="not_found"
    )
    asking = {"text": text, "deep": [{"a": of["phone"]}]}
    answering = {"text": text, "citations": [PATIENT], "status": "answered"}
    step = Step(thought=text, actions=(Action(tool="search_notes", arguments=asking),))
    answered = Step(actions=(Action(tool="answer", arguments=answering),))
    return [
        system(f"Patient: {PATIENT}"),
        QuestionMessage(text=text),
        StepMessage(step=step),
        ResultsMessage(results=(result(*rows, notes=[text], cursor="abc.1.def"), failed)),
        ResultsMessage(results=(result(*whole, tool="fhir_read"),)),
        NoticeMessage(text=f"Not supported: {text}"),
        StepMessage(step=answered),
    ]  # fmt: skip


def payload(messages: list[Message]) -> dict[str, Any]:
    return {
        "model": "planner-4-20251101",
        "messages": [message.model_dump(mode="json") for message in messages],
    }


def send(body: dict[str, Any], dictionary: Identifiers) -> bytes:
    """What a stand-in for the vendor gets of a body. Raises NotPermitted."""
    got: list[bytes] = []

    def vendor(request: httpx.Request) -> httpx.Response:
        got.append(request.content)
        return httpx.Response(200)

    async def sent() -> None:
        gate = Gate(httpx.MockTransport(vendor), "api.vendor.example", lambda: dictionary)
        async with httpx.AsyncClient(transport=gate) as http:
            await http.post("https://api.vendor.example/v1", json=body)

    asyncio.run(sent())
    return got[0]


def found(canary: str, text: str) -> bool:
    """Whether a text holds a canary, in any case, or its digits."""
    return re.search(rf"(?<!\w){re.escape(canary.lower())}(?!\w)", text.lower()) is not None


@settings(
    max_examples=60, phases=FAST, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)
@given(of=PLANTED)
def test_no_canary_leaves(of: Canaries) -> None:
    by = Deidentifier(Identifiers.of(chart(of)), SECRET, PATIENT, rendered)
    out = payload(by.messages(conversation(of)))
    got = send(out, by.chart).decode()
    left = [kind for kind, canary in of.items() if found(canary, got)]
    assert not left, left
    assert "Metoprolol 25 mg" in got
    assert f"{of['zip'][:3]}XX" in got or "000XX" in got


@settings(
    max_examples=40, phases=FAST, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)
@given(of=PLANTED)
def test_what_left_comes_home_as_it_was(of: Canaries) -> None:
    by = Deidentifier(Identifiers.of(chart(of)), SECRET, PATIENT, rendered)
    out = by.messages(conversation(of))
    question = out[1]
    assert isinstance(question, QuestionMessage)
    step = Step(
        actions=(
            Action(tool="answer", arguments={"text": question.text, "citations": [], "status": "answered"}),
        )
    )
    assert by.step(step).actions[0].arguments["text"] == note(of)


@settings(
    max_examples=40, phases=FAST, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)
@given(of=PLANTED, kind=st.sampled_from(sorted(set(CANARIES) - {"neighbour", "photo"})), data=st.data())
def test_the_gate_stops_each_canary_that_a_broken_de_identification_lets_through(
    of: Canaries, kind: str, data: st.DataObject
) -> None:
    """All but a name that no record tells: nothing can know it when it is met alone."""
    by = Deidentifier(Identifiers.of(chart(of)), SECRET, PATIENT, rendered)
    out = payload(by.messages(conversation(of)))
    place = data.draw(st.integers(0, len(out["messages"])))
    said = {
        "zip": f"MA {of['zip']}", "age": f"aged {of['age']}", "biometric": f"fingerprint {of['biometric']}",
    }.get(kind, of[kind])  # fmt: skip
    out["messages"].insert(place, {"role": "user", "text": f"and {said} too"})
    with pytest.raises(NotPermitted) as stopped:
        send(out, Identifiers.of(chart(of)).with_(by.chart))
    assert not found(of[kind], str(stopped.value))


@pytest.mark.parametrize("broken", [lambda messages: messages, lambda messages: [messages[0], messages[3]]])
@settings(
    max_examples=10, phases=FAST, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)
@given(of=PLANTED)
def test_the_gate_stops_messages_as_they_were(
    broken: Callable[[list[Message]], list[Message]], of: Canaries
) -> None:
    with pytest.raises(NotPermitted):
        send(payload(broken(conversation(of))), Identifiers.of(chart(of)))


def test_a_body_that_is_read_is_the_body_that_is_sent() -> None:
    body = {"messages": [{"role": "user", "text": "What is a normal potassium?"}]}
    assert json.loads(send(body, Identifiers.of([]))) == body
