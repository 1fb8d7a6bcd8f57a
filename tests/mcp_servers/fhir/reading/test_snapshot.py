"""A snapshot of a chart: what is new, changed and gone, with few requests, and nothing half-read kept."""

from datetime import timedelta
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.errors import ServerFailed
from mcp_servers.fhir.reading.snapshot import Changes, Snapshot
from tests.mcp_servers.fhir.reading.following import CHART, LOADED, Chart, Told, follow, ids
from tests.mcp_servers.fhir.scripted import (
    BASE,
    Answer,
    ScriptedFhir,
    a_call,
    bundle,
    fhir,
    http_to,
    observation,
    outcome,
)

Resource = dict[str, Any]


@pytest.mark.anyio
async def test_the_first_refresh_reads_every_page_and_the_next_finds_nothing_new() -> None:
    chart = Chart()
    chart.states_time = True
    chart.clock += timedelta(minutes=1)
    refresh = follow(chart.app, Snapshot(["Observation"]))
    first = await refresh()
    assert ids(first) == sorted(f"o{n}" for n in range(CHART))
    assert (first.complete, first.notes, chart.requests()) == (True, [], 3)
    again = await refresh()
    assert (again, chart.requests()) == (Told(), 2)


@pytest.mark.parametrize("size", [CHART, 3 * CHART])
@pytest.mark.anyio
async def test_of_records_written_at_one_instant_only_what_changed_is_told(size: int) -> None:
    chart = Chart(size=0)
    chart.page_size = 200
    for number in range(size):
        chart.write(f"o{number}", at_once=True)
    refresh = follow(chart.app, Snapshot(["Observation"]))
    await refresh()
    chart.requests()
    assert (await refresh(), chart.requests()) == (Told(), 2)
    chart.write("o1", status="amended")
    changed = await refresh()
    assert (ids(changed), changed.removed, chart.requests()) == (["o1"], [], 2)


@pytest.mark.parametrize("size", [3, CHART])
@pytest.mark.anyio
async def test_what_is_added_changed_or_deleted_is_told_and_nothing_else(size: int) -> None:
    chart = Chart(size)
    refresh = follow(chart.app, Snapshot(["Observation"]))
    await refresh()
    chart.write("new")
    assert ids(await refresh()) == ["new"]
    chart.write("o1", status="amended")
    assert ids(await refresh()) == ["o1"]
    chart.delete("o2")
    gone = await refresh()
    assert (ids(gone), gone.removed) == ([], ["Observation/o2"])
    chart.delete("o0")
    chart.write("newer")
    both = await refresh()
    assert (ids(both), both.removed) == (["newer"], ["Observation/o0"])
    assert await refresh() == Told()


@pytest.mark.anyio
async def test_a_record_changed_at_the_instant_of_the_newest_one_is_told() -> None:
    chart = Chart()
    refresh = follow(chart.app, Snapshot(["Observation"]))
    await refresh()
    chart.write("o3", at_once=True, status="amended")
    assert ids(await refresh()) == ["o3"]


@pytest.mark.parametrize("states_time", [False, True])
@pytest.mark.anyio
async def test_a_change_that_is_seen_later_than_it_was_written_is_told(states_time: bool) -> None:
    chart = Chart()
    chart.states_time = states_time
    refresh = follow(chart.app, Snapshot(["Observation"]))
    await refresh()
    chart.clock -= timedelta(seconds=20)
    chart.write("o3", status="amended")
    assert ids(await refresh()) == ["o3"]


@pytest.mark.anyio
async def test_what_was_loaded_in_one_go_is_not_read_again_where_the_server_says_when_it_was_read() -> None:
    chart = Chart(size=0)
    chart.states_time = True
    for number in range(3 * CHART):
        chart.write(f"o{number}", at_once=True)
    chart.clock += timedelta(minutes=1)
    refresh = follow(chart.app, Snapshot(["Observation"]))
    await refresh()
    chart.requests()
    chart.write("o1", status="amended")
    for changed in (["o1"], []):
        assert (ids(await refresh()), chart.requests()) == (changed, 2)


@pytest.mark.parametrize("dropped", [False, True])
@pytest.mark.anyio
async def test_a_server_that_does_not_search_by_time_of_change_is_read_anew_and_asked_for_it_once(
    dropped: bool,
) -> None:
    chart = Chart()
    asked: list[str] = []

    def refuse(request: Request) -> Response | None:
        if (since := request.query_params.get("_lastUpdated")) is None:
            return None
        asked.append(since)
        if dropped:
            return bundle(request, [], own=str(request.url.remove_query_params("_lastUpdated")))
        return outcome(400, "not-supported", "_lastUpdated is not supported")

    chart.meanwhile = refuse
    told: list[str] = []
    lock = PatientLock("Patient/A", BASE)

    async def receive(records: list[Resource], _: dict[str, Resource]) -> None:
        told.extend(record["id"] for record in records)

    async with http_to(chart.app) as http:
        client = FhirClient(http)
        for snapshot in (Snapshot(["Observation"]), Snapshot(["Observation"])):
            await snapshot.refresh(client, lock, a_call(), receive)
            for status in ("amended", "corrected"):
                chart.write("o3", status=status)
                told.clear()
                await snapshot.refresh(client, lock, a_call(), receive)
                assert told == ["o3"]
    assert len(asked) == 1


@pytest.mark.anyio
async def test_a_record_deleted_and_written_again_is_a_changed_one() -> None:
    chart = Chart()
    refresh = follow(chart.app, Snapshot(["Observation"]))
    await refresh()
    chart.delete("o3")
    chart.write("o3", status="amended")
    again = await refresh()
    assert (ids(again), again.removed) == (["o3"], [])


@pytest.mark.anyio
async def test_a_server_that_states_no_totals_is_read_anew_so_that_deletions_are_seen() -> None:
    chart = Chart()
    chart.states_totals = False
    refresh = follow(chart.app, Snapshot(["Observation"]))
    await refresh()
    chart.delete("o2")
    chart.write("o3")
    gone = await refresh()
    assert (ids(gone), gone.removed) == (["o3"], ["Observation/o2"])


@pytest.mark.anyio
async def test_records_without_a_time_of_change_are_handed_on_each_time() -> None:
    app = ScriptedFhir([observation("1", "A"), observation("2", "A")])
    refresh = follow(app, Snapshot(["Observation"]))
    assert [ids(await refresh()) for _ in range(2)] == [["1", "2"], ["1", "2"]]


@pytest.mark.anyio
async def test_fewer_records_than_the_server_counts_are_incomplete_each_time() -> None:
    def answer(request: Request) -> Response:
        meta = {"lastUpdated": LOADED.isoformat(), "versionId": "1"}
        return fhir(
            {
                "resourceType": "Bundle",
                "type": "searchset",
                "total": 31,
                "link": [{"relation": "self", "url": str(request.url)}],
                "entry": [{"resource": observation(str(n), "A", meta=meta)} for n in range(30)],
            }
        )

    refresh = follow(ScriptedFhir(script={"Observation": answer}), Snapshot(["Observation"]))
    for _ in range(2):
        changes = await refresh()
        assert not changes.complete
        assert changes.notes == ["The server counts 31 Observation records, and sent 30: others are missing."]


@pytest.mark.anyio
async def test_a_type_that_the_server_lacks_is_passed_over_with_a_note() -> None:
    changes = await follow(Chart().app, Snapshot(["Goal", "Observation"]))()
    assert changes.notes == ["This server holds no Goal."]
    assert (len(changes.changed), changes.complete) == (CHART, True)


@pytest.mark.anyio
async def test_a_server_that_fails_half_way_leaves_the_snapshot_as_it_was() -> None:
    chart = Chart()
    refresh = follow(chart.app, Snapshot(["Observation", "Device"]))
    await refresh()
    chart.write("new")
    chart.delete("o1")
    broken: Answer = lambda _: outcome(500, "exception", "broken")  # noqa: E731
    chart.app.script["Device"] = broken
    with pytest.raises(ServerFailed):
        await refresh()
    del chart.app.script["Device"]
    changes = await refresh()
    assert (ids(changes), changes.removed) == (["new"], ["Observation/o1"])


@pytest.mark.anyio
async def test_records_are_handed_on_page_by_page_with_what_comes_along() -> None:
    medication = {"resourceType": "Medication", "id": "m"}
    order = {
        "resourceType": "MedicationRequest",
        "id": "1",
        "subject": {"reference": "Patient/A"},
        "medicationReference": {"reference": "Medication/m"},
    }
    app = ScriptedFhir(
        script={"MedicationRequest": lambda request: bundle(request, [order], included=(medication,))}
    )
    handed_on: list[tuple[list[str], list[str]]] = []

    async def receive(records: list[Resource], included: dict[str, Resource]) -> None:
        handed_on.append(([record["id"] for record in records], list(included)))

    snapshot = Snapshot(["MedicationRequest"], {"MedicationRequest": ("MedicationRequest:medication",)})
    async with http_to(app) as http:
        changes = await snapshot.refresh(
            FhirClient(http), PatientLock("Patient/A", BASE), a_call(), receive=receive
        )
    assert handed_on == [(["1"], ["Medication/m"])]
    assert changes == Changes()
    assert app.seen[-1].query_params["_include"] == "MedicationRequest:medication"


@pytest.mark.anyio
async def test_only_some_of_the_types_can_be_refreshed() -> None:
    chart = Chart()
    async with http_to(chart.app) as http:
        refresh = Snapshot(["Observation", "Device"]).refresh
        await refresh(FhirClient(http), PatientLock("Patient/A", BASE), a_call(), ignore, only=["Device"])
    assert [request.url.path for request in chart.app.seen] == ["/fhir/metadata", "/fhir/Device"]


@pytest.mark.anyio
async def test_after_a_search_expired_only_what_changed_meanwhile_is_handed_on_again() -> None:
    chart = Chart()
    refresh = follow(chart.app, Snapshot(["Observation"]))

    def expire(request: Request) -> Response | None:
        if request.query_params.get("_offset") != "20":
            return None
        chart.meanwhile = lambda _: None
        chart.write("o1", status="amended")
        chart.delete("o2")
        return outcome(410, "processing", "expired")

    chart.meanwhile = expire
    told = await refresh()
    once = [f"o{number}" for number in range(CHART)]
    assert ids(told) == sorted([*once, "o1"])
    assert [one["status"] for one in told.changed if one["id"] == "o1"] == ["final", "amended"]
    assert (told.removed, told.notes, told.complete) == (["Observation/o2"], [], True)
    assert await refresh() == Told()


@pytest.mark.anyio
async def test_a_record_that_was_just_handed_on_and_is_gone_already_is_told_as_removed() -> None:
    chart = Chart()
    refresh = follow(chart.app, Snapshot(["Observation"]))
    await refresh()
    chart.write("new")
    chart.delete("o2")

    def delete(request: Request) -> None:
        if not {"_lastUpdated", "_summary"} & request.query_params.keys():
            chart.written.pop("new", None)

    chart.meanwhile = delete
    told = await refresh()
    assert (ids(told), told.removed) == (["new"], ["Observation/new", "Observation/o2"])


@pytest.mark.anyio
async def test_what_was_missed_in_a_chart_that_changed_while_it_was_read_is_told_next_time() -> None:
    chart = Chart()
    refresh = follow(chart.app, Snapshot(["Observation"]))

    def delete(request: Request) -> None:
        if request.query_params.get("_offset") == "10":
            chart.written.pop("o1", None)  # each of the others moves up: o10 is on no page

    chart.meanwhile = delete
    first = await refresh()
    assert "o10" not in ids(first)
    (note,) = first.notes
    assert note.startswith("The chart changed while it was read")
    told = await refresh()
    assert (ids(told), told.removed, told.notes) == (["o10"], ["Observation/o1"], [])


@pytest.mark.anyio
async def test_a_record_that_is_sent_twice_is_handed_on_once() -> None:
    meta = {"lastUpdated": LOADED.isoformat(), "versionId": "1"}
    twice = [observation("1", "A", meta=meta)] * 2
    app = ScriptedFhir(script={"Observation": lambda request: bundle(request, twice)})
    assert ids(await follow(app, Snapshot(["Observation"]))()) == ["1"]


@pytest.mark.anyio
async def test_that_a_record_is_withheld_is_said_each_time() -> None:
    chart = Chart()
    chart.write("shared", subject=[{"reference": "Patient/A"}, {"reference": "Patient/B"}])
    chart.write("last")
    refresh = follow(chart.app, Snapshot(["Observation"]))
    said = ["1 records that are about other patients too are withheld."]
    first, second = await refresh(), await refresh()
    assert "shared" not in ids(first)
    assert (first.notes, first.complete) == (said, True)
    assert (second.notes, second.complete, second.changed) == (said, True, [])


async def ignore(_records: list[Resource], _included: dict[str, Resource]) -> None:
    """Takes what is handed on."""
