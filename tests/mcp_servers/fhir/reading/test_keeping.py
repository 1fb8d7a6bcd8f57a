"""Types that are kept between calls: as the chart is now, with few requests, and nothing doubtful kept."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request

from fhir_fixtures.store import create_app, open_store
from mcp_servers.fhir import charts
from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.errors import NotPermitted
from mcp_servers.fhir.reading import keeping
from mcp_servers.fhir.reading.gathering import Gathered, gather
from mcp_servers.fhir.reading.keeping import Keeping
from mcp_servers.fhir.tools import ChartSession
from mcp_servers.fhir.tools.records import list_records
from tests.mcp_servers.fhir.scripted import BASE, ScriptedFhir, a_call, bundle, http_to, outcome

Resource = dict[str, Any]
ORDERS = next(one for one in charts.SEARCHES["medications"] if one.resource_type == "MedicationRequest")
DONE = ORDERS._replace(parameters=(("status", "completed"),))
MANY = 450
NOW = "2026-11-01T00:00:00+00:00"


def order(number: int, **elements: Any) -> Resource:
    return {
        "resourceType": "MedicationRequest",
        "id": f"order-{number}",
        "status": "completed",
        "intent": "order",
        "subject": {"reference": "Patient/long"},
        "medicationReference": {"reference": f"Medication/drug-{number % 3}"},
        "requester": {"reference": "Practitioner/doctor"},
        **elements,
    }


def named(kind: str, identifier: str, name: str) -> Resource:
    found: Resource = {"resourceType": kind, "id": identifier}
    return found | ({"code": {"text": name}} if kind == "Medication" else {"name": [{"family": name}]})


class Orders:
    """A patient with many orders, each of which names its drug and its doctor by reference."""

    def resources(self) -> Iterator[Resource]:
        yield {"resourceType": "Patient", "id": "long", "name": [{"family": "Long"}]}
        yield named("Practitioner", "doctor", "Doctor")
        for number in range(3):
            yield named("Medication", f"drug-{number}", f"Drug {number}")
        for number in range(MANY):
            yield order(number)

    def digest(self) -> str:
        return "orders"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Starlette]:
    store = open_store(tmp_path / "store.db", Orders())
    store.connection.execute("UPDATE resource SET updated = updated - 3600000")
    yield create_app(store)
    store.close()


def content(found: Gathered) -> tuple[dict[str, Resource], dict[str, Resource], list[str], bool]:
    by_id = {one["id"]: one for one in found.resources}
    assert len(by_id) == len(found.resources)
    return by_id, found.included, found.notes, found.complete


async def read(
    app: Any, kept: Keeping | None = None, search: charts.Search = ORDERS
) -> tuple[Gathered, list[str]]:
    """What is read through `kept`, or without, and the requests that it takes."""
    call = a_call()
    async with http_to(app, BASE) as http:
        client, lock = FhirClient(http), PatientLock("Patient/long", BASE)
        if kept is None:
            return await gather(client, [search], lock, call), []
        await client.capability(a_call())
        found = await kept.gather(client, search, lock, call)
    return found, [url for _, url, _ in call.requests]


@pytest.mark.anyio
async def test_what_is_kept_is_read_again_by_a_count_and_by_the_names_that_records_refer_to(
    app: Starlette,
) -> None:
    kept = Keeping()
    first, _ = await read(app, kept)
    again, asked = await read(app, kept)
    assert content(first) == content(again) == content((await read(app))[0])
    assert len(asked) == 4
    assert not [url for url in asked if "_getpages" in url]


@pytest.mark.parametrize(
    ("method", "resource"),
    [
        ("PUT", order(1, status="active")),
        ("PUT", order(MANY, medicationReference={"reference": "Medication/drug-new"})),
        ("DELETE", order(2)),
        ("PUT", named("Medication", "drug-1", "Another drug")),
        ("PUT", named("Practitioner", "doctor", "Another")),
        ("PUT", order(3, subject={"reference": "Patient/other"})),
    ],
)
@pytest.mark.anyio
async def test_what_changed_in_the_chart_or_in_what_it_refers_to_is_seen(
    app: Starlette, method: str, resource: Resource
) -> None:
    kept = Keeping()
    before, _ = await read(app, kept)
    async with http_to(app, BASE) as http:
        await http.put("Patient/other", json={"resourceType": "Patient", "id": "other"})
        await http.put("Medication/drug-new", json=named("Medication", "drug-new", "New"))
        url = f"{resource['resourceType']}/{resource['id']}"
        changed = await http.request(method, url, json=None if method == "DELETE" else resource)
        assert changed.is_success, changed.text
    now = content((await read(app))[0])
    assert content(before) != now
    for _ in range(2):
        assert content((await read(app, kept))[0]) == now


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (order(1), order(1, status="active")),
        (order(1, status="active"), order(1)),
        (order(1), order(1, priority="urgent")),
        (order(1), None),
    ],
)
@pytest.mark.anyio
async def test_of_what_a_search_narrows_down_to_it_is_seen_what_comes_changes_and_goes(
    app: Starlette, before: Resource, after: Resource | None
) -> None:
    kept, url = Keeping(), "MedicationRequest/order-1"
    async with http_to(app, BASE) as http:
        await http.put(url, json=before)
        first, _ = await read(app, kept, DONE)
        _, asked = await read(app, kept, DONE)
        assert not [one for one in asked if "_getpages" in one]
        # Another comes at the same time, so that the count alone would not tell.
        await http.put("MedicationRequest/order-2", json=order(2, status="active"))
        await (http.put(url, json=after) if after else http.delete(url))
    now = content((await read(app, search=DONE))[0])
    assert content(first) != now
    assert content((await read(app, kept, DONE))[0]) == now


@pytest.mark.anyio
async def test_of_searches_that_are_more_than_is_kept_the_oldest_are_forgotten(
    app: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST_KEPT", MANY + 1)
    kept, ordered = Keeping(), ORDERS._replace(parameters=(("intent", "order"),))
    await read(app, kept, DONE)
    await read(app, kept, ordered)
    assert (kept.holds(DONE), kept.holds(ordered)) == (False, True)


@pytest.mark.anyio
async def test_of_more_than_is_kept_all_is_read_each_time(
    app: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST_KEPT", MANY - 1)
    kept = Keeping()
    for _ in range(3):
        found, asked = await read(app, kept)
        assert content(found) == content((await read(app))[0])
    assert len(asked) == 3


def scripted(count: int, *others: Resource) -> ScriptedFhir:
    """A server that brings no Medication along with the orders."""
    return ScriptedFhir([*others, *(order(number) for number in range(count))])


@pytest.mark.anyio
async def test_what_left_something_to_say_is_read_anew() -> None:
    app, kept = scripted(30), Keeping()
    found, _ = await read(app, kept)
    assert [note for note in found.notes if "Medication/drug-1" in note]
    app.resources += [named("Medication", f"drug-{number}", "Drug") for number in range(3)]
    app.script["Medication"] = lambda request: bundle(request, app.resources[-3:])
    found, _ = await read(app, kept)
    assert (found.notes, sorted(found.included)) == ([], [f"Medication/drug-{n}" for n in range(3)])


@pytest.mark.anyio
async def test_what_the_server_refuses_by_now_is_not_told_from_memory(app: Starlette) -> None:
    kept = Keeping()
    await read(app, kept)
    refusing = ScriptedFhir(script={"MedicationRequest": lambda _: outcome(403, "forbidden", "No.")})
    with pytest.raises(NotPermitted):
        await read(refusing, kept)
    assert content((await read(app, kept))[0]) == content((await read(app))[0])


@pytest.mark.anyio
async def test_a_reading_that_failed_half_way_is_begun_again(app: Starlette) -> None:
    kept, seen = Keeping(), 0

    async def failing(scope: Any, receive: Any, send: Any) -> None:
        nonlocal seen
        seen += "_getpages" in str(Request(scope).url)
        answer = outcome(403, "forbidden", "No.") if seen == 2 else app
        await answer(scope, receive, send)

    with pytest.raises(NotPermitted):
        await read(failing, kept)
    assert content((await read(app, kept))[0]) == content((await read(app))[0])


@pytest.mark.anyio
async def test_a_few_records_are_read_anew_by_one_request() -> None:
    app, kept = (
        scripted(20, *(named("Medication", f"drug-{number}", "Drug") for number in range(3))),
        Keeping(),
    )
    app.script["Medication"] = lambda request: bundle(request, app.resources[:3])
    for _ in range(2):
        _, asked = await read(app, kept)
        assert len(asked) == 2


@pytest.mark.anyio
async def test_current_records_are_those_of_a_list_that_is_kept_whole(app: Starlette) -> None:
    async with http_to(app, BASE) as http:
        for number in (5, 9):
            await http.put(f"MedicationRequest/order-{number}", json=order(number, status="active"))
        fresh, kept = ChartSession(FhirClient(http), NOW), ChartSession(FhirClient(http), NOW)
        whole = await list_records(kept, a_call(), "long", kind="medications", text="drug")
        read_anew, asked_again = a_call(), a_call()
        current = await list_records(fresh, read_anew, "long", kind="medications")
        again = await list_records(kept, asked_again, "long", kind="medications")
    assert (whole.envelope.total, again.envelope.total) == (2, 2)
    assert again == current
    assert [url for _, url, _ in read_anew.requests if "status=" in url]
    assert not [url for _, url, _ in asked_again.requests if "status=" in url]


class Reports:
    """A patient with many reports and notes, each with the bytes of its text."""

    def resources(self) -> Iterator[Resource]:
        form = {"contentType": "text/plain", "title": "Report", "data": "UmVwb3J0"}
        yield {"resourceType": "Patient", "id": "long", "name": [{"family": "Long"}]}
        for number in range(60):
            of_patient = {"subject": {"reference": "Patient/long"}, "text": {"div": "<div>Report</div>"}}
            yield {
                "resourceType": "DiagnosticReport", "id": f"report-{number}", "status": "final", **of_patient,
                "code": {"text": f"Report {number}"}, "presentedForm": [form],
            }  # fmt: skip
            yield {
                "resourceType": "DocumentReference", "id": f"note-{number}", "status": "current",
                **of_patient, "type": {"text": f"Note {number}"}, "content": [{"attachment": form}],
            }  # fmt: skip

    def digest(self) -> str:
        return "reports"


@pytest.mark.parametrize("kind", ["reports", "documents"])
@pytest.mark.anyio
async def test_reports_and_documents_are_kept_without_the_bytes_of_their_texts(
    tmp_path: Path, kind: charts.Kind
) -> None:
    with closing(open_store(tmp_path / "store.db", Reports())) as store:
        store.connection.execute("UPDATE resource SET updated = updated - 3600000")
        async with http_to(create_app(store), BASE) as http:
            kept, lock = Keeping(), PatientLock("Patient/long", BASE)
            session = ChartSession(FhirClient(http), NOW)
            calls = [a_call(), a_call()]
            rows = [
                (await list_records(session, call, "long", kind=kind, text="1")).envelope for call in calls
            ]
            [search] = [one for one in charts.SEARCHES[kind] if one.resource_type != "Composition"]
            found = await kept.gather(FhirClient(http), search, lock, a_call())
            fresh = await gather(FhirClient(http), [search], PatientLock("Patient/long", BASE), a_call())
    assert rows[0] == rows[1]
    assert {row["attachments"] for row in rows[0].rows} == {"text/plain"}
    assert len(calls[1].requests) < len(calls[0].requests)
    assert [one["id"] for one in found.resources] == [one["id"] for one in fresh.resources]
    assert "UmVwb3J0" in str(fresh.resources)
    assert "UmVwb3J0" not in str(found.resources)
