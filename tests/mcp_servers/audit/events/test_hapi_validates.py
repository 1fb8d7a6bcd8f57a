"""A real HAPI takes every AuditEvent of a long session, keeps it as it is, and finds no error in it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from mcp import Client

from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.delivery.stored import differences
from mcp_servers.audit.identity import Identity
from mcp_servers.audit.recorder import Context, Recorder
from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.surface.recorded import META_KEY
from mcp_servers.fhir.surface.server import build_server

from ..balp import TRANSACTION, Event, entities, violations
from ..every_act import EVENTS, record_every_act
from ..odd import odd_acts
from ..shapes import LARGE, MODEL, SHAPES, TRACE, models_of

pytestmark = [pytest.mark.anyio, pytest.mark.hapi]

OKAFOR = "Patient/hard-amara-okafor"
BOUND: list[tuple[str, dict[str, Any]]] = [
    ("chart_overview", {}),
    ("list_records", {"kind": "problems"}),
    ("list_records", {"kind": "medications"}),
    ("observations", {"name": "blood pressure"}),
    ("observations", {"name": "HbA1c", "mode": "latest"}),
    ("observations", {"name": "no such thing"}),
    ("search_notes", {"text": "diabetes"}),
    ("query_chart", {"sql": "SELECT ref FROM condition"}),
    ("lookup_code", {"text": "diabetes"}),
    ("fhir_search", {"resource_type": "Encounter"}),
    ("fhir_search", {"resource_type": "\u0007 odd"}),
    ("fhir_read", {"reference": OKAFOR}),
    ("fhir_read", {"reference": OKAFOR}),
    ("fhir_read", {"reference": "Patient/lee-watson"}),
    ("fhir_read", {"reference": "Observation/no-such-record"}),
    ("no_such_tool", {"text": "\x00 odd"}),
    ("observations", {"unknown": float("1e300")}),
]
UNBOUND: list[tuple[str, dict[str, Any]]] = [
    ("find_patient", {"text": "okafor"}),
    ("find_patient", {"text": "a"}),
    ("find_patient", {"text": "nobody by that name"}),
]


@pytest.fixture
async def http(hapi_base: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=hapi_base, timeout=120, trust_env=False) as client:
        yield client


async def call_tools(
    http: httpx.AsyncClient, recorder: Recorder, patient: str | None, calls: list[tuple[str, dict[str, Any]]]
) -> None:
    server = build_server(FhirClient(http), recorder, patient=patient, now=None)
    async with Client(server) as client:
        for step, (tool, arguments) in enumerate(calls):
            model = MODEL if step % 2 else LARGE
            said: Any = {META_KEY: {"step": step, "model": model, "target": "local", "traceparent": TRACE}}
            await client.call_tool(tool, arguments, meta=said)


def queued(journal: Journal) -> tuple[list[Event], list[Event]]:
    """The Devices and the events that wait, in their order."""
    with trail.reading(journal.path) as db:
        ids = [found for (found,) in db.execute("SELECT id FROM outbox ORDER BY position")]
        devices = [json.loads(found) for (found,) in db.execute("SELECT resource FROM device")]
    return devices, [journal.event(found) for found in ids]


async def errors_in(http: httpx.AsyncClient, resource: Event) -> list[str]:
    """What HAPI's validator finds wrong with a resource of R4; it does not have BALP's profiles."""
    answer = await http.post(f"{resource['resourceType']}/$validate", json=plain(resource))
    return errors(answer)


def plain(resource: Event) -> Event:
    return {name: value for name, value in resource.items() if name != "meta"}


def errors(answer: httpx.Response) -> list[str]:
    return [
        f"{issue['diagnostics']} at {issue.get('location')}"
        for issue in answer.json()["issue"]
        if issue["severity"] in ("error", "fatal")
    ]


@pytest.mark.usefixtures("hapi_turn")
async def test_every_event_of_a_long_session_is_valid_and_stays_as_it_was(
    http: httpx.AsyncClient, journal: Journal
) -> None:
    base = str(http.base_url)
    recorder = Recorder(journal, Context("s1", Identity("dr.grey"), base))
    await call_tools(http, recorder, OKAFOR, BOUND)
    await call_tools(http, Recorder(journal, Context("s2", Identity("dr.grey"), base)), None, UNBOUND)
    record_every_act(recorder, OKAFOR)
    devices, events = queued(journal)
    calls = {
        entity["what"]["identifier"]["value"] for event in events for entity in entities(event, *TRANSACTION)
    }
    assert len(calls) == len(BOUND) + len(UNBOUND)
    assert len([event for event in events if not entities(event, *TRANSACTION)]) == EVENTS
    assert len([event for event in events if entities(event, *TRANSACTION)]) > len(
        calls
    )  # several were found
    assert {
        profile.rpartition(".")[2] for event in events for profile in event.get("meta", {}).get("profile", [])
    } == {
        "Query",
        "PatientQuery",
        "PatientRead",
        "Source",
    }
    kept: list[str] = []
    try:
        for resource in [*devices, *events]:
            assert resource["resourceType"] == "Device" or violations(resource) == []
            assert await errors_in(http, resource) == []
            url = f"{resource['resourceType']}/{resource['id']}"
            answer = await http.put(url, json=resource)
            assert answer.is_success, answer.text
            kept.append(url)
            assert differences(resource, (await http.get(url)).json()) == []
    finally:
        for url in reversed(kept):
            await http.delete(url)


@pytest.mark.parametrize("shape", SHAPES)
async def test_each_shape_is_valid(http: httpx.AsyncClient, shape: str) -> None:
    for event in SHAPES[shape]:
        assert await errors_in(http, event) == []


async def test_each_model_is_a_valid_device(http: httpx.AsyncClient) -> None:
    for model in (MODEL, LARGE, "gpt"):
        (device,) = models_of({"model": model})
        assert await errors_in(http, device) == []


@settings(max_examples=60)
@given(act=odd_acts())
def test_whatever_the_body_its_events_and_device_are_valid(
    hapi_base: str, act: tuple[list[Event], list[Event]]
) -> None:
    made, devices = act
    with httpx.Client(base_url=hapi_base, timeout=120, trust_env=False) as http:
        for resource in [*made, *devices]:
            answer = http.post(f"{resource['resourceType']}/$validate", json=plain(resource))
            assert errors(answer) == []
