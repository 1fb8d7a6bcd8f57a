"""Records about nobody: shown when the chart refers to them, whether this process has seen that or not."""

import pytest
from starlette.requests import Request
from starlette.responses import Response

from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.errors import FhirToolError, NotPermitted, PatientLocked, ServerFailed
from tests.mcp_servers.fhir.scripted import (
    BASE,
    Resource,
    ScriptedFhir,
    bundle,
    capability_statement,
    fhir,
    observation,
    outcome,
)
from tests.mcp_servers.fhir.searching import A, read, sent

PERFORMED = observation("1", "A", performer=[{"reference": "Practitioner/p"}])


@pytest.mark.anyio
async def test_a_practitioner_to_whom_a_record_refers_is_read_by_a_session_that_has_seen_none() -> None:
    app = ScriptedFhir([{"resourceType": "Practitioner", "id": "p"}, PERFORMED])
    assert (await read(app, "Practitioner/p"))["id"] == "p"
    assert "Observation?patient=A&performer=Practitioner%2Fp&_count=1" in sent(app)


@pytest.mark.anyio
async def test_who_was_seen_is_read_without_asking_again() -> None:
    app = ScriptedFhir([{"resourceType": "Practitioner", "id": "p"}, PERFORMED])
    lock = PatientLock(A, BASE)
    await read(app, "Observation/1", lock)
    await read(app, "Practitioner/p", lock)
    assert sent(app) == ["Observation/1?", "Practitioner/p?"]


@pytest.mark.anyio
async def test_who_was_seen_in_an_earlier_call_is_read_while_the_same_record_still_refers_to_him() -> None:
    app = ScriptedFhir([{"resourceType": "Practitioner", "id": "p"}, PERFORMED])
    referrers: dict[str, str] = {}
    await read(app, "Observation/1", PatientLock(A, BASE, referrers))
    await read(app, "Practitioner/p", PatientLock(A, BASE, referrers))
    assert sent(app) == ["Observation/1?", "Observation/1?", "Practitioner/p?"]


@pytest.mark.parametrize(
    "now",
    [
        observation("1", "A"),
        observation("1", "B", performer=[{"reference": "Practitioner/p"}]),
        observation("2", "A"),
    ],
)
@pytest.mark.anyio
async def test_who_was_seen_in_an_earlier_call_is_refused_once_no_record_refers_to_him(now: Resource) -> None:
    app = ScriptedFhir([{"resourceType": "Practitioner", "id": "p"}, PERFORMED])
    referrers: dict[str, str] = {}
    await read(app, "Observation/1", PatientLock(A, BASE, referrers))
    app.resources[1] = now
    with pytest.raises(PatientLocked):
        await read(app, "Practitioner/p", PatientLock(A, BASE, referrers))


@pytest.mark.anyio
async def test_a_practitioner_to_whom_no_record_refers_is_never_asked_for() -> None:
    app = ScriptedFhir([{"resourceType": "Practitioner", "id": "p"}, observation("1", "A")])
    with pytest.raises(PatientLocked, match=r"Practitioner/p is not in the chart of Patient/A\."):
        await read(app, "Practitioner/p")
    assert 1 <= len(sent(app)) <= 12
    assert not [request for request in sent(app) if request.startswith("Practitioner")]


@pytest.mark.anyio
async def test_a_server_that_claims_a_reference_must_show_the_record_that_holds_it() -> None:
    app = ScriptedFhir(
        [{"resourceType": "Practitioner", "id": "p"}],
        script={"Observation": lambda request: bundle(request, [observation("1", "A")])},
    )
    with pytest.raises(PatientLocked):
        await read(app, "Practitioner/p")


@pytest.mark.anyio
async def test_a_device_that_is_nobodys_is_read_when_a_record_refers_to_it() -> None:
    device = {"resourceType": "Device", "id": "d"}
    measured = observation("1", "A", device={"reference": "Device/d"})
    assert (await read(ScriptedFhir([device, measured]), "Device/d"))["id"] == "d"
    with pytest.raises(PatientLocked):
        await read(ScriptedFhir([device, observation("1", "A")]), "Device/d")


@pytest.mark.anyio
async def test_an_attachment_is_read_when_a_document_of_the_patient_names_its_address() -> None:
    binary = {"resourceType": "Binary", "id": "b", "contentType": "text/plain"}
    document = {
        "resourceType": "DocumentReference",
        "id": "1",
        "subject": {"reference": "Patient/A"},
        "content": [{"attachment": {"url": f"{BASE}/Binary/b"}}],
    }
    app = ScriptedFhir([binary, document])
    assert (await read(app, "Binary/b"))["id"] == "b"
    assert app.seen[-2].query_params["location"] == f"Binary/b,{BASE}/Binary/b"
    with pytest.raises(PatientLocked):
        await read(ScriptedFhir([binary]), "Binary/b")


def with_reports(_: Request) -> Response:
    """A server's metadata, by which it has reports too."""
    statement = capability_statement()
    searched = [{"name": "patient", "type": "reference"}, {"name": "date", "type": "date"}]
    statement["rest"][0]["resource"].append({"type": "DiagnosticReport", "searchParam": searched})
    return fhir(statement)


def file_of_report(place: int) -> ScriptedFhir:
    """A server with many reports, of which the one at `place` names the file b."""

    def reports(request: Request) -> Response:
        start, count = int(request.query_params.get("start", 0)), int(request.query_params["_count"])
        here = [
            {
                "resourceType": "DiagnosticReport",
                "id": str(n),
                "subject": {"reference": "Patient/A"},
                "presentedForm": [{"url": "Binary/b"}] if n == place else [],
            }
            for n in range(start, start + count)
        ]
        return bundle(
            request, here, following=f"{BASE}/DiagnosticReport?start={start + count}&_count={count}"
        )

    file = {"resourceType": "Binary", "id": "b", "contentType": "text/plain"}
    return ScriptedFhir([file], script={"metadata": with_reports, "DiagnosticReport": reports})


@pytest.mark.parametrize(
    ("subject", "address", "shown"),
    [
        ("Patient/A", "Binary/b", True),
        ("Patient/A", f"{BASE}/Binary/b", True),
        ("Patient/A", "https://elsewhere.example/fhir/Binary/b", False),
        ("Patient/A", "Binary/other", False),
        ("Patient/B", "Binary/b", False),
    ],
)
@pytest.mark.anyio
async def test_the_form_of_a_report_is_read_where_one_of_the_newest_reports_is_the_patients_and_names_it(
    subject: str, address: str, shown: bool
) -> None:
    own = {"resourceType": "DiagnosticReport", "id": "own", "subject": {"reference": "Patient/A"}}
    report = {
        "resourceType": "DiagnosticReport",
        "id": "1",
        "subject": {"reference": subject},
        "presentedForm": [{"url": address}],
    }
    app = ScriptedFhir(
        [{"resourceType": "Binary", "id": "b", "contentType": "text/plain"}],
        script={
            "metadata": with_reports,
            "DiagnosticReport": lambda request: bundle(request, [own, {**own, "id": "own-2"}, report]),
        },
    )
    if shown:
        assert (await read(app, "Binary/b"))["id"] == "b"
    else:
        with pytest.raises(PatientLocked):
            await read(app, "Binary/b")
        assert not [request for request in sent(app) if request.startswith("Binary")]
    assert "DiagnosticReport?patient=A&_sort=-date&_count=5" in sent(app)


@pytest.mark.parametrize(("place", "pages"), [(3, 1), (12, 3), (49, 10)])
@pytest.mark.anyio
async def test_reports_are_looked_at_a_few_at_a_time_until_one_names_the_file(place: int, pages: int) -> None:
    app = file_of_report(place)
    assert (await read(app, "Binary/b"))["id"] == "b"
    assert len([one for one in sent(app) if one.startswith("DiagnosticReport")]) == pages


@pytest.mark.anyio
async def test_no_more_than_fifty_reports_are_looked_at() -> None:
    app = file_of_report(50)
    with pytest.raises(PatientLocked):
        await read(app, "Binary/b")
    assert len([one for one in sent(app) if one.startswith("DiagnosticReport")]) == 10


@pytest.mark.parametrize(
    ("context", "shown"),
    [
        ({"reference": "DocumentReference/1"}, True),
        ({"reference": "Observation/own"}, True),
        ({"reference": "Patient/A"}, True),
        ({"reference": "Observation/others"}, False),
        ({"reference": "Observation/absent"}, False),
        ({"reference": "Binary/b"}, False),
        ({"reference": "https://elsewhere.example/fhir/Observation/own"}, False),
        ({"identifier": {"value": "77"}}, False),
        ({"display": "somebody"}, False),
        ("Observation/own", False),
    ],
)
@pytest.mark.anyio
async def test_a_file_is_read_only_where_the_record_that_rules_it_is_the_patients(
    context: object, shown: bool
) -> None:
    document = {
        "resourceType": "DocumentReference",
        "id": "1",
        "subject": {"reference": "Patient/A"},
        "content": [{"attachment": {"url": "Binary/b"}}],
    }
    binary = {"resourceType": "Binary", "id": "b", "contentType": "text/plain", "securityContext": context}
    app = ScriptedFhir([binary, document, observation("own", "A"), observation("others", "B")])
    if shown:
        assert (await read(app, "Binary/b"))["id"] == "b"
    else:
        with pytest.raises(PatientLocked):
            await read(app, "Binary/b")


@pytest.mark.parametrize("status", [400, 403, 500])
@pytest.mark.anyio
async def test_a_search_that_the_server_refuses_does_not_end_the_search_for_who_refers_to_it(
    status: int,
) -> None:
    app = ScriptedFhir(
        [{"resourceType": "Practitioner", "id": "p"}, PERFORMED],
        script={"MedicationRequest": lambda _: outcome(status, "invalid", "no such target")},
    )
    assert (await read(app, "Practitioner/p"))["id"] == "p"


@pytest.mark.parametrize(("status", "error"), [(403, NotPermitted), (500, ServerFailed)])
@pytest.mark.anyio
async def test_a_proof_that_the_server_withholds_is_not_taken_for_there_being_none(
    status: int, error: type[FhirToolError]
) -> None:
    app = ScriptedFhir(
        [{"resourceType": "Practitioner", "id": "p"}],
        script={"MedicationRequest": lambda _: outcome(status, "x", "of Jane Roe")},
    )
    with pytest.raises(error, match="MedicationRequest") as caught:
        await read(app, "Practitioner/p")
    assert "Roe" not in str(caught.value)
    assert "Observation" in sent(app)[-1]


@pytest.mark.anyio
async def test_who_referred_to_it_once_and_cannot_be_read_does_not_end_the_search_either() -> None:
    app = ScriptedFhir([{"resourceType": "Practitioner", "id": "p"}, PERFORMED])
    referrers: dict[str, str] = {}
    await read(app, "Observation/1", PatientLock(A, BASE, referrers))
    app.script["Observation/1"] = lambda _: outcome(500, "exception", "broken")
    assert (await read(app, "Practitioner/p", PatientLock(A, BASE, referrers)))["id"] == "p"
