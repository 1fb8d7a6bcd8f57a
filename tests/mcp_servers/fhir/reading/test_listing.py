"""Long lists: what is shown, counted and noted is as from the whole chart, and little of it is read."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette

from fhir_fixtures.store import create_app, open_store
from mcp_servers.fhir import charts
from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.access.references import checked
from mcp_servers.fhir.charts.overview import EVERY_SECTION, SECTIONS, Section
from mcp_servers.fhir.reading.gathering import gather
from mcp_servers.fhir.tools import ChartSession
from mcp_servers.fhir.tools.overview import chart_overview
from mcp_servers.fhir.tools.records import list_records
from tests.mcp_servers.fhir.charts.whole import overview_of_lists
from tests.mcp_servers.fhir.scripted import a_call, http_to

NOW = "2026-11-01T00:00:00+00:00"
BASE = "http://x/fhir"
LONG = 450
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
STATUSES = {
    "Encounter": ["finished"],
    "MedicationRequest": ["completed", "stopped", "draft", "cancelled"],
    "MedicationAdministration": ["completed"],
    "Condition": ["resolved", "inactive"],
}
ODD = {
    "Encounter": ["entered-in-error", "planned"],
    "MedicationRequest": ["active", "on-hold", "unknown", "entered-in-error"],
    "MedicationAdministration": ["entered-in-error", "in-progress", "on-hold"],
    "Condition": ["active", "recurrence", "", "refuted", "entered-in-error"],
}


def record(kind: str, number: int, status: str, name: str) -> dict[str, Any]:
    day = f"20{number % 26:02}-{number % 12 + 1:02}-{number % 28 + 1:02}"
    found: dict[str, Any] = {"resourceType": kind, "id": f"{kind}-{number}", "status": status}
    subject = {"subject": {"reference": "Patient/long"}}
    concept = {"text": f"{name} {number}"}
    match kind:
        case "Encounter":
            return {**found, **subject, "period": {"start": day}, "type": [concept]}
        case "MedicationRequest":
            reason = [{"reference": f"Condition/Condition-{number}"}]
            return {
                **found, **subject, "authoredOn": day, "medicationCodeableConcept": concept,
                "reasonReference": reason,
            }  # fmt: skip
        case "MedicationAdministration":
            return {**found, **subject, "effectiveDateTime": day, "medicationCodeableConcept": concept}
    del found["status"]
    verified = status if status in ("refuted", "entered-in-error") else "confirmed"
    clinical = "" if status == "entered-in-error" else "resolved" if status == "refuted" else status
    return {
        **found, **subject, "onsetDateTime": day, "code": concept,
        "verificationStatus": {"coding": [{"code": verified}]},
        **({"clinicalStatus": {"coding": [{"system": CLINICAL, "code": clinical}]}} if clinical else {}),
    }  # fmt: skip


class LongLists:
    """A patient with a long list of each of these kinds, most of them no longer current."""

    def resources(self) -> Iterator[dict[str, Any]]:
        yield {"resourceType": "Patient", "id": "long", "name": [{"family": "Long"}]}
        for kind, statuses in STATUSES.items():
            for number in range(LONG):
                yield record(kind, number, statuses[number % len(statuses)], "Common")
            for place, status in enumerate(ODD[kind]):
                yield record(kind, LONG + place, status, "Odd")
        for number, day in ((997, "1999-01-01"), (998, "2026-10-01")):  # withdrawn at either end of the list
            wrong = record("MedicationRequest", number, "entered-in-error", "Odd")
            yield {**wrong, "authoredOn": day}
        yield {**record("Encounter", 999, "finished", "Undated"), "period": {}}

    def digest(self) -> str:
        return "long lists"


@pytest.fixture(scope="module")
def long_lists(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starlette]:
    store = open_store(tmp_path_factory.mktemp("lists") / "store.db", LongLists(), check_references=False)
    yield create_app(store)
    store.close()


@pytest.mark.parametrize("status", ["current", "all"])
@pytest.mark.parametrize("kind", ["encounters", "medications", "problems"])
@pytest.mark.anyio
async def test_a_long_list_is_shown_as_from_the_whole_chart(
    long_lists: Starlette, kind: charts.Kind, status: charts.Status
) -> None:
    async with http_to(long_lists, BASE) as http:
        client, call = FhirClient(http), a_call()
        everything = await gather(client, charts.SEARCHES[kind], PatientLock("Patient/long", BASE), call)
        answer = await list_records(ChartSession(client, NOW), call, "long", kind=kind, status=status)
    whole = charts.list_records(
        kind, everything.resources, included=everything.included, status=status, now=NOW
    )
    envelope = answer.envelope
    assert envelope.rows == whole.rows[:50]
    assert (envelope.total, envelope.finding) == (len(whole.rows), whole.finding)
    assert {sorted_counts(note) for note in envelope.notes} == {sorted_counts(note) for note in whole.notes}


def sorted_counts(note: str) -> str:
    """A note, whatever the order of the counts in it."""
    return "".join(sorted(note))


@pytest.mark.parametrize("kind", ["encounters", "medications", "problems"])
@pytest.mark.anyio
async def test_of_a_long_list_first_pages_are_read_alone(long_lists: Starlette, kind: charts.Kind) -> None:
    call = a_call()
    async with http_to(long_lists, BASE) as http:
        await list_records(ChartSession(FhirClient(http), NOW), call, "long", kind=kind)
    assert not [url for _, url, _ in call.requests if "_getpages" in url]


@pytest.mark.anyio
async def test_a_long_list_goes_on_behind_its_cursor(long_lists: Starlette) -> None:
    async with http_to(long_lists, BASE) as http:
        session, seen, cursor = ChartSession(FhirClient(http), NOW), [], None
        for _ in range(10):
            answer = await list_records(
                session, a_call(), "long", kind="encounters", limit=200, cursor=cursor
            )
            assert answer.envelope.total == LONG + 2
            seen += [row["ref"] for row in answer.envelope.rows]
            cursor = answer.envelope.cursor
            if cursor is None:
                break
    assert len(seen) == len(set(seen)) == LONG + 2


@pytest.mark.anyio
async def test_the_overview_counts_what_it_does_not_read(long_lists: Starlette) -> None:
    call = a_call()
    async with http_to(long_lists, BASE) as http:
        answer = await chart_overview(ChartSession(FhirClient(http), NOW), call, "long")
    extents = {row["kind"]: row for row in answer.envelope.rows if row["section"] == "records"}
    assert {kind: row["count"] for kind, row in extents.items()} == {
        "Condition": LONG + 4,
        "Encounter": LONG + 2,
        "MedicationAdministration": LONG + 2,
        "MedicationRequest": LONG + 3,
    }
    days = sorted(one["period"]["start"] for one in LongLists().resources() if one.get("period"))
    assert (extents["Encounter"]["first_date"], extents["Encounter"]["last_date"]) == (days[0], days[-1])
    assert f"encounters: the newest 5 of {LONG + 2}." in answer.envelope.notes
    assert not [url for _, url, _ in call.requests if "_getpages" in url]


async def overview_of_all(client: FhirClient, patient: str) -> charts.Projected:
    """The overview of a chart that is read to the end."""
    lock, call = PatientLock(f"Patient/{patient}", BASE), a_call()
    person = await client.read(checked(lock.patient), lock, call)
    everything = (await gather(client, charts.OVERVIEW, lock, call)).resources
    lists: dict[charts.Kind, charts.Projected] = {}
    for _, kind in SECTIONS:
        found = await gather(client, charts.SEARCHES[kind], lock, call)
        lists[kind] = charts.list_records(kind, found.resources, included=found.included, now=NOW)
    return overview_of_lists(person, lists, everything, now=NOW)


@pytest.mark.anyio
async def test_the_overview_of_long_lists_is_that_of_the_whole_chart(long_lists: Starlette) -> None:
    async with http_to(long_lists, BASE) as http:
        client = FhirClient(http)
        answer = await chart_overview(ChartSession(client, NOW), a_call(), "long")
        whole = await overview_of_all(client, "long")
    assert answer.envelope.rows == whole.rows
    assert {sorted_counts(note) for note in answer.envelope.notes} == {sorted_counts(n) for n in whole.notes}


@pytest.mark.parametrize("patient", ["renae-homenick", "hard-john-smith-1950"])
@pytest.mark.anyio
async def test_the_overview_is_that_of_the_whole_chart_in_few_requests(
    samples: Starlette, patient: str
) -> None:
    async with http_to(samples, BASE) as http:
        client, calls = FhirClient(http), [a_call(), a_call()]
        session = ChartSession(client, NOW)
        answers = [await chart_overview(session, call, patient) for call in calls]
        whole = await overview_of_all(client, patient)
    assert [answer.envelope.rows for answer in answers] == [whole.rows, whole.rows]
    assert len(calls[1].requests) <= 45


@pytest.mark.anyio
async def test_sections_of_the_overview_are_those_of_the_whole_with_only_what_they_need_read(
    samples: Starlette,
) -> None:
    async with http_to(samples, BASE) as http:
        session = ChartSession(FhirClient(http), NOW)
        whole = (await chart_overview(session, a_call(), "renae-homenick")).envelope
        each: list[list[Section]] = [*([one] for one in sorted(EVERY_SECTION)), ["problem", "encounter"]]
        for asked in each:
            call = a_call()
            found = (await chart_overview(session, call, "renae-homenick", sections=asked)).envelope
            assert found.rows == [row for row in whole.rows if row["section"] in {"patient", *asked}]
            assert (found.finding, found.truncated) == ("recorded", False)
            assert asked != ["patient"] or len(call.requests) == 1
            assert "measurement" in asked or "records" in asked or "Observation" not in str(call.requests)


@pytest.mark.anyio
async def test_the_text_of_the_overview_stays_within_its_budget(samples: Starlette) -> None:
    async with http_to(samples, BASE) as http:
        session = ChartSession(FhirClient(http), NOW)
        first = await chart_overview(session, a_call(), "renae-homenick")
        again = await chart_overview(session, a_call(), "renae-homenick")
    assert len(first.text.encode()) / 4 <= 1500
    assert first.envelope == again.envelope
