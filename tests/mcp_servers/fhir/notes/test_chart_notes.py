"""Notes are kept up with the chart: what changes, goes, comes back or may not be read any more."""

import anyio
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.notes.chart_notes import RECHECKED_PER_CALL, ChartNotes
from tests.mcp_servers.fhir.notes.charts import (
    BEHIND_A_BINARY,
    UNCHANGING,
    behind_binaries,
    binary,
    chart,
    document,
    search,
)
from tests.mcp_servers.fhir.scripted import BASE, ScriptedFhir, a_call, bundle, http_to, outcome
from tests.mcp_servers.fhir.sessions import session, text

NOOR = "hard-noor-haddad"


def asked_for(app: ScriptedFhir) -> list[str]:
    """The Binaries that were asked for."""
    return [request.url.path for request in app.seen if "/Binary/" in request.url.path]


@pytest.mark.anyio
async def test_a_server_that_recovers_is_asked_again() -> None:
    app = chart({**BEHIND_A_BINARY, "meta": UNCHANGING}, binary("Chest pain."))
    app.script["Binary/b"] = lambda _: outcome(500, "exception", "no")
    async with session(app, "A", base=BASE) as client:
        assert (await client.call_tool("search_notes", {"text": "pain"})).is_error
        del app.script["Binary/b"]
        assert (await search(client, "pain"))["total"] == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "kind", "why"),
    [
        (403, "not_permitted", "reading its file is not permitted"),
        (410, "patient_locked", "its file is not there, or not this patient's"),
        (500, "server_failed", "the server failed to send its file"),
    ],
)
async def test_text_that_may_not_be_read_any_more_is_not_shown_from_memory(
    status: int, kind: str, why: str
) -> None:
    app = chart(
        {**BEHIND_A_BINARY, "meta": UNCHANGING}, document("1", "Well."), binary("Told in confidence.")
    )
    async with session(app, "A", base=BASE) as client:
        assert (await search(client, "confidence"))["total"] == 1
        app.script["Binary/b"] = lambda _: outcome(status, "exception", "no")
        results = [
            await client.call_tool("search_notes", arguments)
            for arguments in (
                {"text": "confidence"},
                {"text": "confidence", "reference": "DocumentReference/behind"},
                {"reference": "DocumentReference/behind"},
            )
        ]
        found = await search(client, "well confidence")
    for result in results:
        assert "Told in" not in text(result)
        assert (kind if result.is_error else why) in text(result)
        assert result.is_error == (kind != "patient_locked")
    assert [row["ref"] for row in found["rows"]] == ["DocumentReference/1"]
    assert f"1 not read: {why}." in found["notes"]


@pytest.mark.anyio
async def test_a_binary_that_was_amended_or_given_to_another_patient_is_read_as_it_is_now() -> None:
    app = chart({**BEHIND_A_BINARY, "meta": UNCHANGING}, binary("Biopsy: malignant."))
    async with session(app, "A", base=BASE) as client:
        assert (await search(client, "biopsy"))["rows"][0]["passage"] == "Biopsy: malignant."
        app.resources[-1] = binary("Biopsy: benign.")
        assert (await search(client, "biopsy"))["rows"][0]["passage"] == "Biopsy: benign."
        opened = await search(client, "", reference="DocumentReference/behind")
        assert [row["passage"] for row in opened["rows"]] == ["Biopsy: benign."]
        app.resources[-1] = binary("Biopsy: malignant.", securityContext={"reference": "Patient/B"})
        assert (await search(client, "biopsy"))["rows"] == []


@pytest.mark.anyio
async def test_a_note_that_can_no_longer_be_read_by_its_reference_is_named() -> None:
    app = chart({**BEHIND_A_BINARY, "meta": UNCHANGING}, binary("Biopsy: malignant."))
    async with session(app, "A", base=BASE) as client:
        assert (await search(client, "biopsy"))["total"] == 1
        app.script["DocumentReference/behind"] = lambda _: outcome(404, "not-found", "no")
        found = await search(client, "biopsy")
    assert found["rows"] == []
    assert "1 not read: gone since it was read (DocumentReference/behind)." in found["notes"]


@pytest.mark.anyio
async def test_nothing_found_is_said_only_after_the_binaries_were_read_again() -> None:
    app = chart(*behind_binaries(6))
    async with session(app, "A", base=BASE) as client:
        assert (await search(client, "fever"))["total"] == 0
        app.resources[-1] = {**binary("Fever since yesterday."), "id": "6"}
        found = await search(client, "fever")
    assert [row["ref"] for row in found["rows"]] == ["DocumentReference/6"]


@pytest.mark.anyio
async def test_of_many_binaries_those_read_longest_ago_are_read_again_and_the_others_told() -> None:
    app = chart(*behind_binaries(RECHECKED_PER_CALL + 5))
    async with session(app, "A", base=BASE) as client:
        first = await search(client, "fever")
        for _ in range(2):
            app.seen.clear()
            again = await search(client, "fever")
            assert len(asked_for(app)) == RECHECKED_PER_CALL
        app.resources[-1] = {**binary("Fever since yesterday."), "id": app.resources[-1]["id"]}
        found = await search(client, "fever")
    assert not any("min ago" in note for note in first["notes"])
    assert "The text of 5 is as it was up to 1 min ago, the rest as it is now." in again["notes"]
    assert found["total"] == 1


@pytest.mark.anyio
async def test_the_reading_again_of_binaries_ends_with_the_time_of_the_call() -> None:
    app = chart(*behind_binaries(3))
    lock, notes, call = PatientLock("Patient/A", BASE), ChartNotes(), a_call()
    async with http_to(app) as http:
        client = FhirClient(http)
        await notes.refresh(client, lock, call)
        notes.seconds_per_call = -1.0
        await notes.refresh(client, lock, call)
        app.seen.clear()
        assert await notes.recheck_all(list(notes.notes), client, lock, call)
        assert len(notes.unchecked(notes.notes)) == 3
    assert app.seen == []


@pytest.mark.anyio
@pytest.mark.parametrize("status", [403, 404])
async def test_a_binary_that_could_not_be_read_is_tried_again_by_a_later_search(status: int) -> None:
    app = chart({**BEHIND_A_BINARY, "meta": UNCHANGING}, document("1", "Well."), binary("Not well."))
    app.script["Binary/b"] = lambda _: outcome(status, "exception", "no")
    async with session(app, "A", base=BASE) as client:
        assert [row["ref"] for row in (await search(client, "well"))["rows"]] == ["DocumentReference/1"]
        del app.script["Binary/b"]
        assert (await search(client, "well"))["total"] == 2


@pytest.mark.anyio
async def test_of_many_refused_binaries_a_call_tries_a_few_and_the_others_once_one_can_be_read() -> None:
    app = chart(document("well", "Well."), *behind_binaries(12))
    for number in range(1, 13):
        app.script[f"Binary/{number}"] = lambda _: outcome(403, "forbidden", "no")
    tried: list[str] = []
    async with session(app, "A", base=BASE) as client:
        await search(client, "well")
        for _ in range(3):
            app.seen.clear()
            await search(client, "well")
            assert len(asked_for(app)) == 4
            tried += asked_for(app)
        app.script.clear()
        found = await search(client, "cough")
    assert len(set(tried)) == 12
    assert found["total"] == 12


@pytest.mark.anyio
async def test_a_note_whose_record_may_not_be_read_any_more_is_withdrawn_and_the_others_searched() -> None:
    app = chart(*behind_binaries(2))
    async with session(app, "A", base=BASE) as client:
        assert (await search(client, "cough"))["total"] == 2
        app.script["DocumentReference/2"] = lambda _: outcome(403, "forbidden", "no")
        found = await search(client, "cough")
        del app.script["DocumentReference/2"]
        again = await search(client, "cough")
    assert [row["ref"] for row in found["rows"]] == ["DocumentReference/1"]
    assert "1 not read: reading its record is not permitted." in found["notes"]
    assert again["total"] == 2


@pytest.mark.anyio
async def test_a_server_that_fails_while_a_refused_note_is_tried_again_hides_no_other_note() -> None:
    app = chart({**BEHIND_A_BINARY, "meta": UNCHANGING}, document("1", "Well."))
    app.script["Binary/b"] = lambda _: outcome(403, "forbidden", "no")
    async with session(app, "A", base=BASE) as client:
        await search(client, "well")
        app.script["DocumentReference/behind"] = lambda _: outcome(500, "exception", "no")
        found = await search(client, "well")
    assert [row["ref"] for row in found["rows"]] == ["DocumentReference/1"]


@pytest.mark.anyio
async def test_the_passages_that_take_the_place_of_others_are_checked_too() -> None:
    app = chart(*behind_binaries(5))
    async with session(app, "A", base=BASE) as client:
        assert (await search(client, "cough", limit=1))["total"] == 5
        for number in (2, 3, 4, 5):
            app.script[f"Binary/{number}"] = lambda _: outcome(403, "forbidden", "no")
        found = await search(client, "cough", limit=1)
    assert [row["ref"] for row in found["rows"]] == ["DocumentReference/1"]


@pytest.mark.anyio
async def test_the_binary_of_another_patient_is_not_read() -> None:
    secret = binary("Pregnant.", securityContext={"reference": "Patient/B"})
    async with session(chart(BEHIND_A_BINARY, secret), "A", base=BASE) as client:
        found = await search(client, "pregnant")
    assert found["rows"] == []
    assert (
        "1 not read: its file is not there, or not this patient's (DocumentReference/behind)."
        in found["notes"]
    )


@pytest.mark.anyio
async def test_a_note_that_is_added_changed_or_deleted_is_found_as_it_is_now() -> None:
    app = chart(document("1", "Chest pain."))
    async with session(app, "A", base=BASE) as client:
        assert (await search(client, "pain"))["total"] == 1
        app.resources.append(document("2", "Back pain."))
        assert (await search(client, "pain"))["total"] == 2
        app.resources[1:] = [document("2", "Back well.")]
        assert (await search(client, "pain"))["total"] == 0
        assert [row["ref"] for row in (await search(client, "well"))["rows"]] == ["DocumentReference/2"]


@pytest.mark.anyio
async def test_calls_at_the_same_time_read_each_document_once_and_check_what_they_show() -> None:
    app = chart({**BEHIND_A_BINARY, "meta": UNCHANGING}, binary("Chest pain."))
    found: list[int] = []
    async with session(app, "A", base=BASE) as client:

        async def ask() -> None:
            found.append((await search(client, "pain"))["total"])

        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(ask)
    assert found == [1, 1, 1, 1]
    assert sum(request.url.path.endswith("Binary/b") for request in app.seen) == 4


def texts(notes: ChartNotes) -> dict[str, str]:
    return {ref.partition("/")[2]: note.text for ref, note in notes.notes.items()}


@pytest.mark.anyio
async def test_notes_that_one_call_has_no_time_for_are_read_by_the_next() -> None:
    app = chart(*({**document(one, f"Pain {one}."), "meta": UNCHANGING} for one in "123456"))
    lock, notes = PatientLock("Patient/A", BASE), ChartNotes()
    async with http_to(app) as http:
        notes.seconds_per_call = -1.0
        await notes.refresh(FhirClient(http), lock, a_call())
        assert texts(notes) == dict.fromkeys("123456", "")
        assert {why for note in notes.notes.values() for why in note.missing} == {
            "no time for it yet, ask again to go on"
        }
        notes.seconds_per_call = 20.0
        await notes.refresh(FhirClient(http), lock, a_call())
    assert texts(notes) == {one: f"Pain {one}." for one in "123456"}
    assert not any(note.missing for note in notes.notes.values())


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (400, "it could not be read (invalid_request)"),
        (403, "reading its record is not permitted"),
        (404, "gone since it was read"),
        (500, "the server failed to send its record"),
    ],
)
@pytest.mark.anyio
async def test_a_waiting_note_that_cannot_be_read_keeps_no_other_from_being_read(
    status: int, why: str
) -> None:
    app = chart(*({**document(one, f"Pain {one}."), "meta": UNCHANGING} for one in "123456"))
    lock, notes = PatientLock("Patient/A", BASE), ChartNotes()
    async with http_to(app) as http:
        notes.seconds_per_call = -1.0
        await notes.refresh(FhirClient(http), lock, a_call())
        app.script["DocumentReference/1"] = lambda _: outcome(status, "exception", "no")
        notes.seconds_per_call = 20.0
        for _ in range(2):
            await notes.refresh(FhirClient(http), lock, a_call())
            assert texts(notes) == {"1": "", **{one: f"Pain {one}." for one in "23456"}}
            assert notes.notes["DocumentReference/1"].missing == [why]
        if status != 404:  # the server still tells of it in searches, but not as changed
            del app.script["DocumentReference/1"]
            await notes.refresh(FhirClient(http), lock, a_call())
            assert texts(notes)["1"] == "Pain 1."


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.anyio
async def test_a_note_whose_record_the_server_fails_to_send_again_hides_no_other(status: int) -> None:
    app = chart(*behind_binaries(2))
    async with session(app, "A", base=BASE) as client:
        assert (await search(client, "cough"))["total"] == 2
        app.script["DocumentReference/2"] = lambda _: outcome(status, "exception", "no")
        found = await search(client, "cough")
    assert [row["ref"] for row in found["rows"]] == ["DocumentReference/1"]
    assert (found["total"], found["truncated"]) == (None, True)


@pytest.mark.anyio
async def test_a_note_deleted_after_a_search_that_failed_half_way_is_not_shown() -> None:
    app = chart()
    documents = [document("1", "She has gout."), document("2", "She has asthma.")]
    following: str | None = f"{BASE}/DocumentReference?page=2"

    def answer(request: Request) -> Response:
        if "page" in request.query_params:
            return outcome(400, "exception", "no")
        return bundle(request, documents, following=following)

    app.script["DocumentReference"] = answer
    async with session(app, "A", base=BASE) as client:
        assert (await client.call_tool("search_notes", {"text": "gout"})).is_error
        following = None
        del documents[0]
        assert (await search(client, "gout"))["rows"] == []
        assert (await search(client, "asthma"))["total"] == 1


@pytest.mark.anyio
async def test_a_note_that_was_being_read_again_when_its_call_was_given_up_is_read_by_the_next() -> None:
    app = chart({**BEHIND_A_BINARY, "meta": UNCHANGING}, binary("Chest pain."))
    lock, notes, call = PatientLock("Patient/A", BASE), ChartNotes(), a_call()
    async with http_to(app) as http:
        client = FhirClient(http)
        notes.seconds_per_call = -1.0
        await notes.refresh(client, lock, call)
        notes.seconds_per_call = 20.0
        with anyio.CancelScope() as scope:

            def give_up(_: Request) -> Response:
                scope.cancel()
                return outcome(500, "exception", "no")

            app.script["Binary/b"] = give_up
            await notes.refresh(client, lock, call)
        assert scope.cancelled_caught
        del app.script["Binary/b"]
        await notes.refresh(client, lock, call)
    assert [note.text for note in notes.notes.values()] == ["Chest pain."]


@pytest.mark.anyio
@pytest.mark.hapi
async def test_notes_are_found_on_a_real_server(hapi_base: str) -> None:
    lock, notes, call = PatientLock(f"Patient/{NOOR}", hapi_base.rstrip("/")), ChartNotes(), a_call()
    async with httpx.AsyncClient(base_url=hapi_base, timeout=60, trust_env=False) as http:
        client = FhirClient(http)
        _, complete = await notes.refresh(client, lock, call)
        first = len(call.requests)
        await notes.refresh(client, lock, call)
    assert complete
    assert len(notes.notes) == 17
    assert "seated work" in notes.notes[f"DocumentReference/{NOOR}-note-binary"].text
    assert len(call.requests) - first <= 6
