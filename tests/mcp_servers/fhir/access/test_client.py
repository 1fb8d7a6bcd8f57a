"""FHIR read and search: the lock on every page, filters that must be kept, links not to be followed."""

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.access.references import Reference
from mcp_servers.fhir.errors import (
    FhirToolError,
    InvalidRequest,
    NotPermitted,
    PatientLocked,
    ServerFailed,
)
from tests.mcp_servers.fhir.scripted import (
    BASE,
    Resource,
    ScriptedCall,
    ScriptedFhir,
    a_call,
    bundle,
    capability_statement,
    fhir,
    http_to,
    observation,
    outcome,
)
from tests.mcp_servers.fhir.searching import A, ids, read, search, sent


@pytest.mark.anyio
async def test_every_search_carries_the_patient() -> None:
    app = ScriptedFhir([observation("1", "A"), observation("2", "B")])
    assert ids(await search(app, "Observation", ("code", "8867-4"))) == ["1"]
    assert sent(app) == ["Observation?patient=A&code=8867-4&_count=10&_total=accurate"]


@pytest.mark.anyio
async def test_a_type_without_a_patient_parameter_is_searched_by_its_own() -> None:
    app = ScriptedFhir()
    await search(app, "Schedule", ("active", "true"))
    assert sent(app) == ["Schedule?actor=Patient%2FA&active=true&_count=10&_total=accurate"]


@pytest.mark.anyio
async def test_a_search_for_patients_finds_only_the_bound_one() -> None:
    patients = [{"resourceType": "Patient", "id": "A"}, {"resourceType": "Patient", "id": "B"}]
    assert ids(await search(ScriptedFhir(patients), "Patient")) == ["A"]


@pytest.mark.anyio
async def test_types_about_no_patient_cannot_be_searched() -> None:
    app = ScriptedFhir()
    with pytest.raises(PatientLocked, match="cannot be searched by patient"):
        await search(app, "Practitioner", ("name", "Who"))
    assert sent(app) == []


@pytest.mark.parametrize(
    ("name", "value", "names"),
    [
        ("colour", "red", "category, code, date"),
        ("code:bogus", "1", "not"),
        ("code", "", "needs a value"),
        ("code", " , ", "needs a value"),
        ("_elements", "id", "no search parameter"),
        ("_summary", "count", "no search parameter"),
        ("_count", "9999", "no search parameter"),
        ("_format", "xml", "no search parameter"),
        ("_sort", "-colour", "no search parameter"),
        ("_include", "Observation:colour", "Type:parameter"),
        ("_include", "*", "Type:parameter"),
        ("patient%2Ename", "Roe", "no search parameter"),
        ("&patient", "B", "no search parameter"),
    ],
)
@pytest.mark.anyio
async def test_a_parameter_that_the_server_does_not_have_is_refused_before_it_is_sent(
    name: str, value: str, names: str
) -> None:
    app = ScriptedFhir()
    with pytest.raises(InvalidRequest, match=names):
        await search(app, "Observation", (name, value))
    assert sent(app) == []


@pytest.mark.parametrize("name", ["_summary", "_elements", "_count", "_total", "_offset"])
@pytest.mark.anyio
async def test_a_parameter_that_cuts_the_answer_is_refused_though_the_server_lists_it(name: str) -> None:
    listing = capability_statement()
    for resource in listing["rest"][0]["resource"]:
        resource["searchParam"].append({"name": name, "type": "special"})
    app = ScriptedFhir(script={"metadata": lambda _: fhir(listing)})
    with pytest.raises(InvalidRequest, match="no search parameter"):
        await search(app, "Observation", (name, "1"))
    assert sent(app) == []


@pytest.mark.anyio
async def test_a_type_that_the_server_does_not_hold_is_refused_by_naming_those_it_holds() -> None:
    with pytest.raises(InvalidRequest, match="MedicationRequest"):
        await search(ScriptedFhir(), "Specimen")


@pytest.mark.anyio
async def test_odd_characters_stay_within_their_value() -> None:
    app = ScriptedFhir()
    await search(app, "Observation", ("code", "a&patient=B#x"))
    assert app.seen[-1].query_params.getlist("patient") == ["A"]
    assert app.seen[-1].query_params["code"] == "a&patient=B#x"


@pytest.mark.anyio
async def test_partial_bounds_of_dates_are_sent_to_the_day() -> None:
    app = ScriptedFhir()
    await search(app, "Observation", ("date", "ge2019"), ("code", "ge2019"))
    assert app.seen[-1].query_params["date"] == "ge2019-01-01"
    assert app.seen[-1].query_params["code"] == "ge2019"


@pytest.mark.anyio
async def test_a_date_range_is_sent_as_two_pairs() -> None:
    app = ScriptedFhir()
    await search(app, "Observation", ("date", "ge2019-05-01"), ("date", "lt2020"))
    assert app.seen[-1].query_params.getlist("date") == ["ge2019-05-01", "lt2020"]


@pytest.mark.anyio
async def test_a_server_that_drops_a_filter_is_found_out_by_its_self_link() -> None:
    def lenient(request: Request) -> Response:
        return bundle(request, [observation("1", "A")], own=f"{BASE}/Observation?patient=A")

    with pytest.raises(ServerFailed, match="did not apply code"):
        await search(ScriptedFhir(script={"Observation": lenient}), "Observation", ("code", "1"))


@pytest.mark.anyio
async def test_a_server_that_drops_one_of_two_dates_is_found_out_too() -> None:
    def lenient(request: Request) -> Response:
        return bundle(request, [], own=f"{BASE}/Observation?patient=A&date=ge2019")

    with pytest.raises(ServerFailed, match="did not apply date"):
        await search(
            ScriptedFhir(script={"Observation": lenient}),
            "Observation",
            ("date", "ge2019"),
            ("date", "le2020"),
        )


@pytest.mark.anyio
async def test_a_server_that_ignores_the_patient_fails_and_nothing_of_its_answer_is_used() -> None:
    def careless(request: Request) -> Response:
        return bundle(request, [observation("1", "A"), observation("2", "B", note=[{"text": "Jane Roe"}])])

    with pytest.raises(ServerFailed, match="ignored the filter for Patient/A") as caught:
        await search(ScriptedFhir(script={"Observation": careless}))
    assert "Jane" not in str(caught.value)


@pytest.mark.anyio
async def test_another_patients_record_among_many_is_dropped_and_reported_and_the_count_not_used() -> None:
    def slipping(request: Request) -> Response:
        own = [observation(str(n), "A") for n in range(3)]
        return bundle(request, [*own, observation("x", "B", note=[{"text": "Jane Roe"}])])

    (page,) = await search(ScriptedFhir(script={"Observation": slipping}))
    assert ids([page]) == ["0", "1", "2"]
    assert page.notes == [
        "1 records of others, which the FHIR server returned for Patient/A, are dropped:"
        " its filter by patient cannot be relied upon."
    ]
    assert (page.total, page.withheld, page.of_others) == (None, 1, 0)
    assert "Jane" not in str(page)


@pytest.mark.anyio
async def test_records_about_several_patients_are_withheld_with_a_note() -> None:
    both: Resource = {
        "resourceType": "Appointment",
        "id": "x",
        "participant": [{"actor": {"reference": "Patient/A"}}, {"actor": {"reference": "Patient/B"}}],
    }
    (page,) = await search(ScriptedFhir([both]), "Appointment")
    assert page.matches == []
    assert page.notes == ["1 records that are about other patients too are withheld."]
    assert (page.withheld, page.of_others) == (1, 1)


@pytest.mark.anyio
async def test_a_call_notes_what_came_of_other_patients_on_each_page_and_in_each_record() -> None:
    measured = [observation(str(n), "A", performer=[{"reference": "Patient/B"}]) for n in range(3)]
    call, lock = a_call(), PatientLock("Patient/A", BASE)
    async with http_to(ScriptedFhir(measured)) as http:
        client = FhirClient(http)
        page = await client.search("Observation", [], lock, call, count=10)
        assert call.of_others == page.of_others == 3
        await client.read(Reference("", "Observation", "0"), lock, call)
    assert call.of_others == 4


@pytest.mark.anyio
async def test_included_records_are_checked_one_by_one() -> None:
    request_of_a: Resource = {
        "resourceType": "MedicationRequest",
        "id": "1",
        "subject": {"reference": "Patient/A"},
        "medicationReference": {"reference": "Medication/m"},
    }
    included: tuple[Resource, ...] = (
        {"resourceType": "Medication", "id": "m"},
        {"resourceType": "Medication", "id": "unrelated"},
        {"resourceType": "Patient", "id": "B"},
        observation("2", "B"),
    )
    app = ScriptedFhir(
        script={"MedicationRequest": lambda request: bundle(request, [request_of_a], included=included)}
    )
    (page,) = await search(app, "MedicationRequest", ("_include", "MedicationRequest:medication"))
    assert list(page.included) == ["Medication/m"]
    assert page.notes == ["3 included records outside Patient/A are withheld."]
    assert (page.withheld, page.of_others) == (0, 3)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        {},
        {"resource": None},
        {"resource": {"resourceType": "Observation"}},
        {"resource": {"resourceType": "Observation", "id": "../x", "subject": {"reference": "Patient/A"}}},
        {"resource": {"resourceType": "Condition", "id": "1", "subject": {"reference": "Patient/A"}}},
    ],
)
@pytest.mark.anyio
async def test_an_entry_that_cannot_be_cited_is_the_servers_failure(entry: Any) -> None:
    searchset = {"resourceType": "Bundle", "type": "searchset", "entry": [entry]}
    searchset["link"] = [{"relation": "self", "url": f"{BASE}/Observation?patient=A"}]
    with pytest.raises(ServerFailed):
        await search(ScriptedFhir(script={"Observation": lambda _: fhir(searchset)}))


@pytest.mark.anyio
async def test_what_the_server_says_beside_its_results_becomes_a_note() -> None:
    said: Resource = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "warning", "code": "informational", "diagnostics": "Unknown code system"}],
    }
    app = ScriptedFhir(script={"Observation": lambda request: bundle(request, [], included=(said,))})
    (page,) = await search(app)
    assert page.notes == ["The server says: warning/informational Unknown code system"]


@pytest.mark.anyio
async def test_another_patients_record_and_an_absent_one_get_the_same_answer() -> None:
    app = ScriptedFhir([observation("1", "B")])
    answers = []
    for ref in ("Observation/1", "Observation/2"):
        with pytest.raises(PatientLocked) as caught:
            await read(app, ref)
        answers.append(str(caught.value).replace(ref, "it"))
    assert answers[0] == answers[1]


@pytest.mark.anyio
async def test_another_patient_is_refused_without_a_request() -> None:
    app = ScriptedFhir([{"resourceType": "Patient", "id": "B"}])
    with pytest.raises(PatientLocked):
        await read(app, "Patient/B")
    assert sent(app) == []


@pytest.mark.anyio
async def test_another_patients_device_and_an_absent_one_take_the_same_requests() -> None:
    app = ScriptedFhir([{"resourceType": "Device", "id": "1", "patient": {"reference": "Patient/B"}}])
    for ref in ("Device/1", "Device/2"):
        with pytest.raises(PatientLocked):
            await read(app, ref)
    assert sent(app) == ["Device/1?", "Device/2?"]


@pytest.mark.anyio
async def test_the_patients_own_record_can_be_read() -> None:
    assert (await read(ScriptedFhir([observation("1", "A")]), "Observation/1"))["id"] == "1"


@pytest.mark.anyio
async def test_a_read_that_brings_another_record_is_the_servers_failure() -> None:
    app = ScriptedFhir(script={"Observation/1": lambda _: fhir(observation("2", "A"))})
    with pytest.raises(ServerFailed, match="another record"):
        await read(app, "Observation/1")


@pytest.mark.anyio
async def test_a_refusal_by_the_server_is_not_taken_for_an_absent_record() -> None:
    app = ScriptedFhir(script={"Observation/1": lambda _: outcome(403, "forbidden", "no scope")})
    with pytest.raises(NotPermitted):
        await read(app, "Observation/1")


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        (fhir({"resourceType": "Conformance", "fhirVersion": "1.0.2"}), "DSTU2"),
        (fhir(capability_statement("5.0.0")), "5.0.0"),
        (fhir(capability_statement("3.0.2")), "3.0.2"),
        (fhir({"resourceType": "CapabilityStatement"}), "R4"),
        (outcome(404, "not-found", "no"), "no FHIR server"),
        (HTMLResponse("<html>Welcome</html>"), "HTML"),
        (HTMLResponse("<html>Not here</html>", status_code=404), "no FHIR server"),
    ],
)
@pytest.mark.anyio
async def test_a_server_that_speaks_no_fhir_r4_is_named_as_such(metadata: Response, says: str) -> None:
    with pytest.raises(ServerFailed, match=says):
        await search(ScriptedFhir(script={"metadata": lambda _: metadata}))


@pytest.mark.anyio
async def test_the_servers_metadata_is_asked_for_once() -> None:
    app = ScriptedFhir([observation("1", "A")])
    await search(app)
    asked: list[ScriptedCall] = []
    async with http_to(app) as http:
        client = FhirClient(http)
        for _ in range(3):
            asked.append(a_call())
            await client.search("Observation", [], PatientLock(A, BASE), asked[-1], count=1)
    assert [len(call.requests) for call in asked] == [2, 1, 1]


@pytest.mark.anyio
async def test_without_a_lock_a_missing_record_is_a_search_without_matches() -> None:
    async with http_to(ScriptedFhir()) as http:
        page = await FhirClient(http).search("Patient", [("name", "Nobody")], None, a_call(), count=5)
    assert page.matches == []


@pytest.mark.parametrize("base", ["http://scripted/fhir", "http://scripted/fhir/"])
@pytest.mark.anyio
async def test_the_base_may_end_in_a_slash(base: str) -> None:
    app = ScriptedFhir([observation("1", "A")])
    async with http_to(app, base) as http:
        client = FhirClient(http)
        found = await client.search("Observation", [], PatientLock(A, client.base), a_call(), count=5)
    assert [resource["id"] for resource in found.matches] == ["1"]


@pytest.mark.anyio
@pytest.mark.parametrize("status", [400, 403, 500])
async def test_what_a_server_says_of_a_record_that_it_does_not_show_is_not_repeated(status: int) -> None:
    app = ScriptedFhir(script={"Observation/o": lambda _: outcome(status, "x", "of Jane Roe")})
    with pytest.raises(FhirToolError) as caught:
        await read(app, "Observation/o")
    assert "Roe" not in str(caught.value)


@pytest.mark.anyio
async def test_why_the_bound_patient_is_refused_is_repeated() -> None:
    app = ScriptedFhir(script={"Patient/A": lambda _: outcome(401, "login", "token expired")})
    with pytest.raises(NotPermitted, match="token expired"):
        await read(app, "Patient/A")
