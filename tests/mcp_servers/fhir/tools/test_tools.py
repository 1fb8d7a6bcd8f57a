"""The chart tools on the hand-made charts: rows, totals, cursors, and the kinds of nothing."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from fhir_fixtures.store import create_app, open_store
from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.rendering import BUDGET
from mcp_servers.fhir.surface.server import build_server
from tests.mcp_servers.fhir.conftest import NOW
from tests.mcp_servers.fhir.scripted import (
    BASE,
    ScriptedFhir,
    ScriptedRecorder,
    bundle,
    fhir,
    http_to,
    observation,
)
from tests.mcp_servers.fhir.sessions import data, session, text

OKAFOR = "hard-amara-okafor"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("chart_overview", {}),
        ("list_records", {"kind": "problems"}),
        ("observations", {"name": "blood pressure"}),
        ("search_notes", {"text": "diabetes"}),
        ("query_chart", {"sql": "SELECT ref FROM condition"}),
        ("lookup_code", {"text": "diabetes"}),
        ("fhir_search", {"resource_type": "Encounter"}),
        ("fhir_read", {"reference": f"Patient/{OKAFOR}"}),
        ("find_patient", {"text": "okafor"}),
    ],
)
@pytest.mark.anyio
async def test_every_result_says_how_complete_it_is_and_as_of_when(
    each_store: Starlette | str, tool: str, arguments: dict[str, Any]
) -> None:
    async with session(each_store, None if tool == "find_patient" else OKAFOR) as client:
        found = data(await client.call_tool(tool, arguments))
    assert found["as_of"] == NOW.isoformat()
    assert found["returned"] == len(found["rows"])
    assert found["total"] == found["returned"]
    assert (found["truncated"], found["cursor"]) == (False, None)


@pytest.mark.anyio
async def test_what_a_search_by_parameters_names_wrongly_is_said(embedded: Starlette) -> None:
    async with session(embedded, OKAFOR) as client:

        async def notes(kind: str, name: str, value: str, *elements: str) -> list[str]:
            parameters = [{"name": name, "value": value}]
            asked = {"resource_type": kind, "parameters": parameters, "elements": list(elements)}
            said: list[str] = data(await client.call_tool("fhir_search", asked))["notes"]
            return said

        assert "`activ` is no status of MedicationRequest; R4 has active, on-hold" in " ".join(
            await notes("MedicationRequest", "status", "active,activ")
        )
        assert "`actve` is no clinical-status of Condition" in " ".join(
            await notes("Condition", "clinical-status:not", "http://x|actve")
        )
        assert await notes("MedicationRequest", "status", "active", "status") == []
        assert await notes("MedicationRequest", "status", "active", "status", "foo") == [
            "In none of these records: foo."
        ]


@pytest.mark.anyio
async def test_without_imaging_studies_it_is_said_where_pictures_are_told_of(embedded: Starlette) -> None:
    async with session(embedded, "hard-noor-haddad") as client:
        found = data(await client.call_tool("list_records", {"kind": "imaging"}))
    assert found["finding"] == "nothing_recorded"
    assert "reports, documents and procedures" in found["notes"][0]


@pytest.mark.anyio
async def test_an_unknown_patient_is_not_an_empty_chart(each_store: Starlette | str) -> None:
    async with session(each_store) as client:
        result = await client.call_tool("list_records", {"patient": "nobody", "kind": "problems"})
    assert result.is_error
    assert text(result).startswith("[not_found] There is no Patient/nobody")


@pytest.mark.anyio
async def test_the_overview_holds_its_sections(embedded: Starlette) -> None:
    async with session(embedded, OKAFOR) as client:
        found = data(await client.call_tool("chart_overview", {}))
    sections = list(dict.fromkeys(row["section"] for row in found["rows"]))
    assert sections == ["patient", "problem", "medication", "allergy", "encounter", "measurement", "records"]


@pytest.mark.anyio
async def test_current_medications_leave_out_stopped_ones_and_say_so(embedded: Starlette) -> None:
    async with session(embedded, OKAFOR) as client:
        result = await client.call_tool("list_records", {"kind": "medications"})
    found = data(result)
    assert {row["status"] for row in found["rows"]} == {"active"}
    assert "MedicationStatement/hard-amara-okafor-aspirin | aspirin" in text(result)
    assert any("entered in error" in note for note in found["notes"])


@pytest.mark.anyio
async def test_a_medication_that_any_record_refers_to_comes_along_with_its_name(tmp_path: Path) -> None:
    kinds = ("MedicationRequest", "MedicationStatement", "MedicationAdministration", "MedicationDispense")

    class OnePatient:
        def resources(self) -> list[dict[str, Any]]:
            referring = {"medicationReference": {"reference": "Medication/w"}, "status": "active"}
            about = {"subject": {"reference": "Patient/A"}}
            return [
                {"resourceType": "Patient", "id": "A"},
                {"resourceType": "Medication", "id": "w", "code": {"text": "warfarin"}},
                *({"resourceType": kind, "id": "1", **about, **referring} for kind in kinds),
            ]

        def digest(self) -> str:
            return "one patient"

    store = open_store(tmp_path / "store.db", OnePatient())
    try:
        async with session(create_app(store), "A") as client:
            asked = {"kind": "medications", "status": "all"}
            rows = data(await client.call_tool("list_records", asked))["rows"]
    finally:
        store.close()
    assert {row["ref"]: row["name"] for row in rows} == {f"{kind}/1": "warfarin" for kind in kinds}


@pytest.mark.anyio
async def test_the_medications_of_a_past_day_say_what_cannot_be_known(each_store: Starlette | str) -> None:
    async with session(each_store, OKAFOR) as client:
        asked = {"kind": "medications", "at": "2025-06-01"}
        found = data(await client.call_tool("list_records", asked))
    uncertain = {row["ref"]: row["uncertain"] for row in found["rows"] if "uncertain" in row}
    assert uncertain == {
        "MedicationRequest/hard-amara-okafor-glipizide": "now on-hold; since when is not recorded",
        "MedicationRequest/hard-amara-okafor-metformin-500": "now stopped; since when is not recorded",
    }
    assert "MedicationRequest/hard-amara-okafor-metformin-1000" in [row["ref"] for row in found["rows"]]


@pytest.mark.anyio
async def test_the_latest_blood_pressure_comes_with_its_components(embedded: Starlette) -> None:
    async with session(embedded, OKAFOR) as client:
        (row,) = data(await client.call_tool("observations", {"name": "blood pressure"}))["rows"]
    assert [component["value"] for component in row["components"]] == [138, 84]


@pytest.mark.anyio
async def test_a_code_is_looked_up_on_the_server_and_finds_the_same_as_its_name(embedded: Starlette) -> None:
    recorder = ScriptedRecorder()
    async with session(embedded, OKAFOR, recorder) as client:
        by_code = data(await client.call_tool("observations", {"name": "85354-9", "mode": "series"}))
        by_name = data(await client.call_tool("observations", {"name": "blood pressure", "mode": "series"}))
    assert [row["ref"] for row in by_code["rows"]] == [row["ref"] for row in by_name["rows"]]
    assert any("combo-code=85354-9" in url for _, url, _ in recorder.calls[0].requests)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("fhir_search", {"resource_type": "Observation", "limit": 4}),
        ("fhir_search", {"resource_type": "Observation", "elements": ["code", "value"], "limit": 4}),
        ("list_records", {"kind": "problems", "status": "all", "limit": 3}),
        ("observations", {"name": "blood pressure", "mode": "series", "limit": 1}),
    ],
)
@pytest.mark.anyio
async def test_cursors_lead_through_all_rows_once_each(
    each_store: Starlette | str, tool: str, arguments: dict[str, Any]
) -> None:
    async with session(each_store, OKAFOR) as client:
        whole = data(await client.call_tool(tool, {**arguments, "limit": 100}))
        refs: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = data(await client.call_tool(tool, {**arguments, **cursor}))
            refs += [row["ref"] for row in page["rows"]]
            assert page["truncated"] == (page["cursor"] is not None)
            if page["cursor"] is None:
                break
            cursor = {"cursor": page["cursor"]}
    assert len(whole["rows"]) > arguments["limit"]
    assert sorted(refs) == sorted(row["ref"] for row in whole["rows"])


@pytest.mark.anyio
async def test_a_text_that_is_cut_carries_the_cursor_to_its_next_row() -> None:
    long = "x" * 300
    app = ScriptedFhir(
        [
            {"resourceType": "Patient", "id": "A"},
            *(observation(f"o{n:02}", "A", note=[{"text": f"{n} {long}"}]) for n in range(60)),
        ]
    )
    asked = {"resource_type": "Observation", "elements": ["note"], "limit": 60}
    async with session(app, "A") as client:
        result = await client.call_tool("fhir_search", asked)
        assert data(result)["returned"] == 60
        shown = text(result).count("Observation/")
        assert 5 < shown < 60
        cursor = text(result).rpartition("cursor ")[2]
        following = data(await client.call_tool("fhir_search", {**asked, "cursor": cursor}))
    assert following["rows"][0]["ref"] == f"Observation/o{shown:02}"


def _orders() -> list[dict[str, Any]]:
    """Twelve records of one drug, newest last, and one of another that is older than all."""
    names = ["aspirin", *["metformin"] * 12]
    return [
        {
            "resourceType": "MedicationRequest",
            "id": f"m{number}",
            "status": "active",
            "intent": "order",
            "subject": {"reference": "Patient/A"},
            "medicationCodeableConcept": {"text": name},
            "authoredOn": str(2000 + number),
        }
        for number, name in enumerate(names)
    ]


@pytest.mark.anyio
async def test_a_list_tells_what_repeats_once_and_holds_each_record() -> None:
    app = ScriptedFhir([{"resourceType": "Patient", "id": "A"}, *_orders()])
    asked = {"kind": "medications", "limit": 5}
    async with session(app, "A") as client:
        result = await client.call_tool("list_records", asked)
        headline, _, _, metformin, aspirin, *notes = text(result).splitlines()
        assert headline.startswith("recorded: 2 of 2,")
        assert (data(result)["total"], data(result)["returned"]) == (13, 5)
        refs = [row["ref"].rpartition("/")[2] for row in data(result)["rows"]]
        assert refs == ["m12", "m0", "m11", "m10", "m9"]
        assert "MedicationRequest/m12 | metformin | 2012 | 12 | 2001" in metformin
        assert "MedicationRequest/m0 | aspirin | 2000" in aspirin
        assert notes[0] == "- 13 records, 2 distinct; `text` lists each."
        assert "cursor" not in notes[-1]
        one = await client.call_tool("list_records", {**asked, "limit": 1})
        cursor = text(one).rpartition("cursor ")[2]
        following = await client.call_tool("list_records", {**asked, "limit": 1, "cursor": cursor})
        named = await client.call_tool("list_records", {**asked, "text": "metformin", "limit": 50})
    assert "aspirin" in text(following)
    assert "cursor" not in text(following)
    assert text(named).count("MedicationRequest/") == 12


@pytest.mark.anyio
async def test_the_budget_is_counted_as_the_model_that_reads_counts() -> None:
    def a_token_a_digit(text: str) -> int:
        return len(re.findall(r"\d|[^\W\d]+|[^\w\s]", text))

    app = ScriptedFhir(
        [
            {"resourceType": "Patient", "id": "A"},
            *(observation(f"o{n:02}", "A", note=[{"text": f"{n} " + "7" * 300}]) for n in range(60)),
        ]
    )
    asked = {"resource_type": "Observation", "elements": ["note"], "limit": 60}
    async with http_to(app) as http:
        server = build_server(
            FhirClient(http), ScriptedRecorder(), patient="A", now=NOW, count=a_token_a_digit
        )
        async with Client(server) as client:
            result = await client.call_tool("fhir_search", asked)
    assert 1000 < a_token_a_digit(text(result)) <= BUDGET


@pytest.mark.anyio
async def test_a_cursor_is_good_for_its_query_and_its_patient_in_any_process(
    each_store: Starlette | str,
) -> None:
    asked = {"resource_type": "Observation", "limit": 1}
    mine, other = {"patient": OKAFOR}, {"patient": "hard-henrik-olsen"}
    async with session(each_store) as client, session(each_store) as elsewhere:
        first = await client.call_tool("fhir_search", {**mine, **asked})
        cursor = {"cursor": data(first)["cursor"]}
        refused = [
            await client.call_tool("fhir_search", {**other, **asked, **cursor}),
            await client.call_tool("fhir_search", {**mine, "resource_type": "Condition", **cursor}),
            await client.call_tool("list_records", {**mine, "kind": "problems", **cursor}),
        ]
        there = await elsewhere.call_tool("fhir_search", {**mine, **asked, **cursor})
        again = await client.call_tool("fhir_search", {**mine, **asked, **cursor})
    assert all(text(result).startswith("[invalid_request] This cursor") for result in refused)
    assert data(again)["returned"] == 1
    assert data(there)["rows"] == data(again)["rows"] != data(first)["rows"]


@pytest.mark.anyio
async def test_a_record_entered_in_error_is_left_out_of_a_search_and_noted() -> None:
    app = ScriptedFhir(
        [
            {"resourceType": "Patient", "id": "A"},
            observation("1", "A"),
            observation("2", "A", status="entered-in-error"),
            observation("3", "B", note=[{"text": "Patient/A"}]),
        ]
    )
    async with session(app, "A") as client:
        found = data(await client.call_tool("fhir_search", {"resource_type": "Observation"}))
        read = data(await client.call_tool("fhir_read", {"reference": "Observation/2"}))
    assert [row["ref"] for row in found["rows"]] == ["Observation/1"]
    assert (found["total"], found["truncated"]) == (1, False)
    assert "1 records entered in error are left out." in found["notes"]
    assert "entered in error" in read["notes"][0]


@pytest.mark.anyio
async def test_a_count_that_may_hold_records_entered_in_error_is_no_total() -> None:
    pool = [
        {**order, "status": "entered-in-error" if n == 3 else "active"}
        for n, order in enumerate(_orders()[:5])
    ]

    def paged(request: Request) -> Response:
        count, at = (int(request.query_params.get(name, "0")) for name in ("_count", "at"))
        following = (
            f"{BASE}/MedicationRequest?_count={count}&at={at + count}" if at + count < len(pool) else None
        )
        page = bundle(request, pool[at : at + count], following=following)
        return fhir({**json.loads(bytes(page.body)), "total": len(pool)})

    app = ScriptedFhir([{"resourceType": "Patient", "id": "A"}], {"MedicationRequest": paged})
    asked = {"resource_type": "MedicationRequest", "limit": 2}
    standing = {"parameters": [{"name": "status:not", "value": "entered-in-error"}]}
    async with session(app, "A", base=BASE) as client:
        first = data(await client.call_tool("fhir_search", asked))
        last = data(await client.call_tool("fhir_search", {**asked, "cursor": first["cursor"]}))
        named = data(await client.call_tool("fhir_search", {**asked, **standing}))
    assert (first["total"], first["truncated"]) == (None, True)
    assert first["notes"] == ["The server counts 5 MedicationRequest records, those entered in error too."]
    assert (last["total"], last["truncated"]) == (4, False)
    assert "1 records entered in error are left out." in last["notes"]
    assert (named["total"], named["notes"]) == (5, [])


@pytest.mark.anyio
async def test_an_onset_at_an_age_is_placed_by_the_birth_date(embedded: Starlette) -> None:
    asked = {"patient": "hard-lucia-fernandes", "kind": "problems", "at": "2000-01-01"}
    async with session(embedded) as client:
        rows = data(await client.call_tool("list_records", asked))["rows"]
    told = {row["name"]: row.get("uncertain", "held") for row in rows}
    assert told["Asthma"] == "held"
    assert "Herpes zoster" not in told  # she was 57, and is 70 at its onset


@pytest.mark.anyio
async def test_an_empty_chart_is_nothing_recorded_and_no_known_allergies_is_recorded_as_none(
    embedded: Starlette, handmade: list[dict[str, Any]]
) -> None:
    no_known = next(
        resource["patient"]["reference"]
        for resource in handmade
        if resource["resourceType"] == "AllergyIntolerance" and "no-known" in resource["id"]
    )
    async with session(embedded) as client:
        found = {
            patient: data(await client.call_tool("list_records", {"patient": patient, "kind": "allergies"}))
            for patient in (no_known, "hard-unknown-trauma")
        }
    assert found[no_known]["finding"] == "recorded_as_none"
    assert found["hard-unknown-trauma"]["finding"] == "nothing_recorded"


@pytest.mark.anyio
async def test_a_record_of_an_unusual_shape_is_read_as_it_is() -> None:
    app = ScriptedFhir([{"resourceType": "Patient", "id": "A", "name": 7}])
    async with session(app, "A") as client:
        found = data(await client.call_tool("fhir_read", {"reference": "Patient/A"}))
    assert found["rows"][0]["resource"]["name"] == 7
