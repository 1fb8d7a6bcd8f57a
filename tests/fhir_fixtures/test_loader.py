"""Loading charts: into the embedded store, and into scripted servers that misbehave on purpose."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_fixtures.generate import handmade
from fhir_fixtures.generate.order import in_load_order
from fhir_fixtures.generate.references import Resource, name_of, references_in
from fhir_fixtures.loader import LoadReport, ResourceRefused, ServerUnfit, batches, load_resources
from fhir_fixtures.store import create_app, open_store

HANDMADE = in_load_order(handmade.resources())
R4 = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}
PATIENT: Resource = {"resourceType": "Patient", "id": "p"}


class NoSamples:
    """A store that starts empty."""

    def resources(self) -> list[dict[str, Any]]:
        return []

    def digest(self) -> str:
        return "none"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    opened = open_store(tmp_path / "store.db", NoSamples())
    transport = httpx.ASGITransport(create_app(opened))
    async with httpx.AsyncClient(transport=transport, base_url="http://store.example.org/fhir/") as http:
        yield http
    opened.close()


def scripted(respond: Callable[[httpx.Request], httpx.Response]) -> httpx.AsyncClient:
    """A stand-in for a server: `/metadata` says R4, all else is answered by `respond`."""

    def handle(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=R4) if request.url.path == "/fhir/metadata" else respond(request)

    return httpx.AsyncClient(
        transport=httpx.MockTransport(handle), base_url="http://scripted.example.org/fhir"
    )


def outcome(text: str) -> dict[str, Any]:
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "x", "diagnostics": text}],
    }


def accepted(request: httpx.Request, status: str = "201 Created") -> httpx.Response:
    entries = [{"response": {"status": status}} for _ in json.loads(request.content)["entry"]]
    return httpx.Response(
        200, json={"resourceType": "Bundle", "type": "transaction-response", "entry": entries}
    )


@pytest.mark.anyio
async def test_all_hand_made_charts_load_and_loading_again_changes_nothing(store: httpx.AsyncClient) -> None:
    steps: list[tuple[int, int]] = []
    first = await load_resources(store, HANDMADE, lambda done, total: steps.append((done, total)))
    assert (first.resources, first.created) == (len(HANDMADE), len(HANDMADE))
    assert steps[-1] == (len(HANDMADE), len(HANDMADE))
    again = await load_resources(store, HANDMADE)
    assert (again.resources, again.created) == (len(HANDMADE), 0)
    for resource in HANDMADE:
        # A Binary read without this comes as its bytes.
        answer = await store.get(name_of(resource), headers={"Accept": "application/fhir+json"})
        read = answer.json()
        assert read.pop("meta")["versionId"] == "1"
        assert read == {key: value for key, value in resource.items() if key != "meta"}


@pytest.mark.anyio
async def test_a_refused_resource_is_named_with_what_the_server_says(store: httpx.AsyncClient) -> None:
    stray = {"resourceType": "Observation", "id": "stray", "subject": {"reference": "Patient/nobody"}}
    with pytest.raises(ResourceRefused, match=r"Observation/stray: 4\d\d .*Patient/nobody"):
        await load_resources(store, [PATIENT, stray, {"resourceType": "Patient", "id": "q"}])
    assert (await store.get("Patient/p")).status_code == 200


@pytest.mark.anyio
async def test_an_entry_refused_inside_an_accepted_transaction_is_named() -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        refused = {"status": "422 Unprocessable", "outcome": outcome("gender is not a code")}
        sent = [entry["resource"]["id"] for entry in json.loads(request.content)["entry"]]
        entries = [{"response": refused if id_ == "q" else {"status": "201"}} for id_ in sent]
        return httpx.Response(200, json={"resourceType": "Bundle", "entry": entries})

    async with scripted(respond) as http:
        with pytest.raises(ResourceRefused, match="Patient/q: 422 Unprocessable gender is not a code"):
            await load_resources(http, [PATIENT, {"resourceType": "Patient", "id": "q"}])


@pytest.mark.anyio
async def test_resources_that_refer_to_each_other_are_refused_by_both_names() -> None:
    circle: list[Resource] = [
        {"resourceType": "Condition", "id": "c", "encounter": {"reference": "Encounter/e"}},
        {"resourceType": "Encounter", "id": "e", "diagnosis": [{"condition": {"reference": "Condition/c"}}]},
    ]
    async with scripted(lambda _: httpx.Response(400, json=outcome("no"))) as http:
        with pytest.raises(ResourceRefused, match="Condition/c, Encounter/e: 400 no"):
            await load_resources(http, circle)


@pytest.mark.anyio
async def test_an_answer_with_too_few_entries_is_an_error() -> None:
    async with scripted(lambda _: httpx.Response(200, json={"resourceType": "Bundle"})) as http:
        with pytest.raises(ServerUnfit, match="answered 0 of 1 entries"):
            await load_resources(http, [PATIENT])


@pytest.mark.anyio
@pytest.mark.parametrize("retry_after", ["0", "Thu, 01 Jan 2026 00:00:00 GMT"])
async def test_a_busy_server_is_asked_again_when_it_says(retry_after: str) -> None:
    answers = iter([429, 503, 200])

    def respond(request: httpx.Request) -> httpx.Response:
        status = next(answers)
        return (
            accepted(request)
            if status == 200
            else httpx.Response(status, headers={"Retry-After": retry_after})
        )

    async with scripted(respond) as http:
        report = await load_resources(http, [PATIENT])
    assert (report.resources, report.created) == (1, 1)
    assert next(answers, None) is None


@pytest.mark.anyio
async def test_a_server_that_stays_busy_is_given_up() -> None:
    asked: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(503, headers={"Retry-After": "0"}, json=outcome("maintenance"))

    async with scripted(respond) as http:
        with pytest.raises(ServerUnfit, match="503 maintenance"):
            await load_resources(http, [PATIENT])
    assert len(asked) == 6


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("metadata", "complaint"),
    [
        (
            httpx.Response(200, json={"resourceType": "Conformance", "fhirVersion": "1.0.2"}),
            r"speaks FHIR 1\.0\.2",
        ),
        (httpx.Response(200, json={**R4, "fhirVersion": "5.0.0"}), r"speaks FHIR 5\.0\.0"),
        (httpx.Response(200, json={"resourceType": "Patient"}), "is not a FHIR server"),
        (httpx.Response(200, json=["4.0.1"]), "is not a FHIR server"),
        (httpx.Response(200, html="<h1>Welcome</h1>"), "is not FHIR: it answered text/html"),
        (httpx.Response(404, html="<h1>Nothing</h1>"), r"metadata answers 404: \(no OperationOutcome\)"),
        (httpx.Response(401, json=outcome("log in")), "metadata answers 401: log in"),
    ],
)
async def test_a_server_that_is_unfit_is_told_before_anything_is_sent(
    metadata: httpx.Response, complaint: str
) -> None:
    sent: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request.method)
        return metadata

    transport = httpx.MockTransport(handle)
    async with httpx.AsyncClient(transport=transport, base_url="http://scripted.example.org/fhir") as http:
        with pytest.raises(ServerUnfit, match=complaint):
            await load_resources(http, [PATIENT])
    assert sent == ["GET"]


@pytest.mark.anyio
async def test_writes_that_are_not_permitted_are_told() -> None:
    async with scripted(lambda _: httpx.Response(403, json=outcome("read only"))) as http:
        with pytest.raises(ServerUnfit, match="does not take Patient/p: 403 read only"):
            await load_resources(http, [PATIENT])


@pytest.mark.anyio
async def test_a_server_that_is_not_there_is_told() -> None:
    # Port 9 (discard) on loopback: nothing listens.
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9/fhir", trust_env=False) as http:
        with pytest.raises(ServerUnfit, match=r"http://127\.0\.0\.1:9/fhir cannot be reached"):
            await load_resources(http, [PATIENT])


@pytest.mark.anyio
async def test_a_server_that_never_answers_is_told() -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("too slow", request=request)

    async with scripted(respond) as http:
        with pytest.raises(ServerUnfit, match="did not answer within"):
            await load_resources(http, [PATIENT])


@pytest.mark.anyio
async def test_nothing_to_load_is_reported_as_such() -> None:
    async with scripted(accepted) as http:
        report = await load_resources(http, [])
    assert isinstance(report, LoadReport)
    assert (report.resources, report.created) == (0, 0)


@given(st.integers(1, 60))
def test_batches_keep_everything_in_order_and_need_nothing_from_later_ones(size: int) -> None:
    parts = list(batches(HANDMADE, size))
    assert [resource for part in parts for resource in part] == HANDMADE
    assert all(len(part) >= size for part in parts[:-1])
    loaded: set[str] = set()
    everything = set(map(name_of, HANDMADE))
    for part in parts:
        loaded |= set(map(name_of, part))
        assert all(ref in loaded for resource in part for ref in references_in(resource) if ref in everything)
