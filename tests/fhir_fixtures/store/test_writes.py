"""Creating, updating and deleting, and the versions that come of it."""

from typing import Any

import httpx
import pytest

from fhir_fixtures.store import Store, create_app, open_store
from tests.fhir_fixtures.store.records import ANA, RECORDS
from tests.fhir_fixtures.store.test_search import found

pytestmark = pytest.mark.anyio


def basic(text: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Basic", "code": {"text": text}, **more}


async def test_a_created_resource_can_be_read_where_the_answer_says(writer: httpx.AsyncClient) -> None:
    created = await writer.post("Basic", json=basic("new", id="mine"))
    assert created.status_code == 201
    assert created.headers["ETag"] == 'W/"1"'
    body = created.json()
    assert body["id"] != "mine"
    assert created.headers["Location"] == f"http://embedded/fhir/Basic/{body['id']}/_history/1"
    assert body["meta"]["versionId"] == "1"
    read = await writer.get(f"Basic/{body['id']}")
    assert read.json() == body
    assert read.headers["ETag"] == 'W/"1"'
    assert read.headers["Last-Modified"].endswith("GMT")


async def test_an_update_makes_a_version_and_one_that_changes_nothing_does_not(
    writer: httpx.AsyncClient,
) -> None:
    put = [await writer.put("Basic/it", json=basic(text, id="it")) for text in ("one", "one", "two")]
    assert [(r.status_code, r.json()["meta"]["versionId"]) for r in put] == [
        (201, "1"), (200, "1"), (200, "2"),
    ]  # fmt: skip
    assert (await writer.get("Basic/it/_history/1")).json()["code"] == {"text": "one"}
    assert (await writer.get("Basic/it")).json()["code"] == {"text": "two"}
    history = (await writer.get("Basic/it/_history")).json()
    assert [e["resource"]["meta"]["versionId"] for e in history["entry"]] == ["2", "1"]
    assert history["total"] == 2


async def test_a_search_finds_the_latest_version_alone(writer: httpx.AsyncClient) -> None:
    await writer.put("Patient/ana", json=ANA | {"gender": "other"})
    assert found((await writer.get("Patient?gender=female")).json()) == []
    assert found((await writer.get("Patient?gender=other")).json()) == ["ana"]


async def test_an_update_from_a_stale_version_is_a_conflict(writer: httpx.AsyncClient) -> None:
    async def put(text: str, version: str) -> int:
        headers = {"If-Match": f'W/"{version}"'}
        return (await writer.put("Basic/it", json=basic(text, id="it"), headers=headers)).status_code

    assert await put("one", "7") == 201
    assert await put("two", "1") == 200
    assert await put("three", "1") == 409
    assert await put("three", "x") == 400
    assert (await writer.get("Basic/it")).json()["code"] == {"text": "two"}


@pytest.mark.parametrize(
    ("address", "body", "reason"),
    [
        ("Basic/12", basic("x", id="12"), "non-numeric"),
        ("Basic/it", basic("x", id="other"), "does not match"),
        ("Basic/it", basic("x"), "must contain an ID"),
    ],
)
async def test_an_id_that_cannot_be_given_is_refused(
    writer: httpx.AsyncClient, address: str, body: dict[str, Any], reason: str
) -> None:
    response = await writer.put(address, json=body)
    assert response.status_code == 400
    assert reason in response.json()["issue"][0]["diagnostics"]


async def test_a_create_on_condition_happens_once(writer: httpx.AsyncClient) -> None:
    body = basic("new", identifier=[{"system": "urn:s", "value": "1"}])
    headers = {"If-None-Exist": "identifier=urn:s|1"}
    first = await writer.post("Basic", json=body, headers=headers)
    second = await writer.post("Basic", json=body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    await writer.post("Basic", json=body)
    third = await writer.post("Basic", json=body, headers=headers)
    assert third.status_code == 412
    unconditional = await writer.post("Basic", json=body, headers={"If-None-Exist": "?"})
    assert unconditional.status_code == 400


async def test_an_update_on_condition_creates_then_updates(writer: httpx.AsyncClient) -> None:
    address = "Basic?identifier=urn:s|1"
    body = basic("one", identifier=[{"system": "urn:s", "value": "1"}])
    first = await writer.put(address, json=body)
    second = await writer.put(address, json=body | {"code": {"text": "two"}})
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["meta"]["versionId"] == "2"


async def test_a_delete_on_condition_deletes_the_one_that_meets_it(writer: httpx.AsyncClient) -> None:
    assert (await writer.delete("Observation?code=4548-4")).status_code == 412
    for _ in range(2):
        assert (await writer.delete("Observation?code=2339-0")).status_code == 200
    assert (await writer.get("Observation/glucose")).status_code == 410


async def test_a_deleted_resource_is_gone_and_its_versions_remain(writer: httpx.AsyncClient) -> None:
    assert (await writer.delete("Observation/glucose")).status_code == 200
    gone = await writer.get("Observation/glucose")
    assert gone.status_code == 410
    assert gone.headers["Location"].endswith("/Observation/glucose/_history/2")
    assert (await writer.get("Observation/glucose/_history/1")).status_code == 200
    assert (await writer.get("Observation/glucose/_history/2")).status_code == 410
    assert found((await writer.get("Observation?code=2339-0")).json()) == []
    assert (await writer.delete("Observation/glucose")).status_code == 200
    body = RECORDS.records[6]
    again = await writer.put("Observation/glucose", json=body)
    assert (again.status_code, again.json()["meta"]["versionId"]) == (201, "3")
    history = (await writer.get("Observation/glucose/_history")).json()
    assert [e["request"]["method"] for e in history["entry"]] == ["PUT", "DELETE", "POST"]


async def test_what_others_refer_to_is_not_deleted_unless_only_audit_events_do(
    writer: httpx.AsyncClient,
) -> None:
    assert (await writer.delete("Patient/ana")).status_code == 409
    event = {
        "resourceType": "AuditEvent",
        "id": "event",
        "entity": [{"what": {"reference": "Observation/glucose"}}],
    }
    assert (await writer.put("AuditEvent/event", json=event)).status_code == 201
    assert (await writer.delete("Observation/glucose")).status_code == 200


async def test_references_to_this_server_are_kept_relative_and_others_as_they_are(
    writer: httpx.AsyncClient,
) -> None:
    own = basic("own", subject={"reference": "http://embedded/fhir/Patient/ana"})
    other = basic("other", subject={"reference": "http://elsewhere/fhir/Patient/zoe"})
    assert (await writer.post("Basic", json=own)).json()["subject"] == {"reference": "Patient/ana"}
    assert (await writer.post("Basic", json=other)).json()["subject"] == other["subject"]
    zoe = await writer.get("Basic?subject=http://elsewhere/fhir/Patient/zoe&_summary=count")
    assert zoe.json()["total"] == 1


async def test_references_need_not_be_there_where_the_store_does_not_check_them(store: Store) -> None:
    lax = open_store(store.path, RECORDS, check_references=False)
    transport = httpx.ASGITransport(create_app(lax))
    async with httpx.AsyncClient(transport=transport, base_url="http://embedded/fhir") as client:
        response = await client.post("Basic", json=basic("x", subject={"reference": "Patient/no"}))
    lax.close()
    assert response.status_code == 201


async def test_a_minimal_answer_has_no_body(writer: httpx.AsyncClient) -> None:
    response = await writer.post("Basic", json=basic("x"), headers={"Prefer": "return=minimal"})
    assert (response.status_code, response.content) == (201, b"")


async def test_a_resource_that_the_client_has_is_not_sent_again(reader: httpx.AsyncClient) -> None:
    response = await reader.get("Patient/ana", headers={"If-None-Match": 'W/"1"'})
    assert (response.status_code, response.content) == (304, b"")
    assert (await reader.get("Patient/ana", headers={"If-None-Match": 'W/"2"'})).status_code == 200
