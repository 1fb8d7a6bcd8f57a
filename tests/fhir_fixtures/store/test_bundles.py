"""Batches and transactions."""

from typing import Any

import httpx
import pytest

from tests.fhir_fixtures.store.test_search import found

pytestmark = pytest.mark.anyio


def entry(method: str, url: str, resource: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"request": {"method": method, "url": url, **more}} | ({"resource": resource} if resource else {})


def bundle(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


_NEW_PATIENT = {"resourceType": "Patient", "name": [{"family": "New"}]}


async def test_the_entries_of_a_batch_succeed_and_fail_on_their_own(writer: httpx.AsyncClient) -> None:
    response = await writer.post(
        "",
        json=bundle(
            "batch",
            entry("GET", "Patient/ana"),
            entry("GET", "Patient/absent"),
            entry("GET", "Observation?code=4548-4"),
            entry("POST", "Patient", _NEW_PATIENT),
            entry("GET", "Coffee"),
        ),
    )
    entries = response.json()["entry"]
    assert [e["response"]["status"] for e in entries] == [
        "200 OK", "404 Not Found", "200 OK", "201 Created", "404 Not Found",
    ]  # fmt: skip
    assert entries[0]["resource"]["id"] == "ana"
    assert entries[1]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert entries[2]["resource"]["total"] == 2


async def test_the_entries_of_a_transaction_may_refer_to_each_other(writer: httpx.AsyncClient) -> None:
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": "urn:uuid:p"},
        "performer": [{"reference": "Practitioner?family=hale"}],
    }
    response = await writer.post(
        "",
        json=bundle(
            "transaction",
            entry("POST", "Observation", observation),
            entry("POST", "Patient", _NEW_PATIENT) | {"fullUrl": "urn:uuid:p"},
        ),
    )
    assert response.json()["type"] == "transaction-response"
    locations = [e["response"]["location"] for e in response.json()["entry"]]
    read = (await writer.get(locations[0])).json()
    assert locations[1].startswith(f"http://embedded/fhir/{read['subject']['reference']}/")
    assert read["performer"] == [{"reference": "Practitioner/gp"}]


async def test_a_read_of_nothing_does_not_undo_a_transaction(writer: httpx.AsyncClient) -> None:
    body = bundle("transaction", entry("GET", "Patient/absent"), entry("POST", "Patient", _NEW_PATIENT))
    entries = (await writer.post("", json=body)).json()["entry"]
    assert [e["response"]["status"] for e in entries] == ["404 Not Found", "201 Created"]
    assert len(found((await writer.get("Patient")).json())) == 3


async def test_a_transaction_writes_to_a_resource_once(writer: httpx.AsyncClient) -> None:
    basic = entry("PUT", "Basic/it", {"resourceType": "Basic", "id": "it"})
    response = await writer.post("", json=bundle("transaction", basic, basic))
    assert response.status_code == 400
    assert (await writer.get("Basic/it")).status_code == 404


@pytest.mark.parametrize(
    "failing",
    [
        entry("BREW", "Coffee"),
        entry("POST", "Basic", {"resourceType": "Basic", "subject": {"reference": "Patient/absent"}}),
        entry("POST", "Basic", {"resourceType": "Basic", "subject": {"reference": "Patient?family=none"}}),
        entry("PUT", "Basic/1", {"resourceType": "Basic", "id": "1"}),
        entry("DELETE", "Patient/ana"),
        {"resource": {"resourceType": "Basic"}},
        entry("POST", "", bundle("batch")),
    ],
)
async def test_a_transaction_of_which_one_entry_fails_changes_nothing(
    writer: httpx.AsyncClient, failing: dict[str, Any]
) -> None:
    body = bundle("transaction", entry("POST", "Patient", _NEW_PATIENT), failing)
    response = await writer.post("", json=body)
    assert response.status_code in (400, 404, 409)
    assert response.json()["resourceType"] == "OperationOutcome"
    assert found((await writer.get("Patient")).json()) == ["ana", "ben"]


async def test_a_transaction_deletes_first_and_may_delete_what_refers_to_what_it_deletes(
    writer: httpx.AsyncClient,
) -> None:
    ben = bundle(
        "transaction",
        entry("GET", "Observation?patient=ben"),
        entry("DELETE", "Patient/ben"),
        entry("DELETE", "Observation/smoker"),
        entry("DELETE", "Observation?code=85354-9&patient=ben"),
        entry("DELETE", "Observation?code=none"),
    )
    response = await writer.post("", json=ben)
    assert response.status_code == 200
    read, deleted, *_ = response.json()["entry"]
    assert read["resource"]["total"] == 0
    assert deleted["response"]["status"] == "204 No Content"
    assert deleted["response"]["location"].endswith("Patient/ben/_history/2")
    assert (await writer.get("Patient/ben")).status_code == 410


async def test_a_transaction_creates_only_what_is_not_there(writer: httpx.AsyncClient) -> None:
    patient = {"resourceType": "Patient", "identifier": [{"system": "urn:mrn", "value": "mrn-ana"}]}
    note = {"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": "urn:uuid:p"}}
    response = await writer.post(
        "",
        json=bundle(
            "transaction",
            entry("POST", "Patient", patient, ifNoneExist="identifier=urn:mrn|mrn-ana")
            | {"fullUrl": "urn:uuid:p"},
            entry("PUT", "Patient?identifier=urn:mrn|mrn-zoe", patient),
            entry("POST", "Basic", note),
        ),
    )
    assert [e["response"]["status"] for e in response.json()["entry"]] == [
        "200 OK", "201 Created", "201 Created",
    ]  # fmt: skip
    assert (await writer.get("Basic?subject=Patient/ana&_summary=count")).json()["total"] == 1
    assert (await writer.get("Patient?_summary=count")).json()["total"] == 3


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Patient"},
        bundle("collection"),
        {"resourceType": "Bundle", "type": "batch", "entry": 1},
    ],
)
async def test_only_batches_and_transactions_can_be_posted_to_the_base(
    reader: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    response = await reader.post("", json=body)
    assert response.status_code == 400
